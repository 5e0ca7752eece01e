package postgres

import (
	"context"
	"iter"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// deadLettersAtOnce bounds the dead letters that are read or changed at once.
const deadLettersAtOnce = 100

// DeadLetters implements webhook.Inbox.
func (i *Inbox) DeadLetters(ctx context.Context, endpoint string) iter.Seq2[webhook.DeadLetter, error] {
	return func(yield func(webhook.DeadLetter, error) bool) {
		for last, more := int64(0), true; more; {
			letters, err := i.deadLettersAfter(ctx, endpoint, last)
			if err != nil {
				yield(webhook.DeadLetter{}, err)
				return
			}
			for _, letter := range letters {
				last = letter.Sequence
				if !yield(letter, nil) {
					return
				}
			}
			more = len(letters) == deadLettersAtOnce
		}
	}
}

func (i *Inbox) deadLettersAfter(ctx context.Context, endpoint string, last int64) ([]webhook.DeadLetter, error) {
	if err := i.usable(); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, i.config.timeout)
	defer cancel()
	rows, err := i.pool.Query(limited, i.config.schema.sql(`SELECT sequence, client, message, failed, recovered, accepted, attempts, reason, buried, body
		FROM salebot.dead_letter WHERE endpoint = $1 AND sequence > $2 ORDER BY sequence LIMIT $3`), endpoint, last, deadLettersAtOnce)
	if err != nil {
		return nil, i.failure(ctx, "reading dead letters", err)
	}
	letters, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (webhook.DeadLetter, error) {
		var client, message int64
		var body []byte
		var l webhook.DeadLetter
		scanErr := row.Scan(&l.Sequence, &client, &message, &l.Failed, &l.Recovered, &l.AcceptedAt, &l.Attempts, &l.Reason, &l.BuriedAt, &body)
		l.Endpoint, l.ClientID, l.MessageID, l.Body = endpoint, salebot.ClientID(client), salebot.MessageID(message), string(body)
		return l, scanErr
	})
	if err != nil {
		return nil, i.failure(ctx, "reading dead letters", err)
	}
	return letters, nil
}

// Redrive implements webhook.Inbox. It may exceed WithMaxPending. It works in several
// steps; if one of them fails, those before it remain done.
func (i *Inbox) Redrive(ctx context.Context, endpoint string, sequences ...int64) (int, error) {
	total, err := i.eachDeadLetters(ctx, "putting dead letters back", "SELECT moved, last FROM salebot.redrive($1, $2, $3, $4, $5)", endpoint, sequences)
	if total > 0 {
		i.waker.tell(endpoint)
	}
	return total, err
}

// Discard implements webhook.Inbox. Like Redrive, it works in several steps.
func (i *Inbox) Discard(ctx context.Context, endpoint string, sequences ...int64) (int, error) {
	return i.eachDeadLetters(ctx, "discarding dead letters", `WITH chosen AS MATERIALIZED (
			SELECT sequence FROM salebot.dead_letter WHERE endpoint = $1 AND sequence > $4 AND ($3 OR sequence = ANY ($2)) ORDER BY sequence LIMIT $5 FOR UPDATE
		), gone AS (
			DELETE FROM salebot.dead_letter d USING chosen c WHERE d.endpoint = $1 AND d.sequence = c.sequence RETURNING d.sequence
		) SELECT count(*), coalesce(max(sequence), $4) FROM gone`, endpoint, sequences)
}

// eachDeadLetters runs a statement on dead letters, some at a time.
func (i *Inbox) eachDeadLetters(ctx context.Context, doing, statement, endpoint string, sequences []int64) (total int, err error) {
	if err := i.usable(); err != nil {
		return 0, err
	}
	every := slices.Contains(sequences, webhook.AllDeadLetters)
	if len(sequences) == 0 {
		return 0, nil
	}
	statement = i.config.schema.sql(statement)
	last := int64(0)
	for changed := deadLettersAtOnce; changed == deadLettersAtOnce; {
		limited, cancel := context.WithTimeout(ctx, i.config.timeout)
		err := i.pool.QueryRow(limited, statement, endpoint, sequences, every, last, deadLettersAtOnce).Scan(&changed, &last)
		cancel()
		if err != nil {
			return total, i.failure(ctx, doing, err)
		}
		total += changed
	}
	return total, nil
}
