package exchange_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
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
			for _, state := range []struct{ warm, wrapped, plain bool }{
				{},
				{warm: true},
				{wrapped: true},
				{warm: true, wrapped: true},
				{plain: true},
				{plain: true, warm: true},
				{plain: true, wrapped: true},
				{plain: true, warm: true, wrapped: true},
			} {
				warm := state.warm
				t.Run(name+" "+kind, func(t *testing.T) {
					t.Parallel()
					testkit.Bubble(t, func(t *testing.T) {
						var failing atomic.Bool
						failing.Store(!warm)
						r := r
						if state.plain {
							r = withoutTLS(r)
						}
						peer := &testkit.HTTP2Peer{Plain: state.plain, Answer: func(_ int, s *testkit.HTTP2Stream) {
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
							first := request(http.MethodPost, "{}", false)
							first.URL = r.URL
							status, _, err := do(t, e, first)
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

// withoutTLS is a request by plain HTTP.
func withoutTLS(r *exchange.Request) *exchange.Request {
	plain := *r
	plain.URL = secret.New(strings.Replace(r.URL.Reveal(), "https:", "http:", 1))
	return &plain
}

// A server that answered by HTTP/1 once and speaks HTTP/2 by now gets each request once.
func TestRequestsAreSentOnceAfterTheServerChanged(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		old := &testkit.Peer{}
		transport := http.RoundTripper(old.Transport())
		e := exchange.New(func() http.RoundTripper { return transport }, nil)
		_, _, err := do(t, e, request(http.MethodPost, "{}", false))
		require.NoError(t, err)
		e.CloseIdleConnections()
		peer := &testkit.HTTP2Peer{Answer: func(_ int, s *testkit.HTTP2Stream) { s.Reset(http2.ErrCodeProtocol) }}
		defer peer.Close()
		transport = peer.Transport()
		// Whether the transport would have sent it again depends on its version.
		_, notSent, err := do(t, e, request(http.MethodPost, "{}", false))
		require.Error(t, err)
		require.False(t, notSent)
		require.Equal(t, 1, peer.Arrivals())
	})
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
		require.Equal(t, []string{"h2", ""}, peer.Negotiated())
	})
}

// Who makes the TLS connections decides about their protocol, also of those that serve one
// request.
func TestOwnTLSConnectionsOfFreshRequests(t *testing.T) {
	t.Parallel()
	for _, deprecated := range []bool{false, true} {
		testkit.Bubble(t, func(t *testing.T) {
			peer := &testkit.HTTP2Peer{Answer: func(_ int, s *testkit.HTTP2Stream) { s.Respond("ok") }}
			defer peer.Close()
			transport := peer.Transport()
			dial, config := transport.DialContext, transport.TLSClientConfig.Clone()
			config.ServerName, config.NextProtos = "chatter.salebot.pro", []string{"h2"}
			secure := func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				client := tls.Client(conn, config)
				if err := client.HandshakeContext(ctx); err != nil {
					return nil, err
				}
				return client, nil
			}
			if deprecated {
				transport.DialTLS = func(network, address string) (net.Conn, error) { //nolint:staticcheck // users may still set it
					return secure(t.Context(), network, address)
				}
			} else {
				transport.DialTLSContext = secure
			}
			status, _, err := do(t, through(transport), request(http.MethodGet, "", true))
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, 1, peer.Arrivals())
		})
	}
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
		long    bool
		plain   bool
	}{
		"while it connects, without TLS": {allowed: 5 * time.Second, plain: true},
		"as it connects, without TLS, set": {allowed: 5 * time.Second, plain: true, wrap: func(transport http.RoundTripper) http.RoundTripper {
			standard := transport.(*http.Transport)
			standard.Protocols = new(http.Protocols)
			standard.Protocols.SetHTTP1(true)
			return standard
		}},
		"over already":                    {allowed: -time.Second},
		"while it connects":               {allowed: 5 * time.Second},
		"while it connects, long address": {allowed: 5 * time.Second, long: true},
		"in time":                         {allowed: 20 * time.Second, sent: true},
		"over already, wrapped":           {allowed: -time.Second, wrap: wrapped},
		"as it connects, wrapped":         {allowed: 5 * time.Second, wrap: wrapped},
		"in time, wrapped":                {allowed: 20 * time.Second, wrap: wrapped, sent: true},
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
					if c.long {
						r.URL = longAddress
					}
					if c.plain {
						r = withoutTLS(r)
					}
					r.WriteBy = time.Now().Add(c.allowed)
					_, notSent, err := do(t, e, r)
					if c.sent {
						require.NoError(t, err)
						require.Len(t, peer.Arrivals(), 1)
					} else {
						require.ErrorIs(t, err, exchange.ErrTooLate)
						// What a transport around net/http's own does is known by the body only.
						_, direct := transport.(*http.Transport)
						require.Equal(t, method == http.MethodPost || c.allowed < 0 || direct, notSent)
						synctest.Wait()
						require.Empty(t, peer.Arrivals())
					}
					e.CloseIdleConnections()
				})
			})
		}
	}
}

