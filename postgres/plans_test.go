//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
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

// TestQueriesHaveIndexes lets the server note the plans of everything that is asked of it,
// also inside functions, and looks for those that read a whole table.
func TestQueriesHaveIndexes(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(t.Context(), "fsync=off", "session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_nested_statements=on")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Remove() })
	schema := newSchema(t, server)
	inbox := openInbox(t, server, schema, postgres.WithoutListen())
	if err := server.Execute(t.Context(), filled(inbox)...); err != nil {
		t.Fatal(err)
	}
	before, err := server.Log()
	if err != nil {
		t.Fatal(err)
	}
	counts, err := inbox.Counts(t.Context(), "bench")
	if err != nil || counts.Oldest.IsZero() {
		t.Fatalf("%+v, %v; want an oldest event", counts, err)
	}
	for range 3 {
		if _, err := put(t, inbox, 1_000_000+numbers.Add(1)); err != nil {
			t.Fatal(err)
		}
		if receipt, err := put(t, inbox, 1); err != nil || !receipt.Duplicate {
			t.Fatalf("%+v, %v; want a duplicate", receipt, err)
		}
		done, again, dead := leaseOne(t, inbox), leaseOne(t, inbox), leaseOne(t, inbox)
		if err := inbox.Commit(t.Context(), done); err != nil {
			t.Fatal(err)
		}
		if err := inbox.Release(t.Context(), again, time.Hour, "later"); err != nil {
			t.Fatal(err)
		}
		if err := inbox.Bury(t.Context(), dead, "never"); err != nil {
			t.Fatal(err)
		}
		if _, err := inbox.Redrive(t.Context(), "bench", dead.Sequence); err != nil {
			t.Fatal(err)
		}
	}
	useLedger(t, server, schema)
	useOutbox(t, server, schema)
	failed := query[string](t, server, inbox.SQL("EXPLAIN SELECT key, request, reserved, attempts, reason FROM salebot.outgoing WHERE name = 'box' AND due IS NULL ORDER BY reserved, key LIMIT 10"))
	if plan := strings.Join(failed, "\n"); !strings.Contains(plan, "outgoing_failed") {
		t.Errorf("requests that were given up are looked for among all: %s", plan)
	}
	for range 3 {
		inbox.Execute(t, t.Context(), "INSERT INTO salebot.holder (expires) VALUES ('-infinity')")
		inbox.Execute(t, t.Context(), "UPDATE salebot.outgoing SET holder = (SELECT max(id) FROM salebot.holder) WHERE name = 'box' AND key = '1'")
		inbox.Execute(t, t.Context(), "SELECT salebot.bury_dead()")
	}
	pace := openPace(t, server, 1000, 2, schema)
	for range 3 {
		if err := pace.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	log, err := server.Log()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for plan := range strings.SplitSeq(log[len(before):], "Query Text: ") {
		text, steps, _ := strings.Cut(plan, "\n")
		if table := wholeTable.FindString(steps); table != "" && !strings.Contains(text+steps, "count(*)") {
			t.Errorf("%s for %s", table, text)
		}
		seen += strings.Count(steps, "Index ")
	}
	if seen < 20 {
		t.Errorf("%d scans of an index are in the log, want more", seen)
	}
}

// wholeTable is a step of a plan that reads a whole table which grows.
var wholeTable = regexp.MustCompile(`(Seq Scan|Bitmap Heap Scan) on (event|lane|seen|dead_letter|record|outgoing)\b`)

// filled are statements that fill the tables of an inbox.
func filled(inbox *postgres.Inbox) []string {
	return []string{
		inbox.SQL(`INSERT INTO salebot.event (client, endpoint, sequence, message, failed, recovered, accepted, body)
			SELECT n % 5000 + 1, 'bench', nextval('salebot.event_sequence'), n, false, false, now(), 'body' FROM generate_series(1, 20000) n`),
		inbox.SQL(`INSERT INTO salebot.lane (client, single, endpoint, head, due)
			SELECT client, 0, endpoint, min(sequence), CASE WHEN client < 100 THEN now() + interval '1 hour' END FROM salebot.event GROUP BY client, endpoint`),
		inbox.SQL(`INSERT INTO salebot.seen (message, failed, endpoint, client, sequence, at) SELECT n, false, 'bench', 1, n, now() FROM generate_series(1, 20000) n`),
		inbox.SQL(`INSERT INTO salebot.dead_letter (endpoint, sequence, client, message, failed, recovered, accepted, attempts, reason, buried, body)
			SELECT 'bench', -n, 1, 0, false, false, now(), 1, 'why', now(), 'body' FROM generate_series(1, 20000) n`),
		inbox.SQL(`INSERT INTO salebot.record (key, number, content, state, version, holder, scheduled, anchored, message, begun)
			SELECT gen_random_uuid(), 0, gen_random_uuid(), 1, 1, 0, false, false, 0, now() FROM generate_series(1, 20000) n`),
		inbox.SQL(`INSERT INTO salebot.outgoing (name, key, request) SELECT 'box', n::text, 'request' FROM generate_series(1, 20000) n`),
		"ANALYZE",
	}
}

