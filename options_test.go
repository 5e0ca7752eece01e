package salebot_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// A key that cannot work is refused with a sentence that says what is wrong.
func TestKeys(t *testing.T) {
	t.Parallel()
	for key, problem := range map[string]string{
		"":                                    "empty",
		" ":                                   "space",
		"0123 4567":                           "space",
		"01234567 ":                           "space",
		"01234567\n":                          "line break",
		"\t01234567":                          "space",
		"{01234567}":                          "brace",
		"{api_key}":                           "brace",
		"#{api_key}":                          "constructor's variable",
		"${KEY}":                              "brace",
		"01234567/":                           "slash",
		"https://chatter.salebot.pro/api/012": "slash",
		"01234567?x":                          "character",
		"01234567#":                           "character",
		"0123%20":                             "character",
		`"01234567"`:                          "character",
		"<key>":                               "character",
		`a\b`:                                 "character",
		"ключ":                                "character",
		"a\x7f":                               "character",
		"a\u00a0b":                            "character",
		".":                                   "not a key",
		"..":                                  "not a key",
	} {
		client, err := salebot.New(key)
		require.Nil(t, client)
		var option *salebot.OptionError
		require.ErrorAs(t, err, &option, "%q", key)
		require.Equal(t, "API key", option.Option)
		require.Contains(t, option.Problem, problem, "%q", key)
		if len(key) > 2 {
			require.NotContains(t, err.Error(), key)
		}
	}
	for _, key := range []string{"0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef0123456789ab", "A-Z_a~z.0", testkit.Key, "x"} {
		_, err := salebot.New(key)
		require.NoError(t, err, key)
	}
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

// Options that were given to one client do not show in another.
func TestVariantsAreIndependent(t *testing.T) {
	t.Parallel()
	hooks := map[string]int{}
	count := func(name string) salebot.Option {
		return salebot.WithHook(salebot.Hook{Before: func(context.Context, salebot.Attempt) context.Context { hooks[name]++; return nil }})
	}
	peer := &testkit.Peer{}
	client := clienttest.New(t, peer.Transport(), count("base"))
	first, err := client.With(count("first"), salebot.WithBaseURL(salebot.InternationalBaseURL))
	require.NoError(t, err)
	second, err := client.With(count("second"))
	require.NoError(t, err)
	third, err := first.With(count("third"))
	require.NoError(t, err)
	for _, c := range []*salebot.Client{client, first, second, third} {
		_, err := clienttest.OnceCalls[0].Call(t.Context(), c)
		require.NoError(t, err)
	}
	require.Equal(t, map[string]int{"base": 4, "first": 2, "second": 1, "third": 1}, hooks)
	require.Equal(t, salebot.DefaultBaseURL, client.BaseURL())
	require.Equal(t, salebot.InternationalBaseURL, first.BaseURL())
	require.Equal(t, salebot.InternationalBaseURL, third.BaseURL())
	require.Equal(t, 2, peer.Dials(), "one connection a host: variants share them")
	for _, a := range peer.Arrivals() {
		require.Equal(t, "/api/{api_key}/message", a.Path)
	}
	back, err := third.With(salebot.WithBaseURL("https://h.example/other"))
	require.NoError(t, err)
	_, err = clienttest.OnceCalls[0].Call(t.Context(), back)
	require.NoError(t, err)
	require.Equal(t, "/other/{api_key}/message", peer.Arrivals()[4].Path)

	exchanged := &testkit.Peer{}
	other, err := client.With(salebot.WithTransport(exchanged.Transport()))
	require.NoError(t, err)
	t.Cleanup(other.CloseIdleConnections)
	_, err = clienttest.OnceCalls[0].Call(t.Context(), other)
	require.NoError(t, err)
	require.Len(t, exchanged.Arrivals(), 1)
	require.Len(t, peer.Arrivals(), 5)
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

func TestCloseIdleConnections(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]func(*http.Transport) salebot.Option{
		"transport":   func(tr *http.Transport) salebot.Option { return salebot.WithTransport(tr) },
		"http.Client": func(tr *http.Transport) salebot.Option { return salebot.WithHTTPClient(&http.Client{Transport: tr}) },
		"own":         func(*http.Transport) salebot.Option { return salebot.WithoutRetries() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := &testkit.Peer{}
			client, err := salebot.New(testkit.Key, salebot.WithBaseURL(peer.Listen(t)), option(&http.Transport{}))
			require.NoError(t, err)
			for want := 1; want <= 3; want++ {
				for range 2 {
					_, err = clienttest.OnceCalls[0].Call(t.Context(), client)
					require.NoError(t, err)
				}
				require.Equal(t, want, peer.Dials(), "the client stays usable")
				client.CloseIdleConnections()
			}
		})
	}
	// Transports that have nothing to close are left alone.
	clienttest.New(t, clienttest.WrappedTransport{Inner: http.DefaultTransport}).CloseIdleConnections()
}

// The own transport keeps enough connections for many calls at once.
func TestOwnTransportKeepsConnections(t *testing.T) {
	t.Parallel()
	const callers = 40
	gate, open := make(chan struct{}), make(chan struct{}, callers)
	peer := &testkit.Peer{Answer: func(int, *http.Request) testkit.Answer {
		open <- struct{}{}
		<-gate
		return testkit.Respond(200, "ok")
	}}
	client, err := salebot.New(testkit.Key, salebot.WithBaseURL(peer.Listen(t)))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	round := func() {
		done := make(chan error, callers)
		for range callers {
			go func() { _, err := clienttest.OnceCalls[0].Call(t.Context(), client); done <- err }()
		}
		for range callers {
			<-open
		}
		for range callers {
			gate <- struct{}{}
		}
		for range callers {
			require.NoError(t, <-done)
		}
	}
	for range 5 {
		round()
	}
	require.LessOrEqual(t, peer.Dials(), callers+5)
}

