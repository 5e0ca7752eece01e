package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"time"

	"github.com/salebot-go/salebot"
)

// Option sets a property of a Handler. New checks them. Their order does not
// matter. If one is given twice, the later one counts, except for secrets, hooks and
// networks, which add up. A nil option is ignored.
type Option func(*config) error

// RetryPolicy says how often and when an event is tried again whose handling
// failed. A zero field means its default; with all defaults the last attempt comes
// about an hour after the first.
type RetryPolicy struct {
	// MaxAttempts bounds the calls with one event, the first included; after the
	// last one the event becomes a dead letter. Up to three calls that the end of
	// the handler or of the process cut short may come on top.
	MaxAttempts int
	// BaseDelay bounds the random wait before the second attempt; the bound
	// doubles before each further one.
	BaseDelay time.Duration
	// MaxDelay bounds the random wait before any attempt. If a call of the API
	// failed with a longer Retry-After, that is waited for instead, up to an hour or
	// MaxDelay.
	MaxDelay time.Duration
}

// config is what the options build.
type config struct {
	secrets       secrets
	noSecret      bool
	networks      []netip.Prefix
	proxies       int
	maxBodySize   int64
	maxDepth      int
	readTimeout   time.Duration
	putTimeout    time.Duration
	inbox         Inbox
	endpoint      string
	workerCount   int
	eventTimeout  time.Duration
	retry         RetryPolicy
	outgoing      bool
	serviceEvents bool
	repeatUnknown bool
	work          *eventWork
	onDeadLetter  func(context.Context, DeadLetter)
	serviceTexts  ServiceTexts
	filter        func(*Event) bool
	maxAge        time.Duration
	hooks         []Hook
	logger        *slog.Logger
}

func newConfig(opts []Option) (config, error) {
	c := config{
		maxBodySize:  DefaultMaxBodySize,
		maxDepth:     DefaultMaxDepth,
		readTimeout:  DefaultReadTimeout,
		putTimeout:   DefaultPutTimeout,
		endpoint:     DefaultEndpoint,
		workerCount:  DefaultWorkers,
		eventTimeout: DefaultEventTimeout,
		retry:        RetryPolicy{MaxAttempts: DefaultMaxAttempts, BaseDelay: DefaultBaseDelay, MaxDelay: DefaultMaxDelay},
		serviceTexts: KnownServiceTexts(),
		logger:       slog.New(slog.DiscardHandler),
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&c); err != nil {
			return config{}, err
		}
	}
	switch {
	case c.secrets.empty() && !c.noSecret:
		return config{}, badOption("New", "anyone could post events: give a secret (WithSecretInPath, WithSecretInQuery, WithSecretInHeader), or WithoutSecret if something before this handler keeps strangers out")
	case !c.secrets.empty() && c.noSecret:
		return config{}, badOption("WithoutSecret", "cannot be combined with a secret")
	case c.work != nil && c.repeatUnknown:
		return config{}, badOption("WithRepeatUnknown", "cannot be combined with WithRunOnce, which repeats nothing")
	}
	if c.work != nil {
		if err := c.work.check(c.putTimeout); err != nil {
			return config{}, err
		}
	}
	return c, nil
}

func badOption(option, format string, args ...any) error {
	return &salebot.OptionError{Option: option, Problem: fmt.Sprintf(format, args...)}
}

// WithMaxBodySize sets how large the body of a request may be, in bytes. The default is
// DefaultMaxBodySize.
func WithMaxBodySize(bytes int64) Option {
	return func(c *config) error {
		if bytes <= 0 || bytes > math.MaxInt32 {
			return badOption("WithMaxBodySize", "must be positive, and less than 2 GiB")
		}
		c.maxBodySize = bytes
		return nil
	}
}

// WithMaxDepth sets how deeply a body may be nested. The default is DefaultMaxDepth.
func WithMaxDepth(depth int) Option {
	return func(c *config) error {
		if depth < 2 || depth > deepestBody {
			return badOption("WithMaxDepth", "must be between 2 and %d", deepestBody)
		}
		c.maxDepth = depth
		return nil
	}
}

// deepestBody keeps the decoders from going deeper than encoding/json does.
const deepestBody = 1000

// WithReadTimeout bounds the time in which a sender has to send the body. For
// the headers there is http.Server.ReadHeaderTimeout. It works if the
// ResponseWriter can set a deadline, or unwraps to one that can. Under
// http.TimeoutHandler, and middleware without an Unwrap method, only
// http.Server.ReadTimeout keeps a sender from being slow: set that too. The default
// is DefaultReadTimeout.
func WithReadTimeout(timeout time.Duration) Option {
	return positiveDuration("WithReadTimeout", timeout, func(c *config) *time.Duration { return &c.readTimeout })
}

// WithPutTimeout bounds the time in which the inbox has to keep an event. After it
// the answer is 503, although the event may have been kept. The default is
// DefaultPutTimeout.
func WithPutTimeout(timeout time.Duration) Option {
	return positiveDuration("WithPutTimeout", timeout, func(c *config) *time.Duration { return &c.putTimeout })
}

// WithEventTimeout bounds one call of the handler's function: its context ends
// then, and a while later, or when the process dies, the event is handed out
// again. A function that ignores its context may then run twice at once. The
// default is DefaultEventTimeout.
func WithEventTimeout(timeout time.Duration) Option {
	return positiveDuration("WithEventTimeout", timeout, func(c *config) *time.Duration { return &c.eventTimeout })
}

func positiveDuration(option string, value time.Duration, field func(*config) *time.Duration) Option {
	return func(c *config) error {
		if value <= 0 {
			return badOption(option, "must be positive")
		}
		*field(c) = value
		return nil
	}
}

