package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/sqlite"
)

func openLedger(t testing.TB, path string, opts ...sqlite.LedgerOption) *sqlite.Ledger {
	t.Helper()
	l, err := sqlite.OpenLedger(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// request is the record of a call that is named by a word.
func request(word string) ledger.Record {
	var d ledger.Digest
	copy(d[:], word)
	return ledger.Record{Key: d, Content: d}
}

func begin(t *testing.T, l ledger.Ledger, record ledger.Record) ledger.Record {
	t.Helper()
	begun, err := l.Begin(t.Context(), record)
	if err != nil {
		t.Fatal(err)
	}
	return begun[0]
}

func end(t *testing.T, l ledger.Ledger, record ledger.Record, state ledger.State) ledger.Record {
	t.Helper()
	record.State = state
	ended, err := l.End(t.Context(), record)
	if err != nil {
		t.Fatal(err)
	}
	return ended[0]
}

func found(t *testing.T, l ledger.Ledger, word string) []ledger.Record {
	t.Helper()
	records, err := l.Find(t.Context(), request(word).Key)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// wantLedger asserts that opening a ledger fails, and that the file stays as it is.
func wantLedger(t *testing.T, path string, want error) {
	t.Helper()
	before, _ := os.ReadFile(path)
	l, err := sqlite.OpenLedger(path)
	if err == nil {
		_ = l.Close()
	}
	if !errors.Is(err, want) {
		t.Errorf("opening %s: %v, want %v", filepath.Base(path), err, want)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Errorf("%s was changed", filepath.Base(path))
	}
}

// TestLedgerOfAnotherKind checks that no other file is taken for a ledger, nor a ledger
// for an inbox.
func TestLedgerOfAnotherKind(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	wantLedger(t, text, sqlite.ErrForeignFile)
	inbox := filepath.Join(folder, "inbox.db")
	filled(t, inbox, 20)
	wantLedger(t, inbox, sqlite.ErrForeignFile)
	if _, err := sqlite.OpenLedger(folder); err == nil {
		t.Error("a folder was opened")
	}
	own := filepath.Join(folder, "ledger.db")
	if err := openLedger(t, own).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.OpenInbox(own); !errors.Is(err, sqlite.ErrForeignFile) {
		t.Errorf("a ledger as an inbox: %v", err)
	}
	if _, err := sqlite.OpenLedger(""); err == nil {
		t.Error("an empty path was opened")
	}
}

// TestLedgerBesideItself opens a ledger twice in one process. The second one must not
// end the locks of the first.
func TestLedgerBesideItself(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	one := openLedger(t, path)
	record := begin(t, one, request("a"))
	for range 3 {
		other := openLedger(t, path)
		if alive, err := other.Alive(t.Context(), record.Holder); err != nil || !alive {
			t.Fatalf("the first one is alive: %v, %v", alive, err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); err != nil {
			t.Fatal("the log was deleted under the first one")
		}
	}
	end(t, one, record, ledger.Accepted)
}

// TestDamagedLedger checks that nothing is begun with a ledger of which a part is not
// known.
func TestDamagedLedger(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, path string){
		"page": func(t *testing.T, path string) {
			change(t, path, func(content []byte) []byte {
				copy(content[len(content)-4096:], bytes.Repeat([]byte{0x55}, 4096))
				return content
			})
		},
		"head": func(t *testing.T, path string) {
			change(t, path, func(content []byte) []byte { return append(make([]byte, 200), content[200:]...) })
		},
		"empty":  func(t *testing.T, path string) { change(t, path, func([]byte) []byte { return nil }) },
		"gone":   func(_ *testing.T, path string) { _ = os.Remove(path) },
		"secret": func(t *testing.T, path string) { sqlite.OpenDatabase(t, path).Execute(t, "DELETE FROM ledger_setting") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ledger.db")
			l := openLedger(t, path)
			for i := range 200 {
				begin(t, l, request(strings.Repeat("x", i%16)+string(rune('a'+i%26))+string(rune('a'+i/26))))
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			spoil(t, path)
			_, err := sqlite.OpenLedger(path)
			if !errors.Is(err, sqlite.ErrDamaged) || !errors.Is(err, ledger.ErrDamaged) {
				t.Errorf("%v, want ErrDamaged", err)
			}
		})
	}
}

// TestDamagedRecord has a record that was changed by hand.
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openLedger(t, path)
	record := begin(t, l, request("a"))
	sqlite.OpenDatabase(t, path).Execute(t, "UPDATE ledger_record SET state = 2")
	ctx := t.Context()
	for name, use := range map[string]func() error{
		"Find":      func() error { _, err := l.Find(ctx, record.Key); return err },
		"FindEqual": func() error { _, err := l.FindEqual(ctx, record.Content); return err },
		"Begin":     func() error { _, err := l.Begin(ctx, record); return err },
		"End":       func() error { _, err := l.End(ctx, record); return err },
	} {
		if err := use(); !errors.Is(err, ledger.ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
	// It concerns nothing else.
	begin(t, l, request("b"))
}

// TestDamagedColumnStaysDamaged has a column that was changed by hand, and that an end does
// not write: the record must not look whole because of its new checksum.
func TestDamagedColumnStaysDamaged(t *testing.T) {
	t.Parallel()
	for _, column := range []string{"content = x'00'", "step = x'00'", "holder = 'me'", "write_by = 1", "scheduled = 1", "anchored = 1", "message = 1", "server = 1", "begun = 1"} {
		path := filepath.Join(t.TempDir(), "ledger.db")
		l := openLedger(t, path)
		record := begin(t, l, request("a"))
		sqlite.OpenDatabase(t, path).Execute(t, "UPDATE ledger_record SET "+column)
		record.State = ledger.Accepted
		_, endErr := l.End(t.Context(), record)
		if _, err := l.Find(t.Context(), record.Key); !errors.Is(err, ledger.ErrDamaged) {
			t.Errorf("%s: %v after an end (%v), want ErrDamaged", column, err, endErr)
		}
	}
}

// TestReadersShareATransaction has many who read at once. Each sees what was committed
// before it asked, and the failure of one is no one else's.
func TestReadersShareATransaction(t *testing.T) {
	t.Parallel()
	l := openLedger(t, filepath.Join(t.TempDir(), "ledger.db"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var group sync.WaitGroup
	for caller := range 32 {
		group.Go(func() {
			for round := range 20 {
				record := ledger.Record{Key: ledger.Digest{byte(caller), byte(round), 1}, Content: ledger.Digest{1}}
				if found, err := l.Find(t.Context(), record.Key); err != nil || len(found) != 0 {
					t.Errorf("%v, %v, want nothing", found, err)
				}
				if _, err := l.Begin(t.Context(), record); err != nil {
					t.Error(err)
				}
				if found, err := l.Find(t.Context(), record.Key); err != nil || len(found) != 1 || found[0].Key != record.Key {
					t.Errorf("%v, %v, want the record that was begun", found, err)
				}
				if _, err := l.Find(ended, record.Key); !errors.Is(err, context.Canceled) {
					t.Errorf("%v, want the error of the context", err)
				}
			}
		})
	}
	group.Wait()
}

// TestReadersWhileClosing has many who read while the ledger is closed: they get an error,
// and nothing that is closed is used.
func TestReadersWhileClosing(t *testing.T) {
	t.Parallel()
	for range 10 {
		l := openLedger(t, filepath.Join(t.TempDir(), "ledger.db"))
		record := begin(t, l, request("a"))
		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				for {
					if _, err := l.Find(t.Context(), record.Key); err != nil {
						if !errors.Is(err, ledger.ErrClosed) {
							t.Errorf("%v, want ErrClosed", err)
						}
						return
					}
				}
			})
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		group.Wait()
	}
}

// TestLedgerFileIsDeleted checks that nothing is begun in a file that nobody will find
// again, nor by a holder that others take for dead.
func TestLedgerFileIsDeleted(t *testing.T) {
	t.Parallel()
	for _, ending := range []string{"", "-wal", ".holder-*"} {
		path := filepath.Join(t.TempDir(), "ledger.db")
		l := openLedger(t, path)
		begin(t, l, request("a"))
		names, err := filepath.Glob(path + ending)
		if err != nil || len(names) != 1 {
			t.Fatalf("%s: %v, %v", ending, names, err)
		}
		if err := os.Remove(names[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Begin(t.Context(), request("b")); !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("%q is gone: %v, want ErrBroken", ending, err)
		}
		if _, err := l.Find(t.Context(), request("a").Key); !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("%q is gone: Find: %v, want ErrBroken", ending, err)
		}
	}
}

// TestLedgerIsFull checks that a request is not begun if there is no room for it, that
// what has begun can be ended, and that the inbox can be worked off.
func TestLedgerIsFull(t *testing.T) {
	t.Parallel()
	inbox, err := sqlite.OpenInbox(filepath.Join(t.TempDir(), "inbox.db"), sqlite.WithMaxFileSize(200_000))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	l, err := inbox.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	for m := range 10 {
		put(t, inbox, event(salebot.ClientID(m+1), salebot.MessageID(m+1)))
	}
	var begun [][]ledger.Record
	var full error
	for i := 0; full == nil; i++ {
		var records []ledger.Record
		if records, full = l.Begin(t.Context(), requests(i, 20)...); full == nil {
			begun = append(begun, records)
		}
	}
	if !strings.Contains(full.Error(), "no room") || errors.Is(full, ledger.ErrBroken) || len(begun) < 10 {
		t.Fatalf("after %d beginnings: %v", len(begun), full)
	}
	for _, delivery := range take(t, inbox, 10) {
		if err := inbox.Bury(t.Context(), delivery, strings.Repeat("reason ", 100)); err != nil {
			t.Fatal(err)
		}
	}
	for _, records := range begun {
		for i := range records {
			records[i].State, records[i].Answer = ledger.Accepted, ledger.Answer{Status: 200, IDs: []int64{1 << 60, 1 << 60}}
		}
		if _, err := l.End(t.Context(), records...); err != nil {
			t.Fatal(err)
		}
	}
	for _, records := range begun {
		if err := l.Forget(t.Context(), records[0].Key); err != nil {
			t.Fatal(err)
		}
	}
	begin(t, l, request("last"))
}

// requests are the records of as many calls in a piece of work.
func requests(work, calls int) []ledger.Record {
	records := make([]ledger.Record, calls)
	for i := range records {
		records[i] = ledger.Record{Key: ledger.Digest{byte(work), byte(work >> 8), 1}, Number: i + 1, Content: ledger.Digest{byte(i), byte(work), byte(work >> 8), 1}}
	}
	return records
}

// TestLedgerFlushes checks what is flushed: what is about to be sent, and nothing else.
func TestLedgerFlushes(t *testing.T) {
	t.Parallel()
	l := openLedger(t, filepath.Join(t.TempDir(), "ledger.db"))
	record := begin(t, l, request("a"))
	if l.Lazy() {
		t.Error("the beginning of a call was not flushed")
	}
	end(t, l, record, ledger.Accepted)
	if !l.Lazy() {
		t.Error("an end was flushed")
	}
	begin(t, l, ledger.Record{Key: request("work").Key})
	if !l.Lazy() {
		t.Error("the beginning of a piece of work was flushed")
	}
	if plan := l.EqualPlan(t); plan == "" {
		t.Error("there is no plan")
	}
}

// TestLedgerForgetsOldRecords checks that what is past its time is deleted, and nothing
// else.
func TestLedgerForgetsOldRecords(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := openLedger(t, filepath.Join(folder, "ledger.db"), sqlite.WithLedgerRetention(2*time.Hour))
		other := openLedger(t, filepath.Join(folder, "ledger.db"), sqlite.WithLedgerRetention(2*time.Hour))
		begun, err := l.Begin(t.Context(), requests(1, 2500)...)
		for i := range begun {
			begun[i].State = ledger.Accepted
		}
		if _, endErr := l.End(t.Context(), begun...); err != nil || endErr != nil {
			t.Fatal(err, endErr)
		}
		begin(t, l, request("under way"))
		begin(t, other, request("under way elsewhere"))
		time.Sleep(90 * time.Minute)
		end(t, l, begin(t, l, request("younger")), ledger.Accepted)
		if rows := l.Rows(t); rows != 2503 {
			t.Fatalf("%d records before the time is over", rows)
		}
		time.Sleep(sqlite.Interval + 35*time.Minute)
		if rows := l.Rows(t); rows != 3 {
			t.Fatalf("%d records are left, want 3", rows)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		if records := found(t, l, "under way elsewhere"); len(records) != 0 {
			t.Error("the record of a holder that is dead is not past its time")
		}
		if records := found(t, l, "under way"); len(records) != 1 {
			t.Error("the record that is under way is gone")
		}
	})
}

// TestBorderOfTheLedgersRetention checks the last moment at which a record is known, and
// the first at which it is new.
func TestBorderOfTheLedgersRetention(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const retention = time.Minute
		l := openLedger(t, filepath.Join(folder, "ledger.db"), sqlite.WithLedgerRetention(retention))
		end(t, l, begin(t, l, request("a")), ledger.Accepted)
		time.Sleep(retention)
		if records := found(t, l, "a"); len(records) != 1 {
			t.Errorf("at its last moment it is %+v", records)
		}
		if _, err := l.Begin(t.Context(), request("a")); !errors.Is(err, ledger.ErrTaken) {
			t.Errorf("at its last moment: %v, want ErrTaken", err)
		}
		time.Sleep(time.Microsecond)
		if records := found(t, l, "a"); len(records) != 0 {
			t.Errorf("after its last moment it is %+v", records)
		}
		begin(t, l, request("a"))
	})
}

// TestLedgerKeepsAKeyAsAWhole checks that a young record keeps all others of its key,
// although they are read in several steps, and that the keys beside it go.
func TestLedgerKeepsAKeyAsAWhole(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const retention, calls = 2 * time.Hour, 2500
		l := openLedger(t, filepath.Join(folder, "ledger.db"), sqlite.WithLedgerRetention(retention))
		var last ledger.Record
		for work := 1; work <= 3; work++ {
			begun, err := l.Begin(t.Context(), requests(work, calls)...)
			for i := range begun {
				begun[i].State = ledger.Accepted
			}
			ended, endErr := l.End(t.Context(), begun...)
			if err != nil || endErr != nil {
				t.Fatal(err, endErr)
			}
			if work == 2 {
				last = ended[calls-1]
			}
		}
		time.Sleep(90 * time.Minute)
		end(t, l, begin(t, l, last), ledger.Accepted)
		time.Sleep(sqlite.Interval + 35*time.Minute)
		if rows := l.Rows(t); rows != calls {
			t.Fatalf("%d records are left, want those of one key: %d", rows, calls)
		}
		first := requests(2, 1)[0]
		if records, err := l.FindEqual(t.Context(), first.Content); err != nil || len(records) == 0 {
			t.Fatalf("the first call of a piece of work that is still tried is not found: %v", err)
		}
		time.Sleep(sqlite.Interval + retention)
		if rows := l.Rows(t); rows != 0 {
			t.Fatalf("%d records are left", rows)
		}
	})
}

