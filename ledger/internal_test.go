package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
)

// These tests put another file behind a ledger, whose writes or flushes fail, or
// pretend that it has grown long.

func opened(t *testing.T, path string) *File {
	t.Helper()
	f, err := OpenFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func newFile(t *testing.T) *File {
	t.Helper()
	return opened(t, filepath.Join(t.TempDir(), "test.ledger"))
}

func call(i int) Record { return Record{Key: Digest{1, byte(i), byte(i >> 8)}, Content: Digest{2}} }

func work(i int) Record { return Record{Key: Digest{3, byte(i)}} }

// replace puts another file behind the ledger.
func replace(f *File, by *os.File) (old *os.File) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	old, f.file = f.file, by
	return old
}

// unflushable puts a pipe behind the ledger: it takes what is written and cannot be
// flushed.
func unflushable(t *testing.T, f *File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	old := replace(f, writer)
	t.Cleanup(func() { _ = errors.Join(reader.Close(), writer.Close(), old.Close()) })
}

// unwritable puts a file behind the ledger that can neither be written nor cut.
func unwritable(t *testing.T, f *File) {
	t.Helper()
	only, err := os.Open(f.path)
	require.NoError(t, err)
	old := replace(f, only)
	t.Cleanup(func() { _ = errors.Join(only.Close(), old.Close()) })
}

// Records of calls are flushed before Begin returns, wherever they are among others,
// and those of work are not. A flush that fails breaks the ledger.
func TestFlushThatFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		records []Record
		flushed bool
	}{
		"work":             {[]Record{work(1), work(2)}, false},
		"a call":           {[]Record{call(1)}, true},
		"a call after":     {[]Record{work(1), call(1)}, true},
		"a call before":    {[]Record{call(1), work(1)}, true},
		"nothing, so none": {nil, false},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			f := newFile(t)
			_, err := f.Bind(t.Context(), "project")
			require.NoError(t, err)
			unflushable(t, f)
			begun, err := f.Begin(t.Context(), test.records...)
			if !test.flushed {
				require.NoError(t, err, name)
				require.Len(t, begun, len(test.records), name)
				return
			}
			require.ErrorIs(t, err, ErrBroken, name)
			require.Nil(t, begun, name)
			requireBroken(t, f, name)
		})
	}
}

// requireBroken checks that nothing is done with a ledger any more.
func requireBroken(t *testing.T, f *File, name string) {
	t.Helper()
	ctx := t.Context()
	for method, use := range map[string]func() error{
		"Bind":      func() error { _, err := f.Bind(ctx, "project"); return err },
		"Find":      func() error { _, err := f.Find(ctx, Digest{1}); return err },
		"FindEqual": func() error { _, err := f.FindEqual(ctx, Digest{2}); return err },
		"Begin":     func() error { _, err := f.Begin(ctx, work(9)); return err },
		"End":       func() error { _, err := f.End(ctx); return err },
		"Forget":    func() error { return f.Forget(ctx, Digest{1}) },
		"Alive":     func() error { _, err := f.Alive(ctx, "holder"); return err },
	} {
		require.ErrorIs(t, use(), ErrBroken, "%s: %s", name, method)
	}
}

// A failed write that cannot be taken back breaks the ledger, whichever method wrote.
func TestWriteThatCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*File, []Record) error{
		"Bind":   func(f *File, _ []Record) error { _, err := f.Bind(t.Context(), "project"); return err },
		"Begin":  func(f *File, _ []Record) error { _, err := f.Begin(t.Context(), work(2)); return err },
		"End":    func(f *File, begun []Record) error { _, err := f.End(t.Context(), begun...); return err },
		"Forget": func(f *File, _ []Record) error { return f.Forget(t.Context(), Digest{1}) },
	} {
		testkit.Bubble(t, func(t *testing.T) {
			f := newFile(t)
			begun, err := f.Begin(t.Context(), call(1))
			require.NoError(t, err)
			unwritable(t, f)
			begun[0].State = Accepted
			require.ErrorIs(t, use(f, begun), ErrBroken, name)
			requireBroken(t, f, name)
		})
	}
}

// A project whose line is not flushed is not the ledger's.
func TestBindThatIsNotFlushed(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		f := newFile(t)
		unflushable(t, f)
		_, err := f.Bind(t.Context(), "project")
		require.ErrorIs(t, err, ErrBroken)
		requireBroken(t, f, "Bind")
	})
}

