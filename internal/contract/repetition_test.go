package contract_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// fate is what becomes of a call.
type fate struct {
	// attempts and arrivals count what was tried and what came to the server whole.
	attempts, arrivals int
	outcome            salebot.Outcome
	// stopped is a part of the reason for not trying again.
	stopped string
	// waited are the waits before the second and further attempts, if the server
	// ordered them; jitter is checked elsewhere.
	waited []time.Duration
}

const (
	unsafe = "execute the action twice"
	spent  = "no attempts left"
)

// fault is a row of the matrix.
type fault struct {
	name string
	// each call has a new peer.
	peer    func() *testkit.Peer
	options []salebot.Option
	// limit is the deadline of the context, if any.
	limit time.Duration

	once, repeatable fate
	is               []error
}

func answers(list ...testkit.Answer) func() *testkit.Peer {
	return func() *testkit.Peer { return &testkit.Peer{Answer: testkit.InTurn(list...)} }
}

func dialing(failure func() error) func() *testkit.Peer {
	return func() *testkit.Peer {
		return &testkit.Peer{Dialed: func(context.Context, int) error { return failure() }}
	}
}

func dated(status int, after time.Duration) func() *testkit.Peer {
	return func() *testkit.Peer {
		return &testkit.Peer{Answer: func(int, *http.Request) testkit.Answer {
			return testkit.Respond(status, "wait", "Retry-After: "+time.Now().Add(after).UTC().Format(http.TimeFormat))
		}}
	}
}

func thrice(d time.Duration) []time.Duration { return []time.Duration{d, d, d} }

// dialTimeout is how long a dial that nobody waits for any more goes on.
const dialTimeout = time.Minute

var (
	generous = []salebot.Option{salebot.WithAttemptTimeout(5 * time.Second), salebot.WithTimeout(time.Hour)}

	unsent    = fate{4, 0, salebot.OutcomeNotSent, spent, nil}
	onceLost  = fate{1, 1, salebot.OutcomeUnknown, unsafe, nil}
	fourLost  = fate{4, 4, salebot.OutcomeUnknown, spent, nil}
	rejected  = fate{1, 1, salebot.OutcomeRejected, "", nil}
	unread    = fate{1, 1, salebot.OutcomeUnknown, "", nil}
	timeouts  = []error{context.DeadlineExceeded}
	limited   = []error{salebot.ErrRateLimited, salebot.ErrRejected}
	broken    = []error{salebot.ErrServer}
	surprised = []error{salebot.ErrUnexpectedResponse}
)

