//go:build postgres

package postgres_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/postgres"
)

// TestDeathsAreLogged checks that a person sees in the log which part of a process died,
// and what was taken over from it, also if that was no event.
func TestDeathsAreLogged(t *testing.T) {
	t.Parallel()
	s := newShop(t) // its ledger is one of those that die
	server := commonServer(t)
	inbox := openInbox(t, server, s.schema, postgres.WithLifetime(time.Hour))
	if _, err := put(t, inbox, 1); err != nil {
		t.Fatal(err)
	}
	leaseOne(t, inbox)
	began := make(chan struct{}, 10)
	outbox := s.openWith(func(ctx context.Context, _ postgres.Outgoing) error {
		began <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}, postgres.WithLifetime(time.Hour))
	s.reserve(outbox, "order 1", true)
	<-began
	records, err := postgres.OpenLedger(t.Context(), server.Address(), s.schema, postgres.WithLifetime(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	if _, err := records.Begin(t.Context(), ledger.Record{Key: ledger.Digest{1}, Content: ledger.Digest{2}}); err != nil {
		t.Fatal(err)
	}
	parts := query[string](t, server, inbox.SQL("SELECT part FROM salebot.holder ORDER BY part"))
	if got, want := strings.Join(parts, ", "), "inbox, ledger, ledger, outbox order paid"; got != want {
		t.Errorf("parts %s, want %s", got, want)
	}
	inbox.Execute(t, t.Context(), "UPDATE salebot.holder SET expires = '-infinity'")

	var log lockedText
	observer, err := postgres.OpenLedger(t.Context(), server.Address(), s.schema, postgres.WithLifetime(200*time.Millisecond),
		postgres.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = observer.Close() }()
	const line = `msg="postgres: another process died, and what it had begun was taken over" part=`
	for part, what := range map[string]string{"inbox": "events=1 requests=0", "ledger": "events=0 requests=0", `"outbox order paid"`: "events=0 requests=1"} {
		eventually(t, "the death of "+part+" is in the log, with "+what, func() bool {
			for entry := range strings.Lines(log.String()) {
				if strings.Contains(entry, line+part+" started=") && strings.Contains(entry, what) {
					return true
				}
			}
			return false
		})
	}
}

// TestTakenForDead checks that a process which reports too late says so, and that one which
// has just begun does not.
func TestTakenForDead(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	var log lockedText
	records, err := postgres.OpenLedger(t.Context(), server.Address(), newSchema(t, server), postgres.WithLifetime(400*time.Millisecond),
		postgres.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	if text := log.String(); text != "" {
		t.Errorf("the log has a line: %s", text)
	}
	if err := server.Execute(t.Context(), records.SQL("DELETE FROM salebot.holder")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it says that it was taken for dead", func() bool { return strings.Contains(log.String(), "this process was taken for dead") })
}
