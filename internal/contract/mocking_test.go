package contract_test

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// The habits of those who test with httpmock. Whichever they have, no call may
// reach the network by surprise.

// offline is a transport that stands for the network.
type offline struct{ t *testing.T }

func (o offline) RoundTrip(*http.Request) (*http.Response, error) {
	o.t.Error("a request went past the mock")
	return nil, errors.New("offline")
}

func register(mock interface {
	RegisterResponder(method, url string, responder httpmock.Responder)
},
) {
	mock.RegisterResponder(http.MethodPost, `=~^https://chatter\.salebot\.pro/api/[^/]+/message\z`, clienttest.Answer(200, "ok"))
}

func requireMocked(t *testing.T, client *salebot.Client, calls func() int) {
	t.Helper()
	before := calls()
	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "x"})
	require.NoError(t, err)
	require.Equal(t, before+1, calls())
	// What no responder was registered for fails instead of reaching the service.
	_, err = client.Callback(t.Context(), salebot.CallbackRequest{ClientID: 1, Message: "x"})
	require.ErrorIs(t, err, httpmock.NoResponderFound)
}

// httpmock.Activate replaces http.DefaultTransport for the whole process, so this
// test runs alone.
func TestHTTPMockActivate(t *testing.T) { //nolint:paralleltest // see above
	standard := http.DefaultTransport
	before, err := salebot.New(testkit.Key)
	require.NoError(t, err)

	httpmock.Activate()
	defer httpmock.DeactivateAndReset()
	register(httpmock.DefaultTransport)
	after, err := salebot.New(testkit.Key)
	require.NoError(t, err)
	withClient, err := salebot.New(testkit.Key, salebot.WithHTTPClient(&http.Client{}))
	require.NoError(t, err)
	withDefault, err := salebot.New(testkit.Key, salebot.WithHTTPClient(http.DefaultClient))
	require.NoError(t, err)
	variant, err := before.With(salebot.WithTimeout(time.Minute))
	require.NoError(t, err)
	for _, client := range []*salebot.Client{before, after, withClient, withDefault, variant} {
		requireMocked(t, client, httpmock.GetTotalCallCount)
	}
	// A transport that was handed in is not replaced by Activate.
	own := httpmock.NewMockTransport()
	register(own)
	requireMocked(t, clienttest.New(t, own), own.GetTotalCallCount)

	httpmock.DeactivateAndReset()
	require.Same(t, standard, http.DefaultTransport)
}

// A replaced http.DefaultTransport is honored, of whatever type it is, at the time
// of the call; otherwise the client has a transport of its own.
func TestDefaultTransport(t *testing.T) { //nolint:paralleltest // it replaces a global
	standard := http.DefaultTransport
	defer func() { http.DefaultTransport = standard }()
	peer, other := &testkit.Peer{}, &testkit.Peer{}
	client, err := salebot.New(testkit.Key, salebot.WithoutRetries())
	require.NoError(t, err)
	for _, p := range []*testkit.Peer{peer, other} {
		http.DefaultTransport = p.Transport()
		_, err = clienttest.OnceCalls[0].Call(t.Context(), client)
		require.NoError(t, err)
		require.Len(t, p.Arrivals(), 1)
		client.CloseIdleConnections()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	}

	// With the standard one in place the client uses its own.
	http.DefaultTransport = standard
	loopback := &testkit.Peer{}
	local, err := salebot.New(testkit.Key, salebot.WithBaseURL(loopback.Listen(t)))
	require.NoError(t, err)
	t.Cleanup(local.CloseIdleConnections)
	_, err = clienttest.OnceCalls[0].Call(t.Context(), local)
	require.NoError(t, err)
	require.Len(t, loopback.Arrivals(), 1)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	_, err = clienttest.OnceCalls[0].Call(t.Context(), local)
	require.NoError(t, err)
	require.Equal(t, 1, loopback.Dials(), "the connection was not one of http.DefaultTransport")

	http.DefaultTransport = nil
	_, err = clienttest.OnceCalls[0].Call(t.Context(), local)
	require.NoError(t, err)

	// A new transport is a copy of the one in place, or of the one that was there first.
	changed := standard.(*http.Transport).Clone()
	changed.MaxResponseHeaderBytes = 4711
	for _, c := range []struct {
		current http.RoundTripper
		want    int64
	}{{changed, 4711}, {clienttest.Answering(http.StatusOK, "ok"), 0}} {
		http.DefaultTransport = c.current
		transport := salebot.NewTransport()
		require.NotSame(t, c.current, transport)
		require.Equal(t, c.want, transport.MaxResponseHeaderBytes)
		require.Equal(t, standard.(*http.Transport).TLSHandshakeTimeout, transport.TLSHandshakeTimeout)
		require.NotNil(t, transport.Proxy)
	}
}

