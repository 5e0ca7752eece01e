package sqliteinbox

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/salebot-go/salebot/webhook"
)

// largestGroup bounds the operations of one commit.
const largestGroup = 1024

// committer writes operations in groups. Whoever finds nobody writing becomes the
// leader and writes everything that has gathered, its own operation included; those
// who come meanwhile wait, and one of them leads the next group. So a lone caller
// writes at once and without a change of goroutines, while many share the cost of a
// flush.
//
// Callers who come back as soon as they were answered would fall into two halves, of
// which one always waits for the flush of the other and then for its own. So a leader
// waits for those who are likely to come, as many as there were the last time, but not
// longer than a flush takes, and not at all if it was alone the last time.
type committer struct {
	mu      sync.Mutex
	queue   []*operation
	leading bool
	closed  bool
	// waiting is the number of operations in the queue that need a flush, expected
	// that of the last group and of those who came while it was written.
	waiting, expected int
	// flushTime is how long it takes to write a group, on average.
	flushTime time.Duration
	// gathered is closed when what was expected is there; nil while nobody waits for
	// it.
	gathered chan struct{}
	// idle is closed when nobody leads any more after close.
	idle chan struct{}
	// write runs a group and sets the error of each operation. It is called by one
	// goroutine at a time.
	write func(group []*operation)
}

// operation is one caller's change.
type operation struct {
	// apply makes the change in a transaction that it shares with others. An error
	// that is a refusal concerns this operation alone; any other ends the
	// transaction.
	apply func(*writer) error
	// flush says that the change has to be on the disk, not only with the operating
	// system, before it counts.
	flush bool
	// committed is called when the change is made, in the order of the changes; may
	// be nil.
	committed func()
	err       error

	// wake gets one element: true if the caller has to lead, false if the operation
	// was written.
	wake chan bool
	// chosen says that wake holds true, or will.
	chosen bool
}

// refusal is an error of an operation that changed nothing.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func newCommitter(write func([]*operation)) *committer {
	return &committer{write: write, idle: make(chan struct{})}
}

// do has an operation written and returns its error. When the context ends before
// the operation was begun, it is not written; when it ends later, it may have been.
func (c *committer) do(ctx context.Context, o *operation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return webhook.ErrClosed
	}
	c.queue = append(c.queue, o)
	if o.flush {
		c.waiting++
	}
	if c.gathered != nil && c.waiting >= c.expected {
		close(c.gathered)
		c.gathered = nil
	}
	if c.leading {
		o.wake = make(chan bool, 1)
		c.mu.Unlock()
		select {
		case lead := <-o.wake:
			if !lead {
				return o.err
			}
		case <-ctx.Done():
			if !c.leave(o) {
				return ctx.Err()
			}
		}
	} else {
		c.leading = true
		c.mu.Unlock()
	}
	c.lead(o)
	return o.err
}

// leave takes an operation back whose caller does not wait any longer. It returns
// true where the caller has to lead nevertheless.
func (c *committer) leave(o *operation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.chosen {
		return true
	}
	if i := slices.Index(c.queue, o); i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
		if o.flush {
			c.waiting--
		}
	}
	return false
}

// lead writes what has gathered and hands the lead on. The caller's operation is the
// first.
func (c *committer) lead(own *operation) {
	c.gather()
	group, flushes := c.take()
	start := time.Now()
	c.write(group)
	duration := time.Since(start)
	for _, o := range group {
		if o != own {
			o.wake <- false
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if flushes > 0 {
		c.flushTime += (duration - c.flushTime) / 8
		c.expected = flushes + c.waiting
	}
	if len(c.queue) > 0 {
		next := c.queue[0]
		next.chosen = true
		next.wake <- true
		return
	}
	c.leading = false
	if c.closed {
		close(c.idle)
	}
}

// longestGathering bounds the time for which a leader waits for others.
const longestGathering = 2 * time.Millisecond

// gather waits for those who are likely to come.
func (c *committer) gather() {
	c.mu.Lock()
	patience := min(c.flushTime, longestGathering)
	if c.waiting == 0 || c.waiting >= c.expected || patience <= 0 || c.closed {
		c.mu.Unlock()
		return
	}
	gathered := make(chan struct{})
	c.gathered = gathered
	c.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-gathered:
	case <-timer.C:
	}
}

// take takes a group out of the queue, and says how many of it need a flush.
func (c *committer) take() (group []*operation, flushes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gathered = nil
	group, c.queue = c.queue, nil
	if len(group) > largestGroup {
		c.queue = slices.Clone(group[largestGroup:])
		group = group[:largestGroup]
	}
	for _, o := range group {
		if o.flush {
			flushes++
		}
	}
	c.waiting -= flushes
	return group, flushes
}

// close refuses further operations and waits until those before are written.
func (c *committer) close() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	if !c.leading {
		close(c.idle)
	}
	c.mu.Unlock()
	<-c.idle
}
