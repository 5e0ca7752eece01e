package salebot_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		option  salebot.Option
		name    string
		problem string
	}{
		{salebot.WithHTTPClient(nil), "WithHTTPClient", "nil"},
		{salebot.WithTransport(nil), "WithTransport", "nil"},
		{salebot.WithTimeout(0), "WithTimeout", "positive"},
		{salebot.WithTimeout(-1), "WithTimeout", "positive"},
		{salebot.WithAttemptTimeout(0), "WithAttemptTimeout", "positive"},
		{salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: -1}), "WithRetryPolicy", "negative"},
		{salebot.WithRetryPolicy(salebot.RetryPolicy{BaseDelay: -1}), "WithRetryPolicy", "negative"},
		{salebot.WithRetryPolicy(salebot.RetryPolicy{MaxDelay: -1}), "WithRetryPolicy", "negative"},
		{salebot.WithRetryPolicy(salebot.RetryPolicy{MaxRetryAfter: -1}), "WithRetryPolicy", "negative"},
		{salebot.WithRetryPolicy(salebot.RetryPolicy{BaseDelay: 2, MaxDelay: 1}), "WithRetryPolicy", "longer"},
		{salebot.WithProjectLocation(nil), "WithProjectLocation", "nil"},
		{salebot.WithMaxResponseSize(0), "WithMaxResponseSize", "positive"},
		{salebot.WithMaxResponseSize(math.MaxInt64), "WithMaxResponseSize", "bounded"},
		{salebot.WithRetryBudget(-1), "WithRetryBudget", "negative"},
		{salebot.WithRateLimit(0, 1), "WithRateLimit", "pace"},
		{salebot.WithRateLimit(-1, 1), "WithRateLimit", "pace"},
		{salebot.WithRateLimit(math.NaN(), 1), "WithRateLimit", "pace"},
		{salebot.WithRateLimit(math.Inf(1), 1), "WithRateLimit", "pace"},
		{salebot.WithRateLimit(1, 0), "WithRateLimit", "burst"},
		{salebot.WithLimiter(nil), "WithLimiter", "nil"},
		{salebot.WithLogger(nil), "WithLogger", "nil"},
		{salebot.WithHook(salebot.Hook{}), "WithHook", "empty"},
		{salebot.WithUserAgent(""), "WithUserAgent", "printable"},
		{salebot.WithUserAgent("a\r\nX: y"), "WithUserAgent", "printable"},
		{salebot.WithUserAgent("бот"), "WithUserAgent", "printable"},
	} {
		_, err := salebot.New(testkit.Key, c.option)
		var option *salebot.OptionError
		require.ErrorAs(t, err, &option, c.name)
		require.Equal(t, c.name, option.Option)
		require.Contains(t, option.Problem, c.problem)
		require.Equal(t, "salebot: "+c.name+": "+option.Problem, err.Error())

		client := clienttest.New(t, clienttest.Answering(200, "ok"))
		variant, err := client.With(c.option)
		require.ErrorAs(t, err, &option)
		require.Nil(t, variant)
		_, err = clienttest.OnceCalls[0].Call(t.Context(), client)
		require.NoError(t, err, "the client is as it was")
	}
	for _, options := range [][]salebot.Option{
		{salebot.WithHTTPClient(http.DefaultClient), salebot.WithTransport(http.DefaultTransport)},
		{salebot.WithTransport(http.DefaultTransport), salebot.WithHTTPClient(http.DefaultClient)},
	} {
		_, err := salebot.New(testkit.Key, options...)
		require.ErrorContains(t, err, "WithTransport: cannot be combined with WithHTTPClient")
	}
	_, err := salebot.New(testkit.Key, nil, salebot.WithTimeout(time.Second), nil)
	require.NoError(t, err, "nil options are ignored")
	_, err = clienttest.New(t, clienttest.Answering(200, "{}")).GetVariables(t.Context(), 1, nil)
	require.NoError(t, err)
}