func TestNewFromEnv(t *testing.T) {
	t.Setenv(salebot.EnvAPIKey, "")
	t.Setenv(salebot.EnvBaseURL, "")
	_, err := salebot.NewFromEnv()
	require.ErrorContains(t, err, "SALEBOT_API_KEY")
	var option *salebot.OptionError
	require.ErrorAs(t, err, &option)

	t.Setenv(salebot.EnvAPIKey, testkit.Key+"\n")
	_, err = salebot.NewFromEnv()
	require.ErrorContains(t, err, "line break")
	clienttest.RequireHiddenError(t, err)

	t.Setenv(salebot.EnvAPIKey, testkit.Key)
	client, err := salebot.NewFromEnv()
	require.NoError(t, err)
	require.Equal(t, salebot.DefaultBaseURL, client.BaseURL())

	t.Setenv(salebot.EnvBaseURL, salebot.InternationalBaseURL)
	mock := clienttest.Answering(200, "ok")
	client, err = salebot.NewFromEnv(salebot.WithTransport(mock))
	require.NoError(t, err)
	require.Equal(t, salebot.InternationalBaseURL, client.BaseURL())
	_, err = clienttest.OnceCalls[0].Call(t.Context(), client)
	require.NoError(t, err)
	require.Equal(t, 1, mock.GetTotalCallCount())

	client, err = salebot.NewFromEnv(salebot.WithBaseURL("https://h.example"))
	require.NoError(t, err)
	require.Equal(t, "https://h.example/api", client.BaseURL(), "the option counts more")

	t.Setenv(salebot.EnvBaseURL, "http://h.example")
	_, err = salebot.NewFromEnv()
	require.ErrorContains(t, err, "plain http")
}

// Every method of a client that was not made by New fails, and none panics.
func TestUninitializedClients(t *testing.T) {
	t.Parallel()
	silentMethods := []string{"BaseURL", "CloseIdleConnections", "Format", "LogValue", "String"}
	for name, client := range map[string]*salebot.Client{"zero": {}, "nil": nil} {
		value := reflect.ValueOf(client)
		failed := 0
		for i := range value.NumMethod() {
			method := value.Type().Method(i)
			if client == nil && slices.Contains([]string{"Format", "LogValue", "String"}, method.Name) {
				continue // These belong to the value; printing a nil pointer is fmt's affair.
			}
			if slices.Contains(silentMethods, method.Name) {
				require.NotPanics(t, func() { _ = fmt.Sprint(client) })
				if method.Name == "CloseIdleConnections" || method.Name == "BaseURL" {
					require.NotPanics(t, func() { value.Method(i).Call(nil) }, method.Name)
				}
				continue
			}
			arguments := make([]reflect.Value, 0, method.Type.NumIn())
			for j := 1; j < method.Type.NumIn(); j++ {
				in := method.Type.In(j)
				switch {
				case method.Type.IsVariadic() && j == method.Type.NumIn()-1:
				case in == reflect.TypeFor[context.Context]():
					arguments = append(arguments, reflect.ValueOf(t.Context()))
				case in.Kind() == reflect.Func:
					arguments = append(arguments, reflect.MakeFunc(in, func([]reflect.Value) []reflect.Value { return nil }))
				default:
					arguments = append(arguments, reflect.Zero(in))
				}
			}
			require.NotPanics(t, func() {
				results := value.Method(i).Call(arguments)
				err := lastError(t, results)
				if !assert.ErrorIs(t, err, salebot.ErrNotInitialized, "%s client, %s", name, method.Name) {
					return
				}
				clienttest.RequireOutcome(t, err, salebot.OutcomeNotSent)
				failed++
			}, "%s client, %s", name, method.Name)
		}
		require.Greater(t, failed, 17)
		require.Empty(t, client.BaseURL())
	}
	require.Equal(t, "salebot.Client(not initialized)", fmt.Sprintf("%+v", &salebot.Client{}))
	require.Equal(t, slog.StringValue("salebot.Client(not initialized)"), salebot.Client{}.LogValue())
}

// lastError is the error that a method returned, or that its iterator yields.
func lastError(t *testing.T, results []reflect.Value) error {
	t.Helper()
	require.NotEmpty(t, results)
	last := results[len(results)-1]
	if err, ok := reflect.TypeAssert[error](last); ok {
		return err
	}
	require.True(t, last.Kind() == reflect.Func && last.Type().CanSeq2(), "%s", last.Type())
	var err error
	for _, second := range last.Seq2() {
		err, _ = reflect.TypeAssert[error](second)
	}
	return err
}

// The options that take an interface take what is known under it.
func TestOptionInterfaces(t *testing.T) {
	t.Parallel()
	var _ salebot.Limiter = rate.NewLimiter(1, 1)
	require.EqualError(t, &salebot.OptionError{Option: "WithX", Problem: "is wrong"}, "salebot: WithX: is wrong")
	require.True(t, strings.HasPrefix(salebot.DefaultUserAgent, "salebot-go/"))
}
