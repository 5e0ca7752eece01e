package salebot

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/record"
	"github.com/salebot-go/salebot/internal/wire"
)

// SendCallbackByPlatformIDRequest starts the bot for many clients, who are known
// by their ids in the messenger.
type SendCallbackByPlatformIDRequest struct {
	// PlatformIDs are the persons, at most 300; required. Ids that the project
	// does not know are skipped by Salebot.
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
	// Started is the number of callbacks that Salebot started, which skips ids that the
	// project does not know: 0 is a success that reached nobody. It is nil if the
	// answer does not say. Which of the ids were skipped no answer says.
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
		if object := wire.Trim(body); len(object) > 0 && object[0] == '{' {
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
