package once

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
)

// slowLedger takes a while to look.
type slowLedger struct {
	*ledger.Memory

	look time.Duration
}

func (l *slowLedger) Find(ctx context.Context, key ledger.Digest) ([]ledger.Record, error) {
	if err := sleep(ctx, l.look); err != nil {
		return nil, err
	}
	return l.Memory.Find(ctx, key)
}

// Work that is as old as the retention is known to be done, or refused, but never begun a
// second time, also if its records go while they are looked for.
func TestWorkAtTheBorderOfTheRetention(t *testing.T) {
	t.Parallel()
	const retention, look = time.Hour, time.Second
	for early, want := range map[time.Duration]error{
		3 * look: nil, look: nil, look - 1: ErrWorkTooOld, look / 2: ErrWorkTooOld, 0: ErrWorkTooOld, -look: ErrWorkTooOld,
	} {
		testkit.Bubble(t, func(t *testing.T) {
			memory, err := ledger.NewMemory(ledger.WithRetention(retention))
			require.NoError(t, err)
			slow := &slowLedger{Memory: memory}
			k := &Keeper{Ledger: slow, Project: "shop", SendWindow: time.Second}
			work := Work{Kind: "event", Name: "bot", Key: "1", Since: time.Now()}
			run, done, err := k.Start(t.Context(), work)
			require.NoError(t, err)
			require.False(t, done)
			_, err = run.Finish(t.Context(), true)
			require.NoError(t, err)

			pass(t, retention-early)
			slow.look = look
			run, done, err = k.Start(t.Context(), work)
			require.Nil(t, run, "%v before the border", early)
			require.ErrorIs(t, err, want, "%v before the border", early)
			require.Equal(t, want == nil, done, "%v before the border", early)
		})
	}
}

// A call that waits for its record ends with its work, and with its context.
func TestWaitForARecordEnds(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k := newKeeper(t)
		work := Work{Kind: "work", Name: "n", Key: "k"}
		begin := func() *Run {
			run, done, err := k.Start(t.Context(), work)
			require.NoError(t, err)
			require.False(t, done)
			return run
		}
		call := func(ctx context.Context, run *Run, text string) (*Guard, error) {
			return k.Guard(ctx, run, Call{Action: "message", Body: []byte(`{"client_id":1,"message":"` + text + `"}`)}, nil)
		}
		run := begin()
		g, err := call(t.Context(), run, "one")
		require.NoError(t, err)
		_, err = g.Begin(t.Context(), time.Time{})
		require.NoError(t, err)
		require.NoError(t, g.End(t.Context(), ledger.Accepted, ledger.Answer{}))
		g.Release()
		_, err = run.Finish(t.Context(), false)
		require.NoError(t, err)

		run = begin()
		ctx, leave, err := run.Enter(t.Context())
		require.NoError(t, err)
		defer leave()
		limited, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err = call(limited, run, "two")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, ErrWorkChanged)

		ended := make(chan error)
		go func() {
			_, err := call(ctx, run, "two")
			ended <- err
		}()
		pass(t, time.Second)
		_, err = run.Finish(t.Context(), false)
		require.NoError(t, err)
		require.ErrorIs(t, <-ended, ErrWorkEnded)
		_, _, err = run.Enter(t.Context())
		require.ErrorIs(t, err, ErrWorkEnded)
		_, _, err = run.Enter(ctx)
		require.ErrorIs(t, err, ErrWorkEnded, "also inside of a call")
	})
}

// What calls came to counts by their ends, and the calls of work inside count outside.
func TestCount(t *testing.T) {
	t.Parallel()
	outer := Counting(t.Context())
	inner := Counting(With(t.Context(), outer))
	const one, other = "one", "other"
	for _, c := range []struct {
		identity any
		state    ledger.State
		want     Tally
	}{
		{one, ledger.Unknown, Tally{Unknown: 1}},
		{other, ledger.Refused, Tally{Unknown: 1, Refused: 1}},
		{one, ledger.Accepted, Tally{Accepted: 1, Refused: 1}},
		{one, ledger.Accepted, Tally{Accepted: 1, Refused: 1}},
		{nil, ledger.Unknown, Tally{Accepted: 1, Refused: 1, Unknown: 1}},
		{nil, ledger.Accepted, Tally{Accepted: 2, Refused: 1, Unknown: 1}},
		{other, ledger.Begun, Tally{Accepted: 2, Unknown: 1}},
	} {
		inner.Count(c.identity, c.state)
		require.Equal(t, c.want, inner.Tally())
		require.Equal(t, c.want, outer.Tally())
	}
	var none *Run
	none.Count(one, ledger.Accepted)
}

// within is a call of a piece of work that has begun; leave must be called.
func within(t *testing.T, r *Run) (ctx context.Context, leave func()) {
	t.Helper()
	ctx, leave, err := r.Enter(t.Context())
	require.NoError(t, err)
	return ctx, leave
}