var faults = []fault{
	{name: "refused connection", peer: dialing(testkit.Refused), once: unsent, repeatable: unsent, is: []error{syscall.ECONNREFUSED}},
	{name: "DNS failure", peer: dialing(testkit.NoSuchHost), once: unsent, repeatable: unsent},
	{
		name: "timeout of the connection", options: generous, once: unsent, repeatable: unsent, is: timeouts,
		peer: func() *testkit.Peer {
			return &testkit.Peer{Dialed: func(context.Context, int) error { time.Sleep(dialTimeout); return os.ErrDeadlineExceeded }}
		},
	},
	{
		name: "reset before the request was read", peer: func() *testkit.Peer {
			return &testkit.Peer{Accepted: func(int) bool { return false }}
		},
		once: fate{1, 0, salebot.OutcomeUnknown, unsafe, nil}, repeatable: fate{4, 0, salebot.OutcomeUnknown, spent, nil},
	},
	{name: "reset after the body was sent", peer: answers(testkit.Cut()), once: onceLost, repeatable: fourLost, is: []error{io.EOF}},
	{name: "reset within the headers", peer: answers(testkit.Answer{Text: "HTTP/1.1 200 OK\r\nServer: x\r\n", Cut: true}), once: onceLost, repeatable: fourLost, is: []error{io.ErrUnexpectedEOF}},
	{name: "reset within the answer", peer: answers(testkit.Answer{Text: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok", Cut: true}), once: onceLost, repeatable: fourLost, is: []error{io.ErrUnexpectedEOF}},
	{name: "no HTTP", peer: answers(testkit.Answer{Text: "hello\r\n\r\n", Cut: true}), once: onceLost, repeatable: fourLost},
	{name: "timeout", peer: answers(testkit.Hang()), options: generous, once: onceLost, repeatable: fourLost, is: timeouts},
	{name: "timeout within the answer", peer: answers(testkit.Answer{Text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", Hang: true}), options: generous, once: onceLost, repeatable: fourLost, is: timeouts},
	{name: "timeout of the call", peer: answers(testkit.Hang()), options: []salebot.Option{salebot.WithTimeout(time.Second)}, once: fate{1, 1, salebot.OutcomeUnknown, "", nil}, repeatable: fate{1, 1, salebot.OutcomeUnknown, "", nil}, is: timeouts},
	{name: "deadline of the caller", peer: answers(testkit.Hang()), limit: time.Second, once: fate{1, 1, salebot.OutcomeUnknown, "", nil}, repeatable: fate{1, 1, salebot.OutcomeUnknown, "", nil}, is: timeouts},

	{name: "408", peer: answers(testkit.Respond(408, "slow")), once: onceLost, repeatable: fourLost, is: surprised},
	{name: "499", peer: answers(testkit.Respond(499, "")), once: unread, repeatable: unread, is: surprised},
	{name: "400 with a body of success", peer: answers(testkit.Respond(400, "ok")), once: unread, repeatable: unread, is: surprised},
	{name: "403 with a status of success", peer: answers(testkit.Respond(403, `{"status":"success"}`)), once: unread, repeatable: unread, is: surprised},
	{name: "switched protocols", peer: answers(testkit.Respond(101, "", "Upgrade: x", "Connection: Upgrade")), once: unread, repeatable: unread, is: surprised},
	{
		name: "429 where it is not trusted", peer: answers(testkit.Respond(429, "slow", "Retry-After: 1")), is: limited,
		options: []salebot.Option{salebot.WithRetryPolicy(salebot.RetryPolicy{NeverRepeatOnceAfterRateLimit: true}), salebot.WithTimeout(time.Second)},
		once:    fate{1, 1, salebot.OutcomeRejected, unsafe, nil}, repeatable: fate{1, 1, salebot.OutcomeRejected, "after the deadline", nil},
	},
	{name: "500", peer: answers(testkit.Respond(500, `{"status":"error"}`)), once: onceLost, repeatable: fourLost, is: broken},
	{name: "502 HTML", peer: answers(testkit.Respond(502, clienttest.Page, "Content-Type: text/html")), once: onceLost, repeatable: fourLost, is: broken},
	{name: "503 with Retry-After", peer: answers(testkit.Respond(503, "busy", "Retry-After: 30")), once: onceLost, repeatable: fate{4, 4, salebot.OutcomeUnknown, spent, thrice(30 * time.Second)}, is: broken},
	{name: "503 with a date", peer: dated(503, 25*time.Second), once: onceLost, repeatable: fate{4, 4, salebot.OutcomeUnknown, spent, thrice(25 * time.Second)}, is: broken},
	{name: "504", peer: answers(testkit.Respond(504, "")), once: onceLost, repeatable: fourLost, is: broken},
	{name: "500 that breaks off", peer: answers(testkit.Answer{Text: "HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n{\"st", Cut: true}), once: onceLost, repeatable: fourLost, is: broken},
	{name: "503 with a large page", peer: answers(testkit.Respond(503, clienttest.Page)), options: []salebot.Option{salebot.WithMaxResponseSize(8)}, once: onceLost, repeatable: fourLost, is: broken},

	{name: "503 beyond the cap", peer: answers(testkit.Respond(503, "busy", "Retry-After: 3600")), once: onceLost, repeatable: fate{1, 1, salebot.OutcomeUnknown, "longer wait", nil}, is: broken},
	{name: "429 beyond the deadline of the caller", peer: answers(testkit.Respond(429, "slow", "Retry-After: 5")), limit: 4 * time.Second, once: fate{1, 1, salebot.OutcomeRejected, "after the deadline", nil}, repeatable: fate{1, 1, salebot.OutcomeRejected, "after the deadline", nil}, is: limited},
	{name: "429 beyond the timeout of the call", peer: answers(testkit.Respond(429, "slow", "Retry-After: 5")), options: []salebot.Option{salebot.WithTimeout(4 * time.Second)}, once: fate{1, 1, salebot.OutcomeRejected, "after the deadline", nil}, repeatable: fate{1, 1, salebot.OutcomeRejected, "after the deadline", nil}, is: limited},
	{name: "500 without a budget", peer: answers(testkit.Respond(500, "")), options: []salebot.Option{salebot.WithRetryBudget(0)}, once: onceLost, repeatable: fate{1, 1, salebot.OutcomeUnknown, "budget", nil}, is: broken},
	{name: "500 without retries", peer: answers(testkit.Respond(500, "")), options: []salebot.Option{salebot.WithoutRetries()}, once: onceLost, repeatable: fate{1, 1, salebot.OutcomeUnknown, spent, nil}, is: broken},
	{name: "refused connection without retries", peer: dialing(testkit.Refused), options: []salebot.Option{salebot.WithoutRetries()}, once: fate{1, 0, salebot.OutcomeNotSent, spent, nil}, repeatable: fate{1, 0, salebot.OutcomeNotSent, spent, nil}},

	{name: "400", peer: answers(testkit.Respond(400, `{"status":"error"}`)), once: rejected, repeatable: rejected, is: []error{salebot.ErrRejected}},
	{name: "401", peer: answers(testkit.Respond(401, "")), once: rejected, repeatable: rejected, is: []error{salebot.ErrUnauthorized}},
	{name: "403", peer: answers(testkit.Respond(403, "WRONG_ACTION")), once: rejected, repeatable: rejected, is: []error{salebot.ErrForbidden}},
	{name: "404 that breaks off", peer: answers(testkit.Answer{Text: "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nnot_", Cut: true}), once: rejected, repeatable: rejected, is: []error{salebot.ErrRejected}},
	{name: "failure in a 200", peer: answers(testkit.Respond(200, `{"status":"client_not_found"}`)), once: rejected, repeatable: rejected, is: []error{salebot.ErrClientNotFound}},
	{name: "page in a 200", peer: answers(testkit.Respond(200, clienttest.Page)), once: unread, repeatable: unread, is: surprised},
	{name: "truncated JSON in a 200", peer: answers(testkit.Respond(200, `{"status":"su`)), once: unread, repeatable: unread, is: surprised},
	{name: "answer beyond the limit", peer: answers(testkit.Respond(200, `{"status":"success"}`)), options: []salebot.Option{salebot.WithMaxResponseSize(8)}, once: unread, repeatable: unread, is: surprised},
	{name: "redirect", peer: answers(testkit.Respond(302, "", "Location: https://example.com/")), once: unread, repeatable: unread, is: surprised},
	{name: "permanent redirect", peer: answers(testkit.Respond(308, "", "Location: /elsewhere")), once: unread, repeatable: unread, is: surprised},
}

// TestRepetition states for each class and each fault how many requests arrive
// and what the error says of them. The network is in memory, the transport and
// what it traces are real.
func TestRepetition(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		for i, calls := range [][]clienttest.Scenario{clienttest.OnceCalls, clienttest.RepeatableCalls} {
			for _, s := range calls {
				t.Run(f.name+"/"+s.Name, func(t *testing.T) {
					t.Parallel()
					testkit.Bubble(t, func(t *testing.T) { f.run(t, s, []fate{f.once, f.repeatable}[i]) })
				})
			}
		}
	}
}

func (f fault) run(t *testing.T, s clienttest.Scenario, want fate) {
	peer := f.peer()
	waits := &waits{}
	client := clienttest.New(t, peer.Transport(), append([]salebot.Option{waits.option()}, f.options...)...)
	ctx := t.Context()
	if f.limit > 0 {
		limited, cancel := context.WithTimeout(ctx, f.limit)
		defer cancel()
		ctx = limited
	}
	_, err := s.Call(ctx, client)
	failure := clienttest.RequireFailure(t, err, want.outcome)
	require.Len(t, peer.Arrivals(), want.arrivals, "%v", err)
	require.Equal(t, want.attempts, failure.Attempts, "attempts: %v", err)
	require.Contains(t, failure.Stopped, want.stopped)
	require.Equal(t, want.stopped == "", failure.Stopped == "", failure.Stopped)
	for _, sentinel := range f.is {
		require.ErrorIs(t, err, sentinel)
	}
	if want.waited != nil {
		require.Equal(t, want.waited, waits.before[1:])
	}
	require.Empty(t, testkit.FindKey(err.Error()))
	time.Sleep(dialTimeout)
}

// paced are servers that say "too fast" whatever is done. A call waits for their pace as
// long as it may, and does not flood them.
var paced = []struct {
	name          string
	peer          func() *testkit.Peer
	options       []salebot.Option
	least, most   int
	shortestPause time.Duration
}{
	{name: "no wish", peer: answers(testkit.Respond(429, "slow")), least: 10, most: 40, shortestPause: 250 * time.Millisecond},
	{name: "seconds", peer: answers(testkit.Respond(429, "slow", "Retry-After: 7")), least: 14, most: 18, shortestPause: 7 * time.Second},
	{name: "a date", peer: dated(429, 9*time.Second), least: 12, most: 15, shortestPause: 8 * time.Second},
	{name: "a date in the past", peer: dated(429, -time.Hour), least: 10, most: 40, shortestPause: 250 * time.Millisecond},
	{name: "at once", peer: answers(testkit.Respond(429, "slow", "Retry-After: 0")), least: 10, most: 40, shortestPause: 250 * time.Millisecond},
	{name: "an answer that breaks off", peer: answers(testkit.Answer{Text: "HTTP/1.1 429 Slow\r\nContent-Length: 100\r\n\r\n{\"st", Cut: true}), least: 10, most: 40, shortestPause: 250 * time.Millisecond},
	{name: "longer than MaxHold", peer: answers(testkit.Respond(429, "slow", "Retry-After: 3600")), least: 2, most: 2, shortestPause: salebot.DefaultMaxHold},
	{
		name: "longer than a MaxHold of one's own", peer: answers(testkit.Respond(429, "slow", "Retry-After: 3600")), least: 11, most: 13, shortestPause: 10 * time.Second,
		options: []salebot.Option{salebot.WithRetryPolicy(salebot.RetryPolicy{MaxHold: 10 * time.Second})},
	},
	{name: "no budget", peer: answers(testkit.Respond(429, "slow", "Retry-After: 7")), least: 14, most: 18, shortestPause: 7 * time.Second, options: []salebot.Option{salebot.WithRetryBudget(0)}},
	{name: "no retries", peer: answers(testkit.Respond(429, "slow", "Retry-After: 7")), least: 1, most: 1, options: []salebot.Option{salebot.WithoutRetries()}},
}

func TestServersThatAreNeverContent(t *testing.T) {
	t.Parallel()
	for _, p := range paced {
		for _, s := range append(slices.Clone(clienttest.OnceCalls), clienttest.RepeatableCalls...) {
			t.Run(p.name+"/"+s.Name, func(t *testing.T) {
				t.Parallel()
				testkit.Bubble(t, func(t *testing.T) {
					peer := p.peer()
					answer := peer.Answer
					var arrivals []time.Time
					peer.Answer = func(number int, request *http.Request) testkit.Answer {
						arrivals = append(arrivals, time.Now())
						return answer(number, request)
					}
					start := time.Now()
					_, err := s.Call(t.Context(), clienttest.New(t, peer.Transport(), p.options...))
					failure := clienttest.RequireFailure(t, err, salebot.OutcomeRejected)
					require.ErrorIs(t, err, salebot.ErrRateLimited)
					require.Equal(t, len(arrivals), failure.Attempts)
					require.GreaterOrEqual(t, len(arrivals), p.least)
					require.LessOrEqual(t, len(arrivals), p.most)
					require.LessOrEqual(t, time.Since(start), salebot.DefaultTimeout)
					for i := 1; i < len(arrivals); i++ {
						require.GreaterOrEqual(t, arrivals[i].Sub(arrivals[i-1]), p.shortestPause)
					}
				})
			})
		}
	}
}

// waits are the waits before each attempt, the first included.
type waits struct {
	mu     sync.Mutex
	before []time.Duration
}

func (w *waits) option() salebot.Option {
	return salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.before = append(w.before, a.Waited)
	}})
}

// net/http itself sends a GET again when a connection that was used before
// breaks. Repetition is the policy's alone.
func TestGetIsNotReplayedByNetHTTP(t *testing.T) {
	t.Parallel()
	t.Run("by itself it does", func(t *testing.T) {
		t.Parallel()
		testkit.Bubble(t, func(t *testing.T) {
			peer := &testkit.Peer{Answer: testkit.InTurn(testkit.Respond(200, "{}"), testkit.Cut())}
			transport := peer.Transport()
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			response, err := client.Get(clienttest.Address("get_variables"))
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			_, err = client.Get(clienttest.Address("get_variables"))
			require.Error(t, err)
			require.Len(t, peer.Arrivals(), 3)
		})
	})
	wrapped := func(transport *http.Transport) http.RoundTripper {
		return clienttest.WrappedTransport{Inner: transport}
	}
	plain := func(transport *http.Transport) http.RoundTripper { return transport }
	for _, c := range []struct {
		name      string
		transport func(*http.Transport) http.RoundTripper
		call      clienttest.Scenario
		arrivals  int
	}{
		{"read", plain, clienttest.RepeatableCalls[1], 1},
		{"read through a wrapper", wrapped, clienttest.RepeatableCalls[1], 1},
		{"clear_history", plain, clienttest.OnceCalls[1], 1},
		{"clear_history through a wrapper", wrapped, clienttest.OnceCalls[1], 1},
		{"Do by GET", plain, clienttest.OnceCalls[3], 1},
		{"Do by GET through a wrapper", wrapped, clienttest.OnceCalls[3], 1},
		{"message", plain, clienttest.OnceCalls[0], 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				peer := &testkit.Peer{Answer: testkit.InTurn(testkit.Respond(200, "{}"), testkit.Cut())}
				transport := peer.Transport()
				defer transport.CloseIdleConnections()
				client := clienttest.New(t, c.transport(transport), salebot.WithoutRetries())
				_, err := client.GetVariables(t.Context(), 1)
				require.NoError(t, err, "leaves a connection behind")
				_, err = c.call.Call(t.Context(), client)
				clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
				require.Len(t, peer.Arrivals(), 1+c.arrivals)
				last := peer.Arrivals()[c.arrivals]
				require.Empty(t, last.TransferEncoding, "a GET has no body")
				if last.Method == http.MethodGet {
					require.Empty(t, last.Body)
				}
			})
		})
	}
}

