package contract_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// inBubble runs a test on a network in memory with a clock of its own.
func inBubble(t *testing.T, answer func(int, *http.Request) testkit.Answer, run func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client)) {
	t.Helper()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: answer}
		run(t, peer, func(options ...salebot.Option) *salebot.Client {
			return clienttest.New(t, peer.Transport(), options...)
		})
	})
}

// Every attempt waits for the limiter, not only every call.
func TestLimiterPacesAttempts(t *testing.T) {
	t.Parallel()
	inBubble(t, testkit.Always(testkit.Respond(429, "", "Retry-After: 1")), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
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
	inBubble(t, testkit.Always(testkit.Respond(200, "{}")), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
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
			inBubble(t, nil, func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
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
		inBubble(t, testkit.Always(testkit.Respond(429, "")), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
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

// Which limit ends a call that gets no answer, and when.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	minutes := func(n int) context.Context { return deadlineIn{n} }
	for name, c := range map[string]struct {
		options  []salebot.Option
		call     []salebot.CallOption
		ctx      context.Context
		client   time.Duration // http.Client.Timeout
		want     time.Duration
		attempts int
	}{
		"defaults":                    {want: salebot.DefaultAttemptTimeout, attempts: 1},
		"attempt timeout":             {options: []salebot.Option{salebot.WithAttemptTimeout(3 * time.Second)}, want: 3 * time.Second, attempts: 1},
		"attempt timeout of the call": {options: []salebot.Option{salebot.WithAttemptTimeout(time.Second)}, call: []salebot.CallOption{salebot.WithAttemptTimeout(4 * time.Second)}, want: 4 * time.Second, attempts: 1},
		"timeout":                     {options: []salebot.Option{salebot.WithTimeout(2 * time.Second)}, want: 2 * time.Second, attempts: 1},
		"timeout of the call":         {options: []salebot.Option{salebot.WithTimeout(time.Hour)}, call: []salebot.CallOption{salebot.WithTimeout(5 * time.Second)}, want: 5 * time.Second, attempts: 1},
		"http.Client.Timeout":         {client: 6 * time.Second, want: 6 * time.Second, attempts: 1},
		"longer http.Client.Timeout":  {client: time.Hour, want: salebot.DefaultAttemptTimeout, attempts: 1},
		"deadline of the context":     {ctx: minutes(1), options: []salebot.Option{salebot.WithAttemptTimeout(time.Hour)}, want: time.Minute, attempts: 1},
		"deadline beyond the timeout": {ctx: minutes(3), options: []salebot.Option{salebot.WithAttemptTimeout(time.Hour), salebot.WithTimeout(time.Second)}, want: time.Second, attempts: 1},
		"deadline beyond the default": {ctx: minutes(3), options: []salebot.Option{salebot.WithAttemptTimeout(time.Hour)}, want: 3 * time.Minute, attempts: 1},
		"default of the call":         {options: []salebot.Option{salebot.WithAttemptTimeout(time.Hour)}, want: salebot.DefaultTimeout, attempts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				peer := &testkit.Peer{Answer: testkit.Always(testkit.Hang())}
				options := c.options
				if c.client > 0 {
					options = append(options, salebot.WithHTTPClient(&http.Client{Transport: peer.Transport(), Timeout: c.client}))
				} else {
					options = append(options, salebot.WithTransport(peer.Transport()))
				}
				client, err := salebot.New(testkit.Key, options...)
				require.NoError(t, err)
				ctx := t.Context()
				if d, ok := c.ctx.(deadlineIn); ok {
					limited, cancel := context.WithTimeout(ctx, time.Duration(d.minutes)*time.Minute)
					defer cancel()
					ctx = limited
				}
				start := time.Now()
				_, err = clienttest.OnceCalls[0].Call(ctx, client, c.call...)
				require.Equal(t, c.want, time.Since(start))
				failure := clienttest.RequireFailure(t, err, salebot.OutcomeUnknown)
				require.Equal(t, c.attempts, failure.Attempts)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				var transport *salebot.TransportError
				require.ErrorAs(t, err, &transport)
				require.True(t, transport.Timeout)
				require.ErrorContains(t, err, "timed out")
			})
		})
	}
}

// deadlineIn stands for a context that is made within the bubble.
type deadlineIn struct{ minutes int }

func (deadlineIn) Deadline() (time.Time, bool) { return time.Time{}, false }
func (deadlineIn) Done() <-chan struct{}       { return nil }
func (deadlineIn) Err() error                  { return nil }
func (deadlineIn) Value(any) any               { return nil }

// The timeout of a call covers its attempts, its waits and its pace.
func TestTimeoutCoversEverything(t *testing.T) {
	t.Parallel()
	inBubble(t, func(int, *http.Request) testkit.Answer {
		slow := testkit.Respond(503, "", "Retry-After: 10")
		slow.Delay = 20 * time.Second
		return slow
	}, func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		start := time.Now()
		_, err := dial(salebot.WithTimeout(80*time.Second), salebot.WithLimiter(clienttest.LimiterFunc(func(context.Context) error {
			time.Sleep(5 * time.Second)
			return nil
		}))).GetVariables(t.Context(), 1)
		// 5+20, 10+5+20, 10+5, and the third attempt is cut off.
		require.Equal(t, 80*time.Second, time.Since(start))
		failure := clienttest.RequireFailure(t, err, salebot.OutcomeUnknown)
		require.Equal(t, 3, failure.Attempts)
		require.Len(t, peer.Arrivals(), 3)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(time.Minute)
	})
}

