package exchange_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"github.com/salebot-go/salebot/internal/exchange"
	"github.com/salebot-go/salebot/internal/secret"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/internal/wait"
)

// do sends one request.
func do(t *testing.T, e *exchange.Exchanger, r *exchange.Request) (status int, notSent bool, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	own := *r
	own.Cancel = cancel
	reply, notSent, err := e.Do(ctx, "agent", &own)
	defer reply.Release()
	return reply.Status, notSent, err
}

// A server that speaks HTTP/2 gets each request once, whatever it does with it.
func TestHTTP2RequestsAreSentOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(*testkit.HTTP2Stream)
		// Whether the server's word that it did not process the request arrives:
		// net/http keeps it to itself if it would repeat a request without a body.
		notSent, notSentGET bool
	}{
		"executed, then reset with PROTOCOL_ERROR": {func(s *testkit.HTTP2Stream) { s.Reset(http2.ErrCodeProtocol) }, false, false},
		"executed, then reset with INTERNAL_ERROR": {func(s *testkit.HTTP2Stream) { s.Reset(http2.ErrCodeInternal) }, false, false},
		"refused":                 {func(s *testkit.HTTP2Stream) { s.Reset(http2.ErrCodeRefusedStream) }, true, false},
		"shut down":               {func(s *testkit.HTTP2Stream) { s.GoAway(max(s.ID, 2)-2, http2.ErrCodeNo) }, true, false},
		"shut down with an error": {func(s *testkit.HTTP2Stream) { s.GoAway(max(s.ID, 2)-2, http2.ErrCodeEnhanceYourCalm) }, true, true},
	} {
		for kind, r := range map[string]*exchange.Request{
			"POST": request(http.MethodPost, `{"a":1}`, false), "large POST": request(http.MethodPost, strings.Repeat("x", 30_000), false),
			"GET": request(http.MethodGet, "", false),
		} {
			for _, state := range []struct{ warm, wrapped bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
				warm := state.warm
				t.Run(name+" "+kind, func(t *testing.T) {
					t.Parallel()
					testkit.Bubble(t, func(t *testing.T) {
						var failing atomic.Bool
						failing.Store(!warm)
						peer := &testkit.HTTP2Peer{Answer: func(_ int, s *testkit.HTTP2Stream) {
							if !failing.Load() {
								s.Respond("ok")
								return
							}
							c.answer(s)
						}}
						defer peer.Close()
						e := through(peer.Transport())
						if state.wrapped {
							e = through(roundTripper(peer.Transport().RoundTrip))
						}
						want := 1
						if warm {
							status, _, err := do(t, e, request(http.MethodPost, "{}", false))
							require.NoError(t, err)
							require.Equal(t, http.StatusOK, status)
							failing.Store(true)
							want = 2
						}
						start := time.Now()
						_, notSent, err := do(t, e, r)
						require.Error(t, err)
						require.Equal(t, want, peer.Arrivals(), "%v", err)
						require.Zero(t, time.Since(start), "nothing was tried again after a while")
						expected := c.notSent
						if r.Body == nil {
							expected = c.notSentGET && !warm
						}
						require.Equal(t, expected && !state.wrapped, notSent, "%v", err)
						require.NotErrorIs(t, err, context.Canceled)
					})
				})
			}
		}
	}
}

// A request that is written once and has no body uses HTTP/1 if the server has both,
// and a connection of its own.
func TestRequestsWithoutBodyThatRunOnceAvoidHTTP2(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.HTTP2Peer{Answer: func(_ int, s *testkit.HTTP2Stream) { s.Respond("ok") }}
		defer peer.Close()
		e := through(peer.Transport())
		_, _, err := do(t, e, request(http.MethodPost, "{}", false))
		require.NoError(t, err)
		// The peer hangs up on those who speak HTTP/1.
		_, notSent, err := do(t, e, request(http.MethodGet, "", true))
		require.Error(t, err)
		require.False(t, notSent)
		require.Equal(t, 1, peer.Arrivals())
		require.Equal(t, 2, peer.Dials())
	})
}

