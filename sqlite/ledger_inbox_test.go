package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/sqlite"
)

// ledgerOf opens the ledger of an inbox.
func ledgerOf(t *testing.T, inbox *sqlite.Inbox, opts ...sqlite.LedgerOption) *sqlite.Ledger {
	t.Helper()
	l, err := inbox.Ledger(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLedgerOfAnInboxIsOpenOnce checks that there is one ledger at a time, which ends with
// its inbox, and that the inbox does not end with it.
func TestLedgerOfAnInboxIsOpenOnce(t *testing.T) {
	t.Parallel()
	inbox, err := sqlite.OpenInbox(filepath.Join(t.TempDir(), "inbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	first := ledgerOf(t, inbox)
	if _, err := inbox.Ledger(); !errors.Is(err, ledger.ErrInUse) || !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("a second one: %v, want ErrInUse", err)
	}
	record := begin(t, first, request("a"))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, inbox, event(1, 1))
	second := ledgerOf(t, inbox)
	if alive, err := second.Alive(t.Context(), record.Holder); err != nil || alive {
		t.Errorf("the ledger that was closed is alive: %v, %v", alive, err)
	}
	if err := inbox.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Find(t.Context(), record.Key); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("after the inbox was closed: %v, want ErrClosed", err)
	}
	if _, err := inbox.Ledger(); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("a ledger of a closed inbox: %v, want ErrClosed", err)
	}
}

// TestForgettingWithoutTheLedger checks that messages are forgotten also when the ledger of
// the inbox was closed before.
func TestForgettingWithoutTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inbox := openInbox(t, filepath.Join(quickFolder(t), "inbox.db"), sqlite.WithDuplicateWindow(time.Hour))
		put(t, inbox, event(1, 1))
		if err := ledgerOf(t, inbox).Close(); err != nil {
			t.Fatal(err)
		}
		<-time.After(2*time.Hour + time.Minute)
		if put(t, inbox, event(1, 1)).Duplicate {
			t.Error("a message was remembered after the window")
		}
	})
}

// TestLedgerOfADamagedInbox checks that a ledger which lost something in the recovery of
// its inbox is opened on request only, and one that did not is opened.
func TestLedgerOfADamagedInbox(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		statement string
		lost      bool
	}{
		"records":  {"UPDATE ledger_record SET state = 1 WHERE number = 0", true},
		"secret":   {"DELETE FROM ledger_setting", true},
		"settings": {"DROP TABLE ledger_setting", true},
		"events":   {"UPDATE event SET body = 'other'", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "inbox.db")
			inbox, err := sqlite.OpenInbox(path)
			if err != nil {
				t.Fatal(err)
			}
			l := ledgerOf(t, inbox)
			binding, err := l.Bind(t.Context(), "shop")
			if err != nil {
				t.Fatal(err)
			}
			for i := range 50 {
				begin(t, l, request(fmt.Sprint("call ", i)))
				put(t, inbox, event(salebot.ClientID(i+1), salebot.MessageID(i+1)))
			}
			if err := inbox.Close(); err != nil {
				t.Fatal(err)
			}
			sqlite.OpenDatabase(t, path).Execute(t, test.statement)
			// A table that is missing makes the file one that has to be recovered.
			sqlite.OpenDatabase(t, path).Execute(t, "PRAGMA wal_checkpoint(TRUNCATE); DROP TABLE dead_letter")
			if inbox, err = sqlite.OpenInbox(path); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = inbox.Close() }()
			if inbox.Recovery() == nil {
				t.Fatal("the file was not recovered")
			}
			l, err = inbox.Ledger()
			if test.lost {
				if !errors.Is(err, ledger.ErrDamaged) {
					t.Fatalf("%v, want ErrDamaged", err)
				}
				l = ledgerOf(t, inbox, sqlite.WithLedgerLosses())
				begin(t, l, request("new"))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			again, err := l.Bind(t.Context(), "shop")
			if err != nil || !bytes.Equal(again.Secret, binding.Secret) {
				t.Errorf("the secret is another one: %v", err)
			}
			for i := range 50 {
				if records := found(t, l, fmt.Sprint("call ", i)); len(records) != 1 {
					t.Errorf("call %d: %v", i, records)
				}
			}
		})
	}
}
