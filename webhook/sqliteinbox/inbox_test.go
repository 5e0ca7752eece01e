package sqliteinbox_test

import (
	"path/filepath"
	"testing"

	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/inboxtest"
	"github.com/salebot-go/salebot/webhook/sqliteinbox"
)

func TestInbox(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, newStore, inboxtest.VirtualTime())
}

func TestInboxInRealTime(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, newStore)
}

func newStore(t testing.TB) inboxtest.Store {
	path := filepath.Join(t.TempDir(), "inbox.db")
	return inboxtest.Store{
		Durable: true,
		Open:    func(t testing.TB) webhook.Inbox { return openInbox(t, path, sqliteinbox.Options{}) },
		OpenSmall: func(t testing.TB, entries int) webhook.Inbox {
			return openInbox(t, filepath.Join(t.TempDir(), "small.db"), sqliteinbox.Options{MaxPending: entries})
		},
		Crash: func(t testing.TB, inbox webhook.Inbox) { path = inbox.(*sqliteinbox.Inbox).Crash(t, path) },
		SetFailing: func(t testing.TB, inbox webhook.Inbox, failing bool) {
			inbox.(*sqliteinbox.Inbox).SetFailing(t, failing)
		},
	}
}

func openInbox(t testing.TB, path string, options sqliteinbox.Options) *sqliteinbox.Inbox {
	t.Helper()
	inbox, err := sqliteinbox.Open(path, options)
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
