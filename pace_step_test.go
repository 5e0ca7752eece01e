package salebot_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// Every attempt waits for the limiter, not only every call.
func TestLimiterPacesAttempts(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.Always(testkit.Respond(429, "", "Retry-After: 1")), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		var arrivals []time.Time
		peer.Answer = func(int, *http.Request) testkit.Answer {
			arrivals = append(arrivals, time.Now())
			return testkit.Respond(429, "", "Retry-After: 1")
		}
		client := dial(salebot.WithRateLimit(0.1, 1))
		start := time.Now()
		_, err := client.GetVariables(t.Context(), 1)
		require.ErrorIs(t, err, salebot.ErrRateLimited)
		require.Len(t, arrivals, 12, "as many as the time of a call has room for")
		for i, at := range arrivals {
			require.WithinDuration(t, start.Add(time.Duration(i)*10*time.Second), at, time.Millisecond, "ten seconds a request, whatever Retry-After says")
		}
	})
}

// A client and its variants share the pace.
func TestLimiterIsShared(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.Always(testkit.Respond(200, "{}")), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		client := dial(salebot.WithRateLimit(1, 2))
		variant, err := client.With(salebot.WithUserAgent("variant"))
		require.NoError(t, err)
		unlimited, err := client.With(salebot.WithRateLimit(1000, 1000))
		require.NoError(t, err)
		start := time.Now()
		for i := range 6 {
			_, err := []*salebot.Client{client, variant}[i%2].GetVariables(t.Context(), 1)
			require.NoError(t, err)
		}
		require.Equal(t, 4*time.Second, time.Since(start).Round(time.Millisecond))
		for range 100 {
			_, err := unlimited.GetVariables(t.Context(), 1)
			require.NoError(t, err)
		}
		require.Equal(t, 4*time.Second, time.Since(start).Round(time.Millisecond), "its pace is its own")
	})
}

func TestLimiterThatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the pace is kept elsewhere, where nobody answers")
	for name, c := range map[string]struct {
		limiter salebot.Limiter
		timeout bool
		is      error
	}{
		"its own failure":      {clienttest.LimiterFunc(func(context.Context) error { return broken }), false, broken},
		"past the deadline":    {spentLimiter(), true, context.DeadlineExceeded},
		"waiting for too long": {clienttest.LimiterFunc(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }), true, context.DeadlineExceeded},
		"says it is too late":  {clienttest.LimiterFunc(func(context.Context) error { return context.DeadlineExceeded }), true, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clienttest.InBubble(t, nil, func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
				_, err := clienttest.OnceCalls[0].Call(t.Context(), dial(salebot.WithLimiter(c.limiter), salebot.WithTimeout(time.Minute)))
				failure := clienttest.RequireFailure(t, err, salebot.OutcomeNotSent)
				require.Zero(t, failure.Attempts)
				require.ErrorIs(t, err, c.is)
				require.Equal(t, c.timeout, errors.Is(err, context.DeadlineExceeded))
				var transport *salebot.TransportError
				require.ErrorAs(t, err, &transport)
				require.Equal(t, c.timeout, transport.Timeout)
				require.Empty(t, peer.Arrivals())
			})
		})
	}
	t.Run("before the second attempt", func(t *testing.T) {
		t.Parallel()
		clienttest.InBubble(t, testkit.Always(testkit.Respond(429, "")), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
			waits := 0
			_, err := clienttest.OnceCalls[0].Call(t.Context(), dial(salebot.WithLimiter(clienttest.LimiterFunc(func(context.Context) error {
				if waits++; waits > 1 {
					return broken
				}
				return nil
			}))))
			failure := clienttest.RequireFailure(t, err, salebot.OutcomeRejected)
			require.Equal(t, 1, failure.Attempts)
			require.ErrorIs(t, err, broken)
			require.ErrorIs(t, err, salebot.ErrRateLimited, "the first failure is not forgotten")
			require.Len(t, peer.Arrivals(), 1)
		})
	})
}

// spentLimiter lets the next request pass in an hour.
func spentLimiter() *rate.Limiter {
	limiter := rate.NewLimiter(rate.Every(time.Hour), 1)
	limiter.Allow()
	return limiter
}
