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

// callNotes are what the call functions of a hook were told.
type callNotes struct{ begun, ended []salebot.Call }

func (n *callNotes) hook() salebot.Hook {
	return salebot.Hook{
		BeforeCall: func(_ context.Context, c salebot.Call) context.Context { n.begun = append(n.begun, c); return nil },
		AfterCall:  func(_ context.Context, c salebot.Call) { n.ended = append(n.ended, c) },
	}
}

// last is the one call that was told about since the last time.
func (n *callNotes) last(t *testing.T) salebot.Call {
	t.Helper()
	require.Len(t, n.begun, 1)
	require.Len(t, n.ended, 1)
	c := n.ended[0]
	n.begun, n.ended = nil, nil
	return c
}

// A call is told about from its beginning to its end, around its attempts, with the
// context that each hook has chosen.
func TestCallHooks(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var events []string
		var calls []salebot.Call
		hook := func(name string) salebot.Option {
			within := func(ctx context.Context) string { return fmt.Sprint(ctx.Value(spanKey{})) }
			enter := func(ctx context.Context, what string) context.Context {
				events = append(events, name+" begins "+what+" in "+within(ctx))
				return context.WithValue(ctx, spanKey{}, name+" "+what)
			}
			leave := func(ctx context.Context, what string) { events = append(events, name+" ends "+what+" in "+within(ctx)) }
			return salebot.WithHook(salebot.Hook{
				BeforeCall: func(ctx context.Context, c salebot.Call) context.Context {
					calls = append(calls, c)
					return enter(ctx, "call")
				},
				AfterCall: func(ctx context.Context, c salebot.Call) { calls = append(calls, c); leave(ctx, "call") },
				Before:    func(ctx context.Context, _ salebot.Attempt) context.Context { return enter(ctx, "attempt") },
				After:     func(ctx context.Context, _ salebot.Attempt) { leave(ctx, "attempt") },
			})
		}
		peer := &testkit.Peer{Answer: testkit.InTurn(testkit.Respond(503, "busy", "Retry-After: 2"), testkit.Respond(200, `{"a":"b"}`))}
		client := clienttest.New(t, peer.Transport(), hook("A"), hook("B"),
			salebot.WithLimiter(clienttest.LimiterFunc(func(ctx context.Context) error { return clienttest.Elapse(ctx, time.Second) })))
		_, err := client.GetVariables(t.Context(), 25554)
		require.NoError(t, err)
		attempt := []string{
			"A begins attempt in B call", "B begins attempt in A attempt",
			"B ends attempt in B attempt", "A ends attempt in A attempt",
		}
		want := append([]string{"A begins call in <nil>", "B begins call in A call"}, attempt...)
		want = append(append(want, attempt...), "B ends call in B call", "A ends call in A call")
		require.Equal(t, want, events)

		begun := salebot.Call{Action: "get_variables", Class: salebot.Read, ClientID: 25554}
		ended := begun
		ended.Attempts, ended.Status, ended.Outcome = 2, 200, salebot.OutcomeAccepted
		ended.Duration, ended.Waited, ended.LimiterWait = 4*time.Second, 2*time.Second, 2*time.Second
		require.Equal(t, []salebot.Call{begun, begun, ended, ended}, calls)
	})
}

// The end of a call says what it came to, whatever that is.
func TestCallHooksTellEveryEnd(t *testing.T) {
	t.Parallel()
	notes := &callNotes{}
	mock := clienttest.Answering(502, clienttest.Page)
	client := clienttest.New(t, mock, salebot.WithHook(notes.hook()), salebot.WithoutRetries())

	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
	ended := notes.last(t)
	require.Equal(t, err, ended.Err)
	require.Equal(t, []any{"message", salebot.Once, salebot.ClientID(7), 1, 502, salebot.OutcomeUnknown},
		[]any{ended.Action, ended.Class, ended.ClientID, ended.Attempts, ended.Status, ended.Outcome})

	_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 7})
	ended = notes.last(t)
	require.Equal(t, err, ended.Err, "a refusal before any I/O")
	require.Equal(t, []any{0, 0, salebot.OutcomeNotSent}, []any{ended.Attempts, ended.Status, ended.Outcome})

	_, err = client.GetVariables(nil, 7) //nolint:staticcheck // this is what is tested
	require.Equal(t, err, notes.last(t).Err)
	_, err = client.GetVariables(t.Context(), 7, salebot.WithTimeout(-1))
	require.Equal(t, err, notes.last(t).Err)
	_, err = client.Do(t.Context(), salebot.DoRequest{})
	ended = notes.last(t)
	require.Equal(t, err, ended.Err)
	require.Equal(t, "do", ended.Action)

	_, err = client.Message(salebot.Rehearse(t.Context()), salebot.MessageRequest{ClientID: 7, Message: "x"})
	require.NoError(t, err)
	ended = notes.last(t)
	require.Equal(t, []any{0, salebot.OutcomeNotTried, salebot.ClientID(7)}, []any{ended.Attempts, ended.Outcome, ended.ClientID})
	require.Equal(t, 1, mock.GetTotalCallCount())

	found := clienttest.New(t, clienttest.Answering(200, `{"client_id":25554}`), salebot.WithHook(notes.hook()))
	_, err = found.GetClientIDByPhone(t.Context(), "79000000000")
	require.NoError(t, err)
	require.Zero(t, notes.begun[0].ClientID)
	require.Equal(t, salebot.ClientID(25554), notes.last(t).ClientID, "of a look-up it is the client that was found")
}

