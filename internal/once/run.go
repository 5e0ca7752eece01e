package once

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// Tally counts the calls of a piece of work that must not be made twice by what became
// of them. A call that a record answered counts as it did first.
type Tally struct{ Accepted, Refused, Unknown int }

// Run is a piece of work under way. Without a keeper it only counts.
type Run struct {
	keeper *Keeper
	parent *Run
	// RepeatUnknown sends again what may have been executed.
	RepeatUnknown bool

	mutex  sync.Mutex
	tally  Tally
	closed bool

	// record is the ledger's record of the piece of work; the others are those of its
	// calls.
	record ledger.Record
	calls  []*entry
	// claimed is closed, and replaced, when a call finds its record.
	claimed chan struct{}
}

// entry is the record of a call in a piece of work.
type entry struct {
	record ledger.Record
	used   bool
	// busy is closed when the call that has the record is over; nil if none has.
	busy chan struct{}
}

type runKey struct{}

// With returns a context with the piece of work.
func With(ctx context.Context, r *Run) context.Context {
	if KindFrom(ctx) != "" {
		ctx = WithKind(ctx, "")
	}
	return context.WithValue(ctx, runKey{}, r)
}

// From returns the piece of work of a context, or nil.
func From(ctx context.Context) *Run {
	r, _ := ctx.Value(runKey{}).(*Run)
	return r
}

// Counting returns a piece of work that nothing is recorded of.
func Counting(ctx context.Context) *Run { return &Run{parent: From(ctx)} }

// KindEvent is the kind of the pieces of work that a webhook's handler makes of its
// events.
const KindEvent = "event"

type kindOfWorkKey struct{}

// WithKind returns a context in which the next piece of work is of a kind that its own
// users cannot ask for.
func WithKind(ctx context.Context, kind string) context.Context {
	return context.WithValue(ctx, kindOfWorkKey{}, kind)
}

// KindFrom returns the kind of WithKind. It does not go for the work inside the next
// one.
func KindFrom(ctx context.Context) string {
	if ctx == nil {
		return ""
	}
	kind, _ := ctx.Value(kindOfWorkKey{}).(string)
	return kind
}

// Work names a piece of work.
type Work struct {
	Kind, Name, Key string
	// Since is when the work was given; zero means now.
	Since time.Time
}

// Start begins a piece of work. done says that it was done before and is not to run.
// While another call or process is at it, Start waits until the context ends.
func (k *Keeper) Start(ctx context.Context, w Work) (r *Run, done bool, err error) {
	binding, err := k.bind(ctx)
	if err != nil {
		return nil, false, err
	}
	key := k.workKey(binding.Secret, w.Kind, w.Name, w.Key)
	r = &Run{keeper: k, parent: From(ctx), claimed: make(chan struct{})}
	for outer := r.parent; outer != nil; outer = outer.parent {
		if outer.keeper.same(k) && outer.record.Key == key {
			return nil, false, ErrWorkNested
		}
	}
	var look poller
	for {
		begun, done, err := r.take(ctx, key, func() bool {
			return !w.Since.IsZero() && time.Since(w.Since) > binding.Retention
		})
		switch {
		case err != nil || done:
			return nil, done, err
		case begun:
			return r, false, nil
		}
		if err := look.wait(ctx); err != nil {
			return nil, false, errors.Join(ErrUnderWay, err)
		}
	}
}

// take begins the piece of work unless it is done or another call or process is at it.
func (r *Run) take(ctx context.Context, key ledger.Digest, tooOld func() bool) (begun, done bool, err error) {
	calls, err := r.keeper.Ledger.Find(ctx, key)
	switch {
	case err != nil:
		return false, false, err
	case tooOld():
		// Asked after the look: what was known up to now is found by it.
		return false, false, ErrWorkTooOld
	}
	record := ledger.Record{Key: key}
	if len(calls) > 0 && calls[0].Number == 0 {
		record, calls = calls[0], calls[1:]
	}
	if !record.IsWork() {
		return false, false, ErrNameReused
	}
	if record.Version != 0 && record.State == ledger.Accepted {
		return false, true, nil
	}
	free, err := r.keeper.free(ctx, &record)
	if err != nil || !free {
		return false, false, err
	}
	records, err := r.keeper.Ledger.Begin(ctx, record)
	if err != nil {
		if errors.Is(err, ledger.ErrTaken) {
			err = nil
		}
		return false, false, err
	}
	r.record = records[0]
	for _, call := range calls {
		r.calls = append(r.calls, &entry{record: call})
	}
	return true, false, nil
}

// free reports whether nobody is at a piece of work.
func (k *Keeper) free(ctx context.Context, record *ledger.Record) (bool, error) {
	if record.Version == 0 || record.State != ledger.Begun {
		return true, nil
	}
	alive, err := k.Ledger.Alive(ctx, record.Holder)
	return !alive, err
}

