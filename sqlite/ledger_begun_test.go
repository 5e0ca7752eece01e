package sqlite_test

import (
	"encoding/binary"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/sqlite"
)

func numbered(n int) ledger.Record {
	r := ledger.Record{Content: ledger.Digest{1}}
	binary.BigEndian.PutUint64(r.Key[:], uint64(n)+1)
	return r
}

// A ledger keeps what it has begun in memory, but not without bound: what it does not
// keep, and what another opening has begun, is ended all the same.
func TestRecordsThatAreNotKeptInMemoryAreEnded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	first, second := openLedger(t, path), openLedger(t, path)
	begun, err := first.Begin(t.Context(), numbered(0), numbered(1), numbered(2))
	require.NoError(t, err)
	many := make([]ledger.Record, 5000)
	for n := range many {
		many[n] = numbered(100 + n)
	}
	last, err := first.Begin(t.Context(), many...)
	require.NoError(t, err)
	for i, opened := range []*sqlite.Ledger{first, second} {
		for _, r := range []ledger.Record{begun[i], last[i]} {
			r.State, r.Answer = ledger.Accepted, ledger.Answer{Status: 200, IDs: []int64{7, 8}}
			ended, err := opened.End(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, r.Answer, ended[0].Answer)
			found, err := second.Find(t.Context(), r.Key)
			require.NoError(t, err)
			require.Equal(t, ended, found)
		}
	}
}

// The record that a ledger keeps in memory may be another one's by now.
func TestARecordThatWasTakenOverIsNotEnded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	first, second := openLedger(t, path), openLedger(t, path)
	begun, err := first.Begin(t.Context(), numbered(0))
	require.NoError(t, err)
	taken, err := second.Begin(t.Context(), begun...)
	require.NoError(t, err)
	begun[0].State = ledger.Accepted
	_, err = first.End(t.Context(), begun...)
	require.ErrorIs(t, err, ledger.ErrTaken)
	require.NoError(t, second.Forget(t.Context(), begun[0].Key))
	_, err = second.End(t.Context(), taken...)
	require.ErrorIs(t, err, ledger.ErrTaken)
}

// BenchmarkLedger is what a call with a key costs a ledger beside the look-up.
func BenchmarkLedger(b *testing.B) {
	opened := openLedger(b, filepath.Join(b.TempDir(), "ledger.db"))
	n := 0
	for b.Loop() {
		n++
		begun, err := opened.Begin(b.Context(), numbered(n))
		require.NoError(b, err)
		begun[0].State = ledger.Accepted
		_, err = opened.End(b.Context(), begun...)
		require.NoError(b, err)
	}
}