// Close tells what could not be flushed.
func TestCloseThatFails(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	unflushable(t, f)
	require.Error(t, f.Close())
	require.NoError(t, f.Close(), "it is closed")
}

// What a full disk kept from being written is written once, by the next change or by
// Close.
func TestOwedLinesAreWrittenOnce(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(*File) error{
		"changes": func(f *File) error {
			for i := range 3 {
				if _, err := f.Begin(t.Context(), work(i)); err != nil {
					return err
				}
			}
			return nil
		},
		"Close": func(*File) error { return nil },
	} {
		testkit.Bubble(t, func(t *testing.T) {
			f := newFile(t)
			begun, err := f.Begin(t.Context(), call(1), call(2))
			require.NoError(t, err)
			for i := range begun {
				begun[i].State = Accepted
				f.owed = append(f.owed, line{Ended: []wireRecord{endOf(&begun[i])}})
			}
			require.NoError(t, then(f), name)
			require.NoError(t, f.Close(), name)
			text, err := os.ReadFile(f.path)
			require.NoError(t, err)
			require.Equal(t, 2, bytes.Count(text, []byte(`"ended"`)), name)
			records, err := ReadFile(f.path)
			require.NoError(t, err)
			for _, r := range records {
				if !r.IsWork() {
					require.Equal(t, Accepted, r.State, name)
				}
			}
		})
	}
}

// A clock that was put back does not hide that the file was removed.
func TestRemovedFileAfterTheClockWasPutBack(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		f := newFile(t)
		f.seen = time.Now().Add(time.Hour)
		require.NoError(t, os.Remove(f.path))
		_, err := f.Begin(t.Context(), work(1))
		require.ErrorIs(t, err, ErrBroken)
	})
}

// forgetful makes a ledger long by forgetting so many keys that it does not know.
func forgetful(t *testing.T, f *File, keys int) {
	t.Helper()
	require.NoError(t, f.Forget(t.Context(), make([]Digest, keys)...))
}

// compacted reports whether the next change replaces the file.
func compacted(t *testing.T, f *File) bool {
	t.Helper()
	before, err := os.Stat(f.path)
	require.NoError(t, err)
	_, err = f.Begin(t.Context(), work(int(f.table.version)))
	require.NoError(t, err)
	after, err := os.Stat(f.path)
	require.NoError(t, err)
	return !os.SameFile(before, after)
}

// A file is compacted when it is much longer than what it tells.
func TestWhenAFileIsCompacted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		records, forgotten int
		want               bool
	}{
		{0, 10_000, false},
		{0, 10_001, true},
		{1, 10_000, true},
		{3000, 9000, false},
		{3000, 9001, true},
	} {
		f := newFile(t)
		records := make([]Record, test.records)
		for i := range records {
			records[i] = call(i)
		}
		_, err := f.Begin(t.Context(), records...)
		require.NoError(t, err)
		forgetful(t, f, test.forgotten)
		require.Equal(t, test.want, compacted(t, f), "%+v", test)
		require.NoError(t, f.Close())
	}
}

// A compacted file has each record once, a hundred to a line, is locked, and is bound if
// the ledger was. A long file is compacted when it is opened, too.
func TestCompactedFile(t *testing.T) {
	t.Parallel()
	const count = 250
	for _, bound := range []bool{false, true} {
		for _, reopened := range []bool{false, true} {
			name := fmt.Sprintf("bound: %v, opened again: %v", bound, reopened)
			f := newFile(t)
			lines := 1 + 3 // the head and the records
			if bound {
				lines++
				_, err := f.Bind(t.Context(), "project")
				require.NoError(t, err)
			}
			records := make([]Record, count)
			for i := range records {
				records[i] = call(i)
			}
			begun, err := f.Begin(t.Context(), records...)
			require.NoError(t, err)
			forgetful(t, f, 10_001)
			if reopened {
				require.NoError(t, f.Close())
				f = opened(t, f.path)
			} else {
				require.True(t, compacted(t, f), name)
				require.NoError(t, f.Forget(t.Context(), work(count).Key))
				lines += 2
			}
			text, err := os.ReadFile(f.path)
			require.NoError(t, err)
			require.Equal(t, lines, bytes.Count(text, []byte("\n")), name)
			require.Equal(t, count, bytes.Count(text, []byte(`"content"`)), name)
			_, err = OpenFile(f.path)
			require.ErrorIs(t, err, ErrInUse, name)
			require.NoError(t, f.Close())

			f = opened(t, f.path)
			_, err = f.Bind(t.Context(), "another")
			if bound {
				require.ErrorIs(t, err, ErrOtherProject, name)
			} else {
				require.NoError(t, err, name)
			}
			found, err := f.FindEqual(t.Context(), Digest{2})
			require.NoError(t, err)
			require.Len(t, found, count, name)
			fresh, err := f.Begin(t.Context(), work(1))
			require.NoError(t, err)
			require.Greater(t, fresh[0].Version, begun[count-1].Version, name)
			require.NoError(t, f.Close())
		}
	}
}

