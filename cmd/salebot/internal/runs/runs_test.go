package runs_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/internal/runs"
	"github.com/salebot-go/salebot/ledger"
)

// finish does one item of a run, with what became of it, and ends the run.
func finish(t *testing.T, name string, named bool, state ledger.State, ending runs.Ending) {
	t.Helper()
	run, err := runs.Open("shop", name, named)
	require.NoError(t, err)
	_, err = run.Ledger.Bind(t.Context(), "shop")
	require.NoError(t, err)
	begun, err := run.Ledger.Begin(t.Context(), ledger.Record{Key: ledger.Digest{1}, Content: ledger.Digest{2}, Version: version(t, run)})
	require.NoError(t, err)
	begun[0].State = state
	_, err = run.Ledger.End(t.Context(), begun...)
	require.NoError(t, err)
	require.NoError(t, run.Close(ending))
}

func version(t *testing.T, run *runs.Run) int64 {
	t.Helper()
	found, err := run.Ledger.Find(t.Context(), ledger.Digest{1})
	require.NoError(t, err)
	if len(found) == 0 {
		return 0
	}
	return found[0].Version
}

// A run goes on until it is done; then the same command is a new one, unless the user
// named it.
func TestRunsGoOn(t *testing.T) {
	t.Setenv(runs.EnvFolder, t.TempDir())
	earlier, err := runs.Look("shop", "send-1", false)
	require.NoError(t, err)
	require.Nil(t, earlier)

	finish(t, "send-1", false, ledger.Accepted, runs.Unfinished)
	earlier, err = runs.Look("shop", "send-1", false)
	require.NoError(t, err)
	require.Equal(t, 1, earlier.Count(ledger.Accepted))
	finish(t, "send-1", false, ledger.Accepted, runs.Done)
	earlier, err = runs.Look("shop", "send-1", false)
	require.NoError(t, err)
	require.Nil(t, earlier, "it is done")

	finish(t, "campaign", true, ledger.Accepted, runs.Done)
	earlier, err = runs.Look("shop", "campaign", true)
	require.NoError(t, err)
	require.NotNil(t, earlier, "a name of the user's stays")
	all, err := runs.List("shop")
	require.NoError(t, err)
	require.Len(t, all, 2)
}

// A run whose items were partly refused does not begin again by itself: what was done
// would be done twice.
func TestRunsWithRefusals(t *testing.T) {
	t.Setenv(runs.EnvFolder, t.TempDir())
	finish(t, "send-1", false, ledger.Refused, runs.Refused)
	_, err := runs.Look("shop", "send-1", false)
	var ended *runs.EndedError
	require.ErrorAs(t, err, &ended)
	require.Equal(t, runs.EndedError{Name: "send-1", Other: 1}, *ended)
	_, err = runs.Look("shop", "send-1", true)
	require.NoError(t, err, "the user says that it goes on")
	finish(t, "send-1", true, ledger.Accepted, runs.Done)
	earlier, err := runs.Look("shop", "send-1", false)
	require.NoError(t, err)
	require.Equal(t, 1, earlier.Count(ledger.Accepted))
}

func TestRunUnderWay(t *testing.T) {
	t.Setenv(runs.EnvFolder, t.TempDir())
	run, err := runs.Open("shop", "send-1", false)
	require.NoError(t, err)
	_, err = runs.Open("shop", "send-1", false)
	require.ErrorIs(t, err, ledger.ErrInUse)
	require.ErrorContains(t, err, `the run "send-1" is under way`)
	require.NoError(t, run.Close(runs.Unfinished))
}

// Runs that were done long ago are forgotten; others are not.
func TestOldRunsAreSwept(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(runs.EnvFolder, folder)
	finish(t, "old", false, ledger.Accepted, runs.Done)
	finish(t, "kept", true, ledger.Accepted, runs.Done)
	long := time.Now().Add(-ledger.DefaultRetention - time.Hour)
	entries, err := filepath.Glob(filepath.Join(folder, "shop", "*"))
	require.NoError(t, err)
	require.Len(t, entries, 2)
	for _, entry := range entries {
		require.NoError(t, os.Chtimes(entry, long, long))
	}
	finish(t, "new", false, ledger.Accepted, runs.Done)
	all, err := runs.List("shop")
	require.NoError(t, err)
	require.Len(t, all, 2)
	for _, summary := range all {
		require.NotContains(t, summary.Name, "old")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"send-0123456789ab", "весна 2027", "a.b_c"} {
		require.NoError(t, runs.CheckName(name), name)
	}
	for _, name := range []string{"", ".hidden", "../up", "a/b", "a\nb", string(make([]byte, 200))} {
		require.Error(t, runs.CheckName(name), "%q", name)
	}
}

func TestNamesOfWork(t *testing.T) {
	t.Parallel()
	name := func(parts ...any) string {
		namer := runs.NewNamer("send")
		namer.Add(parts...)
		return namer.Name()
	}
	first, again := name("Hello", 1), name("Hello", 1)
	require.Equal(t, first, again)
	require.NotEqual(t, name("Hello", "1"), name("Hello1", ""), "parts do not run together")
	namer := runs.NewNamer("import")
	_, err := io.WriteString(namer, "content")
	require.NoError(t, err)
	require.NotEqual(t, runs.NewNamer("import").Name(), namer.Name())
}
