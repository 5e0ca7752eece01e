package wait_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/internal/wait"
)

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
