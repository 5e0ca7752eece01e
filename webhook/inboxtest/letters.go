package inboxtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

func (o *opened) redrive(want int, sequences ...int64) {
	o.t.Helper()
	if n, err := o.Redrive(o.ctx, endpoint, sequences...); err != nil || n != want {
		o.t.Fatalf("redrive: %d, %v; want %d", n, err, want)
	}
}

func (o *opened) discard(want int, sequences ...int64) {
	o.t.Helper()
	if n, err := o.Discard(o.ctx, endpoint, sequences...); err != nil || n != want {
		o.t.Fatalf("discard: %d, %v; want %d", n, err, want)
	}
}

// sameLetters checks that the dead letters are those that were buried.
func (o *opened) sameLetters(want []webhook.Delivery) []webhook.DeadLetter {
	o.t.Helper()
	letters := o.deadLetters()
	if len(letters) != len(want) {
		o.t.Fatalf("%d dead letters, want %d", len(letters), len(want))
	}
	for i, letter := range letters {
		sameEntry(o.t, letter.Entry, want[i].Entry)
		if letter.Sequence != want[i].Sequence || letter.Attempts != 1 || letter.Reason != "buried" || letter.BuriedAt.IsZero() {
			o.t.Fatalf("dead letter %+v", letter)
		}
	}
	return letters
}

func buriesAndRedrives(t *testing.T, store Store) {
	o := open(t, store)
	for m := range 4 {
		o.put(entry(1, salebot.MessageID(m+1)))
	}
	o.put(entry(2, 5))
	var want []webhook.Delivery
	for range 3 {
		d := o.one()
		o.bury(d)
		o.lost(d)
		want = append(want, d)
	}
	o.counts(webhook.Counts{Waiting: 2, Dead: 3})
	letters := o.sameLetters(want)
	o.redrive(0, letters[0].Sequence+1000)
	o.redrive(0) // a selection that turned out empty
	o.discard(0)
	o.redrive(1, letters[1].Sequence)
	// It is older than what still waits, and comes first.
	again := o.one()
	if again.MessageID != letters[1].MessageID || again.Attempt != 1 {
		t.Fatalf("message %d, attempt %d; want %d, 1", again.MessageID, again.Attempt, letters[1].MessageID)
	}
	o.bury(again)
	o.discard(1, letters[0].Sequence)
	o.redrive(2, webhook.AllDeadLetters)
	o.redrive(0, webhook.AllDeadLetters)
	o.counts(webhook.Counts{Waiting: 4})
	var order []salebot.MessageID
	for range 4 {
		d := o.one()
		order = append(order, d.MessageID)
		o.commit(d)
	}
	if want := []salebot.MessageID{2, 3, 4, 5}; !slices.Equal(order, want) {
		t.Fatalf("order %v, want %v", order, want)
	}
	o.counts(webhook.Counts{})
}

// redrivesWhileLaterIsUnderWay redrives the dead letter of a client while a later entry
// of it is leased. They are handed out one at a time, and the older one comes first as
// soon as the later one is given back.
func redrivesWhileLaterIsUnderWay(t *testing.T, store Store) {
	ends := map[string]func(o *opened, d webhook.Delivery) []salebot.MessageID{
		"committed": func(o *opened, d webhook.Delivery) []salebot.MessageID { o.commit(d); return []salebot.MessageID{1, 3} },
		"released": func(o *opened, d webhook.Delivery) []salebot.MessageID {
			o.release(d, 0)
			return []salebot.MessageID{1, 2, 3}
		},
		"buried": func(o *opened, d webhook.Delivery) []salebot.MessageID { o.bury(d); return []salebot.MessageID{1, 3} },
	}
	client := salebot.ClientID(0)
	o := open(t, store)
	for name, end := range ends {
		client++
		base := salebot.MessageID(client) * 100
		for m := range salebot.MessageID(3) {
			o.put(entry(client, base+m+1))
		}
		first := o.one()
		o.bury(first)
		later := o.one()
		if later.MessageID != base+2 {
			t.Fatalf("%s: message %d, want %d", name, later.MessageID, base+2)
		}
		o.redrive(1, first.Sequence)
		o.none()
		for _, want := range end(o, later) {
			d := o.one()
			if d.MessageID != base+want {
				t.Fatalf("%s: message %d is handed out, want %d", name, d.MessageID, base+want)
			}
			o.none()
			o.commit(d)
		}
	}
}

