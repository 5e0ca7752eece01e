package postgres

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// group joins the calls that come at the same time into one transaction. Nobody waits
// for others to come: while one transaction is under way, those that come gather for the
// next one.
type group[In, Out any] struct {
	// write does the work of several calls. It returns as many results.
	write func(ctx context.Context, in []In) ([]Out, error)
	// most is how many calls a transaction may have, and timeout bounds it.
	most    int
	timeout time.Duration
	// size is how large a call is, and mostBytes how large those of a transaction may be
	// together; one by itself may be larger. Nil does not count.
	size      func(In) int
	mostBytes int
	// closedErr is the error of calls after close.
	closedErr error

	mutex   sync.Mutex
	queue   []*waiting[In, Out]
	closed  bool
	wake    *sync.Cond
	workers sync.WaitGroup
}

// waiting is a call in the queue.
type waiting[In, Out any] struct {
	in   In
	out  Out
	err  error
	done chan struct{}
}

// start begins with so many transactions at once. They end with life at the latest.
func (g *group[In, Out]) start(life context.Context, workers int) {
	g.wake = sync.NewCond(&g.mutex)
	for range workers {
		g.workers.Go(func() { g.work(life) })
	}
}

// do waits for the transaction with this call. If the context ends first, the work may
// be done all the same, unless the error is notBegunError.
func (g *group[In, Out]) do(ctx context.Context, in In) (out Out, err error) {
	if err := ctx.Err(); err != nil {
		return out, err
	}
	w := &waiting[In, Out]{in: in, done: make(chan struct{})}
	g.mutex.Lock()
	if g.closed {
		g.mutex.Unlock()
		return out, g.closedErr
	}
	g.queue = append(g.queue, w)
	g.mutex.Unlock()
	g.wake.Signal()
	select {
	case <-w.done:
		return w.out, w.err
	case <-ctx.Done():
		return out, g.leave(w, ctx.Err())
	}
}

// leave takes a call out of the queue that nobody waits for any more: while the server
// does not answer, more may come than go. It returns the error, as notBegunError if
// nothing was done.
func (g *group[In, Out]) leave(w *waiting[In, Out], err error) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	at := slices.Index(g.queue, w)
	if at < 0 {
		return err
	}
	g.queue = slices.Delete(g.queue, at, at+1)
	return notBegunError{err}
}

// notBegunError is the error of a call that did nothing, and will not.
type notBegunError struct{ error }

func (n notBegunError) Unwrap() error { return n.error }

func (g *group[In, Out]) work(life context.Context) {
	for {
		calls := g.next()
		if calls == nil {
			return
		}
		g.run(life, calls)
		for _, w := range calls {
			close(w.done)
		}
	}
}

// next waits for calls. It returns nil when the group was closed and nothing is left.
func (g *group[In, Out]) next() []*waiting[In, Out] {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for {
		for len(g.queue) == 0 && !g.closed {
			g.wake.Wait()
		}
		if len(g.queue) == 0 {
			return nil
		}
		// Those who are about to come, come along: they would have to wait for the next one.
		g.mutex.Unlock()
		runtime.Gosched()
		g.mutex.Lock()
		if n := g.together(); n > 0 {
			calls := g.queue[:n:n]
			g.queue = g.queue[n:]
			return calls
		}
	}
}

// together is how many of those that wait share the next transaction.
func (g *group[In, Out]) together() int {
	most := min(len(g.queue), g.most)
	if g.size == nil {
		return most
	}
	bytes := 0
	for n, w := range g.queue[:most] {
		if bytes += g.size(w.in); n > 0 && bytes > g.mostBytes {
			return n
		}
	}
	return most
}

// repetitions bounds how often a transaction is repeated that another one was in the way
// of.
const repetitions = 10

// run does the work of calls. If that fails because of what one of them was given, each
// is tried by itself, so that it costs no other.
func (g *group[In, Out]) run(life context.Context, calls []*waiting[In, Out]) {
	in := make([]In, len(calls))
	for i, w := range calls {
		in[i] = w.in
	}
	out, err := g.transact(life, in)
	if err != nil && len(calls) > 1 && aboutValues(err) {
		for i := range calls {
			g.run(life, calls[i:i+1])
		}
		return
	}
	for i, w := range calls {
		if w.err = err; err == nil {
			w.out = out[i]
		}
	}
}

func (g *group[In, Out]) transact(life context.Context, in []In) (out []Out, err error) {
	ctx, cancel := context.WithTimeout(life, g.timeout)
	defer cancel()
	for range repetitions {
		if out, err = g.write(ctx, in); !passing(err) {
			break
		}
	}
	return out, err
}

// close refuses further calls and waits for those that came.
func (g *group[In, Out]) close() {
	g.mutex.Lock()
	g.closed = true
	g.mutex.Unlock()
	g.wake.Broadcast()
	g.workers.Wait()
}