// A file that cannot be compacted goes on as it is, and is tried again when it has
// grown by as much.
func TestCompactionThatFails(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	inTheWay := f.path + ".new"
	require.NoError(t, os.MkdirAll(filepath.Join(inTheWay, "full"), 0o700))
	forgetful(t, f, 10_001)
	require.False(t, compacted(t, f))
	require.NoError(t, os.RemoveAll(inTheWay))
	require.False(t, compacted(t, f), "not at once")
	forgetful(t, f, 10_001)
	require.True(t, compacted(t, f))
}

// A compaction waits for the flush that is under way, and a ledger that it broke is not
// written.
func TestCompactionWaitsForAFlush(t *testing.T) {
	t.Parallel()
	for name, failed := range map[string]error{"flushed": nil, "broken": ErrBroken} {
		testkit.Bubble(t, func(t *testing.T) {
			f := newFile(t)
			forgetful(t, f, 10_001)
			f.mutex.Lock()
			f.flushing = true
			f.mutex.Unlock()
			done := make(chan error, 1)
			go func() {
				_, err := f.Begin(t.Context(), work(1))
				done <- err
			}()
			synctest.Wait()
			require.Empty(t, done, name)
			f.mutex.Lock()
			f.flushing, f.failed = false, failed
			f.flushed.Broadcast()
			f.mutex.Unlock()
			require.ErrorIs(t, <-done, failed, name)
		})
	}
}

// The end of a file that is no whole line is taken off if it can be the beginning of
// one, and is damage otherwise.
func TestEndsOfFiles(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	path := f.path
	require.NoError(t, f.Close())
	head, err := os.ReadFile(path)
	require.NoError(t, err)
	for text, damaged := range map[string]bool{
		``:                            false,
		`{`:                           false,
		`{"led`:                       false,
		`{"ledger":{"for`:             false,
		`{"name":`:                    true,
		`name`:                        true,
		string(head) + `{"proj`:       false,
		string(head) + `x`:            true,
		string(head) + "{\x00":        true,
		string(head) + "\x00":         true,
		string(head) + "{}\t0123456":  false,
		string(head) + "{}\t01234567": false,
		// The break of a whole line was changed.
		string(head) + "{}\t01234567x": true,
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		f, err := OpenFile(path)
		if damaged {
			require.ErrorIs(t, err, ErrDamaged, "%q", text)
			continue
		}
		require.NoError(t, err, "%q", text)
		require.NoError(t, f.Close())
	}
}

// A failure of reading is no damage.
func TestReadingThatFails(t *testing.T) {
	t.Parallel()
	folder, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer func() { require.NoError(t, folder.Close()) }()
	_, err = new(fileLog).read(folder, func(*line) error { return nil })
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrDamaged)
}

// Only what changes is written: nothing is forgotten that is not there.
func TestLinesOfAFile(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	for i := range 3 {
		_, err := f.Begin(t.Context(), call(i))
		require.NoError(t, err)
	}
	text, err := os.ReadFile(f.path)
	require.NoError(t, err)
	require.Equal(t, 4, bytes.Count(text, []byte("\n")), "%s", text)
}

// Records past their time are swept away each hour, or as often as the retention says,
// and when the clock was put back.
func TestSweep(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		retention, passed time.Duration
		swept             bool
	}{
		{time.Minute, time.Minute - 1, false},
		{time.Minute, time.Minute, true},
		{24 * time.Hour, time.Hour - 1, false},
		{24 * time.Hour, time.Hour, true},
		{time.Minute, 0, false},
		{time.Minute, -1, true},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			table, now := newTable(test.retention, "holder"), time.Now()
			old, young := call(1), call(2)
			old.BegunAt, young.BegunAt = now.Add(-test.retention-1), now
			table.store(old, young)
			table.swept = now.Add(-test.passed)
			table.sweep()
			left := map[bool]int{false: 2, true: 1}[test.swept]
			require.Equal(t, left, table.count, "%+v", test)
			require.Len(t, table.byKey, left, "%+v", test)
			require.Len(t, table.byContent[Digest{2}], left, "%+v", test)
			require.NotNil(t, table.lookup(young.Key, 0))
			require.Equal(t, test.swept || test.passed == 0, table.swept.Equal(now), "%+v", test)
		})
	}
}