// Over HTTP/1, a connection that was kept and is closed by the server as soon as
// a request has come is not followed by a second one, with or without a body.
func TestHTTP1RequestsAreSentOnce(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		testkit.Bubble(t, func(t *testing.T) {
			peer := &testkit.Peer{Answer: testkit.InTurn(testkit.Respond(200, "ok"), testkit.Cut())}
			e := through(peer.Transport())
			defer e.CloseIdleConnections()
			body := ""
			if method == http.MethodPost {
				body = "{}"
			}
			_, _, err := do(t, e, request(method, body, false))
			require.NoError(t, err)
			synctest.Wait()
			_, notSent, err := do(t, e, request(method, body, false))
			require.Error(t, err)
			require.False(t, notSent)
			require.NotErrorIs(t, err, context.Canceled)
			require.Len(t, peer.Arrivals(), 2, method)
		})
	}
}

// A request that may be written up to a moment is not written after it, however the
// time passed.
func TestNothingIsWrittenTooLate(t *testing.T) {
	t.Parallel()
	dialsSlowly := func(ctx context.Context, _ int) error {
		wait.For(ctx, 10*time.Second)
		return ctx.Err()
	}
	for name, c := range map[string]struct {
		allowed time.Duration
		wrap    func(http.RoundTripper) http.RoundTripper
		sent    bool
	}{
		"over already":            {-time.Second, nil, false},
		"while it connects":       {5 * time.Second, nil, false},
		"in time":                 {20 * time.Second, nil, true},
		"over already, wrapped":   {-time.Second, wrapped, false},
		"as it connects, wrapped": {5 * time.Second, wrapped, false},
		"in time, wrapped":        {20 * time.Second, wrapped, true},
	} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				testkit.Bubble(t, func(t *testing.T) {
					peer := &testkit.Peer{Dialed: dialsSlowly}
					transport := http.RoundTripper(peer.Transport())
					if c.wrap != nil {
						transport = c.wrap(transport)
					}
					e := through(transport)
					r := request(method, map[string]string{http.MethodPost: "{}"}[method], false)
					r.WriteBy = time.Now().Add(c.allowed)
					_, notSent, err := do(t, e, r)
					if c.sent {
						require.NoError(t, err)
						require.Len(t, peer.Arrivals(), 1)
					} else {
						require.ErrorIs(t, err, exchange.ErrTooLate)
						require.True(t, notSent)
						require.Empty(t, peer.Arrivals())
					}
					e.CloseIdleConnections()
				})
			})
		}
	}
}

func wrapped(transport http.RoundTripper) http.RoundTripper {
	return closingRoundTripper{transport}
}

// closingRoundTripper hides what kind of transport there is.
type closingRoundTripper struct{ http.RoundTripper }

func (c closingRoundTripper) CloseIdleConnections() {
	c.RoundTripper.(*http.Transport).CloseIdleConnections()
}

// A request line that is so long that it is written in parts is no repetition, on a
// new connection or one that was kept.
func TestLongAddressesAreSentOnce(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		long := secret.New("https://chatter.salebot.pro/api/" + testkit.EscapedKey + "/x?text=" + strings.Repeat("x", 5000))
		one, two := &testkit.Peer{}, &testkit.HTTP2Peer{Answer: func(_ int, s *testkit.HTTP2Stream) { s.Respond("ok") }}
		defer two.Close()
		for _, transport := range []http.RoundTripper{one.Transport(), two.Transport(), wrapped(one.Transport())} {
			e := through(transport)
			for range 2 {
				r := request(http.MethodGet, "", false)
				r.URL = long
				status, _, err := do(t, e, r)
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, status)
				synctest.Wait()
			}
			e.CloseIdleConnections()
		}
		require.Len(t, one.Arrivals(), 4)
		require.Equal(t, 2, two.Arrivals())
	})
}

// failingConn is a connection whose next write fails before a byte of it was sent.
type failingConn struct {
	net.Conn
	fail *atomic.Bool
}

func (c failingConn) Write(part []byte) (int, error) {
	if c.fail.CompareAndSwap(true, false) {
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(part)
}

// A connection that was kept and dies before anything is written heals by itself
// where net/http proves it.
func TestConnectionsThatDieBeforeTheWriteHeal(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{}
		transport := peer.Transport()
		dial, fail := transport.DialContext, new(atomic.Bool)
		transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return failingConn{conn, fail}, err
		}
		e := through(transport)
		defer e.CloseIdleConnections()
		for range 3 {
			_, _, err := do(t, e, request(http.MethodPost, "{}", false))
			require.NoError(t, err)
			synctest.Wait()
			fail.Store(true)
		}
		require.Len(t, peer.Arrivals(), 3)
		for _, arrival := range peer.Arrivals() {
			require.Equal(t, "{}", string(arrival.Body))
		}
	})
}

