package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/schedule"
)

// deadLettersAtOnce bounds the dead letters that are read or changed at once.
const deadLettersAtOnce = 100

const (
	selectDeadLetters = "SELECT " + rowColumns + " FROM dead_letter WHERE endpoint = ? AND sequence > ? ORDER BY sequence LIMIT ?"
	selectDeadLetter  = "SELECT " + rowColumns + " FROM dead_letter WHERE endpoint = ? AND sequence = ?"
)

// DeadLetters implements webhook.Inbox. Damaged ones are left out; Redrive sets them
// apart.
func (i *Inbox) DeadLetters(ctx context.Context, endpoint string) iter.Seq2[webhook.DeadLetter, error] {
	return func(yield func(webhook.DeadLetter, error) bool) {
		for last, more := int64(0), true; more; {
			var rows []row
			err := i.overview.query(ctx, selectDeadLetters, func(values []driver.Value) error {
				rows = append(rows, readRow(values))
				return nil
			}, endpoint, last, int64(deadLettersAtOnce))
			if err != nil {
				yield(webhook.DeadLetter{}, err)
				return
			}
			for _, r := range rows {
				last = r.sequence
				letter := webhook.DeadLetter{Entry: r.Entry, Sequence: r.sequence, Attempts: r.attempts, Reason: r.reason, BuriedAt: r.due}
				if r.problem == "" && !yield(letter, nil) {
					return
				}
			}
			more = len(rows) == deadLettersAtOnce
		}
	}
}

// Redrive implements webhook.Inbox. It may exceed WithMaxPending. It works in several
// steps; if one of them fails, those before it remain done.
func (i *Inbox) Redrive(ctx context.Context, endpoint string, sequences ...int64) (int, error) {
	return i.eachDeadLetter(ctx, endpoint, sequences, func(w *writer, r *row) error {
		r.attempts, r.due, r.reason = 0, time.Time{}, ""
		// An event with the number of a dead letter is the same one; it must not keep
		// the others from coming back.
		return r.insert(w.connection, insertEvent)
	}, func(r *row) {
		i.schedule.Add(schedule.Entry{Endpoint: r.Endpoint, Lane: int64(r.ClientID), Sequence: r.sequence})
	})
}

// Discard implements webhook.Inbox. Like Redrive, it works in several steps.
func (i *Inbox) Discard(ctx context.Context, endpoint string, sequences ...int64) (int, error) {
	return i.eachDeadLetter(ctx, endpoint, sequences, func(*writer, *row) error { return nil }, func(*row) {})
}

// eachDeadLetter removes dead letters and calls change with each of them, and done
// when that is on the disk.
func (i *Inbox) eachDeadLetter(ctx context.Context, endpoint string, sequences []int64, change func(*writer, *row) error, done func(*row)) (int, error) {
	if err := i.condition.usable(); err != nil {
		return 0, err
	}
	all := slices.Contains(sequences, webhook.AllDeadLetters)
	if all {
		sequences = nil
	}
	total := 0
	var last int64
	for more := all || len(sequences) > 0; more; {
		wanted := sequences[:min(len(sequences), deadLettersAtOnce)]
		var rows []row
		var read int
		o := operation{apply: func(w *writer) (err error) {
			rows, err = deadLetters(w, endpoint, last, wanted)
			if err != nil {
				return err
			}
			read = len(rows)
			if read > 0 {
				last = rows[read-1].sequence
			}
			rows, err = i.removeDeadLetters(w, rows, change)
			return err
		}, ended: func(err error) {
			for n := 0; err == nil && n < len(rows); n++ {
				done(&rows[n])
			}
		}}
		if err := i.change(ctx, &o); err != nil {
			return total, err
		}
		total += len(rows)
		sequences = sequences[len(wanted):]
		more = len(sequences) > 0 || all && read == deadLettersAtOnce
	}
	return total, nil
}

// deadLetters reads the wanted dead letters, or those after the last one.
func deadLetters(w *writer, endpoint string, last int64, wanted []int64) ([]row, error) {
	var rows []row
	visit := func(values []driver.Value) error {
		rows = append(rows, readRow(values))
		return nil
	}
	if len(wanted) == 0 {
		err := w.query(selectDeadLetters, visit, endpoint, last, int64(deadLettersAtOnce))
		return rows, err
	}
	wanted = slices.Compact(slices.Sorted(slices.Values(wanted)))
	for _, sequence := range wanted {
		if err := w.query(selectDeadLetter, visit, endpoint, sequence); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// removeDeadLetters returns those that were sound.
func (i *Inbox) removeDeadLetters(w *writer, rows []row, change func(*writer, *row) error) ([]row, error) {
	var sound []row
	for n := range rows {
		r := &rows[n]
		if _, err := w.exec(deleteDeadLetter, r.sequence); err != nil {
			return nil, err
		}
		if r.problem != "" {
			damage := r.damaged("dead_letter")
			i.report(damage)
			if err := damage.insert(w.connection); err != nil {
				return nil, err
			}
			continue
		}
		if err := change(w, r); err != nil {
			return nil, fmt.Errorf("dead letter %d: %w", r.sequence, err)
		}
		sound = append(sound, *r)
	}
	return sound, nil
}