// A request that was executed is not called too late when net/http wants to repeat it
// after its moment.
func TestTooLateForARepetitionIsNoProof(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: testkit.InTurn(testkit.Respond(200, "ok"), testkit.Answer{Delay: 10 * time.Second, Cut: true})}
		e := through(peer.Transport())
		defer e.CloseIdleConnections()
		r := request(http.MethodGet, "", false)
		_, _, err := do(t, e, r)
		require.NoError(t, err)
		synctest.Wait()
		r.WriteBy = time.Now().Add(5 * time.Second)
		_, notSent, err := do(t, e, r)
		require.ErrorIs(t, err, exchange.ErrRepeated)
		require.False(t, notSent)
		require.Len(t, peer.Arrivals(), 2)
	})
}

// A body that was begun in time is written to its end.
func TestBodiesThatWereBegunInTimeAreWritten(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		e := through(roundTripper(func(r *http.Request) (*http.Response, error) {
			first := make([]byte, 1)
			if _, err := io.ReadFull(r.Body, first); err != nil {
				return nil, err
			}
			wait.For(r.Context(), 10*time.Second)
			rest, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			require.Equal(t, "{}", string(first)+string(rest))
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}, nil
		}))
		r := request(http.MethodPost, "{}", false)
		r.WriteBy = time.Now().Add(5 * time.Second)
		_, _, err := do(t, e, r)
		require.NoError(t, err)
	})
}

// A request that is too late ends alone: others may use its connection by HTTP/2.
func TestConnectionOfALateRequestIsKept(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.HTTP2Peer{
			Answer: func(_ int, s *testkit.HTTP2Stream) { s.Respond("ok") },
			Dialed: func(ctx context.Context, _ int) error { wait.For(ctx, 10*time.Second); return ctx.Err() },
		}
		defer peer.Close()
		e := through(peer.Transport())
		r := request(http.MethodPost, "{}", false)
		r.WriteBy = time.Now().Add(5 * time.Second)
		_, notSent, err := do(t, e, r)
		require.ErrorIs(t, err, exchange.ErrTooLate)
		require.True(t, notSent)
		_, _, err = do(t, e, request(http.MethodPost, "{}", false))
		require.NoError(t, err)
		require.Equal(t, 1, peer.Arrivals())
		require.Equal(t, 1, peer.Dials())
	})
}

// What a transport sent before it was too late for another connection is not known, by
// whatever means it sent it.
func TestTooLateIsNoProofAfterTheBodyWasRead(t *testing.T) {
	t.Parallel()
	slow := (&testkit.Peer{Dialed: func(ctx context.Context, _ int) error { wait.For(ctx, 10*time.Second); return ctx.Err() }}).Transport()
	sends := roundTripper(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		return nil, errBroken
	})
	// reads the body later than it may be written, and reports nothing.
	reads := func(skip time.Duration) roundTripper {
		return func(r *http.Request) (*http.Response, error) {
			wait.For(r.Context(), skip)
			_, err := io.Copy(io.Discard, r.Body)
			return nil, err
		}
	}
	again := roundTripper(func(r *http.Request) (*http.Response, error) {
		wait.For(r.Context(), 10*time.Second)
		body, err := r.GetBody()
		if err == nil {
			_, err = io.Copy(io.Discard, body)
		}
		return nil, err
	})
	for name, c := range map[string]struct {
		transport http.RoundTripper
		notSent   bool
	}{
		"never read":                   {wrapped(slow), true},
		"read too late":                {reads(10 * time.Second), true},
		"sent, then a late connection": {composed(sends, slow), false},
		"sent, then read again":        {composed(sends, again), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				r := request(http.MethodPost, "{}", false)
				r.WriteBy = time.Now().Add(5 * time.Second)
				_, notSent, err := do(t, through(c.transport), r)
				require.ErrorIs(t, err, exchange.ErrTooLate)
				require.Equal(t, c.notSent, notSent)
			})
		})
	}
}

