package postgres

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// unsafeEnds are ends of records that were committed, but not waited for until they were
// safe, in the order in which they were committed.
type unsafeEnds struct {
	mutex sync.Mutex
	ends  []ending
	// many gets an element when there are more than are kept until the next tick.
	many chan struct{}
}

const (
	// confirmedAtOnce bounds the ends that one transaction confirms.
	confirmedAtOnce = 1024
	// manyEnds are confirmed at once.
	manyEnds = 4 * confirmedAtOnce
)

func (u *unsafeEnds) add(e ending) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.ends = append(u.ends, e)
	if len(u.ends) == manyEnds {
		select {
		case u.many <- struct{}{}:
		default:
		}
	}
}

// oldest returns as many of the oldest as a transaction confirms, and how many there are.
func (u *unsafeEnds) oldest() (some []ending, all int) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	return u.ends[:min(len(u.ends), confirmedAtOnce)], len(u.ends)
}

// drop forgets the oldest.
func (u *unsafeEnds) drop(number int) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	// In a place of its own: what was returned above may still be read.
	u.ends = slices.Clone(u.ends[number:])
}

// confirmAlways confirms ends until the context ends, as often as the process says that it
// lives.
func (l *Ledger) confirmAlways(ctx context.Context) {
	tick := time.NewTicker(l.config.lifetime / renewals)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.unsafe.many:
		case <-ctx.Done():
			return
		}
		if err := l.confirm(ctx); err != nil && ctx.Err() == nil {
			l.config.logger.WarnContext(ctx, "postgres: cannot make sure that what was recorded is safe", slog.Any("error", err))
		}
	}
}

// confirm makes those ends safe that there are, and does those again that the server has
// lost.
func (l *Ledger) confirm(ctx context.Context) error {
	some, left := l.unsafe.oldest()
	for left > 0 {
		lost, err := l.confirmSome(ctx, some)
		if isDeadHolder(err) {
			// This process lives, so it says so. What others have taken over stays theirs.
			if err = l.presence.renew(ctx); err == nil {
				lost, err = l.confirmSome(ctx, some)
			}
		}
		if err != nil {
			return err
		}
		if lost > 0 {
			l.config.logger.WarnContext(ctx, "postgres: a crash of the server had lost what became of requests, and it was recorded again", slog.Int("records", lost))
		}
		l.unsafe.drop(len(some))
		left -= len(some)
		some, _ = l.unsafe.oldest()
	}
	return nil
}

// confirmSome confirms ends in one transaction, and returns how many records had been lost.
func (l *Ledger) confirmSome(ctx context.Context, ends []ending) (lost int, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.timeout)
	defer cancel()
	var c endColumns
	for at := range ends {
		c.add(at, ends[at].records)
	}
	err = l.pool.QueryRow(ctx, l.config.schema.sql("SELECT salebot.confirm_ends($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
		l.presence.id.Load(), c.calls, c.keys, c.numbers, c.versions, c.fresh, c.states, c.statuses, c.answers).Scan(&lost)
	return lost, failure("confirming", err)
}
