package filelock_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/filelock"
)

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	var files [2]*os.File
	for i := range files {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		require.NoError(t, err)
		t.Cleanup(func() { _ = file.Close() })
		files[i] = file
	}
	require.NoError(t, filelock.Lock(files[0]))
	if err := filelock.Lock(files[1]); filelock.Works {
		require.ErrorIs(t, err, filelock.ErrHeld)
	} else {
		require.NoError(t, err)
	}
	require.NoError(t, filelock.Unlock(files[0]))
	require.NoError(t, filelock.Lock(files[1]))
	require.NoError(t, filelock.Unlock(files[1]))
	if filelock.Works {
		require.NoError(t, files[1].Close())
		require.Error(t, filelock.Lock(files[1]), "a failure is not a lock")
	}
}
