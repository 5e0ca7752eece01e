package sqlite

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/salebot-go/salebot/webhook"
)

// largestGroup bounds the operations of one commit.
const largestGroup = 1024

// committer writes operations in groups. Whoever finds nobody writing becomes the
// leader and writes everything that has gathered, its own operation included; those
// who come then wait, and one of them leads the next group. So a lone caller writes
// at once and without a change of goroutines, while many share the cost of a flush.
//
// Callers who come back as soon as they were answered would fall into two halves, of
// which one always waits for the flush of the other and then for its own. So a leader
// waits for those who are likely to come, as many as there were the last time, but not
// longer than a flush takes, and not at all if it was alone the last time.
//
// The flush comes after the group is written, and during it another committer can write
// to the same file: that of the changes which need no flush and need not wait for one.
//
// A leader cannot leave a disk that hangs. Where it is to be expected that its group
// takes long, it leaves the group to a goroutine and waits like the others, as long as
// its context lets it.
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
	// slow says that the last group took long.
	slow bool
	// gathered is closed when what was expected is there; nil while nobody waits for
	// it.
	gathered chan struct{}
	// idle is closed when nobody leads any more after close.
	idle chan struct{}
	// prompt says that a leader does not wait for others: it should where callers do other
	// things between their operations, so that those who came the last time do not come now.
	prompt bool
	// turn holds an element while a group is written. Two committers of one file have
	// the same.
	turn chan struct{}
	// write runs a group and sets the error of each operation. If it returns true
	// nothing was done because another process has the file locked, and it may be
	// called again. It is called by one goroutine at a time, whose turn it is.
	write func(group []*operation) (locked bool)
	// flush brings to the disk what was written, and sets the error of each operation
	// that needs it if it fails. It may be nil. It is called by one goroutine of the
	// committer at a time, after its turn.
	flush func(group []*operation)
	// panicked is told of a panic and returns the error of those whom it concerns.
	panicked func(reason any) error
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
	// aside says that a change which is not flushed must not wait for those that are.
	aside bool
	// needed says that a change which is flushed has to be made on a full disk, too.
	needed bool
	// ended is called once with what became of the operation, also when its caller
	// has given up: with nil when the change is made, in the order of the changes.
	// It may be nil.
	ended func(error)
	err   error

	// wake gets one element: true if the caller has to lead, false if the operation
	// was written.
	wake chan bool
	// chosen says that wake holds true, or will.
	chosen bool
}

func (o *operation) end(err error) {
	if o.ended != nil {
		o.ended(err)
	}
}

// refusal is an error of an operation that changed nothing.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func newCommitter(write func([]*operation) bool, panicked func(any) error) *committer {
	return &committer{turn: make(chan struct{}, 1), write: write, panicked: panicked, idle: make(chan struct{})}
}

