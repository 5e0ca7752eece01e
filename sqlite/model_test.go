package sqlite_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/inboxtest"
)

// TestInboxesAgainstModel drives an inbox through random sequences of everything
// that can happen to it, crashes and restarts included, and compares each answer
// with that of a model which is too simple to be wrong.
func TestInboxesAgainstModel(t *testing.T) {
	t.Parallel()
	for name, newStore := range map[string]func(testing.TB) inboxtest.Store{
		"memory": func(testing.TB) inboxtest.Store {
			return inboxtest.Store{Open: func(t testing.TB) webhook.Inbox {
				inbox, err := webhook.NewMemoryInbox()
				if err != nil {
					t.Fatal(err)
				}
				return inbox
			}}
		},
		"sqlite": newQuickStore,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(r *rapid.T) {
				var failure any
				synctest.Test(t, func(t *testing.T) {
					// A failure of rapid's is a panic in the goroutine of its check.
					defer func() { failure = recover() }()
					m := newMachine(t, newStore(t))
					defer m.close()
					r.Repeat(rapid.StateMachineActions(m))
				})
				// While rapid looks for a shorter failure it tells failures apart by
				// where they were thrown.
				switch {
				case failure == nil:
				case fmt.Sprintf("%T", failure) == "rapid.invalidData":
					panic(failure)
				default:
					panic(failure)
				}
			})
		})
	}
}

// expected is an entry as the model knows it.
type expected struct {
	webhook.Entry
	sequence int64
	// attempts is what Lease has counted, and lasting what outlives a crash.
	attempts, lasting int
	// session is the life of the inbox in which the entry was put, at a time.
	session  int
	accepted time.Time
	due      time.Time
	until    time.Time
	lease    uint64
}

type key struct {
	endpoint string
	message  salebot.MessageID
	failed   bool
}

// machine is the model and the inbox beside it.
type machine struct {
	t       *testing.T
	store   inboxtest.Store
	inbox   webhook.Inbox
	session int

	pending, dead []*expected
	known         map[key]bool
	// held are the deliveries that were not settled, some of which have run out.
	held []webhook.Delivery
	last int64
}

func newMachine(t *testing.T, store inboxtest.Store) *machine {
	return &machine{t: t, store: store, inbox: store.Open(t), known: map[key]bool{}}
}

func (m *machine) close() { _ = m.inbox.Close() }

const (
	modelLease = time.Minute
	modelDelay = 30 * time.Second
)

// Check is called after each action.
func (m *machine) Check(r *rapid.T) {
	var want webhook.Counts
	now := time.Now()
	headed := map[salebot.ClientID]bool{}
	for _, e := range m.pending {
		headed[e.ClientID] = headed[e.ClientID] || e.until.After(now)
	}
	for _, e := range m.pending {
		follows := e.ClientID != 0 && headed[e.ClientID]
		headed[e.ClientID] = true
		switch {
		case e.until.After(now):
			want.Leased++
		case e.due.After(now) && !follows:
			want.Delayed++
		default:
			want.Waiting++
		}
	}
	want.Dead = len(m.dead)
	got, err := m.inbox.Counts(context.Background(), endpoint)
	if len(m.pending) > 0 {
		want.Oldest = m.pending[0].accepted
	}
	same := got.Oldest.Equal(want.Oldest)
	got.Oldest = want.Oldest
	if err != nil || !same || got != want {
		r.Fatalf("counts %+v, %v; want %+v; the oldest is right: %t", got, err, want, same)
	}
}

// Put puts an entry, often one that was put before.
func (m *machine) Put(r *rapid.T) {
	entry := webhook.Entry{
		Endpoint:   endpoint,
		ClientID:   salebot.ClientID(rapid.IntRange(0, 4).Draw(r, "client")),
		MessageID:  salebot.MessageID(rapid.IntRange(0, 12).Draw(r, "message")),
		Failed:     rapid.Bool().Draw(r, "failed"),
		Recovered:  rapid.Bool().Draw(r, "recovered"),
		AcceptedAt: time.Now().Truncate(time.Microsecond),
		Body:       rapid.StringN(0, 20, 60).Draw(r, "body"),
	}
	k := key{endpoint, entry.MessageID, entry.Failed}
	receipt, err := m.inbox.Put(context.Background(), entry)
	if err != nil {
		r.Fatalf("put: %v", err)
	}
	if receipt.Duplicate != m.known[k] {
		r.Fatalf("put of %+v: duplicate is %v, want %v", k, receipt.Duplicate, m.known[k])
	}
	if receipt.Duplicate {
		return
	}
	if receipt.Sequence <= m.last {
		r.Fatalf("sequence %d after %d", receipt.Sequence, m.last)
	}
	m.last = receipt.Sequence
	m.known[k] = entry.MessageID != 0
	m.pending = append(m.pending, &expected{Entry: entry, sequence: receipt.Sequence, session: m.session, accepted: time.Now()})
}

