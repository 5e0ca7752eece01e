//go:build postgres

package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
	"github.com/salebot-go/salebot/salebottest"
)

// addStandby starts a synchronous standby of a server, which is removed with the test.
func addStandby(t *testing.T, primary *postgrestest.Server) *postgrestest.Server {
	t.Helper()
	standby, err := primary.Standby(t.Context(), "standby")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standby.Remove() })
	if err := primary.Execute(t.Context(), "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the standby is synchronous", func() bool {
		states := query[string](t, primary, "SELECT sync_state FROM pg_stat_replication")
		return len(states) == 1 && states[0] == "sync"
	})
	return standby
}

// TestDuplicatesWaitForTheStandby checks that nothing is acknowledged because the server
// has it, if its standby does not: the server may still be lost. A commit that waited for
// the standby in vain leaves such a thing behind.
func TestDuplicatesWaitForTheStandby(t *testing.T) {
	t.Parallel()
	primary, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = primary.Remove() })
	if _, err := postgres.Migrate(t.Context(), primary.Address()); err != nil {
		t.Fatal(err)
	}
	standby := addStandby(t, primary)
	inbox := openInbox(t, primary, quick()...)
	full := openInbox(t, primary, append(quick(), postgres.WithMaxPending(1))...)
	outbox, reserve := reserver(t, primary)
	if _, err := put(t, full, 1); err != nil {
		t.Fatal(err)
	}
	if err := standby.StopNow(); err != nil {
		t.Fatal(err)
	}

	eventually(t, "an event and a reservation that only the primary has", func() bool {
		if receipt, err := put(t, inbox, 2); err == nil {
			t.Errorf("%+v without the standby", receipt)
		}
		if err := reserve(outbox); err == nil {
			t.Error("reserved without the standby")
		}
		return query[int64](t, primary, "SELECT (SELECT count(*) FROM salebot.event) + (SELECT count(*) FROM salebot.outgoing)")[0] == 3
	})
	if receipt, err := put(t, inbox, 2); err == nil {
		t.Errorf("%+v without the standby", receipt)
	}
	if receipt, err := put(t, full, 2); err == nil {
		t.Errorf("%+v without the standby, of an inbox that is full", receipt)
	}
	if err := reserve(outbox); err == nil {
		t.Error("reserved again without the standby")
	}

	if err := standby.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, inbox := range map[string]*postgres.Inbox{"the inbox": inbox, "the inbox that is full": full} {
		eventually(t, name+" knows the event", func() bool {
			receipt, err := put(t, inbox, 2)
			return err == nil && receipt.Duplicate
		})
	}
	eventually(t, "the request is reserved", func() bool { return reserve(outbox) == nil })
}

// reserver opens an outbox, and returns a function that reserves always the same request
// in a transaction that waits for half a second at most.
func reserver(t *testing.T, server *postgrestest.Server) (*postgres.Outbox, func(*postgres.Outbox) error) {
	t.Helper()
	records, err := postgres.OpenLedger(t.Context(), server.Address(), postgres.WithLifetime(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close() })
	client := salebottest.New(t).Client(t, salebot.WithLedger(records, "shop"))
	// It looks for requests too seldom for this test to send any.
	outbox, err := postgres.OpenOutbox(t.Context(), server.Address(), client, "order paid",
		func(context.Context, postgres.Outgoing) error { return nil }, postgres.WithLifetime(time.Hour), postgres.WithPollInterval(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = outbox.Close() })
	return outbox, func(outbox *postgres.Outbox) error {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		connection, err := pgx.Connect(ctx, server.Address())
		if err != nil {
			return err
		}
		defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }()
		return pgx.BeginFunc(ctx, connection, func(tx pgx.Tx) error { return outbox.Reserve(ctx, tx, "order 4711", nil) })
	}
}
