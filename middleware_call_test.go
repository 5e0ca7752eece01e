package salebot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

var errMiddleware = errors.New("the middleware says no")

// passing is a middleware that changes nothing.
func passing(ctx context.Context, request *salebot.Request, next salebot.Next) (*salebot.Response, error) {
	return next(ctx, request)
}

// A middleware may answer by itself, and its answer is judged like one of Salebot.
func TestMiddlewaresAnswer(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]func(salebot.Middleware) salebot.Option{"call": salebot.WithMiddleware, "attempt": salebot.WithAttemptMiddleware} {
		mock := clienttest.Answering(200, "ok")
		answering := func(status int, body string) *salebot.Client {
			return clienttest.New(t, mock, salebot.WithoutRetries(), option(func(context.Context, *salebot.Request, salebot.Next) (*salebot.Response, error) {
				return &salebot.Response{Status: status, Body: []byte(body)}, nil
			}))
		}
		variables, err := answering(200, `{"city":"Riga"}`).GetVariables(t.Context(), 7)
		require.NoError(t, err)
		require.Equal(t, "Riga", variables.Text("city"))

		var raw salebot.Response
		response, err := answering(200, `{"x":1}`).Do(t.Context(), salebot.DoRequest{Action: "brand_new"}, salebot.WithResponse(&raw))
		require.NoError(t, err)
		require.JSONEq(t, `{"x":1}`, string(response.Body))
		require.Equal(t, response.Body, raw.Body)

		_, err = answering(404, "client_not_found").Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
		require.ErrorIs(t, err, salebot.ErrClientNotFound, name)
		clienttest.RequireOutcome(t, err, salebot.OutcomeRejected)
		_, err = answering(200, clienttest.Page).Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
		clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
		_, err = answering(502, "x").GetVariables(t.Context(), 7)
		clienttest.RequireOutcome(t, err, salebot.OutcomeFailed)
		require.Zero(t, mock.GetTotalCallCount())
	}
}

// An answer that a middleware puts in place of the real one counts, and so does the
// real one if it is returned after all.
func TestMiddlewaresReplaceAnswers(t *testing.T) {
	t.Parallel()
	replacing := func(change func(*salebot.Response, error) (*salebot.Response, error)) *salebot.Client {
		return clienttest.New(t, clienttest.Answering(200, `{"city":"Riga"}`), salebot.WithMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			return change(next(ctx, r))
		}))
	}
	variables, err := replacing(func(*salebot.Response, error) (*salebot.Response, error) {
		return &salebot.Response{Status: 200, Body: []byte(`{"city":"Kazan"}`)}, nil
	}).GetVariables(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, "Kazan", variables.Text("city"))
	variables, err = replacing(func(r *salebot.Response, err error) (*salebot.Response, error) {
		r.Body = []byte(`{"city":"Omsk"}`)
		return r, err
	}).GetVariables(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, "Omsk", variables.Text("city"))
	// Whatever is changed counts, however small the change is.
	for name, change := range map[string]func(*salebot.Response){
		"the status":           func(r *salebot.Response) { r.Status = 404 },
		"an end that is cut":   func(r *salebot.Response) { r.Body = r.Body[:len(r.Body)-1] },
		"a body of its length": func(r *salebot.Response) { r.Body = bytes.Repeat([]byte("x"), len(r.Body)) },
	} {
		_, err := replacing(func(r *salebot.Response, err error) (*salebot.Response, error) {
			change(r)
			return r, err
		}).GetVariables(t.Context(), 7)
		require.Error(t, err, name)
	}
	refused := clienttest.New(t, clienttest.Answering(404, "client_not_found"), salebot.WithMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
		response, err := next(ctx, r)
		require.ErrorIs(t, err, salebot.ErrClientNotFound)
		return response, nil
	}))
	_, err = refused.GetVariables(t.Context(), 7)
	require.ErrorIs(t, err, salebot.ErrClientNotFound, "an error that is dropped is found in the answer again")
}

