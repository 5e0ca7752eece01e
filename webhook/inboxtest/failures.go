package inboxtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

func refusesWhenFull(t *testing.T, store Store) {
	const room = 10
	o := wrap(t, store.OpenSmall(t, room))
	kept := 0
	var err error
	for m := 1; m <= 100*room && err == nil; m++ {
		if _, err = o.Put(o.ctx, entry(1, salebot.MessageID(m))); err == nil {
			kept++
		}
	}
	if !errors.Is(err, webhook.ErrFull) {
		t.Fatalf("after %d entries: %v, want ErrFull", kept, err)
	}
	if _, err := o.Put(o.ctx, entry(1, salebot.MessageID(kept+1))); !errors.Is(err, webhook.ErrFull) {
		t.Fatalf("once more: %v, want ErrFull", err)
	}
	if receipt, err := o.Put(o.ctx, entry(1, 1)); err != nil || !receipt.Duplicate {
		t.Fatalf("a duplicate while full: %+v, %v; it takes no room", receipt, err)
	}
	for m := 1; m <= kept; m++ {
		d := o.one()
		if d.MessageID != salebot.MessageID(m) {
			t.Fatalf("message %d, want %d", d.MessageID, m)
		}
		o.commit(d)
	}
	o.none()
	if o.put(entry(1, salebot.MessageID(kept+1))).Duplicate {
		t.Fatal("an entry that was refused counts as known")
	}
	if d := o.one(); d.MessageID != salebot.MessageID(kept+1) {
		t.Fatalf("message %d, want %d", d.MessageID, kept+1)
	}
}

func refusesWhenFailing(t *testing.T, store Store) {
	o := open(t, store)
	o.put(entry(1, 1))
	o.put(entry(2, 2))
	d := o.lease(1, long)[0]
	store.SetFailing(t, o.Inbox, true)
	if receipt, err := o.Put(o.ctx, entry(1, 3)); err == nil {
		t.Fatalf("put succeeded: %+v", receipt)
	}
	if err := o.Commit(o.ctx, d); err == nil {
		t.Fatal("commit succeeded")
	}
	store.SetFailing(t, o.Inbox, false)
	// The lease outlived the failure, and nothing of what failed was kept.
	o.commit(d)
	if d := o.one(); d.MessageID != 2 {
		t.Fatalf("message %d, want 2", d.MessageID)
	}
	o.none()
	if o.put(entry(1, 3)).Duplicate {
		t.Fatal("an entry that was refused counts as known")
	}
}

// state puts entries into an inbox in every state.
func state(o *opened) {
	for m := range 6 {
		o.put(entry(1, salebot.MessageID(m+1)))
	}
	o.put(entry(2, 7))
	o.put(entry(3, 8))
	o.commit(o.one())
	o.bury(o.one())
	o.release(o.one(), long) // message 3 keeps 4 to 6 waiting
	if d := o.one(); d.MessageID != 7 {
		o.t.Fatalf("message %d, want 7", d.MessageID)
	}
	o.counts(webhook.Counts{Waiting: 4, Delayed: 1, Leased: 1, Dead: 1})
}

// stateAfter checks what is there of it when the inbox is opened again.
func stateAfter(o *opened) {
	o.counts(webhook.Counts{Waiting: 5, Delayed: 1, Dead: 1})
	for m := range 8 {
		if !o.put(entry(1, salebot.MessageID(m+1))).Duplicate {
			o.t.Fatalf("message %d is not known any more", m+1)
		}
	}
	deliveries := o.gather(2)
	if deliveries[0].MessageID != 7 || deliveries[1].MessageID != 8 {
		o.t.Fatalf("leased %+v, want messages 7 and 8", deliveries)
	}
	letters := o.deadLetters()
	if len(letters) != 1 || letters[0].MessageID != 2 || letters[0].Reason != "buried" || letters[0].Attempts != 1 {
		o.t.Fatalf("dead letters %+v", letters)
	}
	later := o.put(entry(4, 9))
	if later.Sequence <= deliveries[1].Sequence {
		o.t.Fatalf("sequence %d after %d", later.Sequence, deliveries[1].Sequence)
	}
	for _, d := range deliveries {
		o.commit(d)
	}
}

func outlivesClose(t *testing.T, store Store) {
	o := open(t, store)
	state(o)
	if err := o.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	stateAfter(open(t, store))
}

func outlivesCrash(t *testing.T, store Store) {
	o := open(t, store)
	state(o)
	store.Crash(t, o.Inbox)
	stateAfter(open(t, store))
}

func remembersSeen(t *testing.T, store Store) {
	o := open(t, store)
	if _, ok := o.Inbox.(webhook.SeenLister); !ok {
		t.Log("not checked: the inbox is no SeenLister")
		return
	}
	for m, client := range []salebot.ClientID{1, 2, 1, 1, 0} {
		o.put(entry(client, salebot.MessageID(m+1)))
	}
	o.commit(o.one())
	if got := seen(o); len(got) != 0 {
		t.Fatalf("seen before it was opened: %v, want nothing", got)
	}
	if err := o.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	o = open(t, store)
	o.put(entry(1, 10))
	o.put(entry(5, 11))
	if got := seen(o); len(got) != 2 || got[1] != 4 || got[2] != 2 {
		t.Fatalf("seen before it was opened: %v, want 4 of client 1 and 2 of client 2", got)
	}
}

