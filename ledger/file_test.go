package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/ledger"
)

func digestOf(word string) (d ledger.Digest) {
	copy(d[:], word)
	return d
}

func record(word string) ledger.Record {
	return ledger.Record{Key: digestOf(word), Content: digestOf("content")}
}

func openFile(t testing.TB, path string) *ledger.File {
	t.Helper()
	f, err := ledger.OpenFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	_, err = f.Bind(t.Context(), "project")
	require.NoError(t, err)
	return f
}

// filled writes a ledger with three calls: accepted, refused and begun.
func filled(t testing.TB) (path string, text []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "test.ledger")
	f := openFile(t, path)
	for word, state := range map[string]ledger.State{"accepted": ledger.Accepted, "refused": ledger.Refused} {
		begun, err := f.Begin(t.Context(), record(word))
		require.NoError(t, err)
		begun[0].State = state
		_, err = f.End(t.Context(), begun...)
		require.NoError(t, err)
	}
	_, err := f.Begin(t.Context(), record("begun"))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	text, err = os.ReadFile(path)
	require.NoError(t, err)
	return path, text
}

// stateOf is what a ledger says of a call; "" if it does not know it.
func stateOf(t testing.TB, f *ledger.File, word string) string {
	t.Helper()
	found, err := f.Find(t.Context(), digestOf(word))
	require.NoError(t, err)
	if len(found) == 0 {
		return ""
	}
	return found[0].State.String()
}

// Each byte that is changed is noticed, wherever it is.
func TestFileNoticesAChangedByte(t *testing.T) {
	t.Parallel()
	path, text := filled(t)
	for i := range text {
		for _, change := range []byte{0x01, 0x20, 0x80} {
			changed := bytes.Clone(text)
			changed[i] ^= change
			require.NoError(t, os.WriteFile(path, changed, 0o600))
			f, err := ledger.OpenFile(path)
			if err == nil {
				_ = f.Close()
				require.Equal(t, len(text)-1, i, "the byte %d of %q was changed to %q unnoticed", i, text, changed[i])
				continue
			}
			require.ErrorIs(t, err, ledger.ErrDamaged)
		}
	}
}

// A file that breaks off anywhere has lost the line that it breaks off in and no other.
func TestFileBreaksOff(t *testing.T) {
	t.Parallel()
	path, text := filled(t)
	for length := range text {
		require.NoError(t, os.WriteFile(path, text[:length], 0o600))
		f := openFile(t, path)
		begun := bytes.Count(text[:length], []byte("\n"))
		known := 0
		for _, word := range []string{"accepted", "refused", "begun"} {
			if stateOf(t, f, word) != "" {
				known++
			}
		}
		// The head and the project come first, then begin, end, begin, end and begin.
		require.Equal(t, []int{0, 0, 0, 1, 1, 2, 2, 3}[begun], known, "of %q", text[:length])
		_, err := f.Begin(t.Context(), record("another"))
		require.NoError(t, err)
		require.NoError(t, f.Close())
		again := openFile(t, path)
		require.Equal(t, "begun", stateOf(t, again, "another"))
		require.NoError(t, again.Close())
	}
}

