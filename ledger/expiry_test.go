package ledger_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/ledger"
)

const retention = 10 * time.Second

// forgetful are the ledgers of this package with a short retention.
var forgetful = map[string]func(*testing.T) (ledger.Ledger, error){
	"memory": func(*testing.T) (ledger.Ledger, error) { return ledger.NewMemory(ledger.WithRetention(retention)) },
	"file": func(t *testing.T) (ledger.Ledger, error) {
		t.Helper()
		f, err := ledger.OpenFile(filepath.Join(t.TempDir(), "ledger"), ledger.WithRetention(retention))
		t.Cleanup(func() { require.NoError(t, f.Close()) })
		return f, err
	},
}

// A record is known up to its last moment, that one included, and new from the next on.
func TestBorderOfTheRetention(t *testing.T) {
	t.Parallel()
	for name, open := range forgetful {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				l, err := open(t)
				require.NoError(t, err)
				begun, err := l.Begin(t.Context(), record("call"))
				require.NoError(t, err)
				begun[0].State = ledger.Accepted
				ended, err := l.End(t.Context(), begun...)
				require.NoError(t, err)
				pass(t, retention)
				found, err := l.Find(t.Context(), ended[0].Key)
				require.NoError(t, err)
				require.Len(t, found, 1)
				equal, err := l.FindEqual(t.Context(), ended[0].Content)
				require.NoError(t, err)
				require.Len(t, equal, 1)
				_, err = l.Begin(t.Context(), record("call"))
				require.ErrorIs(t, err, ledger.ErrTaken)
				pass(t, 1)
				found, err = l.Find(t.Context(), ended[0].Key)
				require.NoError(t, err)
				require.Empty(t, found)
				_, err = l.Begin(t.Context(), ended...)
				require.ErrorIs(t, err, ledger.ErrTaken)
				_, err = l.Begin(t.Context(), record("call"))
				require.NoError(t, err)
			})
		})
	}
}

// What the first calls of a piece of work came to is kept as long as the work is tried,
// and goes with it.
func TestRecordsOfAKeyGoTogether(t *testing.T) {
	t.Parallel()
	for name, open := range forgetful {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				l, err := open(t)
				require.NoError(t, err)
				work, call := record("work"), record("work")
				work.Content, call.Number = ledger.Digest{}, 1
				begin := func(r ledger.Record) ledger.Record {
					begun, err := l.Begin(t.Context(), r)
					require.NoError(t, err)
					return begun[0]
				}
				end := func(r ledger.Record, state ledger.State) ledger.Record {
					r.State = state
					ended, err := l.End(t.Context(), r)
					require.NoError(t, err)
					return ended[0]
				}
				work = begin(work)
				call = end(begin(call), ledger.Accepted)
				for range 15 {
					pass(t, time.Second)
					work = begin(end(work, ledger.Refused))
				}
				work = end(work, ledger.Refused)
				found, err := l.Find(t.Context(), work.Key)
				require.NoError(t, err)
				require.Len(t, found, 2)
				equal, err := l.FindEqual(t.Context(), call.Content)
				require.NoError(t, err)
				require.Len(t, equal, 1)
				for range 11 {
					pass(t, time.Second)
				}
				fresh := record("work")
				fresh.Content = ledger.Digest{}
				begin(fresh)
				found, err = l.Find(t.Context(), work.Key)
				require.NoError(t, err)
				require.Len(t, found, 1, "the new piece of work has no calls")
			})
		})
	}
}

// A ledger behind a link is compacted where it is.
func TestFileBehindALink(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	target, link := filepath.Join(folder, "target"), filepath.Join(folder, "link")
	require.NoError(t, os.Symlink(target, link))
	f := openFile(t, link)
	for range 5100 {
		begun, err := f.Begin(t.Context(), ledger.Record{Key: digestOf("work")})
		require.NoError(t, err)
		require.NoError(t, f.Forget(t.Context(), begun[0].Key))
	}
	_, err := f.Begin(t.Context(), record("kept"))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, os.ModeSymlink, info.Mode().Type())
	text, err := os.ReadFile(target)
	require.NoError(t, err)
	require.Contains(t, string(text), digestOf("kept").String())
	require.Less(t, strings.Count(string(text), "\n"), 5000, "it was compacted")
}

// The last line break is a part of what was flushed.
func TestFileNoticesAChangedLastBreak(t *testing.T) {
	t.Parallel()
	path, text := filled(t)
	text[len(text)-1] = '\v'
	require.NoError(t, os.WriteFile(path, text, 0o600))
	_, err := ledger.OpenFile(path)
	require.ErrorIs(t, err, ledger.ErrDamaged)
}

// What could not be read again is not written.
func TestFileRefusesALineThatIsTooLong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	f := openFile(t, path)
	keys := make([]ledger.Digest, 2<<20)
	for i := range keys {
		keys[i] = ledger.Digest{1}
	}
	require.ErrorContains(t, f.Forget(t.Context(), keys...), "too many")
	require.NoError(t, f.Close())
	require.NoError(t, openFile(t, path).Close())
}

func TestFileClosedByMany(t *testing.T) {
	t.Parallel()
	f := openFile(t, filepath.Join(t.TempDir(), "ledger"))
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			r := record("r")
			r.Number = i
			_, _ = f.Begin(t.Context(), r)
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
