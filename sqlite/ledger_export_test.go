package sqlite

import (
	"context"
	"testing"
)

// Execute runs statements on the connection that the ledger writes with.
func (l *Ledger) Execute(t testing.TB, statements string) {
	t.Helper()
	err := l.file.committer.do(t.Context(), &operation{apply: func(w *writer) error { return w.script(statements) }})
	if err != nil {
		t.Fatal(err)
	}
}

// Lazy says whether the last commit was made without a flush.
func (l *Ledger) Lazy() bool { return l.file.writer.unflushed.Load() }

// Sweep is what is done each hour.
func (l *Ledger) Sweep(ctx context.Context) error { return l.sweep(ctx) }

// Rows counts the records, whether they are past their time or not.
func (l *Ledger) Rows(t testing.TB) int64 {
	t.Helper()
	n, err := l.reads.number(t.Context(), "SELECT count(*) FROM ledger_record")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Hold keeps everything from being written until release.
func (l *Ledger) Hold() (release func()) {
	held, released := make(chan struct{}), make(chan struct{})
	go func() {
		_ = l.file.committer.do(context.Background(), &operation{apply: func(*writer) error {
			close(held)
			<-released
			return nil
		}})
	}()
	<-held
	return func() { close(released) }
}

// EqualPlan tells how SQLite finds equal requests.
func (l *Ledger) EqualPlan(t testing.TB) (plan string) {
	t.Helper()
	plan, err := l.reads.connection.text("EXPLAIN QUERY PLAN "+selectEqualRecords, []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// Interval is how often the ledger looks for old records.
const Interval = janitorInterval