// The bounds themselves are allowed, and what is just beyond them is not.
func TestBoundsOfOptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ within, beyond []salebot.Option }{
		"WithTimeout":        {[]salebot.Option{salebot.WithTimeout(1), salebot.WithTimeout(math.MaxInt64)}, []salebot.Option{salebot.WithTimeout(0)}},
		"WithAttemptTimeout": {[]salebot.Option{salebot.WithAttemptTimeout(1), salebot.WithAttemptTimeout(math.MaxInt64)}, []salebot.Option{salebot.WithAttemptTimeout(0)}},
		"WithMaxResponseSize": {
			[]salebot.Option{salebot.WithMaxResponseSize(1), salebot.WithMaxResponseSize(math.MaxInt64 - 1)},
			[]salebot.Option{salebot.WithMaxResponseSize(0), salebot.WithMaxResponseSize(math.MaxInt64)},
		},
		"WithRetryBudget": {[]salebot.Option{salebot.WithRetryBudget(0)}, []salebot.Option{salebot.WithRetryBudget(-1)}},
		"WithRateLimit": {
			[]salebot.Option{salebot.WithRateLimit(math.SmallestNonzeroFloat64, 1), salebot.WithRateLimit(math.MaxFloat64, 1)},
			[]salebot.Option{salebot.WithRateLimit(0, 1), salebot.WithRateLimit(1, 0)},
		},
		"WithLedgerSecret": {[]salebot.Option{salebot.WithLedgerSecret(make([]byte, 16))}, []salebot.Option{salebot.WithLedgerSecret(make([]byte, 15))}},
		"WithSendWindow": {
			[]salebot.Option{salebot.WithSendWindow(1), salebot.WithSendWindow(time.Hour)},
			[]salebot.Option{salebot.WithSendWindow(0), salebot.WithSendWindow(time.Hour + 1)},
		},
		"WithHistoryDelay": {
			[]salebot.Option{salebot.WithHistoryDelay(1), salebot.WithHistoryDelay(24 * time.Hour)},
			[]salebot.Option{salebot.WithHistoryDelay(0), salebot.WithHistoryDelay(24*time.Hour + 1)},
		},
		"WithRetryPolicy": {
			[]salebot.Option{salebot.WithRetryPolicy(salebot.RetryPolicy{BaseDelay: 1, MaxDelay: 1}), salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 1})},
			[]salebot.Option{
				salebot.WithRetryPolicy(salebot.RetryPolicy{BaseDelay: 2, MaxDelay: 1}), salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: -1}),
				salebot.WithRetryPolicy(salebot.RetryPolicy{MaxHold: -1}),
			},
		},
	} {
		for i, option := range c.within {
			_, err := salebot.New(testkit.Key, option)
			require.NoError(t, err, "%s %d", name, i)
		}
		for i, option := range c.beyond {
			_, err := salebot.New(testkit.Key, option)
			var bad *salebot.OptionError
			require.ErrorAs(t, err, &bad, "%s %d", name, i)
			require.Equal(t, name, bad.Option)
		}
	}
}

// The order of different options does not matter; of equal ones the last counts.
func TestOptionsCommute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		mock := httpmock.NewMockTransport()
		var agents []string
		mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
			agents = append(agents, r.Header.Get("User-Agent")+" "+r.URL.Host)
			return httpmock.NewStringResponse(503, "busy"), nil
		})
		waited := 0
		attempts := rapid.IntRange(1, 5).Draw(rt, "attempts")
		budget := rapid.IntRange(0, 5).Draw(rt, "budget")
		options := []salebot.Option{
			salebot.WithTransport(mock),
			salebot.WithBaseURL("https://h.example"),
			salebot.WithUserAgent("agent"),
			salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: attempts, BaseDelay: 1, MaxDelay: 1}),
			salebot.WithRetryBudget(budget),
			salebot.WithLimiter(clienttest.LimiterFunc(func(context.Context) error { waited++; return nil })),
			salebot.WithProjectLocation(clienttest.Moscow),
			salebot.WithTimeout(time.Minute),
			salebot.WithAttemptTimeout(time.Minute),
			salebot.WithMaxResponseSize(100),
		}
		shuffled := rapid.Permutation(options).Draw(rt, "options")
		cut := rapid.IntRange(0, len(options)).Draw(rt, "cut")
		earlier := []salebot.Option{salebot.WithUserAgent("overridden"), salebot.WithRetryBudget(50)}
		client, err := salebot.New(testkit.Key, append(earlier, shuffled[:cut]...)...)
		require.NoError(rt, err)
		client, err = client.With(shuffled[cut:]...)
		require.NoError(rt, err)
		_, err = client.GetVariables(context.Background(), 1)
		require.ErrorIs(rt, err, salebot.ErrServer)
		want := min(attempts, budget+1)
		require.Equal(rt, slices.Repeat([]string{"agent h.example"}, want), agents)
		require.Equal(rt, want, waited)
	})
}

// An option for one call counts for that call only, in both directions.
func TestCallOptions(t *testing.T) {
	t.Parallel()
	mock := clienttest.Answering(503, "busy")
	client := clienttest.New(t, mock, salebot.WithoutRetries())
	attempts := func(options ...salebot.CallOption) int {
		before := mock.GetTotalCallCount()
		_, err := client.GetVariables(t.Context(), 1, options...)
		require.ErrorIs(t, err, salebot.ErrServer)
		return mock.GetTotalCallCount() - before
	}
	quick := salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1})
	require.Equal(t, 1, attempts())
	require.Equal(t, 3, attempts(quick))
	require.Equal(t, 1, attempts())
	require.Equal(t, 1, attempts(quick, salebot.WithoutRetries()), "the last counts")
	require.Equal(t, 3, attempts(salebot.WithoutRetries(), nil, quick))
}