// WithInbox keeps the events in an inbox of yours. Closing it, after Handler.Stop or
// Handler.Shutdown has returned, is up to you. The default is a MemoryInbox with the default
// bounds, which loses what it holds when the process ends.
func WithInbox(inbox Inbox) Option {
	return func(c *config) error {
		if inbox == nil {
			return badOption("WithInbox", "the inbox is nil")
		}
		c.inbox = inbox
		return nil
	}
}

// WithEndpoint names the receiver within its inbox, so that several handlers can
// share one: each sees its own events only, and duplicates are those of the same
// endpoint. The default is DefaultEndpoint.
func WithEndpoint(name string) Option {
	return func(c *config) error {
		if name == "" || len(name) > maxEndpointName {
			return badOption("WithEndpoint", "the name must have between 1 and %d bytes", maxEndpointName)
		}
		c.endpoint = name
		return nil
	}
}

const maxEndpointName = 200

// WithWorkers sets how many events are handled at once, each of another client. The
// default is DefaultWorkers.
func WithWorkers(workers int) Option {
	return func(c *config) error {
		if workers < 1 || workers > maxWorkers {
			return badOption("WithWorkers", "must be between 1 and %d", maxWorkers)
		}
		c.workerCount = workers
		return nil
	}
}

const maxWorkers = 10_000

// WithRetryPolicy sets how failed events are repeated. The default is the zero
// RetryPolicy.
func WithRetryPolicy(policy RetryPolicy) Option {
	return func(c *config) error {
		if policy.MaxAttempts < 0 || policy.BaseDelay < 0 || policy.MaxDelay < 0 {
			return badOption("WithRetryPolicy", "no field may be negative")
		}
		p := RetryPolicy{MaxAttempts: DefaultMaxAttempts, BaseDelay: DefaultBaseDelay, MaxDelay: DefaultMaxDelay}
		if policy.MaxAttempts > 0 {
			p.MaxAttempts = policy.MaxAttempts
		}
		if policy.MaxDelay > 0 {
			p.MaxDelay = policy.MaxDelay
			p.BaseDelay = min(p.BaseDelay, p.MaxDelay)
		}
		if policy.BaseDelay > 0 {
			p.BaseDelay = policy.BaseDelay
			if policy.MaxDelay == 0 {
				p.MaxDelay = max(p.MaxDelay, p.BaseDelay)
			}
		}
		if p.BaseDelay > p.MaxDelay {
			return badOption("WithRetryPolicy", "BaseDelay is longer than MaxDelay")
		}
		c.retry = p
		return nil
	}
}

// WithRepeatUnknown also tries those events again whose function failed with an error
// that is salebot.ErrOutcomeUnknown, or after a call with such an outcome. A message
// may have been sent or a flow started although the answer did not come; repeating then
// does it twice. Without this option such an event becomes a dead letter, and it is up
// to a person whether to redrive it, unless WithRunOnce keeps it from doing anything
// twice. Calls that may be repeated without harm, such as SaveVariables, are always
// tried again.
func WithRepeatUnknown() Option {
	return func(c *config) error {
		c.repeatUnknown = true
		return nil
	}
}

// WithOutgoing also hands out the messages of the bot's side: those of the flow, of
// operators, and of your own calls of the API. A function that answers those talks
// to itself: look at Event.IsIncoming first.
func WithOutgoing() Option {
	return func(c *config) error {
		c.outgoing = true
		return nil
	}
}

// WithServiceEvents also hands out service events; see Event.IsService.
func WithServiceEvents() Option {
	return func(c *config) error {
		c.serviceEvents = true
		return nil
	}
}

// WithServiceTexts sets what counts as a service event. The default is
// KnownServiceTexts.
func WithServiceTexts(texts ServiceTexts) Option {
	return func(c *config) error {
		c.serviceTexts = texts
		return nil
	}
}

// WithMaxAge sets the age, counted from acceptance, after which an event is not handed to
// the function any more: it becomes a dead letter with ErrTooOld as its reason. So a
// person who said hello does not get an answer an hour later because the answers kept
// failing. By default there is no max age. Handler.Redrive also hands out events that are
// too old; Inbox.Redrive does not.
func WithMaxAge(age time.Duration) Option {
	return positiveDuration("WithMaxAge", age, func(c *config) *time.Duration { return &c.maxAge })
}

// WithFilter alone decides which events are handed out, instead of the default and of
// WithOutgoing and WithServiceEvents. Events that it does not want are acknowledged and
// forgotten, except those whose Origin is OriginUnknown, which become dead letters.
// Event.IsService uses the texts of WithServiceTexts here. The filter is called while
// the sender waits, from many goroutines at once, and must not change the event.
func WithFilter(wanted func(*Event) bool) Option {
	return func(c *config) error {
		if wanted == nil {
			return badOption("WithFilter", "the function is nil")
		}
		c.filter = wanted
		return nil
	}
}

// WithDeadLetterFunc calls a function with each event that has become a dead letter,
// for example to tell a person. It is called after the inbox has kept the dead letter,
// from several goroutines at once, and holds up a worker; a panic of it is logged. What
// became of an event in a process that died is not told.
func WithDeadLetterFunc(tell func(ctx context.Context, letter DeadLetter)) Option {
	return func(c *config) error {
		if tell == nil {
			return badOption("WithDeadLetterFunc", "the function is nil")
		}
		c.onDeadLetter = tell
		return nil
	}
}

// WithLogger logs refusals, failures and dead letters. Nothing that is logged holds
// a secret, an address or a body; the errors of the handler's function are logged
// as they are. By default nothing is logged.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return badOption("WithLogger", "the logger is nil")
		}
		c.logger = logger
		return nil
	}
}
