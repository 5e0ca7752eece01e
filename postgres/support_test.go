//go:build postgres

package postgres_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
)

// canary is the API key of the tests. Wherever it shows, something leaks.
const canary = "c4n4ry+k3y=0123456789abcdef"

// query returns the first column of what a person would see who looks into the database.
func query[T any](t testing.TB, server *postgrestest.Server, statement string) []T {
	t.Helper()
	ctx := t.Context()
	connection, err := pgx.Connect(ctx, server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(ctx) }()
	rows, err := connection.Query(ctx, statement)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// openInbox opens an inbox that is closed with the test.
func openInbox(t testing.TB, server *postgrestest.Server, opts ...postgres.InboxOption) *postgres.Inbox {
	t.Helper()
	inbox, err := postgres.OpenInbox(t.Context(), server.Address(), opts...)
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

// lockedText is what several goroutines have written.
type lockedText struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (l *lockedText) Write(some []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(some)
}

func (l *lockedText) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}
