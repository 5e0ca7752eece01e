package postgres

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// presence says in the database that this process lives, and finds out which others do
// not any more.
type presence struct {
	pool   *pgxpool.Pool
	config *config
	// part says to a person which part of the process this is.
	part string
	// reclaimed is called after something was taken back from dead processes.
	reclaimed func()

	// id is the number of this process; it changes if the process was taken for dead.
	id atomic.Int64
	// renewing lets one renewal go on at a time.
	renewing sync.Mutex
	// trouble is why the last renewal failed; nil if it did not.
	trouble atomic.Pointer[error]
	// since is when the renewals began to succeed without a failure between. It belongs to
	// the goroutine of keep.
	since time.Time
}

// renewals is how often a process says in its lifetime that it lives.
const renewals = 4

// renew says once that this process lives.
func (p *presence) renew(ctx context.Context) error {
	p.renewing.Lock()
	defer p.renewing.Unlock()
	limited, cancel := context.WithTimeout(ctx, p.config.timeout)
	defer cancel()
	var id int64
	err := p.pool.QueryRow(limited, p.config.schema.sql("SELECT salebot.report($1, $2, $3)"), p.id.Load(), p.config.lifetime, p.part).Scan(&id)
	if err != nil {
		err = failure("renewing", err)
		p.trouble.Store(&err)
		return err
	}
	p.trouble.Store(nil)
	if old := p.id.Swap(id); old != 0 && old != id {
		p.config.logger.WarnContext(ctx, "postgres: this process was taken for dead, and what it had begun was taken over")
	}
	return nil
}

// failure returns why the last renewal failed; nil if it did not.
func (p *presence) failure() error {
	if err := p.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// keep renews until the context ends.
func (p *presence) keep(ctx context.Context) {
	tick := time.NewTicker(p.config.lifetime / renewals)
	defer tick.Stop()
	p.since = time.Now()
	failing := false
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		err := p.renew(ctx)
		if ctx.Err() != nil {
			return
		}
		if failing != (err != nil) {
			failing = err != nil
			p.note(ctx, err)
		}
		if failing {
			p.since = time.Now()
			continue
		}
		if err := p.bury(ctx); err != nil && ctx.Err() == nil {
			p.config.logger.WarnContext(ctx, "postgres: cannot take over from dead processes", slog.Any("error", err))
		}
	}
}

func (p *presence) note(ctx context.Context, err error) {
	if err != nil {
		p.config.logger.ErrorContext(ctx, "postgres: the database cannot be used", slog.Any("error", err))
		return
	}
	p.config.logger.InfoContext(ctx, "postgres: the database can be used again")
}

// bury takes back what dead processes had begun. After the database was away nobody
// could say that it lives, so that all get the time to do so first.
func (p *presence) bury(ctx context.Context) error {
	if time.Since(p.since) < p.config.lifetime {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, p.config.timeout)
	defer cancel()
	rows, err := p.pool.Query(limited, p.config.schema.sql("SELECT part, started, events, requests FROM salebot.bury_dead()"))
	if err != nil {
		return failure("taking over", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[death])
	if err != nil {
		return failure("taking over", err)
	}
	news := false
	for _, d := range all {
		p.config.logger.WarnContext(ctx, "postgres: another process died, and what it had begun was taken over",
			slog.String("part", d.Part), slog.Time("started", d.Started), slog.Int("events", d.Events), slog.Int("requests", d.Requests))
		news = news || d.Events > 0 || d.Requests > 0
	}
	if news {
		p.reclaimed()
	}
	return nil
}

// death is what was taken over from a part of a process that died.
type death struct {
	Part             string
	Started          time.Time
	Events, Requests int
}

// leave says that this process has ended, and gives back what it had begun.
func (p *presence) leave(ctx context.Context) error {
	id := p.id.Swap(0)
	if id == 0 {
		return nil
	}
	_, err := p.pool.Exec(ctx, p.config.schema.sql("SELECT salebot.leave($1)"), id)
	return failure("closing", err)
}

// isDeadHolder reports whether the database took this process for dead.
func isDeadHolder(err error) bool { return sqlState(err) == stateDeadHolder }

// closeGrace is how long Close waits for the database.
const closeGrace = 5 * time.Second

// opening makes a pool of a configuration, with at most so many connections, and checks
// that it can be used for what is needed.
func (c *config) opening(ctx context.Context, connections int32, n needs) (*pgxpool.Pool, error) {
	pool, err := c.newPool(ctx, connections)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := c.check(limited, pool, n); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// newPool makes a pool without using it.
func (c *config) newPool(ctx context.Context, connections int32) (*pgxpool.Pool, error) {
	settings := c.pool.Copy()
	settings.MaxConns, settings.MinConns = connections, 0
	// So that one call finds a new server if none of its connections leads to one any more.
	settings.PingTimeout = c.timeout / time.Duration(connections+1)
	settings.PrepareConn = func(_ context.Context, c *pgx.Conn) (bool, error) { return usableAgain(c), nil }
	// The pool outlives the call that opens it.
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), settings)
	if err != nil {
		return nil, failure("opening", err)
	}
	return pool, nil
}

// usableAgain reports whether a connection can be used once more: not if it can change
// nothing, as far as the server says so by itself, which it does since version 14. A new
// one may find another server, or the same one after it was made writable: the setting of a
// connection stays.
func usableAgain(c *pgx.Conn) bool {
	const used = "salebot used"
	data := c.PgConn().CustomData()
	if data[used] == nil {
		data[used] = true
		return true
	}
	return c.PgConn().ParameterStatus("default_transaction_read_only") != "on" && c.PgConn().ParameterStatus("in_hot_standby") != "on"
}

// closePool closes a pool, and waits until the context ends for connections in use.
func closePool(ctx context.Context, pool *pgxpool.Pool) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		pool.Close()
	}()
	select {
	case <-closed:
	case <-ctx.Done():
	}
}

// late reports whether an error, which is not nil, leaves open whether a change was made.
func late(err error) bool {
	if _, ok := errors.AsType[notBegunError](err); ok {
		return false
	}
	return sqlState(err) == "" || errors.Is(err, ErrUnreachable)
}
