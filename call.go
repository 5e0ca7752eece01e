package salebot

import (
	"bytes"
	"context"
	"net/url"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/once"
)

// The way of a call, from top to bottom:
//
//	call.go       check and encode the request
//	ledger_step.go  ask the ledger, if there is one, whether it was made before
//	journey.go    attempt by attempt: pace, hooks, one attempt, and again or not
//	exchange.go   one attempt: send, and sort what came of it
//	classify.go   the error that tells about it

// payload is the encoded request of a call.
type payload struct {
	query url.Values
	body  []byte
}

// encoder checks a request and encodes it. It does no I/O.
type encoder func(*settings) (payload, error)

// decoder reads the body of a 2xx answer, which it must not keep. It returns an
// answer.Verdict as its error where the body is a refusal or unreadable.
type decoder[T any] func(body []byte, s *settings) (T, error)

// call checks and encodes a request, sends it until it is done, and decodes the
// answer.
func call[T any](ctx context.Context, c *Client, name string, opts []CallOption, encode encoder, decode decoder[T]) (T, error) {
	row := action.MustLookup(name)
	return callRow(ctx, c, row, opts, encode, decode)
}

func callRow[T any](ctx context.Context, c *Client, row *action.Row, opts []CallOption, encode encoder, decode decoder[T]) (none T, err error) {
	if !c.ready() {
		return none, notSent(row.Name, ErrNotInitialized)
	}
	if ctx == nil {
		return none, notSent(row.Name, invalid("ctx", "is nil"))
	}
	s, err := c.core.config.forCall(opts)
	if err != nil {
		return none, notSent(row.Name, err)
	}
	request, err := encode(s)
	if err != nil {
		return none, notSent(row.Name, err)
	}
	if run := once.From(ctx); run != nil && run.Ended() {
		return none, notSent(row.Name, ErrWorkEnded)
	}
	if row.Class != action.Read && rehearsing(ctx) {
		return rehearsed[T](&request), nil
	}
	j := newJourney(ctx, c, row, s, &request, decode)
	if row.Class == action.Once || once.ItemsFrom(ctx) != nil {
		return j.onLedger(ctx, c, &request)
	}
	return j.run(ctx)
}

// callAck is call for the actions that return nothing but their success.
func callAck(ctx context.Context, c *Client, name string, opts []CallOption, encode encoder) (*Ack, error) {
	row := action.MustLookup(name)
	return callRow(ctx, c, row, opts, encode, ackDecoders[row.Answer])
}

// ackDecoders are made once, since each call would need memory for its own.
var ackDecoders = map[action.Answer]decoder[*Ack]{
	action.Acknowledgement: ackDecoder(action.Acknowledgement),
	action.Confirmation:    ackDecoder(action.Confirmation),
}

func ackDecoder(form action.Answer) decoder[*Ack] {
	return func(body []byte, _ *settings) (*Ack, error) {
		if verdict := answer.Success(body, form); verdict.Kind != answer.Accepted {
			return nil, verdict
		}
		return &Ack{Raw: bytes.Clone(body)}, nil
	}
}

// notSent is the error of a call that was given up before anything was sent.
func notSent(name string, err error) *OpError {
	e := &OpError{Action: name, Outcome: OutcomeNotSent, Err: err}
	if row := action.Lookup(name); row != nil {
		e.Class = SafetyClass(row.Class)
	}
	return e
}

// forCall returns the settings of the client with the options of one call.
func (c *config) forCall(opts []CallOption) (*settings, error) {
	if len(opts) == 0 {
		return &c.settings, nil
	}
	s := c.settings
	for _, option := range opts {
		if option == nil {
			continue
		}
		if err := option.applyToCall(&s); err != nil {
			return nil, asInvalidRequest(err)
		}
	}
	return &s, nil
}
