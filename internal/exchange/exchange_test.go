package exchange_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/salebot-go/salebot/internal/exchange"
	"github.com/salebot-go/salebot/internal/secret"
	"github.com/salebot-go/salebot/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(testkit.Screen(m)) }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func through(transport http.RoundTripper) *exchange.Exchanger {
	return exchange.New(func() http.RoundTripper { return transport }, nil)
}

func request(method, body string, fresh bool) *exchange.Request {
	r := &exchange.Request{
		Method: method, URL: secret.New("https://chatter.salebot.pro/api/" + testkit.EscapedKey + "/x"), FreshConnection: fresh, Limit: 1 << 10,
	}
	if body != "" {
		r.Body = []byte(body)
	}
	return r
}

// body counts how often it is closed.
type body struct {
	io.Reader
	closed int
}

func (b *body) Close() error { b.closed++; return nil }

var errBroken = errors.New("broken")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// The body of an answer is read and closed once, whatever becomes of it.
func TestBodiesAreClosed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   io.Reader
		want   string
		err    error
	}{
		"success":                  {200, strings.NewReader("ok"), "ok", nil},
		"empty":                    {204, strings.NewReader(""), "", nil},
		"at the limit":             {200, strings.NewReader(strings.Repeat("x", 1<<10)), strings.Repeat("x", 1<<10), nil},
		"beyond the limit":         {200, strings.NewReader(strings.Repeat("x", 1<<10+1)), strings.Repeat("x", 1<<10), exchange.ErrTooLarge},
		"broken":                   {200, io.MultiReader(strings.NewReader("half"), brokenReader{}), "half", errBroken},
		"failure":                  {500, strings.NewReader("oops"), "oops", nil},
		"failure beyond the limit": {500, strings.NewReader(strings.Repeat("x", 1<<11)), strings.Repeat("x", 1<<10), nil},
		"broken failure":           {404, io.MultiReader(strings.NewReader("half"), brokenReader{}), "half", nil},
		"broken redirect":          {300, io.MultiReader(strings.NewReader("half"), brokenReader{}), "half", nil},
		"redirect":                 {302, strings.NewReader("moved"), "moved", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracked := &body{Reader: c.body}
			e := through(roundTripper(func(r *http.Request) (*http.Response, error) {
				header := http.Header{"Location": {"https://other.example/"}}
				return &http.Response{StatusCode: c.status, Header: header, Body: tracked, Request: r}, nil
			}))
			reply, notSent, err := e.Do(t.Context(), "agent", request(http.MethodPost, "{}", false))
			require.ErrorIs(t, err, c.err)
			require.False(t, notSent)
			require.Equal(t, c.status, reply.Status)
			require.Equal(t, c.want, string(reply.Body))
			require.Equal(t, 1, tracked.closed)
			reply.Release()
			require.Nil(t, reply.Body)
			require.NotPanics(t, reply.Release, "twice is once")
		})
	}
}

// The headers of every request, those that a request adds or replaces, and none that
// stay for the next.
func TestHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	e := through(roundTripper(func(r *http.Request) (*http.Response, error) {
		got = r.Header.Clone()
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}, nil
	}))
	plain := http.Header{"Accept": {"application/json, text/plain, */*"}, "User-Agent": {"agent"}}
	withBody := plain.Clone()
	withBody.Set("Content-Type", "application/json")
	for range 2 {
		for _, r := range []*exchange.Request{request(http.MethodGet, "", false), request(http.MethodPost, "{}", false)} {
			want := plain
			if r.Body != nil {
				want = withBody
			}
			_, _, err := e.Do(t.Context(), "agent", r)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, want, e.Header("agent", r.Body != nil))
			e.Header("agent", r.Body != nil).Set("Accept", "nothing")

			for _, own := range []http.Header{{"X-Trace": {"5"}}, {"Accept": {"text/plain"}, "X-Trace": {"5"}}} {
				r.Header, want = own, want.Clone()
				maps.Copy(want, own)
				_, _, err = e.Do(t.Context(), "agent", r)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		}
	}
}

// A transport around others has the caller's context, and the whole body as often as it
// asks for it.
func TestTransportsHaveContextAndBody(t *testing.T) {
	t.Parallel()
	type key struct{}
	e := through(roundTripper(func(r *http.Request) (*http.Response, error) {
		require.Equal(t, "span", r.Context().Value(key{}))
		for range 2 {
			again, err := r.GetBody()
			require.NoError(t, err)
			text, err := io.ReadAll(again)
			require.NoError(t, err)
			require.Equal(t, "{}", string(text))
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}, nil
	}))
	_, _, err := e.Do(context.WithValue(t.Context(), key{}, "span"), "agent", request(http.MethodPost, "{}", false))
	require.NoError(t, err)
}

