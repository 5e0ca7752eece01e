package salebot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/secret"
)

// Option sets a property of a client, in New, NewFromEnv and With. Options are
// checked there; their order does not matter, and where one is given twice the
// later counts. A nil option is ignored.
type Option interface{ applyToClient(*config) error }

// CallOption sets a property of one call; every method of the client takes
// them. A nil option is ignored.
type CallOption interface{ applyToCall(*settings) error }

// SharedOption is an Option and a CallOption: as the latter it counts for one
// call only.
type SharedOption interface {
	Option
	CallOption
}

// OptionError says that New, NewFromEnv or With was given something that cannot
// work.
type OptionError struct {
	// Option names what was given, such as "API key" or "WithBaseURL".
	Option string
	// Problem says what is wrong with it. It does not quote the key.
	Problem string
}

// Error names the option and the problem.
func (e *OptionError) Error() string { return prefix + e.Option + ": " + e.Problem }

func badOption(option, format string, args ...any) error {
	return &OptionError{Option: option, Problem: fmt.Sprintf(format, args...)}
}

// Limiter sets the pace of a client: Wait blocks until the next request may be
// sent, or returns an error when the context ends. *rate.Limiter of
// golang.org/x/time/rate is one.
type Limiter interface {
	Wait(ctx context.Context) error
}

