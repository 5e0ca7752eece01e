package once

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// How the calls of a piece of work find their records, whatever their order.

// orderGrace is how long a call waits, while no other call of its piece of work is under
// way, for goroutines that have not made theirs yet.
const orderGrace = 5 * time.Second

type underWayKey struct{}

// Enter notes that a call of the piece of work begins, and returns its context. leave
// must be called when it is over. After the end of the work the error is ErrWorkEnded.
//
// A call inside of another one, as hooks make them, is a part of that.
func (r *Run) Enter(ctx context.Context) (inside context.Context, leave func(), err error) {
	run := r.recorder()
	if run == nil || ctx.Value(underWayKey{}) == run {
		if r.Ended() {
			return nil, nil, ErrWorkEnded
		}
		return ctx, func() {}, nil
	}
	if !run.count(1) {
		return nil, nil, ErrWorkEnded
	}
	// The work around is busy, too.
	for outer := run.parent.recorder(); outer != nil; outer = outer.parent.recorder() {
		outer.count(1)
	}
	leave = func() {
		for r := run; r != nil; r = r.parent.recorder() {
			r.count(-1)
		}
	}
	return context.WithValue(ctx, underWayKey{}, run), leave, nil
}

// count adds to the calls that are under way, and reports whether the work has not
// ended.
func (r *Run) count(n int) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.closed {
		return false
	}
	r.underWay += n
	r.move()
	return true
}

// move wakes the calls that wait for others.
func (r *Run) move() {
	if r.waiting > 0 {
		close(r.moved)
		r.moved = make(chan struct{})
	}
}

// claim finds the record of a call: that of its name or the first unused one with its
// content, and otherwise a new one. If records are left that are of other calls, the
// call may be one of them in other words, so there is no new one: it waits for the
// calls that are under way, and a moment for others, and then the work has changed.
func (r *Run) claim(ctx context.Context, content, step, unseen ledger.Digest) (*entry, error) {
	waits := false
	defer func() {
		if waits {
			r.mutex.Lock()
			r.waiting--
			r.move()
			r.mutex.Unlock()
		}
	}()
	for {
		r.mutex.Lock()
		if r.closed {
			r.mutex.Unlock()
			return nil, ErrWorkEnded
		}
		seen, err := r.match(content, step, unseen)
		if seen.found != nil {
			seen.found.used, seen.found.busy = true, make(chan struct{})
			r.move()
		}
		if seen.foreign && !waits {
			waits = true
			r.waiting++
			r.move()
		}
		moved, alone := r.moved, r.underWay <= r.waiting
		r.mutex.Unlock()
		switch {
		case seen.busy != nil:
			select {
			case <-seen.busy:
			case <-ctx.Done():
				return nil, and(ErrUnderWay, ctx.Err())
			}
		case !seen.foreign:
			return seen.found, err
		default:
			if err := waitForOthers(ctx, moved, alone); err != nil {
				return nil, err
			}
		}
	}
}

// waitForOthers waits until another call moves, and not for long if none is under way.
func waitForOthers(ctx context.Context, moved <-chan struct{}, alone bool) error {
	var grace <-chan time.Time
	if alone {
		timer := time.NewTimer(orderGrace)
		defer timer.Stop()
		grace = timer.C
	}
	select {
	case <-moved:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("salebot: the time was over before the other calls of the piece of work had found their records: %w", ctx.Err())
	case <-grace:
		return ErrWorkChanged
	}
}

// sight is what a call finds among the records of its piece of work: one of these.
type sight struct {
	// found is its record.
	found *entry
	// busy is closed when another call with its name is over.
	busy <-chan struct{}
	// foreign says that only records of other calls are left, or will be.
	foreign bool
}

// match looks for the record of a call.
//
// A record of a call that was executed, or may have been, goes before one of a call
// that was refused: who repeats a refused call makes it once in the next run. A call
// that is equal to one which may have been executed in this run is its repetition.
func (r *Run) match(content, step, unseen ledger.Digest) (sight, error) {
	var found, doubted *entry
	last, foreign := 0, false
	for _, e := range r.calls {
		last = e.record.Number
		switch {
		case sameName(step, e.record.Step):
			return e.named(step)
		case e.used:
			if doubted == nil && step.IsZero() && e.is(content, unseen) && e.inDoubt() {
				doubted = e
			}
		case !e.is(content, unseen):
			foreign = foreign || e.couldBe(step)
		case found == nil || found.refused() && !e.refused():
			found = e
		}
	}
	if found = cmp.Or(doubted, found); found != nil || foreign {
		return sight{found: found, foreign: found == nil}, nil
	}
	found = &entry{record: ledger.Record{Key: r.record.Key, Number: last + 1, Content: content, Step: cmp.Or(step, unseen)}}
	r.calls = append(r.calls, found)
	return sight{found: found}, nil
}

// couldBe reports whether it may be the record of a call with this name, or without one,
// in other words.
func (e *entry) couldBe(step ledger.Digest) bool {
	return !e.refused() && (step.IsZero() || !isName(e.record.Step))
}

func (e *entry) refused() bool { return e.record.State == ledger.Refused }

// is reports whether it is the record of a call without a name that has this content, and
// does the same that a history does not show.
func (e *entry) is(content, unseen ledger.Digest) bool {
	return e.record.Step == unseen && e.record.Content == content
}

// inDoubt reports whether the call is over and may have been executed.
func (e *entry) inDoubt() bool { return e.busy == nil && doubtful(&e.record) }

// named is the record for a call with its name, once no other call has it.
func (e *entry) named(step ledger.Digest) (sight, error) {
	switch {
	case step != e.record.Step:
		return sight{}, fmt.Errorf("%w (the name of the call was used for another action or receiver)", ErrWorkChanged)
	case e.busy != nil:
		return sight{busy: e.busy}, nil
	}
	return sight{found: e}, nil
}

// release lets other calls with the same name go on.
func (r *Run) release(e *entry, record ledger.Record) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	e.record = record
	if e.busy != nil {
		close(e.busy)
		e.busy = nil
	}
}
