//go:build !race

package otelsalebot_test

import (
	"context"
	"math"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	otelsalebot "github.com/salebot-go/salebot/otel"
	"github.com/salebot-go/salebot/webhook"
)

// TestAllocationsWithoutProviders checks what the hooks cost a program that has set no
// provider: two spans of nothing, with their contexts, beside what any hook costs.
func TestAllocationsWithoutProviders(t *testing.T) { //nolint:paralleltest // it counts allocations
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(*http.Request) (*http.Response, error) { return httpmock.NewStringResponse(200, "ok"), nil })
	allocations := func(options ...salebot.Option) float64 {
		client, err := salebot.New(canaryKey, append(options, salebot.WithTransport(mock))...)
		require.NoError(t, err)
		return leastAllocations(func() {
			if _, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "hello"}); err != nil {
				t.Error(err)
			}
		})
	}
	nothing := salebot.Hook{BeforeCall: func(ctx context.Context, _ salebot.Call) context.Context { return ctx }}
	hook, err := otelsalebot.NewClientHook()
	require.NoError(t, err)
	plain, hooked, ours := allocations(), allocations(salebot.WithHook(nothing)), allocations(salebot.WithHook(hook))
	t.Logf("plain %v, with a hook that does nothing %v, with ours %v", plain, hooked, ours)
	require.LessOrEqual(t, ours, hooked+6)

	receiving, err := otelsalebot.NewHandlerHook()
	require.NoError(t, err)
	step := webhook.Step{Kind: webhook.StepHandle, Endpoint: "default", MessageID: 7}
	ctx := t.Context()
	event := leastAllocations(func() {
		received := receiving.Before(ctx, step)
		receiving.Keeping(received, step)
		receiving.After(received, step)
	})
	t.Logf("of an event %v", event)
	require.LessOrEqual(t, event, 3.0)
}

// leastAllocations returns what a call of work allocates. The garbage collector can empty
// the pools during a round, so the least of several rounds counts.
func leastAllocations(work func()) float64 {
	least := math.Inf(1)
	for range 10 {
		least = min(least, testing.AllocsPerRun(20, work))
	}
	return least
}
