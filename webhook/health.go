package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// failureMemory is how long a failure of the inbox speaks against the health.
const failureMemory = 30 * time.Second

// health is what a handler knows of how it does.
type health struct {
	// put and lease are the last failures to keep events and to hand them out.
	put, lease lastFailure
	// bad says that the health was bad when it was last asked for.
	bad atomic.Bool
}

// lastFailure is the last failure of something, until it succeeds.
type lastFailure struct{ failure atomic.Pointer[failure] }

type failure struct {
	err error
	at  time.Time
}

// note takes the outcome of something that was begun at a time.
func (l *lastFailure) note(err error, at time.Time) {
	switch {
	case err != nil:
		l.failure.Store(&failure{err, at})
	case l.failure.Load() != nil:
		l.failure.Store(nil)
	}
}

// recent returns the failure if it is not long ago.
func (l *lastFailure) recent() error {
	if f := l.failure.Load(); f != nil && time.Since(f.at) < failureMemory {
		return f.err
	}
	return nil
}

// Health returns why the handler can't do its work at present, or nil if it can. The
// error is ErrShutDown after Shutdown, or what a HealthReporter says of itself. It is
// also what the inbox failed with when it was last asked to keep an event or to hand
// events out, if that was less than half a minute ago. An error that is ErrInboxBroken
// lasts until the inbox is opened again.
//
// It is what GET and HEAD are answered by: 200 or, without the reason, 503. That is
// the sign by which a load balancer should send nothing here. A supervisor that kills
// what answers 503 does no harm to an inbox that lasts, and may be what reopens one
// that is broken.
func (h *Handler) Health(ctx context.Context) error {
	h.mu.Lock()
	closing := h.closing
	h.mu.Unlock()
	if closing {
		return ErrShutDown
	}
	if reporter, ok := h.inbox.(HealthReporter); ok {
		if err := reporter.Health(ctx); err != nil {
			return err
		}
	}
	if err := h.health.put.recent(); err != nil {
		return err
	}
	return h.health.lease.recent()
}

// refuseUnhealthy answers a request that asks for the health.
func (h *Handler) refuseUnhealthy(ctx context.Context) *refusal {
	err := h.Health(ctx)
	switch was := h.health.bad.Swap(err != nil); {
	case err != nil && !was:
		h.logger.LogAttrs(ctx, slog.LevelError, "webhook receiver is not healthy", slog.Any("error", err))
	case err == nil && was:
		h.logger.LogAttrs(ctx, slog.LevelInfo, "webhook receiver is healthy again")
	}
	if err == nil {
		return nil
	}
	return &refusal{status: http.StatusServiceUnavailable, text: "unavailable\n", err: err}
}

// lasts reports whether the failure of an inbox will not pass by itself.
func lasts(err error) bool { return errors.Is(err, ErrClosed) || errors.Is(err, ErrInboxBroken) }