// ran is a piece of work that was run before, with these calls.
func ran(t *testing.T, k *Keeper, texts ...string) *Run {
	t.Helper()
	r := work(t, k)
	for _, text := range texts {
		g := guarded(t, k, r, says(text, ""), nil)
		begin(t, g)
		require.NoError(t, g.End(t.Context(), ledger.Accepted, ledger.Answer{}))
		g.Release()
	}
	finish(t, r)
	return work(t, k)
}

// A call waits for those that are under way, as long as they take, and not for one that
// waits itself or gave up waiting and goes on.
func TestCallsWaitForOthersUnderWay(t *testing.T) {
	t.Parallel()
	const call = 30 * time.Second
	for name, c := range map[string]struct {
		others func(t *testing.T, k *Keeper, r *Run)
		err    error
		took   time.Duration
	}{
		"nobody": {func(*testing.T, *Keeper, *Run) {}, ErrWorkChanged, orderGrace},
		"one that ends": {func(t *testing.T, _ *Keeper, r *Run) {
			t.Helper()
			_, leave := within(t, r)
			time.AfterFunc(call, leave)
		}, ErrWorkChanged, call + orderGrace},
		"one that finds its record": {func(t *testing.T, k *Keeper, r *Run) {
			t.Helper()
			ctx, leave := within(t, r)
			time.AfterFunc(call, func() {
				if _, err := k.Guard(ctx, r, says("one", ""), nil); err != nil {
					t.Error(err)
				}
			})
			time.AfterFunc(2*call, leave)
		}, nil, call},
		"one that waits, too": {func(t *testing.T, k *Keeper, r *Run) {
			t.Helper()
			ctx, leave := within(t, r)
			time.AfterFunc(call, func() {
				defer time.AfterFunc(call, leave)
				if _, err := k.Guard(ctx, r, says("three", ""), nil); !errors.Is(err, ErrWorkChanged) {
					t.Error(err)
				}
			})
		}, ErrWorkChanged, call + orderGrace},
		"one that gave up, and goes on": {func(t *testing.T, k *Keeper, r *Run) {
			t.Helper()
			ctx, leave := within(t, r)
			limited, cancel := context.WithTimeout(ctx, time.Second)
			go func() {
				defer cancel()
				if _, err := k.Guard(limited, r, says("three", ""), nil); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				time.AfterFunc(call, func() {
					if _, err := k.Guard(ctx, r, says("one", ""), nil); err != nil {
						t.Error(err)
					}
					leave()
				})
			}()
		}, nil, call + time.Second},
		"one of a piece of work inside, that is over": {func(t *testing.T, k *Keeper, r *Run) {
			t.Helper()
			inner, _, err := k.Start(With(t.Context(), r), Work{Kind: "work", Name: "inner", Key: "k"})
			require.NoError(t, err)
			_, leave := within(t, inner)
			time.AfterFunc(call, leave)
		}, ErrWorkChanged, call + orderGrace},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				k := newKeeper(t)
				r := ran(t, k, "one")
				c.others(t, k, r)
				ctx, leave := within(t, r)
				defer leave()
				start := time.Now()
				_, err := k.Guard(ctx, r, says("two", ""), nil)
				require.ErrorIs(t, err, c.err)
				require.Equal(t, c.took, time.Since(start))
				pass(t, time.Hour) // the others end
			})
		})
	}
}

// Two calls with one name are one after the other; who cannot wait is told so.
func TestCallsWithOneNameWaitForEachOther(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k := newKeeper(t)
		r := work(t, k)
		g := guarded(t, k, r, says("one", "name"), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := k.Guard(ctx, r, says("two", "name"), nil)
		require.ErrorIs(t, err, ErrUnderWay)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		begin(t, g)
		require.NoError(t, g.End(t.Context(), ledger.Accepted, ledger.Answer{Status: 200}))
		time.AfterFunc(time.Second, g.Release)
		start := time.Now()
		second := guarded(t, k, r, says("two", "name"), nil)
		require.Equal(t, time.Second, time.Since(start))
		decision, answer, err := second.Enter(t.Context())
		require.NoError(t, err)
		require.Equal(t, Replay, decision)
		require.Equal(t, 200, answer.Status)
		second.Release()
	})
}

// What the ledger cannot tell, or write down, keeps a piece of work from beginning and
// from being forgotten.
func TestFailuresOfALedgerAreToldOfWork(t *testing.T) {
	t.Parallel()
	w := Work{Kind: "work", Name: "n", Key: "k"}
	for name, spoil := range map[string]func(*failing){
		"Find":  func(f *failing) { f.find = errDisk },
		"Alive": func(f *failing) { f.alive = errDisk },
		"Begin": func(f *failing) { f.begin, f.dead = errDisk, true },
	} {
		k, f := newFailing(t)
		work(t, k)
		spoil(f)
		run, done, err := k.Start(t.Context(), w)
		require.ErrorIs(t, err, errDisk, name)
		require.Nil(t, run)
		require.False(t, done)
		spoil(f)
		require.ErrorIs(t, k.Forget(t.Context(), w), errDisk, name)
		*f = failing{Memory: f.Memory}
		require.ErrorIs(t, k.Forget(t.Context(), w), ErrUnderWay, name)
	}
	k, f := newFailing(t)
	f.bind = errDisk
	require.ErrorIs(t, k.Forget(t.Context(), w), errDisk)
	f.bind = nil
	r := work(t, k)
	f.end = errDisk
	_, err := r.Finish(t.Context(), true)
	require.ErrorIs(t, err, errDisk)
}

