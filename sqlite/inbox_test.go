package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/inboxtest"
)

func TestInbox(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, newQuickStore, inboxtest.VirtualTime())
}

func TestInboxInRealTime(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, newStore)
}

// newStore returns a store on the disk.
func newStore(t testing.TB) inboxtest.Store { return storeIn(t.TempDir()) }

// newQuickStore returns a store for tests that make many flushes and are not about
// the disk.
func newQuickStore(t testing.TB) inboxtest.Store { return storeIn(quickFolder(t)) }

// quickFolder returns a folder in memory where the system has such a thing.
func quickFolder(t testing.TB) string {
	t.Helper()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	folder, err := os.MkdirTemp(memory, "sqlite") //nolint:usetesting // t.TempDir is on the disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return folder
}

func storeIn(folder string) inboxtest.Store {
	path := filepath.Join(folder, "inbox.db")
	return inboxtest.Store{
		Durable: true,
		Open:    func(t testing.TB) webhook.Inbox { return openInbox(t, path) },
		OpenSmall: func(t testing.TB, entries int) webhook.Inbox {
			return openInbox(t, filepath.Join(t.TempDir(), "small.db"), sqlite.WithMaxPending(entries))
		},
		Crash: func(t testing.TB, inbox webhook.Inbox) {
			path = inbox.(*sqlite.Inbox).Crash(t, path, folder)
		},
		SetFailing: func(t testing.TB, inbox webhook.Inbox, failing bool) {
			inbox.(*sqlite.Inbox).SetFailing(t, failing)
		},
	}
}

func openInbox(t testing.TB, path string, opts ...sqlite.InboxOption) *sqlite.Inbox {
	t.Helper()
	inbox, err := sqlite.OpenInbox(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
	})
	return inbox
}

// TestTheOldestIsKnown checks that an inbox knows since when its oldest event waits, also
// after it was opened again.
func TestTheOldestIsKnown(t *testing.T) {
	t.Parallel()
	path := filepath.Join(quickFolder(t), "inbox.db")
	inbox := openInbox(t, path)
	first := time.UnixMicro(1_700_000_000_000_001)
	oldest := func() time.Time {
		counts, err := inbox.Counts(t.Context(), "e")
		if err != nil {
			t.Fatal(err)
		}
		return counts.Oldest
	}
	for n := range 2 {
		entry := webhook.Entry{Endpoint: "e", ClientID: 1, AcceptedAt: first.Add(time.Duration(n) * time.Hour)}
		if _, err := inbox.Put(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	if got := oldest(); !got.Equal(first) {
		t.Errorf("%v, want %v", got, first)
	}
	if err := inbox.Close(); err != nil {
		t.Fatal(err)
	}
	inbox = openInbox(t, path)
	deliveries, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: "e", Max: 1, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if got := oldest(); !got.Equal(first) {
		t.Errorf("leased: %v, want %v", got, first)
	}
	if err := inbox.Commit(t.Context(), deliveries[0]); err != nil {
		t.Fatal(err)
	}
	if got, want := oldest(), first.Add(time.Hour); !got.Equal(want) {
		t.Errorf("the first is done: %v, want %v", got, want)
	}
}