// available lists what Lease has to hand out, in order: of each client the oldest,
// unless one of its entries is handed out.
func (m *machine) available() []*expected {
	now := time.Now()
	busy, headed := map[salebot.ClientID]bool{}, map[salebot.ClientID]bool{}
	for _, e := range m.pending {
		busy[e.ClientID] = busy[e.ClientID] || e.until.After(now)
	}
	var found []*expected
	for _, e := range m.pending {
		head := e.ClientID == 0 && !e.until.After(now) || e.ClientID != 0 && !busy[e.ClientID] && !headed[e.ClientID]
		headed[e.ClientID] = true
		if head && !e.due.After(now) {
			found = append(found, e)
		}
	}
	return found
}

// Lease leases what there is.
func (m *machine) Lease(r *rapid.T) {
	most := rapid.IntRange(1, 4).Draw(r, "most")
	want := m.available()
	want = want[:min(len(want), most)]
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if len(want) == 0 {
		// What is waited for must not come about by the waiting.
		if deliveries, err := m.inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: most, Duration: modelLease}); !errors.Is(err, context.DeadlineExceeded) {
			r.Fatalf("lease: %+v, %v; want nothing", deliveries, err)
		}
		return
	}
	deliveries, err := m.inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: most, Duration: modelLease})
	if err != nil || len(deliveries) != len(want) {
		r.Fatalf("lease: %d deliveries, %v; want %d", len(deliveries), err, len(want))
	}
	for i, d := range deliveries {
		e := want[i]
		e.attempts++
		e.until = time.Now().Add(modelLease)
		if e.attempts > 1 || e.session != m.session {
			e.lasting = e.attempts
		}
		got := d.Entry
		if !got.AcceptedAt.Equal(e.AcceptedAt) {
			r.Fatalf("accepted at %v, want %v", got.AcceptedAt, e.AcceptedAt)
		}
		got.AcceptedAt = e.AcceptedAt
		if got != e.Entry || d.Sequence != e.sequence || d.Attempt != e.attempts {
			r.Fatalf("delivery %+v, want %+v", d, e)
		}
		e.lease = d.Lease
		m.held = append(m.held, d)
	}
}

// settle picks a delivery and says whether its lease counts.
func (m *machine) settle(r *rapid.T) (d webhook.Delivery, e *expected) {
	if len(m.held) == 0 {
		r.Skip("nothing is held")
	}
	at := rapid.IntRange(0, len(m.held)-1).Draw(r, "delivery")
	d = m.held[at]
	m.held = slices.Delete(m.held, at, at+1)
	for _, e := range m.pending {
		// Whether one that has run out still counts depends on whether anybody
		// looked since; the model only knows those that certainly do or do not.
		if e.sequence == d.Sequence && e.lease == d.Lease && e.until.After(time.Now()) {
			return d, e
		}
	}
	return d, nil
}

func (m *machine) settled(r *rapid.T, e *expected, err error) bool {
	if e == nil {
		if !errors.Is(err, webhook.ErrLeaseLost) {
			r.Fatalf("settling what is lost: %v", err)
		}
		return false
	}
	if err != nil {
		r.Fatalf("settling: %v", err)
	}
	return true
}

func (m *machine) remove(e *expected) {
	m.pending = slices.DeleteFunc(m.pending, func(other *expected) bool { return other == e })
}

// Commit commits a delivery.
func (m *machine) Commit(r *rapid.T) {
	d, e := m.settle(r)
	if m.settled(r, e, m.inbox.Commit(context.Background(), d)) {
		m.remove(e)
	}
}