// A call that ends by a panic ends for its hooks too, and the panic goes on.
func TestCallHooksTellPanics(t *testing.T) {
	t.Parallel()
	notes := &callNotes{}
	client := clienttest.New(t, clienttest.Answering(200, "ok"), salebot.WithHook(notes.hook()),
		salebot.WithHook(salebot.Hook{After: func(context.Context, salebot.Attempt) { panic("boom") }}))
	require.PanicsWithValue(t, "boom", func() { _, _ = client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"}) })
	ended := notes.last(t)
	require.ErrorContains(t, ended.Err, "panic")
	require.Equal(t, salebot.OutcomeUnknown, ended.Outcome)
}

// A call that a ledger answers is told about as such.
func TestCallHooksTellRecordedAnswers(t *testing.T) {
	t.Parallel()
	notes := &callNotes{}
	client := newShop(t).open(t, salebot.WithHook(notes.hook()))
	for _, recorded := range []bool{false, true} {
		_, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order 4711"))
		require.NoError(t, err)
		ended := notes.last(t)
		require.Equal(t, recorded, ended.Recorded)
		require.Equal(t, recorded, ended.Attempts == 0)
		require.Equal(t, salebot.OutcomeAccepted, ended.Outcome)
	}
}

// The calls of a hook around a call of a batch are not those of the batch either.
func TestCallHooksOfABatchMakeCallsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var client *salebot.Client
	client = s.open(t, salebot.WithHook(salebot.Hook{BeforeCall: func(ctx context.Context, c salebot.Call) context.Context {
		if c.Action == "add_to_list" {
			if _, err := client.Message(ctx, hello("a list grows"), salebot.WithIdempotencyKey("grows")); err != nil {
				t.Error(err)
			}
		}
		return ctx
	}}))
	report, err := client.BulkAddToList(t.Context(), 5, salebot.Items([]salebot.ClientID{ann}), salebot.BulkOptions{Name: "list"})
	require.Equal(t, []string{"a list grows"}, s.received(t))
	require.Equal(t, 1, report.Total(), "%v", err)
	require.Zero(t, report.NotTried, "%+v", report)
}

// named is a handler that notes what a context holds under the key of a type.
type named[K any] struct {
	slog.Handler
	seen *[]string
}

func (h named[K]) Enabled(context.Context, slog.Level) bool { return true }

func (h named[K]) Handle(ctx context.Context, r slog.Record) error {
	var key K
	name, _ := ctx.Value(key).(string)
	*h.seen = append(*h.seen, r.Message+": "+name)
	return nil
}

// The logger is given a context with all that the hooks have put into it, such as the
// number of a trace.
func TestLogHasTheContextOfHooks(t *testing.T) {
	t.Parallel()
	type outer struct{}
	type inner struct{}
	with := func(key any, name string) salebot.Option {
		return salebot.WithHook(salebot.Hook{BeforeCall: func(ctx context.Context, _ salebot.Call) context.Context { return context.WithValue(ctx, key, name) }})
	}
	var seen []string
	for _, handler := range []slog.Handler{named[outer]{seen: &seen}, named[inner]{seen: &seen}} {
		clienttest.InBubble(t, testkit.InTurn(testkit.Respond(503, ""), testkit.Respond(200, "{}")), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
			client := dial(with(outer{}, "outer"), salebot.WithLogger(slog.New(handler)))
			_, err := client.GetVariables(t.Context(), 0)
			require.ErrorIs(t, err, salebot.ErrInvalidRequest)
			client, err = client.With(with(inner{}, "inner"))
			require.NoError(t, err)
			_, err = client.GetVariables(t.Context(), 1)
			require.NoError(t, err)
			_, err = client.GetVariables(t.Context(), 0)
			require.ErrorIs(t, err, salebot.ErrInvalidRequest)
		})
	}
	of := func(name string) []string {
		return []string{"salebot attempt failed and is repeated: " + name, "salebot call: " + name, "salebot call failed: " + name}
	}
	require.Equal(t, slices.Concat([]string{"salebot call failed: outer"}, of("outer"), []string{"salebot call failed: "}, of("inner")), seen)
}

