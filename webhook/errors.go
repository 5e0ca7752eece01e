package webhook

import (
	"errors"

	"github.com/salebot-go/salebot/webhook/schedule"
)

// Errors of the decoders. Ask for them with errors.Is.
var (
	// ErrEmptyBody says that a body has nothing in it but space.
	ErrEmptyBody = errors.New("webhook: the body is empty")
	// ErrMalformed says that a body is neither JSON nor a form, or breaks off.
	ErrMalformed = errors.New("webhook: malformed body")
	// ErrTooDeep says that a body is nested more deeply than it may be.
	ErrTooDeep = errors.New("webhook: the body is nested too deeply")
	// ErrNotProjectWebhook says that a body can be read but is not one of the
	// project's webhook: it has neither is_input nor a client as the webhook
	// describes it. It may come from an "API request" block: see DecodeFlat.
	ErrNotProjectWebhook = errors.New("webhook: not a body of the project webhook")
	// ErrProjectWebhook says that a body which should be one of an "API request"
	// block comes from the project's webhook: see Decode.
	ErrProjectWebhook = errors.New("webhook: a body of the project webhook, not of an API request block")
	// ErrBodyTooLarge says that a body is larger than it may be.
	ErrBodyTooLarge = errors.New("webhook: the body is too large")
)

// Errors of inboxes.
var (
	// ErrClosed says that the inbox was closed.
	ErrClosed = schedule.ErrClosed
	// ErrFull says that the inbox keeps as much as it may.
	ErrFull = errors.New("webhook: the inbox is full")
	// ErrInboxBroken says that the inbox can take and hand out nothing until it is
	// opened again, for example because its disk failed.
	ErrInboxBroken = errors.New("webhook: the inbox has to be opened again")
	// ErrLeaseLost says that a delivery is not leased any more: its lease ran out,
	// or it was settled before.
	ErrLeaseLost = schedule.ErrLeaseLost
)
