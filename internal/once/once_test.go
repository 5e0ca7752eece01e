package once

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
)

// page is a history whose items are known.
type page struct {
	items  []Item
	newest int64
	whole  bool
	took   time.Duration
	reads  int
	// server is the time by Salebot's clock.
	server time.Time
	// failure is that of the messages, newestFailure that of the newest one.
	failure, newestFailure error
}

func (p *page) Newest(context.Context, int64) (int64, error) { return p.newest, p.newestFailure }

func (p *page) Since(ctx context.Context, _ *Sent, _ ledger.Anchor) ([]Item, bool, error) {
	p.reads++
	items := append([]Item(nil), p.items...)
	return items, p.whole, cmp.Or(p.failure, sleep(ctx, p.took))
}

func (p *page) ServerTime() (time.Time, bool) { return p.server, !p.server.IsZero() }

const delay = 20 * time.Second

func newKeeper(t *testing.T) *Keeper {
	t.Helper()
	memory, err := ledger.NewMemory()
	require.NoError(t, err)
	return &Keeper{Ledger: memory, Project: "shop", SendWindow: 5 * time.Second, HistoryDelay: delay}
}

// keyed returns the guard of a message with a key.
func keyed(t *testing.T, k *Keeper, key string, h History) *Guard {
	t.Helper()
	g, err := k.Guard(t.Context(), nil, Call{
		Action: "message", Body: []byte(`{"client_id":1,"message":"paid"}`), Key: key, Sent: &Sent{Client: 1, Text: "paid"},
	}, h)
	require.NoError(t, err)
	return g
}

// lost begins a request whose outcome stays unknown.
func lost(t *testing.T, k *Keeper, key string, h History, state ledger.State) {
	t.Helper()
	g := keyed(t, k, key, h)
	_, err := g.Begin(t.Context(), time.Time{})
	require.NoError(t, err)
	require.NoError(t, g.End(t.Context(), state, ledger.Answer{}))
}

func pass(t *testing.T, d time.Duration) {
	t.Helper()
	require.NoError(t, sleep(t.Context(), d))
}

func entered(t *testing.T, k *Keeper, key string, h History) Decision {
	t.Helper()
	decision, _, err := keyed(t, k, key, h).Enter(t.Context())
	require.NoError(t, err)
	return decision
}

func message(id int64) Item { return Item{ID: id, Text: "paid", Matches: true, FromAPI: true} }

// An accepted request whose message is not shown yet does not explain the message of
// another one.
func TestMessageOfALateRequestExplainsNothing(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, h := newKeeper(t), &page{newest: 10, whole: true}
		lost(t, k, "first", h, ledger.Unknown)
		pass(t, 15*time.Second)
		lost(t, k, "second", h, ledger.Accepted)
		pass(t, 11*time.Second)
		h.items = []Item{message(11)}
		require.Equal(t, Leave, entered(t, k, "first", h))
		pass(t, delay)
		require.Equal(t, Send, entered(t, k, "first", h), "by now the second one is shown, so it has left this message")
	})
}

// A scheduled request may leave its message at any later time, and need not have left
// it yet.
func TestScheduledRequestsMayExplainAnything(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, h := newKeeper(t), &page{newest: 10, whole: true}
		scheduled := keyed(t, k, "scheduled", h)
		scheduled.scheduled = true
		_, err := scheduled.Begin(t.Context(), time.Time{})
		require.NoError(t, err)
		require.NoError(t, scheduled.End(t.Context(), ledger.Accepted, ledger.Answer{}))
		pass(t, time.Hour)
		lost(t, k, "now", h, ledger.Unknown)
		pass(t, time.Hour)
		h.items = []Item{message(11)}
		require.Equal(t, Leave, entered(t, k, "now", h))
	})
}

// A look that began too early proves nothing, however long it took.
func TestALookThatBeganTooEarlyIsRepeated(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, h := newKeeper(t), &page{newest: 10, whole: true}
		lost(t, k, "key", h, ledger.Unknown)
		pass(t, 5*time.Second+delay-time.Second)
		h.took = 10 * time.Second
		require.Equal(t, Send, entered(t, k, "key", h))
		require.Equal(t, 2, h.reads)
	})
}

