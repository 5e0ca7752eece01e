//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// TestEventsOfOthersComeAtOnce checks that a process which waits hears of an event that
// another one has kept, and does not look for it only.
func TestEventsOfOthersComeAtOnce(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	schema := newSchema(t, server)
	waits, puts := openInbox(t, server, schema, postgres.WithPollInterval(time.Hour)), openInbox(t, server, schema)
	testNews(t, waits, puts)
}

// TestEventsOfOneselfComeAtOnce does so with one process that hears nothing.
func TestEventsOfOneselfComeAtOnce(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	inbox := openInbox(t, server, newSchema(t, server), postgres.WithPollInterval(time.Hour), postgres.WithoutListen())
	testNews(t, inbox, inbox)
}

func testNews(t *testing.T, waits, puts *postgres.Inbox) {
	t.Helper()
	for message := range int64(3) {
		found := make(chan []webhook.Delivery, 1)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			deliveries, err := waits.Lease(ctx, webhook.LeaseRequest{Endpoint: "bench", Max: 1, Duration: time.Hour})
			if err != nil {
				t.Error(err)
			}
			found <- deliveries
		}()
		if _, err := put(t, puts, message+1); err != nil {
			t.Fatal(err)
		}
		if d := <-found; len(d) != 1 || int64(d[0].MessageID) != message+1 {
			t.Fatalf("%+v, want message %d", d, message+1)
		}
	}
}

// TestWithoutListen checks that there is no connection that listens if that is not wanted.
func TestWithoutListen(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	listeners := func(inbox *postgres.Inbox) int {
		return query[int](t, server, "SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN \""+inbox.SQL("salebot")+"_events\"'")[0]
	}
	deaf := openInbox(t, server, newSchema(t, server), postgres.WithoutListen(), postgres.WithPollInterval(10*time.Millisecond))
	hears := openInbox(t, server, newSchema(t, server))
	eventually(t, "the other one listens", func() bool { return listeners(hears) == 1 })
	if _, err := put(t, deaf, 1); err != nil {
		t.Fatal(err)
	}
	leaseOne(t, deaf)
	if number := listeners(deaf); number != 0 {
		t.Errorf("%d connections listen", number)
	}
}

