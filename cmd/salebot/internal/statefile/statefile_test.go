package statefile

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func write(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	_, err := Load(path)
	require.ErrorIs(t, err, fs.ErrNotExist)

	require.NoError(t, Save(path, write(`{"a":1}`)))
	require.NoError(t, Save(path, write(`{"a":2}`)))
	state, err := Load(path)
	require.NoError(t, err)
	require.JSONEq(t, `{"a":2}`, string(state))

	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, json.Valid(whole), "other programs can read the file")
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary file stays behind")
}

func TestAFailureKeepsTheFormerState(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	require.NoError(t, Save(path, write(`{"a":1}`)))
	broken := errors.New("no more room")
	require.ErrorIs(t, Save(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, `{"a":`)
		return broken
	}), broken)
	state, err := Load(path)
	require.NoError(t, err)
	require.JSONEq(t, `{"a":1}`, string(state))
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)
}

// Whatever part of the file is lost or changed, it is noticed.
func TestEveryCutIsNoticed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	require.NoError(t, Save(path, write(`{"clients":[{"id":1},{"id":2}]}`)))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for n := range whole {
		require.NoError(t, os.WriteFile(path, whole[:n], 0o600))
		_, err := Load(path)
		if n == 0 {
			require.ErrorIs(t, err, fs.ErrNotExist, "an empty file is a new one")
		} else {
			require.ErrorIs(t, err, ErrDamaged, "cut after %d bytes", n)
		}

		changed := []byte(strings.Clone(string(whole)))
		changed[n] ^= 1
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		_, err = Load(path)
		if n < len(head) {
			require.ErrorIs(t, err, ErrForeign, "byte %d changed", n)
		} else {
			require.ErrorIs(t, err, ErrDamaged, "byte %d changed", n)
		}
	}
}

// A file that is something else is told from a damaged one.
func TestForeignFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	for text, hint := range map[string]string{
		"clients: [{id: 25554}]\n":     "use --seed",
		`{"clients":[{"id":25554}]}`:   "use --seed",
		"{}":                           "use --seed",
		"\x00\x01\xff":                 "not a state file",
		marker + `2","state":{"a":1}}`: "another version",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := Load(path)
		require.ErrorIs(t, err, ErrForeign, text)
		require.ErrorContains(t, err, hint)
		require.ErrorContains(t, err, path)
	}
	for _, text := range []string{"", "\n"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := Load(path)
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
	require.NoError(t, Save(file, write(`{"a":1}`)))
	require.NoError(t, os.Symlink(file, link))
	require.NoError(t, Save(link, write(`{"a":2}`)))
	state, err := Load(file)
	require.NoError(t, err)
	require.JSONEq(t, `{"a":2}`, string(state))
}

// A disk without room is an error before anything is reported as saved.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"a little": `{"a":1}`, "much": `"` + strings.Repeat("x", 1<<20) + `"`} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip("there is no /dev/full here")
		}
		require.ErrorIs(t, fill(full, write(text)), syscall.ENOSPC, name)
		require.NoError(t, full.Close())
	}
}