// A run of zero bytes, a missing, doubled, exchanged or foreign line is damage, and
// the error names the line.
func TestFileIsDamaged(t *testing.T) {
	t.Parallel()
	path, text := filled(t)
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines = lines[:len(lines)-1]
	without := func(i int) []byte { return bytes.Join(append(append([][]byte{}, lines[:i]...), lines[i+1:]...), nil) }
	zeros := bytes.Clone(text)
	clear(zeros[len(zeros)-len(lines[len(lines)-1])-len(lines[len(lines)-2]):])
	for name, damaged := range map[string][]byte{
		"zeros at the end":      append(bytes.Clone(text), make([]byte, 4096)...),
		"zeros instead of two":  zeros,
		"zeros in the middle":   bytes.Replace(text, lines[3], make([]byte, len(lines[3])), 1),
		"a missing line":        without(3),
		"a missing head":        without(0),
		"a doubled line":        bytes.Join([][]byte{text, lines[len(lines)-1]}, nil),
		"two exchanged lines":   bytes.Join([][]byte{lines[0], lines[1], lines[3], lines[2], lines[4]}, nil),
		"a line of another one": append(bytes.Clone(text), "{\"begun\":[]}\t00000000\n"...),
		"a foreign file":        []byte("name,phone\nAnn,79000000000\n"),
		"a foreign short file":  []byte("name"),
	} {
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		_, err := ledger.OpenFile(path)
		require.ErrorIs(t, err, ledger.ErrDamaged, name)
		require.ErrorContains(t, err, "line ", name)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, damaged, after, "a damaged file is left alone: %s", name)
	}
}

// A person can read the file, and finds no text of a request in it.
func TestFileCanBeRead(t *testing.T) {
	t.Parallel()
	_, text := filled(t)
	for _, word := range []string{`"project":"project"`, `"state":"accepted"`, `"state":"refused"`, `"begun_at":"20`} {
		require.Contains(t, string(text), word)
	}
}

func TestFileThatIsNone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	link := filepath.Join(folder, "link")
	require.NoError(t, os.Symlink(os.DevNull, link))
	for name, path := range map[string]string{"a folder": folder, "a device": os.DevNull, "a link to a device": link} {
		_, err := ledger.OpenFile(path)
		require.ErrorContains(t, err, "not a regular file", name)
	}
	_, err := ledger.OpenFile(filepath.Join(folder, "missing", "file"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A file that was removed or replaced is noticed before the next request, since what
// is written to it would be gone.
func TestFileThatWasRemoved(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
	} {
		inBubble(t, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.ledger")
			f := openFile(t, path)
			require.NoError(t, remove(path), name)
			pass(t, time.Second)
			_, err := f.Begin(t.Context(), record("a"))
			require.ErrorIs(t, err, ledger.ErrBroken, name)
			_, err = f.Find(t.Context(), digestOf("a"))
			require.ErrorIs(t, err, ledger.ErrBroken, name)
		})
	}
}

// A file does not grow with what was done and is over.
// signed is a line with the checksum that it has after a file.
func signed(file []byte, body string) []byte {
	var before uint64
	if at := bytes.LastIndexByte(file, '\t'); at >= 0 {
		before, _ = strconv.ParseUint(string(bytes.TrimSpace(file[at:])), 16, 32)
	}
	sum := crc32.Update(uint32(before), crc32.MakeTable(crc32.Castagnoli), []byte(body))
	return fmt.Appendf(nil, "%s\t%08x\n", body, sum)
}

// A line that is whole but not of this version is not skipped.
func TestFileOfAnotherVersion(t *testing.T) {
	t.Parallel()
	path, text := filled(t)
	end := fmt.Sprintf(`{"ended":[{"key":%q,"version":1,"state":"accepted"}]}`, digestOf("never begun"))
	secret := strings.Repeat("ab", 32)
	for name, changed := range map[string][]byte{
		"another member":               append(bytes.Clone(text), signed(text, `{"future":1}`)...),
		"a second head":                append(bytes.Clone(text), signed(text, `{"ledger":{"format":1,"secret":"`+secret+`"}}`)...),
		"no JSON":                      append(bytes.Clone(text), signed(text, `{"begun":[}`)...),
		"an end of nothing":            append(bytes.Clone(text), signed(text, end)...),
		"a long checksum":              append(bytes.TrimSuffix(append(bytes.Clone(text), signed(text, `{"begun":[]}`)...), []byte("\n")), "0\n"...),
		"another format":               signed(nil, `{"ledger":{"format":2,"secret":"`+secret+`"}}`),
		"a short secret":               signed(nil, `{"ledger":{"format":1,"secret":"`+strings.Repeat("ab", 15)+`"}}`),
		"a secret that ends in no hex": signed(nil, `{"ledger":{"format":1,"secret":"`+secret+`xy"}}`),
		"a secret that is no hex":      signed(nil, `{"ledger":{"format":1,"secret":"`+strings.Repeat("xy", 32)+`"}}`),
	} {
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		_, err := ledger.OpenFile(path)
		require.ErrorIs(t, err, ledger.ErrDamaged, name)
	}
	// What the test signs is taken, if it is right.
	require.NoError(t, os.WriteFile(path, append(bytes.Clone(text), signed(text, `{"begun":[]}`)...), 0o600))
	require.NoError(t, openFile(t, path).Close())
	require.NoError(t, os.WriteFile(path, signed(nil, `{"ledger":{"format":1,"secret":"`+strings.Repeat("ab", 16)+`"}}`), 0o600))
	f := openFile(t, path)
	binding, err := f.Bind(t.Context(), "project")
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte{0xab}, 16), binding.Secret)
}