// TestLedgerTakesBackWhatNobodyWaitedFor ends the contexts of those who wait. Their
// records become what they were.
func TestLedgerTakesBackWhatNobodyWaitedFor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openLedger(t, path)
	unknown := end(t, l, begin(t, l, request("unknown")), ledger.Unknown)
	refused := end(t, l, begin(t, l, request("refused")), ledger.Refused)
	for _, record := range []ledger.Record{unknown, refused, request("fresh")} {
		ctx, cancel := context.WithCancel(t.Context())
		release := l.Hold()
		failed := make(chan error)
		go func() {
			_, err := l.Begin(ctx, record)
			failed <- err
		}()
		cancel()
		err := <-failed
		release()
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLedger(t, path)
	for word, want := range map[string]ledger.State{"unknown": ledger.Unknown, "refused": ledger.Refused} {
		if records := found(t, l, word); len(records) != 1 || records[0].State != want {
			t.Errorf("%s is %+v, want %v", word, records, want)
		}
	}
	for _, record := range found(t, l, "fresh") {
		if record.State != ledger.Refused {
			t.Errorf("what was not there is %v", record.State)
		}
	}
}

// TestLedgerTakesBackWhatIsWrittenLater does the same where the records are written after
// the context has ended, since another program had the file locked.
func TestLedgerTakesBackWhatIsWrittenLater(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openLedger(t, path)
	unknown := end(t, l, begin(t, l, request("unknown")), ledger.Unknown)
	refused := end(t, l, begin(t, l, request("refused")), ledger.Refused)
	other := sqlite.OpenDatabase(t, path)
	other.Execute(t, "BEGIN IMMEDIATE")
	var group sync.WaitGroup
	for _, records := range [][]ledger.Record{{unknown}, {refused}, {request("fresh")}, {{Key: request("work").Key}}} {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if _, err := l.Begin(ctx, records...); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want the end of the context", err)
			}
		})
	}
	group.Wait()
	other.Execute(t, "ROLLBACK")
	begin(t, l, request("next")) // comes after them
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLedger(t, path)
	written := 0
	for word, want := range map[string]ledger.State{"unknown": ledger.Unknown, "refused": ledger.Refused, "fresh": ledger.Refused, "work": ledger.Refused} {
		for _, record := range found(t, l, word) {
			if record.State != want {
				t.Errorf("%s is %+v, want %v", word, record, want)
			}
			if record.Version != unknown.Version && record.Version != refused.Version {
				written++
			}
		}
	}
	if written == 0 {
		t.Error("none was written")
	}
}

