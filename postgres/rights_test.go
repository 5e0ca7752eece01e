//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// limitedRole is a user of a schema who has no right at all.
type limitedRole struct {
	t       *testing.T
	name    string
	schema  postgres.SharedOption
	address string
	log     *lockedText
}

func newLimitedRole(t *testing.T) *limitedRole {
	t.Helper()
	server := commonServer(t)
	r := &limitedRole{t: t, name: fmt.Sprintf("limited_%d", schemas.Add(1)), schema: newSchema(t, server), log: &lockedText{}}
	r.execute("CREATE ROLE "+r.name+" LOGIN", "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA salebot FROM PUBLIC")
	r.address = strings.ReplaceAll(server.Address(), "user=postgres", "user="+r.name)
	return r
}

func (r *limitedRole) execute(statements ...string) {
	r.t.Helper()
	for _, statement := range statements {
		if err := commonServer(r.t).Execute(r.t.Context(), postgres.SQL(r.schema, statement)); err != nil {
			r.t.Fatalf("%s: %v", statement, err)
		}
	}
}

// opened runs what an error says that has to be run, and returns what is opened then.
func opened[T any](r *limitedRole, open func() (T, error)) T {
	r.t.Helper()
	_, err := open()
	_, statements, ok := strings.Cut(fmt.Sprint(err), "has to run: ")
	if !errors.Is(err, postgres.ErrNoRights) || !ok {
		r.t.Fatalf("without any right: %v, want ErrNoRights with what has to be run", err)
	}
	r.execute(strings.Split(statements, "; ")...)
	part, err := open()
	if err != nil {
		r.t.Fatalf("with the rights that were asked for: %v", err)
	}
	return part
}

// logger lets the log be kept.
func (r *limitedRole) logger() postgres.SharedOption {
	return postgres.WithLogger(slog.New(slog.NewTextHandler(r.log, nil)))
}

// others leaves something behind that a process which died had begun.
func (r *limitedRole) others() {
	r.t.Helper()
	r.execute("INSERT INTO salebot.holder (expires, part) VALUES ('-infinity', 'other')",
		"INSERT INTO salebot.event (client, endpoint, sequence, message, failed, recovered, accepted, body) VALUES (7, 'other', 1, 0, false, false, now(), 'body')",
		"INSERT INTO salebot.lane (client, single, endpoint, head, attempts, due, lease, holder) SELECT 7, 0, 'other', 1, 1, 'infinity', 1, max(id) FROM salebot.holder",
		"INSERT INTO salebot.lane (client, single, endpoint, head, attempts, due, lease, holder) SELECT 8, 0, 'other', 1, 1, 'infinity', 2, max(id) FROM salebot.holder",
		"INSERT INTO salebot.outgoing (name, key, request, due, lease, holder) SELECT 'other', 'key', '', 'infinity', 1, max(id) FROM salebot.holder")
}

// tookOver waits until what others left behind was taken over.
func (r *limitedRole) tookOver() {
	r.t.Helper()
	eventually(r.t, "what was left behind is taken over", func() bool { return strings.Contains(r.log.String(), "events=2 requests=1") })
	if text := r.log.String(); strings.Contains(text, "permission") {
		r.t.Errorf("a right is missing: %s", text)
	}
}

