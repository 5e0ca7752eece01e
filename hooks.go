package salebot

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/wire"
)

// SafetyClass says what a second execution of an action does, and so whether a
// failed call may be repeated. The zero value is Once, the most careful class.
type SafetyClass uint8

const (
	// Once actions, if executed twice, may reach a person twice or start a flow again.
	// They are repeated only if the request was provably not executed.
	Once = SafetyClass(action.Once)
	// Idempotent actions write, but a repetition changes nothing.
	Idempotent = SafetyClass(action.Idempotent)
	// Read actions change nothing.
	Read = SafetyClass(action.Read)
)

// String returns the name of the class in lower case.
func (c SafetyClass) String() string {
	if c > Read {
		return "class " + strconv.Itoa(int(c))
	}
	return action.Class(c).String()
}

// MarshalText is String.
func (c SafetyClass) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Attempt describes one HTTP request of a call. It never holds the key, a URL
// or a body.
type Attempt struct {
	// Action is Salebot's name of the action.
	Action string
	// Class is the safety class of the call.
	Class SafetyClass
	// Number counts the attempts of the call from 1.
	Number int
	// Method is the HTTP method.
	Method string
	// Host is the host of the base URL, with its port if it names one.
	Host string
	// Path is the path of the request with a placeholder for the key, such as
	// "/api/{api_key}/message".
	Path string
	// Waited is the time spent before this attempt because of the one before.
	Waited time.Duration
	// PaceWait is the time spent before this attempt because the server had asked for
	// a slower pace, this call or another of the client.
	PaceWait time.Duration
	// LimiterWait is the time spent before this attempt for the client's own limiter
	// (WithRateLimit, WithLimiter).
	LimiterWait time.Duration
	// RequestBytes is the size of the body that is sent.
	RequestBytes int

	// The rest is known after the attempt.

	// Status is the HTTP status; 0 if no answer came.
	Status int
	// Outcome is what became of this attempt.
	Outcome Outcome
	// Duration is the time from the first byte to the last.
	Duration time.Duration
	// ResponseBytes is the size of the body that came.
	ResponseBytes int
	// UnreadFields counts the fields of the answer that came in a form which this
	// package does not understand; the records of the result list them in Unread.
	UnreadFields int
	// Err is the failure of this attempt; nil if it succeeded.
	Err error
}

// Call describes a call of a client, which consists of any number of attempts. It never
// holds the key, a URL or a body.
type Call struct {
	// Action is Salebot's name of the action.
	Action string
	// Class is the safety class of the call.
	Class SafetyClass
	// ClientID is the client that the call is for; 0 if there is none, or several. Of a
	// look-up it is the client that was found, and known at the end.
	ClientID ClientID

	// The rest is known at the end.

	// Attempts counts the requests that were sent; 0 if the call was refused before, or
	// was answered from a ledger, in a rehearsal or by a middleware.
	Attempts int
	// Status is the HTTP status of the last answer; 0 if none came.
	Status int
	// Outcome is what became of the call: OutcomeAccepted if it succeeded, and
	// OutcomeNotTried in a rehearsal.
	Outcome Outcome
	// Duration is the time of the whole call, with all waits.
	Duration time.Duration
	// Waited is the time spent between attempts because one had failed.
	Waited time.Duration
	// PaceWait is the time spent because the server had asked for a slower pace.
	PaceWait time.Duration
	// LimiterWait is the time spent for the client's own limiter.
	LimiterWait time.Duration
	// UnreadFields counts the fields of the answer that came in a form which this
	// package does not understand.
	UnreadFields int
	// Recorded says that the answer comes from a ledger: the call was executed before.
	Recorded bool
	// Err is the error that the call returned; nil if it succeeded.
	Err error
}

// Hook observes the calls of a client and their attempts. Any function may be nil; all
// may be called from many goroutines at once. Several hooks nest in the order of their
// options.
//
// The calls are those of actions: an iterator or a bulk run makes many. A hook sees
// neither parameters nor answers; see WithMiddleware for those.
type Hook struct {
	// BeforeCall is called when a call begins, and returns the context to use for it,
	// for example with a span. Returning nil leaves the context as it is.
	BeforeCall func(ctx context.Context, call Call) context.Context
	// AfterCall is called when a call ends, with the context of BeforeCall: also if the
	// call was refused before anything was sent, and if it ends by a panic.
	AfterCall func(ctx context.Context, call Call)
	// Before is called before each attempt and returns the context to use for
	// it, for example with a span. Returning nil leaves the context as it is.
	Before func(ctx context.Context, attempt Attempt) context.Context
	// Headers is called after Before, with its context, and returns headers to send with
	// the attempt, such as traceparent. What WithHeader refuses is refused here too: the
	// attempt then fails, and is not sent.
	Headers func(ctx context.Context, attempt Attempt) http.Header
	// After is called after each attempt, with the context of Before.
	After func(ctx context.Context, attempt Attempt)
}

