package salebot

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/salebot-go/salebot/internal/address"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/dump"
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

// The defaults of a client. Each can be changed by the option that is named
// with it.
const (
	// DefaultBaseURL is the address of the API (WithBaseURL).
	DefaultBaseURL = "https://chatter.salebot.pro/api"
	// InternationalBaseURL is the address of the API's international edition.
	InternationalBaseURL = "https://chatter.salebot.ai/api"
	// DefaultTimeout bounds a call with all its attempts and waits if the context has
	// no deadline (WithTimeout).
	DefaultTimeout = 2 * time.Minute
	// DefaultAttemptTimeout bounds one attempt (WithAttemptTimeout).
	DefaultAttemptTimeout = 30 * time.Second
	// DefaultMaxAttempts bounds the attempts of a call (WithRetryPolicy).
	DefaultMaxAttempts = 4
	// DefaultBaseDelay bounds the random wait before the second attempt; the
	// bound doubles before each further one (WithRetryPolicy).
	DefaultBaseDelay = 500 * time.Millisecond
	// DefaultMaxDelay bounds the random wait before any attempt
	// (WithRetryPolicy).
	DefaultMaxDelay = 10 * time.Second
	// DefaultMaxRetryAfter is the longest Retry-After that is waited for; a call
	// that is asked to wait longer fails at once (WithRetryPolicy).
	DefaultMaxRetryAfter = time.Minute
	// DefaultMaxHold bounds the time for which one answer of 429 holds the calls of a
	// client back, whatever wait it asks for (WithRetryPolicy).
	DefaultMaxHold = time.Minute
	// DefaultRetryBudget is the number of retries that the calls of a client may take
	// together. After that, ten calls that succeed at once earn one more
	// (WithRetryBudget).
	DefaultRetryBudget = 100
	// DefaultMaxResponseSize bounds the body of an answer, in bytes
	// (WithMaxResponseSize).
	DefaultMaxResponseSize = 32 << 20
	// DefaultIdleConnections is the number of connections that a client keeps open for
	// the next calls, unless it was given a transport (WithTransport, WithHTTPClient).
	DefaultIdleConnections = 128
	// DefaultIdleTimeout is how long such a connection is kept. It is shorter than
	// what servers usually allow, because a POST that meets a connection which the
	// server is just closing has an unknown outcome.
	DefaultIdleTimeout = time.Minute
	// DefaultUserAgent is sent with each request (WithUserAgent).
	DefaultUserAgent = "salebot-go/" + Version
)

// Version is the version of this package.
const Version = "0.1.0"

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
	source    *exchange.Source
	budget    *attempt.Budget
	pacer     *pace.Pacer
	// keeper is the ledger, nil if there is none.
	keeper *once.Keeper
	clock  *serverClock
}