func TestHTTPMockActivateNonDefault(t *testing.T) {
	t.Parallel()
	// httpmock keeps a list of such clients for Deactivate; a separate mock leaves it
	// alone.
	for name, late := range map[string]bool{"before New": false, "after New": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mock := httpmock.NewMockTransport()
			register(mock)
			user := &http.Client{Transport: offline{t}}
			if !late {
				user.Transport = mock
			}
			client, err := salebot.New(testkit.Key, salebot.WithHTTPClient(user))
			require.NoError(t, err)
			variant, err := client.With(salebot.WithUserAgent("variant"))
			require.NoError(t, err)
			user.Transport = mock
			requireMocked(t, client, mock.GetTotalCallCount)
			requireMocked(t, variant, mock.GetTotalCallCount)
		})
	}
}

// The same with the function itself, which is global.
func TestHTTPMockActivateNonDefaultItself(t *testing.T) { //nolint:paralleltest // see above
	user := &http.Client{Transport: offline{t}}
	client, err := salebot.New(testkit.Key, salebot.WithHTTPClient(user))
	require.NoError(t, err)
	httpmock.ActivateNonDefault(user)
	defer httpmock.DeactivateAndReset()
	register(httpmock.DefaultTransport)
	requireMocked(t, client, httpmock.GetTotalCallCount)
	late, err := salebot.New(testkit.Key, salebot.WithHTTPClient(user))
	require.NoError(t, err)
	requireMocked(t, late, httpmock.GetTotalCallCount)
}

func TestHTTPMockAsTransport(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	client := clienttest.New(t, mock)
	register(mock)
	requireMocked(t, client, mock.GetTotalCallCount)
	replaced, err := clienttest.New(t, offline{t}).With(salebot.WithTransport(mock))
	require.NoError(t, err)
	requireMocked(t, replaced, mock.GetTotalCallCount)
	replaced, err = clienttest.New(t, offline{t}).With(salebot.WithHTTPClient(&http.Client{Transport: mock}))
	require.NoError(t, err)
	requireMocked(t, replaced, mock.GetTotalCallCount)
}

// A user's http.Client stays as it is, whatever happens to the client.
func TestHTTPClientIsNotChanged(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	redirects := 0
	mock := clienttest.Answering(302, "", "Location: https://example.com/", "Set-Cookie: a=b; Path=/")
	user := &http.Client{
		Transport: mock, Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { redirects++; return nil },
	}
	client, err := salebot.New(testkit.Key, salebot.WithHTTPClient(user))
	require.NoError(t, err)
	_, err = client.With(salebot.WithTimeout(time.Second), salebot.WithAttemptTimeout(time.Second))
	require.NoError(t, err)
	for range 2 {
		_, err = clienttest.OnceCalls[0].Call(t.Context(), client)
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
	}
	require.Same(t, mock, user.Transport)
	require.Same(t, jar, user.Jar)
	require.Equal(t, time.Minute, user.Timeout)
	require.NoError(t, user.CheckRedirect(nil, nil))
	require.Equal(t, 1, redirects, "it was not asked by the client")

	empty := &http.Client{}
	_, err = salebot.New(testkit.Key, salebot.WithHTTPClient(empty))
	require.NoError(t, err)
	require.Equal(t, http.Client{}, *empty)
}

// Its cookie jar is used.
func TestHTTPClientJar(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	var cookies []string
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		cookies = append(cookies, r.Header.Get("Cookie"))
		return clienttest.Answer(200, "ok", "Set-Cookie: session=7; Path=/")(r)
	})
	client, err := salebot.New(testkit.Key, salebot.WithHTTPClient(&http.Client{Transport: mock, Jar: jar}))
	require.NoError(t, err)
	for range 2 {
		_, err = clienttest.OnceCalls[0].Call(t.Context(), client)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"", "session=7"}, cookies)
}

// A user's transport is not changed either, and its connections are used.
func TestTransportIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{}
		transport := peer.Transport()
		transport.MaxIdleConnsPerHost = 3
		client := clienttest.New(t, transport)
		for range 5 {
			_, err := clienttest.OnceCalls[0].Call(t.Context(), client)
			require.NoError(t, err)
			// The connection is free when all who worked on it are done.
			synctest.Wait()
		}
		require.Equal(t, 1, peer.Dials())
		require.Equal(t, 3, transport.MaxIdleConnsPerHost)
		require.False(t, transport.DisableKeepAlives)
	})
}