// do has an operation written and returns its error. When the context ends before
// the operation was begun, it is not written; when it ends later, it may have been or
// will be.
func (c *committer) do(ctx context.Context, o *operation) error {
	if err := ctx.Err(); err != nil {
		o.end(err)
		return err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		o.end(webhook.ErrClosed)
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
	if !c.leading {
		c.leading = true
		c.mu.Unlock()
		return c.lead(ctx, o)
	}
	o.wake = make(chan bool, 1)
	c.mu.Unlock()
	select {
	case lead := <-o.wake:
		if !lead {
			return o.err
		}
	case <-ctx.Done():
		switch c.leave(o) {
		case left:
			o.end(ctx.Err())
			return ctx.Err()
		case begun:
			return ctx.Err()
		case chosen:
		}
	}
	return c.lead(ctx, o)
}

// departure is what becomes of an operation whose caller does not wait any longer.
type departure int

const (
	// left operations are not written.
	left departure = iota
	// begun ones are being written, or have been.
	begun
	// chosen ones have to lead nevertheless.
	chosen
)

// leave takes an operation back whose caller does not wait any longer, if it can.
func (c *committer) leave(o *operation) departure {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.chosen {
		return chosen
	}
	i := slices.Index(c.queue, o)
	if i < 0 {
		return begun
	}
	c.queue = slices.Delete(c.queue, i, i+1)
	if o.flush {
		c.waiting--
	}
	return left
}

// lead writes what has gathered and hands the lead on. The caller's operation is the
// first.
func (c *committer) lead(ctx context.Context, own *operation) error {
	c.gather()
	group, flushes, slow := c.take()
	start := time.Now()
	if !slow && c.await(ctx) {
		if locked := c.attempt(group, flushes, start, own); !locked {
			return own.err
		}
	}
	own.wake = make(chan bool, 1)
	go c.persist(group, flushes, start)
	select {
	case <-own.wake:
		return own.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await waits until it is the caller's turn, and reports whether it is before the
// context ends.
func (c *committer) await(ctx context.Context) bool {
	select {
	case c.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt writes a group in the caller's turn and answers those who wait, unless another
// process has the file locked. It does not let a panic leave them alone.
func (c *committer) attempt(group []*operation, flushes int, start time.Time, own *operation) (locked bool) {
	returned := false
	defer func() {
		if returned {
			return
		}
		reason := recover()
		err := c.panicked(reason)
		for _, o := range group {
			o.err = err
		}
		c.conclude(group, flushes, start, own)
		if reason != nil {
			panic(reason)
		}
	}()
	locked = c.writeInTurn(group)
	if !locked && c.flush != nil {
		c.flush(group)
	}
	returned = true
	if !locked {
		c.conclude(group, flushes, start, own)
	}
	return locked
}

// writeInTurn writes a group and ends the turn.
func (c *committer) writeInTurn(group []*operation) (locked bool) {
	defer func() { <-c.turn }()
	return c.write(group)
}

// longestLock bounds the time for which another process may have the file locked.
const longestLock = 5 * time.Second

// persist writes a group that takes longer than its leader may wait.
func (c *committer) persist(group []*operation, flushes int, start time.Time) {
	// Nobody would catch a panic here; those who wait have been told.
	defer func() { _ = recover() }()
	for c.turn <- struct{}{}; c.attempt(group, flushes, start, nil); c.turn <- struct{}{} {
		if time.Since(start) > longestLock {
			c.conclude(group, flushes, start, nil)
			return
		}
	}
}

// slowGroup is the time to write a group from which on the next one may take long too.
const slowGroup = 100 * time.Millisecond

// conclude answers those who wait for a group and hands the lead on.
func (c *committer) conclude(group []*operation, flushes int, start time.Time, own *operation) {
	duration := time.Since(start)
	for _, o := range group {
		c.end(o)
	}
	for _, o := range group {
		if o != own {
			o.wake <- false
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slow = duration >= slowGroup
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

// end ends an operation; a panic concerns it alone.
func (c *committer) end(o *operation) {
	defer func() {
		if reason := recover(); reason != nil {
			o.err = c.panicked(reason)
		}
	}()
	o.end(o.err)
}

// longestGathering bounds the time for which a leader waits for others.
const longestGathering = 2 * time.Millisecond

// gather waits for those who are likely to come.
func (c *committer) gather() {
	c.mu.Lock()
	patience := min(c.flushTime, longestGathering)
	if c.prompt || c.waiting == 0 || c.waiting >= c.expected {
		c.mu.Unlock()
		// Only those come who are about to.
		runtime.Gosched()
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

// take takes a group out of the queue, and says how many of it need a flush and
// whether it may take long.
func (c *committer) take() (group []*operation, flushes int, slow bool) {
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
	return group, flushes, c.slow
}

// close refuses further operations and waits until those before are written.
func (c *committer) close() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		<-c.idle
		return
	}
	c.closed = true
	if !c.leading {
		close(c.idle)
	}
	c.mu.Unlock()
	<-c.idle
}
