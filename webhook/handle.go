package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/once"
	"github.com/salebot-go/salebot/internal/text"
	"github.com/salebot-go/salebot/internal/wait"
)

// Permanent marks an error as one that repetition does not mend: an event whose
// handling returns it becomes a dead letter at once. A nil error stays nil. An error
// that is salebot.ErrOutcomeUnknown counts as one by itself; see WithRepeatUnknown.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether an error is one of Permanent.
func IsPermanent(err error) bool {
	_, is := errors.AsType[*permanentError](err)
	return is
}

// RetryAfter marks an error as one after which the event should be tried again after
// the given time, instead of that of the RetryPolicy. The time is at most an hour, or
// the policy's MaxDelay if that is longer. A nil error stays nil.
func RetryAfter(err error, delay time.Duration) error {
	if err == nil {
		return nil
	}
	return &delayedError{err, delay}
}

type delayedError struct {
	err  error
	wait time.Duration
}

func (e *delayedError) Error() string { return e.err.Error() }
func (e *delayedError) Unwrap() error { return e.err }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// PanicError is the failure of an event over which the handler's function
// panicked.
type PanicError struct {
	// Value is what the function panicked with.
	Value any
	// Stack is the stack of the panic, as text.
	Stack []byte
}

// Error describes the value, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("webhook: panic: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Failures of events that are not errors of the handler's function.
var (
	// ErrNotUnderstood says that nothing in an event tells in a known way who wrote
	// it, because is_input is missing or odd. Such an event is kept and becomes a dead
	// letter, since to take it for a person's message, or for none, would be a guess.
	ErrNotUnderstood = errors.New("webhook: the event does not say in a known way who wrote it")
	// ErrTooOld says that an event is older than WithMaxAge allows.
	ErrTooOld = errors.New("webhook: the event is older than the max age")

	errExited   = errors.New("webhook: the function ended its goroutine")
	errAttempts = errors.New("webhook: the attempts before did not end: the process died, or the time ran out")
)

// notUnderstood is ErrNotUnderstood with the names of the fields that are odd.
func notUnderstood(event *Event) error {
	if len(event.Unread) == 0 {
		return ErrNotUnderstood
	}
	return fmt.Errorf("%w; unread fields: %s", ErrNotUnderstood, strings.Join(event.Unread, ", "))
}

// interruptions is how many attempts may come on top of RetryPolicy.MaxAttempts, for
// those that were cut short: their count does not tell them from those that failed.
const interruptions = 3

// leaseDuration is the time after which an event that was begun is begun again.
func (c *config) leaseDuration() time.Duration { return c.eventTimeout + 2*c.putTimeout }

// handle does one attempt with an event.
func (h *Handler) handle(ctx context.Context, delivery Delivery) {
	start := time.Now()
	step := Step{
		Kind: StepHandle, Endpoint: h.endpoint, ClientID: delivery.ClientID, MessageID: delivery.MessageID, Sequence: delivery.Sequence,
		Attempt: delivery.Attempt, Waited: start.Sub(delivery.AcceptedAt), BodySize: len(delivery.Body),
	}
	hooked := h.before(ctx, step)
	// Replaced when the function returns or panics; what is left is a function that
	// ended its goroutine, over which only deferred calls are made.
	err := errExited
	// The calls are counted, since an error of the function may hide what they came to.
	calls := once.Counting(hooked)
	defer func() {
		v := h.judge(ctx, delivery, err, calls.Tally().Unknown > 0)
		step.Duration, step.Err, step.Result = time.Since(start), err, v.result()
		h.after(hooked, step)
		h.settle(ctx, delivery, v)
	}()
	handling := context.WithValue(once.With(hooked, calls), deliveryKey{}, &handed{h.inbox, delivery})
	limited, cancel := context.WithTimeout(handling, h.eventTimeout)
	defer cancel()
	err = h.call(limited, delivery, &step)
}

// call calls the handler's function and turns a panic into an error.
func (h *Handler) call(ctx context.Context, delivery Delivery, step *Step) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	event, err := h.open(delivery)
	if err != nil {
		return Permanent(err)
	}
	step.Unread = event.Unread
	return h.run(ctx, &delivery, event)
}

// open returns the event of a delivery, or why it is not handed to the function.
func (h *Handler) open(delivery Delivery) (*Event, error) {
	if delivery.Attempt > h.retry.MaxAttempts+interruptions {
		return nil, errAttempts
	}
	event, err := decode([]byte(delivery.Body), deepestBody)
	if err != nil {
		// It was decoded before it was kept.
		return nil, err
	}
	event.Recovered, event.serviceTexts = delivery.Recovered, &h.serviceTexts
	event.Sequence, event.Attempt, event.AcceptedAt = delivery.Sequence, delivery.Attempt, delivery.AcceptedAt
	if h.classify(event) == puzzling {
		return nil, notUnderstood(event)
	}
	if h.tooOld(delivery) {
		return nil, ErrTooOld
	}
	return event, nil
}

// tooOld reports whether WithMaxAge keeps an event from the function.
func (h *Handler) tooOld(delivery Delivery) bool {
	if h.maxAge == 0 || time.Since(delivery.AcceptedAt) <= h.maxAge {
		return false
	}
	_, redriven := h.redriven.Load(delivery.Sequence)
	return !redriven
}

