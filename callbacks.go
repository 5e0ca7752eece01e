// This file is longer than 400 lines: the ways to start the bot differ in a field or two,
// and are easier to compare side by side.

package salebot

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/record"
	"github.com/salebot-go/salebot/internal/wire"
)

// A callback starts the bot, or tells it that something happened: the flow
// reacts to its text, which the client does not see.
//
// The eight actions are in one file, although it has more than 400 lines: they
// differ in little, and a reader compares them.

// CallbackRequest starts the bot for a client who is known by exactly one of
// ClientID, Phone and Email.
type CallbackRequest struct {
	// ClientID is the client.
	ClientID ClientID
	// Phone finds the client by phone.
	Phone string
	// Email finds the client by e-mail.
	Email string
	// Message is the callback's text; required.
	Message string
	// ResumeBot ends a pause of the bot for this client.
	ResumeBot bool
	// After delays the callback; zero means at once.
	After time.Duration
	// At delays the callback to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
	// Variables are saved along with the callback; see SaveVariablesRequest. The
	// names of the action's own parameters are refused.
	Variables map[string]any
}

func (r *CallbackRequest) encode(s *settings) (payload, error) {
	var o wire.Object
	given := 0
	if r.ClientID != 0 {
		if err := requireClient("ClientID", r.ClientID); err != nil {
			return payload{}, err
		}
		given++
		o.Int("client_id", int64(r.ClientID))
	}
	for _, target := range []struct{ name, value string }{{"client_phone", r.Phone}, {"client_email", r.Email}} {
		if target.value != "" {
			given++
			o.Text(target.name, target.value)
		}
	}
	switch {
	case given == 0:
		return payload{}, invalid("ClientID", "is required, unless Phone or Email is set")
	case given > 1:
		return payload{}, invalid("ClientID", "cannot be combined with Phone or Email, nor these with each other")
	}
	return callbackParts{r.Message, r.ResumeBot, r.After, r.At, r.Variables}.encode(&o, s, "callback")
}

// callbackParts are what all callbacks have in common.
type callbackParts struct {
	message   string
	resume    bool
	after     time.Duration
	at        time.Time
	variables map[string]any
}

// encode adds the parts to what is particular to an action.
func (p callbackParts) encode(o *wire.Object, s *settings, name string) (payload, error) {
	if err := requireText("Message", p.message); err != nil {
		return payload{}, err
	}
	o.Text("message", p.message)
	if p.resume {
		o.True("resume_bot")
	}
	if err := putSchedule(o, s, p.after, p.at); err != nil {
		return payload{}, err
	}
	if err := putVariables(o, action.MustLookup(name), p.variables); err != nil {
		return payload{}, err
	}
	return payload{body: o.Bytes()}, nil
}

// Callback starts the bot for a client, or tells it about an event.
//
// Salebot action: callback. Class: Once. Answer: observed (the text "ok").
// Errors: ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) Callback(ctx context.Context, request CallbackRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "callback", opts, request.encode)
}

// VKCallbackRequest starts the bot for a VK user.
type VKCallbackRequest struct {
	// UserID is the user's VK id; required.
	UserID PlatformID
	// GroupID is the VK community; required.
	GroupID GroupID
	// Message is the callback's text; required.
	Message string
	// ResumeBot ends a pause of the bot for this client.
	ResumeBot bool
	// After delays the callback; zero means at once.
	After time.Duration
	// At delays the callback to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
	// Variables are saved along with the callback; see CallbackRequest.
	Variables map[string]any
}

func (r *VKCallbackRequest) encode(s *settings) (payload, error) {
	var o wire.Object
	if err := putUser(&o, r.UserID, r.GroupID); err != nil {
		return payload{}, err
	}
	return callbackParts{r.Message, r.ResumeBot, r.After, r.At, r.Variables}.encode(&o, s, "vk_callback")
}

func putUser(o *wire.Object, user PlatformID, group GroupID) error {
	if err := requireText("UserID", string(user)); err != nil {
		return err
	}
	if err := requireText("GroupID", string(group)); err != nil {
		return err
	}
	o.Text("user_id", string(user))
	o.Text("group_id", string(group))
	return nil
}

// VKCallback starts the bot for a VK user.
//
// Salebot action: vk_callback. Class: Once. Answer: observed (the text "ok").
// Errors: ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) VKCallback(ctx context.Context, request VKCallbackRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "vk_callback", opts, request.encode)
}

// WhatsAppCallbackRequest starts the WhatsApp bot for a phone number.
type WhatsAppCallbackRequest struct {
	// Phone is the person's number; required.
	Phone string
	// Name is the person's name; optional.
	Name string
	// BotID names the WhatsApp bot; optional if the project has only one.
	BotID BotID
	// Message is the callback's text; required.
	Message string
	// ResumeBot ends a pause of the bot for this client.
	ResumeBot bool
	// After delays the callback; zero means at once.
	After time.Duration
	// At delays the callback to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
	// Variables are saved along with the callback; see CallbackRequest.
	Variables map[string]any
}

