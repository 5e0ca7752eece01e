package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/salebot-go/salebot/ledger"
)

// Ledger is a ledger.Ledger in PostgreSQL. Any number of processes on any number of
// machines may open it, with OpenLedger.
type Ledger struct {
	config   ledgerConfig
	pool     *pgxpool.Pool
	presence presence
	begins   group[beginning, []time.Time]
	ends     group[ending, []ledger.Record]
	// unsafe are the ends that a crash of the server could still undo.
	unsafe unsafeEnds

	// life ends what goes on in the background.
	life       context.Context
	end        context.CancelFunc
	background tasks
	closed     atomic.Bool
	closing    sync.Once
	failed     error
}

var _ ledger.Ledger = (*Ledger)(nil)

// LedgerOption sets a property of a Ledger. If one is given twice, the later one counts. A
// nil option is ignored.
type LedgerOption interface{ applyToLedger(c *ledgerConfig) error }

type ledgerConfig struct {
	config
	retention time.Duration
}

type ledgerOption func(*ledgerConfig) error

func (o ledgerOption) applyToLedger(c *ledgerConfig) error { return o(c) }

// WithRetention sets how long a ledger keeps a record after its last change. Records are
// deleted up to an hour later. The default is ledger.DefaultRetention.
func WithRetention(retention time.Duration) LedgerOption {
	return ledgerOption(func(c *ledgerConfig) error {
		if retention <= 0 {
			return badOption("WithRetention", "must be positive")
		}
		c.retention = retention
		return nil
	})
}

// The sizes of a ledger.
const (
	// ledgerWorkers is the number of transactions at once that begin records, and the
	// number of those that end them.
	ledgerWorkers = 2
	// ledgerConnections are theirs, and some to read with.
	ledgerConnections = 2*ledgerWorkers + 4
	// recordsAtOnce bounds a transaction, in calls.
	recordsAtOnce = 128
)

// OpenLedger opens the ledger in a database; for the address see OpenInbox. The ledger
// uses up to eight connections. A schema holds the records of one project: use WithSchema
// for another project.
func OpenLedger(ctx context.Context, address string, opts ...LedgerOption) (*Ledger, error) {
	shared, err := newConfig(address)
	if err != nil {
		return nil, err
	}
	c := ledgerConfig{config: shared, retention: ledger.DefaultRetention}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err = opt.applyToLedger(&c); err != nil {
			return nil, err
		}
	}
	pool, err := c.opening(ctx, ledgerConnections, needsOfLedger)
	if err != nil {
		return nil, err
	}
	l := &Ledger{config: c, pool: pool, unsafe: unsafeEnds{many: make(chan struct{}, 1)}}
	l.presence = presence{pool: pool, config: &l.config.config, part: "ledger", reclaimed: func() {}}
	if err = l.presence.renew(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	l.life, l.end = context.WithCancel(context.WithoutCancel(ctx))
	l.begins = group[beginning, []time.Time]{write: l.writeBegins, most: recordsAtOnce, timeout: c.timeout, closedErr: ledger.ErrClosed}
	l.begins.start(l.life, ledgerWorkers) //nolint:contextcheck // they outlive the call that opens
	l.ends = group[ending, []ledger.Record]{write: l.writeEnds, most: recordsAtOnce, timeout: c.timeout, closedErr: ledger.ErrClosed}
	l.ends.start(l.life, ledgerWorkers) //nolint:contextcheck // as above
	l.background.start(func() { l.presence.keep(l.life) })
	l.background.start(func() { l.confirmAlways(l.life) })
	l.background.start(func() { l.sweepAlways(l.life) })
	return l, nil
}

// secretSize is the length of the secret, in bytes.
const secretSize = 32

func newSecret() []byte {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // it never fails
	return secret
}

// Bind implements ledger.Ledger. The schema belongs to the first project that is bound.
func (l *Ledger) Bind(ctx context.Context, project string) (ledger.Binding, error) {
	if err := l.usable(); err != nil {
		return ledger.Binding{}, err
	}
	limited, cancel := context.WithTimeout(ctx, l.config.timeout)
	defer cancel()
	secret := newSecret()
	var bound string
	err := l.pool.QueryRow(limited, l.config.schema.sql("SELECT project, secret FROM salebot.bind($1, $2)"), project, secret).Scan(&bound, &secret)
	switch {
	case err != nil:
		return ledger.Binding{}, l.failure(ctx, "binding", err)
	case bound != project:
		return ledger.Binding{}, fmt.Errorf("%w: %.100q", ledger.ErrOtherProject, bound)
	case len(secret) < secretSize:
		return ledger.Binding{}, fmt.Errorf("%w: its secret is gone", ledger.ErrDamaged)
	}
	return ledger.Binding{Secret: secret, Retention: l.config.retention}, nil
}

// Begin implements ledger.Ledger. The records are committed before it returns; calls at
// the same time share a transaction. If the context ends, or the connection breaks, the
// records are taken back as soon as possible.
func (l *Ledger) Begin(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	b := beginning{records: slices.Clone(records), fresh: make([]int64, len(records)), holder: l.presence.id.Load()}
	for i := range b.fresh {
		b.fresh[i] = newVersion()
	}
	moments, err := l.begins.do(ctx, b)
	if isDeadHolder(err) {
		// Nothing was begun. This process lives, so it says so.
		if err = l.presence.renew(ctx); err != nil {
			return nil, err
		}
		b.holder = l.presence.id.Load()
		moments, err = l.begins.do(ctx, b)
	}
	if err != nil {
		if late(err) {
			l.takeBack(&b)
		}
		return nil, err
	}
	if slices.ContainsFunc(moments, time.Time.IsZero) {
		return nil, ledger.ErrTaken
	}
	for i := range b.records {
		r := &b.records[i]
		r.State, r.Holder, r.Version = ledger.Begun, strconv.FormatInt(b.holder, 10), b.fresh[i]
		r.Answer, r.BegunAt, r.EndedAt = ledger.Answer{}, moments[i], time.Time{}
	}
	return b.records, nil
}

