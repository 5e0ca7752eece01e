package inboxtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

func keepsWhatWasPut(t *testing.T, store Store) {
	o := open(t, store)
	entries := []webhook.Entry{
		entry(1, 1),
		{Endpoint: endpoint, ClientID: 2, MessageID: 1 << 62, Failed: true, Recovered: true, AcceptedAt: time.Now(), Body: "\x00\xff\xfe not UTF-8, with a zero \x00 in it"},
		{Endpoint: endpoint, AcceptedAt: time.Now(), Body: ""},
		{Endpoint: endpoint, ClientID: 3, MessageID: -5, AcceptedAt: time.Now(), Body: strings.Repeat("long ", 100_000)},
		{Endpoint: endpoint, ClientID: -4, MessageID: 9007199254740993, AcceptedAt: time.Now(), Body: "'); DROP TABLE event; -- \u2028 яблоко 🍏"},
	}
	var sequences []int64
	for _, e := range entries {
		sequences = append(sequences, o.put(e).Sequence)
	}
	if !slices.IsSorted(sequences) {
		t.Fatalf("sequences %v do not rise", sequences)
	}
	o.counts(webhook.Counts{Waiting: len(entries)})
	for i, want := range entries {
		d := o.one()
		sameEntry(t, d.Entry, want)
		if d.Sequence != sequences[i] || d.Attempt != 1 {
			t.Fatalf("sequence %d, attempt %d; want %d, 1", d.Sequence, d.Attempt, sequences[i])
		}
		o.oldest(want.AcceptedAt)
		o.commit(d)
	}
	o.none()
	o.counts(webhook.Counts{})
}

func dropsDuplicates(t *testing.T, store Store) {
	o := open(t, store)
	first := entry(1, 7)
	o.put(first)
	duplicate := func(e webhook.Entry, want bool, when string) {
		t.Helper()
		if receipt := o.put(e); receipt.Duplicate != want {
			t.Fatalf("%s: duplicate is %v, want %v", when, receipt.Duplicate, want)
		}
	}
	duplicate(first, true, "the same again")
	changed := first
	changed.Body, changed.ClientID, changed.Recovered = "{}", 2, true
	duplicate(changed, true, "the same message with another body")
	failed := first
	failed.Failed = true
	duplicate(failed, false, "the same message, whose delivery failed")
	duplicate(failed, true, "that again")
	nameless := entry(1, 0)
	duplicate(nameless, false, "without a message id")
	duplicate(nameless, false, "that again")
	for range 4 {
		o.commit(o.one())
	}
	duplicate(first, true, "after it was committed")
	o.none()
	buried := entry(1, 8)
	o.put(buried)
	o.bury(o.one())
	duplicate(buried, true, "after it was buried")
	o.none()
}

func dropsConcurrentDuplicates(t *testing.T, store Store) {
	o := open(t, store)
	const senders, messages = 8, 40
	var fresh [messages]atomic.Int32
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			for m := range messages {
				receipt, err := o.Put(o.ctx, entry(salebot.ClientID(m%3+1), salebot.MessageID(m+1)))
				if err != nil {
					t.Errorf("put: %v", err)
				} else if !receipt.Duplicate {
					fresh[m].Add(1)
				}
			}
		})
	}
	group.Wait()
	for m := range fresh {
		if n := fresh[m].Load(); n != 1 {
			t.Fatalf("message %d was taken %d times", m+1, n)
		}
	}
	o.counts(webhook.Counts{Waiting: messages})
}

func keepsOrder(t *testing.T, store Store) {
	o := open(t, store)
	const clients, messages = 5, 12
	message := salebot.MessageID(0)
	for range messages {
		for client := range clients {
			message++
			o.put(entry(salebot.ClientID(client+1), message))
		}
	}
	last := map[salebot.ClientID]salebot.MessageID{}
	for done := 0; done < clients*messages; {
		for _, d := range o.lease(3, long) {
			if d.MessageID <= last[d.ClientID] {
				t.Fatalf("client %d: message %d after %d", d.ClientID, d.MessageID, last[d.ClientID])
			}
			if last[d.ClientID] != 0 && d.MessageID != last[d.ClientID]+clients {
				t.Fatalf("client %d: message %d follows %d", d.ClientID, d.MessageID, last[d.ClientID])
			}
			last[d.ClientID] = d.MessageID
			o.commit(d)
			done++
		}
	}
	o.none()
}

