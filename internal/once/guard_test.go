package once

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
)

var errDisk = errors.New("disk")

// work begins the piece of work of these tests.
func work(t *testing.T, k *Keeper) *Run {
	t.Helper()
	run, done, err := k.Start(t.Context(), Work{Kind: "work", Name: "n", Key: "k"})
	require.NoError(t, err)
	require.False(t, done)
	return run
}

func finish(t *testing.T, r *Run) {
	t.Helper()
	_, err := r.Finish(t.Context(), false)
	require.NoError(t, err)
}

// says is a call of a piece of work.
func says(text, step string) Call {
	return Call{Action: "message", Body: []byte(`{"client_id":1,"message":"` + text + `"}`), Step: step, Sent: &Sent{Client: 1, Text: text}}
}

func guarded(t *testing.T, k *Keeper, r *Run, call Call, h History) *Guard {
	t.Helper()
	g, err := k.Guard(t.Context(), r, call, h)
	require.NoError(t, err)
	return g
}

func begin(t *testing.T, g *Guard) {
	t.Helper()
	_, err := g.Begin(t.Context(), time.Time{})
	require.NoError(t, err)
}

// What the ledger cannot tell, or write down, is an error of the call.
func TestFailuresOfALedgerAreToldOfCalls(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*failing){
		"Find":      func(f *failing) { f.find = errDisk },
		"FindEqual": func(f *failing) { f.equal = errDisk },
		"End":       func(f *failing) { f.end = errDisk },
	} {
		testkit.Bubble(t, func(t *testing.T) {
			k, f := newFailing(t)
			h := &page{newest: 10, whole: true}
			lost(t, k, "key", h, ledger.Unknown)
			pass(t, time.Hour)
			spoil(f)
			decision, _, err := keyed(t, k, "key", h).Enter(t.Context())
			require.ErrorIs(t, err, errDisk, name)
			require.Equal(t, Leave, decision, name)
		})
	}
	testkit.Bubble(t, func(t *testing.T) {
		k, f := newFailing(t)
		begin(t, keyed(t, k, "key", nil))
		f.alive = errDisk
		decision, _, err := keyed(t, k, "key", nil).Enter(t.Context())
		require.ErrorIs(t, err, errDisk)
		require.Equal(t, Leave, decision)
	})
	testkit.Bubble(t, func(t *testing.T) {
		k, f := newFailing(t)
		g := keyed(t, k, "key", nil)
		f.begin = errDisk
		_, err := g.Begin(t.Context(), time.Time{})
		require.ErrorIs(t, err, errDisk)
		begin(t, g)
		f.end = errDisk
		require.ErrorIs(t, g.End(t.Context(), ledger.Accepted, ledger.Answer{}), errDisk)
		require.NoError(t, g.End(t.Context(), ledger.Accepted, ledger.Answer{}))
	})
}

// What the history cannot tell sends nothing.
func TestFailuresOfAHistorySendNothing(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*page) error{
		"it fails":                      func(h *page) error { h.failure = errDisk; return errDisk },
		"it does not reach back":        func(h *page) error { h.whole = false; return nil },
		"there is a message of no time": func(h *page) error { h.items = []Item{message(11)}; return nil },
		"perhaps it is the message":     func(h *page) error { h.items = []Item{{ID: 11, Matches: true}}; return nil },
		"the numbers are later, not so the times": func(h *page) error {
			h.items = []Item{{ID: 11, Matches: true, FromAPI: true, At: h.server.Add(-time.Minute)}}
			return nil
		},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			k, h := newKeeper(t), &page{newest: 10, whole: true, server: time.Now()}
			if name == "there is a message of no time" {
				h.newestFailure = errDisk
			}
			lost(t, k, "key", h, ledger.Unknown)
			pass(t, time.Hour)
			want := spoil(h)
			h.server = h.server.Add(time.Hour)
			decision, _, err := keyed(t, k, "key", h).Enter(t.Context())
			require.ErrorIs(t, err, want, name)
			require.Equal(t, Leave, decision, name)
		})
	}
}

