package statefile

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A process that is killed in the middle of a save leaves its unfinished file; the
// next one clears it away, and nothing else.
func TestLeftOversAreRemoved(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "state.json")
	for _, name := range []string{".state.json.new-12", ".state.json.new-", "state.json.new-1", ".other.json.new-1", "state.json"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("x"), 0o600))
	}
	lock, err := Take(path)
	require.NoError(t, err)
	require.NoError(t, lock.Release())
	require.NoFileExists(t, filepath.Join(folder, ".state.json.new-12"))
	for _, name := range []string{".state.json.new-", "state.json.new-1", ".other.json.new-1", "state.json"} {
		require.FileExists(t, filepath.Join(folder, name))
	}
}

func TestNoLockWithoutAFolder(t *testing.T) {
	t.Parallel()
	_, err := Take(filepath.Join(t.TempDir(), "missing", "state.json"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}