// A moment that a clock has set a year ahead is waited for as long as a send window can
// be, and by later calls no more.
func TestAMomentFarAheadBlocksNobodyForEver(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		k, h := newKeeper(t), &page{newest: 10, whole: true}
		g := keyed(t, k, "key", h)
		k.SendWindow = 365 * 24 * time.Hour
		_, err := g.Begin(t.Context(), time.Time{})
		require.NoError(t, err)
		require.NoError(t, g.End(t.Context(), ledger.Unknown, ledger.Answer{}))
		k.SendWindow = 5 * time.Second
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), 31*time.Minute)
			_, _, err = keyed(t, k, "key", h).Enter(ctx)
			cancel()
			if err != nil {
				require.ErrorIs(t, err, ErrUnderWay)
			}
		}
		require.NoError(t, err)
		start := time.Now()
		require.Equal(t, Send, entered(t, k, "key", h))
		require.Less(t, time.Since(start), time.Second)
	})
}

// A clock of this machine that was put forward does not shorten the time that Salebot
// takes: its own clock tells.
func TestAClockThatWasPutForwardProvesNothing(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		server := time.Now()
		k, h := newKeeper(t), &page{newest: 10, whole: true, server: server}
		lost(t, k, "key", h, ledger.Unknown)
		pass(t, time.Hour)
		h.server = server.Add(10 * time.Second)
		require.Equal(t, Leave, entered(t, k, "key", h))
		h.server = server.Add(delay + 5*time.Second)
		require.Equal(t, Send, entered(t, k, "key", h))
	})
}

// What is asked of a request that was repeated in doubt is whether any of them was
// executed, so the history counts from before the first.
func TestARepetitionInDoubtKeepsItsFirstAnchor(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]bool{"the same words": false, "other words": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				k, h := newKeeper(t), &page{newest: 10, whole: true}
				work := Work{Kind: "campaign", Name: "n", Key: "k"}
				run := func(text string, repeat bool) (*Run, *Guard) {
					r, done, err := k.Start(t.Context(), work)
					require.NoError(t, err)
					require.False(t, done)
					r.RepeatUnknown = repeat
					g, err := k.Guard(t.Context(), r, Call{
						Action: "message", Body: []byte(`{"client_id":1,"message":"` + text + `"}`), Step: "name", Sent: &Sent{Client: 1, Text: text},
					}, h)
					require.NoError(t, err)
					return r, g
				}
				finish := func(r *Run, g *Guard) {
					g.Release()
					_, err := r.Finish(t.Context(), false)
					require.NoError(t, err)
				}
				r, g := run("paid", false)
				_, err := g.Begin(t.Context(), time.Time{})
				require.NoError(t, err)
				require.NoError(t, g.End(t.Context(), ledger.Unknown, ledger.Answer{}))
				finish(r, g)

				pass(t, time.Hour)
				h.newest, h.items = 11, []Item{message(11)} // it was executed
				text := "paid"
				if other {
					text = "thank you"
				}
				r, g = run(text, true)
				decision, _, err := g.Enter(t.Context())
				require.NoError(t, err)
				require.Equal(t, Send, decision)
				_, err = g.Begin(t.Context(), time.Time{})
				require.NoError(t, err)
				require.NoError(t, g.End(t.Context(), ledger.Refused, ledger.Answer{}))
				require.Equal(t, ledger.Unknown, g.records[0].State)
				finish(r, g)

				pass(t, time.Hour)
				if other {
					h.items[0].Matches = false
				}
				r, g = run(text, false)
				decision, _, err = g.Enter(t.Context())
				require.NoError(t, err)
				require.Equal(t, map[bool]Decision{false: Replay, true: Leave}[other], decision)
				finish(r, g)
			})
		})
	}
}