// olderEntryGoesFirst checks that an entry which is older than the one that was leased
// when it came back is the next one when that lease runs out.
func olderEntryGoesFirst(t *testing.T, store Store) {
	o := open(t, store)
	o.put(entry(1, 1))
	o.put(entry(1, 2))
	first := o.one()
	o.bury(first)
	if later := o.lease(1, 2*moment)[0]; later.MessageID != 2 {
		t.Fatalf("message %d, want 2", later.MessageID)
	}
	o.redrive(1, webhook.AllDeadLetters)
	for _, want := range []salebot.MessageID{1, 2} {
		d := o.one()
		if d.MessageID != want {
			t.Fatalf("message %d, want %d", d.MessageID, want)
		}
		o.commit(d)
	}
	o.none()
}

// countsFromOne checks that the attempts of a dead letter that was redriven are counted
// from 1.
func countsFromOne(t *testing.T, store Store) {
	redrivenAttempts(t, store, func(o *opened) *opened { return o })
}

// countsFromOneAfterRestart checks that with a restart between Redrive and Lease.
func countsFromOneAfterRestart(t *testing.T, store Store) {
	redrivenAttempts(t, store, func(o *opened) *opened {
		if err := o.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		return open(t, store)
	})
}

func redrivenAttempts(t *testing.T, store Store, between func(*opened) *opened) {
	t.Helper()
	o := open(t, store)
	o.put(entry(1, 1))
	for range 4 {
		o.release(o.one(), 0)
	}
	d := o.one()
	if d.Attempt != 5 {
		t.Fatalf("attempt %d, want 5", d.Attempt)
	}
	o.bury(d)
	if letters := o.deadLetters(); len(letters) != 1 || letters[0].Attempts != 5 {
		t.Fatalf("dead letters %+v, want one after 5 attempts", letters)
	}
	o.redrive(1, d.Sequence)
	o = between(o)
	for attempt := 1; attempt <= 2; attempt++ {
		again := o.one()
		if again.Attempt != attempt || again.MessageID != 1 || again.Sequence != d.Sequence {
			t.Fatalf("message %d, attempt %d, sequence %d; want 1, %d, %d", again.MessageID, again.Attempt, again.Sequence, attempt, d.Sequence)
		}
		o.release(again, 0)
	}
}

// turmoil is what a check remembers while everything happens at once.
type turmoil struct {
	*opened

	mu sync.Mutex
	// busy are the clients of which an entry is handed out.
	busy map[salebot.ClientID]bool
	// committed counts the commits of each message.
	committed map[salebot.MessageID]int
	discarded int
	put       atomic.Int64
}

// doesEverythingAtOnce calls every method of an inbox at the same time, and counts in
// the end. Nothing is lost, nothing is handed out after its end, and no two entries of
// a client are handed out at once.
func doesEverythingAtOnce(t *testing.T, store Store) {
	o := &turmoil{opened: open(t, store), busy: map[salebot.ClientID]bool{}, committed: map[salebot.MessageID]int{}}
	const rounds = 60
	var group sync.WaitGroup
	for n := range 3 {
		group.Go(func() { o.putMany(n, rounds) })
		group.Go(func() { o.workMany(rounds) })
	}
	group.Go(func() { o.manage(rounds) })
	group.Wait()
	// What is left is worked off.
	o.redriveAll()
	for {
		counts, err := o.Counts(o.ctx, endpoint)
		if err != nil {
			t.Fatal(err)
		}
		if counts.Pending() == 0 {
			break
		}
		for _, d := range o.lease(4, long) {
			o.begin(d)
			o.finish(d, 0)
		}
	}
	once := 0
	for message, n := range o.committed {
		if n != 1 {
			t.Errorf("message %d was committed %d times", message, n)
		}
		once++
	}
	if want := int(o.put.Load()) - o.discarded; once != want {
		t.Errorf("%d messages were committed, want %d: %d were put and %d discarded", once, want, o.put.Load(), o.discarded)
	}
}

