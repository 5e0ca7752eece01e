package sqliteinbox

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
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
		w.broken = errCrashed
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
	// The group of this operation needs no flush by itself, so that the state before
	// it is read under the lock of the committer.
	i.committer.mu.Lock()
	defer i.committer.mu.Unlock()
	if i.committer.leading {
		t.Fatal("something is being written")
	}
	return i.writer.lazy
}

// Query runs a query as a person could, and counts the rows.
func (i *Inbox) Query(t testing.TB, query string) (rows int) {
	t.Helper()
	i.reading.Lock()
	defer i.reading.Unlock()
	if err := i.reader.query(query, func([]driver.Value) error {
		rows++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}