func (r *WhatsAppCallbackRequest) encode(s *settings) (payload, error) {
	if err := requireText("Phone", r.Phone); err != nil {
		return payload{}, err
	}
	var o wire.Object
	o.Text("phone", r.Phone)
	putText(&o, "name", r.Name)
	putText(&o, "bot_id", string(r.BotID))
	return callbackParts{r.Message, r.ResumeBot, r.After, r.At, r.Variables}.encode(&o, s, "whatsapp_callback")
}

// WhatsAppCallback starts the WhatsApp bot for a phone number. Whether a client
// is created for an unknown number is not documented.
//
// Salebot action: whatsapp_callback. Class: Once. Answer: observed (the text
// "ok"). Errors: ErrInvalidRequest and those of every call.
func (c *Client) WhatsAppCallback(ctx context.Context, request WhatsAppCallbackRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "whatsapp_callback", opts, request.encode)
}

// OKCallbackRequest starts the bot for an Odnoklassniki user.
type OKCallbackRequest struct {
	// UserID is the user's Odnoklassniki id; required.
	UserID PlatformID
	// GroupID is the Odnoklassniki group; required.
	GroupID GroupID
	// Name is the person's name; optional.
	Name string
	// Message is the callback's text; required.
	Message string
	// ResumeBot ends a pause of the bot for this client.
	ResumeBot bool
	// After delays the callback; zero means at once.
	After time.Duration
	// At delays the callback to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
	// Variables are saved along with the callback; see CallbackRequest.
	Variables map[string]any
}

func (r *OKCallbackRequest) encode(s *settings) (payload, error) {
	var o wire.Object
	if err := putUser(&o, r.UserID, r.GroupID); err != nil {
		return payload{}, err
	}
	putText(&o, "name", r.Name)
	return callbackParts{r.Message, r.ResumeBot, r.After, r.At, r.Variables}.encode(&o, s, "ok_callback")
}

// OKCallback starts the bot for an Odnoklassniki user.
//
// Salebot action: ok_callback. Class: Once. Answer: observed (the text "ok").
// Errors: ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) OKCallback(ctx context.Context, request OKCallbackRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "ok_callback", opts, request.encode)
}

// TGCallbackRequest starts the bot for a Telegram user.
type TGCallbackRequest struct {
	// UserID is the user's Telegram id, not Salebot's ClientID; required.
	UserID PlatformID
	// GroupID is the user name of the bot, without the @; required.
	GroupID GroupID
	// Message is the callback's text; required.
	Message string
	// ResumeBot ends a pause of the bot for this client.
	ResumeBot bool
	// After delays the callback; zero means at once.
	After time.Duration
	// At delays the callback to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
	// Variables are saved along with the callback; see CallbackRequest.
	Variables map[string]any
}

func (r *TGCallbackRequest) encode(s *settings) (payload, error) {
	if strings.HasPrefix(string(r.GroupID), "@") {
		return payload{}, invalid("GroupID", "is the bot's user name without the @")
	}
	var o wire.Object
	if err := putUser(&o, r.UserID, r.GroupID); err != nil {
		return payload{}, err
	}
	return callbackParts{r.Message, r.ResumeBot, r.After, r.At, r.Variables}.encode(&o, s, "tg_callback")
}

// TGCallback starts the bot for a Telegram user.
//
// Salebot action: tg_callback. Class: Once. Answer: observed (the text "ok").
// Errors: ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) TGCallback(ctx context.Context, request TGCallbackRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "tg_callback", opts, request.encode)
}

// EmailCallbackRequest starts the e-mail bot for an address.
type EmailCallbackRequest struct {
	// Email is the person's address; required.
	Email string
	// BotEmail is the address of the bot; optional if the project has only one. The API
	// calls it email_id_bot.
	BotEmail string
	// Name is the person's name; optional.
	Name string
	// Message is the callback's text; required.
	Message string
	// ResumeBot ends a pause of the bot for this client.
	ResumeBot bool
	// After delays the callback; zero means at once.
	After time.Duration
	// At delays the callback to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
	// Variables are saved along with the callback; see CallbackRequest.
	Variables map[string]any
}

func (r *EmailCallbackRequest) encode(s *settings) (payload, error) {
	if err := requireText("Email", r.Email); err != nil {
		return payload{}, err
	}
	var o wire.Object
	o.Text("email", r.Email)
	putText(&o, "email_id_bot", r.BotEmail)
	putText(&o, "name", r.Name)
	return callbackParts{r.Message, r.ResumeBot, r.After, r.At, r.Variables}.encode(&o, s, "email_callback")
}

// EmailCallback starts the e-mail bot for an address. A client is created for an
// unknown address.
//
// Salebot action: email_callback. Class: Once. Answer: observed (the text "ok").
// Errors: ErrInvalidRequest and those of every call.
func (c *Client) EmailCallback(ctx context.Context, request EmailCallbackRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "email_callback", opts, request.encode)
}