// settle tells the inbox what became of an event.
func (h *Handler) settle(ctx context.Context, delivery Delivery, v verdict) {
	log := func(level slog.Level, message string, err error) {
		all := []slog.Attr{
			slog.Int64("sequence", delivery.Sequence), slog.Int64("message_id", int64(delivery.MessageID)), slog.Int64("client_id", int64(delivery.ClientID)),
			slog.Int("attempt", delivery.Attempt), slog.Any("error", err),
		}
		if panicked := (*PanicError)(nil); errors.As(err, &panicked) {
			all = append(all, slog.String("stack", string(panicked.Stack)))
		}
		h.logger.LogAttrs(ctx, level, message, all...)
	}
	var settle func(context.Context) error
	switch {
	case v.err == nil:
		settle = func(ctx context.Context) error { return h.inbox.Commit(ctx, delivery) }
	case v.final:
		log(slog.LevelError, "webhook event became a dead letter", v.err)
		settle = func(ctx context.Context) error { return h.inbox.Bury(ctx, delivery, v.text) }
	default:
		delay := h.retry.delay(delivery.Attempt)
		if v.exact {
			delay = 0
		}
		delay = max(delay, min(v.wait, max(h.retry.MaxDelay, longestRetryAfter)))
		if ctx.Err() != nil {
			// It was the end of the handler that failed the event.
			delay = 0
		}
		log(slog.LevelWarn, "webhook event failed and will be tried again", v.err)
		settle = func(ctx context.Context) error { return h.inbox.Release(ctx, delivery, delay, v.text) }
	}
	err := h.persist(ctx, delivery, settle)
	if h.maxAge > 0 && (v.err == nil || v.final) {
		h.redriven.Delete(delivery.Sequence)
	}
	if err != nil {
		log(slog.LevelError, "webhook event could not be settled and will be handled again", err)
		return
	}
	if v.err == nil {
		h.forget(ctx, &delivery)
	}
	if !v.final {
		return
	}
	h.counters.deadLetters.Add(1)
	if h.onDeadLetter != nil {
		letter := DeadLetter{Entry: delivery.Entry, Sequence: delivery.Sequence, Attempts: delivery.Attempt, Reason: v.text, BuriedAt: time.Now()}
		h.guard(ctx, func() { h.onDeadLetter(ctx, letter) })
	}
}

// verdict is what follows from an attempt.
type verdict struct {
	// err is the failure, and text what it says; nil if the event was handled.
	err  error
	text string
	// final says that there is no further attempt after the failure.
	final bool
	// wait is how long Salebot, or the function, asked to wait; exact says that the
	// policy does not count then.
	wait  time.Duration
	exact bool
}

// maxReason bounds the reasons that inboxes keep, in characters.
const maxReason = 1000

// result is the verdict as hooks see it.
func (v *verdict) result() Result {
	switch {
	case v.err == nil:
		return ResultDone
	case v.final:
		return ResultDeadLetter
	}
	return ResultRetry
}

// longestRetryAfter bounds how long a client's events wait because Salebot asked for
// it, unless RetryPolicy.MaxDelay is longer.
const longestRetryAfter = time.Hour

// judge decides what follows from an attempt. unknown says that calls of the function
// may have been executed although they failed.
func (h *Handler) judge(ctx context.Context, delivery Delivery, failure error, unknown bool) verdict {
	v := h.inspect(failure, unknown)
	v.text = text.Shorten(v.text, maxReason)
	if failure != nil && delivery.Attempt >= h.retry.MaxAttempts && ctx.Err() == nil {
		v.final = true
	}
	return v
}

// inspect looks at the error of a function. The methods of the error are foreign code
// and may panic, such as those of a nil pointer.
func (h *Handler) inspect(failure error, unknown bool) (v verdict) {
	if failure == nil {
		return verdict{}
	}
	defer func() {
		if value := recover(); value != nil {
			said := fmt.Sprintf("webhook: an error of type %T that panicked: %v", failure, value)
			v = verdict{err: errors.New(said), text: said}
		}
	}()
	delayed, refused := (*delayedError)(nil), (*salebot.APIError)(nil)
	v = verdict{err: failure, text: failure.Error()}
	isDelayed := errors.As(failure, &delayed)
	v.final = IsPermanent(failure) || errors.Is(failure, salebot.ErrWorkChanged) || errors.Is(failure, salebot.ErrWorkTooOld) ||
		h.mayRepeat(failure, unknown, isDelayed)
	switch {
	case isDelayed:
		v.wait, v.exact = delayed.wait, true
	case errors.As(failure, &refused):
		v.wait = refused.RetryAfter
	}
	return v
}

// The waits between attempts to settle an event.
const (
	firstSettleDelay = 50 * time.Millisecond
	lastSettleDelay  = 5 * time.Second
)

// persist repeats a call of the inbox while the lease lasts: what was handled
// should not be handled again only because a disk was full for a moment.
func (h *Handler) persist(ctx context.Context, delivery Delivery, settle func(context.Context) error) error {
	delay, failing := firstSettleDelay, false
	defer func() {
		if failing {
			h.unsettled.Add(-1)
		}
	}()
	for {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.putTimeout)
		err := settle(limited)
		cancel()
		if err == nil || errors.Is(err, ErrLeaseLost) || lasts(err) {
			return err
		}
		if !failing {
			failing = true
			h.unsettled.Add(1)
		}
		if time.Now().Add(delay).After(delivery.Until) || !wait.For(ctx, delay) {
			return err
		}
		delay = min(2*delay, lastSettleDelay)
	}
}

// delay is the wait after so many attempts. It is at random in the upper half of a
// bound that doubles each time, so that events which failed together do not come back
// together.
func (p *RetryPolicy) delay(attempts int) time.Duration {
	bound := p.BaseDelay
	for range attempts - 1 {
		if bound >= p.MaxDelay/2 {
			bound = p.MaxDelay
			break
		}
		bound *= 2
	}
	return bound/2 + rand.N(bound/2+1) //nolint:gosec // jitter needs no secrecy
}
