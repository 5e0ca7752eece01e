package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// TestFlushSettledOfEveryKind checks that each way to end the work on an event is on the
// disk when it returns, if that is wanted, and only then.
func TestFlushSettledOfEveryKind(t *testing.T) {
	t.Parallel()
	for name, settle := range map[string]func(*sqlite.Inbox, webhook.Delivery) error{
		"commit":  func(i *sqlite.Inbox, d webhook.Delivery) error { return i.Commit(t.Context(), d) },
		"release": func(i *sqlite.Inbox, d webhook.Delivery) error { return i.Release(t.Context(), d, 0, "released") },
		"bury":    func(i *sqlite.Inbox, d webhook.Delivery) error { return i.Bury(t.Context(), d, "buried") },
	} {
		for _, settled := range []bool{false, true} {
			var opts []sqlite.InboxOption
			if settled {
				opts = append(opts, sqlite.WithFlushSettled())
			}
			inbox := openInbox(t, filepath.Join(quickFolder(t), "inbox.db"), opts...)
			put(t, inbox, event(1, 1))
			if err := settle(inbox, take(t, inbox, 1)[0]); err != nil {
				t.Fatal(err)
			}
			if lazy := inbox.Lazy(t); lazy == settled {
				t.Errorf("%s, WithFlushSettled %v: written without a flush: %v", name, settled, lazy)
			}
		}
	}
}

// TestFlushAfterASecond checks that what no event has flushed is flushed a second later.
func TestFlushAfterASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inbox := openInbox(t, filepath.Join(quickFolder(t), "inbox.db"))
		for m := range salebot.MessageID(2) {
			put(t, inbox, event(1, m+1))
			if err := inbox.Commit(t.Context(), take(t, inbox, 1)[0]); err != nil {
				t.Fatal(err)
			}
			if !inbox.Lazy(t) {
				t.Error("a commit was flushed")
			}
			<-time.After(time.Second)
			synctest.Wait()
			if inbox.Lazy(t) {
				t.Error("after a second it is not flushed")
			}
		}
	})
}

// TestLedgerFlushesAfterASecond checks the same of the end of a call.
func TestLedgerFlushesAfterASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLedger(t, filepath.Join(quickFolder(t), "ledger.db"))
		for _, word := range []string{"a", "b"} {
			end(t, l, begin(t, l, request(word)), ledger.Accepted)
			if !l.Lazy() {
				t.Error("an end was flushed")
			}
			<-time.After(time.Second)
			synctest.Wait()
			if l.Lazy() {
				t.Error("after a second it is not flushed")
			}
		}
	})
}

// TestChecksumCoversEveryColumn checks that a mark or an event of which any column was
// changed is taken for damaged.
func TestChecksumCoversEveryColumn(t *testing.T) {
	t.Parallel()
	for _, column := range []string{"endpoint", "client", "sequence", "accepted", "checksum"} {
		inbox := openInbox(t, filepath.Join(quickFolder(t), "inbox.db"))
		put(t, inbox, event(1, 1))
		entry, change := event(1, 1), column+" = "+column+" + 1"
		if column == "endpoint" {
			entry.Endpoint, change = "another", "endpoint = 'another'"
		}
		inbox.Execute(t, "UPDATE seen SET "+change)
		if put(t, inbox, entry).Duplicate {
			t.Errorf("a mark with another %s made an event a duplicate", column)
		}
		if rows := inbox.Query(t, "SELECT 1 FROM damaged WHERE origin = 'seen'"); rows != 1 {
			t.Errorf("%s: %d marks were set apart, want 1", column, rows)
		}
	}
	for _, column := range []string{"endpoint", "client", "message", "failed", "recovered", "accepted", "attempts", "due", "reason", "body", "checksum"} {
		folder := quickFolder(t)
		path := filepath.Join(folder, "inbox.db")
		inbox := openInbox(t, path)
		put(t, inbox, event(1, 1))
		change := column + " = " + column + " + 1"
		if column == "endpoint" || column == "reason" || column == "body" {
			change = column + " = " + column + " || 'x'"
		}
		inbox.Execute(t, "UPDATE event SET "+change)
		path = inbox.Crash(t, path, folder)
		again := openInbox(t, path)
		if rows := again.Query(t, "SELECT 1 FROM damaged WHERE origin = 'event' AND sequence = 1"); rows != 1 {
			t.Errorf("an event with another %s was not set apart", column)
		}
		if counts, err := again.Counts(t.Context(), endpoint); err != nil || counts.Waiting != 0 {
			t.Errorf("%s: %+v, %v", column, counts, err)
		}
	}
}

