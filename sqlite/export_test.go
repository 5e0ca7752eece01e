package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	modernc "modernc.org/sqlite"
)

var errCrashed = errors.New("crashed")

// crashes counts the copies, for their names.
var crashes atomic.Int64

// Crash ends an inbox as if its process had died, and returns the path of the file
// as it was at that moment, copied into a folder. Whatever is under way fails.
func (i *Inbox) Crash(t testing.TB, path, folder string) string {
	t.Helper()
	copied := filepath.Join(folder, fmt.Sprintf("crashed-%d.db", crashes.Add(1)))
	crash := &operation{apply: func(w *writer) error {
		for _, suffix := range []string{"", "-wal", lockSuffix} {
			content, err := os.ReadFile(path + suffix)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
			if err == nil {
				if err := os.WriteFile(copied+suffix, content, 0o600); err != nil {
					t.Error(err)
				}
			}
		}
		_ = w.condition.breakDown(errCrashed)
		return errCrashed
	}}
	if err := i.committer.do(t.Context(), crash); !errors.Is(err, errCrashed) {
		t.Error(err)
	}
	_ = i.Close()
	return copied
}

// SetFailing lets every change fail, or ends that.
func (i *Inbox) SetFailing(t testing.TB, failing bool) {
	t.Helper()
	err := i.committer.do(t.Context(), &operation{apply: func(w *writer) error {
		for _, change := range []string{"INSERT ON event", "DELETE ON event", "UPDATE ON event", "INSERT ON dead_letter", "DELETE ON dead_letter"} {
			name := strings.ReplaceAll(change, " ", "_")
			statement := "DROP TRIGGER temp." + name
			if failing {
				statement = fmt.Sprintf("CREATE TEMP TRIGGER %s BEFORE %s BEGIN SELECT RAISE(ABORT, 'failing as wanted'); END", name, change)
			}
			if err := w.script(statement); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		t.Error(err)
	}
}

// Execute runs statements as a person could who opens the file beside it.
func (i *Inbox) Execute(t testing.TB, statements ...string) {
	t.Helper()
	err := i.committer.do(t.Context(), &operation{apply: func(w *writer) error {
		for _, statement := range statements {
			if err := w.script(statement); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// Lazy says whether the last commit was made without a flush.
func (i *Inbox) Lazy(t testing.TB) bool {
	t.Helper()
	return i.writer.unflushed.Load()
}

// Query runs a query as a person could, and counts the rows.
func (i *Inbox) Query(t testing.TB, query string) (rows int) {
	t.Helper()
	if err := i.overview.query(t.Context(), query, func([]driver.Value) error {
		rows++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

// Flush is what the janitor does a second after a commit without a flush.
func (i *Inbox) Flush() error { return i.flush() }

// Forget is what the janitor does each hour.
func (i *Inbox) Forget(ctx context.Context, before time.Time) error { return i.forgetSeen(ctx, before) }

// Panic lets an operation panic, once the others that are wanted wait behind it. They
// may come when begun is closed.
func (i *Inbox) Panic(ctx context.Context, begun chan<- struct{}, others int) error {
	return i.committer.do(ctx, &operation{apply: func(*writer) error {
		close(begun)
		for waiting := 0; waiting < others; runtime.Gosched() {
			i.committer.mu.Lock()
			waiting = len(i.committer.queue)
			i.committer.mu.Unlock()
		}
		panic("as wanted")
	}})
}

// HoldOverview keeps everybody from looking through whole tables, until release.
func (i *Inbox) HoldOverview() (release func()) {
	i.overview.mu.Lock()
	return i.overview.mu.Unlock
}

// CountDeadLettersPlan tells how SQLite counts dead letters.
func (i *Inbox) CountDeadLettersPlan(t testing.TB) (plan string) {
	t.Helper()
	if err := i.overview.query(t.Context(), "EXPLAIN QUERY PLAN "+countDeadLetters, func(row []driver.Value) error {
		plan += text(row[3])
		return nil
	}, "endpoint"); err != nil {
		t.Fatal(err)
	}
	return plan
}

// Database is a connection of somebody else.
type Database struct{ connection *connection }

// OpenDatabase opens a file as any program could.
func OpenDatabase(t testing.TB, path string) *Database {
	t.Helper()
	c, err := connect(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	return &Database{c}
}

// Execute runs statements.
func (d *Database) Execute(t testing.TB, statements string) {
	t.Helper()
	if err := d.connection.script(statements); err != nil {
		t.Fatal(err)
	}
}

// SetUpInMemory sets up a database that can have no log.
func SetUpInMemory() error {
	conn, err := (&modernc.Driver{}).Open(":memory:")
	if err != nil {
		return err
	}
	c := &connection{driver: conn, background: context.Background(), statements: map[string]*statement{}}
	return errors.Join(setUp(c), c.close())
}

// Shift moves the time at which released events are due, as if the clock had been wrong.
func (i *Inbox) Shift(t testing.TB, by time.Duration) {
	t.Helper()
	err := i.committer.do(t.Context(), &operation{flush: true, apply: func(w *writer) error {
		var rows []row
		if err := w.query(selectEvents, func(values []driver.Value) error {
			rows = append(rows, readRow(values))
			return nil
		}); err != nil {
			return err
		}
		for n := range rows {
			rows[n].due = rows[n].due.Add(by)
			if err := rows[n].update(w.connection); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		t.Error(err)
	}
}

// SpoilLog lets every further flush of a group fail.
func (i *Inbox) SpoilLog(t testing.TB) {
	t.Helper()
	if err := i.log.Close(); err != nil {
		t.Fatal(err)
	}
}
