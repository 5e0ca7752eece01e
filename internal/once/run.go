package once

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// Tally counts the calls of a piece of work that must not be made twice by what became
// of them. A call that a record answered counts as it did first.
type Tally struct {
	Accepted, Refused, Unknown int
	// Recorded counts those of the accepted calls that a record answered.
	Recorded int
}

// add counts a call; what was provably not sent does not count.
func (t *Tally) add(state ledger.State, n int) {
	switch state {
	case ledger.Accepted:
		t.Accepted += n
	case ledger.Refused:
		t.Refused += n
	case ledger.Unknown:
		t.Unknown += n
	case ledger.Begun:
	}
}

// Run is a piece of work under way. Without a keeper it only counts.
type Run struct {
	keeper *Keeper
	parent *Run
	// RepeatUnknown sends again what may have been executed.
	RepeatUnknown bool

	mutex  sync.Mutex
	tally  Tally
	closed bool
	// became says what was counted of the calls that can be told apart.
	became map[any]ledger.State
	// refusals counts those who let no call be made now.
	refusals int

	// record is the ledger's record of the piece of work; the others are those of its
	// calls.
	record ledger.Record
	calls  []*entry
	// underWay counts the calls that have begun and not ended, of any class, and waiting
	// those of them that wait for others to find their records.
	underWay, waiting int
	// moved is closed, and replaced, when one of these changes or a call finds its
	// record, if a call waits for that.
	moved chan struct{}
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
	key := k.workKey(binding, w.Kind, w.Name, w.Key)
	r = &Run{keeper: k, parent: From(ctx), moved: make(chan struct{})}
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
			return nil, false, and(ErrUnderWay, err)
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

// Pending is what keeps a piece of work from being done although its function succeeded.
type Pending uint8

const (
	// Nothing keeps it.
	Nothing Pending = iota
	// LeftUnderWay is a call that is still under way, whose outcome nobody would learn.
	LeftUnderWay
	// InDoubt is a call that may have been executed.
	InDoubt
)

// Finish ends a piece of work; done says that it need not run again. It is not done as
// long as something is pending, also of a call that was made only when it ran before.
func (r *Run) Finish(ctx context.Context, done bool) (pending Pending, err error) {
	r.mutex.Lock()
	r.closed = true
	r.move()
	var inDoubt []*entry
	for _, e := range r.calls {
		switch {
		case e.busy != nil:
			pending = LeftUnderWay
		case doubtful(&e.record):
			inDoubt = append(inDoubt, e)
		}
	}
	r.mutex.Unlock()
	for _, e := range inDoubt {
		r.Count(e, ledger.Unknown)
	}
	if pending == Nothing && r.Tally().Unknown > 0 {
		pending = InDoubt
	}
	if r.keeper == nil {
		return pending, nil
	}
	r.record.State = ledger.Refused
	if done && pending == Nothing {
		r.record.State = ledger.Accepted
	}
	_, err = r.keeper.Ledger.End(context.WithoutCancel(ctx), r.record)
	return pending, err
}

// Forget removes what is known of a piece of work. One that another call or process is
// at is ErrUnderWay, unless it is that of an event, which its handler has ended.
func (k *Keeper) Forget(ctx context.Context, w Work) error {
	binding, err := k.bind(ctx)
	if err != nil {
		return err
	}
	key := k.workKey(binding, w.Kind, w.Name, w.Key)
	if w.Kind != KindEvent {
		if err := k.hold(ctx, key); err != nil {
			return err
		}
	}
	return k.Ledger.Forget(ctx, key)
}

// hold keeps others from beginning a piece of work.
func (k *Keeper) hold(ctx context.Context, key ledger.Digest) error {
	found, err := k.Ledger.Find(ctx, key)
	if err != nil || len(found) == 0 || found[0].Number != 0 {
		return err
	}
	free, err := k.free(ctx, &found[0])
	switch {
	case err != nil:
		return err
	case !free:
		return ErrUnderWay
	}
	_, err = k.Ledger.Begin(ctx, found[0])
	if errors.Is(err, ledger.ErrTaken) {
		return ErrUnderWay
	}
	return err
}

// Tally returns what became of the calls so far.
func (r *Run) Tally() Tally {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.tally
}

// Count notes what became of a call, here and in the work around; Begun means that it
// was provably not sent. A call with an identity counts by what became of it last.
func (r *Run) Count(identity any, state ledger.State) {
	for ; r != nil; r = r.parent {
		r.mutex.Lock()
		if identity != nil {
			r.tally.add(r.became[identity], -1)
			if r.became == nil {
				r.became = map[any]ledger.State{}
			}
			r.became[identity] = state
		}
		r.tally.add(state, 1)
		r.mutex.Unlock()
	}
}

// CountRecorded notes that a record answered a call, here and in the work around.
func (r *Run) CountRecorded() {
	for ; r != nil; r = r.parent {
		r.mutex.Lock()
		r.tally.Recorded++
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

type refusalKey struct{}

// Refuse returns a context in which no call may be made. In ctx none may either, if it
// is that of a piece of work, until allow is called.
func Refuse(ctx context.Context) (refusing context.Context, allow func()) {
	refusing = context.WithValue(ctx, refusalKey{}, true)
	r := From(ctx)
	if r == nil {
		return refusing, func() {}
	}
	r.refuse(1)
	return refusing, sync.OnceFunc(func() { r.refuse(-1) })
}

func (r *Run) refuse(more int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.refusals += more
}

// Refused reports whether no call may be made in a context.
func Refused(ctx context.Context) bool {
	if ctx.Value(refusalKey{}) != nil {
		return true
	}
	for r := From(ctx); r != nil; r = r.parent {
		r.mutex.Lock()
		refused := r.refusals > 0
		r.mutex.Unlock()
		if refused {
			return true
		}
	}
	return false
}

// Recorded reports whether the calls of the piece of work are recorded.
func (r *Run) Recorded() bool { return r.recorder() != nil }

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
