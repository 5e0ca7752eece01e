package salebot_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// The transport to change is that of a client, and each call gives another one.
func TestNewTransport(t *testing.T) {
	t.Parallel()
	transport := salebot.NewTransport()
	require.Equal(t, salebot.DefaultIdleConnections, transport.MaxIdleConnsPerHost)
	require.Zero(t, transport.MaxIdleConns, "all hosts together have no bound of their own")
	require.Equal(t, salebot.DefaultIdleTimeout, transport.IdleConnTimeout)
	require.NotNil(t, transport.Proxy, "the environment is asked for a proxy")
	require.NotNil(t, transport.DialContext)
	require.True(t, transport.ForceAttemptHTTP2)
	require.NotSame(t, transport, salebot.NewTransport())
	standard := http.DefaultTransport.(*http.Transport)
	require.NotSame(t, standard, transport)
	require.NotEqual(t, salebot.DefaultIdleConnections, standard.MaxIdleConnsPerHost, "the standard transport stays as it is")

	errProxy := errors.New("the proxy is asked")
	transport.Proxy = func(*http.Request) (*url.URL, error) { return nil, errProxy }
	_, err := clienttest.New(t, transport, salebot.WithoutRetries()).GetVariables(t.Context(), 1)
	require.ErrorIs(t, err, errProxy)
	clienttest.RequireHiddenError(t, err)
}

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
