package salebot_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

var quickRetries = salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1})

// For one call the caller decides whether it may be executed twice, for every action.
func TestRepeatRules(t *testing.T) {
	t.Parallel()
	for _, row := range action.All() {
		for name, c := range map[string]struct {
			options  []salebot.CallOption
			attempts map[action.Class]int
			class    map[action.Class]salebot.SafetyClass
		}{
			"none":      {nil, map[action.Class]int{action.Once: 1, action.Idempotent: 3, action.Read: 3}, nil},
			"allowed":   {[]salebot.CallOption{salebot.WithRepeatAllowed()}, map[action.Class]int{action.Once: 3, action.Idempotent: 3, action.Read: 3}, map[action.Class]salebot.SafetyClass{action.Once: salebot.Idempotent}},
			"forbidden": {[]salebot.CallOption{salebot.WithRepeatForbidden()}, map[action.Class]int{action.Once: 1, action.Idempotent: 1, action.Read: 1}, nil},
			"the later": {[]salebot.CallOption{salebot.WithRepeatForbidden(), salebot.WithRepeatAllowed()}, map[action.Class]int{action.Once: 3, action.Idempotent: 3, action.Read: 3}, map[action.Class]salebot.SafetyClass{action.Once: salebot.Idempotent}},
		} {
			mock := clienttest.Answering(http.StatusServiceUnavailable, "busy")
			notes := &callNotes{}
			client := clienttest.New(t, mock, quickRetries, salebot.WithHook(notes.hook()))
			_, err := clienttest.Scenarios[row.Name][0].Call(t.Context(), client, c.options...)
			failure := clienttest.RequireFailure(t, err, salebot.OutcomeUnknown)
			require.Equal(t, c.attempts[row.Class], failure.Attempts, "%s, %s", row.Name, name)
			require.Equal(t, failure.Attempts, mock.GetTotalCallCount())
			want, changed := c.class[row.Class]
			if !changed {
				want = salebot.SafetyClass(row.Class)
			}
			require.Equal(t, want, failure.Class, "%s, %s", row.Name, name)
			require.Equal(t, want, notes.last(t).Class)
		}
	}
}

// A GET that must not be repeated goes on a connection of its own, since one that was used
// before may break just then.
func TestRepeatForbiddenUsesAFreshConnection(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: testkit.Always(testkit.Respond(200, `{"a":"b"}`))}
		client := clienttest.New(t, peer.Transport())
		for _, options := range [][]salebot.CallOption{nil, nil, {salebot.WithRepeatForbidden()}} {
			_, err := client.GetVariables(t.Context(), 1, options...)
			require.NoError(t, err)
		}
		var connections []int
		for _, a := range peer.Arrivals() {
			connections = append(connections, a.Connection)
		}
		require.Equal(t, []int{1, 1, 2}, connections)
	})
}

// A request that provably never left is sent again also if a repetition is forbidden.
func TestRepeatForbiddenSendsWhatNeverLeft(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Dialed: func(_ context.Context, number int) error {
			if number == 1 {
				return testkit.Refused()
			}
			return nil
		}}
		client := clienttest.New(t, peer.Transport(), quickRetries)
		_, err := client.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: 1, Variables: map[string]any{"a": 1}}, salebot.WithRepeatForbidden())
		require.NoError(t, err)
		require.Equal(t, 2, peer.Dials())
	})
}

// The two contradict each other, and are not weighed against each other.
func TestRepeatAllowedContradictsAKey(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, err := s.open(t).Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order 4711"), salebot.WithRepeatAllowed())
	requireField(t, err, "WithRepeatAllowed")
	require.Empty(t, s.received(t))
}

// In a piece of work a call that may be repeated is made each time that it runs, as
// writes of the other classes are.
func TestRepeatAllowedInAPieceOfWork(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	runs := 0
	work := func() error {
		return client.RunOnce(t.Context(), salebot.Work{Name: "notice", Key: "4711"}, func(ctx context.Context) error {
			runs++
			if _, err := client.Message(ctx, hello("once")); err != nil {
				return err
			}
			if _, err := client.Message(ctx, hello("each time"), salebot.WithRepeatAllowed()); err != nil {
				return err
			}
			if runs == 1 {
				return clienttest.ErrCable
			}
			return nil
		})
	}
	require.ErrorIs(t, work(), clienttest.ErrCable)
	require.NoError(t, work())
	require.NoError(t, work())
	require.Equal(t, []string{"once", "each time", "each time"}, s.received(t))
}