// The calls of a piece of work that begins again are forgotten also between two sweeps.
func TestWorkThatBeginsAgainBetweenSweeps(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) Ledger{
		"memory": func(t *testing.T) Ledger {
			t.Helper()
			m, err := NewMemory(WithRetention(10 * time.Second))
			require.NoError(t, err)
			return m
		},
		"file": func(t *testing.T) Ledger {
			t.Helper()
			f, err := OpenFile(filepath.Join(t.TempDir(), "ledger"), WithRetention(10*time.Second))
			require.NoError(t, err)
			t.Cleanup(func() { _ = f.Close() })
			return f
		},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			l := open(t)
			time.Sleep(time.Second)
			inside := work(1)
			inside.Number, inside.Content = 1, Digest{2}
			begun, err := l.Begin(t.Context(), work(1), inside)
			require.NoError(t, err)
			for i := range begun {
				begun[i].State = Refused
			}
			_, err = l.End(t.Context(), begun...)
			require.NoError(t, err)
			time.Sleep(9500 * time.Millisecond)
			_, err = l.Begin(t.Context(), work(2)) // which sweeps
			require.NoError(t, err)
			time.Sleep(1500 * time.Millisecond)
			_, err = l.Begin(t.Context(), work(1))
			require.NoError(t, err)
			found, err := l.Find(t.Context(), work(1).Key)
			require.NoError(t, err)
			require.Len(t, found, 1, name)
		})
	}
}

// What a process that is dead left under way is past its time like anything else.
func TestRecordsOfADeadHolderExpire(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger")
		f, err := OpenFile(path, WithRetention(time.Minute))
		require.NoError(t, err)
		_, err = f.Begin(t.Context(), work(1))
		require.NoError(t, err)
		time.Sleep(time.Minute + 1)
		found, err := f.Find(t.Context(), work(1).Key)
		require.NoError(t, err)
		require.Len(t, found, 1, "its own is under way")
		require.NoError(t, f.Close())
		f, err = OpenFile(path, WithRetention(time.Minute))
		require.NoError(t, err)
		found, err = f.Find(t.Context(), work(1).Key)
		require.NoError(t, err)
		require.Empty(t, found)
		require.NoError(t, f.Close())
	})
}

func TestSmallAnswers(t *testing.T) {
	t.Parallel()
	require.Equal(t, "01000000000000000000000000000000", Digest{1}.String())
	w, c := work(1), call(1)
	require.True(t, w.IsWork())
	require.False(t, c.IsWork())
	require.True(t, Anchor{}.IsZero())
	require.False(t, Anchor{Known: true}.IsZero())
	require.False(t, Anchor{Server: time.Unix(1, 0)}.IsZero())
}

// All methods may be called at once; the race detector tells.
func TestMethodsAtOnce(t *testing.T) {
	t.Parallel()
	memory, err := NewMemory()
	require.NoError(t, err)
	for _, l := range []Ledger{memory, newFile(t)} {
		ctx := t.Context()
		var group sync.WaitGroup
		for worker := range 4 {
			group.Go(func() {
				for range 50 {
					begun, err := l.Begin(ctx, work(worker))
					if err != nil {
						t.Error(err)
						return
					}
					begun[0].State = Refused
					_, ended := l.End(ctx, begun...)
					_, found := l.Find(ctx, begun[0].Key)
					_, equal := l.FindEqual(ctx, Digest{2})
					_, alive := l.Alive(ctx, begun[0].Holder)
					if err := errors.Join(ended, found, equal, alive, l.Forget(ctx, begun[0].Key)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		group.Go(func() { _, _ = l.Alive(ctx, "holder") })
		group.Go(func() { _, _ = l.FindEqual(ctx, Digest{2}) })
		if err := l.(interface{ Close() error }).Close(); err != nil {
			t.Error(err)
		}
		group.Wait()
	}
}