// doesEverythingAtOnceAndCloses closes the inbox in the middle: every call returns, with
// ErrClosed if it came too late.
func doesEverythingAtOnceAndCloses(t *testing.T, store Store) {
	o := &turmoil{opened: open(t, store), busy: map[salebot.ClientID]bool{}, committed: map[salebot.MessageID]int{}}
	const rounds = 200
	var group sync.WaitGroup
	for n := range 3 {
		group.Go(func() { o.putMany(n, rounds) })
		group.Go(func() { o.workMany(rounds) })
	}
	group.Go(func() { o.manage(rounds) })
	for range 2 {
		group.Go(func() {
			for o.put.Load() < rounds && o.ctx.Err() == nil {
				pause(o.ctx, time.Millisecond)
			}
			if err := o.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	group.Wait()
	if o.ctx.Err() != nil {
		t.Fatal("not every call ended after Close")
	}
	if _, err := o.Put(o.ctx, entry(1, 1)); !errors.Is(err, webhook.ErrClosed) {
		t.Fatalf("put: %v, want ErrClosed", err)
	}
}

// failed reports whether a call failed, and what that should not have been.
func (o *turmoil) failed(what string, err error) bool {
	if err != nil && !errors.Is(err, webhook.ErrClosed) {
		o.t.Errorf("%s: %v", what, err)
	}
	return err != nil
}

func (o *turmoil) putMany(sender, rounds int) {
	for m := range rounds {
		if _, err := o.Put(o.ctx, entry(salebot.ClientID(m%4+1), salebot.MessageID(3*m+sender+1))); o.failed("put", err) {
			return
		}
		o.put.Add(1)
	}
}

func (o *turmoil) workMany(rounds int) {
	for n := range rounds {
		// Others may have taken everything.
		ctx, cancel := context.WithTimeout(o.ctx, moment)
		deliveries, err := o.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 2, Duration: long})
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			continue
		}
		if o.failed("lease", err) {
			return
		}
		for i, d := range deliveries {
			o.begin(d)
			if o.finish(d, n+i) {
				return
			}
		}
	}
}

func (o *turmoil) begin(d webhook.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy[d.ClientID] {
		o.t.Errorf("two entries of client %d are handed out at once", d.ClientID)
	}
	if o.committed[d.MessageID] > 0 {
		o.t.Errorf("message %d is handed out after it was committed", d.MessageID)
	}
	o.busy[d.ClientID] = true
}

// finish ends a lease in one of the three ways. It returns true if that failed.
func (o *turmoil) finish(d webhook.Delivery, how int) bool {
	o.mu.Lock()
	o.busy[d.ClientID] = false
	if how%3 == 0 {
		o.committed[d.MessageID]++
	}
	o.mu.Unlock()
	switch how % 3 {
	case 0:
		return o.failed("commit", o.Commit(o.ctx, d))
	case 1:
		return o.failed("release", o.Release(o.ctx, d, time.Duration(rand.IntN(3))*time.Millisecond, "released"))
	}
	return o.failed("bury", o.Bury(o.ctx, d, "buried"))
}

// manage does what a person does with dead letters.
func (o *turmoil) manage(rounds int) {
	for n := range rounds {
		var sequences []int64
		for letter, err := range o.DeadLetters(o.ctx, endpoint) {
			if o.failed("dead letters", err) {
				return
			}
			sequences = append(sequences, letter.Sequence)
		}
		if _, err := o.Counts(o.ctx, endpoint); o.failed("counts", err) {
			return
		}
		if len(sequences) == 0 {
			pause(o.ctx, time.Millisecond)
			continue
		}
		if n%5 == 0 {
			discarded, err := o.Discard(o.ctx, endpoint, sequences[0])
			if o.failed("discard", err) {
				return
			}
			o.mu.Lock()
			o.discarded += discarded
			o.mu.Unlock()
			continue
		}
		if _, err := o.Redrive(o.ctx, endpoint, sequences...); o.failed("redrive", err) {
			return
		}
	}
}

func (o *turmoil) redriveAll() {
	o.t.Helper()
	if _, err := o.Redrive(o.ctx, endpoint, webhook.AllDeadLetters); err != nil {
		o.t.Fatalf("redrive: %v", err)
	}
}
