package salebot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// A read that brought nothing has failed, in hooks, logs, JSON and errors alike; of a
// write the same answer leaves the outcome unknown.
func TestOutcomeOfFailedReads(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]salebot.Outcome{
		"get_variables":  salebot.OutcomeFailed,
		"get_history":    salebot.OutcomeFailed,
		"save_variables": salebot.OutcomeUnknown,
		"message":        salebot.OutcomeUnknown,
	} {
		for name, answer := range map[string]struct {
			status int
			body   string
		}{"a failing server": {502, clienttest.Page}, "a page": {200, clienttest.Page}, "a timeout of the server": {408, ""}} {
			var observed []salebot.Attempt
			var log bytes.Buffer
			client := clienttest.New(t, clienttest.Answering(answer.status, answer.body), salebot.WithoutRetries(),
				salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) { observed = append(observed, a) }}),
				salebot.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
			_, err := clienttest.Scenarios[action][0].Call(t.Context(), client)

			var failure *salebot.OpError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, want, failure.Outcome, "%s: %s", action, name)
			require.Equal(t, want == salebot.OutcomeUnknown, clienttest.IsUnknown(err), "%s: %s", action, name)
			require.Len(t, observed, 1)
			require.Equal(t, want, observed[0].Outcome, "%s: %s", action, name)
			var record struct{ Outcome string }
			require.NoError(t, json.Unmarshal(log.Bytes(), &record))
			require.Equal(t, want.String(), record.Outcome, "%s: %s", action, name)
			encoded, err := json.Marshal(failure.Outcome)
			require.NoError(t, err)
			require.JSONEq(t, `"`+want.String()+`"`, string(encoded))
		}
	}
}

// Hooks and the logger count odd fields, in each kind of record.
func TestOddFieldsAreCounted(t *testing.T) {
	t.Parallel()
	for body, call := range map[string]func(context.Context, *salebot.Client) error{
		`{"clients":[{"id":1,"tag":{}},{"id":2,"name":[],"avatar":{}}]}`: func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetClients(ctx, salebot.GetClientsRequest{})
			return err
		},
		`{"result":[{"id":1,"delivered":2,"answered":7,"manager_id":"admin"}]}`: func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: 1})
			return err
		},
		`{"project_id":{},"telegram":[{"id":1,"name":{},"enabled":5}]}`: func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetConnectedChannels(ctx)
			return err
		},
		`{"messages":[{"id":1,"message_type":"x"},{"id":2,"message_type":{}},{"id":3,"message_type":[]}]}`: func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetBlocks(ctx)
			return err
		},
		`{"items":[{"id":1,"client_type":"x","group_id":{},"status":{}}]}`: func(ctx context.Context, c *salebot.Client) error {
			_, err := c.LoadClients(ctx, []salebot.ClientToLoad{salebot.TelegramUser("1", "b")})
			return err
		},
	} {
		var log strings.Builder
		counted := 0
		client := clienttest.New(t, clienttest.Answering(http.StatusOK, body),
			salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) { counted += a.UnreadFields }}),
			salebot.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		require.NoError(t, call(t.Context(), client), body)
		require.Equal(t, 3, counted, body)
		require.Contains(t, log.String(), "unread_fields=3", body)
	}
}

// A hook sees each attempt, from outside in and from inside out, and may change
// the context on the way.
func TestHooks(t *testing.T) {
	t.Parallel()
	type key struct{}
	clienttest.InBubble(t, testkit.InTurn(testkit.Respond(503, "busy", "Retry-After: 2"), testkit.Respond(200, `{"status":"success"}`)), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		var events []string
		var befores, afters []salebot.Attempt
		hook := func(name string) salebot.Hook {
			return salebot.Hook{
				Before: func(ctx context.Context, a salebot.Attempt) context.Context {
					seen, _ := ctx.Value(key{}).(string)
					events = append(events, "before "+name+" within "+seen)
					befores = append(befores, a)
					return context.WithValue(ctx, key{}, name)
				},
				After: func(ctx context.Context, a salebot.Attempt) {
					seen, _ := ctx.Value(key{}).(string)
					events = append(events, "after "+name+" within "+seen)
					afters = append(afters, a)
				},
			}
		}
		onlyAfter := salebot.Hook{After: func(ctx context.Context, _ salebot.Attempt) {
			events = append(events, "after only within "+ctx.Value(key{}).(string))
		}}
		nothing := salebot.Hook{Before: func(context.Context, salebot.Attempt) context.Context { return nil }}
		client := dial(salebot.WithHook(hook("outer")), salebot.WithHook(onlyAfter), salebot.WithHook(nothing), salebot.WithHook(hook("inner")))
		_, err := client.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: 1, Variables: map[string]any{"a": 1}})
		require.NoError(t, err)
		attempt := []string{
			"before outer within ", "before inner within outer", "after inner within inner", "after only within outer", "after outer within outer",
		}
		require.Equal(t, slices.Concat(attempt, attempt), events, "the second attempt begins with the caller's context again")

		body := len(`{"client_id":1,"variables":{"a":1}}`)
		base, err := url.Parse(client.BaseURL())
		require.NoError(t, err)
		first := salebot.Attempt{Action: "save_variables", Class: salebot.Idempotent, Number: 1, Method: http.MethodPost, RequestBytes: body}
		first.Host, first.Path = base.Host, base.Path+"/{api_key}/save_variables"
		second := first
		second.Number, second.Waited = 2, 2*time.Second
		require.Equal(t, []salebot.Attempt{first, first, second, second}, befores)

		require.ErrorIs(t, afters[0].Err, salebot.ErrServer)
		afters[0].Err, afters[1].Err = nil, nil
		first.Status, first.ResponseBytes, first.Outcome = 503, len("busy"), salebot.OutcomeUnknown
		second.Status, second.ResponseBytes, second.Outcome = 200, len(`{"status":"success"}`), salebot.OutcomeAccepted
		require.Equal(t, []salebot.Attempt{first, first, second, second}, afters)
	})
}