// composed sends through something that reports nothing, and falls back to a
// transport that cannot connect.
func composed(primary, fallback http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if response, err := primary.RoundTrip(r); err == nil {
			return response, nil
		}
		return fallback.RoundTrip(r)
	})
}

// What a composed transport did before its last step failed to connect is not known.
func TestComposedTransportsProveNothing(t *testing.T) {
	t.Parallel()
	unreachable := (&testkit.Peer{Dialed: dialing(testkit.Refused())}).Transport()
	sends := roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		return nil, errBroken
	})
	rewinds := roundTripper(func(r *http.Request) (*http.Response, error) {
		body, err := r.GetBody()
		if err == nil {
			_, _ = io.Copy(io.Discard, body)
		}
		return nil, errBroken
	})
	wrapped := roundTripper(unreachable.RoundTrip)
	for name, c := range map[string]struct {
		transport http.RoundTripper
		request   *exchange.Request
		notSent   bool
	}{
		"sent, then no connection":          {composed(sends, unreachable), request(http.MethodPost, "{}", false), false},
		"rewound, then no connection":       {composed(rewinds, unreachable), request(http.MethodPost, "{}", false), false},
		"sent without a body, no conn.":     {composed(sends, unreachable), request(http.MethodGet, "", false), false},
		"sent once without a body, no conn": {composed(sends, unreachable), request(http.MethodGet, "", true), false},
		"only wrapped":                      {wrapped, request(http.MethodPost, "{}", false), true},
		"a mock":                            {roundTripper(func(*http.Request) (*http.Response, error) { return nil, testkit.Refused() }), request(http.MethodPost, "{}", false), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				_, notSent, err := do(t, through(c.transport), c.request)
				require.Error(t, err)
				require.Equal(t, c.notSent, notSent)
			})
		})
	}
}

// stuck is a body that ends only when it is closed, if at all.
type stuck struct{ closed chan struct{} }

func (s stuck) Read([]byte) (int, error) { <-s.closed; return 0, errBroken }

func (s stuck) Close() error {
	if s.closed != nil {
		close(s.closed)
	}
	return nil
}

// No body holds a call longer than its context, whoever made it.
func TestBodiesEndWithTheContext(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusSwitchingProtocols, http.StatusOK, http.StatusInternalServerError} {
		testkit.Bubble(t, func(t *testing.T) {
			e := through(roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: stuck{make(chan struct{})}}, nil
			}))
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			r := request(http.MethodPost, "{}", false)
			r.Cancel = cancel
			reply, _, err := e.Do(ctx, "agent", r)
			require.Equal(t, status, reply.Status)
			if status == http.StatusSwitchingProtocols {
				require.NoError(t, err, "its body is not read")
				require.Zero(t, time.Since(start))
				return
			}
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.InDelta(t, 3, time.Since(start).Seconds(), 0.2)
		})
	}
}

// An answer that ends an exchange without being one, on a connection that stays open.
func TestSwitchedProtocols(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: testkit.Always(testkit.Answer{Text: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", Hang: true})}
		e := through(peer.Transport())
		defer e.CloseIdleConnections()
		start := time.Now()
		status, notSent, err := do(t, e, request(http.MethodPost, "{}", false))
		require.NoError(t, err)
		require.False(t, notSent)
		require.Equal(t, http.StatusSwitchingProtocols, status)
		require.Zero(t, time.Since(start))
	})
}

// A panic of a transport's body reaches the caller, who may recover from it.
func TestPanicsOfBodiesReachTheCaller(t *testing.T) {
	t.Parallel()
	e := through(roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: panicking{}}, nil
	}))
	require.PanicsWithError(t, errBroken.Error(), func() { _, _, _ = do(t, e, request(http.MethodPost, "{}", false)) })
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic(errBroken) }
func (panicking) Close() error             { return nil }

// net/http takes some headers for leave to send a POST again.
func TestNoHeaderInvitesRepetition(t *testing.T) {
	t.Parallel()
	e := through(roundTripper(func(r *http.Request) (*http.Response, error) {
		for name := range r.Header {
			if strings.Contains(strings.ToLower(name), "idempotency") {
				return nil, errors.New(name)
			}
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}, nil
	}))
	_, _, err := do(t, e, request(http.MethodPost, "{}", false))
	require.NoError(t, err)
}
