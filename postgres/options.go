package postgres

import (
	"log/slog"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/salebot-go/salebot"
)

// The defaults of this package. The option in parentheses changes each.
const (
	// DefaultTimeout bounds one transaction (WithTimeout).
	DefaultTimeout = 10 * time.Second
	// DefaultLifetime is how long a process counts as alive after its last report
	// (WithLifetime).
	DefaultLifetime = 15 * time.Second
	// DefaultPollInterval is how often an inbox is checked for events without a
	// notification (WithPollInterval).
	DefaultPollInterval = time.Second
	// DefaultDuplicateWindow is how long an accepted message is remembered
	// (WithDuplicateWindow).
	DefaultDuplicateWindow = 7 * 24 * time.Hour
	// DefaultMaxPending is the max number of events that wait to be handled
	// (WithMaxPending).
	DefaultMaxPending = 10_000_000
	// DefaultMaxTransactions is the max number of transactions of Settle at once
	// (WithMaxTransactions).
	DefaultMaxTransactions = 16
)

// InboxOption sets a property of an Inbox. If one is given twice, the later one counts. A
// nil option is ignored.
type InboxOption interface{ applyToInbox(c *inboxConfig) error }

// SharedOption sets a property that everything in this package has.
type SharedOption interface {
	InboxOption
	LedgerOption
	PaceOption
	OutboxOption
	applyShared(c *config) error
}

// config is what everything in this package has.
type config struct {
	pool      *pgxpool.Config
	schema    schema
	timeout   time.Duration
	lifetime  time.Duration
	logger    *slog.Logger
	minServer int
}

type inboxConfig struct {
	config
	listen          bool
	listenAddress   string
	poll            time.Duration
	duplicateWindow time.Duration
	maxPending      int
	maxTransactions int
}

func newConfig(address string) (config, error) {
	if address == "" {
		// pgx would take what the environment says, which may be another database.
		return config{}, badOption("address", "is empty")
	}
	pool, err := pgxpool.ParseConfig(address)
	if err != nil {
		// Its text may hold parts of the password.
		return config{}, badOption("address", "is not an address of PostgreSQL, such as postgres://user@host/database")
	}
	if pool.ConnConfig.RuntimeParams["application_name"] == "" {
		pool.ConnConfig.RuntimeParams["application_name"] = "salebot"
	}
	return config{
		pool: pool, schema: DefaultSchema, timeout: DefaultTimeout, lifetime: DefaultLifetime,
		logger: slog.New(slog.DiscardHandler), minServer: minServer,
	}, nil
}

func applyShared(c *config, opts []SharedOption) error {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.applyShared(c); err != nil {
			return err
		}
	}
	return nil
}

func newInboxConfig(address string, opts []InboxOption) (inboxConfig, error) {
	shared, err := newConfig(address)
	if err != nil {
		return inboxConfig{}, err
	}
	c := inboxConfig{
		config: shared, listen: true, listenAddress: address, poll: DefaultPollInterval,
		duplicateWindow: DefaultDuplicateWindow, maxPending: DefaultMaxPending, maxTransactions: DefaultMaxTransactions,
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.applyToInbox(&c); err != nil {
			return inboxConfig{}, err
		}
	}
	return c, nil
}

type sharedOption func(*config) error

func (o sharedOption) applyShared(c *config) error       { return o(c) }
func (o sharedOption) applyToInbox(c *inboxConfig) error { return o(&c.config) }

func (o sharedOption) applyToLedger(c *ledgerConfig) error { return o(&c.config) }

func (o sharedOption) applyToPace(c *paceConfig) error { return o(&c.config) }

func (o sharedOption) applyToOutbox(c *outboxConfig) error { return o(&c.config) }

type inboxOption func(*inboxConfig) error

func (o inboxOption) applyToInbox(c *inboxConfig) error { return o(c) }

