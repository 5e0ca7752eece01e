package wait_test

import (
	"context"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/internal/wait"
)

// A machine that sleeps, or whose clock is changed, has two clocks that disagree.
func TestPassed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	require.True(t, wait.Passed(now))
	require.False(t, wait.Passed(now.Add(time.Hour)))
	require.True(t, wait.Passed(now.Add(-time.Hour).Round(0)))
	require.False(t, wait.Passed(now.Add(time.Hour).Round(0)))

	slept := now.Add(time.Hour)
	require.Equal(t, time.Hour, slept.Sub(now))
	setBack(&slept, 2*time.Hour)
	require.Equal(t, time.Hour, slept.Sub(now), "by the clock that stood still")
	require.True(t, wait.Passed(slept))

	over := now.Add(-time.Minute)
	setBack(&over, -time.Hour)
	require.True(t, wait.Passed(over), "by the clock that cannot be changed")
}

// setBack changes what the wall clock says in a time, and leaves the other clock.
func setBack(t *time.Time, d time.Duration) {
	const secondsAt = 30
	wall := (*uint64)(unsafe.Pointer(t))
	*wall -= uint64(d/time.Second) << secondsAt
}

func TestFor(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		start := time.Now()
		require.True(t, wait.For(t.Context(), time.Hour))
		require.Equal(t, time.Hour, time.Since(start))
		require.True(t, wait.Until(t.Context(), time.Now().Add(time.Minute)))
		require.Equal(t, time.Hour+time.Minute, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		require.True(t, wait.For(ctx, -1))
		require.False(t, wait.For(ctx, time.Hour))
		require.Equal(t, time.Second, time.Since(start))
		require.False(t, wait.For(ctx, 0), "the context has ended")
		require.False(t, wait.For(ctx, time.Hour))
		require.Equal(t, time.Second, time.Since(start))
	})
}
