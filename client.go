package salebot

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/exchange"
	"github.com/salebot-go/salebot/internal/once"
	"github.com/salebot-go/salebot/internal/pace"
	"github.com/salebot-go/salebot/internal/secret"
)

// The environment variables that NewFromEnv reads.
//
//nolint:gosec // the name of a variable, not a key
const (
	EnvAPIKey  = "SALEBOT_API_KEY"
	EnvBaseURL = "SALEBOT_BASE_URL"
)

// Client calls Salebot's API for one project. Make it with New; it is safe for
// concurrent use and meant to be kept. The calls of the zero Client fail with
// ErrNotInitialized.
//
//nolint:recvcheck // copies print without the key too
type Client struct{ core *core }

// core is what a client is made of. Nothing in it can be changed after New, and
// the key is in closures only.
type core struct {
	config    config
	address   func(path string) secret.Text
	scrub     secret.Scrubber
	exchanger *exchange.Exchanger
	source    *transportSource
	budget    *attempt.Budget
	pacer     *pace.Pacer
	// keeper is the ledger, nil if there is none.
	keeper *once.Keeper
	clock  *serverClock
}

// New returns a client for the project that the API key belongs to. It returns an
// OptionError if the key or an option cannot work. It does not ask Salebot whether the
// key is valid.
func New(key string, opts ...Option) (*Client, error) {
	if problem := keyProblem(key); problem != "" {
		return nil, badOption("API key", "%s", problem)
	}
	scrub := secret.NewScrubber(key)
	c := defaultConfig()
	c.scrub = scrub
	if err := c.apply(opts); err != nil {
		return nil, err
	}
	if err := checkBaseURL(c.baseURL, scrub); err != nil {
		return nil, err
	}
	source := newTransportSource(&c)
	return &Client{core: &core{
		config:    c,
		address:   addresses(c.baseURL, key),
		scrub:     scrub,
		source:    source,
		exchanger: exchange.New(source.current, source.jar()),
		budget:    attempt.NewBudget(c.budget),
		pacer:     new(pace.Pacer),
		keeper:    c.ledger.keeper(),
		clock:     &serverClock{},
	}}, nil
}

// NewFromEnv is New with the key of SALEBOT_API_KEY and, if it is set, the base
// URL of SALEBOT_BASE_URL, which WithBaseURL overrides.
func NewFromEnv(opts ...Option) (*Client, error) {
	key := os.Getenv(EnvAPIKey)
	if key == "" {
		return nil, badOption(EnvAPIKey, "the environment variable is not set; it has to hold the project's API key")
	}
	if base := os.Getenv(EnvBaseURL); base != "" {
		opts = append([]Option{WithBaseURL(base)}, opts...)
	}
	return New(key, opts...)
}

// With returns a variant of the client that differs by the options. The two
// share connections (unless the transport is exchanged), pace and retry budget
// (unless these are set again). The client itself stays as it is.
func (c *Client) With(opts ...Option) (*Client, error) {
	if !c.ready() {
		return nil, &OpError{Action: "with", Outcome: OutcomeNotSent, Err: ErrNotInitialized}
	}
	variant := *c.core
	old := variant.config
	if err := variant.config.apply(opts); err != nil {
		return nil, err
	}
	if err := checkBaseURL(variant.config.baseURL, variant.scrub); err != nil {
		return nil, err
	}
	if variant.config.givenClient || variant.config.givenTransport {
		variant.source = newTransportSource(&variant.config)
		variant.exchanger = exchange.New(variant.source.current, variant.source.jar())
	}
	if variant.config.baseURL.String() != old.baseURL.String() {
		variant.address = readdressed(c.core.address, old.baseURL, variant.config.baseURL)
	}
	if variant.config.givenLedger {
		variant.keeper = variant.config.ledger.keeper()
	}
	if variant.config.givenBudget {
		variant.budget = attempt.NewBudget(variant.config.budget)
	}
	return &Client{core: &variant}, nil
}

// CloseIdleConnections closes the connections that wait for the next call. The
// client stays usable.
func (c *Client) CloseIdleConnections() {
	if c.ready() {
		c.core.exchanger.CloseIdleConnections()
		c.core.source.closeIdle()
	}
}

// BaseURL returns the address of the API, up to the key.
func (c *Client) BaseURL() string {
	if !c.ready() {
		return ""
	}
	return c.core.config.baseURL.String()
}

func (c *Client) ready() bool { return c != nil && c.core != nil }

// Format prints the client without its key, for every verb.
func (c Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// String names the address of the client without its key.
func (c Client) String() string {
	if c.core == nil {
		return "salebot.Client(not initialized)"
	}
	return "salebot.Client(" + c.core.config.baseURL.String() + "/{api_key})"
}

// LogValue is String as a slog value.
func (c Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// keyProblem says what is wrong with a key, "" if nothing is.
func keyProblem(key string) string {
	switch {
	case key == "":
		return "it is empty"
	case strings.Contains(key, "#{"):
		return "it is the constructor's variable, not its value: copy the key from the project's settings"
	case strings.ContainsAny(key, "{}"):
		return "it has a brace in it: the placeholder was not replaced, or its braces were kept"
	case strings.TrimSpace(key) != key || strings.ContainsAny(key, " \t\r\n"):
		return "it has a space or a line break in it"
	case strings.Contains(key, "/"):
		return "it has a slash in it: give the key alone, without the address"
	case key == "." || key == "..":
		return "it is not a key"
	}
	for _, r := range key {
		if r <= ' ' || r > '~' || strings.ContainsRune(`?#%\"<>`, r) {
			return "it has a character in it that no key has"
		}
	}
	return ""
}

// checkBaseURL refuses an address that has the key in it already: addresses are shown,
// and the key must not be.
func checkBaseURL(base *url.URL, scrub secret.Scrubber) error {
	for segment := range strings.SplitSeq(base.Path, "/") {
		if scrub.Is(segment) {
			return badOption("WithBaseURL", "the address has the key in it: give the part before the key, such as %s", DefaultBaseURL)
		}
	}
	return nil
}

// addresses hides the key in a function that gives the address of an action,
// whose query may follow it.
func addresses(base *url.URL, key string) func(string) secret.Text {
	return addressesFrom(base.String() + "/" + url.PathEscape(key) + "/")
}

// readdressed replaces the base of addresses without knowing the key.
func readdressed(address func(string) secret.Text, old, base *url.URL) func(string) secret.Text {
	return addressesFrom(base.String() + strings.TrimPrefix(address("").Reveal(), old.String()))
}

func addressesFrom(prefix string) func(string) secret.Text {
	// Put together once, since most calls have no query.
	plain := make(map[string]secret.Text)
	for _, row := range action.All() {
		plain[row.Name] = secret.New(prefix + row.Name)
	}
	return func(path string) secret.Text {
		if address, ok := plain[path]; ok {
			return address
		}
		return secret.New(prefix + path)
	}
}

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
