package inboxtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

const (
	// endpoint is the one that most checks use.
	endpoint = "inboxtest"
	// patience bounds the waiting for what has to come.
	patience = time.Minute
	// moment is how long something is waited for that must not come, and the length
	// of leases and delays that have to end.
	moment = 150 * time.Millisecond
	// long is the length of leases that must not end.
	long = time.Hour
)

// opened is an open inbox with shorthands for what must not fail.
type opened struct {
	webhook.Inbox
	t   testing.TB
	ctx context.Context
}

// open opens the store and closes it at the end of the test.
func open(t testing.TB, store Store) *opened {
	t.Helper()
	return wrap(t, store.Open(t))
}

func wrap(t testing.TB, inbox webhook.Inbox) *opened {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(func() {
		cancel()
		_ = inbox.Close()
	})
	return &opened{Inbox: inbox, t: t, ctx: ctx}
}

// entry is an entry of a client whose body tells it apart.
func entry(client salebot.ClientID, message salebot.MessageID) webhook.Entry {
	return webhook.Entry{
		Endpoint: endpoint, ClientID: client, MessageID: message, AcceptedAt: time.Now().Truncate(time.Microsecond), Body: body(client, message),
	}
}

// body is a body of the project webhook.
func body(client salebot.ClientID, message salebot.MessageID) string {
	return fmt.Sprintf(`{"id":%d,"client":{"id":%d,"recepient":"1"},"message":"message %d","is_input":1,"delivered":1}`, message, client, message)
}

func (o *opened) put(e webhook.Entry) webhook.Receipt {
	o.t.Helper()
	receipt, err := o.Put(o.ctx, e)
	if err != nil {
		o.t.Fatalf("put: %v", err)
	}
	if receipt.Duplicate != (receipt.Sequence == 0) || receipt.Sequence < 0 {
		o.t.Fatalf("put: odd receipt %+v", receipt)
	}
	return receipt
}

// lease leases entries; there has to be one at least.
func (o *opened) lease(most int, duration time.Duration) []webhook.Delivery {
	o.t.Helper()
	deliveries, err := o.Lease(o.ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: most, Duration: duration})
	if errors.Is(err, context.DeadlineExceeded) {
		o.t.Fatalf("lease: no entry came within %v of the beginning of the check", patience)
	}
	if err != nil {
		o.t.Fatalf("lease: %v", err)
	}
	if len(deliveries) == 0 || len(deliveries) > most {
		o.t.Fatalf("lease: %d deliveries, want 1 to %d", len(deliveries), most)
	}
	clients := map[salebot.ClientID]bool{}
	for i, d := range deliveries {
		if d.ClientID != 0 && clients[d.ClientID] {
			o.t.Fatalf("lease: two entries of client %d at once", d.ClientID)
		}
		clients[d.ClientID] = true
		if i > 0 && deliveries[i-1].Sequence >= d.Sequence {
			o.t.Fatalf("lease: sequence %d after %d", d.Sequence, deliveries[i-1].Sequence)
		}
		if d.Attempt < 1 {
			o.t.Fatalf("lease: attempt %d", d.Attempt)
		}
	}
	return deliveries
}

// gather leases until it has so many deliveries, in the order of their numbers.
func (o *opened) gather(want int) []webhook.Delivery {
	o.t.Helper()
	var gathered []webhook.Delivery
	for len(gathered) < want {
		gathered = append(gathered, o.lease(want-len(gathered), long)...)
	}
	slices.SortFunc(gathered, func(a, b webhook.Delivery) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return gathered
}

// one leases one entry for long.
func (o *opened) one() webhook.Delivery {
	o.t.Helper()
	return o.lease(1, long)[0]
}

// none checks that nothing can be leased.
func (o *opened) none() {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.ctx, moment)
	defer cancel()
	deliveries, err := o.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 10, Duration: long})
	if !errors.Is(err, context.DeadlineExceeded) {
		o.t.Fatalf("lease: %+v, %v; want nothing", deliveries, err)
	}
}