// The same on real sockets, where errors are those of the operating system.
func TestRealSockets(t *testing.T) {
	t.Parallel()
	quick := salebot.WithRetryPolicy(salebot.RetryPolicy{BaseDelay: 1, MaxDelay: 1})
	to := func(t *testing.T, base string) *salebot.Client {
		t.Helper()
		client, err := salebot.New(testkit.Key, salebot.WithBaseURL(base), quick)
		require.NoError(t, err)
		t.Cleanup(client.CloseIdleConnections)
		return client
	}

	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		// The near end of a connection holds its port, and nobody listens there.
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = listener.Close() }()
		near, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		defer func() { _ = near.Close() }()
		for _, s := range append(clienttest.OnceCalls, clienttest.RepeatableCalls...) {
			_, err = s.Call(t.Context(), to(t, "http://"+near.LocalAddr().String()))
			failure := clienttest.RequireFailure(t, err, salebot.OutcomeNotSent)
			require.Equal(t, 4, failure.Attempts, s.Name)
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		}
	})
	t.Run("reset", func(t *testing.T) {
		t.Parallel()
		for i, calls := range [][]clienttest.Scenario{clienttest.OnceCalls, clienttest.RepeatableCalls} {
			for _, s := range calls {
				peer := &testkit.Peer{Answer: testkit.Always(testkit.Cut())}
				_, err := s.Call(t.Context(), to(t, peer.Listen(t)))
				clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
				require.Len(t, peer.Arrivals(), []int{1, 4}[i], s.Name)
			}
		}
	})
	t.Run("unknown certificate", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("arrived") }))
		server.Config.ErrorLog = silent
		server.StartTLS()
		defer server.Close()
		_, err := clienttest.OnceCalls[0].Call(t.Context(), to(t, server.URL))
		failure := clienttest.RequireFailure(t, err, salebot.OutcomeNotSent)
		require.Equal(t, 1, failure.Attempts, "another attempt would fail in the same way")
	})
	t.Run("HTTP/2", func(t *testing.T) {
		t.Parallel()
		var mu sync.Mutex
		var methods []string
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			methods = append(methods, fmt.Sprintf("%s %s", r.Proto, r.Method))
			mu.Unlock()
			if strings.HasSuffix(r.URL.Path, "get_variables") {
				_, _ = io.WriteString(w, "{}")
				return
			}
			panic(http.ErrAbortHandler) // resets the stream
		}))
		server.EnableHTTP2 = true
		server.Config.ErrorLog = silent
		server.StartTLS()
		defer server.Close()
		client, err := salebot.New(testkit.Key, salebot.WithBaseURL(server.URL), salebot.WithHTTPClient(server.Client()), quick)
		require.NoError(t, err)
		t.Cleanup(client.CloseIdleConnections)
		_, err = client.GetVariables(t.Context(), 1)
		require.NoError(t, err)
		for _, s := range clienttest.OnceCalls[:2] {
			_, err := s.Call(t.Context(), client)
			clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
		}
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{"HTTP/2.0 GET", "HTTP/2.0 POST", "HTTP/1.1 GET"}, methods)
	})
}

