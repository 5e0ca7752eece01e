package salebot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/salebot-go/salebot/internal/once"
)

// Work names a piece of work: see [Client.RunOnce].
type Work struct {
	// Name tells this kind of work from all others of the project, such as "payment
	// notice" or "daily reminder"; required. It stands in the lines of the logger.
	Name string
	// Key tells this piece from others of that name, such as the number of an order;
	// required. It is kept as a digest only, and never logged.
	Key string
	// Since is when the work was given, such as the time of a notice; zero means now.
	// Work that is older than what the ledger remembers is refused.
	Since time.Time
}

// The kinds of pieces of work, whose names do not meet.
const (
	workOwn      = "work"
	workCampaign = "campaign"
)

// kindOf is the kind of the work that is asked for in a context.
func kindOf(ctx context.Context) string {
	if kind := once.KindFrom(ctx); kind != "" {
		return kind
	}
	return workOwn
}

func (w *Work) of(kind string) (once.Work, error) {
	if err := requireText("Name", w.Name); err != nil {
		return once.Work{}, err
	}
	if err := requireText("Key", w.Key); err != nil {
		return once.Work{}, err
	}
	return once.Work{Kind: kind, Name: w.Name, Key: w.Key, Since: w.Since}, nil
}

// runOnce stands for RunOnce, and for what is like it, where an error names an action.
const runOnce = "run_once"

// RunOnce runs a function until it has succeeded once, however often it is called and
// by whichever process. Use it for an order that a shop reports three times, or for a
// reminder that two servers want to send. It needs a ledger; see WithLedger.
//
//	err := client.RunOnce(ctx, salebot.Work{Name: "payment notice", Key: order}, func(ctx context.Context) error {
//		_, err := client.Callback(ctx, salebot.CallbackRequest{ClientID: id, Message: "order_paid"})
//		return err
//	})
//
// If the work was done before, RunOnce returns nil and does not call the function, which
// can set a variable if you want to know. If another call or process is working on it,
// RunOnce waits for its end, until the deadline of the context or, if there is none, for
// the time that WithTimeout allows a call; then the error is ErrInProgress.
//
// If the function failed before, or its process died, it runs again. Its calls of class
// Once that were accepted are not made a second time, but return their first result. A
// call whose outcome is not known is looked for in the client's history, and otherwise
// fails with ErrOutcomeUnknown without being made.
//
// The function must pass its context on to its calls. A call with another context, such
// as the one that RunOnce was given, is outside of the work: it is made each time the
// function runs, and nothing can notice that. So give both the name ctx, as above.
//
// The function must also make the same calls when it runs again. A call whose words may
// differ, such as an answer that a model writes, needs a name: see WithStep. Otherwise the
// error is ErrWorkChanged, and nothing is sent. Reads, and writes that may be repeated,
// are made each time.
//
// A function that only returns an error of its own asks what became of the work, and
// sends nothing: nil means done, ErrInProgress under way, ErrOutcomeUnknown that a call of
// it may have been executed, and its error alone not done, or not to the end. Ask in this
// order.
//
// Errors: that of the function; ErrInProgress; ErrWorkTooOld; ErrWorkNested if the
// function asks for its own work; ErrInvalidRequest; those of the ledger. An error of
// the function is also ErrOutcomeUnknown if that is true of one of its calls.
//
// The work is not done as long as the outcome of one of its calls is unknown, whatever the
// function returns. If the function hides that and returns nil, the error is
// ErrOutcomeUnknown; when the work is asked for again, it runs again and the call is looked
// for. If an equal call without a name follows in the same run, it counts as a repetition:
// it is looked for, and not sent a second time. Name the calls with WithStep if both are
// meant.
func (c *Client) RunOnce(ctx context.Context, work Work, fn func(ctx context.Context) error) (err error) {
	if !c.ready() {
		return notSent(runOnce, ErrNotInitialized)
	}
	var result workResult
	begun := time.Now()
	defer func() { c.logWork(ctx, work.Name, begun, &result, err) }()
	w, err := work.of(kindOf(ctx))
	if err != nil {
		return notSent(runOnce, err)
	}
	if fn == nil {
		return notSent(runOnce, invalid("fn", "is nil"))
	}
	err = errPanic
	result, err = c.runWork(ctx, w, false, fn)
	c.logUnwritten(ctx, runOnce, result.unwritten)
	return err
}

