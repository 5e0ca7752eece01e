package salebot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/salebottest"
)

// SaveVariablesAndCallback with a ledger: what was executed, or may have been, does not
// overwrite variables that are newer.

var order4711 = salebot.WithIdempotencyKey("order 4711")

// expires is the notice of a payment: it saves until when it is paid, and starts the bot.
func expires(ctx context.Context, client *salebot.Client, date string, opts ...salebot.CallOption) (*salebot.Ack, error) {
	return client.SaveVariablesAndCallback(ctx, salebot.SaveVariablesAndCallbackRequest{
		Callback: salebot.CallbackRequest{ClientID: ann, Message: "paid"}, Variables: map[string]any{"client.expires": date},
	}, opts...)
}

// A notice that is repeated does not overwrite what a later one has saved.
func TestSaveVariablesAndCallbackInWorkThatIsRepeated(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	work := func(key, date, text string) (ack *salebot.Ack, err error) {
		err = client.RunOnce(t.Context(), notice(key), func(ctx context.Context) error {
			if ack, err = expires(ctx, client, date); err != nil {
				return err
			}
			_, err = client.Message(ctx, hello(text))
			return err
		})
		return ack, err
	}
	s.Fail(salebottest.Fault{Action: "message", Status: http.StatusBadRequest})
	_, err := work("p1", "03.12", "one")
	require.ErrorIs(t, err, salebot.ErrRejected)
	_, err = work("p2", "03.01", "two")
	require.NoError(t, err)
	ack, err := work("p1", "03.12", "one")
	require.NoError(t, err)
	require.True(t, ack.Recorded)
	s.AssertVariable(t, ann, "client.expires", "03.01")
	s.AssertCalls(t, "save_variables", 2)
	s.AssertCalls(t, "callback", 2)
	s.AssertCalls(t, "message", 3)
}

// The variables are part of the call: a call with others is another one.
func TestSaveVariablesAndCallbackWithOtherVariables(t *testing.T) {
	t.Parallel()
	plain := func(ctx context.Context, client *salebot.Client, _ string, opts ...salebot.CallOption) (*salebot.Ack, error) {
		return client.Callback(ctx, salebot.CallbackRequest{ClientID: ann, Message: "paid"}, opts...)
	}
	type call = func(context.Context, *salebot.Client, string, ...salebot.CallOption) (*salebot.Ack, error)
	for name, calls := range map[string][2]call{
		"other variables": {expires, expires}, "none at first": {plain, expires}, "none any more": {expires, plain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t)
				_, err := calls[0](t.Context(), client, "03.01", order4711)
				require.NoError(t, err)
				saved := s.Calls("save_variables")
				_, err = calls[1](t.Context(), client, "03.12", order4711)
				require.ErrorIs(t, err, salebot.ErrKeyReused)
				clienttest.RequireOutcome(t, err, salebot.OutcomeNotSent)
				s.AssertCalls(t, "save_variables", saved)

				run := func(call call, date string, opts ...salebot.CallOption) error {
					return client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
						if _, err := call(ctx, client, date, opts...); err != nil {
							return err
						}
						return clienttest.ErrCable
					})
				}
				require.ErrorIs(t, run(calls[0], "03.01"), clienttest.ErrCable)
				require.ErrorIs(t, run(calls[1], "03.12"), salebot.ErrWorkChanged)
				s.AssertCalls(t, "save_variables", 2*saved)
				require.ErrorIs(t, run(calls[0], "03.01"), clienttest.ErrCable)
				s.AssertCalls(t, "callback", 2)
			})
		})
	}
}

// A named call is the same one whatever it says and saves.
func TestSaveVariablesAndCallbackWithAName(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	for i, date := range []string{"03.01", "03.12"} {
		err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			ack, err := expires(ctx, client, date, salebot.WithStep("start"))
			require.NoError(t, err)
			require.Equal(t, i > 0, ack.Recorded)
			return clienttest.ErrCable
		})
		require.ErrorIs(t, err, clienttest.ErrCable)
	}
	s.AssertVariable(t, ann, "client.expires", "03.01")
	s.AssertCalls(t, "callback", 1)
}