// TestLedgerChecksumCoversEveryColumn checks that a record of which any column was changed is
// an error, and not believed.
func TestLedgerChecksumCoversEveryColumn(t *testing.T) {
	t.Parallel()
	l := openLedger(t, filepath.Join(quickFolder(t), "ledger.db"))
	for column, value := range map[string]string{
		"number": "7", "content": "x'01'", "step": "x'01'", "holder": "holder || 'x'", "ids": "ids || ' 1'",
		"state": "", "version": "", "write_by": "", "scheduled": "", "anchored": "", "message": "", "server": "", "status": "", "begun": "", "ended": "", "checksum": "",
	} {
		record := request(column)
		begin(t, l, record)
		if value == "" {
			value = column + " + 1"
		}
		l.Execute(t, fmt.Sprintf("UPDATE ledger_record SET %s = %s WHERE key = x'%x'", column, value, record.Key[:]))
		if found, err := l.Find(t.Context(), record.Key); !errors.Is(err, ledger.ErrDamaged) {
			t.Errorf("with another %s: %+v, %v; want ErrDamaged", column, found, err)
		}
	}
}

// TestLedgerOptions checks the options.
func TestLedgerOptions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	for name, opt := range map[string]sqlite.LedgerOption{
		"WithLedgerRetention": sqlite.WithLedgerRetention(0), "WithLedgerLogger": sqlite.WithLedgerLogger(nil),
	} {
		if _, err := sqlite.OpenLedger(path, nil, opt); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was made")
	}
}