// What a hook reports of attempts that got no answer, and how long they took.
func TestHookAfterFailures(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.Always(testkit.Hang()), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		var seen []salebot.Attempt
		client := dial(salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) { seen = append(seen, a) }}), salebot.WithAttemptTimeout(7*time.Second))
		_, err := clienttest.OnceCalls[0].Call(t.Context(), client)
		require.Error(t, err)
		require.Len(t, seen, 1)
		require.Equal(t, 7*time.Second, seen[0].Duration)
		require.Zero(t, seen[0].Status)
		require.Equal(t, salebot.OutcomeUnknown, seen[0].Outcome)
		require.ErrorIs(t, seen[0].Err, context.DeadlineExceeded)
	})
}

// A context that a hook canceled ends the attempt, not the call.
func TestHookThatCancels(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.Always(testkit.Respond(200, "{}")), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		client := dial(salebot.WithHook(salebot.Hook{Before: func(ctx context.Context, _ salebot.Attempt) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx
		}}))
		_, err := client.GetVariables(t.Context(), 1)
		require.ErrorIs(t, err, context.Canceled)
	})
}

type spanKey struct{}

// Hooks send headers of their own with each attempt, such as traceparent.
func TestHookHeaders(t *testing.T) {
	t.Parallel()
	var arrived []http.Header
	transport := clienttest.RoundTripper(func(r *http.Request) (*http.Response, error) {
		arrived = append(arrived, r.Header)
		return clienttest.Answer(503, "busy")(r)
	})
	tracing := salebot.Hook{
		Before: func(ctx context.Context, a salebot.Attempt) context.Context {
			return context.WithValue(ctx, spanKey{}, fmt.Sprintf("span-%d", a.Number))
		},
		Headers: func(ctx context.Context, _ salebot.Attempt) http.Header {
			return http.Header{"traceparent": {fmt.Sprint(ctx.Value(spanKey{}))}}
		},
	}
	client := clienttest.New(t, transport, salebot.WithHook(tracing), salebot.WithHeader("X-Tenant", "north"),
		salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1}))
	_, err := client.GetVariables(t.Context(), 1)
	require.ErrorIs(t, err, salebot.ErrServer)
	require.Len(t, arrived, 2)
	for i, header := range arrived {
		require.Equal(t, []string{fmt.Sprintf("span-%d", i+1)}, header["Traceparent"])
		require.Equal(t, []string{"north"}, header["X-Tenant"])
		require.Equal(t, salebot.DefaultUserAgent, header.Get("User-Agent"))
	}
}

// A header that must not be sent is a failure of the attempt that is proved not to be
// sent, and not repeated.
func TestHookHeadersAreChecked(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"Idempotency-Key": "1", "Host": "h.example", "X-Line": "a\r\nb", "X-Key": testkit.Key} {
		mock := clienttest.Answering(200, "ok")
		client := clienttest.New(t, mock, salebot.WithHook(salebot.Hook{
			Headers: func(context.Context, salebot.Attempt) http.Header { return http.Header{name: {value}} },
		}))
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "x"})
		require.ErrorIs(t, err, salebot.ErrInvalidRequest, name)
		require.Equal(t, 1, clienttest.RequireFailure(t, err, salebot.OutcomeNotSent).Attempts)
		clienttest.RequireHiddenError(t, err)
		require.Zero(t, mock.GetTotalCallCount())
	}
}