// That the variables cannot be saved says nothing about a callback that was accepted.
func TestSaveVariablesAndCallbackThatWasAccepted(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	for i := range 2 {
		ack, err := expires(t.Context(), client, "03.01", order4711)
		require.NoError(t, err)
		require.Equal(t, i > 0, ack.Recorded)
		s.Fail(salebottest.Fault{Action: "save_variables", Status: http.StatusForbidden, Times: salebottest.Always})
	}
	s.AssertCalls(t, "save_variables", 1)
	s.AssertCalls(t, "callback", 1)
}

// A failed step leaves nothing in the ledger, and the call can be made again.
func TestSaveVariablesAndCallbackAfterAFailedStep(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	s.Fail(salebottest.Fault{Action: "save_variables", Status: http.StatusForbidden})
	_, err := expires(t.Context(), client, "03.01", order4711)
	require.ErrorIs(t, err, salebot.ErrForbidden)
	require.Equal(t, "callback", clienttest.RequireFailure(t, err, salebot.OutcomeNotSent).Action)
	require.ErrorContains(t, err, "the bot was not started, because save_variables failed")
	ack, err := expires(t.Context(), client, "03.01", order4711)
	require.NoError(t, err)
	require.False(t, ack.Recorded)
	s.AssertVariable(t, ann, "client.expires", "03.01")
	s.AssertCalls(t, "callback", 1)
}

// A callback of unknown outcome is looked for first. The variables are saved again only
// if it is sent again.
func TestSaveVariablesAndCallbackOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reset    salebottest.Reset
		opts     []salebot.Option
		recorded bool
		sent     int
	}{
		"that cannot be told":   {salebottest.ResetBefore, nil, false, 1},
		"that was executed":     {salebottest.ResetAfter, []salebot.Option{salebot.WithHistoryDelay(20 * time.Second), salebot.WithProjectLocation(time.UTC)}, true, 1},
		"that was not executed": {salebottest.ResetBefore, []salebot.Option{salebot.WithHistoryDelay(20 * time.Second), salebot.WithProjectLocation(time.UTC)}, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, c.opts...)
				s.Fail(salebottest.Fault{Action: "callback", Reset: c.reset})
				_, err := expires(t.Context(), client, "03.01", order4711)
				require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
				_, err = client.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: ann, Variables: map[string]any{"client.expires": "03.12"}})
				require.NoError(t, err)
				ack, err := expires(t.Context(), client, "03.01", order4711)
				s.AssertCalls(t, "save_variables", 1+c.sent)
				s.AssertCalls(t, "callback", c.sent)
				if c.opts == nil {
					require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
					require.NotContains(t, err.Error(), "was not started")
					s.AssertVariable(t, ann, "client.expires", "03.12")
					return
				}
				require.NoError(t, err)
				require.Equal(t, c.recorded, ack.Recorded)
				if c.sent == 2 {
					s.AssertVariable(t, ann, "client.expires", "03.01")
				} else {
					s.AssertVariable(t, ann, "client.expires", "03.12")
				}
			})
		})
	}
}

// A history does not show variables: the notice of another order is not taken for one
// that was not executed.
func TestSaveVariablesAndCallbackIsNotTakenForAnother(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t, salebot.WithHistoryDelay(20*time.Second), salebot.WithProjectLocation(time.UTC))
		s.Fail(salebottest.Fault{Action: "callback", Reset: salebottest.ResetBefore})
		_, err := expires(t.Context(), client, "03.01", order4711)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		_, err = expires(t.Context(), client, "03.12", salebot.WithIdempotencyKey("order 4712"))
		require.NoError(t, err)
		elapseHere(t, time.Minute)
		ack, err := expires(t.Context(), client, "03.01", order4711)
		require.NoError(t, err)
		require.False(t, ack.Recorded)
		require.Len(t, s.Callbacks(ann), 2)
	})
}