// Work that another process takes at the same moment is theirs.
func TestWorkTakenByAnother(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, f := newFailing(t)
		f.begin = ledger.ErrTaken
		start := time.Now()
		finish(t, work(t, k))
		require.Equal(t, firstLook, time.Since(start), "it is looked for again")
		f.begin = ledger.ErrTaken
		w := Work{Kind: "work", Name: "n", Key: "k"}
		require.ErrorIs(t, k.Forget(t.Context(), w), ErrUnderWay)
		require.NoError(t, k.Forget(t.Context(), w))
		require.NoError(t, k.Forget(t.Context(), w), "twice is once")
	})
}

// Work runs inside work of another ledger although both have one name and secret; inside
// its own it does not.
func TestWorkInsideWork(t *testing.T) {
	t.Parallel()
	one, other := newKeeper(t), newKeeper(t)
	one.Secret, other.Secret = []byte("secret"), []byte("secret")
	w := Work{Kind: "work", Name: "n", Key: "k"}
	r := work(t, one)
	inner, _, err := other.Start(With(t.Context(), r), w)
	require.NoError(t, err)
	_, _, err = one.Start(With(t.Context(), inner), w)
	require.ErrorIs(t, err, ErrWorkNested)
}

// Records of calls whose piece of work is not recorded are its calls all the same.
func TestCallsWithoutTheirWork(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	r := ran(t, k, "one")
	finish(t, r)
	calls, err := k.Ledger.Find(t.Context(), r.record.Key)
	require.NoError(t, err)
	require.NoError(t, k.Ledger.Forget(t.Context(), r.record.Key))
	calls[1].Version = 0
	_, err = k.Ledger.Begin(t.Context(), calls[1])
	require.NoError(t, err)
	r = work(t, k)
	require.Len(t, r.calls, 1)

	// They are forgotten with it, too.
	require.NoError(t, k.Ledger.Forget(t.Context(), r.record.Key))
	_, err = k.Ledger.Begin(t.Context(), calls[1])
	require.NoError(t, err)
	require.NoError(t, k.Forget(t.Context(), Work{Kind: "work", Name: "n", Key: "k"}))
	found, err := k.Ledger.Find(t.Context(), r.record.Key)
	require.NoError(t, err)
	require.Empty(t, found)
}

// A kind goes for the next piece of work only.
func TestKindOfWork(t *testing.T) {
	t.Parallel()
	require.Empty(t, KindFrom(nil)) //nolint:staticcheck // callers may have none
	ctx := WithKind(t.Context(), KindEvent)
	require.Equal(t, KindEvent, KindFrom(ctx))
	r := new(Run)
	ctx = With(ctx, r)
	require.Empty(t, KindFrom(ctx))
	require.Same(t, r, From(ctx))
}

// No call may be made in a refusing context, nor in the piece of work around until that is
// allowed again.
func TestRefuse(t *testing.T) {
	t.Parallel()
	refusing, allow := Refuse(t.Context())
	require.True(t, Refused(refusing))
	require.False(t, Refused(t.Context()))
	allow()

	outer := With(t.Context(), new(Run))
	inner := With(outer, Counting(outer))
	_, allow = Refuse(outer)
	_, allowInner := Refuse(inner)
	require.True(t, Refused(inner))
	allowInner()
	allowInner()
	require.True(t, Refused(inner), "the work around still refuses")
	allow()
	require.False(t, Refused(inner))
}

// Everything may happen at once. The race detector watches.
func TestWorkAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k := newKeeper(t)
		r := ran(t, k, "0", "1", "2", "3")
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				ctx, leave := within(t, r)
				defer leave()
				k.lastMoment(&ledger.Record{Version: int64(i), WriteBy: time.Now().Add(2 * LongestSendWindow)})
				_, allow := Refuse(With(ctx, r))
				Refused(With(ctx, r))
				allow()
				g, err := k.Guard(ctx, r, says(strconv.Itoa(i), ""), nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Count(g.Identity(), ledger.Accepted)
				r.Tally()
				r.Ended()
				g.Release()
			})
		}
		group.Wait()
		require.Equal(t, Tally{Accepted: 8}, r.Tally())
		// Each of these alone, so that nothing else orders them.
		inside := With(t.Context(), r)
		for range 4 {
			group.Go(func() { r.Count("one", ledger.Accepted) })
			group.Go(func() { r.Tally() })
			group.Go(func() { Refuse(inside) })
			group.Go(func() { Refused(inside) })
			group.Go(r.CountRecorded)
		}
		group.Wait()
		late := guarded(t, k, r, says("late", ""), nil)
		group.Go(late.Release)
		group.Go(func() { r.Ended() })
		finish(t, r)
		group.Wait()

		fresh := newKeeper(t)
		for range 4 {
			group.Go(func() {
				if _, err := fresh.bind(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	})
}
