package salebot

import (
	"net/http"
	"net/url"

	"github.com/salebot-go/salebot/internal/secret"
)

// transportSource finds the transport for a request at the time of the request.
// What it holds is hidden: the buffers of open connections still have the last
// addresses in them.
type transportSource struct {
	client secret.Hidden[*http.Client]
	given  secret.Hidden[http.RoundTripper]
	own    secret.Hidden[*http.Transport]
}

// standardTransport is http.DefaultTransport as the program started; nil if it
// was something else than a plain transport even then.
var standardTransport, _ = http.DefaultTransport.(*http.Transport)

func newTransportSource(c *config) *transportSource {
	s := &transportSource{client: c.httpClient, given: c.transport}
	if s.given.Reveal() == nil {
		s.own = secret.Hide(ownTransport())
	}
	return s
}

// NewTransport returns a transport like the one that a client has if it is given none,
// to be changed (proxy, TLS, dialer) and handed in by WithTransport:
//
//	transport := salebot.NewTransport()
//	transport.Proxy = http.ProxyURL(proxy)
//	client, err := salebot.New(key, salebot.WithTransport(transport))
//
// It is http.DefaultTransport, with room for DefaultIdleConnections connections that
// wait for the next call: the standard pool keeps two for a host, and opens the rest
// for each call again. Handed in as it is, it is also kept from sending a request a
// second time by itself, over HTTP/1 and HTTP/2. A RoundTripper around it is given
// requests that cannot be sent twice.
//
// It asks the environment for a proxy (HTTPS_PROXY, NO_PROXY), as http.DefaultTransport
// does. A proxy sees the host and not the key, since https passes through it
// unread; one that decrypts what passes through it sees the key.
func NewTransport() *http.Transport {
	if current, ok := http.DefaultTransport.(*http.Transport); ok {
		return pooling(current.Clone())
	}
	return ownTransport()
}

// ownTransport is the transport of a client that is given none.
func ownTransport() *http.Transport {
	if standardTransport != nil {
		return pooling(standardTransport.Clone())
	}
	return pooling(&http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true})
}

func pooling(transport *http.Transport) *http.Transport {
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = DefaultIdleConnections
	transport.IdleConnTimeout = DefaultIdleTimeout
	return transport
}

func (s *transportSource) current() http.RoundTripper {
	if given := s.given.Reveal(); given != nil {
		return given
	}
	client := s.client.Reveal()
	if client != nil && client.Transport != nil {
		return client.Transport
	}
	// A test that replaced the default transport must not reach the service.
	standard, ok := http.DefaultTransport.(*http.Transport)
	untouched := ok && standard == standardTransport
	if http.DefaultTransport == nil || client == nil && untouched {
		return s.own.Reveal()
	}
	return http.DefaultTransport
}

// jar returns the client's cookie jar, hidden too: the path of a cookie may be
// that of a request.
func (s *transportSource) jar() http.CookieJar {
	client := s.client.Reveal()
	if client == nil || client.Jar == nil {
		return nil
	}
	return hiddenJar{secret.Hide(client.Jar)}
}

type hiddenJar struct{ jar secret.Hidden[http.CookieJar] }

// SetCookies implements http.CookieJar.
func (h hiddenJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	h.jar.Reveal().SetCookies(u, cookies)
}

// Cookies implements http.CookieJar.
func (h hiddenJar) Cookies(u *url.URL) []*http.Cookie { return h.jar.Reveal().Cookies(u) }

func (s *transportSource) closeIdle() {
	if own := s.own.Reveal(); own != nil {
		own.CloseIdleConnections()
	}
}
