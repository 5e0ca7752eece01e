//go:build unix

package statefile_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/internal/statefile"
)

// A device would be replaced by a file or read without end, and a pipe would be
// waited for.
func TestOnlyRegularFilesHoldAState(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for name, target := range map[string]string{"null": "/dev/null", "zero": "/dev/zero", "pipe": pipe, "folder": t.TempDir()} {
		link := filepath.Join(folder, "link-to-"+name)
		require.NoError(t, os.Symlink(target, link))
		for _, path := range []string{target, link} {
			_, err := statefile.Load(path, func([]byte) error { return nil })
			require.ErrorContains(t, err, path+" is ", name)
			require.NotErrorIs(t, err, os.ErrNotExist, "it would be made anew")
			_, err = statefile.NewDraft(path)
			require.ErrorContains(t, err, path+" is ", name)
		}
	}
	info, err := os.Stat("/dev/null")
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeDevice)
	require.NoError(t, statefile.CheckPath(filepath.Join(folder, "new.json")))
}