// RetryPolicy says how calls that may be repeated are repeated. A zero field
// means its default, so the zero policy is the default one; to switch retries
// off use WithoutRetries.
type RetryPolicy struct {
	// MaxAttempts bounds the attempts of a call, the first included.
	MaxAttempts int
	// BaseDelay bounds the random wait before the second attempt; the bound
	// doubles before each further one.
	BaseDelay time.Duration
	// MaxDelay bounds the random wait before any attempt.
	MaxDelay time.Duration
	// MaxRetryAfter is the longest Retry-After that is waited for after a failure of
	// the server. A call that is asked to wait longer fails at once, with the wish in
	// its APIError. For answers of 429 see MaxHold.
	MaxRetryAfter time.Duration
	// MaxHold bounds the time for which one answer of 429 holds back the calls of the
	// client, whatever wait it asks for. Such answers are not counted as attempts: a
	// call waits for the server's pace until its deadline.
	MaxHold time.Duration
	// NeverRepeatOnceAfterRateLimit keeps calls of the class Once from being
	// repeated after a 429, for those who do not trust that it means "not
	// executed".
	NeverRepeatOnceAfterRateLimit bool
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

	// For one call only.
	idempotencyKey, step string
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
	// other, givenBudget asks for a budget of one's own.
	givenClient, givenTransport, givenBudget bool
	// givenLedger says that the ledger is not that of the client before.
	givenLedger bool

	ledger    ledgerConfig
	budget    int
	limiter   Limiter
	logger    *slog.Logger
	hooks     []Hook
	userAgent string
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

// WithBaseURL sets the address of the API, up to the key: for example
// InternationalBaseURL, or the address of an emulator. An address without a path
// means its /api. The default is DefaultBaseURL. Plain http is refused unless
// the host is this machine; see WithPlainHTTP.
func WithBaseURL(address string) Option {
	return clientOption(func(c *config) error {
		base, err := parseBaseURL(address)
		if err == nil {
			c.baseURL = base
		}
		return err
	})
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

// WithPlainHTTP allows a base URL with http on another machine. Everyone between
// here and there can then read the key.
func WithPlainHTTP() Option {
	return clientOption(func(c *config) error {
		c.plainHTTP = true
		return nil
	})
}

// WithHTTPClient sends through the transport of an http.Client, with its cookie
// jar and not longer than its timeout. The http.Client is not changed, and the
// transport that it has at the time of a call is used. Redirects are never
// followed. The default is a transport that keeps DefaultIdleConnections open
// and gives way to a replaced http.DefaultTransport.
func WithHTTPClient(client *http.Client) Option {
	return clientOption(func(c *config) error {
		if client == nil {
			return badOption("WithHTTPClient", "the client is nil")
		}
		c.httpClient, c.transport, c.givenClient = secret.Hide(client), secret.Hidden[http.RoundTripper]{}, true
		return nil
	})
}

// WithTransport sends through a transport, for example a mock. The default is
// described at WithHTTPClient.
func WithTransport(transport http.RoundTripper) Option {
	return clientOption(func(c *config) error {
		if transport == nil {
			return badOption("WithTransport", "the transport is nil")
		}
		c.transport, c.httpClient, c.givenTransport = secret.Hide(transport), secret.Hidden[*http.Client]{}, true
		return nil
	})
}

// WithTimeout bounds a call with all its attempts and waits; a context may end it
// earlier. Without this option a call whose context has no deadline is bounded by
// DefaultTimeout.
func WithTimeout(timeout time.Duration) SharedOption {
	return sharedOption(func(s *settings) error {
		if timeout <= 0 {
			return badOption("WithTimeout", "must be positive")
		}
		s.timeout, s.timeoutGiven = timeout, true
		return nil
	})
}

// WithAttemptTimeout bounds one attempt, up to the last byte of the answer. The
// default is DefaultAttemptTimeout.
func WithAttemptTimeout(timeout time.Duration) SharedOption {
	return sharedOption(func(s *settings) error {
		if timeout <= 0 {
			return badOption("WithAttemptTimeout", "must be positive")
		}
		s.attemptTimeout = timeout
		return nil
	})
}

// WithRetryPolicy sets how calls are repeated. The default is the zero
// RetryPolicy.
func WithRetryPolicy(policy RetryPolicy) SharedOption {
	return sharedOption(func(s *settings) error {
		p := attempt.Policy{
			MaxAttempts:          orDefault(policy.MaxAttempts, DefaultMaxAttempts),
			BaseDelay:            orDefault(policy.BaseDelay, DefaultBaseDelay),
			MaxDelay:             orDefault(policy.MaxDelay, max(DefaultMaxDelay, policy.BaseDelay)),
			MaxRetryAfter:        orDefault(policy.MaxRetryAfter, DefaultMaxRetryAfter),
			MaxHold:              orDefault(policy.MaxHold, DefaultMaxHold),
			NeverAfterRateLimits: policy.NeverRepeatOnceAfterRateLimit,
		}
		if p.MaxAttempts < 0 || p.BaseDelay < 0 || p.MaxDelay < 0 || p.MaxRetryAfter < 0 || p.MaxHold < 0 {
			return badOption("WithRetryPolicy", "no field may be negative")
		}
		if policy.BaseDelay == 0 {
			p.BaseDelay = min(p.BaseDelay, p.MaxDelay)
		}
		if p.BaseDelay > p.MaxDelay {
			return badOption("WithRetryPolicy", "BaseDelay is longer than MaxDelay")
		}
		s.retry = p
		return nil
	})
}

func orDefault[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// WithoutRetries lets every call have one attempt only.
func WithoutRetries() SharedOption { return WithRetryPolicy(RetryPolicy{MaxAttempts: 1}) }

// WithProjectLocation sets the time zone of the Salebot project, in which
// send_time is understood; it is set in the project's settings. It is needed
// only by calls that are scheduled for a moment. There is no default.
func WithProjectLocation(location *time.Location) SharedOption {
	return sharedOption(func(s *settings) error {
		if location == nil {
			return badOption("WithProjectLocation", "the location is nil")
		}
		s.location = location
		return nil
	})
}

// WithStrict makes a DecodeError of each field of an answer that comes in a form which
// this package does not understand, instead of listing it in Unread. It is for tests
// against the API: in production an odd field should cost nothing but itself.
func WithStrict() SharedOption {
	return sharedOption(func(s *settings) error {
		s.strict = true
		return nil
	})
}

// WithMaxResponseSize bounds the body of an answer, in bytes; a larger one is a
// DecodeError. The default is DefaultMaxResponseSize.
func WithMaxResponseSize(bytes int64) SharedOption {
	return sharedOption(func(s *settings) error {
		if bytes <= 0 || bytes == math.MaxInt64 {
			return badOption("WithMaxResponseSize", "must be positive and bounded")
		}
		s.maxResponseSize = bytes
		return nil
	})
}

// WithRetryBudget sets how many retries the calls of a client, and of its
// variants made by With, may take together while the server is failing. The
// default is DefaultRetryBudget.
func WithRetryBudget(retries int) Option {
	return clientOption(func(c *config) error {
		if retries < 0 {
			return badOption("WithRetryBudget", "must not be negative")
		}
		c.budget, c.givenBudget = retries, true
		return nil
	})
}

// WithRateLimit sends at most so many requests a second, and at most burst at
// once. The client and its variants made by With share the pace. There is no
// limit by default, because Salebot publishes none.
func WithRateLimit(perSecond float64, burst int) Option {
	return clientOption(func(c *config) error {
		if !(perSecond > 0) || math.IsInf(perSecond, 0) || burst < 1 {
			return badOption("WithRateLimit", "needs a positive pace and a burst of at least 1")
		}
		c.limiter = rate.NewLimiter(rate.Limit(perSecond), burst)
		return nil
	})
}

// WithLimiter sets the pace by a Limiter, which may be shared with others. Each
// attempt waits for it. There is none by default.
func WithLimiter(limiter Limiter) Option {
	return clientOption(func(c *config) error {
		if limiter == nil {
			return badOption("WithLimiter", "the limiter is nil")
		}
		c.limiter = limiter
		return nil
	})
}

// WithLogger logs each attempt: at debug level if it succeeded, as a warning if
// not, or if its answer has fields in an unknown form. Nothing that is logged holds the key, a URL or a body. By default nothing
// is logged.
func WithLogger(logger *slog.Logger) Option {
	return clientOption(func(c *config) error {
		if logger == nil {
			return badOption("WithLogger", "the logger is nil")
		}
		c.logger = logger
		return nil
	})
}

// WithHook adds a hook; it can be given several times.
func WithHook(hook Hook) Option {
	return clientOption(func(c *config) error {
		if hook.Before == nil && hook.After == nil {
			return badOption("WithHook", "the hook is empty")
		}
		c.hooks = append(slices.Clip(c.hooks), hook)
		return nil
	})
}

// WithUserAgent sets the User-Agent header. The default is DefaultUserAgent.
func WithUserAgent(userAgent string) Option {
	return clientOption(func(c *config) error {
		if userAgent == "" || strings.ContainsFunc(userAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
			return badOption("WithUserAgent", "must be printable ASCII and not empty")
		}
		c.userAgent = userAgent
		return nil
	})
}

// WithResponse stores the raw answer of a call in target, also where the call
// fails; it stays as it is where no answer came.
func WithResponse(target *Response) CallOption {
	return callOption(func(s *settings) error {
		if target == nil {
			return badOption("WithResponse", "the target is nil")
		}
		s.responses = append(slices.Clip(s.responses), target)
		return nil
	})
}

// WithRawItems keeps each element of a list as it came, in its field Raw, so that
// fields which this package does not know can be read.
func WithRawItems() CallOption {
	return callOption(func(s *settings) error {
		s.rawItems = true
		return nil
	})
}

// withReceived is for iterators; see inOrder.
func withReceived(received func()) CallOption {
	return callOption(func(s *settings) error {
		s.received = received
		return nil
	})
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