// New returns a client for the project that the API key belongs to. It returns an
// OptionError if the key or an option cannot work. It does not ask Salebot whether the
// key is valid. The key is taken out of errors, logs and dumps; one made up for a test
// should therefore be no common word, which would be taken out of them as well.
func New(key string, opts ...Option) (*Client, error) {
	if problem := address.KeyProblem(key); problem != "" {
		return nil, badOption("API key", "%s", problem)
	}
	scrub := secret.NewScrubber(key)
	c := defaultConfig()
	c.scrub = scrub
	if err := c.apply(opts); err != nil {
		return nil, err
	}
	c.logBlindness()
	source := c.source()
	return &Client{core: &core{
		config:    c,
		address:   address.Of(c.baseURL, key),
		scrub:     scrub,
		source:    source,
		exchanger: exchange.New(source.Current, source.Jar()),
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
	if variant.config.givenClient || variant.config.givenTransport {
		variant.source = variant.config.source()
		variant.exchanger = exchange.New(variant.source.Current, variant.source.Jar())
	}
	if variant.config.baseURL.String() != old.baseURL.String() {
		variant.address = address.Moved(c.core.address, old.baseURL, variant.config.baseURL)
	}
	if variant.config.givenLedger {
		variant.keeper = variant.config.ledger.keeper()
		variant.config.logBlindness()
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
		c.core.source.CloseIdle()
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
	return exchange.NewTransport(DefaultIdleConnections, DefaultIdleTimeout)
}

// settings are the properties that may differ from call to call.
type settings struct {
	timeout time.Duration
	// timeoutGiven says that the timeout is not the default, which gives way to the
	// deadline of a context.
	timeoutGiven   bool
	attemptTimeout time.Duration
	retry          attempt.Policy
	// strict makes an error of what is odd in an answer.
	strict          bool
	location        *time.Location
	maxResponseSize int64
	// scrub takes the key out of texts; New sets it.
	scrub secret.Scrubber

	// header is sent with each request. It is never changed, only replaced.
	header http.Header

	// For one call only.
	idempotencyKey, step string
	parameters           []parameter
	repeat               repeatRule
	responses            []*Response
	rawItems             bool
	// received is told when a 2xx answer has come whole.
	received func()
	// first is what a call of class Once writes before it is sent; nil for most.
	first *firstStep
}

// config is what the options of a client build.
type config struct {
	settings

	baseURL   *url.URL
	plainHTTP bool

	httpClient secret.Hidden[*http.Client]
	transport  secret.Hidden[http.RoundTripper]
	// What one list of options sets: givenClient and givenTransport contradict each
	// other, givenBudget asks for a separate budget.
	givenClient, givenTransport, givenBudget bool
	// givenLedger says that the ledger is not that of the client before.
	givenLedger bool

	ledger  ledgerConfig
	budget  int
	limiter Limiter
	logger  *slog.Logger
	hooks   []Hook
	// What stands around calls and attempts, the outermost first.
	middlewares, attemptMiddlewares []Middleware
	dumper                          dump.Dumper
	userAgent                       string
}

func defaultConfig() config {
	base, problem := address.Parse(DefaultBaseURL, DefaultBaseURL)
	if problem != "" {
		panic(problem)
	}
	return config{
		settings: settings{
			timeout:        DefaultTimeout,
			attemptTimeout: DefaultAttemptTimeout,
			retry: attempt.Policy{
				MaxAttempts:   DefaultMaxAttempts,
				BaseDelay:     DefaultBaseDelay,
				MaxDelay:      DefaultMaxDelay,
				MaxRetryAfter: DefaultMaxRetryAfter,
				MaxHold:       DefaultMaxHold,
			},
			maxResponseSize: DefaultMaxResponseSize,
		},
		baseURL:   base,
		ledger:    ledgerConfig{sendWindow: DefaultSendWindow},
		budget:    DefaultRetryBudget,
		userAgent: DefaultUserAgent,
	}
}

// apply runs the options and then the checks that need several of them.
func (c *config) apply(opts []Option) error {
	c.givenClient, c.givenTransport, c.givenBudget, c.givenLedger = false, false, false, false
	for _, option := range opts {
		if option == nil {
			continue
		}
		if err := option.applyToClient(c); err != nil {
			return err
		}
	}
	if c.givenClient && c.givenTransport {
		return badOption("WithTransport", "cannot be combined with WithHTTPClient, which brings a transport of its own")
	}
	if c.baseURL.Scheme == "http" && !c.plainHTTP && !address.IsLoopback(c.baseURL.Hostname()) {
		return badOption("WithBaseURL", "plain http would show the key to everyone on the way: use https, or WithPlainHTTP if you must")
	}
	if address.HoldsKey(c.baseURL, c.scrub) {
		return badOption("WithBaseURL", "the address has the key in it: give the part before the key, such as %s", DefaultBaseURL)
	}
	return nil
}

// source is where the client gets its transport from.
func (c *config) source() *exchange.Source {
	return exchange.NewSource(c.httpClient, c.transport, DefaultIdleConnections, DefaultIdleTimeout)
}

type clientOption func(*config) error

func (o clientOption) applyToClient(c *config) error {
	if o == nil {
		return nil
	}
	return o(c)
}

type sharedOption func(*settings) error

func (o sharedOption) applyToClient(c *config) error { return o.applyToCall(&c.settings) }

func (o sharedOption) applyToCall(s *settings) error {
	if o == nil {
		return nil
	}
	return o(s)
}

type callOption func(*settings) error

func (o callOption) applyToCall(s *settings) error {
	if o == nil {
		return nil
	}
	return o(s)
}

// asInvalidRequest makes the error of a call option one of the call.
func asInvalidRequest(err error) error {
	if option, ok := errors.AsType[*OptionError](err); ok {
		return invalid(option.Option, option.Problem)
	}
	return err
}
