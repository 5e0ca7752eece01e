package salebot_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

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