// Messages with other words say nothing about a request.
func TestOtherMessagesAreNotTheRequest(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, h := newKeeper(t), &page{newest: 10, whole: true}
		lost(t, k, "key", h, ledger.Unknown)
		pass(t, time.Hour)
		h.items = []Item{{ID: 11, FromAPI: true}, {ID: 12, FromAPI: true}}
		require.Equal(t, Send, entered(t, k, "key", h))
	})
}

// Without a history, or without a message to look for, nothing is decided.
func TestWithoutAHistoryTheUnknownStays(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, h := newKeeper(t), &page{newest: 10, whole: true}
		lost(t, k, "key", h, ledger.Unknown)
		lost(t, k, "none", nil, ledger.Unknown)
		pass(t, time.Hour)
		require.Equal(t, Leave, entered(t, k, "key", nil))
		require.Equal(t, Leave, entered(t, k, "none", h))
		require.Zero(t, h.reads)
	})
}

// The clock of Salebot stops a decision only where it was known before and after.
func TestServerTimeThatIsKnownOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after bool }{"before": {true, false}, "after": {false, true}} {
		testkit.Bubble(t, func(t *testing.T) {
			server := time.Now()
			k, h := newKeeper(t), &page{newest: 10, whole: true}
			if c.before {
				h.server = server
			}
			lost(t, k, "key", h, ledger.Unknown)
			pass(t, time.Hour)
			h.server = time.Time{}
			if c.after {
				h.server = server.Add(time.Second)
			}
			require.Equal(t, Send, entered(t, k, "key", h), name)
		})
	}
}

// Who cannot wait until the history says something is told so, and nothing is sent.
func TestTooLittleTimeSendsNothing(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, h := newKeeper(t), &page{newest: 10, whole: true}
		lost(t, k, "key", h, ledger.Unknown)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		decision, _, err := keyed(t, k, "key", h).Enter(ctx)
		require.ErrorIs(t, err, ErrUnderWay, "it may still be written")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, Leave, decision)

		pass(t, 5*time.Second)
		start := time.Now()
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		decision, _, err = keyed(t, k, "key", h).Enter(ctx)
		require.NoError(t, err)
		require.Equal(t, Leave, decision)
		require.Zero(t, time.Since(start), "it is known that the time does not suffice")

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		decision, _, err = keyed(t, k, "key", h).Enter(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, Leave, decision)
	})
}

// What was found in the history is written down: later calls need not look, and can go on
// from there.
func TestDecisionsAreRecorded(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, h := newKeeper(t), &page{newest: 10, whole: true}
		for _, key := range []string{"executed", "not executed"} {
			g := keyed(t, k, key, h)
			begin(t, g)
			require.NoError(t, g.End(t.Context(), ledger.Unknown, ledger.Answer{Status: 503}))
			pass(t, time.Hour)
		}
		g := keyed(t, k, "not executed", h)
		decision, _, err := g.Enter(t.Context())
		require.NoError(t, err)
		require.Equal(t, Send, decision)
		begin(t, g)
		require.NoError(t, g.End(t.Context(), ledger.Refused, ledger.Answer{}))

		h.items = []Item{message(11)}
		for range 2 {
			decision, answer, err := keyed(t, k, "executed", h).Enter(t.Context())
			require.NoError(t, err)
			require.Equal(t, Replay, decision)
			require.Zero(t, answer, "that of the failure is not that of the request")
			h.items = nil
		}
	})
}

// A record that another process settles at the same time is read again.
func TestSettledByAnother(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, f := newFailing(t)
		h := &page{newest: 10, whole: true}
		lost(t, k, "key", h, ledger.Unknown)
		pass(t, time.Hour)
		f.end = ledger.ErrTaken
		require.Equal(t, Send, entered(t, k, "key", h))
	})
}