// A dialer that asks another server, or the same, with the context of the request does
// not make the request a repetition, and does not hide that it is too late.
func TestDialersMayAskServers(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		testkit.Bubble(t, func(t *testing.T) {
			names, peer := &testkit.Peer{Answer: testkit.Always(testkit.Answer{Text: testkit.Respond(200, "10.0.0.1").Text, Delay: 10 * time.Second})}, &testkit.Peer{}
			asked, transport := names.Transport(), peer.Transport()
			dial := transport.DialTLSContext
			transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				question, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://names.example/", nil)
				if err != nil {
					return nil, err
				}
				answer, err := asked.RoundTrip(question)
				if err != nil {
					return nil, err
				}
				_ = answer.Body.Close()
				return dial(ctx, network, address)
			}
			e := through(transport)
			defer e.CloseIdleConnections()
			defer asked.CloseIdleConnections()
			r := request(method, map[string]string{http.MethodPost: "{}"}[method], false)
			r.WriteBy = time.Now().Add(5 * time.Second)
			_, _, err := do(t, e, r)
			require.ErrorIs(t, err, exchange.ErrTooLate)
			synctest.Wait()
			require.Empty(t, peer.Arrivals(), method)
			r.WriteBy = time.Time{}
			_, _, err = do(t, e, r)
			require.NoError(t, err, method)
			require.Len(t, peer.Arrivals(), 1, method)
		})
	}
}

// A transport of the user's own may send again; it is not taken for a repetition by
// net/http.
func TestTransportsMaySendAgain(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: testkit.InTurn(testkit.Cut(), testkit.Respond(200, "ok"))}
		transport := peer.Transport()
		defer transport.CloseIdleConnections()
		_, _, err := do(t, through(composed(transport, transport)), request(http.MethodGet, "", false))
		require.NoError(t, err)
		require.Len(t, peer.Arrivals(), 2)
	})
}

// What the user traces is told, whatever is traced besides.
func TestTracesOfTheUserAreKept(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var told []string
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GetConn:      func(string) { told = append(told, "GetConn") },
			GotConn:      func(httptrace.GotConnInfo) { told = append(told, "GotConn") },
			WroteHeaders: func() { told = append(told, "WroteHeaders") },
		})
		e := through((&testkit.Peer{}).Transport())
		defer e.CloseIdleConnections()
		for _, r := range []*exchange.Request{request(http.MethodGet, "", false), request(http.MethodPost, "{}", false)} {
			told = nil
			reply, _, err := e.Do(ctx, "agent", r)
			require.NoError(t, err)
			reply.Release()
			synctest.Wait()
			require.Equal(t, []string{"GetConn", "GotConn", "WroteHeaders"}, told, r.Method)
		}
	})
}

func wrapped(transport http.RoundTripper) http.RoundTripper {
	return closingRoundTripper{transport}
}

// closingRoundTripper hides what kind of transport there is.
type closingRoundTripper struct{ http.RoundTripper }

func (c closingRoundTripper) CloseIdleConnections() {
	c.RoundTripper.(*http.Transport).CloseIdleConnections()
}

// longAddress makes a request line that is written in parts.
var longAddress = secret.New("https://chatter.salebot.pro/api/" + testkit.EscapedKey + "/x?text=" + strings.Repeat("x", 5000))