// Release releases a delivery.
func (m *machine) Release(r *rapid.T) {
	d, e := m.settle(r)
	delay := time.Duration(rapid.IntRange(0, 1).Draw(r, "delayed")) * modelDelay
	if m.settled(r, e, m.inbox.Release(context.Background(), d, delay, "released")) {
		e.until, e.due, e.lasting = time.Time{}, time.Time{}, e.attempts
		if delay > 0 {
			e.due = time.Now().Add(delay)
		}
	}
}

// Bury buries a delivery.
func (m *machine) Bury(r *rapid.T) {
	d, e := m.settle(r)
	if m.settled(r, e, m.inbox.Bury(context.Background(), d, "buried")) {
		m.remove(e)
		m.dead = append(m.dead, e)
		slices.SortFunc(m.dead, func(a, b *expected) int { return cmp.Compare(a.sequence, b.sequence) })
	}
}

// pick draws all of the dead letters, one of them, or none.
func (m *machine) pick(r *rapid.T) (sequences []int64, picked []*expected) {
	switch {
	case rapid.Bool().Draw(r, "none"):
		return nil, nil
	case len(m.dead) == 0 || rapid.Bool().Draw(r, "all"):
		return []int64{webhook.AllDeadLetters}, m.dead
	}
	e := m.dead[rapid.IntRange(0, len(m.dead)-1).Draw(r, "dead letter")]
	return []int64{e.sequence, e.sequence, 1 << 60}, []*expected{e}
}

func (m *machine) revive(picked []*expected) {
	m.dead = slices.DeleteFunc(slices.Clone(m.dead), func(e *expected) bool { return slices.Contains(picked, e) })
}

// Redrive redrives dead letters.
func (m *machine) Redrive(r *rapid.T) {
	sequences, picked := m.pick(r)
	n, err := m.inbox.Redrive(context.Background(), endpoint, sequences...)
	if err != nil || n != len(picked) {
		r.Fatalf("redrive: %d, %v; want %d", n, err, len(picked))
	}
	m.revive(picked)
	for _, e := range picked {
		e.attempts, e.lasting, e.due, e.until = 0, 0, time.Time{}, time.Time{}
		m.pending = append(m.pending, e)
	}
	slices.SortFunc(m.pending, func(a, b *expected) int { return cmp.Compare(a.sequence, b.sequence) })
}

// Discard discards dead letters.
func (m *machine) Discard(r *rapid.T) {
	sequences, picked := m.pick(r)
	n, err := m.inbox.Discard(context.Background(), endpoint, sequences...)
	if err != nil || n != len(picked) {
		r.Fatalf("discard: %d, %v; want %d", n, err, len(picked))
	}
	m.revive(picked)
}

// DeadLetters lists the dead letters.
func (m *machine) DeadLetters(r *rapid.T) {
	var got []int64
	for letter, err := range m.inbox.DeadLetters(context.Background(), endpoint) {
		if err != nil {
			r.Fatalf("dead letters: %v", err)
		}
		got = append(got, letter.Sequence)
	}
	var want []int64
	for _, e := range m.dead {
		want = append(want, e.sequence)
	}
	if !slices.Equal(got, want) {
		r.Fatalf("dead letters %v, want %v", got, want)
	}
}

// Wait lets leases and delays run out.
func (m *machine) Wait(r *rapid.T) {
	<-time.After(time.Duration(rapid.IntRange(1, 3).Draw(r, "waits")) * 25 * time.Second)
}

// Reopen closes the inbox and opens it again.
func (m *machine) Reopen(r *rapid.T) {
	if !m.store.Durable {
		r.Skip("the store does not last")
	}
	if err := m.inbox.Close(); err != nil {
		r.Fatalf("close: %v", err)
	}
	m.reopened()
}

// Crash lets the process die.
func (m *machine) Crash(r *rapid.T) {
	if m.store.Crash == nil {
		r.Skip("the store cannot crash")
	}
	m.store.Crash(m.t, m.inbox)
	m.reopened()
}

func (m *machine) reopened() {
	m.inbox = m.store.Open(m.t)
	m.session++
	m.held = nil
	for _, e := range m.pending {
		e.until, e.attempts = time.Time{}, e.lasting
	}
}