func (h *Hook) isEmpty() bool {
	return h.BeforeCall == nil && h.AfterCall == nil && h.Before == nil && h.Headers == nil && h.After == nil
}

// observed is an attempt with hooks around it.
func (j *journey[T]) observed(ctx context.Context, a *Attempt) attempt.Result {
	if j.watch == nil {
		return j.exchange(ctx, a)
	}
	hooks, base := j.core.config.hooks, j.core.config.baseURL
	if len(hooks) > 0 {
		a.Method, a.Host, a.Path = j.row.Method(), base.Host, base.EscapedPath()+"/{api_key}/"+j.row.Name
	}
	contexts := make([]context.Context, len(hooks))
	var refused error
	for i := range hooks {
		if before := hooks[i].Before; before != nil {
			if inner := before(ctx, *a); inner != nil {
				ctx = inner
			}
		}
		contexts[i] = ctx
		if headers := hooks[i].Headers; headers != nil && refused == nil {
			j.header, refused = addHeaders(j.header, headers(ctx, *a), j.core.scrub)
		}
	}
	start := time.Now()
	result := attempt.Result{Outcome: attempt.NotSent, Done: true, Err: refused}
	if refused == nil {
		result = j.exchange(ctx, a)
	}
	a.Duration, a.Outcome, a.Err = time.Since(start), outcomeOf(j.row.Class, result.Outcome), result.Err
	if result.Outcome == attempt.Accepted {
		a.UnreadFields = countUnread(j.result)
	}
	for i, inner := range slices.Backward(contexts) {
		if after := hooks[i].After; after != nil {
			after(inner, *a)
		}
	}
	return result
}

// watch tells hooks and logger about one call. A nil watch tells nobody.
type watch struct {
	hooks    []Hook
	logger   *slog.Logger
	call     Call
	contexts []context.Context
	start    time.Time
	// last is the latest attempt, if there was one.
	last Attempt
}

// watch returns what is to be told of a call; nil if nobody wants to know.
func (c *config) watch(name string, class SafetyClass) *watch {
	if len(c.hooks) == 0 && c.logger == nil {
		return nil
	}
	return &watch{hooks: c.hooks, logger: c.logger, call: Call{Action: name, Class: class}, start: time.Now()}
}

// begin tells that the call begins, and returns the context to make it with.
func (w *watch) begin(ctx context.Context, request *payload) context.Context {
	if w == nil {
		return ctx
	}
	w.call.ClientID = clientOf(request)
	w.contexts = make([]context.Context, 0, len(w.hooks))
	for i := range w.hooks {
		if before := w.hooks[i].BeforeCall; before != nil {
			if inner := before(ctx, w.call); inner != nil {
				ctx = inner
			}
		}
		w.contexts = append(w.contexts, ctx)
	}
	return ctx
}

// clientOf is the one client that a request is for; 0 if there is none.
func clientOf(request *payload) ClientID {
	const name = "client_id"
	if text := request.query.Get(name); text != "" {
		// What is not a number there leaves it 0.
		id, _ := strconv.ParseInt(text, 10, 64)
		return ClientID(id)
	}
	var id ClientID
	// A body in another form names no client.
	for key, value := range wire.Pairs(request.body) {
		if key != name {
			continue
		}
		if id.UnmarshalJSON(value) != nil {
			return 0
		}
		break
	}
	return id
}

// trying is told before each attempt, after the waits for it.
func (w *watch) trying(ctx context.Context, a *Attempt) {
	if w == nil {
		return
	}
	if w.call.Attempts > 0 {
		w.logRepeated(ctx, a.Waited+a.PaceWait+a.LimiterWait)
	}
	w.call.Waited += a.Waited
	w.call.PaceWait += a.PaceWait
	w.call.LimiterWait += a.LimiterWait
}