// logWork writes a line about a piece of work, without its key, which may be the number
// of a person; WithLogger lists messages and names.
func (c *Client) logWork(ctx context.Context, name string, begun time.Time, result *workResult, err error) {
	logger := c.core.config.logger
	if logger == nil {
		return
	}
	outcome, level, message := result.outcome(err), slog.LevelDebug, "salebot work"
	switch {
	case err != nil:
		level, message = slog.LevelWarn, "salebot work failed"
		if errors.Is(err, errPanic) {
			outcome = OutcomeUnknown
		}
	case rehearsing(ctx):
		outcome = OutcomeNotTried
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs, slog.String("work", name), slog.String("outcome", outcome.String()), slog.Duration("duration", time.Since(begun)))
	if result.earlier {
		attrs = append(attrs, slog.Bool("recorded", true))
	}
	for _, calls := range []struct {
		became string
		number int
	}{
		{"accepted_calls", result.tally.Accepted},
		{"recorded_calls", result.tally.Recorded},
		{"rejected_calls", result.tally.Refused},
		{"unknown_calls", result.tally.Unknown},
	} {
		if calls.number > 0 {
			attrs = append(attrs, slog.Int(calls.became, calls.number))
		}
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	logger.LogAttrs(ctx, level, message, attrs...)
}

// logUnwritten tells that what became of something could not be recorded, which is not
// a failure of the work.
func (c *Client) logUnwritten(ctx context.Context, name string, err error) {
	if err == nil || c.core.config.logger == nil {
		return
	}
	c.core.config.logger.LogAttrs(ctx, slog.LevelWarn, "salebot ledger could not record an end",
		slog.String("action", name), slog.Any("error", err))
}

// ForgetWork removes what the ledger knows of a piece of work, so that RunOnce runs it
// again and makes all its calls again. It is not an error if the ledger knows nothing
// of it. Work that a call or process is working on stays, and the error is
// ErrInProgress.
func (c *Client) ForgetWork(ctx context.Context, work Work) error {
	if !c.ready() {
		return notSent(runOnce, ErrNotInitialized)
	}
	w, err := work.of(kindOf(ctx))
	if err != nil {
		return notSent(runOnce, err)
	}
	keeper, err := c.keeper()
	if err != nil {
		return notSent(runOnce, err)
	}
	if err := keeper.Forget(ctx, w); err != nil {
		return notSent(runOnce, err)
	}
	return nil
}

// keeper returns the ledger of the client.
func (c *Client) keeper() (*once.Keeper, error) {
	switch {
	case !c.ready():
		return nil, ErrNotInitialized
	case c.core.keeper == nil:
		return nil, invalid("the client", "has no ledger: see WithLedger")
	}
	return c.core.keeper, nil
}

// workResult is what became of a piece of work.
type workResult struct {
	// earlier says that it was done before and did not run now.
	earlier bool
	tally   once.Tally
	// unwritten is why its end could not be recorded. It may then run again, but its
	// calls are recorded one by one.
	unwritten error
}

// runWork runs a piece of work that the client's ledger keeps.
func (c *Client) runWork(ctx context.Context, w once.Work, repeatUnknown bool, fn func(context.Context) error) (workResult, error) {
	keeper, err := c.keeper()
	if err != nil {
		return workResult{}, notSent(runOnce, err)
	}
	if ctx == nil {
		return workResult{}, notSent(runOnce, invalid("ctx", "is nil"))
	}
	if once.Refused(ctx) {
		return workResult{}, notSent(runOnce, ErrCallsRefused)
	}
	if rehearsing(ctx) {
		// Nothing is sent, so nothing is done.
		return runTallied(ctx, once.Counting(ctx), fn)
	}
	waiting := ctx
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, c.core.config.timeout)
		defer cancel()
	}
	run, done, err := keeper.Start(waiting, w)
	switch {
	case err != nil:
		return workResult{}, workFailure(err)
	case done:
		return workResult{earlier: true}, nil
	}
	run.RepeatUnknown = repeatUnknown
	return runTallied(ctx, run, fn)
}