// The options that take an interface take what is known under it.
func TestOptionInterfaces(t *testing.T) {
	t.Parallel()
	var _ salebot.Limiter = rate.NewLimiter(1, 1)
	require.EqualError(t, &salebot.OptionError{Option: "WithX", Problem: "is wrong"}, "salebot: WithX: is wrong")
	require.True(t, strings.HasPrefix(salebot.DefaultUserAgent, "salebot-go/"))
}

// A dump shows what is sent and what is answered, line by line.
func TestDump(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: testkit.InTurn(
			testkit.Answer{Text: testkit.Respond(503, "busy\n\x1b[31mred", "Set-Cookie: session=secret", "Retry-After: 1").Text, Delay: 2 * time.Second},
			testkit.Respond(200, `{"city":"Riga"}`, "Content-Type: application/json"),
			testkit.Respond(200, "ok"), testkit.Cut(),
		)}
		var out bytes.Buffer
		client := clienttest.New(t, peer.Transport(), salebot.WithDump(&out), salebot.WithHeader("X-Token", "secret"),
			salebot.WithAttemptMiddleware(passing))
		_, err := client.GetVariables(t.Context(), 7, salebot.WithParameter("q", "a b&c"))
		require.NoError(t, err)
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "Hello\nworld"})
		require.NoError(t, err)
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
		require.Error(t, err)
		read := func(attempt string) string {
			return `> get_variables, attempt ` + attempt + `: GET https://chatter.salebot.pro/api/{api_key}/get_variables?client_id=7&q=a+b&c
> Accept: application/json, text/plain, */*
> User-Agent: salebot-go/` + salebot.Version + `
> X-Token: (not shown)
`
		}
		write := func(body string) string {
			return `> message, attempt 1: POST https://chatter.salebot.pro/api/{api_key}/message
> Accept: application/json, text/plain, */*
> Content-Type: application/json
> User-Agent: salebot-go/` + salebot.Version + `
> X-Token: (not shown)
>
> ` + body + "\n"
		}
		require.Equal(t, read("1")+`< get_variables, attempt 1: 503, after 2s
< Content-Length: 13
< Retry-After: 1
< Set-Cookie: (not shown)
<
< busy
< `+"\ufffd"+`[31mred
`+read("2")+`< get_variables, attempt 2: 200, after 0s
< Content-Length: 15
< Content-Type: application/json
<
< {"city":"Riga"}
`+write(`{"client_id":7,"message":"Hello\nworld"}`)+`< message, attempt 1: 200, after 0s
< Content-Length: 2
<
< ok
`+write(`{"client_id":7,"message":"x"}`)+`< message, attempt 1: no whole answer: EOF, after 0s
`, out.String())
	})
}

// A body is shown up to a bound, and no half of a letter or of the key.
func TestDumpIsBounded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	client := clienttest.New(t, clienttest.Answering(200, `{"a":"`+strings.Repeat("я", 100_000)+`"}`), salebot.WithDump(&out))
	_, err := client.GetVariables(t.Context(), 7)
	require.NoError(t, err)
	require.Contains(t, out.String(), "get_variables?client_id=7\n")
	require.Less(t, out.Len(), salebot.MaxDumpedBody+1000)
	require.Contains(t, out.String(), "… (200008 bytes)")
}

// The same for a logger, at debug level only.
func TestDumpLogger(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	for level, lines := range map[slog.Level][]string{
		slog.LevelInfo: nil,
		slog.LevelDebug: {
			`level=DEBUG msg="salebot request" action=message attempt=1 method=POST url=https://chatter.salebot.pro/api/{api_key}/message ` +
				`header.Accept="application/json, text/plain, */*" header.Content-Type=application/json header.User-Agent=salebot-go/` + salebot.Version +
				` body="{\"client_id\":7,\"message\":\"x\"}"`,
			`level=DEBUG msg="salebot answer" action=message attempt=1 status=200 header.X-Secret="(not shown)" body=ok`,
		},
	} {
		out.Reset()
		logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		}}))
		client := clienttest.New(t, clienttest.Answering(200, "ok", "X-Secret: 1"), salebot.WithDumpLogger(logger))
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
		require.NoError(t, err)
		require.Equal(t, strings.Join(lines, "\n"), strings.TrimSpace(out.String()))
	}
}

// fullDisk is a writer that fails.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

// A dump that cannot be written disturbs no call.
func TestDumpThatFails(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.Answering(200, "ok"), salebot.WithDump(fullDisk{}))
	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
	require.NoError(t, err)
	for _, option := range []salebot.Option{salebot.WithDump(nil), salebot.WithDumpLogger(nil)} {
		_, err := salebot.New(testkit.Key, option)
		require.ErrorContains(t, err, "is nil")
	}
}
