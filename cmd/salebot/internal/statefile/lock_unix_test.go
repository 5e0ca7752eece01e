//go:build unix && !solaris && !aix

package statefile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneLockForAFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, link := filepath.Join(folder, "state.json"), filepath.Join(folder, "link.json")
	lock, err := Take(path)
	require.NoError(t, err)
	_, err = Take(path)
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorContains(t, err, path, "the error says which file")

	// A save puts another file there, and the lock stays.
	mustSave(t, path, `["a",1]`)
	require.NoError(t, os.Symlink(path, link))
	for _, name := range []string{path, link} {
		_, err = Take(name)
		require.ErrorIs(t, err, ErrInUse, name)
	}
	require.NoError(t, lock.Release())
	lock, err = Take(link)
	require.NoError(t, err)
	require.NoError(t, lock.Release())
}
