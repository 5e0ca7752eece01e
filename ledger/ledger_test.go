package ledger_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/ledger/ledgertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, ledgertest.Subject{Forgets: true, New: func(_ testing.TB, retention time.Duration) ledgertest.Open {
		return func() (ledgertest.Closer, error) { return ledger.NewMemory(ledger.WithRetention(retention)) }
	}})
}

func TestFile(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, ledgertest.Subject{New: func(tb testing.TB, retention time.Duration) ledgertest.Open {
		tb.Helper()
		return opener(filepath.Join(tb.TempDir(), "test.ledger"), ledger.WithRetention(retention))
	}})
}

func opener(path string, opts ...ledger.Option) ledgertest.Open {
	return func() (ledgertest.Closer, error) { return ledger.OpenFile(path, opts...) }
}

// TestFileKill kills a process at any moment; nothing that was acknowledged is lost.
func TestFileKill(t *testing.T) { //nolint:paralleltest // the environment tells its processes
	const variable = "SALEBOT_TEST_LEDGER"
	path := os.Getenv(variable)
	if path == "" {
		path = filepath.Join(t.TempDir(), "kill.ledger")
		t.Setenv(variable, path)
	}
	const kills = 10
	if n := ledgertest.Kill(t, kills, opener(path)); n != 0 {
		require.GreaterOrEqual(t, n, kills)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := ledger.NewMemory(ledger.WithRetention(0))
	require.ErrorContains(t, err, "WithRetention")
	_, err = ledger.OpenFile(filepath.Join(t.TempDir(), "x"), nil, ledger.WithRetention(-1))
	require.ErrorContains(t, err, "WithRetention")
	_, err = ledger.NewMemory(nil)
	require.NoError(t, err)
}

func TestDigestsAndStatesAreTexts(t *testing.T) {
	t.Parallel()
	d := ledger.Digest{1, 2, 255}
	text, err := d.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "0102ff00000000000000000000000000", string(text))
	var back ledger.Digest
	require.NoError(t, back.UnmarshalText(text))
	require.Equal(t, d, back)
	require.Error(t, back.UnmarshalText([]byte("01")))
	require.Error(t, back.UnmarshalText([]byte("0102ff0000000000000000000000000g")))
	require.NoError(t, back.UnmarshalText(nil))
	require.True(t, back.IsZero())

	for _, state := range []ledger.State{ledger.Begun, ledger.Accepted, ledger.Refused, ledger.Unknown} {
		text, err := state.MarshalText()
		require.NoError(t, err)
		var back ledger.State
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, state, back)
	}
	_, err = ledger.State(9).MarshalText()
	require.Error(t, err)
	require.Equal(t, "state 9", ledger.State(9).String())
	require.Error(t, new(ledger.State).UnmarshalText([]byte("done")))
}
