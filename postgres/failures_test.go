//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
	"github.com/salebot-go/salebot/webhook"
)

// quick are settings for tests in which a server does not answer.
func quick() []postgres.InboxOption {
	return []postgres.InboxOption{postgres.WithTimeout(5 * time.Second), postgres.WithLifetime(200 * time.Millisecond)}
}

func put(t *testing.T, inbox *postgres.Inbox, message int64) (webhook.Receipt, error) {
	t.Helper()
	return inbox.Put(t.Context(), benchEntry(message))
}

// eventually waits for something that has to come.
func eventually(t *testing.T, what string, come func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !come() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("did not come: %s", what)
		}
	}
}

// status posts an event to a receiver.
func status(h http.Handler, message string) int {
	recorder := httptest.NewRecorder()
	body := `{"id":` + message + `,"client":{"id":1,"recepient":"1"},"message":"hello","is_input":1,"delivered":1}`
	h.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	return recorder.Code
}

// TestTroubles checks what a receiver and its inbox do while the database is in trouble,
// each with a clear error and never a 200, and that work goes on when it is over.
func TestTroubles(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]struct {
		begin, end []string
		want       error
		// unhealthy says that Health notices.
		unhealthy bool
	}{
		"read-only": {
			[]string{"ALTER DATABASE trouble SET default_transaction_read_only = on", terminate},
			// Without ending the connections, whose setting stays as it was.
			[]string{"ALTER DATABASE trouble RESET default_transaction_read_only"},
			postgres.ErrReadOnly, true,
		},
		// So the server says it when a table cannot grow.
		"full": {
			[]string{
				"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$",
				"CREATE TRIGGER full_disk BEFORE INSERT ON salebot.event FOR EACH ROW EXECUTE FUNCTION full_disk()",
			},
			[]string{"DROP TRIGGER full_disk ON salebot.event", "DROP FUNCTION full_disk"},
			webhook.ErrFull, false,
		},
		"schema gone": {
			[]string{"ALTER SCHEMA salebot RENAME TO elsewhere", terminate},
			[]string{"ALTER SCHEMA elsewhere RENAME TO salebot", terminate},
			postgres.ErrNoSchema, true,
		},
		"no connections": {
			[]string{"ALTER DATABASE trouble CONNECTION LIMIT 0", "ALTER ROLE worker NOLOGIN", terminate},
			[]string{"ALTER DATABASE trouble CONNECTION LIMIT -1", "ALTER ROLE worker LOGIN"},
			postgres.ErrUnreachable, true,
		},
		"rights taken": {
			[]string{"REVOKE ALL ON ALL TABLES IN SCHEMA salebot FROM worker", terminate},
			[]string{"GRANT ALL ON ALL TABLES IN SCHEMA salebot TO worker"},
			postgres.ErrNoRights, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := postgrestest.Start(t.Context(), "fsync=off")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Remove() }()
			if err := server.Execute(t.Context(), "CREATE DATABASE trouble", "CREATE ROLE worker LOGIN"); err != nil {
				t.Fatal(err)
			}
			if _, err := postgres.Migrate(t.Context(), server.AddressIn("trouble")); err != nil {
				t.Fatal(err)
			}
			if err := server.ExecuteIn(t.Context(), "trouble", rights...); err != nil {
				t.Fatal(err)
			}
			address := strings.ReplaceAll(server.AddressIn("trouble"), "user=postgres", "user=worker")
			inbox, err := postgres.OpenInbox(t.Context(), address, quick()...)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = inbox.Close() }()
			handled := make(chan string, 10)
			h := handler(t, inbox, func(_ context.Context, event *webhook.Event) error {
				handled <- event.Text
				return nil
			})
			eventually(t, "an event is taken", func() bool { return status(h, "1") == http.StatusOK })
			<-handled
			if err := server.ExecuteIn(t.Context(), "trouble", trouble.begin...); err != nil {
				t.Fatal(err)
			}
			if trouble.unhealthy {
				eventually(t, "Health notices", func() bool {
					if errors.Is(trouble.want, postgres.ErrUnreachable) {
						// One that was only just being made was not among those that were ended.
						if err := server.ExecuteIn(t.Context(), "trouble", terminate); err != nil {
							t.Fatal(err)
						}
					}
					return errors.Is(inbox.Health(t.Context()), trouble.want)
				})
			}
			// A connection that has just been ended may be met first.
			eventually(t, "the error says what it is", func() bool {
				receipt, err := put(t, inbox, 100)
				if err == nil {
					t.Fatalf("it was taken: %+v", receipt)
				}
				return errors.Is(err, trouble.want)
			})
			if code := status(h, "2"); code < 500 {
				t.Errorf("meanwhile: status %d", code)
			}
			if err := server.ExecuteIn(t.Context(), "postgres", onlyFor(trouble.end, "DATABASE", "ROLE")...); err != nil {
				t.Fatal(err)
			}
			if err := server.ExecuteIn(t.Context(), "trouble", trouble.end...); err != nil {
				t.Fatal(err)
			}
			eventually(t, "an event is taken again", func() bool { return status(h, "3") == http.StatusOK })
			eventually(t, "Health is good again", func() bool { return inbox.Health(t.Context()) == nil })
			select {
			case <-handled:
			case <-time.After(time.Minute):
				t.Error("what was taken is not handled")
			}
			shutDown(t, h)
		})
	}
}

