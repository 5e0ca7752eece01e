package commands

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var errOfRow = errors.New("salebot: it is\nodd, \"very\"")

// A row is in the file once, however often its batch is tried, and also if a kill cut
// the file in the middle of a line.
func TestRejectsAfterAKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects.csv")
	first, err := openRejects(path, false)
	require.NoError(t, err)
	require.NoError(t, first.write(nil))
	require.NoFileExists(t, path, "there is no file without rejects")
	require.NoError(t, first.write([]reject{{7, errOfRow}, {3, errOfRow}}))
	require.NoError(t, first.close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "line,reason\n3,\"it is odd, \"\"very\"\"\"\n7,\"it is odd, \"\"very\"\"\"\n", string(whole))

	for length := range whole {
		cut := filepath.Join(t.TempDir(), "rejects.csv")
		require.NoError(t, os.WriteFile(cut, whole[:length], 0o600))
		again, err := openRejects(cut, true)
		require.NoError(t, err)
		require.NoError(t, again.write([]reject{{3, errOfRow}, {7, errOfRow}}))
		require.NoError(t, again.write([]reject{{7, errOfRow}}))
		require.Equal(t, 2, again.count)
		require.NoError(t, again.close())
		text, err := os.ReadFile(cut)
		require.NoError(t, err)
		require.Equal(t, string(whole), string(text), "cut at %d", length)
	}
}

// A file that is not one of rejects is left alone.
func TestRejectsOfSomethingElse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mine.csv")
	require.NoError(t, os.WriteFile(path, []byte("my,own\n1,2\n"), 0o600))
	_, err := openRejects(path, false)
	require.ErrorContains(t, err, "is there already")
	_, err = openRejects(path, true)
	require.ErrorContains(t, err, "is not a file of rejects")
	_, err = openRejects(filepath.Join(path, "below"), true)
	require.Error(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "my,own\n1,2\n", string(text))
}
