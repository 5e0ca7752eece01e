package statefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSaveAddAndLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	_, err := load(path)
	require.ErrorIs(t, err, fs.ErrNotExist)

	mustSave(t, path, `["a",1]`)
	f, err := save(path, []string{`["a",2]`, `["b"]`}, []string{`["c"]`})
	require.NoError(t, err)
	require.True(t, f.InPlace())
	require.NoError(t, f.Add([]byte(`["d"]`)))
	// There is no need to close it, or to bring it to the disk: so it is after a kill.
	records, err := load(path)
	require.NoError(t, err)
	require.Equal(t, []string{`["a",2]`, `["b"]`, `["c"]`, `["d"]`}, records)
	require.NoError(t, f.Sync())
	require.NoError(t, f.Close())

	f, err = Load(path, func([]byte) error { return nil })
	require.NoError(t, err)
	state, changes := f.Sizes()
	require.NoError(t, f.Add([]byte(`["e"]`)))
	stillState, more := f.Sizes()
	require.Equal(t, state, stillState)
	require.Greater(t, more, changes)
	require.NoError(t, os.Remove(path))
	require.False(t, f.InPlace(), "whoever adds to a file that was deleted is told")
	require.NoError(t, f.Close())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Empty(t, left, "no temporary file stays behind")
}

func TestAFailureKeepsTheFormerState(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	mustSave(t, path, `["a",1]`)
	draft, err := NewDraft(path)
	require.NoError(t, err)
	require.NoError(t, draft.Add([]byte(`["a",2]`)))
	draft.Abandon()
	records, err := load(path)
	require.NoError(t, err)
	require.Equal(t, []string{`["a",1]`}, records)
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)
}

// A change that a kill cut short is left out, and all before it are there. A state
// that is not whole is noticed.
func TestEveryCut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	all := []string{`["state",1]`, `["change",1]`, `["change",2]`}
	f, err := save(path, all[:1], all[1:])
	require.NoError(t, err)
	state, _ := f.Sizes()
	require.NoError(t, f.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for n := range text {
		require.NoError(t, os.WriteFile(path, text[:n], 0o600))
		records, err := load(path)
		switch {
		case n == 0:
			require.ErrorIs(t, err, fs.ErrNotExist, "an empty file is a new one")
		case n < int(state):
			require.ErrorIs(t, err, ErrDamaged, "cut after %d bytes", n)
		default:
			require.NoError(t, err)
			require.Equal(t, all[:1+strings.Count(string(text[state:n]), "\n")], records)
			// What is added then begins on a line of its own.
			f, err := Load(path, func([]byte) error { return nil })
			require.NoError(t, err)
			require.NoError(t, f.Add([]byte(`["more"]`)))
			require.NoError(t, f.Close())
			again, err := load(path)
			require.NoError(t, err)
			require.Equal(t, append(records, `["more"]`), again)
		}
	}
}

// Whatever is changed in a line is noticed.
func TestEveryChangedByteIsNoticed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f, err := save(path, []string{`["state",1]`}, []string{`["change",1]`})
	require.NoError(t, err)
	require.NoError(t, f.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for n := range len(text) - 1 { // without the last end of a line there is no line
		changed := []byte(strings.Clone(string(text)))
		changed[n] ^= 1
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		_, err = load(path)
		if n < len(head) {
			require.ErrorIs(t, err, ErrForeign, "byte %d changed", n)
		} else {
			require.ErrorIs(t, err, ErrDamaged, "byte %d changed", n)
		}
	}
}

func TestARecordThatIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	mustSave(t, path, `["a"]`, `["b"]`)
	broken := errors.New("not understood")
	_, err := Load(path, func(record []byte) error {
		if string(record) == `["b"]` {
			return broken
		}
		return nil
	})
	require.ErrorIs(t, err, ErrDamaged)
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "line 3")
}

// A file that is something else is told from a damaged one.
func TestForeignFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	for text, hint := range map[string]string{
		"clients: [{id: 25554}]\n":   "use --seed",
		`{"clients":[{"id":25554}]}`: "use --seed",
		"{}":                         "use --seed",
		"# Клиенты, с которых всё начинается: их сначала двое.": "use --seed",
		"\x00\x01\xff":                 "not a state file",
		marker + `1","state":{"a":1}}`: "another version",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := load(path)
		require.ErrorIs(t, err, ErrForeign, text)
		require.ErrorContains(t, err, hint)
		require.ErrorContains(t, err, path)
	}
	for _, text := range []string{"", "\n"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := load(path)
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

func TestSetAside(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	aside, err := SetAside(path, time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC))
	require.NoError(t, err)
	require.Equal(t, path+".damaged-20260506T070809.000", aside)
	require.NoFileExists(t, path)
	require.FileExists(t, aside)
}

func TestALinkStaysALink(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, link := filepath.Join(folder, "file"), filepath.Join(folder, "link")
	mustSave(t, file, `["a",1]`)
	require.NoError(t, os.Symlink(file, link))
	mustSave(t, link, `["a",2]`)
	records, err := load(file)
	require.NoError(t, err)
	require.Equal(t, []string{`["a",2]`}, records)
}

// A disk without room is an error before anything is reported as saved.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here")
	}
	f := &File{path: "/dev/full", file: full}
	require.ErrorIs(t, f.Add([]byte(`["a"]`)), syscall.ENOSPC)
	_, changes := f.Sizes()
	require.Zero(t, changes)
	require.NoError(t, f.Close())
}