// MAXCallbackRequest starts the bot for a chat in the messenger MAX.
type MAXCallbackRequest struct {
	// ChatID is the id of the chat in MAX, which is not the id of the user;
	// required. The API calls it platform_id.
	ChatID PlatformID
	// GroupID is the name of the bot in MAX; required.
	GroupID GroupID
	// Message is the callback's text; required.
	Message string
	// ResumeBot ends a pause of the bot for this client.
	ResumeBot bool
	// After delays the callback; zero means at once.
	After time.Duration
	// At delays the callback to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
	// Variables are saved along with the callback; see CallbackRequest.
	Variables map[string]any
}

func (r *MAXCallbackRequest) encode(s *settings) (payload, error) {
	if err := requireText("ChatID", string(r.ChatID)); err != nil {
		return payload{}, err
	}
	if err := requireText("GroupID", string(r.GroupID)); err != nil {
		return payload{}, err
	}
	var o wire.Object
	o.Text("platform_id", string(r.ChatID))
	o.Text("group_id", string(r.GroupID))
	return callbackParts{r.Message, r.ResumeBot, r.After, r.At, r.Variables}.encode(&o, s, "max_callback")
}

// MAXCallback starts the bot for a chat in the messenger MAX.
//
// Salebot action: max_callback. Class: Once. Answer: assumed (any
// acknowledgement, an empty one too). Errors: ErrInvalidRequest,
// ErrClientNotFound and those of every call.
func (c *Client) MAXCallback(ctx context.Context, request MAXCallbackRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "max_callback", opts, request.encode)
}

// SendCallbackByPlatformIDRequest starts the bot for many clients, who are known
// by their ids in the messenger.
type SendCallbackByPlatformIDRequest struct {
	// PlatformIDs are the people's ids, at most 300; required. Salebot skips ids that
	// the project does not know.
	PlatformIDs []PlatformID
	// CallbackText is the callback's text; required.
	CallbackText string
	// GroupID restricts the call to a bot; optional.
	GroupID GroupID
	// After delays the callbacks; zero means at once.
	After time.Duration
	// At delays the callbacks to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
}

func (r *SendCallbackByPlatformIDRequest) encode(s *settings) (payload, error) {
	limit := action.MustLookup("send_callback_by_platform_id").BatchLimit
	switch {
	case len(r.PlatformIDs) == 0:
		return payload{}, invalid("PlatformIDs", "is empty")
	case len(r.PlatformIDs) > limit:
		return payload{}, invalid("PlatformIDs", "has more than "+strconv.Itoa(limit)+" ids, which is the most for one request")
	}
	var o wire.Object
	if err := putPlatformIDs(&o, "platform_ids", "PlatformIDs", r.PlatformIDs); err != nil {
		return payload{}, err
	}
	if err := requireText("CallbackText", r.CallbackText); err != nil {
		return payload{}, err
	}
	o.Text("callback_text", r.CallbackText)
	putText(&o, "group_id", string(r.GroupID))
	if err := putSchedule(&o, s, r.After, r.At); err != nil {
		return payload{}, err
	}
	return payload{body: o.Bytes()}, nil
}

// SentCallbacks is the answer to SendCallbackByPlatformID.
type SentCallbacks struct {
	// Ack is the answer in its own words.
	Ack
	// Started is the number of callbacks that Salebot started. It skips ids that the
	// project does not know, so 0 is a success that reached nobody. It is nil if the
	// answer does not say. No answer says which ids were skipped.
	Started *int
	// Unread names the fields, as Salebot calls them, that came in a form which this
	// package does not understand.
	Unread []string
}

// sentCallbacks is how SentCallbacks travel, if the answer is an object.
var sentCallbacks = record.New(
	record.Meta[SentCallbacks]{Unread: func(c *SentCallbacks) *[]string { return &c.Unread }},
	record.Value(func(c *SentCallbacks, value []byte) error {
		n, err := record.Positive(value)
		if c.Started = nil; err == nil && !isUnset(value) {
			c.Started = new(int(n))
		}
		return err
	}, "callback_sended"), // so Salebot spells it
)

// SendCallbackByPlatformID starts the bot for many clients at once. The answer may say
// for how many: compare SentCallbacks.Started with the number of ids.
//
// Salebot action: send_callback_by_platform_id. Class: Once. Answer: assumed (the
// number of callbacks, or any acknowledgement, an empty one too). Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) SendCallbackByPlatformID(ctx context.Context, request SendCallbackByPlatformIDRequest, opts ...CallOption) (*SentCallbacks, error) {
	const name = "send_callback_by_platform_id"
	return call(ctx, c, name, opts, request.encode, func(body []byte, s *settings) (*SentCallbacks, error) {
		if verdict := answer.Success(body, action.MustLookup(name).Answer); verdict.Kind != answer.Accepted {
			return nil, verdict
		}
		sent := &SentCallbacks{}
		if object := answer.DataObject(body, "callback_sended"); len(object) > 0 && object[0] == '{' {
			read, err := sentCallbacks.One(object, record.Options{Strict: s.strict})
			if err != nil {
				return nil, err
			}
			sent = &read
		}
		sent.Raw = bytes.Clone(body)
		return sent, nil
	})
}
