package salebot

import (
	"context"
	"sync/atomic"
	"time"
)

// patience lets the calls of a bulk run wait for the server's pace as long as the
// run goes on, and counts for how long they did.
type patience struct {
	// running ends the waits; what is under way goes on.
	running context.Context //nolint:containedctx // it is another context than that of a call
	// bound is the longest wait of a call; zero is none.
	bound time.Duration
	// waited is the time of all waits, in nanoseconds.
	waited atomic.Int64
}

type patienceKey struct{}

// withPatience returns a context for the calls of a run, and a function that tells
// for how long they waited for the server's pace, added up.
func withPatience(ctx, running context.Context, bound time.Duration) (context.Context, func() time.Duration) {
	p := &patience{running: running, bound: bound}
	return context.WithValue(ctx, patienceKey{}, p), func() time.Duration { return time.Duration(p.waited.Load()) }
}

// patienceOf is the patience of a call; nil if it has none beyond its own deadline.
func patienceOf(ctx context.Context) *patience {
	p, _ := ctx.Value(patienceKey{}).(*patience)
	return p
}

// within is ctx, but ends with the run too.
func (p *patience) within(ctx context.Context) (waiting context.Context, end func()) {
	waiting, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.running, func() { cancel(context.Cause(p.running)) })
	return waiting, func() {
		stop()
		cancel(nil)
	}
}