// A transport that returns nothing, or too much.
func TestStrangeTransports(t *testing.T) {
	t.Parallel()
	tracked := &body{Reader: strings.NewReader("x")}
	for name, transport := range map[string]roundTripper{
		"nothing": func(*http.Request) (*http.Response, error) { return nil, nil },
		"answer and failure": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: tracked}, errBroken
		},
		"no body": func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: http.StatusOK}, nil },
	} {
		for _, fresh := range []bool{false, true} {
			e := through(transport)
			reply, notSent, err := e.Do(t.Context(), "agent", request(http.MethodGet, "", fresh))
			require.False(t, notSent, name)
			if err == nil {
				require.Empty(t, reply.Body, name)
			}
			reply.Release()
		}
	}
}

// Nothing of one request is in the next, although they share memory.
func TestRequestsDoNotMix(t *testing.T) {
	t.Parallel()
	type seen struct{ method, body, agent, contentType string }
	var mu sync.Mutex
	var all []seen
	e := through(roundTripper(func(r *http.Request) (*http.Response, error) {
		sent := ""
		if r.Body != nil {
			text, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			sent = string(text)
		}
		mu.Lock()
		all = append(all, seen{r.Method, sent, r.UserAgent(), r.Header.Get("Content-Type")})
		mu.Unlock()
		r.Header.Set("X-Injected", "by a transport") // as tracing transports do
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(sent))}, nil
	}))
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			agent := "agent"
			if i%3 == 0 {
				agent = "other"
			}
			r := request(http.MethodGet, "", i%4 == 1)
			if i%2 == 0 {
				r = request(http.MethodPost, strings.Repeat("x", i+1), false)
			}
			reply, _, err := e.Do(t.Context(), agent, r)
			if err != nil || !bytes.Equal(reply.Body, r.Body) {
				t.Errorf("%d: %v, %q", i, err, reply.Body)
			}
			reply.Release()
		})
	}
	group.Wait()
	require.Len(t, all, 200)
	agents := map[string]int{}
	for _, s := range all {
		agents[s.agent]++
		require.Equal(t, s.method == http.MethodPost, s.body != "")
		require.Equal(t, s.method == http.MethodPost, s.contentType == "application/json")
	}
	require.Equal(t, map[string]int{"agent": 133, "other": 67}, agents)
}

// A request for a connection of its own gets one, and leaves none behind; what the
// user set on the transport holds for it too.
func TestFreshConnections(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{}
		transport := peer.Transport()
		transport.ResponseHeaderTimeout = 5
		e := through(transport)
		defer e.CloseIdleConnections()
		do := func(fresh bool) {
			reply, _, err := e.Do(t.Context(), "agent", request(http.MethodGet, "", fresh))
			require.NoError(t, err)
			reply.Release()
			synctest.Wait()
		}
		for _, fresh := range []bool{false, true, true, false, true} {
			do(fresh)
		}
		var connections []int
		for _, a := range peer.Arrivals() {
			connections = append(connections, a.Connection)
			require.Zero(t, a.ContentLength)
			require.Empty(t, a.TransferEncoding)
			require.Empty(t, a.Header.Get("Content-Type"))
		}
		require.Equal(t, []int{1, 2, 3, 1, 4}, connections)
		require.False(t, transport.DisableKeepAlives, "the user's transport is as it was")

		peer.Answer = testkit.Always(testkit.Hang())
		_, notSent, err := e.Do(t.Context(), "agent", request(http.MethodGet, "", true))
		require.ErrorContains(t, err, "awaiting response headers")
		require.False(t, notSent)
	})
}

// NotSent is proved by the trace only.
func TestNotSentNeedsProof(t *testing.T) {
	t.Parallel()
	_, notSent, err := through(roundTripper(func(*http.Request) (*http.Response, error) { return nil, testkit.Refused() })).
		Do(t.Context(), "agent", request(http.MethodPost, "{}", false))
	require.Error(t, err)
	require.False(t, notSent)
	_, notSent, err = through((&testkit.Peer{}).Transport()).Do(t.Context(), "agent", &exchange.Request{Method: "BAD METHOD", URL: secret.New("https://h.example/x"), Limit: 1})
	require.Error(t, err)
	require.False(t, notSent, "a request that cannot be built asked for no connection")
	for _, fresh := range []bool{false, true} {
		testkit.Bubble(t, func(t *testing.T) {
			for name, peer := range map[string]*testkit.Peer{
				"refused": {Dialed: dialing(testkit.Refused())}, "no such host": {Dialed: dialing(testkit.NoSuchHost())},
			} {
				_, notSent, err := through(peer.Transport()).Do(t.Context(), "agent", request(http.MethodGet, "", fresh))
				require.Error(t, err)
				require.True(t, notSent, name)
			}
			_, notSent, err := through((&testkit.Peer{Answer: testkit.Always(testkit.Cut())}).Transport()).Do(t.Context(), "agent", request(http.MethodGet, "", fresh))
			require.Error(t, err)
			require.False(t, notSent)
		})
	}
}

func dialing(err error) func(context.Context, int) error {
	return func(context.Context, int) error { return err }
}
