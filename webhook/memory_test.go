package webhook_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/inboxtest"
)

func TestMemoryInbox(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, memoryStore, inboxtest.VirtualTime())
}

func TestMemoryInboxInRealTime(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, memoryStore)
}

func memoryStore(testing.TB) inboxtest.Store {
	return inboxtest.Store{
		Open: func(t testing.TB) webhook.Inbox { return newMemoryInbox(t) },
		OpenSmall: func(t testing.TB, entries int) webhook.Inbox {
			return newMemoryInbox(t, webhook.WithMaxEvents(entries))
		},
	}
}

// putAndBury makes a dead letter of an entry.
func putAndBury(t *testing.T, inbox webhook.Inbox, entry webhook.Entry) {
	t.Helper()
	if _, err := inbox.Put(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	deliveries, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: entry.Endpoint, Max: 1, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := inbox.Bury(t.Context(), deliveries[0], "no"); err != nil {
		t.Fatal(err)
	}
}

// TestMemoryOfDeadLettersIsBounded checks that what was given up does not grow beyond
// its number or its size, and that the newest stay.
func TestMemoryOfDeadLettersIsBounded(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]webhook.MemoryOption{"by number": webhook.WithMaxDeadLetters(3), "by size": webhook.WithMaxBytes(3 << 10)} {
		inbox := newMemoryInbox(t, bound)
		for range 10 {
			putAndBury(t, inbox, webhook.Entry{Endpoint: "e", Body: strings.Repeat("x", 1<<10)})
		}
		var left []int64
		for letter, err := range inbox.DeadLetters(t.Context(), "e") {
			if err != nil {
				t.Fatal(err)
			}
			left = append(left, letter.Sequence)
		}
		if !slices.Equal(left, []int64{8, 9, 10}) {
			t.Errorf("%s: dead letters %v, want the last three", name, left)
		}
	}
}

// The bodies of pending events are bounded too, and what is done makes room.
func TestMemoryOfBodiesIsBounded(t *testing.T) {
	t.Parallel()
	inbox := newMemoryInbox(t, webhook.WithMaxBytes(100))
	put := func(size int, want error) {
		t.Helper()
		if _, err := inbox.Put(t.Context(), webhook.Entry{Endpoint: "e", Body: strings.Repeat("x", size)}); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", size, err, want)
		}
	}
	put(101, webhook.ErrFull)
	put(60, nil)
	put(41, webhook.ErrFull)
	put(40, nil)
	put(1, webhook.ErrFull)
	deliveries, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: "e", Max: 1, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := inbox.Commit(t.Context(), deliveries[0]); err != nil {
		t.Fatal(err)
	}
	put(61, webhook.ErrFull)
	put(60, nil)
}

func TestMemoryOfEventsIsBounded(t *testing.T) {
	t.Parallel()
	inbox := newMemoryInbox(t, webhook.WithMaxEvents(2))
	for n, want := range []error{nil, nil, webhook.ErrFull} {
		if _, err := inbox.Put(t.Context(), webhook.Entry{Endpoint: "e", MessageID: salebot.MessageID(n + 1)}); !errors.Is(err, want) {
			t.Errorf("event %d: %v, want %v", n+1, err, want)
		}
	}
}

// Nothing is changed, or taken for all there is, when the context has ended.
func TestMemoryInboxHeedsContexts(t *testing.T) {
	t.Parallel()
	inbox := newMemoryInbox(t)
	putAndBury(t, inbox, webhook.Entry{Endpoint: "e"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, putErr := inbox.Put(ctx, webhook.Entry{Endpoint: "e"})
	_, leaseErr := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: "e", Max: 1, Duration: time.Hour})
	_, redriveErr := inbox.Redrive(ctx, "e", webhook.AllDeadLetters)
	_, discardErr := inbox.Discard(ctx, "e", webhook.AllDeadLetters)
	_, countsErr := inbox.Counts(ctx, "e")
	var listErr error
	for _, err := range inbox.DeadLetters(ctx, "e") {
		listErr = err
	}
	for n, err := range []error{putErr, leaseErr, redriveErr, discardErr, countsErr, listErr} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%d: %v, want context.Canceled", n, err)
		}
	}
	if counts, err := inbox.Counts(t.Context(), "e"); err != nil || counts.Dead != 1 || counts.Waiting != 0 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// TestMemoryInboxKnowsTheOldest follows the oldest pending entry from state to state.
func TestMemoryInboxKnowsTheOldest(t *testing.T) {
	t.Parallel()
	inbox := newMemoryInbox(t)
	oldest := func() time.Time {
		counts, err := inbox.Counts(t.Context(), "e")
		if err != nil {
			t.Fatal(err)
		}
		return counts.Oldest
	}
	first, second := time.Now().Add(-time.Hour), time.Now()
	for client, at := range []time.Time{first, second} {
		if _, err := inbox.Put(t.Context(), webhook.Entry{Endpoint: "e", ClientID: salebot.ClientID(client + 1), AcceptedAt: at}); err != nil {
			t.Fatal(err)
		}
	}
	deliveries, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: "e", Max: 1, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if got := oldest(); !got.Equal(first) {
		t.Errorf("leased: %v, want %v", got, first)
	}
	if err := inbox.Bury(t.Context(), deliveries[0], "no"); err != nil {
		t.Fatal(err)
	}
	if got := oldest(); !got.Equal(second) {
		t.Errorf("a dead letter is not pending: %v, want %v", got, second)
	}
}
