package salebot_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// A connection that waits for the next call is kept as long as the default says.
func TestDefaultIdleTimeout(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: testkit.Always(testkit.Respond(200, "{}"))}
		transport := salebot.NewTransport()
		inMemory := peer.Transport()
		transport.Proxy, transport.DialContext, transport.DialTLSContext = nil, inMemory.DialContext, inMemory.DialTLSContext
		client := clienttest.New(t, transport)
		call := func() {
			_, err := client.GetVariables(t.Context(), 1)
			require.NoError(t, err)
		}
		call()
		time.Sleep(salebot.DefaultIdleTimeout - time.Second)
		call()
		require.Equal(t, 1, peer.Dials(), "the connection is used again")
		time.Sleep(salebot.DefaultIdleTimeout + time.Second)
		call()
		require.Equal(t, 2, peer.Dials(), "the connection was closed")
	})
}

// An answer may be as large as the default says, and no larger.
func TestDefaultMaxResponseSize(t *testing.T) {
	t.Parallel()
	for size, fits := range map[int64]bool{salebot.DefaultMaxResponseSize: true, salebot.DefaultMaxResponseSize + 1: false} {
		mock := httpmock.NewMockTransport()
		mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
			body := io.LimitReader(io.MultiReader(strings.NewReader("ok"), blanks{}), size)
			return &http.Response{StatusCode: http.StatusOK, Request: r, ContentLength: size, Body: io.NopCloser(body)}, nil
		})
		_, err := clienttest.New(t, mock).Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "x"})
		if fits {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
	}
}

type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// While the server fails the calls of a client share the default budget.
func TestDefaultRetryBudget(t *testing.T) {
	t.Parallel()
	mock := clienttest.Answering(503, "")
	client := clienttest.New(t, mock, salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 10 * salebot.DefaultRetryBudget, BaseDelay: 1, MaxDelay: 1}))
	_, err := client.GetVariables(t.Context(), 1)
	require.ErrorContains(t, err, "budget")
	require.Equal(t, salebot.DefaultRetryBudget+1, mock.GetTotalCallCount())
}

// longestWaits returns the longest wait before each attempt of calls that fail.
func longestWaits(t *testing.T, calls int, options ...salebot.Option) map[int]time.Duration {
	t.Helper()
	longest := map[int]time.Duration{}
	testkit.Bubble(t, func(t *testing.T) {
		client := clienttest.New(t, clienttest.Answering(503, ""), append(options,
			salebot.WithRetryBudget(1_000_000), salebot.WithTimeout(24*time.Hour),
			salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) {
				longest[a.Number] = max(longest[a.Number], a.Waited)
			}}))...)
		for range calls {
			_, err := client.GetVariables(t.Context(), 1)
			require.ErrorIs(t, err, salebot.ErrServer)
		}
	})
	return longest
}

// Random waits come close to their bound and never pass it.
func requireBound(t *testing.T, bound, longest time.Duration) {
	t.Helper()
	require.LessOrEqual(t, longest, bound)
	require.Greater(t, longest, bound*9/10)
}

// The waits between attempts are bounded as the defaults say.
func TestDefaultBackoff(t *testing.T) {
	t.Parallel()
	longest := longestWaits(t, 500)
	require.Len(t, longest, salebot.DefaultMaxAttempts)
	requireBound(t, salebot.DefaultBaseDelay, longest[2])
	requireBound(t, 2*salebot.DefaultBaseDelay, longest[3])
	requireBound(t, 4*salebot.DefaultBaseDelay, longest[4])

	longest = longestWaits(t, 500, salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 12}))
	requireBound(t, salebot.DefaultBaseDelay, longest[2])
	requireBound(t, salebot.DefaultMaxDelay, longest[12])
}

// A MaxDelay below the default BaseDelay bounds the first wait too.
func TestMaxDelayAlone(t *testing.T) {
	t.Parallel()
	const bound = 100 * time.Millisecond
	for attempt, longest := range longestWaits(t, 500, salebot.WithRetryPolicy(salebot.RetryPolicy{MaxDelay: bound})) {
		if attempt > 1 {
			requireBound(t, bound, longest)
		}
	}
}

// A Retry-After of a failing server is waited for up to the default.
func TestDefaultMaxRetryAfter(t *testing.T) {
	t.Parallel()
	for header, attempts := range map[string]int{"Retry-After: 60": 2, "Retry-After: 61": 1} {
		testkit.Bubble(t, func(t *testing.T) {
			mock := clienttest.Answering(503, "", header)
			start := time.Now()
			_, err := clienttest.New(t, mock, salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 2})).GetVariables(t.Context(), 1)
			require.ErrorIs(t, err, salebot.ErrServer)
			require.Equal(t, attempts, mock.GetTotalCallCount())
			require.Equal(t, time.Duration(attempts-1)*salebot.DefaultMaxRetryAfter, time.Since(start))
		})
	}
}