func (o *opened) commit(d webhook.Delivery) {
	o.t.Helper()
	if err := o.Commit(o.ctx, d); err != nil {
		o.t.Fatalf("commit %d: %v", d.Sequence, err)
	}
}

func (o *opened) release(d webhook.Delivery, delay time.Duration) {
	o.t.Helper()
	if err := o.Release(o.ctx, d, delay, "released"); err != nil {
		o.t.Fatalf("release %d: %v", d.Sequence, err)
	}
}

func (o *opened) bury(d webhook.Delivery) {
	o.t.Helper()
	if err := o.Bury(o.ctx, d, "buried"); err != nil {
		o.t.Fatalf("bury %d: %v", d.Sequence, err)
	}
}

// lost checks that a delivery cannot be settled any more.
func (o *opened) lost(d webhook.Delivery) {
	o.t.Helper()
	for name, err := range map[string]error{
		"commit":  o.Commit(o.ctx, d),
		"release": o.Release(o.ctx, d, 0, ""),
		"bury":    o.Bury(o.ctx, d, ""),
	} {
		if !errors.Is(err, webhook.ErrLeaseLost) {
			o.t.Fatalf("%s of a lost lease: %v, want ErrLeaseLost", name, err)
		}
	}
}

func (o *opened) counts(want webhook.Counts) {
	o.t.Helper()
	got, err := o.Counts(o.ctx, endpoint)
	if err != nil {
		o.t.Fatalf("counts: %v", err)
	}
	if pending := got.Pending() > 0; !pending && !got.Oldest.IsZero() {
		o.t.Fatalf("counts: %+v; nothing is pending, so nothing can be the oldest", got)
	}
	got.Oldest = time.Time{}
	if got != want {
		o.t.Fatalf("counts: %+v, want %+v", got, want)
	}
}

// awaitCounts waits until the inbox counts what is wanted.
func (o *opened) awaitCounts(want webhook.Counts) {
	o.t.Helper()
	for {
		got, err := o.Counts(o.ctx, endpoint)
		if err != nil {
			o.t.Fatalf("counts: %v", err)
		}
		if got == want {
			return
		}
		pause(o.ctx, time.Millisecond)
		if o.ctx.Err() != nil {
			o.t.Fatalf("counts stayed %+v, want %+v", got, want)
		}
	}
}

// oldest checks when the first of the pending entries was accepted, if the inbox knows.
func (o *opened) oldest(want time.Time) {
	o.t.Helper()
	counts, err := o.Counts(o.ctx, endpoint)
	if err != nil {
		o.t.Fatalf("counts: %v", err)
	}
	if got := counts.Oldest; !got.IsZero() && !got.Truncate(time.Millisecond).Equal(want.Truncate(time.Millisecond)) {
		o.t.Fatalf("the oldest pending entry was accepted at %v, want %v", got, want)
	}
}

func (o *opened) deadLetters() []webhook.DeadLetter {
	o.t.Helper()
	var letters []webhook.DeadLetter
	for letter, err := range o.DeadLetters(o.ctx, endpoint) {
		if err != nil {
			o.t.Fatalf("dead letters: %v", err)
		}
		letters = append(letters, letter)
	}
	return letters
}

// sameEntry compares all but the time, of which a store may keep less.
func sameEntry(t testing.TB, got, want webhook.Entry) {
	t.Helper()
	if !got.AcceptedAt.Truncate(time.Millisecond).Equal(want.AcceptedAt.Truncate(time.Millisecond)) {
		t.Fatalf("accepted at %v, want %v", got.AcceptedAt, want.AcceptedAt)
	}
	got.AcceptedAt, want.AcceptedAt = time.Time{}, time.Time{}
	if got != want {
		t.Fatalf("entry %.300q, want %.300q", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
	}
}
