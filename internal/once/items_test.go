package once

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
)

// failing is a ledger of which some methods fail.
type failing struct {
	*ledger.Memory

	bind, find, equal, alive, begin, end error
	// dead says that nobody lives who holds a record.
	dead bool
}

func (f *failing) FindEqual(ctx context.Context, content ledger.Digest) ([]ledger.Record, error) {
	if f.equal != nil {
		return nil, f.equal
	}
	return f.Memory.FindEqual(ctx, content)
}

// Begin fails once.
func (f *failing) Begin(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if err := f.begin; err != nil {
		f.begin = nil
		return nil, err
	}
	return f.Memory.Begin(ctx, records...)
}

// End fails once.
func (f *failing) End(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if err := f.end; err != nil {
		f.end = nil
		return nil, err
	}
	return f.Memory.End(ctx, records...)
}

// newFailing returns a keeper and its ledger, in which nothing fails yet.
func newFailing(t *testing.T) (*Keeper, *failing) {
	t.Helper()
	k := newKeeper(t)
	f := &failing{Memory: k.Ledger.(*ledger.Memory)}
	k.Ledger = f
	return k, f
}

func (f *failing) Bind(ctx context.Context, project string) (ledger.Binding, error) {
	if f.bind != nil {
		return ledger.Binding{}, f.bind
	}
	return f.Memory.Bind(ctx, project)
}

func (f *failing) Find(ctx context.Context, key ledger.Digest) ([]ledger.Record, error) {
	if f.find != nil {
		return nil, f.find
	}
	return f.Memory.Find(ctx, key)
}

func (f *failing) Alive(ctx context.Context, holder string) (bool, error) {
	if f.alive != nil || f.dead {
		return false, f.alive
	}
	return f.Memory.Alive(ctx, holder)
}

// What a ledger cannot tell is an error, not an answer.
func TestFailuresOfALedgerAreToldOfItems(t *testing.T) {
	t.Parallel()
	failure := errors.New("disk")
	for name, spoil := range map[string]func(*failing){
		"Bind": func(f *failing) { f.bind = failure },
		"Find": func(f *failing) { f.find = failure },
	} {
		k := newKeeper(t)
		broken := &failing{Memory: k.Ledger.(*ledger.Memory)}
		k.Ledger = broken
		spoil(broken)
		_, err := k.Lookup(t.Context(), Work{Kind: "bulk", Name: "n", Key: "k"}, Call{Action: "message"})
		require.ErrorIs(t, err, failure, name)
		run, done, err := k.Start(t.Context(), Work{Kind: "work", Name: "n", Key: "k"})
		require.ErrorIs(t, err, failure, name)
		require.Nil(t, run, name)
		require.False(t, done, name)
	}
}

// An item is found by its run and key, is new under others, and must be the same request.
func TestLookupOfItems(t *testing.T) {
	t.Parallel()
	k, w := newKeeper(t), Work{Kind: "bulk", Name: "n", Key: "k"}
	one := Call{Action: "message", Body: []byte(`{"message":"one"}`)}
	fresh, err := k.Lookup(t.Context(), w, one)
	require.NoError(t, err)
	require.Zero(t, fresh.Version)
	begun, err := k.Ledger.Begin(t.Context(), fresh)
	require.NoError(t, err)
	found, err := k.Lookup(t.Context(), w, one)
	require.NoError(t, err)
	require.Equal(t, begun[0], found)
	for name, call := range map[string]Call{
		"another body":   {Action: "message", Body: []byte(`{"message":"two"}`)},
		"another action": {Action: "callback", Body: one.Body},
		"several calls":  {},
	} {
		_, err = k.Lookup(t.Context(), w, call)
		require.ErrorIs(t, err, ErrNameReused, name)
	}
	// A piece of work of several calls is asked for without an action.
	several := Work{Kind: "bulk", Name: "several", Key: "k"}
	run, _, err := k.Start(t.Context(), several)
	require.NoError(t, err)
	found, err = k.Lookup(t.Context(), several, Call{})
	require.NoError(t, err)
	require.Equal(t, run.record, found)
	_, err = k.Lookup(t.Context(), several, one)
	require.ErrorIs(t, err, ErrNameReused)
	// What is left of one whose own record is gone says nothing of an item.
	lost := Work{Kind: "bulk", Name: "lost", Key: "k"}
	fresh, err = k.Lookup(t.Context(), lost, one)
	require.NoError(t, err)
	fresh.Number, fresh.Content = 1, ledger.Digest{1}
	_, err = k.Ledger.Begin(t.Context(), fresh)
	require.NoError(t, err)
	fresh, err = k.Lookup(t.Context(), lost, one)
	require.NoError(t, err)
	require.Zero(t, fresh.Version)

	w.Key = "another"
	other, err := k.Lookup(t.Context(), w, one)
	require.NoError(t, err)
	require.Zero(t, other.Version)
	require.NotEqual(t, found.Key, other.Key)
}

