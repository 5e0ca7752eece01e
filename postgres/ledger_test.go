//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/ledger/ledgertest"
	"github.com/salebot-go/salebot/postgres"
)

func ledgerSubject(options string) ledgertest.Subject {
	return ledgertest.Subject{Shared: true, New: func(tb testing.TB, retention time.Duration) ledgertest.Open {
		tb.Helper()
		server := commonServer(tb)
		return ledgerOpener(server.Address()+options, newSchema(tb, server), postgres.WithRetention(retention))
	}}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, ledgerSubject(""))
}

// TestLedgerBehindAPooler is as TestInboxBehindAPooler.
func TestLedgerBehindAPooler(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, ledgerSubject(" default_query_exec_mode=exec"))
}

func ledgerOpener(address string, opts ...postgres.LedgerOption) ledgertest.Open {
	return func() (ledgertest.Closer, error) {
		l, err := postgres.OpenLedger(context.Background(), address, opts...)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
}

// sharedLedger opens the ledger that a test shares with the processes that it starts.
func sharedLedger(t *testing.T, opts ...postgres.LedgerOption) ledgertest.Open {
	t.Helper()
	const variable = "SALEBOT_POSTGRES_TEST_LEDGER"
	place := os.Getenv(variable)
	if place == "" {
		server := commonServer(t)
		name := fmt.Sprintf("ledger%d_%d", os.Getpid(), schemas.Add(1))
		if _, err := postgres.Migrate(t.Context(), server.Address(), postgres.WithSchema(name)); err != nil {
			t.Fatal(err)
		}
		place = name + " " + server.Address()
		t.Setenv(variable, place)
	}
	schema, address, _ := strings.Cut(place, " ")
	return ledgerOpener(address, append(opts, postgres.WithSchema(schema))...)
}

func TestLedgerKill(t *testing.T) { //nolint:paralleltest // it sets the environment
	ledgertest.Kill(t, 10, sharedLedger(t))
}

func TestLedgerProcesses(t *testing.T) { //nolint:paralleltest // it sets the environment
	ledgertest.Processes(t, sharedLedger(t, postgres.WithLifetime(2*time.Second)))
}

// TestLedgerEndsLater checks that what became of a request is recorded when the server is
// back, if it was away at the time: others would wait for it as long as this process lives.
func TestLedgerEndsLater(t *testing.T) {
	t.Parallel()
	server := ownServer(t, "fsync=off")
	l, err := postgres.OpenLedger(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	record := ledger.Record{Key: ledger.Digest{1}, Content: ledger.Digest{2}}
	begun, err := l.Begin(t.Context(), record)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.StopNow(); err != nil {
		t.Fatal(err)
	}
	begun[0].State = ledger.Accepted
	if _, err := l.End(t.Context(), begun...); !errors.Is(err, postgres.ErrUnreachable) {
		t.Errorf("%v, want ErrUnreachable", err)
	}
	if _, err := l.Begin(t.Context(), ledger.Record{Key: ledger.Digest{3}, Content: ledger.Digest{2}}); !errors.Is(err, postgres.ErrUnreachable) {
		t.Errorf("%v, want ErrUnreachable", err)
	}
	if err := server.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record is accepted", func() bool {
		found, err := l.Find(t.Context(), record.Key)
		return err == nil && len(found) == 1 && found[0].State == ledger.Accepted
	})
}

// TestLedgerTakesBack checks that a record which was begun without the caller hearing of
// it is taken back: nothing was sent for it.
func TestLedgerTakesBack(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	cutter := newCutter(t, server)
	l, err := postgres.OpenLedger(t.Context(), cutter.Address()+" default_query_exec_mode=exec", newSchema(t, server), postgres.WithLifetime(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	record := ledger.Record{Key: ledger.Digest{1}, Content: ledger.Digest{2}}
	cutter.Arm()
	if _, err := l.Begin(t.Context(), record); !errors.Is(err, postgres.ErrUnreachable) {
		t.Fatalf("%v, want ErrUnreachable", err)
	}
	eventually(t, "the record is refused", func() bool {
		found, err := l.Find(t.Context(), record.Key)
		return err == nil && len(found) == 1 && found[0].State == ledger.Refused
	})
}

// TestLedgerKeepsEnds checks that what became of a request is recorded again if a crash of
// the server lost it: the process lives, so that others would wait for it to end what it
// has ended.
func TestLedgerKeepsEnds(t *testing.T) {
	t.Parallel()
	// So a crash loses what is not waited for.
	server := ownServer(t, "wal_writer_delay=10s")
	l, err := postgres.OpenLedger(t.Context(), server.Address(), postgres.WithLifetime(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var begun []ledger.Record
	for n := range 3 {
		records, err := l.Begin(t.Context(), ledger.Record{Key: ledger.Digest{byte(n + 1)}, Content: ledger.Digest{2}})
		if err != nil {
			t.Fatal(err)
		}
		begun = append(begun, records...)
	}
	for n := range begun {
		begun[n].State, begun[n].Answer = ledger.Accepted, ledger.Answer{Status: 200, IDs: []int64{int64(n)}}
		if _, err := l.End(t.Context(), begun[n]); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.StopNow(); err != nil {
		t.Fatal(err)
	}
	if err := server.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lost := query[int64](t, server, "SELECT count(*) FROM salebot.record WHERE state = 0")[0]; lost == 0 {
		t.Log("the server had written what nobody waited for")
	}
	for n := range begun {
		eventually(t, "the record is accepted", func() bool {
			found, err := l.Find(t.Context(), begun[n].Key)
			return err == nil && len(found) == 1 && found[0].State == ledger.Accepted && slices.Equal(found[0].Answer.IDs, []int64{int64(n)})
		})
	}
}

// TestLedgerOfADeadProcessCloses checks that a process which was taken for dead can still
// make sure of what it has ended.
func TestLedgerOfADeadProcessCloses(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	schema := newSchema(t, server)
	l, err := postgres.OpenLedger(t.Context(), server.Address(), schema, postgres.WithLifetime(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	begun, err := l.Begin(t.Context(), ledger.Record{Key: ledger.Digest{1}, Content: ledger.Digest{2}})
	if err != nil {
		t.Fatal(err)
	}
	begun[0].State = ledger.Accepted
	if _, err := l.End(t.Context(), begun...); err != nil {
		t.Fatal(err)
	}
	if err := server.Execute(t.Context(), l.SQL("DELETE FROM salebot.holder")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
