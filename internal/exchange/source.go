package exchange

import (
	"net/http"
	"net/url"
	"time"

	"github.com/salebot-go/salebot/internal/secret"
)

// Source finds the transport for a request at the time of the request. What it holds
// is hidden: the buffers of open connections still have the last addresses in them.
type Source struct {
	client secret.Hidden[*http.Client]
	given  secret.Hidden[http.RoundTripper]
	own    secret.Hidden[*http.Transport]
}

// standardTransport is http.DefaultTransport as the program started; nil if it
// was not a plain transport even then.
var standardTransport, _ = http.DefaultTransport.(*http.Transport)

// NewSource returns the source for what a user has given; both may be nil. Its own
// transport keeps so many idle connections for so long.
func NewSource(client secret.Hidden[*http.Client], given secret.Hidden[http.RoundTripper], idle int, timeout time.Duration) *Source {
	s := &Source{client: client, given: given}
	if s.given.Reveal() == nil {
		s.own = secret.Hide(ownTransport(idle, timeout))
	}
	return s
}

// NewTransport returns a transport like http.DefaultTransport that keeps so many idle
// connections for so long.
func NewTransport(idle int, timeout time.Duration) *http.Transport {
	if current, ok := http.DefaultTransport.(*http.Transport); ok {
		return pooling(current.Clone(), idle, timeout)
	}
	return ownTransport(idle, timeout)
}

// ownTransport is the transport of a client that is given none.
func ownTransport(idle int, timeout time.Duration) *http.Transport {
	if standardTransport != nil {
		return pooling(standardTransport.Clone(), idle, timeout)
	}
	return pooling(&http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}, idle, timeout)
}

func pooling(transport *http.Transport, idle int, timeout time.Duration) *http.Transport {
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = idle
	transport.IdleConnTimeout = timeout
	return transport
}

// Current returns the transport for a request that is made now.
func (s *Source) Current() http.RoundTripper {
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

// Timeout returns the limit that the user's client has for a request; 0 if it has none.
func (s *Source) Timeout() time.Duration {
	if client := s.client.Reveal(); client != nil {
		return max(client.Timeout, 0)
	}
	return 0
}

// Jar returns the cookie jar of the user's client. It is hidden too: the path of a
// cookie may be that of a request.
func (s *Source) Jar() http.CookieJar {
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

// CloseIdle closes the idle connections of the source's own transport.
func (s *Source) CloseIdle() {
	if own := s.own.Reveal(); own != nil {
		own.CloseIdleConnections()
	}
}
