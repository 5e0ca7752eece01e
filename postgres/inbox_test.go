//go:build postgres

package postgres_test

import (
	"testing"

	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/inboxtest"
)

func TestInbox(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, newStore)
}

// TestInboxBehindAPooler checks that nothing depends on what a pooler such as PgBouncer in
// transaction mode does not let through: notifications, and statements that were prepared
// in an earlier transaction.
func TestInboxBehindAPooler(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, func(t testing.TB) inboxtest.Store {
		t.Helper()
		return newStoreAt(t, commonServer(t).Address()+" default_query_exec_mode=exec", postgres.WithoutListen())
	})
}

func newStore(t testing.TB) inboxtest.Store {
	t.Helper()
	return newStoreAt(t, commonServer(t).Address())
}

func newStoreAt(t testing.TB, address string, opts ...postgres.InboxOption) inboxtest.Store {
	t.Helper()
	server := commonServer(t)
	open := func(t testing.TB, schema postgres.SharedOption, more ...postgres.InboxOption) webhook.Inbox {
		t.Helper()
		all := append([]postgres.InboxOption{schema}, opts...)
		inbox, err := postgres.OpenInbox(t.Context(), address, append(all, more...)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = inbox.Close() })
		return inbox
	}
	schema := newSchema(t, server)
	return inboxtest.Store{
		Durable: true,
		Open:    func(t testing.TB) webhook.Inbox { return open(t, schema) },
		OpenSmall: func(t testing.TB, entries int) webhook.Inbox {
			return open(t, newSchema(t, server), postgres.WithMaxPending(entries))
		},
		Crash:      func(t testing.TB, inbox webhook.Inbox) { inbox.(*postgres.Inbox).Crash(t) },
		SetFailing: func(t testing.TB, inbox webhook.Inbox, failing bool) { inbox.(*postgres.Inbox).SetFailing(t, failing) },
	}
}