// newVersion is a version that no other change has.
func newVersion() int64 { return 1 + mathrand.Int64N(math.MaxInt64-1) } //nolint:gosec // it needs no secrecy

// End implements ledger.Ledger. A crash of this process does not undo it. A crash of the
// server may, and then the records are as Begin left them until this process ends them
// again, within a quarter of WithLifetime. If End fails because the server is down, it is
// repeated in the background until it succeeds or the ledger is closed: as long as this
// process is alive, others wait for it to end what it has begun.
func (l *Ledger) End(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	records = slices.Clone(records)
	ended, err := l.ends.do(ctx, ending{records: records})
	if err == nil && len(ended) != len(records) {
		return nil, ledger.ErrTaken
	}
	if err != nil {
		l.endLater(records, false)
		return nil, err
	}
	return ended, nil
}

// takeBack ends records that may have been begun although nobody was told, as if they had
// not been: nothing was sent because of them, but they would look as if it might have been.
func (l *Ledger) takeBack(b *beginning) {
	records := slices.Clone(b.records)
	for i := range records {
		r := &records[i]
		switch {
		case r.Version == 0, r.IsWork():
			r.State = ledger.Refused
		case r.State == ledger.Begun:
			r.State = ledger.Unknown
		}
		r.Version, r.Answer = b.fresh[i], ledger.Answer{}
	}
	l.endLater(records, true)
}

// endLater ends records in the background. If they may be begun only later, by a
// transaction that goes on although nobody waits for it, that is waited for, too.
func (l *Ledger) endLater(records []ledger.Record, begunLater bool) {
	tries := 1
	if begunLater {
		tries = lateTries
	}
	l.background.start(func() {
		for delay := between; tries > 0; delay = min(2*delay, time.Second) {
			if !sleep(l.life, delay) {
				return
			}
			ended, err := l.ends.do(l.life, ending{records: records})
			switch {
			case errors.Is(err, ledger.ErrClosed), err == nil && len(ended) > 0:
				return
			case err == nil:
				// They are not there, or another process has them.
				tries--
			}
		}
	})
}

// lateTries is how often records are looked for that may be begun later: for some seconds
// longer than a server takes to notice that a connection is gone.
const lateTries = 20

// Forget implements ledger.Ledger.
func (l *Ledger) Forget(ctx context.Context, keys ...ledger.Digest) error {
	if err := l.usable(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, l.config.timeout)
	defer cancel()
	_, err := l.pool.Exec(limited, l.config.schema.sql("DELETE FROM salebot.record WHERE key = ANY ($1)"), uuids(keys))
	return l.failure(ctx, "forgetting", err)
}

// Alive implements ledger.Ledger. The holder of a record is an open Ledger of some
// process. It counts as dead once it is closed, or if it did not report for the time of
// WithLifetime that it is alive.
func (l *Ledger) Alive(ctx context.Context, holder string) (alive bool, err error) {
	if err = l.usable(); err != nil {
		return false, err
	}
	id, err := strconv.ParseInt(holder, 10, 64)
	if err != nil {
		// It is not the name of a holder.
		return false, nil
	}
	limited, cancel := context.WithTimeout(ctx, l.config.timeout)
	defer cancel()
	err = l.pool.QueryRow(limited, l.config.schema.sql("SELECT EXISTS (SELECT FROM salebot.holder WHERE id = $1 AND expires >= clock_timestamp())"), id).Scan(&alive)
	return alive, l.failure(ctx, "asking for a process", err)
}

// Health returns why this process could not report that it is alive when it last tried
// (see WithLifetime); nil if it could.
func (l *Ledger) Health() error {
	if err := l.usable(); err != nil {
		return err
	}
	return l.presence.failure()
}

func (l *Ledger) usable() error {
	if l.closed.Load() {
		return ledger.ErrClosed
	}
	return nil
}

// failure returns the error of a query of a caller.
func (l *Ledger) failure(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case l.closed.Load():
		return ledger.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return failure(doing, err)
}

// sweepAlways deletes old records until the context ends.
func (l *Ledger) sweepAlways(ctx context.Context) {
	for sleep(ctx, forgetInterval) {
		if err := l.sweep(ctx); err != nil && ctx.Err() == nil {
			l.config.logger.WarnContext(ctx, "postgres: cannot delete old records", slog.Any("error", err))
		}
	}
}

func (l *Ledger) sweep(ctx context.Context) error {
	after := &uuid{}
	for after != nil {
		limited, cancel := context.WithTimeout(ctx, l.config.timeout)
		err := l.pool.QueryRow(limited, l.config.schema.sql("SELECT salebot.sweep($1, $2, $3)"), after, forgetAtOnce, l.config.retention).Scan(&after)
		cancel()
		if err != nil {
			return failure("deleting old records", err)
		}
	}
	return nil
}

// Close closes the ledger. Others can take over at once what this process has under way.
// It waits a few seconds at most for the database.
func (l *Ledger) Close() error {
	l.closing.Do(func() {
		l.closed.Store(true)
		grace := time.AfterFunc(closeGrace, l.end)
		defer grace.Stop()
		l.begins.close()
		l.ends.close()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(l.life), closeGrace)
		defer cancel()
		l.end()
		l.background.wait()
		l.failed = errors.Join(l.confirm(ctx), l.presence.leave(ctx))
		closePool(ctx, l.pool)
	})
	return l.failed
}

var errNoAnswer = errors.New("postgres: the server answered less than it was asked")