// The lines of the log and the names in them are a promise; see WithLogger.
func TestLogLines(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		peer := &testkit.Peer{Answer: testkit.InTurn(
			testkit.Respond(503, "busy", "Retry-After: 2"), testkit.Respond(200, `{"a":"b"}`),
			testkit.Respond(200, `{"status":"success","clients":[{"id":1,"name":{}}]}`),
			testkit.Respond(404, `{"status":"client_not_found"}`),
		)}
		client := clienttest.New(t, peer.Transport(), salebot.WithLogger(logger))
		_, err := client.GetVariables(t.Context(), 25554)
		require.NoError(t, err)
		_, err = client.GetClients(t.Context(), salebot.GetClientsRequest{})
		require.NoError(t, err)
		_, err = client.GetClientIDByPhone(t.Context(), "79000000000")
		require.ErrorIs(t, err, salebot.ErrClientNotFound)
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 25554})
		require.ErrorIs(t, err, salebot.ErrInvalidRequest)
		require.Equal(t, []string{
			`level=WARN msg="salebot attempt failed and is repeated" action=get_variables client=25554 outcome=failed attempt=1 duration=0s status=503 waited=2s ` +
				`error.status=503 error.retry_after=2s`,
			`level=DEBUG msg="salebot call" action=get_variables client=25554 outcome=accepted attempts=2 duration=2s status=200 waited=2s`,
			`level=WARN msg="salebot answer was not understood entirely" action=get_clients outcome=accepted attempts=1 duration=0s status=200 unread_fields=1`,
			`level=WARN msg="salebot call failed" action=find_client_id_by_phone outcome=rejected attempts=1 duration=0s status=404 ` +
				`error.action=find_client_id_by_phone error.attempts=1 error.outcome=rejected ` +
				`error.cause.status=404 error.cause.code=client_not_found`,
			`level=WARN msg="salebot call failed" action=message outcome="not sent" attempts=0 duration=0s ` +
				`error.action=message error.attempts=0 error.outcome="not sent" ` +
				`error.cause.field=Message error.cause.problem="is required, unless BlockID or AttachmentURL is set"`,
		}, strings.Split(strings.TrimSpace(log.String()), "\n"))
	})
}

// What is logged of a call, and at which level.
func TestLog(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.InTurn(testkit.Respond(429, `{"status":"error","message":"slow"}`, "Retry-After: 3"), testkit.Respond(200, "{}")), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		var out bytes.Buffer
		client := dial(salebot.WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		_, err := client.GetVariables(t.Context(), 1)
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 2)
		require.JSONEq(t, `{"level":"WARN","msg":"salebot attempt failed and is repeated","action":"get_variables","client":1,"attempt":1,"status":429,
			"outcome":"rejected","duration":0,"error":{"status":429,"code":"error","message":"slow","retry_after":3000000000}}`, without(t, lines[0], "waited"))
		require.JSONEq(t, `{"level":"DEBUG","msg":"salebot call","action":"get_variables","client":1,"attempts":2,"status":200,"outcome":"accepted"}`,
			without(t, lines[1], "pace_wait", "duration"))

		out.Reset()
		quiet, err := client.With(salebot.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
		require.NoError(t, err)
		_, err = quiet.GetVariables(t.Context(), 1)
		require.NoError(t, err)
		require.Empty(t, out.String(), "a success is not worth more than debug")
	})
}

// without is a line without its time and without durations, which are those of a wait of
// three seconds that is a little random.
func without(t *testing.T, line string, durations ...string) string {
	t.Helper()
	var record map[string]any
	require.NoError(t, json.Unmarshal([]byte(line), &record))
	require.NotEmpty(t, record["time"])
	delete(record, "time")
	for _, name := range durations {
		waited, ok := record[name].(float64)
		require.True(t, ok, name)
		require.InDelta(t, float64(3*time.Second), waited, float64(time.Second))
		require.GreaterOrEqual(t, waited, float64(3*time.Second))
		delete(record, name)
	}
	text, err := json.Marshal(record)
	require.NoError(t, err)
	return string(text)
}