var errShutdown = errors.New("the program shuts down")

// However a context ends, and whenever, errors.Is tells; so does the cause.
func TestEndedContexts(t *testing.T) {
	t.Parallel()
	canceled := func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithCancelCause(ctx)
		return ctx, func() { cancel(errShutdown) }
	}
	timed := func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithTimeoutCause(ctx, time.Second, errShutdown)
		return ctx, func() { time.Sleep(2 * time.Second); cancel() }
	}
	for name, c := range map[string]struct {
		start func(context.Context) (context.Context, func())
		is    error
	}{
		"canceled":  {canceled, context.Canceled},
		"timed out": {timed, context.DeadlineExceeded},
	} {
		for when, answer := range map[string]testkit.Answer{
			"before the call":    testkit.Respond(200, "{}"),
			"during an attempt":  testkit.Hang(),
			"between attempts":   testkit.Respond(503, "", "Retry-After: 5"),
			"within an answer":   {Text: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", Hang: true},
			"waiting for a pace": testkit.Respond(200, "{}"),
		} {
			if name == "timed out" && when == "between attempts" {
				continue // such a wait is not begun
			}
			t.Run(name+" "+when, func(t *testing.T) {
				t.Parallel()
				inBubble(t, testkit.Always(answer), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
					ctx, end := c.start(t.Context())
					var options []salebot.Option
					attempts, outcome := 1, salebot.OutcomeUnknown
					switch when {
					case "before the call":
						attempts, outcome = 0, salebot.OutcomeNotSent
						end()
						end = func() {}
					case "waiting for a pace":
						attempts, outcome = 0, salebot.OutcomeNotSent
						options = append(options, salebot.WithLimiter(clienttest.LimiterFunc(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })))
					}
					var ended sync.WaitGroup
					defer ended.Wait()
					ended.Go(func() {
						synctest.Wait()
						end()
					})
					start := time.Now()
					_, err := dial(options...).GetVariables(ctx, 1)
					require.LessOrEqual(t, time.Since(start), 2*time.Second)
					failure := clienttest.RequireFailure(t, err, outcome)
					require.Equal(t, attempts, failure.Attempts)
					require.Len(t, peer.Arrivals(), attempts)
					require.ErrorIs(t, err, c.is)
					require.NotErrorIs(t, err, map[error]error{context.Canceled: context.DeadlineExceeded, context.DeadlineExceeded: context.Canceled}[c.is])
					require.ErrorIs(t, err, errShutdown, "the cause is told")
					if when == "between attempts" {
						require.ErrorIs(t, err, salebot.ErrServer, "and so is what went before")
						require.Contains(t, failure.Stopped, "context")
					}
					var transport *salebot.TransportError
					require.ErrorAs(t, err, &transport)
					require.Equal(t, c.is == context.DeadlineExceeded, transport.Timeout)
				})
			})
		}
	}
}

