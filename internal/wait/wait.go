// Package wait waits, but never longer than a context allows.
package wait

import (
	"context"
	"time"
)

// For waits for a duration and reports whether it passed before the context
// ended. A duration that is not positive has passed, unless the context has ended.
func For(ctx context.Context, duration time.Duration) bool {
	if duration <= 0 || ctx.Err() != nil {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Passed reports whether a moment has passed by one of the clocks that the machine has:
// the one that Go compares by stands still while the machine sleeps, and the other one
// can be changed.
func Passed(moment time.Time) bool {
	now := time.Now()
	return !now.Before(moment) || !now.Round(0).Before(moment.Round(0))
}

// Until is For up to a moment.
func Until(ctx context.Context, moment time.Time) bool { return For(ctx, time.Until(moment)) }
