//go:build postgres

package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

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