// workFailure is the error of a piece of work that did not run here.
func workFailure(err error) *OpError {
	e := notSent(runOnce, err)
	if errors.Is(err, ErrInProgress) {
		// Another process may be at it right now.
		e.Outcome = OutcomeUnknown
	}
	return e
}

// runTallied runs a function and finds out from its calls what became of it.
func runTallied(ctx context.Context, run *once.Run, fn func(context.Context) error) (result workResult, err error) {
	finished := false
	defer func() {
		// Also if the function panics: then it is not done.
		if !finished {
			_, _ = run.Finish(ctx, false)
		}
	}()
	err = fn(once.With(ctx, run))
	finished = true
	pending, unwritten := run.Finish(ctx, err == nil)
	result.unwritten, result.tally = unwritten, run.Tally()
	switch {
	case err != nil && (result.tally.Unknown == 0 || errors.Is(err, ErrOutcomeUnknown)):
		return result, err
	case err != nil:
		// The function's own words hide that a call may have been executed.
	case pending == once.LeftUnderWay:
		err = errLeftUnderWay
	case pending == once.InDoubt:
		err = errInDoubt
	default:
		return result, nil
	}
	return result, &unknownWorkError{err}
}

var (
	errLeftUnderWay = fmt.Errorf("%w: the function returned while a call of it was under way, so the work is not done; wait for the calls", ErrWorkEnded)
	errInDoubt      = errors.New("salebot: the function returned no error, but a call may have been executed, so the work is not done")
)

// unknownWorkError is the failure of a piece of work in which a call may have been
// executed.
type unknownWorkError struct{ err error }

func (e *unknownWorkError) Error() string {
	return e.err.Error() + " (the outcome of a call is unknown)"
}

func (e *unknownWorkError) Unwrap() error { return e.err }

func (*unknownWorkError) Is(target error) bool { return target == ErrOutcomeUnknown }

type rehearsalKey struct{}

// Rehearse returns a context for a rehearsal. With it, reads are made as usual. All
// other calls are encoded, checked and answered by the client itself, and nothing is
// sent. So an empty text fails in the rehearsal and not in the run. The answers are
// successes of the right type, whose numbers mean nothing: a new order has the number
// 1.
func Rehearse(ctx context.Context) context.Context {
	return context.WithValue(ctx, rehearsalKey{}, true)
}

func rehearsing(ctx context.Context) bool {
	on, _ := ctx.Value(rehearsalKey{}).(bool)
	return on
}

// rehearsed is the answer to a call that is only rehearsed.
func rehearsed[T any](request *payload) T {
	var result T
	switch target := any(&result).(type) {
	case **Ack:
		*target = &Ack{}
	case **SentCallbacks:
		*target = &SentCallbacks{}
	case **Response:
		*target = &Response{Status: http.StatusOK}
	case *ClientID:
		*target = 1
	case *OrderID:
		*target = 1
	case *StateID:
		*target = 1
	case *[]LoadedClient:
		var elements []json.RawMessage
		if json.Unmarshal(request.body, &elements) == nil {
			for i := range elements {
				*target = append(*target, LoadedClient{ID: ClientID(i + 1)})
			}
		}
	}
	return result
}