func TestPosition(t *testing.T) {
	t.Parallel()
	server := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := server.Add
	for name, c := range map[string]struct {
		item   Item
		anchor ledger.Anchor
		want   place
	}{
		"the number is not later":          {Item{ID: 5}, ledger.Anchor{Known: true, MessageID: 5}, before},
		"the number is later":              {Item{ID: 6}, ledger.Anchor{Known: true, MessageID: 5}, after},
		"the number is, the time is not":   {Item{ID: 6, At: at(-time.Minute)}, ledger.Anchor{Known: true, MessageID: 5, Server: server}, perhaps},
		"the history was empty":            {Item{ID: 1}, ledger.Anchor{Known: true}, after},
		"the number is, there is no time":  {Item{ID: 6}, ledger.Anchor{Known: true, MessageID: 5, Server: server}, after},
		"the time is earlier":              {Item{ID: 6, At: at(-time.Minute)}, ledger.Anchor{Server: server}, before},
		"the time is a little earlier":     {Item{ID: 6, At: at(-time.Second)}, ledger.Anchor{Server: server}, perhaps},
		"the time is the same second":      {Item{ID: 6, At: at(0)}, ledger.Anchor{Server: at(500 * time.Millisecond)}, after},
		"the time is later":                {Item{ID: 6, At: at(time.Second)}, ledger.Anchor{Server: server}, after},
		"there is no time and none needed": {Item{ID: 6}, ledger.Anchor{Server: server}, unclear},
	} {
		require.Equal(t, c.want, position(c.item, c.anchor), name)
	}
}

func TestClaimable(t *testing.T) {
	t.Parallel()
	anchored := func(ids ...int64) (all []ledger.Record) {
		for _, id := range ids {
			all = append(all, ledger.Record{Anchor: ledger.Anchor{Known: true, MessageID: id}})
		}
		return all
	}
	items := []Item{message(11), message(15)}
	require.Equal(t, 0, claimable(items, nil))
	require.Equal(t, 1, claimable(items, anchored(12)))
	require.Equal(t, 1, claimable(items, anchored(12, 13)), "both can only be the later message")
	require.Equal(t, 2, claimable(items, anchored(12, 10)))
	require.Equal(t, 2, claimable(items, anchored(10, 12)))
	require.Equal(t, 0, claimable(items, anchored(15)))
	require.Equal(t, 2, claimable(items, append(anchored(12), ledger.Record{})), "one without an anchor can be any")
	require.Equal(t, 2, claimable(items, anchored(1, 2, 3)))
}

