//go:build linux

package ledger_test

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/ledger"
)

// TestFileOnAFullDisk runs in a process of its own, which may only write short files.
func TestFileOnAFullDisk(t *testing.T) {
	t.Parallel()
	const variable = "SALEBOT_TEST_FULL_DISK"
	if os.Getenv(variable) == "" {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFileOnAFullDisk$", "-test.count=1")
		command.Env = append(os.Environ(), variable+"=yes")
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%s", output)
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	path := filepath.Join(t.TempDir(), "test.ledger")
	f := openFile(t, path)
	first, err := f.Begin(t.Context(), record("first"))
	require.NoError(t, err)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)

	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	room := limit
	limit.Cur = uint64(len(whole)) + 10 // half a line
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	for range 3 {
		_, err = f.Begin(t.Context(), record("second"))
		require.ErrorIs(t, err, syscall.EFBIG)
		require.NotErrorIs(t, err, ledger.ErrBroken)
	}
	require.Empty(t, stateOf(t, f, "second"), "what is not written was not begun")
	// What became of a request is known all the same.
	first[0].State = ledger.Accepted
	_, err = f.End(t.Context(), first...)
	require.NoError(t, err)
	require.Equal(t, "accepted", stateOf(t, f, "first"))
	same, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, whole, same, "nothing is left of the half lines")

	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &room))
	_, err = f.Begin(t.Context(), record("second"))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	again := openFile(t, path)
	require.Equal(t, "accepted", stateOf(t, again, "first"))
	require.Equal(t, "begun", stateOf(t, again, "second"))
}