// terminate ends the connections of the inbox.
const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'worker'"

// rights are those that docs/postgres.md lists.
var rights = []string{
	"GRANT USAGE ON SCHEMA salebot TO worker",
	"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA salebot TO worker",
	"GRANT USAGE ON ALL SEQUENCES IN SCHEMA salebot TO worker",
}

// onlyFor returns the statements about databases and roles, which can be run from any
// database.
func onlyFor(statements []string, words ...string) (chosen []string) {
	for _, statement := range statements {
		for _, word := range words {
			if strings.HasPrefix(statement, "ALTER "+word) {
				chosen = append(chosen, statement)
			}
		}
	}
	return chosen
}

// TestSlowServer checks that nobody waits longer for a server than he said.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	inbox := openInbox(t, server, append(quick(), newSchema(t, server))...)
	connection, err := pgx.Connect(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(t.Context()) }()
	tx, err := connection.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), inbox.SQL("LOCK TABLE salebot.event")); err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := inbox.Put(limited, benchEntry(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a context that ends first: %v", err)
	}
	if _, err := put(t, inbox, 2); !errors.Is(err, postgres.ErrSlow) {
		t.Errorf("with the timeout of the inbox: %v, want ErrSlow", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for message := range int64(3) {
		eventually(t, "the event is taken", func() bool { _, err := put(t, inbox, message+1); return err == nil })
	}
	counts, err := inbox.Counts(t.Context(), "bench")
	if err != nil || counts.Waiting != 3 {
		t.Errorf("%+v, %v; want three that wait", counts, err)
	}
}

// TestCutInTheMiddle cuts the connection when the server has got a statement and before
// it answers: nothing is acknowledged, and what was done all the same is found out.
func TestCutInTheMiddle(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	cutter := newCutter(t, server)
	schema := newSchema(t, server)
	// It says seldom that it lives, so that it is no renewal that is cut.
	address := cutter.Address() + " default_query_exec_mode=exec" // no message that only prepares
	inbox, err := postgres.OpenInbox(t.Context(), address, schema, postgres.WithoutListen(), postgres.WithLifetime(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	other := openInbox(t, server, schema)
	for message := range int64(2) {
		if _, err := put(t, inbox, 100+message); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		d := leaseOne(t, inbox)
		if err := inbox.Commit(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	inbox.Settle(t)

	cutter.Arm()
	if receipt, err := put(t, inbox, 1); !errors.Is(err, postgres.ErrUnreachable) {
		t.Fatalf("%+v, %v; want ErrUnreachable", receipt, err)
	}
	eventually(t, "the event is there", func() bool {
		receipt, err := put(t, inbox, 1)
		return err == nil && receipt.Duplicate
	})

	// A lease that nobody heard of is given to the next one who asks.
	cutter.Arm()
	if d, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: "bench", Max: 1, Duration: time.Hour}); !errors.Is(err, postgres.ErrUnreachable) {
		t.Fatalf("%+v, %v; want ErrUnreachable", d, err)
	}
	eventually(t, "the lease is in the database", func() bool {
		counts, err := other.Counts(t.Context(), "bench")
		return err == nil && counts.Leased == 1
	})
	d := leaseOne(t, inbox)
	if d.MessageID != 1 || d.Attempt != 2 {
		t.Fatalf("%+v, want the second attempt with message 1", d)
	}

	cutter.Arm()
	if err := inbox.Commit(t.Context(), d); !errors.Is(err, postgres.ErrUnreachable) {
		t.Fatalf("%v, want ErrUnreachable", err)
	}
	eventually(t, "the commit is in the database", func() bool {
		counts, err := other.Counts(t.Context(), "bench")
		return err == nil && counts == (webhook.Counts{})
	})
	if err := inbox.Commit(t.Context(), d); !errors.Is(err, webhook.ErrLeaseLost) {
		t.Errorf("%v, want ErrLeaseLost", err)
	}
}

// TestMachineWithoutPower checks that connections which end in nothing, as those to a machine
// that lost its power, cost no more than some time, even if all of them do.
func TestMachineWithoutPower(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	cutter := newCutter(t, server)
	inbox, err := postgres.OpenInbox(t.Context(), cutter.Address()+" application_name=powerless", newSchema(t, server), postgres.WithoutListen(),
		postgres.WithLifetime(time.Hour), postgres.WithTimeout(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	if _, err := put(t, inbox, 1); err != nil {
		t.Fatal(err)
	}
	// Such connections are tried before they are used.
	eventually(t, "no connection was used lately", func() bool {
		return query[bool](t, server, "SELECT bool_and(state_change < clock_timestamp() - interval '1500 ms') FROM pg_stat_activity WHERE application_name = 'powerless'")[0]
	})
	cutter.Hang()
	if _, err := put(t, inbox, 2); err != nil {
		t.Error(err)
	}
	limited, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	counts, err := inbox.Counts(limited, "bench")
	if err != nil || counts.Waiting != 2 {
		t.Errorf("%+v, %v; want two that wait", counts, err)
	}
}

func leaseOne(t *testing.T, inbox *postgres.Inbox) webhook.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	deliveries, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: "bench", Max: 1, Duration: time.Hour})
	if err != nil || len(deliveries) != 1 {
		t.Fatalf("%+v, %v; want one delivery", deliveries, err)
	}
	return deliveries[0]
}
