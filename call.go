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
//	middleware.go   what a user puts around calls and attempts
//	steps.go        ask the ledger, if there is one, whether it was made before, and
//	                wait until limiter and pace allow an attempt
//	exchange.go     one attempt: send, and sort what came of it
//	outcome.go      the error that tells about it
//	hooks.go        what is told about each attempt, and about the call as a whole

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
func watched[T any](ctx context.Context, w *watch, run func() (T, error)) (result T, err error) {
	err = errPanic
	if ctx == nil {
		ctx = context.Background() //nolint:contextcheck // there is none to inherit
	}
	defer func() {
		found, _ := any(result).(ClientID)
		w.end(ctx, found, err)
	}()
	result, err = run()
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
	s, request, err := c.core.config.encoded(row, opts, encode)
	if err == nil {
		row, err = s.repeatable(row)
		w.setClass(row.Class)
	}
	ctx = w.begin(ctx, &request)
	if err != nil {
		return none, notSent(row.Name, err)
	}
	call := preparedCall[T]{client: c, row: row, settings: s, request: request, decode: decode, items: items, watch: w}
	if len(c.core.config.middlewares) > 0 {
		return throughMiddlewares(ctx, call)
	}
	return call.make(ctx)
}

// preparedCall is a call that has been checked and encoded.
type preparedCall[T any] struct {
	client   *Client
	row      *action.Row
	settings *settings
	request  payload
	decode   decoder[T]
	items    *once.Items
	watch    *watch
	// answer is where the last answer goes, for a middleware; nil if nobody wants it.
	answer *Response
}

// make makes the call, unless it is known already what comes of it.
func (p *preparedCall[T]) make(ctx context.Context) (none T, err error) {
	if once.Refused(ctx) {
		return none, notSent(p.row.Name, ErrCallsRefused)
	}
	if run := once.From(ctx); run != nil {
		inside, leave, err := run.Enter(ctx)
		if err != nil {
			return none, notSent(p.row.Name, err)
		}
		defer leave()
		ctx = inside
	}
	if p.row.Class != action.Read && rehearsing(ctx) {
		p.watch.rehearsed()
		p.answered(http.StatusOK)
		return rehearsed[T](&p.request), nil
	}
	j := newJourney(ctx, p)
	if p.row.Class == action.Once || p.items != nil {
		return j.onLedger(ctx, p)
	}
	return j.run(ctx)
}

// answered tells a middleware of an answer that did not come from Salebot now.
func (p *preparedCall[T]) answered(status int) {
	if p.answer != nil {
		*p.answer = Response{Status: status, Header: http.Header{}}
	}
}

// deadline is the end of a call; zero leaves that to its context.
func (p *preparedCall[T]) deadline(ctx context.Context) time.Time {
	_, limited := ctx.Deadline()
	if p.settings.timeoutGiven || !limited && patienceOf(ctx) == nil {
		return time.Now().Add(p.settings.timeout)
	}
	return time.Time{}
}

// refused is the error of a call that could not even be prepared.
func refused(ctx context.Context, c *Client, name string, err error) error { //nolint:contextcheck // one that is missing is replaced
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

// encoded returns the settings of a call and its request.
func (c *config) encoded(row *action.Row, opts []CallOption, encode encoder) (s *settings, request payload, err error) {
	if s, err = c.forCall(opts); err != nil {
		return s, request, err
	}
	if request, err = encode(s); err != nil {
		return s, request, err
	}
	request, err = request.add(row, s.parameters)
	return s, request, err
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
	query   url.Values
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
	// answer is where the last answer goes, for a middleware; nil if nobody wants it.
	answer *Response

	// guard keeps the request from being executed twice; nil if nothing does. The
	// rest is what it needs; see steps.go. within is the context of the call with its
	// deadline, until release.
	guard     *once.Guard
	within    context.Context //nolint:containedctx // the journey lives no longer than the call
	release   context.CancelFunc
	writeBy   time.Time
	unwritten error
}

func newJourney[T any](ctx context.Context, p *preparedCall[T]) *journey[T] {
	j := &journey[T]{
		core: p.client.core, settings: p.settings, row: p.row, decode: p.decode, body: p.request.body, header: p.settings.header,
		address: p.row.Name, query: p.request.query, patience: patienceOf(ctx), deadline: p.deadline(ctx), watch: p.watch, answer: p.answer,
	}
	if len(p.request.query) > 0 {
		j.address += "?" + p.request.query.Encode()
	}
	return j
}

// run makes attempts until the call is done.
func (j *journey[T]) run(ctx context.Context) (none T, err error) {
	if j.settings.first != nil {
		if err := j.takeFirstStep(ctx); err != nil {
			return none, err
		}
	}
	loop := attempt.Loop{
		Policy:   j.settings.retry,
		Class:    j.settings.repeatClass(j.row),
		Budget:   j.core.budget,
		Deadline: j.deadline,
	}
	summary := loop.Run(ctx, func(number int, waited time.Duration) attempt.Result { return j.try(ctx, number, waited) })
	failure := summary.Err
	if j.row.Class == action.Read {
		failure = withAnswerBefore(summary.Before, failure)
	}
	if summary.Stop == attempt.StopContext {
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

// withAnswerBefore adds the answer that the attempt before got to the end of a read's
// time, which says less. Of other calls it would hide that the last attempt may have
// been executed.
func withAnswerBefore(before, failure error) error {
	timeout, ok := errors.AsType[*TransportError](failure)
	if !ok || !timeout.Timeout || !errors.As(before, new(*APIError)) {
		return failure
	}
	return then(before, failure)
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
	j.header = j.settings.header
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