// Requests under way when a bulk run is canceled may go on as long as the default says.
func TestDefaultDrainTimeout(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client := clienttest.New(t, clienttest.Answering(200, "ok"))
		items := func(yield func(salebot.ClientID, error) bool) { yield(1, nil) }
		var canceled time.Time
		report, err := salebot.ForEach(ctx, client, items, salebot.BulkOptions{},
			func(id salebot.ClientID) salebot.ClientID { return id },
			func(ctx context.Context, _ salebot.ClientID) error {
				canceled = time.Now()
				cancel()
				<-ctx.Done()
				return errors.Join(errors.New("cut off"), ctx.Err())
			})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1, report.NotTried)
		require.Equal(t, salebot.DefaultDrainTimeout, time.Since(canceled))
	})
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	for address, problem := range map[string]string{
		"":                                    "empty",
		"https://chatter.salebot.pro /api":    "blank",
		" https://chatter.salebot.pro/api":    "blank",
		"https://chatter.salebot.pro\u00a0":   "blank",
		"https://chatter.salebot.pro\u200b/":  "blank",
		"https://h.example/api/{api_key}":     "brace",
		"chatter.salebot.pro/api":             "https://",
		"ftp://h.example/api":                 "https://",
		"https:///api":                        "no host",
		"https://user:password@h.example/api": "user name",
		"https://h.example/api?x=1":           "end with its path",
		"https://h.example/api?":              "end with its path",
		"https://h.example/api#x":             "end with its path",
		"https://h.example/../api":            "dots",
		"https://h.example/a/./b":             "dots",
		"https://h.example/%zz":               "not a URL",
		"http://h.example/api":                "plain http",
		"http://127.0.0.1.h.example":          "plain http",
		"http://localhost.h.example":          "plain http",
		"http://192.0.2.1/api":                "plain http",
		"http://10.0.0.1:8080":                "plain http",
		"http://0.0.0.0":                      "plain http",
		"http://128.0.0.1":                    "plain http",
		"http://[2001:db8::1]":                "plain http",
		"http://[::ffff:192.0.2.1]:80":        "plain http",
	} {
		_, err := salebot.New(testkit.Key, salebot.WithBaseURL(address))
		var option *salebot.OptionError
		require.ErrorAs(t, err, &option, "%q", address)
		require.Equal(t, "WithBaseURL", option.Option)
		require.Contains(t, option.Problem, problem, "%q", address)
	}
	for address, want := range map[string]string{
		salebot.DefaultBaseURL:              "https://chatter.salebot.pro/api",
		salebot.InternationalBaseURL:        "https://chatter.salebot.ai/api",
		"https://chatter.salebot.pro/api/":  "https://chatter.salebot.pro/api",
		"https://chatter.salebot.pro/api//": "https://chatter.salebot.pro/api",
		"https://chatter.Salebot.pro":       "https://chatter.salebot.pro/api",
		"https://proxy.example/salebot/v1":  "https://proxy.example/salebot/v1",
		"http://localhost:8080":             "http://localhost:8080/api",
		"http://emulator.localhost:8080":    "http://emulator.localhost:8080/api",
		"http://127.0.0.1:1/x":              "http://127.0.0.1:1/x",
		"http://127.9.9.9":                  "http://127.9.9.9/api",
		"http://[::1]:80":                   "http://[::1]:80/api",
	} {
		mock := clienttest.Answering(200, "ok")
		client := clienttest.New(t, mock, salebot.WithBaseURL(address))
		require.Equal(t, want, client.BaseURL())
		require.Equal(t, "salebot.Client("+want+"/{api_key})", client.String())
		_, err := clienttest.OnceCalls[0].Call(t.Context(), client)
		require.NoError(t, err, address)
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "x"})
		require.NoError(t, err)
		require.Equal(t, 2, mock.GetTotalCallCount())
	}
	for _, options := range [][]salebot.Option{
		{salebot.WithPlainHTTP(), salebot.WithBaseURL("http://h.example")},
		{salebot.WithBaseURL("http://h.example"), salebot.WithPlainHTTP()},
	} {
		client := clienttest.New(t, clienttest.Answering(200, "ok"), options...)
		require.Equal(t, "http://h.example/api", client.BaseURL())
		_, err := client.With(salebot.WithBaseURL("http://other.example"))
		require.NoError(t, err, "the permission lasts")
	}
}
