package salebot_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

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

func (deadlineIn) Done() <-chan struct{} { return nil }

func (deadlineIn) Err() error { return nil }

func (deadlineIn) Value(any) any { return nil }

// The timeout of a call covers its attempts, its waits and its pace.
func TestTimeoutCoversEverything(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, func(int, *http.Request) testkit.Answer {
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
				clienttest.InBubble(t, testkit.Always(answer), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
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

// Calls whose attempts end in different ways.
func TestMixedAttempts(t *testing.T) {
	t.Parallel()
	var (
		once, idempotent, read = clienttest.OnceCalls[0], clienttest.RepeatableCalls[0], clienttest.RepeatableCalls[1]
		busy                   = testkit.Respond(429, "slow")
		oops                   = testkit.Respond(500, "oops")
		nobody                 = testkit.Respond(404, "client_not_found")
		fine                   = testkit.Respond(200, `{"status":"success"}`)
	)
	for _, c := range []struct {
		name      string
		call      clienttest.Scenario
		refusals  int // of the first connections
		answers   []testkit.Answer
		arrivals  int
		attempts  int
		outcome   salebot.Outcome // for a failure
		succeeded bool
		is        error
	}{
		{name: "once after a refused connection", call: once, refusals: 2, answers: []testkit.Answer{fine}, arrivals: 1, succeeded: true},
		{name: "once after a 429", call: once, answers: []testkit.Answer{busy, busy, fine}, arrivals: 3, succeeded: true},
		{name: "once lost after a 429", call: once, answers: []testkit.Answer{busy, testkit.Cut()}, arrivals: 2, attempts: 2, outcome: salebot.OutcomeUnknown},
		{name: "once refused after a 429", call: once, answers: []testkit.Answer{busy, nobody}, arrivals: 2, attempts: 2, outcome: salebot.OutcomeRejected, is: salebot.ErrClientNotFound},
		{name: "once lost after a refused connection", call: once, refusals: 1, answers: []testkit.Answer{oops}, arrivals: 1, attempts: 2, outcome: salebot.OutcomeUnknown, is: salebot.ErrServer},
		{name: "write done after it was lost", call: idempotent, answers: []testkit.Answer{testkit.Cut(), oops, fine}, arrivals: 3, succeeded: true},
		{name: "write refused after it was lost", call: idempotent, answers: []testkit.Answer{oops, nobody}, arrivals: 2, attempts: 2, outcome: salebot.OutcomeUnknown, is: salebot.ErrClientNotFound},
		{name: "write not sent after it was lost", call: idempotent, answers: []testkit.Answer{oops, busy, oops, nobody}, arrivals: 4, attempts: 4, outcome: salebot.OutcomeUnknown, is: salebot.ErrClientNotFound},
		{name: "read done after all", call: read, refusals: 1, answers: []testkit.Answer{busy, testkit.Cut(), testkit.Respond(200, `{"a":"1"}`)}, arrivals: 3, succeeded: true},
		{name: "read refused after it was lost", call: read, answers: []testkit.Answer{oops, nobody}, arrivals: 2, attempts: 2, outcome: salebot.OutcomeRejected, is: salebot.ErrClientNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				peer := &testkit.Peer{Answer: testkit.InTurn(c.answers...), Dialed: func(_ context.Context, number int) error {
					if number <= c.refusals {
						return testkit.Refused()
					}
					return nil
				}}
				_, err := c.call.Call(t.Context(), clienttest.New(t, peer.Transport()))
				require.Len(t, peer.Arrivals(), c.arrivals)
				if c.succeeded {
					require.NoError(t, err)
					return
				}
				failure := clienttest.RequireFailure(t, err, c.outcome)
				require.Equal(t, c.attempts, failure.Attempts)
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
				}
			})
		})
	}
}

// A read whose time ends says what it was answered before. A call that may have been
// executed by its last attempt does not: the answer before it is no excuse.
func TestTimeoutAfterAnAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		call    clienttest.Scenario
		answer  testkit.Answer
		outcome salebot.Outcome
		is, not error
	}{
		{"read after a 429", clienttest.RepeatableCalls[1], testkit.Respond(429, "slow"), salebot.OutcomeFailed, salebot.ErrRateLimited, salebot.ErrServer},
		{"read after a 500", clienttest.RepeatableCalls[1], testkit.Respond(500, "oops"), salebot.OutcomeFailed, salebot.ErrServer, salebot.ErrRateLimited},
		{"read after no answer", clienttest.RepeatableCalls[1], testkit.Cut(), salebot.OutcomeFailed, context.DeadlineExceeded, salebot.ErrServer},
		{"once after a 429", clienttest.OnceCalls[0], testkit.Respond(429, "slow"), salebot.OutcomeUnknown, context.DeadlineExceeded, salebot.ErrRateLimited},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				peer := &testkit.Peer{Answer: testkit.InTurn(c.answer, testkit.Hang())}
				client := clienttest.New(t, peer.Transport(), salebot.WithTimeout(20*time.Second), salebot.WithAttemptTimeout(time.Hour))
				_, err := c.call.Call(t.Context(), client)
				failure := clienttest.RequireFailure(t, err, c.outcome)
				require.Equal(t, 2, failure.Attempts)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, c.is)
				require.NotErrorIs(t, err, c.not)
			})
		})
	}
}

// A repeated call sends the same bytes again.
func TestRepetitionsAreEqual(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: testkit.Always(testkit.Respond(503, "busy"))}
		_, err := clienttest.RepeatableCalls[0].Call(t.Context(), clienttest.New(t, peer.Transport()))
		require.ErrorIs(t, err, salebot.ErrServer)
		arrivals := peer.Arrivals()
		require.Len(t, arrivals, 4)
		for _, a := range arrivals {
			require.JSONEq(t, `{"client_id":1,"variables":{"a":1}}`, string(a.Body))
			require.Equal(t, int64(len(a.Body)), a.ContentLength)
			require.Empty(t, a.TransferEncoding)
			require.Equal(t, arrivals[0].Header, a.Header)
		}
	})
}
