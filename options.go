package salebot

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/salebot-go/salebot/internal/address"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/dump"
	"github.com/salebot-go/salebot/internal/secret"
)

// Option sets a property of a client, in New, NewFromEnv and With. Options are checked
// there; their order does not matter, and if one is given twice, the later counts. A
// nil option is ignored.
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

// HoldObserver is implemented by a Limiter that wants to know when Salebot asks for a
// slower pace, so that it can hold back others than the client that was asked.
type HoldObserver interface {
	// Held is called after an answer of 429 with the time for which the client holds its
	// calls back. It must not block, and may be called from several goroutines at once.
	Held(hold time.Duration)
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

// WithBaseURL sets the address of the API, up to the key: for example
// InternationalBaseURL, or the address of an emulator. An address without a path
// means its /api. The default is DefaultBaseURL. Plain http is refused unless
// the host is this machine; see WithPlainHTTP.
func WithBaseURL(baseURL string) Option {
	return clientOption(func(c *config) error {
		base, problem := address.Parse(baseURL, DefaultBaseURL)
		if problem != "" {
			return badOption("WithBaseURL", "%s", problem)
		}
		c.baseURL = base
		return nil
	})
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

// WithoutRetries gives every call one attempt only.
func WithoutRetries() SharedOption { return WithRetryPolicy(RetryPolicy{MaxAttempts: 1}) }

// WithProjectLocation sets the time zone of the Salebot project, in which
// send_time is understood; it is set in the project's settings. It is needed
// by calls that are scheduled for a moment, and to find a recorded request in a history
// whose times have no zone (see WithLedger). There is no default.
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
// against the API: in production an odd field should not cost the rest of the answer.
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

// WithRateLimit sends so many requests a second, and after a pause up to burst at once.
// The burst comes on top: up to perSecond+burst requests may go out within one second, so
// take a burst of 1 for a server that counts them. The client and its variants made by With
// share the pace. There is no limit by default, because Salebot publishes none.
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

// WithLogger logs the calls of the client. By default nothing is logged. Nothing that is
// logged holds the key, a URL or a body. There are four messages about calls:
//
//   - "salebot call", at debug level: a call succeeded.
//   - "salebot call failed", a warning: it failed, or was refused before it was sent.
//   - "salebot answer was not understood entirely", a warning: it succeeded, but the
//     answer has fields in an unknown form.
//   - "salebot attempt failed and is repeated", a warning: an attempt failed and the
//     next one begins.
//
// The attributes keep their names: action, client (if the call is for one client),
// outcome, attempts, duration, status, waited, pace_wait, limiter_wait, unread_fields,
// recorded and error. Those that say nothing are left out, except for action, outcome,
// attempts and duration. A line about an attempt has attempt, its number, instead of
// attempts.
//
// With a ledger there are four more:
//
//   - "salebot work", at debug level: a piece of work (RunOnce, or a webhook's event) is
//     done, now or, with recorded, before.
//   - "salebot work failed", a warning: it failed, or did not begin, for example because
//     the ledger could not be asked.
//   - "salebot ledger could not record an end", a warning: the call or work had ended
//     before, and is looked at again when it is asked for again. It has action and error.
//   - "salebot ledger cannot look for a lost answer in the history", at info level, when
//     the client is made: it has project and missing, the option to give.
//
// Lines about work have work (its name), outcome, duration, recorded and error; and as
// numbers of calls of class Once accepted_calls, of them recorded_calls (taken from the
// ledger and not made now), rejected_calls and unknown_calls.
func WithLogger(logger *slog.Logger) Option {
	return clientOption(func(c *config) error {
		if logger == nil {
			return badOption("WithLogger", "the logger is nil")
		}
		c.logger = logger
		return nil
	})
}

// MaxDumpedBody bounds what a dump shows of a body, in bytes.
const MaxDumpedBody = 4 << 10

// WithDump writes each HTTP request and each answer to w, to see what is really sent and
// said, for debugging. The key is taken out, in every encoding; of the headers only those
// are shown that are known to hold no secrets, and of a body at most MaxDumpedBody bytes.
// What is in the bodies is shown: names, phones and texts of people. Errors of w are
// ignored. w is written to by one goroutine at a time, a whole request or answer at once.
func WithDump(w io.Writer) Option {
	return clientOption(func(c *config) error {
		if w == nil {
			return badOption("WithDump", "the writer is nil")
		}
		c.dumper = dump.NewWriter(w)
		return nil
	})
}

// WithDumpLogger is WithDump for a logger. The messages are at debug level. "salebot
// request" has the attributes action, attempt, method, url, header and body. "salebot
// answer" has action, attempt and duration, with status, header and body, or with
// error.
func WithDumpLogger(logger *slog.Logger) Option {
	return clientOption(func(c *config) error {
		if logger == nil {
			return badOption("WithDumpLogger", "the logger is nil")
		}
		c.dumper = dump.NewLogger(logger)
		return nil
	})
}

// WithHook adds a hook; it can be given several times.
func WithHook(hook Hook) Option {
	return clientOption(func(c *config) error {
		if hook.isEmpty() {
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