// A hook sees each attempt, from outside in and from inside out, and may change
// the context on the way.
func TestHooks(t *testing.T) {
	t.Parallel()
	type key struct{}
	inBubble(t, testkit.InTurn(testkit.Respond(503, "busy", "Retry-After: 2"), testkit.Respond(200, `{"status":"success"}`)), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
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
		first := salebot.Attempt{Action: "save_variables", Class: salebot.Idempotent, Number: 1, RequestBytes: body}
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
	inBubble(t, testkit.Always(testkit.Hang()), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
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
	inBubble(t, testkit.Always(testkit.Respond(200, "{}")), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		client := dial(salebot.WithHook(salebot.Hook{Before: func(ctx context.Context, _ salebot.Attempt) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx
		}}))
		_, err := client.GetVariables(t.Context(), 1)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// What is logged of an attempt, and at which level.
func TestLog(t *testing.T) {
	t.Parallel()
	inBubble(t, testkit.InTurn(testkit.Respond(429, `{"status":"error","message":"slow"}`, "Retry-After: 3"), testkit.Respond(200, "{}")), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		var out bytes.Buffer
		client := dial(salebot.WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		_, err := client.GetVariables(t.Context(), 1)
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 2)
		require.JSONEq(t, `{"level":"WARN","msg":"salebot call failed","action":"get_variables","attempt":1,"status":429,"outcome":"rejected","duration":0,
			"error":{"status":429,"code":"error","message":"slow","retry_after":3000000000}}`, withoutTime(t, lines[0]))
		require.JSONEq(t, `{"level":"DEBUG","msg":"salebot call","action":"get_variables","attempt":2,"status":200,"outcome":"accepted","duration":0}`, withoutPaceWait(t, lines[1], 3*time.Second))

		out.Reset()
		quiet, err := client.With(salebot.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
		require.NoError(t, err)
		_, err = quiet.GetVariables(t.Context(), 1)
		require.NoError(t, err)
		require.Empty(t, out.String(), "a success is not worth more than debug")
	})
}

// withoutPaceWait is a line without its time and its wait for the pace, which is at
// least so long and a little random.
func withoutPaceWait(t *testing.T, line string, least time.Duration) string {
	t.Helper()
	var record map[string]any
	require.NoError(t, json.Unmarshal([]byte(withoutTime(t, line)), &record))
	waited, ok := record["pace_wait"].(float64)
	require.True(t, ok)
	require.InDelta(t, float64(least), waited, float64(time.Second))
	require.GreaterOrEqual(t, waited, float64(least))
	delete(record, "pace_wait")
	text, err := json.Marshal(record)
	require.NoError(t, err)
	return string(text)
}

func withoutTime(t *testing.T, line string) string {
	t.Helper()
	var record map[string]any
	require.NoError(t, json.Unmarshal([]byte(line), &record))
	require.NotEmpty(t, record["time"])
	delete(record, "time")
	text, err := json.Marshal(record)
	require.NoError(t, err)
	return string(text)
}

// Many goroutines share a client; run with -race.
func TestConcurrentCalls(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	peer := &testkit.Peer{Answer: func(number int, _ *http.Request) testkit.Answer {
		arrived.Add(1)
		if number%200 == 0 {
			return testkit.Respond(429, "")
		}
		return testkit.Respond(200, `{"status":"success","a":"b"}`)
	}}
	transport := peer.Transport()
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = 32, 32
	client := clienttest.New(t, transport, salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 50, BaseDelay: 1, MaxDelay: 1}), salebot.WithRetryBudget(1000))
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			variant, err := client.With(salebot.WithUserAgent("x"))
			if err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				for _, s := range []clienttest.Scenario{clienttest.OnceCalls[0], clienttest.RepeatableCalls[0], clienttest.RepeatableCalls[1]} {
					for _, c := range []*salebot.Client{client, variant} {
						if _, err := s.Call(t.Context(), c); err != nil {
							t.Error(err)
						}
					}
				}
			}
		})
	}
	group.Wait()
	require.GreaterOrEqual(t, arrived.Load(), int64(32*5*3*2))
	// net/http gives a connection up whose goroutines do not come to run for 50 ms.
	require.Less(t, int64(peer.Dials()), arrived.Load()/2, "connections are kept and used again")
}