// The user's own secret keys the digests, whatever the ledger's is.
func TestOwnSecretKeysTheDigests(t *testing.T) {
	t.Parallel()
	key := func(secret string) ledger.Digest {
		k := newKeeper(t)
		k.Secret = []byte(secret)
		r, err := k.Lookup(t.Context(), Work{Kind: "bulk", Name: "n", Key: "k"}, Call{Action: "message"})
		require.NoError(t, err)
		return r.Key
	}
	one, again, two := key("one"), key("one"), key("two")
	require.Equal(t, one, again)
	require.NotEqual(t, one, two)
}

// Only a record whose holder lives, or may still have written its request, is under way.
func TestItemsUnderWay(t *testing.T) {
	t.Parallel()
	failure := errors.New("disk")
	for name, test := range map[string]struct {
		record ledger.Record
		alive  error
		want   bool
		waited time.Duration
	}{
		"new":               {record: ledger.Record{State: ledger.Begun, Holder: "memory"}},
		"over":              {record: ledger.Record{Version: 1, State: ledger.Unknown, Holder: "memory"}},
		"held":              {record: ledger.Record{Version: 1, State: ledger.Begun, Holder: "memory"}, want: true},
		"left":              {record: ledger.Record{Version: 1, State: ledger.Begun, Holder: "dead"}},
		"left, but in time": {record: ledger.Record{Version: 1, State: ledger.Begun, Holder: "dead"}, waited: 3 * time.Second},
		"left, far ahead":   {record: ledger.Record{Version: 1, State: ledger.Begun, Holder: "dead"}, waited: 20 * time.Second, want: true},
		"not known":         {record: ledger.Record{Version: 1, State: ledger.Begun, Holder: "dead"}, alive: failure},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			k := newKeeper(t)
			k.Ledger = &failing{Memory: k.Ledger.(*ledger.Memory), alive: test.alive}
			start := time.Now()
			test.record.WriteBy = start.Add(test.waited)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			got, err := k.UnderWay(ctx, &test.record)
			require.ErrorIs(t, err, test.alive, name)
			require.Equal(t, test.want, got, name)
			require.Equal(t, min(test.waited, 10*time.Second), time.Since(start), name)
		})
	}
}

// An item whose request may have been executed stays in doubt, unless twice is harmless.
func TestItemsInDoubt(t *testing.T) {
	t.Parallel()
	records := []ledger.Record{
		{},
		{Version: 1, State: ledger.Begun},
		{Version: 1, State: ledger.Accepted},
		{Version: 1, State: ledger.Refused},
		{Version: 1, State: ledger.Unknown},
	}
	k := newKeeper(t)
	items, harmless := k.NewItems(records, false), k.NewItems(records, true)
	for i, want := range []bool{false, true, false, false, true, false} {
		require.Equal(t, want, items.Doubtful(i), i)
		require.False(t, harmless.Doubtful(i), i)
	}
	require.NoError(t, items.End(t.Context(), make([]ledger.State, len(records))), "nothing was begun")
}

// Items belong to the ledger and the project that they were looked up in.
func TestItemsOfAnotherLedger(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	equal := &Keeper{Ledger: k.Ledger, Project: k.Project}
	for name, test := range map[string]struct {
		keeper *Keeper
		err    error
	}{
		"the same":        {k, nil},
		"an equal one":    {equal, nil},
		"another project": {&Keeper{Ledger: k.Ledger, Project: "other"}, ErrOtherLedger},
		"another ledger":  {newKeeper(t), ErrOtherLedger},
		"none":            {nil, ErrOtherLedger},
	} {
		_, err := k.NewItems(nil, false).Guard(test.keeper)
		require.ErrorIs(t, err, test.err, name)
	}
}

