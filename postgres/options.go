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
	// DefaultLifetime is how long a process that does not renew its row counts as alive
	// (WithLifetime).
	DefaultLifetime = 15 * time.Second
	// DefaultPollInterval is how often an inbox is looked at although nobody said that
	// there is something (WithPollInterval).
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

// WithSchema sets the schema that the tables are in: lower-case letters, digits and
// underscores. Two schemas have nothing to do with each other. The default is
// DefaultSchema.
func WithSchema(name string) SharedOption {
	return sharedOption(func(c *config) error {
		if !schemaName.MatchString(name) {
			return badOption("WithSchema", "must be at most 40 lower-case letters, digits and underscores")
		}
		c.schema = schema(name)
		return nil
	})
}

// WithTimeout bounds one transaction; a call that waits for it fails with ErrSlow. The
// transactions of Settle are not bounded by it. The default is DefaultTimeout.
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

// WithLifetime sets for how long a process counts as alive after it has said so last,
// which it does four times as often. What a dead process had begun is taken over by
// others: a shorter time lets them begin sooner, and takes more slow processes for dead.
// Give all processes the same. The default is DefaultLifetime.
func WithLifetime(lifetime time.Duration) SharedOption {
	return sharedOption(func(c *config) error {
		if lifetime < minLifetime {
			return badOption("WithLifetime", "must be at least 100 ms")
		}
		c.lifetime = lifetime
		return nil
	})
}

// WithLogger logs what goes on in the background: a server that went away and came
// back, processes that died. Nothing that is logged holds an address or a body. By
// default nothing is logged.
func WithLogger(logger *slog.Logger) SharedOption {
	return sharedOption(func(c *config) error {
		if logger == nil {
			return badOption("WithLogger", "the logger is nil")
		}
		c.logger = logger
		return nil
	})
}

// WithListenAddress sets the address for the one connection that listens for new events,
// which has to reach the server directly. It is needed if the inbox's own address is
// that of a pooler such as PgBouncer in transaction mode. The default is the inbox's
// address.
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

// WithoutListen does without that connection: events of other processes are found by
// looking, as often as WithPollInterval says.
func WithoutListen() InboxOption {
	return inboxOption(func(c *inboxConfig) error {
		c.listen = false
		return nil
	})
}

// PollOption is an option of what is found by looking.
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

// WithPollInterval sets how often a waiting Lease looks for events although nobody said
// that there are any, and how often an outbox looks for requests. The default is
// DefaultPollInterval.
func WithPollInterval(interval time.Duration) PollOption { return pollOption(interval) }

// WithDuplicateWindow sets how long an accepted message is remembered, so that it is
// recognized if it comes again. It is forgotten up to an hour later. The default is
// DefaultDuplicateWindow.
func WithDuplicateWindow(window time.Duration) InboxOption {
	return inboxOption(func(c *inboxConfig) error {
		if window <= 0 {
			return badOption("WithDuplicateWindow", "must be positive")
		}
		c.duplicateWindow = window
		return nil
	})
}

// WithMaxPending sets how many events may wait to be handled, those of all endpoints
// together. A Put beyond that fails with webhook.ErrFull. They are counted now and then,
// so that several receivers together may exceed it by a part. The default is
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

// WithMaxTransactions sets how many transactions of Settle may run at once; each needs a
// connection. Others wait. The default is DefaultMaxTransactions.
func WithMaxTransactions(transactions int) InboxOption {
	return inboxOption(func(c *inboxConfig) error {
		if transactions <= 0 {
			return badOption("WithMaxTransactions", "must be positive")
		}
		c.maxTransactions = transactions
		return nil
	})
}
