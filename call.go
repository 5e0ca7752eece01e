package salebot

import (
	"bytes"
	"context"
	"errors"
	"net/http"
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
//	hooks.go        what is told about each attempt, and
//	watch.go        about the call as a whole

// payload is the encoded request of a call.
type payload struct {
	query url.Values
	body  []byte
}

// encoder checks a request and encodes it. It does no I/O.
type encoder func(*settings) (payload, error)

// decoder reads the body of a 2xx answer, which it must not keep. It returns an
// answer.Verdict as its error if the body is a refusal or unreadable.
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
	if w := c.core.config.watch(row.Name, SafetyClass(row.Class)); w != nil {
		return watched(ctx, w, func() (T, error) { return prepared(ctx, c, row, opts, encode, decode, w) })
	}
	return prepared(ctx, c, row, opts, encode, decode, nil)
}

// watched makes a call and tells its end, also if it panics.
func watched[T any](ctx context.Context, w *watch, make func() (T, error)) (result T, err error) {
	err = errPanic
	if ctx == nil {
		ctx = context.Background()
	}
	defer func() {
		found, _ := any(result).(ClientID)
		w.end(ctx, found, err)
	}()
	result, err = make()
	return result, err
}

// errPanic is what hooks are told of a call that ends by a panic.
var errPanic = errors.New(prefix + "the call ended by a panic or by runtime.Goexit")

// prepared checks and encodes a request, and makes the call.
func prepared[T any](ctx context.Context, c *Client, row *action.Row, opts []CallOption, encode encoder, decode decoder[T], w *watch) (none T, err error) {
	if ctx == nil {
		w.begin(context.Background(), &payload{})
		return none, notSent(row.Name, invalid("ctx", "is nil"))
	}
	items := once.ItemsFrom(ctx)
	if items != nil {
		// They are for this call, and not for those of hooks.
		ctx = once.WithItems(ctx, nil)
	}
	var request payload
	s, err := c.core.config.forCall(opts)
	if err == nil {
		request, err = encode(s)
	}
	ctx = w.begin(ctx, &request)
	if err != nil {
		return none, notSent(row.Name, err)
	}
	if run := once.From(ctx); run != nil {
		inside, leave, err := run.Enter(ctx)
		if err != nil {
			return none, notSent(row.Name, err)
		}
		defer leave()
		ctx = inside
	}
	if row.Class != action.Read && rehearsing(ctx) {
		w.rehearsed()
		return rehearsed[T](&request), nil
	}
	j := newJourney(ctx, c, row, s, &request, decode)
	j.watch = w
	if row.Class == action.Once || items != nil {
		return j.onLedger(ctx, c, items, &request)
	}
	return j.run(ctx)
}

// refused is the error of a call that could not even be prepared.
func refused(ctx context.Context, c *Client, name string, err error) error {
	failure := notSent(name, err)
	if w := c.core.config.watch(name, failure.Class); w != nil {
		if ctx == nil {
			ctx = context.Background()
		}
		w.end(w.begin(ctx, &payload{}), 0, failure)
	}
	return failure
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
	// header is sent with the attempt at hand.
	header http.Header
	// deadline ends the call; zero leaves that to its context.
	deadline time.Time
	// patience is there if the call waits for the server's pace beyond its deadline.
	patience *patience
	// paceWait is the time that the call has waited for the server's pace.
	paceWait time.Duration
	// result is what the answer was decoded to.
	result T
	// watch tells hooks and logger; nil if there are none.
	watch *watch

	// guard keeps the request from being executed twice; nil if nothing does. The
	// rest is what it needs; see ledger_step.go.
	guard     *once.Guard
	writeBy   time.Time
	unwritten error
}

func newJourney[T any](ctx context.Context, c *Client, row *action.Row, s *settings, request *payload, decode decoder[T]) *journey[T] {
	j := &journey[T]{core: c.core, settings: s, row: row, decode: decode, body: request.body, header: s.header, address: row.Name, patience: patienceOf(ctx)}
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
	// What was decoded before the failure is not an answer.
	return none, e
}

// try is one attempt, as soon as limiter and pace allow it.
func (j *journey[T]) try(ctx context.Context, number int, waited time.Duration) attempt.Result {
	before := j.paceWait
	var began time.Time
	if j.core.config.limiter != nil {
		began = time.Now()
	}
	if err := j.pace(ctx); err != nil {
		return attempt.Result{Skipped: true, Err: err}
	}
	a := Attempt{
		Action: j.row.Name, Class: SafetyClass(j.row.Class), Number: number, Waited: waited, PaceWait: j.paceWait - before,
		RequestBytes: len(j.body),
	}
	if !began.IsZero() {
		a.LimiterWait = max(time.Since(began)-a.PaceWait, 0)
	}
	j.watch.trying(ctx, &a)
	result := j.recorded(ctx, &a)
	if !result.Skipped {
		j.watch.tried(&a)
	}
	return result
}

// outcomeOf is what became of a request of a class: of a read there is nothing to
// know.
func outcomeOf(class action.Class, outcome attempt.Outcome) Outcome {
	if class == action.Read && outcome == attempt.Unknown {
		return OutcomeFailed
	}
	return Outcome(outcome)
}