func badOption(option, problem string) error {
	return &salebot.OptionError{Option: option, Problem: problem}
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,39}$`)

// WithSchema sets the schema of the tables. The name may have lower-case letters, digits
// and underscores. Schemas are independent of each other. The default is DefaultSchema.
func WithSchema(name string) SharedOption {
	return sharedOption(func(c *config) error {
		if !schemaName.MatchString(name) {
			return badOption("WithSchema", "must be at most 40 lower-case letters, digits and underscores")
		}
		c.schema = schema(name)
		return nil
	})
}

// WithTimeout bounds a transaction. A call that waits for longer fails with ErrSlow. The
// transactions of Settle have no such bound, nor do Inbox.Counts and Inbox.Seen, which read
// whole tables: give them a context that ends. The default is DefaultTimeout.
func WithTimeout(timeout time.Duration) SharedOption {
	return sharedOption(func(c *config) error {
		if timeout <= 0 {
			return badOption("WithTimeout", "must be positive")
		}
		c.timeout = timeout
		return nil
	})
}

// minLifetime keeps a process that is merely busy from being taken for dead.
const minLifetime = 100 * time.Millisecond

// WithLifetime sets how long a process counts as alive after its last report. It reports
// four times within that time. Others take over what a dead process had begun: with a
// shorter time they begin sooner, but a slow process is more likely to be taken for dead.
// Use the same value in all processes. The default is DefaultLifetime.
func WithLifetime(lifetime time.Duration) SharedOption {
	return sharedOption(func(c *config) error {
		if lifetime < minLifetime {
			return badOption("WithLifetime", "must be at least 100 ms")
		}
		c.lifetime = lifetime
		return nil
	})
}

// WithLogger logs what happens in the background, such as a server that was away when this
// process had to say that it lives, and other processes that died; docs/postgres.md lists
// the lines. They contain no addresses and no bodies. By default nothing is logged.
func WithLogger(logger *slog.Logger) SharedOption {
	return sharedOption(func(c *config) error {
		if logger == nil {
			return badOption("WithLogger", "the logger is nil")
		}
		c.logger = logger
		return nil
	})
}

// WithListenAddress sets the address of the connection that listens for new events. It
// must lead to the server directly. Use it if the inbox's address is that of a pooler such
// as PgBouncer in transaction mode. The default is the inbox's address.
func WithListenAddress(address string) InboxOption {
	return inboxOption(func(c *inboxConfig) error {
		if address == "" {
			return badOption("WithListenAddress", "is empty")
		}
		if _, err := pgxpool.ParseConfig(address); err != nil {
			return badOption("WithListenAddress", "is not an address of PostgreSQL")
		}
		c.listen, c.listenAddress = true, address
		return nil
	})
}

// WithoutListen opens no connection that listens. Events of other processes are found by
// polling; see WithPollInterval.
func WithoutListen() InboxOption {
	return inboxOption(func(c *inboxConfig) error {
		c.listen = false
		return nil
	})
}

// PollOption is an option of an inbox or an outbox, which both poll.
type PollOption interface {
	InboxOption
	OutboxOption
}

type pollOption time.Duration

func (o pollOption) applyToInbox(c *inboxConfig) error   { return o.apply(&c.poll) }
func (o pollOption) applyToOutbox(c *outboxConfig) error { return o.apply(&c.poll) }

func (o pollOption) apply(poll *time.Duration) error {
	if time.Duration(o) < time.Millisecond {
		return badOption("WithPollInterval", "must be at least a millisecond")
	}
	*poll = time.Duration(o)
	return nil
}

// WithPollInterval sets how often a waiting Lease looks for events without a
// notification, and how often an outbox looks for requests. The default is
// DefaultPollInterval.
func WithPollInterval(interval time.Duration) PollOption { return pollOption(interval) }

// WithDuplicateWindow sets how long an accepted message is remembered, so that it is
// recognized if it comes again. It may be remembered for up to an hour longer. The default
// is DefaultDuplicateWindow.
func WithDuplicateWindow(window time.Duration) InboxOption {
	return inboxOption(func(c *inboxConfig) error {
		if window <= 0 {
			return badOption("WithDuplicateWindow", "must be positive")
		}
		c.duplicateWindow = window
		return nil
	})
}

// WithMaxPending sets the max number of events that wait to be handled, of all endpoints
// together. A Put beyond that fails with webhook.ErrFull. The events are counted from time
// to time, so several receivers together may exceed the max a little. The default is
// DefaultMaxPending.
func WithMaxPending(events int) InboxOption {
	return inboxOption(func(c *inboxConfig) error {
		if events <= 0 {
			return badOption("WithMaxPending", "must be positive")
		}
		c.maxPending = events
		return nil
	})
}

// WithMaxTransactions sets the max number of transactions of Settle at once. Each needs a
// connection; others wait. The default is DefaultMaxTransactions.
func WithMaxTransactions(transactions int) InboxOption {
	return inboxOption(func(c *inboxConfig) error {
		if transactions <= 0 {
			return badOption("WithMaxTransactions", "must be positive")
		}
		c.maxTransactions = transactions
		return nil
	})
}
