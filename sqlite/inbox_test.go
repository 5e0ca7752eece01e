package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

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