// The record of a process that died is settled as soon as its request cannot be written
// any more; that of one that lives is waited for.
func TestRecordsOfTheDead(t *testing.T) {
	t.Parallel()
	for _, dead := range []bool{true, false} {
		testkit.Bubble(t, func(t *testing.T) {
			k, f := newFailing(t)
			h := &page{newest: 10, whole: true}
			begin(t, keyed(t, k, "key", h))
			f.dead = dead
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			start := time.Now()
			decision, _, err := keyed(t, k, "key", h).Enter(ctx)
			if dead {
				require.NoError(t, err)
				require.Equal(t, Send, decision)
				require.Equal(t, k.SendWindow+k.HistoryDelay, time.Since(start))
			} else {
				require.ErrorIs(t, err, ErrUnderWay)
				require.Equal(t, Leave, decision)
			}
		})
	}
}

// A call that was under way when its piece of work ended is settled when that runs again,
// also in the same process.
func TestCallsLeftByTheRunBefore(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, h := newKeeper(t), &page{newest: 10, whole: true}
		r := work(t, k)
		g := guarded(t, k, r, says("one", ""), h)
		begin(t, g)
		g.Release()
		finish(t, r)
		r = work(t, k)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		decision, _, err := guarded(t, k, r, says("one", ""), h).Enter(ctx)
		require.NoError(t, err)
		require.Equal(t, Send, decision)
	})
}

// A call reads its record again before it is made again, that of its own number.
func TestRecordsAreReadAgain(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	r := work(t, k)
	for _, text := range []string{"one", "two"} {
		g := guarded(t, k, r, says(text, ""), nil)
		for range 3 {
			decision, _, err := g.Enter(t.Context())
			require.NoError(t, err)
			require.Equal(t, Send, decision)
			begin(t, g)
			require.NoError(t, g.End(t.Context(), ledger.Refused, ledger.Answer{}))
		}
		g.Release()
	}
}

// A call that another process made in the piece of work since then, or whose record is
// gone, belongs to this one no more.
func TestRecordsTakenByAnotherProcess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		begun bool
		other func(t *testing.T, k *Keeper, mine ledger.Record)
		err   error
	}{
		"the same": {false, func(*testing.T, *Keeper, ledger.Record) {}, nil},
		"other words": {false, func(t *testing.T, k *Keeper, mine ledger.Record) {
			t.Helper()
			mine.Content = ledger.Digest{1}
			_, err := k.Ledger.Begin(t.Context(), mine)
			require.NoError(t, err)
		}, ErrUnderWay},
		"another name": {false, func(t *testing.T, k *Keeper, mine ledger.Record) {
			t.Helper()
			mine.Step = ledger.Digest{1}
			_, err := k.Ledger.Begin(t.Context(), mine)
			require.NoError(t, err)
		}, ErrUnderWay},
		"forgotten": {true, func(t *testing.T, k *Keeper, mine ledger.Record) {
			t.Helper()
			require.NoError(t, k.Ledger.Forget(t.Context(), mine.Key))
		}, ErrUnderWay},
	} {
		k := newKeeper(t)
		r := work(t, k)
		g := guarded(t, k, r, says("one", ""), nil)
		_, _, err := g.Enter(t.Context())
		require.NoError(t, err)
		if c.begun {
			begin(t, g)
		}
		c.other(t, k, g.records[0])
		decision, _, err := g.Enter(t.Context())
		require.ErrorIs(t, err, c.err, name)
		require.NotErrorIs(t, err, ErrKeyReused, name)
		require.Equal(t, c.err == nil, decision == Send, name)
	}
}

// Of two calls with one key that begin at once, one looks again.
func TestKeysThatBeginAtOnce(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	one, other := keyed(t, k, "key", nil), keyed(t, k, "key", nil)
	for _, g := range []*Guard{one, other} {
		_, _, err := g.Enter(t.Context())
		require.NoError(t, err)
	}
	begin(t, one)
	_, err := other.Begin(t.Context(), time.Time{})
	require.True(t, IsAgain(err))
	require.NoError(t, one.End(t.Context(), ledger.Accepted, ledger.Answer{}))
	decision, _, err := other.Enter(t.Context())
	require.NoError(t, err)
	require.Equal(t, Replay, decision)
	require.Equal(t, one.Identity(), other.Identity())
}