// The line that is damaged is named.
func TestDamageIsNamed(t *testing.T) {
	t.Parallel()
	path, text := filled(t)
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i := range lines[:len(lines)-1] {
		changed := bytes.Clone(text)
		changed[len(bytes.Join(lines[:i], nil))+3] ^= 1
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		_, err := ledger.OpenFile(path)
		require.ErrorContains(t, err, fmt.Sprintf("line %d", i+1))
	}
}

func TestFileCompactsItself(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.ledger")
	f := openFile(t, path)
	binding, err := f.Bind(t.Context(), "project")
	require.NoError(t, err)
	kept := []ledger.Record{record("kept")}
	for i := range 250 {
		kept = append(kept, record(fmt.Sprint("kept ", i)))
	}
	_, err = f.Begin(t.Context(), kept...)
	require.NoError(t, err)
	// Pieces of work need no flush.
	const rounds = 12_000
	longest := int64(0)
	for range rounds {
		begun, err := f.Begin(t.Context(), ledger.Record{Key: digestOf("work")})
		require.NoError(t, err)
		begun[0].State = ledger.Refused
		_, err = f.End(t.Context(), begun...)
		require.NoError(t, err)
		require.NoError(t, f.Forget(t.Context(), digestOf("work")))
		info, err := os.Stat(path)
		require.NoError(t, err)
		longest = max(longest, info.Size())
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), longest, "it has become shorter")
	require.Equal(t, "begun", stateOf(t, f, "kept"))
	_, err = ledger.OpenFile(path)
	require.ErrorIs(t, err, ledger.ErrInUse, "the new file is locked too")
	require.NoError(t, f.Close())
	unbound, err := ledger.OpenFile(path)
	require.NoError(t, err)
	_, err = unbound.Bind(t.Context(), "another")
	require.ErrorIs(t, err, ledger.ErrOtherProject)
	require.NoError(t, unbound.Close())
	again := openFile(t, path)
	for i := range kept {
		found, err := again.Find(t.Context(), kept[i].Key)
		require.NoError(t, err)
		require.Len(t, found, 1)
	}
	records, err := ledger.ReadFile(path)
	require.NoError(t, err)
	require.Len(t, records, len(kept))
	after, err := again.Bind(t.Context(), "project")
	require.NoError(t, err)
	require.Equal(t, binding, after)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	require.NoError(t, err)
	require.Equal(t, []string{path}, left)
}

// A database is not called damaged, which would make somebody delete it, and is left as
// it is.
func TestDatabaseIsNoLedgerFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	content := append([]byte("SQLite format 3\x00"), make([]byte, 4080)...)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	_, err := ledger.OpenFile(path)
	require.ErrorContains(t, err, "SQLite")
	require.NotErrorIs(t, err, ledger.ErrDamaged)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, content, after)
}