// Results that come along with an error pass through.
func TestMiddlewaresPassPartialResults(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.Answering(200, `{"status":"success","result":[{"id":1}]}`), salebot.WithMiddleware(passing))
	day := salebot.Date{Year: 2026, Month: time.May, Day: 28}
	items, err := client.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1, Limit: 1, StartDate: day, StopDate: day})
	require.ErrorIs(t, err, salebot.ErrTruncated)
	require.Len(t, items, 1)
}

// What became of a request is told by proof, whatever a middleware returns.
func TestOutcomesOfMiddlewares(t *testing.T) {
	t.Parallel()
	type step func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error)
	elsewhere := &salebot.OpError{Action: "message", Outcome: salebot.OutcomeUnknown, Err: errMiddleware}
	for name, c := range map[string]struct {
		middleware   step
		status       int
		once, read   salebot.Outcome
		sent         int
		alsoAttempts bool
	}{
		"refuses": {func(context.Context, *salebot.Request, salebot.Next) (*salebot.Response, error) {
			return nil, errMiddleware
		}, 200, salebot.OutcomeNotSent, salebot.OutcomeNotSent, 0, true},
		"answers nothing": {func(context.Context, *salebot.Request, salebot.Next) (*salebot.Response, error) { return nil, nil }, 200, salebot.OutcomeNotSent, salebot.OutcomeNotSent, 0, true}, //nolint:nilnil // this is what is tested
		"sent by other means": {func(context.Context, *salebot.Request, salebot.Next) (*salebot.Response, error) {
			return nil, fmt.Errorf("other: %w", elsewhere)
		}, 200, salebot.OutcomeUnknown, salebot.OutcomeFailed, 0, true},
		"loses the answer": {func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			_, _ = next(ctx, r)
			return nil, errMiddleware
		}, 200, salebot.OutcomeUnknown, salebot.OutcomeFailed, 1, true},
		"loses a refusal": {func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			_, _ = next(ctx, r)
			return nil, errMiddleware
		}, 404, salebot.OutcomeRejected, salebot.OutcomeRejected, 1, false},
		"wraps": {func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			response, err := next(ctx, r)
			return response, fmt.Errorf("wrapped: %w", err)
		}, 404, salebot.OutcomeRejected, salebot.OutcomeRejected, 1, false},
		"another context": {func(_ context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			return next(context.Background(), r)
		}, 200, salebot.OutcomeNotSent, salebot.OutcomeNotSent, 0, true},
	} {
		for place, option := range map[string]func(salebot.Middleware) salebot.Option{"call": salebot.WithMiddleware, "attempt": salebot.WithAttemptMiddleware} {
			if place == "attempt" && !c.alsoAttempts {
				continue
			}
			mock := clienttest.Answering(c.status, `{"client_id":1}`)
			client := clienttest.New(t, mock, salebot.WithoutRetries(), option(salebot.Middleware(c.middleware)))
			_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
			require.Equal(t, c.once.String(), clienttest.RequireFailure(t, err, c.once).Outcome.String(), "%s, %s", name, place)
			require.Equal(t, c.sent, mock.GetTotalCallCount(), "%s, %s", name, place)
			_, err = client.GetVariables(t.Context(), 7)
			var failure *salebot.OpError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, c.read.String(), failure.Outcome.String(), "%s, %s: %v", name, place, err)
		}
	}
}