// Finish ends a piece of work; done says that it need not run again. It is not done if
// a call of it is still under way, whose outcome nobody would learn: Finish then
// reports left.
func (r *Run) Finish(ctx context.Context, done bool) (left bool, err error) {
	r.mutex.Lock()
	r.closed = true
	for _, e := range r.calls {
		left = left || e.busy != nil
	}
	r.mutex.Unlock()
	if r.keeper == nil {
		return false, nil
	}
	done = done && !left
	r.record.State = ledger.Refused
	if done {
		r.record.State = ledger.Accepted
	}
	_, err = r.keeper.Ledger.End(context.WithoutCancel(ctx), r.record)
	return left, err
}

// Forget removes what is known of a piece of work.
func (k *Keeper) Forget(ctx context.Context, w Work) error {
	binding, err := k.bind(ctx)
	if err != nil {
		return err
	}
	return k.Ledger.Forget(ctx, k.workKey(binding.Secret, w.Kind, w.Name, w.Key))
}

// Tally returns what became of the calls so far.
func (r *Run) Tally() Tally {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.tally
}

// Count adds to what became of the calls, here and in the work around.
func (r *Run) Count(t Tally) {
	for ; r != nil; r = r.parent {
		r.mutex.Lock()
		r.tally.Accepted += t.Accepted
		r.tally.Refused += t.Refused
		r.tally.Unknown += t.Unknown
		r.mutex.Unlock()
	}
}

// Ended reports whether the piece of work has ended, so that no call may follow.
func (r *Run) Ended() bool {
	if r = r.recorder(); r == nil {
		return false
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.closed
}

// Recorded reports whether the calls of the piece of work are recorded.
func (r *Run) Recorded() bool { return r.recorder() != nil }

// orderGrace is how long a call waits for other goroutines of its piece of work to
// find the records that are not its own, before it says that the work has changed.
const orderGrace = 2 * time.Second

// recorder returns the piece of work that records the calls: this one, or the nearest
// around it that has a ledger; nil if none has.
func (r *Run) recorder() *Run {
	for ; r != nil; r = r.parent {
		if r.keeper != nil {
			return r
		}
	}
	return nil
}

// claim finds the record of a call: that of its name or the first unused one with its
// content, and otherwise a new one. If records are left that are of other calls, the
// call may be one of them in other words, so there is no new one.
func (r *Run) claim(ctx context.Context, content, step ledger.Digest) (*entry, error) {
	grace := time.NewTimer(orderGrace)
	defer grace.Stop()
	for {
		r.mutex.Lock()
		if r.closed {
			r.mutex.Unlock()
			return nil, ErrWorkEnded
		}
		found, wait, changed, err := r.match(content, step)
		if found != nil {
			found.used, found.busy = true, make(chan struct{})
			close(r.claimed)
			r.claimed = make(chan struct{})
		}
		r.mutex.Unlock()
		switch {
		case wait == nil:
			return found, err
		case changed:
			select {
			case <-wait:
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-grace.C:
				return nil, ErrWorkChanged
			}
		default:
			select {
			case <-wait:
			case <-ctx.Done():
				return nil, errors.Join(ErrUnderWay, ctx.Err())
			}
		}
	}
}

// match looks for the record of a call. What it has to wait for, if anything, is
// another call with the same name, or (changed) other calls that find their records.
//
// A record of a call that was executed, or may have been, goes before one of a call
// that was refused: who repeats a refused call makes it once in the next run.
func (r *Run) match(content, step ledger.Digest) (found *entry, wait <-chan struct{}, changed bool, err error) {
	last, foreign := 0, false
	for _, e := range r.calls {
		last = e.record.Number
		switch {
		case sameName(step, e.record.Step):
			found, wait, err = e.named(step)
			return found, wait, false, err
		case e.used:
		case e.record.Step.IsZero() && e.record.Content == content:
			if found == nil || found.record.State == ledger.Refused && e.record.State != ledger.Refused {
				found = e
			}
		case e.record.State != ledger.Refused && (step.IsZero() || e.record.Step.IsZero()):
			foreign = true
		}
	}
	switch {
	case found != nil:
		return found, nil, false, nil
	case foreign:
		return nil, r.claimed, true, nil
	}
	found = &entry{record: ledger.Record{Key: r.record.Key, Number: last + 1, Content: content, Step: step}}
	r.calls = append(r.calls, found)
	return found, nil, false, nil
}

// named is the record for a call with its name, once no other call has it.
func (e *entry) named(step ledger.Digest) (found *entry, wait <-chan struct{}, err error) {
	switch {
	case step != e.record.Step:
		return nil, nil, fmt.Errorf("%w: the name of the call was used for another action or receiver", ErrWorkChanged)
	case e.busy != nil:
		return nil, e.busy, nil
	}
	return e, nil, nil
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
