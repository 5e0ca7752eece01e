package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/schedule"
)

// Inbox is a webhook.Inbox in a file. Make it with OpenInbox. It also implements
// webhook.SeenLister and webhook.HealthReporter.
type Inbox struct {
	openFile
	config   inboxConfig
	lock     *fileLock
	schedule *schedule.Schedule
	recent   *recent
	recovery *Recovery
	// opened is the last sequence that was given before the file was opened.
	opened int64

	// events is what Lease reads with, and overview what looks through whole tables:
	// no event has to wait for that.
	events, overview *reader

	// ledger is the one that Ledger opened last.
	ledger struct {
		sync.Mutex
		*Ledger
	}

	closing sync.Once
	closed  chan struct{}
	failed  error
}

var (
	_ webhook.Inbox          = (*Inbox)(nil)
	_ webhook.SeenLister     = (*Inbox)(nil)
	_ webhook.HealthReporter = (*Inbox)(nil)
)

// Put implements webhook.Inbox. It returns nil once the event is in the file's log and the
// log is flushed to the disk. If the context ends first, the event may have been stored;
// if it comes again, it is a duplicate then. If the disk hangs, the
// call whose write was the first to hang does not return when its context ends; all
// others do.
func (i *Inbox) Put(ctx context.Context, entry webhook.Entry) (webhook.Receipt, error) {
	var receipt webhook.Receipt
	r := row{Entry: entry}
	o := operation{
		flush: true,
		apply: func(w *writer) error {
			var err error
			receipt, err = i.put(w, &r)
			return err
		},
		ended: func(err error) {
			if err == nil && !receipt.Duplicate {
				i.recent.add(r.sequence, r.Entry)
				i.schedule.Add(schedule.Entry{Endpoint: r.Endpoint, Lane: int64(r.ClientID), Sequence: r.sequence})
			}
		},
	}
	if err := i.change(ctx, &o); err != nil {
		return webhook.Receipt{}, err
	}
	return receipt, nil
}

// putFull answers for an inbox that takes nothing new.
func (i *Inbox) putFull(w *writer, r *row) (webhook.Receipt, error) {
	known, err := i.known(w, r)
	switch {
	case err != nil:
		return webhook.Receipt{}, err
	case !known:
		return webhook.Receipt{}, refusal{webhook.ErrFull}
	}
	return webhook.Receipt{Duplicate: true}, nil
}

func (i *Inbox) put(w *writer, r *row) (webhook.Receipt, error) {
	if i.reserve.spent.Load() {
		receipt, err := i.putFull(w, r)
		if err != nil {
			w.condition.refuse()
		}
		return receipt, err
	}
	if i.schedule.Pending()+w.added >= i.config.maxPending {
		return i.putFull(w, r)
	}
	if full, err := w.full(r.Body); err != nil {
		return webhook.Receipt{}, err
	} else if full {
		receipt, err := i.putFull(w, r)
		if err != nil {
			w.condition.refuse()
		}
		return receipt, err
	}
	sequence, err := w.next()
	if err != nil {
		return webhook.Receipt{}, err
	}
	r.sequence = sequence
	if r.MessageID != 0 {
		m := mark{endpoint: r.Endpoint, client: r.ClientID, message: r.MessageID, failed: r.Failed, sequence: sequence, accepted: r.AcceptedAt}
		fresh, err := m.insert(w.connection)
		if err != nil {
			return webhook.Receipt{}, err
		}
		if !fresh {
			known, err := i.known(w, r)
			if err != nil {
				return webhook.Receipt{}, err
			}
			if known {
				return webhook.Receipt{Duplicate: true}, nil
			}
			// The mark was damaged, which known has set apart.
			if _, err := m.insert(w.connection); err != nil {
				return webhook.Receipt{}, err
			}
		}
	}
	if err := r.insertNew(w.connection); err != nil {
		return webhook.Receipt{}, err
	}
	w.added++
	w.addedBytes += eventBytes(r.Body)
	return webhook.Receipt{Sequence: sequence}, nil
}

// known says whether the file remembers a message. A mark that is damaged proves
// nothing: it is set apart, so that it cannot cost an event.
func (i *Inbox) known(w *writer, r *row) (bool, error) {
	if r.MessageID == 0 {
		return false, nil
	}
	known := false
	var damage *damagedRow
	err := w.query(selectMark, func(values []driver.Value) error {
		m := readMark(values)
		if known = m.problem == ""; !known {
			damage = m.damaged()
		}
		return nil
	}, int64(r.MessageID), number(r.Failed), r.Endpoint)
	if err != nil || damage == nil {
		return known, err
	}
	i.report(damage)
	if err = damage.insert(w.connection); err != nil {
		return false, err
	}
	_, err = w.exec(deleteMark, int64(r.MessageID), number(r.Failed), r.Endpoint)
	return false, err
}

// settled goes on with an entry whose lease was to be ended. It is the committer that
// decides, not the caller, who perhaps did not wait for that.
func (i *Inbox) settled(sequence int64, err error, done func(int64)) {
	if err != nil {
		i.schedule.Resume(sequence)
		return
	}
	done(sequence)
}

// report tells the logger about a damaged row.
func (i *Inbox) report(damage *damagedRow) {
	i.config.logger.Error("webhook inbox has a damaged row",
		slog.String("table", damage.origin), slog.Int64("sequence", damage.sequence), slog.String("problem", damage.problem))
}