// A middleware that calls next again cannot make a call go out twice that a person would
// notice twice. What was provably not executed may be sent again, and so may others.
func TestMiddlewaresThatCallNextAgain(t *testing.T) {
	t.Parallel()
	again := salebot.WithMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
		_, _ = next(ctx, r)
		return next(ctx, r)
	})
	for name, c := range map[string]struct {
		status  int
		body    string
		sent    int
		outcome salebot.Outcome
	}{
		"accepted": {200, "ok", 1, salebot.OutcomeAccepted},
		"unknown":  {502, "x", 1, salebot.OutcomeUnknown},
		"refused":  {404, "client_not_found", 2, salebot.OutcomeRejected},
	} {
		for _, s := range clienttest.OnceCalls {
			mock := clienttest.Answering(c.status, c.body)
			_, err := s.Call(t.Context(), clienttest.New(t, mock, again))
			require.Equal(t, c.sent, mock.GetTotalCallCount(), name)
			clienttest.RequireOutcome(t, err, c.outcome)
		}
	}
	mock := clienttest.Answering(200, "ok")
	client := clienttest.New(t, mock, again)
	_, err := client.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: 7, Variables: map[string]any{"a": 1}})
	require.NoError(t, err)
	_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"}, salebot.WithRepeatAllowed())
	require.NoError(t, err)
	require.Equal(t, 4, mock.GetTotalCallCount())

	for _, s := range []clienttest.Scenario{clienttest.OnceCalls[0], clienttest.RepeatableCalls[0]} {
		mock := clienttest.Answering(200, "{}")
		client := clienttest.New(t, mock, salebot.WithoutRetries(), salebot.WithAttemptMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			first, _ := next(ctx, r)
			second, err := next(ctx, r)
			require.ErrorContains(t, err, "within one attempt")
			require.Nil(t, second)
			return first, nil
		}))
		_, _ = s.Call(t.Context(), client)
		require.Equal(t, 1, mock.GetTotalCallCount(), "an attempt is one request")
	}
}

// A middleware that leaves next under way does not leave it behind.
func TestMiddlewaresThatDoNotWaitForNext(t *testing.T) {
	t.Parallel()
	for place, option := range map[string]func(salebot.Middleware) salebot.Option{"call": salebot.WithMiddleware, "attempt": salebot.WithAttemptMiddleware} {
		testkit.Bubble(t, func(t *testing.T) {
			peer := &testkit.Peer{Answer: testkit.Always(testkit.Hang())}
			client := clienttest.New(t, peer.Transport(), salebot.WithoutRetries(), option(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_, _ = next(ctx, r)
				}()
				time.Sleep(time.Second)
				return nil, errMiddleware
			}))
			start := time.Now()
			_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
			require.ErrorIs(t, err, errMiddleware)
			clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
			require.Equal(t, time.Second, time.Since(start), place)
		})
	}
}

// Nor does one that panics.
func TestMiddlewaresThatPanicWhileNextIsUnderWay(t *testing.T) {
	t.Parallel()
	for place, option := range map[string]func(salebot.Middleware) salebot.Option{"call": salebot.WithMiddleware, "attempt": salebot.WithAttemptMiddleware} {
		var ended atomic.Bool
		under := make(chan struct{})
		slow := clienttest.RoundTripper(func(r *http.Request) (*http.Response, error) {
			close(under)
			<-r.Context().Done()
			for range 1000 {
				runtime.Gosched()
			}
			ended.Store(true)
			return nil, r.Context().Err()
		})
		client := clienttest.New(t, slow, option(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			go func() { _, _ = next(ctx, r) }()
			<-under
			panic("enough")
		}))
		require.PanicsWithValue(t, "enough", func() {
			_, _ = client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
		})
		require.True(t, ended.Load(), place)
	}
}

// A request that provably did not leave by next may have left by other means, whose
// outcome counts. By those means it was repeated as often as it may be.
func TestMiddlewaresThatSendByOtherMeansAfterAFailure(t *testing.T) {
	t.Parallel()
	for place, option := range map[string]func(salebot.Middleware) salebot.Option{"call": salebot.WithMiddleware, "attempt": salebot.WithAttemptMiddleware} {
		for other, want := range map[salebot.Outcome]salebot.Outcome{
			salebot.OutcomeNotSent: salebot.OutcomeNotSent, salebot.OutcomeUnknown: salebot.OutcomeUnknown, salebot.OutcomeRejected: salebot.OutcomeRejected,
			salebot.OutcomeAccepted: salebot.OutcomeAccepted,
		} {
			peer := &testkit.Peer{Dialed: func(context.Context, int) error { return testkit.Refused() }}
			made := 0
			client := clienttest.New(t, peer.Transport(), salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1}),
				option(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
					made++
					_, err := next(ctx, r)
					require.ErrorIs(t, err, syscall.ECONNREFUSED)
					return nil, fmt.Errorf("other: %w", &salebot.OpError{Action: "message", Outcome: other, Err: errMiddleware})
				}))
			_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
			_ = clienttest.RequireFailure(t, err, want)
			require.ErrorIs(t, err, errMiddleware)
			if place == "attempt" && other == salebot.OutcomeNotSent {
				require.Equal(t, 2, made)
			} else {
				require.Equal(t, 1, made, "%s: %s", place, other)
			}
			if want == salebot.OutcomeRejected || want == salebot.OutcomeAccepted {
				made = 0
				_, err = client.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: 7, Variables: map[string]any{"a": 1}})
				_ = clienttest.RequireFailure(t, err, want)
				require.Equal(t, 1, made, "it is settled, although it may be repeated")
			}
		}
	}
}