func useLedger(t *testing.T, server *postgrestest.Server, schema postgres.SharedOption) {
	t.Helper()
	l, err := postgres.OpenLedger(t.Context(), server.Address(), schema)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for n := range int64(3) {
		record := ledger.Record{Key: digestOf(n + 1), Content: digestOf(n + 1)}
		if _, err := l.Find(t.Context(), record.Key); err != nil {
			t.Fatal(err)
		}
		if _, err := l.FindEqual(t.Context(), record.Content); err != nil {
			t.Fatal(err)
		}
		begun, err := l.Begin(t.Context(), record)
		if err != nil {
			t.Fatal(err)
		}
		begun[0].State = ledger.Accepted
		if _, err := l.End(t.Context(), begun...); err != nil {
			t.Fatal(err)
		}
		if err := l.Forget(t.Context(), record.Key); err != nil {
			t.Fatal(err)
		}
	}
}

func useOutbox(t *testing.T, server *postgrestest.Server, schema postgres.SharedOption) {
	t.Helper()
	ctx := t.Context()
	l, err := postgres.OpenLedger(ctx, server.Address(), schema)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client := salebottest.New(t).Client(t, salebot.WithLedger(l, "shop"))
	outbox, err := postgres.OpenOutbox(ctx, server.Address(), client, "small box", func(context.Context, postgres.Outgoing) error {
		return webhook.Permanent(errors.New("as wanted"))
	}, schema)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = outbox.Close() }()
	connection, err := pgx.Connect(ctx, server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(ctx) }()
	for range 3 {
		err := pgx.BeginFunc(ctx, connection, func(tx pgx.Tx) error { return outbox.Reserve(ctx, tx, "order 1", nil) })
		if err != nil {
			t.Fatal(err)
		}
		outbox.Wake()
		eventually(t, "it is given up", func() bool {
			failed, err := outbox.Failed(ctx, 10)
			return err == nil && len(failed) == 1
		})
		if number, err := outbox.Discard(ctx, "order 1"); err != nil || number != 1 {
			t.Fatalf("%d, %v; want one", number, err)
		}
	}
}

// TestTheOldestIsKnown follows the oldest pending event from state to state.
func TestTheOldestIsKnown(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	inbox := openInbox(t, server, newSchema(t, server))
	accepted := func(n int) time.Time { return time.Unix(1_700_000_000+int64(n), 1000) }
	oldest := func(when string, want time.Time) {
		t.Helper()
		counts, err := inbox.Counts(t.Context(), "bench")
		if err != nil || !counts.Oldest.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", when, counts.Oldest, err, want)
		}
	}
	oldest("nothing is there", time.Time{})
	// Two of one client, and one of another between them.
	for n, client := range []int64{1, 2, 1} {
		entry := benchEntry(client)
		entry.ClientID, entry.MessageID, entry.AcceptedAt = 0, 0, accepted(n)
		if client == 1 {
			entry.ClientID = 1
		}
		if _, err := inbox.Put(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	oldest("all wait", accepted(0))
	first := leaseOne(t, inbox)
	oldest("it is leased", accepted(0))
	if err := inbox.Bury(t.Context(), first, "no"); err != nil {
		t.Fatal(err)
	}
	oldest("it is a dead letter", accepted(1))
	single := leaseOne(t, inbox)
	second := leaseOne(t, inbox)
	if _, err := inbox.Redrive(t.Context(), "bench", first.Sequence); err != nil {
		t.Fatal(err)
	}
	oldest("it is back behind a lease", accepted(0))
	if err := inbox.Release(t.Context(), second, time.Hour, "later"); err != nil {
		t.Fatal(err)
	}
	if err := inbox.Commit(t.Context(), leaseOne(t, inbox)); err != nil {
		t.Fatal(err)
	}
	oldest("it is done", accepted(1))
	if err := inbox.Commit(t.Context(), single); err != nil {
		t.Fatal(err)
	}
	oldest("the last one is delayed", accepted(2))
}
