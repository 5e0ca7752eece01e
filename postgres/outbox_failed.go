package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Failure is a request that was given up.
type Failure struct {
	Outgoing
	// Reason is the failure of the last attempt.
	Reason string
}

// Failed returns the requests that were given up, the oldest first and at most number.
func (o *Outbox) Failed(ctx context.Context, number int) ([]Failure, error) {
	if o.closed.Load() {
		return nil, ErrOutboxClosed
	}
	if number < 0 {
		return nil, badOption("number", "must not be negative")
	}
	limited, cancel := context.WithTimeout(ctx, o.config.timeout)
	defer cancel()
	rows, err := o.pool.Query(limited, o.config.schema.sql(`SELECT key, request, reserved, attempts, reason FROM salebot.outgoing
		WHERE name = $1 AND due IS NULL ORDER BY reserved, key LIMIT $2`), o.name, number)
	if err != nil {
		return nil, failure("reading requests", err)
	}
	failed, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Failure, err error) {
		err = row.Scan(&f.Key, &f.Body, &f.Reserved, &f.Attempt, &f.Reason)
		return f, err
	})
	if err != nil {
		return nil, failure("reading requests", err)
	}
	return failed, nil
}

// Retry makes requests that were given up pending again, with a fresh count of attempts,
// and returns how many.
func (o *Outbox) Retry(ctx context.Context, keys ...string) (int, error) {
	return o.change(ctx, "UPDATE salebot.outgoing SET due = '-infinity', attempts = 0 WHERE name = $1 AND key = ANY ($2) AND due IS NULL", keys)
}

// Discard deletes requests that were given up and returns how many.
func (o *Outbox) Discard(ctx context.Context, keys ...string) (int, error) {
	return o.change(ctx, "DELETE FROM salebot.outgoing WHERE name = $1 AND key = ANY ($2) AND due IS NULL", keys)
}

func (o *Outbox) change(ctx context.Context, statement string, keys []string) (int, error) {
	if o.closed.Load() {
		return 0, ErrOutboxClosed
	}
	limited, cancel := context.WithTimeout(ctx, o.config.timeout)
	defer cancel()
	tag, err := o.pool.Exec(limited, o.config.schema.sql(statement), o.name, keys)
	if err != nil {
		return 0, failure("changing requests", err)
	}
	o.Wake()
	return int(tag.RowsAffected()), nil
}

// Pending returns how many requests are still to be sent.
func (o *Outbox) Pending(ctx context.Context) (int, error) {
	return o.count(ctx, "SELECT count(*) FROM salebot.outgoing WHERE name = $1 AND due IS NOT NULL")
}

// CountFailed returns how many requests were given up.
func (o *Outbox) CountFailed(ctx context.Context) (int, error) {
	return o.count(ctx, "SELECT count(*) FROM salebot.outgoing WHERE name = $1 AND due IS NULL")
}

func (o *Outbox) count(ctx context.Context, statement string) (number int, err error) {
	if o.closed.Load() {
		return 0, ErrOutboxClosed
	}
	limited, cancel := context.WithTimeout(ctx, o.config.timeout)
	defer cancel()
	err = o.pool.QueryRow(limited, o.config.schema.sql(statement), o.name).Scan(&number)
	return number, failure("counting requests", err)
}