func letsClientsOvertake(t *testing.T, store Store) {
	o := open(t, store)
	o.put(entry(1, 1))
	o.put(entry(1, 2))
	o.put(entry(2, 3))
	o.put(entry(0, 4))
	o.put(entry(0, 5))
	deliveries := o.gather(4)
	var got []salebot.MessageID
	for _, d := range deliveries {
		got = append(got, d.MessageID)
	}
	if want := []salebot.MessageID{1, 3, 4, 5}; !slices.Equal(got, want) {
		t.Fatalf("leased %v, want %v", got, want)
	}
	o.counts(webhook.Counts{Waiting: 1, Leased: 4})
	o.none()
	o.commit(deliveries[0])
	if d := o.one(); d.MessageID != 2 {
		t.Fatalf("message %d follows, want 2", d.MessageID)
	}
}

// handsOutConcurrently lets several workers loose on an inbox that is being filled.
func handsOutConcurrently(t *testing.T, store Store) {
	o := open(t, store)
	const clients, messages, workers = 7, 30, 4
	ctx, cancel := context.WithCancel(o.ctx)
	defer cancel()
	var (
		mu   sync.Mutex
		busy = map[salebot.ClientID]bool{}
		last = map[salebot.ClientID]salebot.MessageID{}
		done int
	)
	work := func(d webhook.Delivery) {
		mu.Lock()
		if busy[d.ClientID] || d.MessageID <= last[d.ClientID] {
			t.Errorf("client %d: message %d after %d (at once: %v)", d.ClientID, d.MessageID, last[d.ClientID], busy[d.ClientID])
		}
		busy[d.ClientID], last[d.ClientID] = true, d.MessageID
		mu.Unlock()
		mu.Lock()
		busy[d.ClientID] = false
		mu.Unlock()
		if err := o.Commit(ctx, d); err != nil {
			t.Errorf("commit: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		if done++; done == clients*messages {
			cancel()
		}
	}
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for {
				deliveries, err := o.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 3, Duration: long})
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("lease: %v", err)
					}
					return
				}
				for _, d := range deliveries {
					work(d)
				}
			}
		})
	}
	for client := range clients {
		group.Go(func() {
			for m := range messages {
				if _, err := o.Put(ctx, entry(salebot.ClientID(client+1), salebot.MessageID(m*clients+client+1))); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
	}
	group.Wait()
	if done != clients*messages {
		t.Fatalf("%d of %d entries were committed", done, clients*messages)
	}
}

func releasesWithDelay(t *testing.T, store Store) {
	o := open(t, store)
	o.put(entry(1, 1))
	o.put(entry(1, 2))
	o.put(entry(2, 3))
	o.put(entry(3, 4))
	deliveries := o.gather(3)
	o.release(deliveries[2], long)
	o.counts(webhook.Counts{Waiting: 1, Delayed: 1, Leased: 2})
	start := time.Now()
	d := deliveries[0]
	o.release(d, 2*moment)
	o.lost(d)
	again := o.one()
	if again.MessageID != 1 || again.Attempt != 2 {
		t.Fatalf("message %d, attempt %d; want 1, 2", again.MessageID, again.Attempt)
	}
	if waited := time.Since(start); waited < 2*moment {
		t.Fatalf("it came back after %v, want %v", waited, 2*moment)
	}
	o.release(again, 0)
	third := o.one()
	if third.MessageID != 1 || third.Attempt != 3 {
		t.Fatalf("message %d, attempt %d; want 1, 3", third.MessageID, third.Attempt)
	}
	o.commit(third)
	if next := o.one(); next.MessageID != 2 || next.Attempt != 1 {
		t.Fatalf("message %d, attempt %d; want 2, 1", next.MessageID, next.Attempt)
	}
}

func takesBackLeases(t *testing.T, store Store) {
	o := open(t, store)
	o.put(entry(1, 1))
	o.put(entry(1, 2))
	first := o.lease(1, moment)[0]
	if left := time.Until(first.Until); left > moment {
		t.Fatalf("the lease lasts another %v, want at most %v", left, moment)
	}
	second := o.one()
	if second.MessageID != 1 || second.Attempt != 2 || second.Lease == first.Lease {
		t.Fatalf("message %d, attempt %d; want 1, 2", second.MessageID, second.Attempt)
	}
	o.lost(first)
	o.commit(second)
	if next := o.one(); next.MessageID != 2 {
		t.Fatalf("message %d follows, want 2", next.MessageID)
	}
}

func commitsOnce(t *testing.T, store Store) {
	o := open(t, store)
	o.put(entry(1, 1))
	d := o.one()
	const callers = 8
	var succeeded atomic.Int32
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			switch err := o.Commit(o.ctx, d); {
			case err == nil:
				succeeded.Add(1)
			case !errors.Is(err, webhook.ErrLeaseLost):
				t.Errorf("commit: %v", err)
			}
		})
	}
	group.Wait()
	if n := succeeded.Load(); n != 1 {
		t.Fatalf("%d of %d commits succeeded, want one", n, callers)
	}
	o.lost(d)
	o.none()
}

