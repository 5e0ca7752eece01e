package salebot

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/once"
)

// The way of a call, from top to bottom:
//
//	call.go         check and encode the request, then attempt by attempt
//	ledger_step.go  ask the ledger, if there is one, whether it was made before
//	pace_step.go    wait until limiter and pace allow an attempt
//	exchange.go     one attempt: send, and sort what came of it
//	classify.go     the error that tells about it
//	hooks.go        what is told about each attempt

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

// journey is one call on its way through its attempts.
type journey[T any] struct {
	core     *core
	settings *settings
	row      *action.Row
	decode   decoder[T]
	// address is the last part of the URL: action and query.
	address string
	body    []byte
	// deadline ends the call; zero leaves that to its context.
	deadline time.Time
	// patience is there if the call waits for the server's pace beyond its deadline.
	patience *patience
	// paceWait is the time that the call has waited for the server's pace.
	paceWait time.Duration
	// result is what the answer was decoded to.
	result T

	// guard keeps the request from being executed twice; nil if nothing does. The
	// rest is what it needs; see ledger_step.go.
	guard     *once.Guard
	writeBy   time.Time
	unwritten error
	replayed  bool
}

func newJourney[T any](ctx context.Context, c *Client, row *action.Row, s *settings, request *payload, decode decoder[T]) *journey[T] {
	j := &journey[T]{core: c.core, settings: s, row: row, decode: decode, body: request.body, address: row.Name, patience: patienceOf(ctx)}
	if len(request.query) > 0 {
		j.address += "?" + request.query.Encode()
	}
	_, limited := ctx.Deadline()
	if s.timeoutGiven || !limited && j.patience == nil {
		j.deadline = time.Now().Add(s.timeout)
	}
	return j
}

// run makes attempts until the call is done.
func (j *journey[T]) run(ctx context.Context) (none T, err error) {
	loop := attempt.Loop{
		Policy:   j.settings.retry,
		Class:    j.row.Class,
		Budget:   j.core.budget,
		Deadline: j.deadline,
	}
	summary := loop.Run(ctx, func(number int, waited time.Duration) attempt.Result { return j.try(ctx, number, waited) })
	failure := summary.Err
	if summary.Stop == attempt.StopContext && !errors.Is(failure, ctx.Err()) {
		failure = then(failure, endedContext(ctx, j.core.scrub))
	}
	if summary.Skipped != nil {
		failure = then(failure, summary.Skipped)
	}
	if failure == nil {
		return j.result, nil
	}
	e := &OpError{
		Action:   j.row.Name,
		Class:    SafetyClass(j.row.Class),
		Attempts: summary.Attempts,
		Outcome:  outcomeOf(j.row.Class, summary.Outcome),
		Stopped:  summary.Stop.String(),
		Err:      failure,
	}
	if e.Outcome == OutcomeAccepted {
		return j.result, e
	}
	// What was decoded before the failure is no answer.
	return none, e
}

// try is one attempt, as soon as limiter and pace allow it.
func (j *journey[T]) try(ctx context.Context, number int, waited time.Duration) attempt.Result {
	before := j.paceWait
	if err := j.pace(ctx); err != nil {
		return attempt.Result{Skipped: true, Err: err}
	}
	a := Attempt{
		Action: j.row.Name, Class: SafetyClass(j.row.Class), Number: number, Waited: waited, PaceWait: j.paceWait - before,
		RequestBytes: len(j.body),
	}
	return j.recorded(ctx, &a)
}

// outcomeOf is what became of a request of a class: of a read there is nothing to
// know.
func outcomeOf(class action.Class, outcome attempt.Outcome) Outcome {
	if class == action.Read && outcome == attempt.Unknown {
		return OutcomeFailed
	}
	return Outcome(outcome)
}