// begunItems begins a batch of two items, and tells how their records are found.
func begunItems(t *testing.T, k *Keeper) (items *Items, g *Guard, states func() []ledger.State) {
	t.Helper()
	call := Call{Action: "message", Body: []byte(`{"message":"one"}`)}
	record := func(key string) ledger.Record {
		found, err := k.Lookup(t.Context(), Work{Kind: "bulk", Name: "n", Key: key}, call)
		require.NoError(t, err)
		return found
	}
	items = k.NewItems([]ledger.Record{record("a"), record("b")}, false)
	g, err := items.Guard(k)
	require.NoError(t, err)
	return items, g, func() []ledger.State { return []ledger.State{record("a").State, record("b").State} }
}

// A batch that was refused is refused as a whole; what was accepted ends item by item, all
// at once.
func TestEndOfItems(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	items, g, states := begunItems(t, k)
	require.Nil(t, g.Identity())
	require.NoError(t, items.End(t.Context(), []ledger.State{ledger.Accepted, ledger.Accepted}), "nothing was begun")
	_, err := g.Begin(t.Context(), time.Time{})
	require.NoError(t, err)
	require.NoError(t, g.End(t.Context(), ledger.Refused, ledger.Answer{}))
	require.Equal(t, []ledger.State{ledger.Refused, ledger.Refused}, states())

	_, err = g.Begin(t.Context(), time.Time{})
	require.NoError(t, err)
	require.NoError(t, g.End(t.Context(), ledger.Accepted, ledger.Answer{}))
	require.Equal(t, []ledger.State{ledger.Begun, ledger.Begun}, states(), "some may have been refused")
	require.NoError(t, items.End(t.Context(), []ledger.State{ledger.Accepted}), "for other items")
	require.Equal(t, []ledger.State{ledger.Begun, ledger.Begun}, states())
	require.NoError(t, items.End(t.Context(), []ledger.State{ledger.Accepted, ledger.Refused}))
	require.Equal(t, []ledger.State{ledger.Accepted, ledger.Refused}, states())
}

// An item that may have been executed before stays in doubt after a refusal, also if only
// that item was; one that ends as the request did is not written again.
func TestEndOfItemsInDoubt(t *testing.T) {
	t.Parallel()
	k, f := newFailing(t)
	_, g, _ := begunItems(t, k)
	_, err := g.Begin(t.Context(), time.Time{})
	require.NoError(t, err)
	require.NoError(t, g.End(t.Context(), ledger.Unknown, ledger.Answer{}))

	items, g, states := begunItems(t, k)
	require.False(t, g.MayBeExecuted(), "of a batch each item tells")
	require.False(t, g.Doubtful())
	items.doubts[1] = false
	_, err = g.Begin(t.Context(), time.Time{})
	require.NoError(t, err)
	require.NoError(t, g.End(t.Context(), ledger.Unknown, ledger.Answer{}))
	f.end = errors.New("written again")
	require.NoError(t, items.End(t.Context(), []ledger.State{ledger.Unknown, ledger.Unknown}))
	f.end = nil
	require.NoError(t, items.End(t.Context(), []ledger.State{ledger.Refused, ledger.Refused}))
	require.Equal(t, []ledger.State{ledger.Unknown, ledger.Refused}, states())
}

// What could not be written down of a batch is told when the items end, and a batch of
// which another process has an item is not sent.
func TestItemsThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	failure := errors.New("disk")
	k, f := newFailing(t)
	items, g, _ := begunItems(t, k)
	_, err := g.Begin(t.Context(), time.Time{})
	require.NoError(t, err)
	f.end = failure
	require.ErrorIs(t, g.End(t.Context(), ledger.Unknown, ledger.Answer{}), failure)
	require.ErrorIs(t, items.End(t.Context(), []ledger.State{ledger.Unknown, ledger.Unknown}), failure)

	k, f = newFailing(t)
	items, g, states := begunItems(t, k)
	_, err = g.Begin(t.Context(), time.Time{})
	require.NoError(t, err)
	require.NoError(t, g.End(t.Context(), ledger.Accepted, ledger.Answer{}))
	f.end = failure
	require.ErrorIs(t, items.End(t.Context(), []ledger.State{ledger.Accepted, ledger.Accepted}), failure)
	f.end = ledger.ErrTaken
	require.NoError(t, items.End(t.Context(), []ledger.State{ledger.Accepted, ledger.Accepted}), "another process looked after them")
	require.Equal(t, []ledger.State{ledger.Begun, ledger.Begun}, states())

	k = newKeeper(t)
	_, one, _ := begunItems(t, k)
	_, other, _ := begunItems(t, k)
	_, err = one.Begin(t.Context(), time.Time{})
	require.NoError(t, err)
	_, err = other.Begin(t.Context(), time.Time{})
	require.ErrorIs(t, err, ErrUnderWay)
}