// A request line that is so long that it is written in parts is no repetition, on a
// new connection or one that was kept.
func TestLongAddressesAreSentOnce(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		one, two := &testkit.Peer{}, &testkit.HTTP2Peer{Answer: func(_ int, s *testkit.HTTP2Stream) { s.Respond("ok") }}
		defer two.Close()
		for _, transport := range []http.RoundTripper{one.Transport(), two.Transport(), wrapped(one.Transport())} {
			e := through(transport)
			for range 2 {
				r := request(http.MethodGet, "", false)
				r.URL = longAddress
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

// endingConn is a connection that the other side ends before the second write of a
// request.
type endingConn struct {
	net.Conn
	ends   *atomic.Bool
	writes int
	closed chan struct{}
	once   sync.Once
}

func (c *endingConn) Write(part []byte) (int, error) {
	if c.ends.Load() {
		c.writes++
	}
	if c.writes == 2 {
		_ = c.SetReadDeadline(time.Unix(1, 0))
		<-c.closed
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(part)
}

func (c *endingConn) Read(part []byte) (int, error) {
	n, err := c.Conn.Read(part)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
	}
	return n, err
}

func (c *endingConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// Goroutines of a transport may use the request at once, as those do that ask two
// servers and take the faster one. The race detector watches.
func TestTransportsMaySendTwiceAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		one, two := (&testkit.Peer{}).Transport(), (&testkit.Peer{Dialed: dialing(testkit.Refused())}).Transport()
		defer one.CloseIdleConnections()
		for _, r := range []*exchange.Request{request(http.MethodGet, "", false), request(http.MethodPost, "{}", false)} {
			_, _, err := do(t, through(roundTripper(func(r *http.Request) (*http.Response, error) {
				failed := make(chan error)
				for _, transport := range []*http.Transport{two, two} {
					go func() {
						other := r.Clone(r.Context())
						if r.GetBody != nil {
							other.Body, _ = r.GetBody()
						}
						_, err := transport.RoundTrip(other)
						failed <- err
					}()
				}
				response, err := one.RoundTrip(r)
				require.Error(t, <-failed)
				require.Error(t, <-failed)
				return response, err
			})), r)
			require.NoError(t, err)
		}
	})
}

// A request whose first part was written to a connection that was kept is not sent again
// when the rest cannot be written, although its headers were not sent whole.
func TestRequestsThatAreWrittenInPartAreNotRepeated(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{}
		transport := peer.Transport()
		dial, ends := transport.DialContext, new(atomic.Bool)
		transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return &endingConn{Conn: conn, ends: ends, closed: make(chan struct{})}, err
		}
		e := through(transport)
		defer e.CloseIdleConnections()
		_, _, err := do(t, e, request(http.MethodGet, "", false))
		require.NoError(t, err)
		synctest.Wait()
		ends.Store(true)
		r := request(http.MethodGet, "", false)
		r.URL = secret.New(longAddress.Reveal() + strings.Repeat("x", 5000))
		_, notSent, err := do(t, e, r)
		require.ErrorIs(t, err, exchange.ErrRepeated)
		require.False(t, notSent)
		synctest.Wait()
		require.Len(t, peer.Arrivals(), 1)
	})
}

// A connection that was kept and dies before anything is written heals by itself
// where net/http proves it.
func TestConnectionsThatDieBeforeTheWriteHeal(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		for _, wrap := range []func(http.RoundTripper) http.RoundTripper{wrapped, func(plain http.RoundTripper) http.RoundTripper { return plain }} {
			peer := &testkit.Peer{}
			transport := peer.Transport()
			dial, fail := transport.DialContext, new(atomic.Bool)
			transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				return failingConn{conn, fail}, err
			}
			e := through(wrap(transport))
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
			e.CloseIdleConnections()
		}
	})
}

// Without a body it heals if net/http sees the end of the connection before it begins to
// write.
func TestConnectionsThatEndBeforeTheWriteHeal(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{}
		e := through(peer.Transport())
		defer e.CloseIdleConnections()
		ends := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
			if ends {
				ends = false
				_ = info.Conn.Close()
				synctest.Wait()
			}
		}})
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodGet} {
			limited, cancel := context.WithCancel(ctx)
			r := request(method, map[string]string{http.MethodPost: "{}"}[method], false)
			r.Cancel = cancel
			reply, _, err := e.Do(limited, "agent", r)
			cancel()
			require.NoError(t, err)
			reply.Release()
			synctest.Wait()
			ends = true
		}
		require.Len(t, peer.Arrivals(), 3)
		require.Equal(t, 3, peer.Dials())
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

// slow is a body that ends after a while, whatever becomes of the context.
type slow struct {
	takes time.Duration
	text  string
}

func (s *slow) Read(target []byte) (int, error) {
	if s.text == "" {
		return 0, io.EOF
	}
	wait.For(context.Background(), s.takes)
	n := copy(target, s.text)
	s.text = s.text[n:]
	return n, nil
}

func (*slow) Close() error { return nil }

// A body that is nearly there when the context ends is waited for, but not for long.
func TestBodiesThatAreNearlyThere(t *testing.T) {
	t.Parallel()
	for takes, want := range map[time.Duration]string{3*time.Second + 50*time.Millisecond: "ok", 4 * time.Second: ""} {
		testkit.Bubble(t, func(t *testing.T) {
			e := through(roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: &slow{takes, "ok"}}, nil
			}))
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			reply, _, err := e.Do(ctx, "agent", request(http.MethodPost, "{}", false))
			require.Equal(t, want == "", err != nil, "%v", err)
			require.Equal(t, want, string(reply.Body))
			wait.For(t.Context(), time.Minute) // the body ends
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
