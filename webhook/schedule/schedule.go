// Package schedule is for authors of a [github.com/salebot-go/salebot/webhook.Inbox]
// that one process has open. It decides which entries may be handed out: the oldest
// first, and at most one of a client at a time, so that those of a client are handled
// in their order. It holds their numbers in memory, not their bodies, and stores
// nothing. The inboxes in memory and on SQLite use it. An inbox that several processes
// share has to decide that in its store.
//
// Call [Schedule.Add] for each entry that was stored and for each one that was found
// when the inbox was opened. [Schedule.Take] waits and leases. To end a lease, call
// [Schedule.Settle], write the change, and then call [Schedule.Finish],
// [Schedule.Delay], [Schedule.Undo], [Schedule.Postpone], or [Schedule.Resume] if the
// change could not be written.
//
// The package is public because the inboxes are modules with versions of their own, and
// a module can't rely on another one's internal packages. It follows the versions of the
// root module and makes the same promise: what works keeps working within a major
// version.
package schedule

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrLeaseLost says that an entry is not leased under this token. It is the same
	// error as webhook.ErrLeaseLost.
	ErrLeaseLost = errors.New("webhook: the lease is lost")
	// ErrClosed says that the schedule was closed. It is the same error as
	// webhook.ErrClosed.
	ErrClosed = errors.New("webhook: the inbox is closed")
)

// Entry is what the schedule knows of an entry.
type Entry struct {
	// Endpoint and Lane say with which entries its order has to be kept. Lane 0
	// stands for no lane: such an entry waits for no other.
	Endpoint string
	Lane     int64
	// Sequence is its number, which gives the order.
	Sequence int64
	// Attempts counts the leases so far.
	Attempts int
	// Due is the time before which it is not handed out; zero for none.
	Due time.Time
}

// Lease is the right to work on an entry.
type Lease struct {
	Sequence int64
	// Attempt counts the leases of the entry, this one included.
	Attempt int
	// Token tells this lease from all others.
	Token uint64
	// Until is the time at which it runs out.
	Until time.Time
}

// Counts are the numbers of entries of an endpoint by their state.
type Counts struct {
	Waiting, Delayed, Leased int
	// Oldest is the lowest number of an entry that is not finished; 0 if there is none.
	Oldest int64
}

// Schedule holds the entries that wait, for any number of endpoints. Make it with
// New; it is safe for concurrent use.
type Schedule struct {
	mu       sync.Mutex
	queues   map[string]*queue
	lanes    map[laneKey]*lane
	leased   map[int64]*lane
	pending  atomic.Int64
	sequence uint64
	// ended is why nothing can be taken any more; nil while it can.
	ended error
	// now is the clock. The times of entries are counted from began by its monotonic
	// reading, so that they stay where they are when the clock is set.
	now   func() time.Time
	began time.Time
}

// New returns an empty schedule.
func New() *Schedule {
	return &Schedule{queues: map[string]*queue{}, lanes: map[laneKey]*lane{}, leased: map[int64]*lane{}, now: time.Now, began: time.Now()}
}

// offset is a time as items have it.
func (s *Schedule) offset(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(t.Sub(s.began), 0)
}

type laneKey struct {
	endpoint string
	lane     int64
	// single keeps the entries without a lane apart.
	single int64
}

// queue holds the lanes of an endpoint by what has to happen to them next.
type queue struct {
	pending, leased int
	// ready lanes can be handed out, the one with the oldest head first.
	ready laneHeap
	// timed lanes wait for a delay or for the end of a lease.
	timed laneHeap
	// wake is closed when a lane becomes ready and someone waits for that.
	wake    chan struct{}
	waiting bool
}

// Add takes an entry up, unless its lane has it already. The lane goes on in the order
// of the numbers, after the entry that is leased.
func (s *Schedule) Add(e Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queue(e.Endpoint)
	key := laneKey{endpoint: e.Endpoint, lane: e.Lane}
	if e.Lane == 0 {
		key.single = e.Sequence
	}
	l := s.lanes[key]
	if l == nil {
		l = &lane{key: key, queue: q}
		s.lanes[key] = l
	}
	added, head := l.insert(item{sequence: e.Sequence, attempts: e.Attempts, due: s.offset(e.Due)})
	if !added {
		return
	}
	q.pending++
	s.pending.Add(1)
	if head {
		l.release()
		s.admit(l)
	}
}

func (s *Schedule) queue(endpoint string) *queue {
	q := s.queues[endpoint]
	if q == nil {
		q = &queue{wake: make(chan struct{}), ready: laneHeap{before: olderHead}, timed: laneHeap{before: earlier}}
		s.queues[endpoint] = q
	}
	return q
}

// admit puts an idle lane where its head belongs. A delay whose time has come counts
// for nothing.
func (s *Schedule) admit(l *lane) {
	if len(l.items) == 0 {
		delete(s.lanes, l.key)
		return
	}
	l.sort()
	if due := l.items[0].due; due > s.now().Sub(s.began) {
		l.enter(delayed, s.began.Add(due))
	} else {
		l.enter(ready, time.Time{})
	}
	// Also for a delayed lane: its time may come before the one that is waited
	// for.
	l.queue.notify()
}

// Take leases up to limit entries of an endpoint, of as many lanes, for a time. It
// waits until there is one, the context ends or the schedule is closed.
func (s *Schedule) Take(ctx context.Context, endpoint string, limit int, duration time.Duration) ([]Lease, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		leases, wake, next, err := s.take(endpoint, limit, duration)
		if err != nil || len(leases) > 0 {
			return leases, err
		}
		if err := s.sleep(ctx, wake, next); err != nil {
			return nil, err
		}
	}
}

