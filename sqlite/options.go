package sqlite

import (
	"log/slog"
	"time"

	"github.com/salebot-go/salebot"
)

// The defaults of an Inbox. The option in parentheses changes each.
const (
	// DefaultDuplicateWindow is how long an accepted message is remembered
	// (WithDuplicateWindow).
	DefaultDuplicateWindow = 7 * 24 * time.Hour
	// DefaultMaxPending is the max number of events that wait to be handled
	// (WithMaxPending).
	DefaultMaxPending = 100_000
	// DefaultMaxFileSize is the max size of the database file, in bytes
	// (WithMaxFileSize).
	DefaultMaxFileSize = 8 << 30
)

// InboxOption sets a property of an Inbox. OpenInbox checks the options. If one is
// given twice, the later one counts. A nil option is ignored.
type InboxOption func(*inboxConfig) error

type inboxConfig struct {
	duplicateWindow time.Duration
	maxPending      int
	maxFileSize     int64
	lockTimeout     time.Duration
	flushSettled    bool
	refuseDamaged   bool
	logger          *slog.Logger
}

func newInboxConfig(opts []InboxOption) (inboxConfig, error) {
	c := inboxConfig{
		duplicateWindow: DefaultDuplicateWindow,
		maxPending:      DefaultMaxPending,
		maxFileSize:     DefaultMaxFileSize,
		logger:          slog.New(slog.DiscardHandler),
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&c); err != nil {
			return inboxConfig{}, err
		}
	}
	return c, nil
}

func badOption(option, problem string) error {
	return &salebot.OptionError{Option: option, Problem: problem}
}

// WithDuplicateWindow sets how long an accepted message is remembered, so that it is
// recognized if it comes again. It may be remembered for up to an hour longer. The default
// is DefaultDuplicateWindow.
func WithDuplicateWindow(window time.Duration) InboxOption {
	return func(c *inboxConfig) error {
		if window <= 0 {
			return badOption("WithDuplicateWindow", "must be positive")
		}
		c.duplicateWindow = window
		return nil
	}
}

// WithMaxPending sets how many events may wait to be handled. A Put beyond that fails
// with webhook.ErrFull. Each takes about 250 bytes of memory. The default is
// DefaultMaxPending.
func WithMaxPending(events int) InboxOption {
	return func(c *inboxConfig) error {
		if events <= 0 {
			return badOption("WithMaxPending", "must be positive")
		}
		c.maxPending = events
		return nil
	}
}

// WithMaxFileSize sets how many bytes new events may take in the database file, without
// its log. A Put beyond that fails with webhook.ErrFull. An eighth and a megabyte more
// are kept for everything else that has to be written, so that a full inbox can be
// worked off. The default is DefaultMaxFileSize.
func WithMaxFileSize(bytes int64) InboxOption {
	return func(c *inboxConfig) error {
		if bytes <= 0 {
			return badOption("WithMaxFileSize", "must be positive")
		}
		c.maxFileSize = bytes
		return nil
	}
}

// WithLockTimeout sets how long OpenInbox waits for a file that another process has
// open, for example one that this process is about to replace. By default OpenInbox
// fails with ErrInUse at once.
func WithLockTimeout(timeout time.Duration) InboxOption {
	return func(c *inboxConfig) error {
		if timeout < 0 {
			return badOption("WithLockTimeout", "must not be negative")
		}
		c.lockTimeout = timeout
		return nil
	}
}

// WithFlushSettled also flushes the log when an event is committed, released or made a
// dead letter. By default that is flushed together with the next event, or a second
// later, which halves the number of flushes. Then a loss of power (but not the death of
// the process) may bring back events that were committed in that second.
func WithFlushSettled() InboxOption {
	return func(c *inboxConfig) error {
		c.flushSettled = true
		return nil
	}
}

// WithRefuseDamaged makes OpenInbox fail with ErrDamaged if the file is damaged. By
// default the damaged file is set aside, and the inbox opens with what can be read of it.
func WithRefuseDamaged() InboxOption {
	return func(c *inboxConfig) error {
		c.refuseDamaged = true
		return nil
	}
}

// WithLogger logs what was found damaged, and why the inbox broke. By default nothing is
// logged.
func WithLogger(logger *slog.Logger) InboxOption {
	return func(c *inboxConfig) error {
		if logger == nil {
			return badOption("WithLogger", "the logger is nil")
		}
		c.logger = logger
		return nil
	}
}