func seen(o *opened) map[salebot.ClientID]salebot.MessageID {
	o.t.Helper()
	marks := map[salebot.ClientID]salebot.MessageID{}
	for mark, err := range o.Inbox.(webhook.SeenLister).Seen(o.ctx, endpoint) {
		if err != nil {
			o.t.Fatalf("seen: %v", err)
		}
		marks[mark.ClientID] = mark.MessageID
	}
	return marks
}

// history is what a check has to remember over all lives of an inbox.
type history struct {
	mu sync.Mutex
	// acknowledged and committed are what the inbox has promised.
	acknowledged, committed map[salebot.MessageID]bool
	// handed counts how often a message was handed out, and last is the last one of
	// each client.
	handed map[salebot.MessageID]int
	last   map[salebot.ClientID]salebot.MessageID
}

// outlivesCrashesAnytime crashes an inbox over and over while entries are put and
// committed, and then counts.
func outlivesCrashesAnytime(t *testing.T, store Store) {
	const lives, clients = 12, 5
	h := history{
		acknowledged: map[salebot.MessageID]bool{}, committed: map[salebot.MessageID]bool{},
		handed: map[salebot.MessageID]int{}, last: map[salebot.ClientID]salebot.MessageID{},
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	next := make([]salebot.MessageID, clients)
	for life := range lives {
		inbox := store.Open(t)
		h.live(t, store, inbox, next, 20+random.IntN(120), life == lives-1)
	}
	for message := range h.acknowledged {
		if h.handed[message] == 0 {
			t.Errorf("message %d was acknowledged and never handed out", message)
		}
	}
	// A commit that the crash overtook may have been kept without being promised.
	t.Logf("%d entries acknowledged, %d commits promised, over %d lives", len(h.acknowledged), len(h.committed), lives)
	open(t, store).counts(webhook.Counts{})
}

// live is one life of the inbox: it ends by a crash after a number of operations, or
// when everything is done.
func (h *history) live(t *testing.T, store Store, inbox webhook.Inbox, next []salebot.MessageID, operations int, last bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var crash sync.Once
	var budget sync.Mutex
	count := func() {
		budget.Lock()
		defer budget.Unlock()
		if operations--; operations <= 0 && !last {
			crash.Do(func() {
				store.Crash(t, inbox)
				cancel()
			})
		}
	}
	var senders, workers sync.WaitGroup
	for client := range next {
		senders.Go(func() { h.send(ctx, inbox, salebot.ClientID(client+1), &next[client], len(next), last, count) })
	}
	for range 3 {
		workers.Go(func() { h.work(ctx, t, inbox, count) })
	}
	senders.Wait()
	if last {
		// The workers end when the last entry is committed.
		for ctx.Err() == nil {
			counts, err := inbox.Counts(ctx, endpoint)
			if err == nil && counts.Pending() == 0 {
				break
			}
			pause(ctx, moment/10)
		}
		cancel()
	}
	workers.Wait()
	_ = inbox.Close()
}

// send puts one client's messages in order. One that was not acknowledged is put
// again in the next life, since it may or may not have been kept.
func (h *history) send(ctx context.Context, inbox webhook.Inbox, client salebot.ClientID, next *salebot.MessageID, clients int, last bool, count func()) {
	for range 40 {
		if ctx.Err() != nil {
			return
		}
		message := *next*salebot.MessageID(clients) + salebot.MessageID(client)
		_, err := inbox.Put(ctx, entry(client, message))
		if err != nil {
			if last {
				continue
			}
			return
		}
		h.mu.Lock()
		h.acknowledged[message] = true
		h.mu.Unlock()
		*next++
		count()
	}
}

func (h *history) work(ctx context.Context, t *testing.T, inbox webhook.Inbox, count func()) {
	for {
		deliveries, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 2, Duration: long})
		if err != nil {
			return
		}
		for _, d := range deliveries {
			if err := h.handOut(d); err != nil {
				t.Error(err)
			}
			if inbox.Commit(ctx, d) == nil {
				h.mu.Lock()
				h.committed[d.MessageID] = true
				h.mu.Unlock()
				count()
			}
		}
	}
}

// handOut notes a delivery and checks it against what the inbox has promised.
func (h *history) handOut(d webhook.Delivery) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handed[d.MessageID]++
	before := h.last[d.ClientID]
	h.last[d.ClientID] = d.MessageID
	switch {
	case h.committed[d.MessageID]:
		return fmt.Errorf("message %d was handed out after it was committed", d.MessageID)
	case d.MessageID < before:
		return fmt.Errorf("client %d: message %d after %d", d.ClientID, d.MessageID, before)
	case d.Body != body(d.ClientID, d.MessageID):
		return fmt.Errorf("message %d came back as %.100q", d.MessageID, d.Body)
	}
	return nil
}

// pause waits for a time or for the context.
func pause(ctx context.Context, duration time.Duration) {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