// A middleware around a call is shown the answer of the last attempt, and none if that
// brought none.
func TestMiddlewaresSeeTheLastAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []testkit.Answer
		status  int
	}{
		"a failure":            {[]testkit.Answer{testkit.Cut(), testkit.Respond(503, "busy")}, 503},
		"none":                 {[]testkit.Answer{testkit.Cut()}, -1},
		"none after a failure": {[]testkit.Answer{testkit.Respond(503, "busy"), testkit.Cut()}, -1},
	} {
		clienttest.InBubble(t, testkit.InTurn(c.answers...), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
			status := -1
			client := dial(salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 2}), salebot.WithMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
				response, err := next(ctx, r)
				if response != nil {
					status = response.Status
				}
				return response, err
			}))
			_, err := client.GetVariables(t.Context(), 7)
			require.Equal(t, 2, clienttest.RequireFailure(t, err, salebot.OutcomeFailed).Attempts)
			require.Equal(t, c.status, status, name)
		})
	}
}

// A next that is kept and called later sends nothing.
func TestNextAfterTheEnd(t *testing.T) {
	t.Parallel()
	for place, option := range map[string]func(salebot.Middleware) salebot.Option{"call": salebot.WithMiddleware, "attempt": salebot.WithAttemptMiddleware} {
		mock := clienttest.Answering(200, "ok")
		var later func() error
		client := clienttest.New(t, mock, option(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			later = func() error { _, err := next(ctx, r); return err }
			return &salebot.Response{Status: 200, Body: []byte("ok")}, nil
		}))
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
		require.NoError(t, err)
		require.ErrorContains(t, later(), "after the middleware had returned", place)
		require.Zero(t, mock.GetTotalCallCount())
	}
}

// All that middlewares do counts for the time of the call.
func TestMiddlewaresHaveTheTimeOfTheCall(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		client := clienttest.New(t, clienttest.Answering(200, "ok"), salebot.WithMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			if err := clienttest.Elapse(ctx, time.Hour); err != nil {
				return nil, err
			}
			return next(ctx, r)
		}))
		start := time.Now()
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"}, salebot.WithTimeout(time.Minute))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))
		clienttest.RequireOutcome(t, err, salebot.OutcomeNotSent)
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute+salebot.DefaultTimeout, time.Since(start))
	})
}

// Middlewares stand outside of the ledger: what they add belongs to the request, and a
// recorded answer passes through them.
func TestMiddlewaresAndLedger(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var statuses []int
	client := s.open(t, salebot.WithMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
		response, err := next(ctx, r)
		if err == nil {
			statuses = append(statuses, response.Status)
		}
		return response, err
	}))
	for i := range 2 {
		order, err := client.CreateOrder(t.Context(), salebot.CreateOrderRequest{ClientID: ann, Name: "Boots"}, salebot.WithIdempotencyKey("order 4711"))
		require.NoError(t, err)
		require.NotZero(t, order, i)
	}
	s.AssertCalls(t, "create_order", 1)
	require.Equal(t, []int{200, 200}, statuses)

	_, err := client.Message(salebot.Rehearse(t.Context()), hello("rehearsed"))
	require.NoError(t, err)
	require.Empty(t, s.received(t))
	require.Len(t, statuses, 3)
}
