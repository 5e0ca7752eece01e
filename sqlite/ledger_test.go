package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/salebot-go/salebot/ledger/ledgertest"
	"github.com/salebot-go/salebot/sqlite"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, ledgertest.Subject{Shared: true, New: func(tb testing.TB, retention time.Duration) ledgertest.Open {
		tb.Helper()
		return ledgerOpener(filepath.Join(tb.TempDir(), "ledger.db"), sqlite.WithLedgerRetention(retention))
	}})
}

func TestLedgerOfAnInbox(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, ledgertest.Subject{New: func(tb testing.TB, retention time.Duration) ledgertest.Open {
		tb.Helper()
		return inboxLedgerOpener(filepath.Join(tb.TempDir(), "inbox.db"), sqlite.WithLedgerRetention(retention))
	}})
}

func ledgerOpener(path string, opts ...sqlite.LedgerOption) ledgertest.Open {
	return func() (ledgertest.Closer, error) { return sqlite.OpenLedger(path, opts...) }
}

// ledgerWithInbox is a ledger that is closed by closing its inbox.
type ledgerWithInbox struct {
	*sqlite.Ledger
	inbox *sqlite.Inbox
}

func (l ledgerWithInbox) Close() error { return l.inbox.Close() }

func inboxLedgerOpener(path string, opts ...sqlite.LedgerOption) ledgertest.Open {
	return func() (ledgertest.Closer, error) {
		inbox, err := sqlite.OpenInbox(path)
		if err != nil {
			return nil, err
		}
		l, err := inbox.Ledger(opts...)
		if err != nil {
			return nil, err
		}
		return ledgerWithInbox{l, inbox}, nil
	}
}

// ledgerFile is the file of a ledger that a test shares with the processes that it
// starts.
func ledgerFile(t *testing.T) string {
	t.Helper()
	const variable = "SQLITE_TEST_LEDGER"
	path := os.Getenv(variable)
	if path == "" {
		path = filepath.Join(t.TempDir(), "ledger.db")
		t.Setenv(variable, path)
	}
	return path
}

// ledgerKills is how often a kill test of a ledger kills its process.
const ledgerKills = 10

func TestLedgerKill(t *testing.T) { //nolint:paralleltest // it sets the environment
	ledgertest.Kill(t, ledgerKills, ledgerOpener(ledgerFile(t)))
}

func TestLedgerOfAnInboxKill(t *testing.T) { //nolint:paralleltest // it sets the environment
	ledgertest.Kill(t, ledgerKills, inboxLedgerOpener(ledgerFile(t)))
}

func TestLedgerProcesses(t *testing.T) { //nolint:paralleltest // it sets the environment
	ledgertest.Processes(t, ledgerOpener(ledgerFile(t)))
}