// The budget is shared by all calls of a client and of its variants, and is
// earned back by calls that succeed at once.
func TestBudgetIsSharedAndEarned(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		fail := true
		peer := &testkit.Peer{Answer: func(int, *http.Request) testkit.Answer {
			if fail {
				return testkit.Respond(503, "busy")
			}
			return testkit.Respond(200, "{}")
		}}
		client := clienttest.New(t, peer.Transport(), salebot.WithRetryBudget(4))
		variant, err := client.With(salebot.WithTimeout(time.Hour))
		require.NoError(t, err)
		attempts := func(c *salebot.Client) int {
			_, err := c.GetVariables(t.Context(), 1)
			var failure *salebot.OpError
			require.ErrorAs(t, err, &failure)
			return failure.Attempts
		}
		require.Equal(t, 4, attempts(client), "three retries")
		require.Equal(t, 2, attempts(variant), "the fourth")
		require.Equal(t, 1, attempts(client))

		fail = false
		for range 10 {
			_, err := variant.GetVariables(t.Context(), 1)
			require.NoError(t, err)
		}
		fail = true
		require.Equal(t, 2, attempts(client), "ten successes earn a retry")
		require.Equal(t, 1, attempts(variant))

		independent, err := client.With(salebot.WithRetryBudget(1))
		require.NoError(t, err)
		require.Equal(t, 2, attempts(independent))
		require.Equal(t, 1, attempts(client), "its budget is its own")
	})
}

