//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
	"github.com/salebot-go/salebot/webhook"
)

// lock locks a table until the function is called that it returns.
func lock(t *testing.T, server *postgrestest.Server, table string) (unlock func()) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close(context.Background()) })
	tx, err := connection.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE "+table); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestPaceWithAServerThatHangs checks that a process goes on with its share of the rate
// while a server takes all the time there is to say nothing.
func TestPaceWithAServerThatHangs(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	schema := newSchema(t, server)
	pace := openPace(t, server, 1000, 2, schema, postgres.WithLocalShare(2), postgres.WithTimeout(time.Hour))
	wait := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := pace.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	wait()
	unlock := lock(t, server, pace.SQL("salebot.pace"))
	const asking = " FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%salebot.grant_starts%' AND pid <> pg_backend_pid()"
	asked := func() bool { return query[int](t, server, pace.SQL("SELECT count(*)"+asking))[0] > 0 }
	first := make(chan error, 1)
	go func() { first <- pace.Wait(t.Context()) }()
	eventually(t, "the database is asked", asked)
	query[bool](t, server, pace.SQL("SELECT pg_terminate_backend(pid)"+asking))
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	eventually(t, "the database is asked again", func() bool {
		wait()
		return asked()
	})
	for range 3 {
		wait()
	}
	unlock()
	eventually(t, "the database paces again", func() bool {
		before := query[time.Time](t, server, pace.SQL("SELECT next FROM salebot.pace"))[0]
		wait()
		return query[time.Time](t, server, pace.SQL("SELECT next FROM salebot.pace"))[0].After(before)
	})
}

// TestPaceAloneHolds checks that a 429 stops a process that has only its share of the rate,
// also if the call waits for that already, and that Close ends the wait.
func TestPaceAloneHolds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		perSecond float64
		patience  time.Duration
		then      func(*postgres.Pace)
		want      error
	}{
		"held":   {0.5, 5 * time.Second, func(pace *postgres.Pace) { pace.Held(time.Hour) }, context.DeadlineExceeded},
		"closed": {0.001, time.Minute, func(pace *postgres.Pace) { _ = pace.Close() }, postgres.ErrPaceClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := ownServer(t, "fsync=off")
			pace := openPace(t, server, test.perSecond, 2, postgres.WithLocalShare(1))
			if err := server.StopNow(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // what may start at once
				if err := pace.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			result := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), test.patience)
				defer cancel()
				result <- pace.Wait(ctx)
			}()
			eventually(t, "the call waits", pace.Waiting)
			test.then(pace)
			if err := <-result; !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// TestRoomIsFoundAgain checks that an inbox which was full is not so for ever if nobody
// puts anything because of it, as behind a load balancer.
func TestRoomIsFoundAgain(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	inbox := openInbox(t, server, newSchema(t, server), postgres.WithMaxPending(2))
	for message := range int64(2) {
		if _, err := put(t, inbox, message+1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := put(t, inbox, 3); !errors.Is(err, webhook.ErrFull) {
		t.Fatalf("%v, want ErrFull", err)
	}
	if err := inbox.Health(t.Context()); !errors.Is(err, webhook.ErrFull) {
		t.Errorf("%v, want ErrFull", err)
	}
	if err := inbox.Commit(t.Context(), leaseOne(t, inbox)); err != nil {
		t.Fatal(err)
	}
	if err := inbox.Health(t.Context()); err != nil {
		t.Errorf("after one was handled: %v", err)
	}
}

// TestNobodyWaitsForASlowServer checks that calls without a deadline end when the time of
// WithTimeout is over.
func TestNobodyWaitsForASlowServer(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	server := commonServer(t)
	brief := postgres.WithTimeout(5 * time.Second)
	records, err := postgres.OpenLedger(t.Context(), server.Address(), s.schema, brief)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	inbox := openInbox(t, server, s.schema, brief)
	outbox := s.openWith(func(context.Context, postgres.Outgoing) error { return nil }, brief)
	unlock := lock(t, server, inbox.SQL("salebot.record, salebot.setting, salebot.holder, salebot.dead_letter, salebot.outgoing"))
	var group sync.WaitGroup
	// A call that hangs is one that the test's end shows.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for name, call := range map[string]func() error{
		"Bind":      func() error { _, err := records.Bind(ctx, "shop"); return err },
		"Find":      func() error { _, err := records.Find(ctx, ledger.Digest{1}); return err },
		"FindEqual": func() error { _, err := records.FindEqual(ctx, ledger.Digest{1}); return err },
		"Forget":    func() error { return records.Forget(ctx, ledger.Digest{1}) },
		"Alive":     func() error { _, err := records.Alive(ctx, "1"); return err },
		"DeadLetters": func() error {
			for _, err := range inbox.DeadLetters(ctx, "bench") {
				return err
			}
			return nil
		},
		"Redrive": func() error { _, err := inbox.Redrive(ctx, "bench", webhook.AllDeadLetters); return err },
		"Failed":  func() error { _, err := outbox.Failed(ctx, 1); return err },
		"Retry":   func() error { _, err := outbox.Retry(ctx, "key"); return err },
		"Pending": func() error { _, err := outbox.Pending(ctx); return err },
	} {
		group.Go(func() {
			if err := call(); !errors.Is(err, postgres.ErrSlow) {
				t.Errorf("%s: %v, want ErrSlow", name, err)
			}
		})
	}
	group.Wait()
	unlock()
}