// A key whose record is gone is new, and can be used.
func TestKeysThatWereForgotten(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	g := keyed(t, k, "key", nil)
	begin(t, g)
	require.NoError(t, g.End(t.Context(), ledger.Refused, ledger.Answer{}))
	require.NoError(t, k.Ledger.Forget(t.Context(), g.records[0].Key))
	decision, _, err := g.Enter(t.Context())
	require.NoError(t, err)
	require.Equal(t, Send, decision)
	begin(t, g)
}

// A request may be written for as long as the window lasts, and not beyond the deadline of
// its call; after that it is not recorded at all.
func TestMomentUpToWhichARequestMayBeWritten(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k := newKeeper(t)
		now := time.Now()
		for name, c := range map[string]struct{ deadline, want time.Time }{
			"none":   {time.Time{}, now.Add(k.SendWindow)},
			"later":  {now.Add(time.Hour), now.Add(k.SendWindow)},
			"sooner": {now.Add(time.Second), now.Add(time.Second)},
		} {
			g := keyed(t, k, name, nil)
			until, err := g.Begin(t.Context(), c.deadline)
			require.NoError(t, err)
			require.Equal(t, c.want, until, name)
			require.Equal(t, c.want, g.records[0].WriteBy, name)
		}
		g := keyed(t, k, "over", nil)
		_, err := g.Begin(t.Context(), now)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, g.records[0].Version)
	})
}

// No request of a piece of work begins after its end.
func TestNothingBeginsAfterTheWork(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	r := work(t, k)
	g := guarded(t, k, r, says("one", ""), nil)
	pending, err := r.Finish(t.Context(), true)
	require.NoError(t, err)
	require.Equal(t, LeftUnderWay, pending)
	_, err = g.Begin(t.Context(), time.Time{})
	require.ErrorIs(t, err, ErrWorkEnded)
	require.Zero(t, g.records[0].Version)
}

// What keeps a piece of work from being done is the call under way, before any doubt.
func TestPendingCalls(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	r := work(t, k)
	guarded(t, k, r, says("one", ""), nil)
	r.Count("another", ledger.Unknown)
	pending, err := r.Finish(t.Context(), true)
	require.NoError(t, err)
	require.Equal(t, LeftUnderWay, pending)
}

// A named call with new words is recorded with them; whether an earlier one was scheduled
// is kept.
func TestNamedCallsInOtherWords(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	for _, c := range []struct {
		text                string
		repeat, now, before bool
		state               ledger.State
	}{
		{"one", false, false, false, ledger.Refused},
		{"two", false, true, false, ledger.Unknown},
		{"three", true, false, true, ledger.Unknown},
		{"three", true, false, true, ledger.Unknown},
	} {
		r := work(t, k)
		r.RepeatUnknown = c.repeat
		g := guarded(t, k, r, says(c.text, "name"), nil)
		g.scheduled = c.now
		if c.repeat {
			g.doubts = []bool{true}
		}
		begin(t, g)
		require.Equal(t, g.content, g.records[0].Content)
		require.Equal(t, c.now || c.before, g.records[0].Scheduled)
		require.NoError(t, g.End(t.Context(), c.state, ledger.Answer{}))
		g.Release()
		finish(t, r)
	}
	r := work(t, k)
	r.RepeatUnknown = true
	g := guarded(t, k, r, says("three", "other name"), nil)
	begin(t, g)
	require.NoError(t, g.End(t.Context(), ledger.Unknown, ledger.Answer{}))
	g.doubts, g.scheduled = []bool{true}, true
	begin(t, g)
	require.True(t, g.records[0].Scheduled)
}