func waitsForEntries(t *testing.T, store Store) {
	o := open(t, store)
	o.none()
	type answer struct {
		deliveries []webhook.Delivery
		err        error
	}
	answers := make(chan answer, 1)
	go func() {
		deliveries, err := o.Lease(o.ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 5, Duration: long})
		answers <- answer{deliveries, err}
	}()
	o.put(entry(1, 1))
	select {
	case a := <-answers:
		if a.err != nil || len(a.deliveries) != 1 || a.deliveries[0].MessageID != 1 {
			t.Fatalf("%+v, %v", a.deliveries, a.err)
		}
	case <-o.ctx.Done():
		t.Fatal("what was put did not wake the one who waits")
	}
	canceled, cancel := context.WithCancel(o.ctx)
	cancel()
	if _, err := o.Put(canceled, entry(1, 2)); err == nil {
		// The context may end after the entry was kept; it is then simply there.
		t.Log("an ended context did not keep an entry from being put")
	}
	if _, err := o.Lease(canceled, webhook.LeaseRequest{Endpoint: endpoint, Max: 1, Duration: long}); !errors.Is(err, context.Canceled) {
		t.Fatalf("lease with an ended context: %v", err)
	}
}

func keepsEndpointsApart(t *testing.T, store Store) {
	o := open(t, store)
	mine, other := entry(1, 1), entry(1, 1)
	other.Endpoint = "another"
	o.put(mine)
	if o.put(other).Duplicate {
		t.Fatal("the message of another endpoint is taken for a duplicate")
	}
	d := o.one()
	o.none()
	deliveries, err := o.Lease(o.ctx, webhook.LeaseRequest{Endpoint: "another", Max: 5, Duration: long})
	if err != nil || len(deliveries) != 1 || deliveries[0].Endpoint != "another" {
		t.Fatalf("lease of the other endpoint: %+v, %v", deliveries, err)
	}
	o.bury(deliveries[0])
	o.counts(webhook.Counts{Leased: 1})
	if letters := o.deadLetters(); len(letters) != 0 {
		t.Fatalf("dead letters of another endpoint: %+v", letters)
	}
	if n, err := o.Redrive(o.ctx, endpoint, webhook.AllDeadLetters); n != 0 || err != nil {
		t.Fatalf("redrive: %d, %v", n, err)
	}
	if n, err := o.Discard(o.ctx, endpoint, deliveries[0].Sequence); n != 0 || err != nil {
		t.Fatalf("discard: %d, %v", n, err)
	}
	o.commit(d)
}

func refusesAfterClose(t *testing.T, store Store) {
	o := open(t, store)
	o.put(entry(1, 1))
	d := o.one()
	leased := make(chan error, 1)
	go func() {
		_, err := o.Lease(o.ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 1, Duration: long})
		leased <- err
	}()
	if err := o.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	select {
	case err := <-leased:
		if !errors.Is(err, webhook.ErrClosed) {
			t.Fatalf("the lease that was waiting: %v, want ErrClosed", err)
		}
	case <-o.ctx.Done():
		t.Fatal("close did not end the waiting")
	}
	_, put := o.Put(o.ctx, entry(1, 2))
	_, lease := o.Lease(o.ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 1, Duration: long})
	_, redrive := o.Redrive(o.ctx, endpoint, webhook.AllDeadLetters)
	_, discard := o.Discard(o.ctx, endpoint, 1)
	_, counts := o.Counts(o.ctx, endpoint)
	var letters error
	for _, err := range o.DeadLetters(o.ctx, endpoint) {
		letters = err
	}
	for name, err := range map[string]error{
		"put": put, "lease": lease, "commit": o.Commit(o.ctx, d), "release": o.Release(o.ctx, d, 0, ""), "bury": o.Bury(o.ctx, d, ""), "redrive": redrive, "discard": discard, "counts": counts, "dead letters": letters,
	} {
		if !errors.Is(err, webhook.ErrClosed) {
			t.Errorf("%s after close: %v, want ErrClosed", name, err)
		}
	}
	if err := o.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}