// A callback that is made again on request may have been executed before, so that a step
// that fails now proves nothing.
func TestSaveVariablesAndCallbackRepeatedOnRequest(t *testing.T) {
	t.Parallel()
	for action, because := range map[string]string{
		"save_variables": "because save_variables failed", "get_variables": "because get_variables failed", "": "because saved variables could not be read back",
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := &recipeServer{fail: map[string]func() (int, string, error){
					"callback": func() (int, string, error) { return 0, "", clienttest.ErrCable },
				}}
				client := clienttest.New(t, clienttest.MemoryAPI(s.serve), salebot.WithLedger(newTestLedger(t), "shop"), salebot.WithoutRetries())
				run := func() (failure error) {
					_, _ = salebot.ForEach(t.Context(), client, salebot.Items([]salebot.ClientID{ann}), salebot.BulkOptions{Name: "spring", RepeatUnknown: true}, itself,
						func(ctx context.Context, _ salebot.ClientID) error {
							_, failure = client.SaveVariablesAndCallback(ctx, recipe("client.phone"))
							return failure
						})
					return failure
				}
				_ = clienttest.RequireFailure(t, run(), salebot.OutcomeUnknown)
				if action == "" {
					s.lag = time.Hour
				} else {
					s.fail[action] = func() (int, string, error) { return http.StatusForbidden, "", nil }
				}
				err := run()
				require.Equal(t, "callback", clienttest.RequireFailure(t, err, salebot.OutcomeUnknown).Action)
				require.ErrorContains(t, err, "may have been executed; nothing was sent now, "+because)
				require.NotContains(t, err.Error(), "was not started")
				require.Equal(t, action == "", errors.Is(err, salebot.ErrNotReadBack))
			})
		})
	}
}

// The time of the steps before is not that of the callback, with a ledger or without.
func TestSaveVariablesAndCallbackHasTimeForEachStep(t *testing.T) {
	t.Parallel()
	passing := salebot.WithMiddleware(func(ctx context.Context, request *salebot.Request, next salebot.Next) (*salebot.Response, error) {
		return next(ctx, request)
	})
	for name, opts := range map[string][]salebot.Option{"plain": nil, "with a middleware": {passing}} {
		for _, keyed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, keyed %v", name, keyed), func(t *testing.T) {
				t.Parallel()
				testkit.Bubble(t, func(t *testing.T) {
					s := &recipeServer{lag: 9 * time.Second}
					client := clienttest.New(t, clienttest.MemoryAPI(s.serve), append(opts, salebot.WithLedger(newTestLedger(t), "shop"))...)
					with := []salebot.CallOption{salebot.WithTimeout(3 * time.Second)}
					if keyed {
						with = append(with, order4711)
					}
					_, err := client.SaveVariablesAndCallback(t.Context(), recipe("client.phone"), with...)
					require.NoError(t, err)
					require.False(t, s.started.IsZero())
				})
			})
		}
	}
}

// Hooks are told of each call, also of a rehearsal, in which nothing can be read back.
func TestSaveVariablesAndCallbackIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rehearsed bool
		opts      []salebot.CallOption
		sent      []string
	}{
		"with a key": {false, []salebot.CallOption{order4711}, []string{"save_variables", "get_variables", "callback"}},
		"without":    {false, nil, []string{"save_variables", "get_variables", "callback"}},
		"rehearsed":  {true, []salebot.CallOption{order4711}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mutex sync.Mutex
			var told []string
			s := &recipeServer{}
			client := clienttest.New(t, clienttest.MemoryAPI(s.serve), salebot.WithLedger(newTestLedger(t), "shop"),
				salebot.WithHook(salebot.Hook{AfterCall: func(_ context.Context, c salebot.Call) {
					mutex.Lock()
					defer mutex.Unlock()
					told = append(told, c.Action)
				}}))
			ctx := t.Context()
			if c.rehearsed {
				ctx = salebot.Rehearse(ctx)
			}
			_, err := client.SaveVariablesAndCallback(ctx, recipe("client.phone"), c.opts...)
			require.NoError(t, err)
			require.Equal(t, c.sent, s.actions)
			require.Subset(t, told, []string{"save_variables", "callback"})
		})
	}
}

// Without a ledger a key is refused before anything is saved, and so is a variable that
// cannot be.
func TestSaveVariablesAndCallbackWithAKeyIsRefused(t *testing.T) {
	t.Parallel()
	s := &recipeServer{}
	client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
	_, err := client.SaveVariablesAndCallback(t.Context(), recipe(), order4711)
	require.ErrorIs(t, err, salebot.ErrInvalidRequest)
	request := recipe()
	request.Variables = nil
	client, err = client.With(salebot.WithLedger(newTestLedger(t), "shop"))
	require.NoError(t, err)
	_, err = client.SaveVariablesAndCallback(t.Context(), request, order4711)
	requireField(t, err, "Variables")
	require.Empty(t, s.actions)
}
