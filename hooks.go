package salebot

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/attempt"
)

// SafetyClass says what a second execution of an action does, and so whether a
// failed call may be repeated. The zero value is Once, the most careful class.
type SafetyClass uint8

const (
	// Once actions may reach a person twice or fire a flow again: they are
	// repeated only where the request provably was not executed.
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
	// Waited is the time spent before this attempt because of the one before.
	Waited time.Duration
	// PaceWait is the time spent before this attempt because the server had asked for
	// a slower pace, this call or another of the client.
	PaceWait time.Duration
	// RequestBytes is the size of the body that is sent.
	RequestBytes int

	// The rest is known after the attempt.

	// Status is the HTTP status; 0 where no answer came.
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

// Hook observes the attempts of a client. Either function may be nil; both may
// be called from many goroutines at once.
type Hook struct {
	// Before is called before each attempt and returns the context to use for
	// it, for example with a span. Returning nil leaves the context as it is.
	Before func(ctx context.Context, attempt Attempt) context.Context
	// After is called after each attempt, with the context of Before.
	After func(ctx context.Context, attempt Attempt)
}

// observed is an attempt with hooks and logger around it.
func (j *journey[T]) observed(ctx context.Context, a *Attempt) attempt.Result {
	hooks, logger := j.core.config.hooks, j.core.config.logger
	if len(hooks) == 0 && logger == nil {
		return j.exchange(ctx, a)
	}
	contexts := make([]context.Context, len(hooks))
	for i, hook := range hooks {
		ctx = hook.before(ctx, *a)
		contexts[i] = ctx
	}
	start := time.Now()
	result := j.exchange(ctx, a)
	a.Duration, a.Outcome, a.Err = time.Since(start), outcomeOf(j.row.Class, result.Outcome), result.Err
	if result.Outcome == attempt.Accepted {
		a.UnreadFields = countUnread(j.result)
	}
	for i, inner := range slices.Backward(contexts) {
		if after := hooks[i].After; after != nil {
			after(inner, *a)
		}
	}
	a.log(ctx, logger)
	return result
}

func (h *Hook) before(ctx context.Context, a Attempt) context.Context {
	if h.Before == nil {
		return ctx
	}
	if inner := h.Before(ctx, a); inner != nil {
		return inner
	}
	return ctx
}

// log writes an attempt to a logger, which may be nil.
func (a *Attempt) log(ctx context.Context, logger *slog.Logger) {
	if logger == nil {
		return
	}
	level, text := slog.LevelDebug, "salebot call"
	switch {
	case a.Err != nil:
		level, text = slog.LevelWarn, "salebot call failed"
	case a.UnreadFields > 0:
		level, text = slog.LevelWarn, "salebot answer was not understood entirely"
	}
	if !logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("action", a.Action),
		slog.Int("attempt", a.Number),
		slog.Int("status", a.Status),
		slog.String("outcome", a.Outcome.String()),
		slog.Duration("duration", a.Duration),
	}
	if a.PaceWait > 0 {
		attrs = append(attrs, slog.Duration("pace_wait", a.PaceWait))
	}
	if a.UnreadFields > 0 {
		attrs = append(attrs, slog.Int("unread_fields", a.UnreadFields))
	}
	if a.Err != nil {
		attrs = append(attrs, slog.Any("error", a.Err))
	}
	logger.LogAttrs(ctx, level, text, attrs...)
}