func TestMatch(t *testing.T) {
	t.Parallel()
	content, other := ledger.Digest{1}, ledger.Digest{2}
	name, otherName := ledger.Digest{1: 7, 15: 1}, ledger.Digest{1: 8, 15: 1}
	record := func(number int, state ledger.State, content, step ledger.Digest) *entry {
		return &entry{record: ledger.Record{Number: number, Version: 1, State: state, Content: content, Step: step}}
	}
	made := func(number int, state ledger.State, content ledger.Digest) *entry {
		e := record(number, state, content, ledger.Digest{})
		e.used = true
		return e
	}
	busy := func(e *entry) *entry {
		e.busy = make(chan struct{})
		return e
	}
	for title, c := range map[string]struct {
		calls   []*entry
		step    ledger.Digest
		number  int
		foreign bool
		err     error
	}{
		"nothing":                       {nil, ledger.Digest{}, 1, false, nil},
		"equal":                         {[]*entry{record(1, ledger.Accepted, content, ledger.Digest{})}, ledger.Digest{}, 1, false, nil},
		"refused and repeated":          {[]*entry{record(1, ledger.Refused, content, ledger.Digest{}), record(2, ledger.Accepted, content, ledger.Digest{})}, ledger.Digest{}, 2, false, nil},
		"the first of two":              {[]*entry{record(1, ledger.Unknown, content, ledger.Digest{}), record(2, ledger.Accepted, content, ledger.Digest{})}, ledger.Digest{}, 1, false, nil},
		"other words":                   {[]*entry{record(1, ledger.Accepted, other, ledger.Digest{})}, ledger.Digest{}, 0, true, nil},
		"other words, refused":          {[]*entry{record(1, ledger.Refused, other, ledger.Digest{})}, ledger.Digest{}, 2, false, nil},
		"the name, other words":         {[]*entry{record(1, ledger.Accepted, other, name)}, name, 1, false, nil},
		"another name":                  {[]*entry{record(1, ledger.Accepted, other, otherName)}, name, 2, false, nil},
		"a name of another receiver":    {[]*entry{record(1, ledger.Accepted, other, ledger.Digest{1: 7, 15: 2})}, name, 0, false, ErrWorkChanged},
		"a named one for an unnamed":    {[]*entry{record(1, ledger.Accepted, content, name)}, ledger.Digest{}, 0, true, nil},
		"the first of two refused":      {[]*entry{record(1, ledger.Refused, content, ledger.Digest{}), record(2, ledger.Refused, content, ledger.Digest{})}, ledger.Digest{}, 1, false, nil},
		"other words, one refused":      {[]*entry{record(1, ledger.Accepted, other, ledger.Digest{}), record(2, ledger.Refused, other, ledger.Digest{})}, ledger.Digest{}, 0, true, nil},
		"other words for a new name":    {[]*entry{record(1, ledger.Accepted, other, ledger.Digest{})}, name, 0, true, nil},
		"made, and in doubt":            {[]*entry{made(1, ledger.Unknown, content)}, ledger.Digest{}, 1, false, nil},
		"the first in doubt":            {[]*entry{made(1, ledger.Unknown, content), made(2, ledger.Unknown, content)}, ledger.Digest{}, 1, false, nil},
		"made, and known":               {[]*entry{made(1, ledger.Accepted, content)}, ledger.Digest{}, 2, false, nil},
		"another in doubt":              {[]*entry{made(1, ledger.Unknown, other)}, ledger.Digest{}, 2, false, nil},
		"in doubt, for a name":          {[]*entry{made(1, ledger.Unknown, content)}, name, 2, false, nil},
		"in doubt, but under way":       {[]*entry{busy(made(1, ledger.Unknown, content))}, ledger.Digest{}, 2, false, nil},
		"an unnamed one for a new name": {[]*entry{record(1, ledger.Accepted, content, ledger.Digest{})}, name, 1, false, nil},
	} {
		r := &Run{calls: c.calls}
		seen, err := r.match(content, c.step, ledger.Digest{})
		require.ErrorIs(t, err, c.err, title)
		require.Equal(t, c.foreign, seen.foreign, title)
		if c.number > 0 {
			require.Equal(t, c.number, seen.found.record.Number, title)
		}
	}
}

// What a call writes first tells it from others, and is no name.
func TestMatchOfWhatIsWrittenFirst(t *testing.T) {
	t.Parallel()
	content, first, other, name := ledger.Digest{1}, ledger.Digest{15: 1}, ledger.Digest{15: 2}, ledger.Digest{1: 7, 15: 1}
	for title, c := range map[string]struct {
		before, step, first ledger.Digest
		number              int
	}{
		"the same":                      {first, ledger.Digest{}, first, 1},
		"other variables":               {first, ledger.Digest{}, other, 0},
		"none any more":                 {first, ledger.Digest{}, ledger.Digest{}, 0},
		"none at first":                 {ledger.Digest{}, ledger.Digest{}, first, 0},
		"an unnamed one for a new name": {first, name, first, 1},
		"other variables, a new name":   {first, name, other, 0},
		"the name, other variables":     {name, name, other, 1},
		"a named one for an unnamed":    {name, ledger.Digest{}, first, 0},
	} {
		r := &Run{calls: []*entry{{record: ledger.Record{Number: 1, Version: 1, State: ledger.Accepted, Content: content, Step: c.before}}}}
		seen, err := r.match(content, c.step, c.first)
		require.NoError(t, err, title)
		require.Equal(t, c.number == 0, seen.foreign, title)
		if c.number > 0 {
			require.Equal(t, c.number, seen.found.record.Number, title)
		}
	}
	r := &Run{}
	seen, err := r.match(content, ledger.Digest{}, first)
	require.NoError(t, err)
	require.Equal(t, first, seen.found.record.Step)
}