// The waits that nobody ordered are random, bounded, and grow.
func TestBackoff(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		bounds := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
		longest := make([]time.Duration, len(bounds))
		different := map[time.Duration]bool{}
		for range 100 {
			w := &waits{}
			peer := &testkit.Peer{Answer: testkit.Always(testkit.Respond(500, ""))}
			client := clienttest.New(t, peer.Transport(), w.option(), salebot.WithTimeout(time.Hour),
				salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 6, BaseDelay: time.Second, MaxDelay: 5 * time.Second}))
			start := time.Now()
			_, err := client.GetVariables(t.Context(), 1)
			require.ErrorIs(t, err, salebot.ErrServer)
			var sum time.Duration
			require.Len(t, w.before, 6)
			require.Zero(t, w.before[0])
			for i, waited := range w.before[1:] {
				require.Positive(t, waited)
				require.LessOrEqual(t, waited, bounds[i])
				longest[i] = max(longest[i], waited)
				different[waited] = true
				sum += waited
			}
			require.Equal(t, sum, time.Since(start), "nothing else takes time")
			client.CloseIdleConnections()
		}
		require.Greater(t, len(different), 400, "the waits are random")
		for i, bound := range bounds {
			require.Greater(t, longest[i], bound*3/4, "the bound of wait %d is used", i)
		}
	})
}

// silent swallows what servers complain about.
var silent = log.New(io.Discard, "", 0)