// Requests that are no JSON are told apart by all of their bytes, others by their members.
func TestContentOfRequests(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	guard := func(key, body string) *Guard {
		return guarded(t, k, nil, Call{Action: "x", Body: []byte(body), Key: key}, nil)
	}
	for i, c := range []struct {
		one, other string
		err        error
	}{
		{"not JSON", "nor this", ErrKeyReused},
		{"[1]", "[2]", ErrKeyReused},
		{"[1]", "[1]", nil},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, nil},
		{`{"a":1}`, `{"a":1,"send_time":"now"}`, nil},
		{`{"a":1}`, `{"a":2}`, ErrKeyReused},
	} {
		key := string(rune('a' + i))
		g := guard(key, c.one)
		begin(t, g)
		require.NoError(t, g.End(t.Context(), ledger.Refused, ledger.Answer{}))
		_, _, err := guard(key, c.other).Enter(t.Context())
		require.ErrorIs(t, err, c.err, "%s %s", c.one, c.other)
	}
}

// Records that an older version has written are found: the digests stay what they are.
func TestDigestsStay(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	k.Secret = []byte("secret")
	g := keyed(t, k, "key", nil)
	bound, err := k.bind(t.Context())
	require.NoError(t, err)
	step := (&Call{Action: "message", Step: "name", Body: []byte(`{"client_ids":[1],"phone":"7"}`)}).stepDigest(bound)
	for _, c := range []struct {
		want string
		got  ledger.Digest
	}{
		{"543c41eef279a3fc647a85dd3cc813d4", g.records[0].Key},
		{"1bd6c66dba6088b69e321d8ec233e29f", g.content},
		{"83a5dbc40ae30b0bda8544b3f0c99537", step},
		{"30af49595a824252efc4f415db4a5f1e", k.workKey(bound, "work", "n", "k")},
	} {
		require.Equal(t, c.want, hex.EncodeToString(c.got[:]))
	}
	require.NotEqual(t, k.workKey(bound, "work", "ab", "c"), k.workKey(bound, "work", "a", "bc"))
}

// The receiver is part of a step, in whatever order and wherever a request names it.
func TestReceivers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`{"message":"m","client_id":1,"message_id":5}`:                  {"client_id=1"},
		`{"platform_ids":["a"],"group_id":"g","email":"e","phone":"p"}`: {`email="e"`, `group_id="g"`, `phone="p"`, `platform_ids=["a"]`},
		`{"recipient":"r","list":[1],"clients":[2]}`:                    {"clients=[2]", "list=[1]", `recipient="r"`},
		`not JSON`: nil,
	} {
		for range 5 { // maps have no order
			require.Equal(t, want, (&Call{Body: []byte(body)}).receiver(), body)
		}
	}
}

// A moment that is further away than any can be counts from the first look at it.
func TestMomentsTooFarAhead(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, start := newKeeper(t), time.Now()
		near := &ledger.Record{Version: 1, WriteBy: start.Add(LongestSendWindow)}
		far := &ledger.Record{Version: 2, WriteBy: start.Add(365 * 24 * time.Hour)}
		later := &ledger.Record{Version: 3, WriteBy: far.WriteBy}
		require.Equal(t, near.WriteBy, k.lastMoment(near))
		require.Equal(t, start.Add(LongestSendWindow), k.lastMoment(far))
		pass(t, 30*time.Minute)
		require.Equal(t, start.Add(LongestSendWindow), k.lastMoment(far))
		require.Equal(t, start.Add(30*time.Minute+LongestSendWindow), k.lastMoment(later))
	})
}