// TestDamagedRowsAreKeptAsJSON checks that a person finds all that could be read of a
// damaged row.
func TestDamagedRowsAreKeptAsJSON(t *testing.T) {
	t.Parallel()
	folder := quickFolder(t)
	path := filepath.Join(folder, "inbox.db")
	inbox := openInbox(t, path)
	entry := event(7, 8)
	entry.Failed, entry.Recovered = true, true
	put(t, inbox, entry)
	if err := inbox.Release(t.Context(), take(t, inbox, 1)[0], 0, `quoted "why"`); err != nil {
		t.Fatal(err)
	}
	inbox.Execute(t, "UPDATE event SET client = 9")
	path = inbox.Crash(t, path, folder)
	again := openInbox(t, path)
	for name, want := range map[string]string{
		"sequence": "1", "endpoint": endpoint, "client": "9", "message": "8", "failed": "1", "recovered": "1", "attempts": "1",
		"reason": `quoted "why"`, "body": entry.Body, "accepted": fmt.Sprint(entry.AcceptedAt.UnixMicro()),
	} {
		query := fmt.Sprintf("SELECT 1 FROM damaged WHERE json_valid(content) AND CAST(json_extract(content, '$.%s') AS TEXT) = '%s'", name, strings.ReplaceAll(want, "'", "''"))
		if again.Query(t, query) != 1 {
			t.Errorf("the damaged row does not say that %s was %s", name, want)
		}
	}
	if again.Query(t, "SELECT 1 FROM damaged WHERE problem LIKE '%checksum%' AND found > 0 AND json_extract(content, '$.due') > 0") != 1 {
		t.Error("the damaged row does not tell its problem")
	}
}

// TestFileThatSQLiteCallsFull checks that a file which may not grow refuses new events,
// is not taken for broken, and goes on when it may grow again.
func TestFileThatSQLiteCallsFull(t *testing.T) {
	t.Parallel()
	inbox := openInbox(t, filepath.Join(quickFolder(t), "inbox.db"))
	put(t, inbox, event(1, 1))
	put(t, inbox, event(2, 2))
	inbox.Execute(t, "PRAGMA max_page_count = 1") // as small as the file is
	large := event(3, 3)
	large.Body = strings.Repeat("b", 100_000)
	if _, err := inbox.Put(t.Context(), large); !errors.Is(err, webhook.ErrFull) || errors.Is(err, sqlite.ErrBroken) {
		t.Fatalf("%v, want ErrFull", err)
	}
	if err := inbox.Health(t.Context()); !errors.Is(err, webhook.ErrFull) {
		t.Errorf("health: %v, want ErrFull", err)
	}
	if !put(t, inbox, event(1, 1)).Duplicate {
		t.Error("a duplicate was not recognized")
	}
	if err := inbox.Commit(t.Context(), take(t, inbox, 1)[0]); err != nil {
		t.Errorf("commit: %v", err)
	}
	inbox.Execute(t, "PRAGMA max_page_count = 100000")
	if put(t, inbox, large).Duplicate {
		t.Error("an event that was refused counts as known")
	}
	if err := inbox.Health(t.Context()); err != nil {
		t.Errorf("health with room again: %v", err)
	}
}

// TestRecoveryThatCannotBeFinished checks that a recovery which fails leaves the damaged
// file as it is, says why, and is done when what was in its way is gone.
func TestRecoveryThatCannotBeFinished(t *testing.T) {
	t.Parallel()
	obstacle := func(suffix string) func(path string) string {
		return func(path string) string {
			folder := path + suffix
			if err := os.MkdirAll(filepath.Join(folder, "x"), 0o700); err != nil {
				t.Fatal(err)
			}
			return folder
		}
	}
	for name, hinder := range map[string]func(path string) string{
		"the new file can't be made":  obstacle(".recovering"),
		"its log can't be removed":    obstacle(".recovering-wal"),
		"the new file can't be moved": obstacle(".recovered"),
		"the log can't be read":       obstacle(".recovering-shm"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(quickFolder(t), "inbox.db")
			bodies := filled(t, path, 100)
			change(t, path, func(content []byte) []byte { clear(content[100:4096]); return content })
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			obstacle := hinder(path)
			inbox, err := sqlite.OpenInbox(path)
			if err == nil {
				_ = inbox.Close()
				t.Fatal("it was opened")
			}
			if after, readErr := os.ReadFile(path); readErr != nil || !bytes.Equal(after, before) {
				t.Fatalf("the damaged file was changed (%v)", readErr)
			}
			if strings.Count(err.Error(), "sqlite: ") != 1 {
				t.Errorf("the error names the package more than once: %v", err)
			}
			if err := os.RemoveAll(obstacle); err != nil {
				t.Fatal(err)
			}
			again := openInbox(t, path)
			recovery := again.Recovery()
			if recovery == nil {
				t.Fatal("no recovery")
			}
			if events, letters := contents(t, again, bodies); events != recovery.Events || letters != recovery.DeadLetters {
				t.Errorf("%d events, %d dead letters; %+v", events, letters, recovery)
			}
		})
	}
}

// TestInboxOptions checks that options are checked.
func TestInboxOptions(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]sqlite.InboxOption{
		"window": sqlite.WithDuplicateWindow(0), "pending": sqlite.WithMaxPending(-1), "size": sqlite.WithMaxFileSize(0), "lock": sqlite.WithLockTimeout(-1), "logger": sqlite.WithLogger(nil),
	} {
		path := filepath.Join(t.TempDir(), "inbox.db")
		var problem *salebot.OptionError
		if _, err := sqlite.OpenInbox(path, nil, option); !errors.As(err, &problem) {
			t.Errorf("%s: %v, want an OptionError", name, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a file was made", name)
		}
	}
}