// TestRightsOfInbox checks that an inbox says which rights its user lacks, and that it
// needs no others.
func TestRightsOfInbox(t *testing.T) {
	t.Parallel()
	r := newLimitedRole(t)
	r.others()
	ctx := t.Context()
	inbox := opened(r, func() (*postgres.Inbox, error) {
		return postgres.OpenInbox(ctx, r.address, r.schema, r.logger(), postgres.WithLifetime(200*time.Millisecond), postgres.WithMaxPending(4)) // with that of others
	})
	defer func() { _ = inbox.Close() }()
	for message := range int64(3) {
		if _, err := put(t, inbox, message+1); err != nil {
			t.Fatal(err)
		}
	}
	if receipt, err := put(t, inbox, 1); err != nil || !receipt.Duplicate {
		t.Errorf("%+v, %v; want a duplicate", receipt, err)
	}
	if _, err := put(t, inbox, 4); !errors.Is(err, webhook.ErrFull) {
		t.Errorf("%v, want ErrFull", err)
	}
	done, again, dead := leaseOne(t, inbox), leaseOne(t, inbox), leaseOne(t, inbox)
	if err := errors.Join(inbox.Commit(ctx, done), inbox.Release(ctx, again, time.Hour, "later"), inbox.Bury(ctx, dead, "never")); err != nil {
		t.Error(err)
	}
	for letter, err := range inbox.DeadLetters(ctx, "bench") {
		if err != nil || letter.Reason != "never" {
			t.Errorf("%+v, %v", letter, err)
		}
	}
	for _, err := range inbox.Seen(ctx, "bench") {
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := inbox.Counts(ctx, "bench"); err != nil {
		t.Error(err)
	}
	if number, err := inbox.Redrive(ctx, "bench", dead.Sequence); number != 1 || err != nil {
		t.Errorf("%d, %v", number, err)
	}
	if err := inbox.Bury(ctx, leaseOne(t, inbox), "never"); err != nil {
		t.Error(err)
	}
	if number, err := inbox.Discard(ctx, "bench", dead.Sequence); number != 1 || err != nil {
		t.Errorf("%d, %v", number, err)
	}
	r.tookOver()
	if err := inbox.Close(); err != nil {
		t.Error(err)
	}
}

// TestRightsOfLedger is as TestRightsOfInbox.
func TestRightsOfLedger(t *testing.T) {
	t.Parallel()
	r := newLimitedRole(t)
	r.others()
	ctx := t.Context()
	records := opened(r, func() (*postgres.Ledger, error) {
		return postgres.OpenLedger(ctx, r.address, r.schema, r.logger(), postgres.WithLifetime(200*time.Millisecond))
	})
	defer func() { _ = records.Close() }()
	if _, err := records.Bind(ctx, "shop"); err != nil {
		t.Error(err)
	}
	// One by itself, and two together.
	for _, keys := range [][]byte{{1}, {2, 3}} {
		var some []ledger.Record
		for _, key := range keys {
			some = append(some, ledger.Record{Key: ledger.Digest{key}, Content: ledger.Digest{key}})
		}
		for range 2 {
			begun, err := records.Begin(ctx, some...)
			if err != nil {
				t.Fatal(err)
			}
			for at := range begun {
				begun[at].State = ledger.Refused
			}
			if some, err = records.End(ctx, begun...); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found, err := records.FindEqual(ctx, ledger.Digest{1}); len(found) != 1 || err != nil {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err := records.Find(ctx, ledger.Digest{1}); len(found) != 1 || err != nil {
		t.Errorf("%+v, %v", found, err)
	} else if _, err := records.Alive(ctx, found[0].Holder); err != nil {
		t.Error(err)
	}
	if err := records.Forget(ctx, ledger.Digest{1}); err != nil {
		t.Error(err)
	}
	if err := records.Sweep(ctx); err != nil {
		t.Error(err)
	}
	r.tookOver()
	if err := records.Close(); err != nil {
		t.Error(err)
	}
}

// TestRightsOfOutbox is as TestRightsOfInbox.
func TestRightsOfOutbox(t *testing.T) {
	t.Parallel()
	r := newLimitedRole(t)
	r.others()
	ctx := t.Context()
	server := commonServer(t)
	records, err := postgres.OpenLedger(ctx, server.Address(), r.schema)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	client := salebottest.New(t).Client(t, salebot.WithLedger(records, "shop"))
	outbox := opened(r, func() (*postgres.Outbox, error) {
		return postgres.OpenOutbox(ctx, r.address, client, "order paid", func(_ context.Context, request postgres.Outgoing) error {
			if request.Key == "odd" {
				return webhook.Permanent(errors.New("it is odd"))
			}
			return nil
		}, r.schema, r.logger(), postgres.WithLifetime(200*time.Millisecond))
	})
	defer func() { _ = outbox.Close() }()
	db, err := pgx.Connect(ctx, server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		return errors.Join(outbox.Reserve(ctx, tx, "odd", nil), outbox.Reserve(ctx, tx, "even", nil))
	})
	if err != nil {
		t.Fatal(err)
	}
	outbox.Wake()
	eventually(t, "one is sent and one given up", func() bool {
		pending, err := outbox.Pending(ctx)
		failed, failedErr := outbox.Failed(ctx, 10)
		return err == nil && failedErr == nil && pending == 0 && len(failed) == 1
	})
	if number, err := outbox.Discard(ctx, "odd"); number != 1 || err != nil {
		t.Errorf("%d, %v", number, err)
	}
	r.tookOver()
	if err := outbox.Close(); err != nil {
		t.Error(err)
	}
}

// TestRightsOfPace is as TestRightsOfInbox.
func TestRightsOfPace(t *testing.T) {
	t.Parallel()
	r := newLimitedRole(t)
	pace := opened(r, func() (*postgres.Pace, error) {
		return postgres.OpenPace(t.Context(), r.address, "shop", 1000, 2, r.schema, r.logger())
	})
	defer func() { _ = pace.Close() }()
	for range 2 {
		if err := pace.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		pace.Held(time.Millisecond)
	}
	pace.Told()
	if text := r.log.String(); text != "" {
		t.Error(text)
	}
}

// TestRightsAreNamed checks that each right that is missing is told by its name.
func TestRightsAreNamed(t *testing.T) {
	t.Parallel()
	r := newLimitedRole(t)
	all := []string{
		"GRANT USAGE ON SCHEMA salebot TO " + r.name, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA salebot TO " + r.name,
		"GRANT USAGE ON ALL SEQUENCES IN SCHEMA salebot TO " + r.name, "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA salebot TO " + r.name,
	}
	r.execute(all...)
	for _, right := range []string{
		"USAGE ON SCHEMA salebot", "SELECT ON TABLE salebot.migration", "UPDATE, DELETE ON TABLE salebot.event", "USAGE ON SEQUENCE salebot.lease_sequence",
		"EXECUTE ON FUNCTION salebot.settle", "INSERT ON TABLE salebot.dead_letter, salebot.seen",
	} {
		r.execute("REVOKE " + right + " FROM " + r.name)
		inbox, err := postgres.OpenInbox(t.Context(), r.address, r.schema)
		if err == nil {
			_ = inbox.Close()
		}
		want := postgres.SQL(r.schema, "has to run: GRANT "+right+" TO "+r.name)
		if !errors.Is(err, postgres.ErrNoRights) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want ErrNoRights that ends with %q", err, want)
		}
		r.execute("GRANT " + right + " TO " + r.name)
	}
	inbox, err := postgres.OpenInbox(t.Context(), r.address, r.schema)
	if err != nil {
		t.Fatal(err)
	}
	_ = inbox.Close()
}
