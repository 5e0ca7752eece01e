package salebot

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/salebot-go/salebot/internal/pace"
)

// pace waits until the attempt may begin.
func (j *journey[T]) pace(ctx context.Context) error {
	if ctx.Err() != nil {
		return endedContext(ctx, j.core.scrub)
	}
	if limiter := j.core.config.limiter; limiter != nil {
		if err := j.limit(ctx, limiter); err != nil {
			return err
		}
	}
	if err := j.keepPace(ctx); err != nil {
		return err
	}
	if !j.deadline.IsZero() && !time.Now().Before(j.deadline) {
		// An attempt without any time could only end as unknown.
		return transportFailure(context.DeadlineExceeded, true, j.core.scrub)
	}
	return nil
}

// limit waits for the user's own limiter.
func (j *journey[T]) limit(ctx context.Context, limiter Limiter) error {
	if standard, ok := limiter.(*rate.Limiter); ok && standard.Allow() {
		// There is nothing to wait for, and so nothing to bound.
		return nil
	}
	waiting := ctx
	if !j.deadline.IsZero() {
		var cancel context.CancelFunc
		waiting, cancel = context.WithDeadline(ctx, j.deadline)
		defer cancel()
	}
	err := limiter.Wait(waiting)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = withCause(withCause(err, ctx.Err()), context.Cause(ctx))
	}
	timeout := errors.Is(err, context.DeadlineExceeded) || errors.Is(waiting.Err(), context.DeadlineExceeded) || tooLate(err)
	if timeout {
		err = withCause(err, context.DeadlineExceeded)
	}
	return transportFailure(err, timeout, j.core.scrub)
}

// tooLate reports whether a rate.Limiter refused to wait beyond the deadline, which it
// only says in words.
func tooLate(err error) bool { return strings.Contains(err.Error(), "would exceed context deadline") }

// keepPace waits for the pace that the server allows.
func (j *journey[T]) keepPace(ctx context.Context) error {
	if j.core.pacer.Idle() {
		return nil
	}
	waiting, deadline := ctx, j.deadline
	if p := j.patience; p != nil {
		var end func()
		waiting, end = p.within(ctx)
		defer end()
		if p.bound > 0 {
			deadline = earlier(deadline, time.Now().Add(p.bound-j.paceWait))
		}
	}
	if d, ok := ctx.Deadline(); ok {
		deadline = earlier(deadline, d)
	}
	waited, err := j.core.pacer.Wait(waiting, deadline)
	if waited > 0 {
		j.paceWait += waited
		if j.patience != nil {
			j.patience.waited.Add(int64(waited))
		}
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, pace.ErrTooLate) {
		err = withCause(err, context.DeadlineExceeded)
	} else if ended := waiting.Err(); ended != nil {
		err = withCause(err, ended)
	}
	late := errors.Is(err, context.DeadlineExceeded)
	if late {
		err = withCause(err, ErrRateLimited)
	}
	return transportFailure(err, late, j.core.scrub)
}

// earlier is the earlier of two moments, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
