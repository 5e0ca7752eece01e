package once

import (
	"context"
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