// settle ends a lease by a change of the file. done is called when the change is
// made.
func (i *Inbox) settle(ctx context.Context, delivery webhook.Delivery, change func(*writer) error, done func(sequence int64)) error {
	if err := i.condition.usable(); err != nil {
		return err
	}
	if err := i.schedule.Settle(delivery.Sequence, delivery.Lease); err != nil {
		return err
	}
	return i.change(ctx, &operation{
		apply:  change,
		flush:  i.config.flushSettled,
		needed: true,
		ended:  func(err error) { i.settled(delivery.Sequence, err, done) },
	})
}

// Commit implements webhook.Inbox. A crash of the process does not bring the event back
// after that; for a loss of power see WithFlushSettled.
func (i *Inbox) Commit(ctx context.Context, delivery webhook.Delivery) error {
	return i.settle(ctx, delivery, func(w *writer) error {
		_, err := w.exec(deleteEvent, delivery.Sequence)
		return err
	}, i.schedule.Finish)
}

// Release implements webhook.Inbox.
func (i *Inbox) Release(ctx context.Context, delivery webhook.Delivery, delay time.Duration, reason string) error {
	r := row{Entry: delivery.Entry, sequence: delivery.Sequence, attempts: delivery.Attempt, due: time.Now().Add(delay), reason: reason}
	return i.settle(ctx, delivery, func(w *writer) error {
		if err := w.noteDelay(delay); err != nil {
			return err
		}
		return r.update(w.connection)
	}, func(sequence int64) { i.schedule.Delay(sequence, r.due) })
}

// Bury implements webhook.Inbox.
func (i *Inbox) Bury(ctx context.Context, delivery webhook.Delivery, reason string) error {
	r := row{Entry: delivery.Entry, sequence: delivery.Sequence, attempts: delivery.Attempt, due: time.Now(), reason: reason}
	return i.settle(ctx, delivery, func(w *writer) error {
		// In this order one makes room for the other in a file that is full.
		if _, err := w.exec(deleteEvent, delivery.Sequence); err != nil {
			return err
		}
		return r.insert(w.connection, insertDeadLetter)
	}, i.schedule.Finish)
}

const (
	countDeadLetters = "SELECT count(*) FROM dead_letter WHERE endpoint = ?"
	selectAccepted   = "SELECT accepted FROM event WHERE sequence = ?"
	countDamaged     = "SELECT count(*) FROM damaged WHERE endpoint IN (?, '')"
)

// Counts implements webhook.Inbox. Damaged rows of which not even the endpoint can
// be read are counted for every endpoint.
func (i *Inbox) Counts(ctx context.Context, endpoint string) (webhook.Counts, error) {
	if err := ctx.Err(); err != nil {
		return webhook.Counts{}, err
	}
	dead, err := i.overview.number(ctx, countDeadLetters, endpoint)
	if err != nil {
		return webhook.Counts{}, err
	}
	damaged, err := i.overview.number(ctx, countDamaged, endpoint)
	if err != nil {
		return webhook.Counts{}, err
	}
	c := i.schedule.Counts(endpoint)
	counts := webhook.Counts{Waiting: c.Waiting, Delayed: c.Delayed, Leased: c.Leased, Dead: int(dead), Damaged: int(damaged)}
	if c.Oldest == 0 {
		return counts, nil
	}
	// It has no row if it was finished just now.
	accepted, err := i.overview.number(ctx, selectAccepted, c.Oldest)
	if err != nil {
		return webhook.Counts{}, err
	}
	if accepted != 0 {
		counts.Oldest = fromMicroseconds(accepted)
	}
	return counts, nil
}

const selectSeen = "SELECT client, max(message) FROM seen WHERE endpoint = ? AND sequence <= ? AND client <> 0 GROUP BY client"

// Seen implements webhook.SeenLister. It forgets what WithDuplicateWindow lets it
// forget.
func (i *Inbox) Seen(ctx context.Context, endpoint string) iter.Seq2[webhook.Seen, error] {
	return func(yield func(webhook.Seen, error) bool) {
		// All is read before the first is yielded: a query that stays open keeps
		// the log from being emptied.
		var all []webhook.Seen
		err := i.overview.query(ctx, selectSeen, func(values []driver.Value) error {
			all = append(all, webhook.Seen{ClientID: salebot.ClientID(integer(values[0])), MessageID: salebot.MessageID(integer(values[1]))})
			return nil
		}, endpoint, i.opened)
		if err != nil {
			yield(webhook.Seen{}, err)
			return
		}
		for _, seen := range all {
			if !yield(seen, nil) {
				return
			}
		}
	}
}

// Recovery tells what was done about a damaged file when the inbox was opened; nil
// if the file was sound.
func (i *Inbox) Recovery() *Recovery { return i.recovery }

// Close implements webhook.Inbox. Changes that were begun are written before it
// returns.
func (i *Inbox) Close() error {
	i.closing.Do(func() {
		i.condition.closed.Store(true)
		i.schedule.Close()
		ledgerErr := i.closeLedger()
		i.finish()
		var err error
		if i.condition.failure() == nil {
			lazyErr := errors.Join(setPatience(i.writer.connection, longestLock), i.writer.setLazy(false))
			_, reserveErr := i.writer.exec(upsertSetting, settingReserved, i.writer.sequence)
			_, closeErr := i.writer.exec(upsertSetting, settingClosed, int64(1))
			err = errors.Join(lazyErr, reserveErr, closeErr)
		}
		err = errors.Join(ledgerErr, err, i.closeConnections())
		i.reserve.save()
		err = errors.Join(err, i.lock.release())
		if err != nil {
			i.failed = fmt.Errorf("sqlite: closing: %w", err)
		}
		close(i.closed)
	})
	<-i.closed
	return i.failed
}

func (i *Inbox) closeConnections() error { return i.openFile.closeConnections(i.events, i.overview) }
