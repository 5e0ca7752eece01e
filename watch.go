package salebot

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/wire"
)

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
	_ = wire.Members(request.body, func(key string, value []byte) error {
		if key != name {
			return nil
		}
		if id.UnmarshalJSON(value) != nil {
			id = 0
		}
		return errStop
	})
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
func (w *watch) end(ctx context.Context, found ClientID, err error) {
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
		ctx = inner
		if after := w.hooks[i].AfterCall; after != nil {
			after(inner, w.call)
		}
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
