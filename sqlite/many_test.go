package sqlite_test

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// eachAtOnce runs a function for so many numbers, from 1.
func eachAtOnce(t *testing.T, count int, do func(n int) error) {
	t.Helper()
	var group sync.WaitGroup
	failures := make([]error, count)
	for n := range count {
		group.Go(func() { failures[n] = do(n + 1) })
	}
	group.Wait()
	for _, err := range failures {
		require.NoError(t, err)
	}
}

// More dead letters than are changed at once are all read, put back and discarded,
// also if they are named one by one, and one twice.
func TestManyDeadLetters(t *testing.T) {
	t.Parallel()
	const count = 250
	inbox := openInbox(t, filepath.Join(quickFolder(t), "inbox.db"))
	eachAtOnce(t, count, func(n int) error {
		_, err := inbox.Put(t.Context(), webhook.Entry{
			Endpoint: "many", ClientID: salebot.ClientID(n), MessageID: salebot.MessageID(n), AcceptedAt: time.Now(), Body: "{}",
		})
		return err
	})
	bury := func() (sequences []int64) {
		deliveries, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: "many", Max: count, Duration: time.Hour})
		require.NoError(t, err)
		require.Len(t, deliveries, count)
		eachAtOnce(t, count, func(n int) error { return inbox.Bury(t.Context(), deliveries[n-1], "no") })
		for letter, err := range inbox.DeadLetters(t.Context(), "many") {
			require.NoError(t, err)
			sequences = append(sequences, letter.Sequence)
		}
		require.Len(t, sequences, count)
		require.True(t, slices.IsSorted(sequences))
		return sequences
	}
	expect := func(dead, waiting int) {
		t.Helper()
		counts, err := inbox.Counts(t.Context(), "many")
		require.NoError(t, err)
		require.Equal(t, [2]int{dead, waiting}, [2]int{counts.Dead, counts.Waiting})
	}
	sequences := bury()
	n, err := inbox.Redrive(t.Context(), "many", append(slices.Clone(sequences), sequences[0], sequences[1], 1<<40)...)
	require.NoError(t, err)
	require.Equal(t, count, n)
	expect(0, count)
	bury()
	n, err = inbox.Redrive(t.Context(), "many", webhook.AllDeadLetters)
	require.NoError(t, err)
	require.Equal(t, count, n)
	expect(0, count)
	sequences = bury()
	n, err = inbox.Redrive(t.Context(), "many", sequences[3], sequences[3])
	require.NoError(t, err)
	require.Equal(t, 1, n)
	// As many as are changed at once, and no other.
	n, err = inbox.Discard(t.Context(), "many", sequences[100:200]...)
	require.NoError(t, err)
	require.Equal(t, 100, n)
	expect(149, 1)
	n, err = inbox.Discard(t.Context(), "many", sequences[:201]...)
	require.NoError(t, err)
	require.Equal(t, 100, n)
	expect(49, 1)
	n, err = inbox.Discard(t.Context(), "many", webhook.AllDeadLetters)
	require.NoError(t, err)
	require.Equal(t, 49, n)
	expect(0, 1)
}
