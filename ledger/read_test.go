package ledger_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/ledger"
)

// A ledger can be looked at while it is used, and looking changes nothing.
func TestReadFile(t *testing.T) {
	t.Parallel()
	path, text := filled(t)
	open := openFile(t, path)
	records, err := ledger.ReadFile(path)
	require.NoError(t, err)
	states := map[ledger.Digest]ledger.State{}
	for i := range records {
		states[records[i].Key] = records[i].State
	}
	require.Equal(t, map[ledger.Digest]ledger.State{
		digestOf("accepted"): ledger.Accepted, digestOf("refused"): ledger.Refused, digestOf("begun"): ledger.Begun,
	}, states)
	require.NoError(t, open.Close())
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, after)
}

func TestReadFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, err := ledger.ReadFile(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = ledger.ReadFile(t.TempDir())
	require.ErrorContains(t, err, "not a regular file")
	path, text := filled(t)
	text[len(text)/2] ^= 1
	require.NoError(t, os.WriteFile(path, text, 0o600))
	_, err = ledger.ReadFile(path)
	require.ErrorIs(t, err, ledger.ErrDamaged)
	// What a crash left unfinished at the end does not count.
	path, text = filled(t)
	require.NoError(t, os.WriteFile(path, text[:len(text)-5], 0o600))
	records, err := ledger.ReadFile(path)
	require.NoError(t, err)
	require.Len(t, records, 2)
}