// tried is told after each attempt.
func (w *watch) tried(a *Attempt) {
	if w == nil {
		return
	}
	w.last = *a
	w.call.Attempts++
	w.call.Status, w.call.UnreadFields = a.Status, a.UnreadFields
}

// setClass is told the class that the call was given.
func (w *watch) setClass(class action.Class) {
	if w != nil {
		w.call.Class = SafetyClass(class)
	}
}

// recorded is told that the answer comes from the ledger.
func (w *watch) recorded() {
	if w != nil {
		w.call.Recorded = true
	}
}

// rehearsed is told that nothing is sent.
func (w *watch) rehearsed() {
	if w != nil {
		w.call.Outcome = OutcomeNotTried
	}
}

// end tells what became of the call.
func (w *watch) end(ctx context.Context, found ClientID, err error) { //nolint:contextcheck // those of the hooks are made of ctx
	w.call.Duration, w.call.Err = time.Since(w.start), err
	var op *OpError
	switch {
	case err == nil && w.call.Outcome == OutcomeUnknown:
		w.call.Outcome = OutcomeAccepted
	case errors.As(err, &op):
		w.call.Outcome = op.Outcome
	case err != nil && w.call.Class == Read:
		w.call.Outcome = OutcomeFailed
	}
	if w.call.ClientID == 0 {
		w.call.ClientID = found
	}
	for i, inner := range slices.Backward(w.contexts) {
		if after := w.hooks[i].AfterCall; after != nil {
			after(inner, w.call)
		}
	}
	if len(w.contexts) > 0 {
		// A handler may take from it what any of the hooks has put in.
		ctx = w.contexts[len(w.contexts)-1]
	}
	w.log(ctx)
}

// The messages and names of attributes are part of what users rely on; WithLogger lists
// them.

// log writes a line about the call.
func (w *watch) log(ctx context.Context) {
	if w.logger == nil {
		return
	}
	c := &w.call
	level, text := slog.LevelDebug, "salebot call"
	switch {
	case c.Err != nil:
		level, text = slog.LevelWarn, "salebot call failed"
	case c.UnreadFields > 0:
		level, text = slog.LevelWarn, "salebot answer was not understood entirely"
	}
	if !w.logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs, slog.String("action", c.Action))
	if c.ClientID != 0 {
		attrs = append(attrs, slog.Int64("client", int64(c.ClientID)))
	}
	attrs = append(attrs,
		slog.String("outcome", c.Outcome.String()),
		slog.Int("attempts", c.Attempts),
		slog.Duration("duration", c.Duration),
	)
	if c.Status != 0 {
		attrs = append(attrs, slog.Int("status", c.Status))
	}
	for _, wait := range []struct {
		name string
		time time.Duration
	}{{"waited", c.Waited}, {"pace_wait", c.PaceWait}, {"limiter_wait", c.LimiterWait}} {
		if wait.time > 0 {
			attrs = append(attrs, slog.Duration(wait.name, wait.time))
		}
	}
	if c.UnreadFields > 0 {
		attrs = append(attrs, slog.Int("unread_fields", c.UnreadFields))
	}
	if c.Recorded {
		attrs = append(attrs, slog.Bool("recorded", true))
	}
	if c.Err != nil {
		attrs = append(attrs, slog.Any("error", c.Err))
	}
	w.logger.LogAttrs(ctx, level, text, attrs...)
}

// logRepeated writes a line about an attempt that failed, when the next one begins.
func (w *watch) logRepeated(ctx context.Context, waited time.Duration) {
	if w.logger == nil || !w.logger.Enabled(ctx, slog.LevelWarn) {
		return
	}
	a := &w.last
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("action", a.Action))
	if w.call.ClientID != 0 {
		attrs = append(attrs, slog.Int64("client", int64(w.call.ClientID)))
	}
	attrs = append(attrs,
		slog.String("outcome", a.Outcome.String()),
		slog.Int("attempt", a.Number),
		slog.Duration("duration", a.Duration),
	)
	if a.Status != 0 {
		attrs = append(attrs, slog.Int("status", a.Status))
	}
	attrs = append(attrs, slog.Duration("waited", waited), slog.Any("error", a.Err))
	w.logger.LogAttrs(ctx, slog.LevelWarn, "salebot attempt failed and is repeated", attrs...)
}