// TestClosedParts checks that everything that is closed says so.
func TestClosedParts(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	server := commonServer(t)
	ctx := t.Context()
	inbox := openInbox(t, server, s.schema)
	outbox := s.openWith(func(context.Context, postgres.Outgoing) error { return nil })
	records, err := postgres.OpenLedger(ctx, server.Address(), s.schema)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(outbox.Close(), inbox.Close(), records.Close()); err != nil {
		t.Fatal(err)
	}
	of := func(_ any, err error) error { return err }
	for name, test := range map[string]struct{ got, want error }{
		"Put":              {of(inbox.Put(ctx, benchEntry(1))), webhook.ErrClosed},
		"Lease":            {of(inbox.Lease(ctx, webhook.LeaseRequest{Max: 1})), webhook.ErrClosed},
		"Commit":           {inbox.Commit(ctx, webhook.Delivery{}), webhook.ErrClosed},
		"Counts":           {of(inbox.Counts(ctx, "bench")), webhook.ErrClosed},
		"Seen":             {firstError(inbox.Seen(ctx, "bench")), webhook.ErrClosed},
		"DeadLetters":      {firstError(inbox.DeadLetters(ctx, "bench")), webhook.ErrClosed},
		"Redrive":          {of(inbox.Redrive(ctx, "bench", 1)), webhook.ErrClosed},
		"Health":           {inbox.Health(ctx), webhook.ErrClosed},
		"Begin":            {of(records.Begin(ctx, ledger.Record{})), ledger.ErrClosed},
		"End":              {of(records.End(ctx, ledger.Record{})), ledger.ErrClosed},
		"Find":             {of(records.Find(ctx, ledger.Digest{})), ledger.ErrClosed},
		"Bind":             {of(records.Bind(ctx, "shop")), ledger.ErrClosed},
		"Alive":            {of(records.Alive(ctx, "1")), ledger.ErrClosed},
		"Forget":           {records.Forget(ctx), ledger.ErrClosed},
		"Ledger.Health":    {records.Health(), ledger.ErrClosed},
		"Outbox.Failed":    {of(outbox.Failed(ctx, 1)), postgres.ErrOutboxClosed},
		"Outbox.Retry":     {of(outbox.Retry(ctx, "key")), postgres.ErrOutboxClosed},
		"Outbox.Discard":   {of(outbox.Discard(ctx, "key")), postgres.ErrOutboxClosed},
		"Outbox.Pending":   {of(outbox.Pending(ctx)), postgres.ErrOutboxClosed},
		"Outbox.Health":    {outbox.Health(), postgres.ErrOutboxClosed},
		"Close once more":  {inbox.Close(), nil},
		"Ledger.Close":     {records.Close(), nil},
		"Outbox.Close":     {outbox.Close(), nil},
		"Outbox.Reserve":   {outbox.Reserve(ctx, nil, "key", nil), postgres.ErrOutboxClosed},
		"Outbox.CountFail": {of(outbox.CountFailed(ctx)), postgres.ErrOutboxClosed},
	} {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
}

func firstError[T any](all iter.Seq2[T, error]) error {
	for _, err := range all {
		return err
	}
	return nil
}

// TestCloseTells checks that who closes hears that others were not told of it, and that
// what was made sure of is.
func TestCloseTells(t *testing.T) {
	t.Parallel()
	server := ownServer(t, "fsync=off")
	inbox, err := postgres.OpenInbox(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	records, err := postgres.OpenLedger(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	client := salebottest.New(t).Client(t, salebot.WithLedger(records, "shop"))
	outbox, err := postgres.OpenOutbox(t.Context(), server.Address(), client, "order paid", func(context.Context, postgres.Outgoing) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := server.StopNow(); err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]interface{ Close() error }{"inbox": inbox, "ledger": records, "outbox": outbox} {
		for range 2 {
			if err := part.Close(); !errors.Is(err, postgres.ErrUnreachable) {
				t.Errorf("%s: %v, want ErrUnreachable", name, err)
			}
		}
	}
}

// TestHolderIsKnown checks that a record has the name of its holder from the beginning.
func TestHolderIsKnown(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	schema := newSchema(t, server)
	if err := server.Execute(t.Context(), postgres.SQL(schema, "ALTER TABLE salebot.holder ALTER COLUMN id RESTART WITH 123456")); err != nil {
		t.Fatal(err)
	}
	records, err := postgres.OpenLedger(t.Context(), server.Address(), schema)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	begun, err := records.Begin(t.Context(), ledger.Record{Key: ledger.Digest{1}, Content: ledger.Digest{2}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := records.Find(t.Context(), ledger.Digest{1})
	if err != nil || len(found) != 1 || found[0].Holder != begun[0].Holder || found[0].Version != begun[0].Version {
		t.Errorf("%+v, %v; want as it was begun: %+v", found, err, begun)
	}
	for holder, want := range map[string]bool{begun[0].Holder: true, "1": false, "nobody": false} {
		if alive, err := records.Alive(t.Context(), holder); alive != want || err != nil {
			t.Errorf("%s: %t, %v; want %t", holder, alive, err, want)
		}
	}
}

// TestMoreOptions checks the options that TestOptions does not.
func TestMoreOptions(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	schema := newSchema(t, server)
	bad := postgres.WithTimeout(0)
	_, migrateErr := postgres.Migrate(t.Context(), server.Address(), bad)
	_, ledgerErr := postgres.OpenLedger(t.Context(), server.Address(), bad)
	errs := map[string]error{"Migrate": migrateErr, "OpenLedger": ledgerErr, "WithRetention": nil}
	_, errs["WithRetention"] = postgres.OpenLedger(t.Context(), server.Address(), postgres.WithRetention(0))
	pace := func(what, name string, perSecond float64, burst int, opts ...postgres.PaceOption) {
		_, errs[what] = postgres.OpenPace(t.Context(), server.Address(), name, perSecond, burst, opts...)
	}
	pace("no name", "", 1, 2)
	pace("no rate", "shop", 0, 2)
	pace("a rate below zero", "shop", -1, 2)
	pace("no number", "shop", math.NaN(), 2)
	pace("no bound", "shop", math.Inf(1), 2)
	pace("no burst", "shop", 1, 1)
	pace("no share", "shop", 1, 2, postgres.WithLocalShare(0))
	for what, err := range errs {
		if _, ok := errors.AsType[*salebot.OptionError](err); !ok {
			t.Errorf("%s: %v, want an OptionError", what, err)
		}
	}
	inbox := openInbox(t, server, schema, nil, postgres.WithMaxTransactions(3), postgres.WithTimeout(time.Hour))
	if got := inbox.Timeout(); got != time.Hour {
		t.Errorf("a timeout of %v, want an hour", got)
	}
	if got := inbox.MaxTransactions(); got != 3 {
		t.Errorf("%d transactions at once, want 3", got)
	}
}

// TestOutboxWritesDownLater checks that what became of a request is written down when the
// server is back, by the process that knows it, and that Close does not wait for that.
func TestOutboxWritesDownLater(t *testing.T) {
	t.Parallel()
	t.Run("the server comes back", func(t *testing.T) {
		t.Parallel()
		testWritesDown(t, func(server *postgrestest.Server, outbox *postgres.Outbox) {
			if err := server.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is written down", func() bool {
				pending, err := outbox.Pending(t.Context())
				return err == nil && pending == 0
			})
		})
	})
	t.Run("the outbox is closed", func(t *testing.T) {
		t.Parallel()
		testWritesDown(t, func(_ *postgrestest.Server, outbox *postgres.Outbox) {
			closed := make(chan error, 1)
			go func() { closed <- outbox.Close() }()
			select {
			case err := <-closed:
				if !errors.Is(err, postgres.ErrUnreachable) {
					t.Errorf("%v, want ErrUnreachable", err)
				}
			case <-time.After(time.Minute):
				t.Fatal("Close waits for the server")
			}
		})
	})
}

func testWritesDown(t *testing.T, then func(*postgrestest.Server, *postgres.Outbox)) {
	t.Helper()
	s := newShop(t) // its ledger is on another server
	server := ownServer(t, "fsync=off")
	sent := make(chan error, 10)
	outbox, err := postgres.OpenOutbox(t.Context(), server.Address(), s.client, "order paid", func(context.Context, postgres.Outgoing) error {
		err := server.StopNow()
		sent <- err
		return err
	}, postgres.WithPollInterval(10*time.Millisecond), postgres.WithLifetime(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = outbox.Close() }()
	db, err := pgx.Connect(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(t.Context()) }()
	if err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error { return outbox.Reserve(t.Context(), tx, "order 1", nil) }); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	eventually(t, "the outbox notices", func() bool { return errors.Is(outbox.Health(), postgres.ErrUnreachable) })
	then(server, outbox)
	if len(sent) > 0 {
		t.Error("it was sent again")
	}
}