// Other requests with the same content may have left a message unless they were refused,
// or were over long before.
func TestOthers(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	mine := ledger.Record{Key: ledger.Digest{1}, Number: 1, WriteBy: at.Add(k.SendWindow)}
	const reach = time.Minute + serverSlack
	other := func(change func(*ledger.Record)) ledger.Record {
		r := ledger.Record{Key: ledger.Digest{2}, Number: 1, State: ledger.Accepted, EndedAt: at}
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		other ledger.Record
		want  int
	}{
		"at the same time":              {other(func(*ledger.Record) {}), 1},
		"the same":                      {other(func(r *ledger.Record) { r.Key = mine.Key }), 0},
		"another call of the same work": {other(func(r *ledger.Record) { r.Key, r.Number = mine.Key, 2 }), 1},
		"refused":                       {other(func(r *ledger.Record) { r.State = ledger.Refused }), 0},
		"over just in time":             {other(func(r *ledger.Record) { r.EndedAt = at.Add(-reach) }), 1},
		"over before":                   {other(func(r *ledger.Record) { r.EndedAt = at.Add(-reach - 1) }), 0},
		"over before, but scheduled":    {other(func(r *ledger.Record) { r.EndedAt, r.Scheduled = at.Add(-reach-1), true }), 1},
		"not ended, but over":           {other(func(r *ledger.Record) { r.EndedAt, r.WriteBy = time.Time{}, at.Add(-reach-1) }), 0},
		"not ended, written till then":  {other(func(r *ledger.Record) { r.EndedAt, r.WriteBy = time.Time{}, at.Add(-reach) }), 1},
	} {
		require.Len(t, k.others(&mine, []ledger.Record{c.other}), c.want, name)
	}
	// A request that was begun long ago and repeated since then counts from its beginning.
	begun := mine
	begun.BegunAt = at.Add(-time.Hour)
	require.Len(t, k.others(&begun, []ledger.Record{other(func(r *ledger.Record) { r.EndedAt = at.Add(-time.Hour) })}), 1)
	require.Empty(t, k.others(&begun, []ledger.Record{other(func(r *ledger.Record) { r.EndedAt = at.Add(-2 * time.Hour) })}))
	begun.BegunAt = at.Add(time.Second)
	require.Len(t, k.others(&begun, []ledger.Record{other(func(r *ledger.Record) { r.EndedAt = at.Add(-reach) })}), 1)
}

// Only a request that was accepted, at once, and early enough to be shown has left a
// message for sure, and only after its own anchor.
func TestClaimedAfter(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	numbered := func(id int64) ledger.Anchor { return ledger.Anchor{Known: true, MessageID: id} }
	timed := func(d time.Duration) ledger.Anchor { return ledger.Anchor{Server: at.Add(d)} }
	accepted := func(anchor ledger.Anchor) ledger.Record {
		return ledger.Record{State: ledger.Accepted, Anchor: anchor, EndedAt: at}
	}
	changed := func(change func(*ledger.Record)) ledger.Record {
		r := accepted(numbered(11))
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		mine  ledger.Anchor
		other ledger.Record
		want  int
	}{
		"later":                  {numbered(10), accepted(numbered(11)), 1},
		"from the same message":  {numbered(10), accepted(numbered(10)), 1},
		"earlier":                {numbered(10), accepted(numbered(9)), 0},
		"of no number":           {numbered(0), accepted(timed(time.Second)), 0},
		"later by the clock":     {timed(0), accepted(timed(time.Second)), 1},
		"at once by the clock":   {timed(0), accepted(timed(0)), 0},
		"of no time":             {ledger.Anchor{}, accepted(numbered(11)), 0},
		"of unknown outcome":     {numbered(10), changed(func(r *ledger.Record) { r.State = ledger.Unknown }), 0},
		"scheduled":              {numbered(10), changed(func(r *ledger.Record) { r.Scheduled = true }), 0},
		"too young to be shown":  {numbered(10), changed(func(r *ledger.Record) { r.EndedAt = at.Add(time.Second + 1) }), 0},
		"old enough to be shown": {numbered(10), changed(func(r *ledger.Record) { r.EndedAt = at.Add(time.Second) }), 1},
	} {
		mine := ledger.Record{Anchor: c.mine}
		require.Equal(t, c.want, claimedAfter(&mine, []ledger.Record{c.other}, at.Add(time.Second)), name)
	}
}