// sleep waits for a signal, for a time unless it is zero, or for the context.
func (s *Schedule) sleep(ctx context.Context, wake <-chan struct{}, until time.Time) error {
	var timeout <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(until.Sub(s.now()))
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-wake:
	case <-timeout:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// take leases what can be leased now. If that is nothing it returns what to wait
// for.
func (s *Schedule) take(endpoint string, limit int, duration time.Duration) (leases []Lease, wake <-chan struct{}, next time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return nil, nil, time.Time{}, s.ended
	}
	q := s.queue(endpoint)
	now := s.now()
	s.advance(q, now)
	for len(leases) < limit && q.ready.Len() > 0 {
		l := q.ready.lanes[0]
		l.release()
		head := &l.items[0]
		head.attempts++
		s.sequence++
		l.token = s.sequence
		l.enter(leased, now.Add(duration))
		q.leased++
		s.leased[head.sequence] = l
		leases = append(leases, Lease{Sequence: head.sequence, Attempt: head.attempts, Token: l.token, Until: l.at})
	}
	if len(leases) > 0 {
		// Others wait for the ends of the leases that they know of.
		q.notify()
	} else {
		q.waiting = true
		wake = q.wake
		if q.timed.Len() > 0 {
			next = q.timed.lanes[0].at
		}
	}
	return leases, wake, next, nil
}

// advance makes the lanes ready whose time has come.
func (s *Schedule) advance(q *queue, now time.Time) {
	for q.timed.Len() > 0 && !q.timed.lanes[0].at.After(now) {
		l := q.timed.lanes[0]
		if l.state == leased {
			s.forget(l)
		}
		l.release()
		s.admit(l)
	}
}

// forget ends the lease of a lane's head.
func (s *Schedule) forget(l *lane) {
	delete(s.leased, l.items[0].sequence)
	l.queue.leased--
}

// Settle begins to end a lease: from now on it does not run out. One of Finish,
// Delay, Undo, Postpone and Resume has to follow.
func (s *Schedule) Settle(sequence int64, token uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.leased[sequence]
	if l == nil || l.token != token || l.state != leased {
		return ErrLeaseLost
	}
	until := l.at
	l.release()
	l.state, l.at = settling, until
	return nil
}

// Finish removes a settled entry; the next of its lane follows.
func (s *Schedule) Finish(sequence int64) {
	s.unsettle(sequence, func(l *lane) {
		l.items = l.items[1:]
		l.queue.pending--
		s.pending.Add(-1)
	})
}

// Delay puts a settled entry back, to be handed out again at a time.
func (s *Schedule) Delay(sequence int64, due time.Time) {
	s.unsettle(sequence, func(l *lane) { l.items[0].due = s.offset(due) })
}

// Undo puts a settled entry back as if it had not been handed out.
func (s *Schedule) Undo(sequence int64) {
	s.unsettle(sequence, func(l *lane) { l.items[0].attempts-- })
}

// Postpone is Undo for an entry that is not to be handed out again before a time.
func (s *Schedule) Postpone(sequence int64, due time.Time) {
	s.unsettle(sequence, func(l *lane) {
		l.items[0].attempts--
		l.items[0].due = s.offset(due)
	})
}

func (s *Schedule) unsettle(sequence int64, change func(*lane)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.leased[sequence]
	if l == nil || l.state != settling {
		return
	}
	s.forget(l)
	l.state = idle
	change(l)
	s.admit(l)
}

// Resume lets a lease go on whose end failed.
func (s *Schedule) Resume(sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.leased[sequence]; l != nil && l.state == settling {
		l.enter(leased, l.at)
		l.queue.notify()
	}
}

// Counts returns the numbers of an endpoint.
func (s *Schedule) Counts(endpoint string) Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[endpoint]
	if q == nil {
		return Counts{}
	}
	s.advance(q, s.now())
	c := Counts{Leased: q.leased}
	for _, l := range q.timed.lanes {
		if l.state == delayed {
			c.Delayed++
		}
	}
	c.Waiting = q.pending - c.Leased - c.Delayed
	c.Oldest = s.oldest(q)
	return c
}

// oldest is the lowest number of an entry of a queue; 0 if it has none.
func (s *Schedule) oldest(q *queue) int64 {
	lowest := int64(0)
	look := func(l *lane) {
		// Behind a head that someone works on may be one that was added later.
		for i := range min(len(l.items), 2) {
			if sequence := l.items[i].sequence; lowest == 0 || sequence < lowest {
				lowest = sequence
			}
		}
	}
	if q.ready.Len() > 0 {
		look(q.ready.lanes[0])
	}
	for _, l := range q.timed.lanes {
		look(l)
	}
	for _, l := range s.leased {
		// One that is being settled is in no heap.
		if l.queue == q {
			look(l)
		}
	}
	return lowest
}

// Pending counts the entries of all endpoints that are not finished. It takes no
// lock.
func (s *Schedule) Pending() int { return int(s.pending.Load()) }

// Close ends all waiting; nothing can be taken any more.
func (s *Schedule) Close() { s.End(ErrClosed) }

// End is Close for another reason than the caller's: whoever takes gets the error,
// until Close.
func (s *Schedule) End(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = err
	for _, q := range s.queues {
		q.waiting = true
		q.notify()
	}
}

func (q *queue) notify() {
	if q.waiting {
		close(q.wake)
		q.wake, q.waiting = make(chan struct{}), false
	}
}

var _ heap.Interface = (*laneHeap)(nil)
