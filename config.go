package salebot

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/secret"
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
	dump                            dumper
	userAgent                       string
}

func defaultConfig() config {
	base, err := parseBaseURL(DefaultBaseURL)
	if err != nil {
		panic(err)
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
	if c.baseURL.Scheme == "http" && !c.plainHTTP && !isLoopback(c.baseURL.Hostname()) {
		return badOption("WithBaseURL", "plain http would show the key to everyone on the way: use https, or WithPlainHTTP if you must")
	}
	return nil
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

func parseBaseURL(address string) (*url.URL, error) {
	const option = "WithBaseURL"
	switch {
	case address == "":
		return nil, badOption(option, "the address is empty")
	case strings.ContainsAny(address, " \t\r\n\u00a0\u200b\u2060\ufeff"):
		return nil, badOption(option, "the address has a blank in it, which copying it from Salebot's documentation adds after \".pro\": remove it")
	case strings.ContainsAny(address, "{}"):
		return nil, badOption(option, "the address has a brace in it: give the part before the key, such as %s", DefaultBaseURL)
	}
	base, err := url.Parse(address)
	if err != nil {
		// url.Error quotes the address, which may hold a key.
		return nil, badOption(option, "the address is not a URL")
	}
	if problem := problemOfBase(base); problem != "" {
		return nil, badOption(option, "%s", problem)
	}
	path := strings.TrimRight(base.Path, "/")
	if path == "" {
		path = "/api"
	}
	return &url.URL{Scheme: base.Scheme, Host: strings.ToLower(base.Host), Path: path}, nil
}

// problemOfBase says what the parts of a base URL must not be.
func problemOfBase(base *url.URL) string {
	switch {
	case base.Scheme != "https" && base.Scheme != "http":
		return "the address must begin with https://"
	case base.Hostname() == "":
		return "the address has no host"
	case base.User != nil:
		return "the address must not hold a user name or password"
	case base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return "the address must end with its path"
	}
	for segment := range strings.SplitSeq(base.Path, "/") {
		if segment == "." || segment == ".." {
			return "the path must not have dots as a segment"
		}
	}
	return ""
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
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
