package sqlite

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"slices"
	"time"

	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/schedule"
)

// Lease implements webhook.Inbox. The first lease of an event that was accepted
// since the file was opened is not written to the file; if the process dies during
// that attempt, the attempt is not counted. If another attempt can't be written because the
// file or its disk is full, the event comes some time later. Events that need no
// writing are handed out.
func (i *Inbox) Lease(ctx context.Context, request webhook.LeaseRequest) ([]webhook.Delivery, error) {
	for {
		leases, err := i.schedule.Take(ctx, request.Endpoint, max(request.Max, 1), request.Duration)
		if err != nil {
			return nil, err
		}
		deliveries, err := i.deliver(ctx, leases)
		if err != nil || len(deliveries) > 0 {
			return deliveries, err
		}
		// All that was leased turned out to be damaged.
	}
}

// deliver reads the events of leases and counts the attempts.
func (i *Inbox) deliver(ctx context.Context, leases []schedule.Lease) ([]webhook.Delivery, error) {
	deliveries := make([]webhook.Delivery, 0, len(leases))
	var counted []row
	for n, lease := range leases {
		r, found, err := i.read(ctx, lease.Sequence)
		if err != nil {
			i.undo(leases[n:])
			i.undo(leases[:n])
			return nil, err
		}
		if !found {
			i.drop(ctx, lease, r)
			continue
		}
		if lease.Attempt > 1 || lease.Sequence <= i.opened {
			r.attempts = lease.Attempt
			counted = append(counted, r)
		}
		deliveries = append(deliveries, webhook.Delivery{
			Entry: r.Entry, Sequence: r.sequence, Attempt: lease.Attempt, Lease: lease.Token, Until: lease.Until,
		})
	}
	if len(counted) == 0 {
		return deliveries, nil
	}
	err := i.change(ctx, &operation{apply: func(w *writer) error {
		for n := range counted {
			if err := counted[n].update(w.connection); err != nil {
				return err
			}
		}
		return nil
	}})
	switch {
	case err == nil:
		return deliveries, nil
	case i.condition.usable() != nil || ctx.Err() != nil:
		i.undo(leases)
		return nil, err
	}
	return i.deliverRest(leases, deliveries, counted, err)
}

// postponement is how long an event has to wait whose attempt could not be counted.
const postponement = time.Second

// deliverRest gives back the leases whose attempts could not be counted, so that they
// do not keep the other deliveries back.
func (i *Inbox) deliverRest(leases []schedule.Lease, deliveries []webhook.Delivery, counted []row, failure error) ([]webhook.Delivery, error) {
	due := time.Now().Add(postponement)
	for n := range counted {
		sequence := counted[n].sequence
		deliveries = slices.DeleteFunc(deliveries, func(d webhook.Delivery) bool { return d.Sequence == sequence })
		at := slices.IndexFunc(leases, func(l schedule.Lease) bool { return l.Sequence == sequence })
		if i.schedule.Settle(sequence, leases[at].Token) == nil {
			i.schedule.Postpone(sequence, due)
		}
	}
	i.config.logger.Warn("webhook inbox could not count attempts", slog.Int("events", len(counted)), slog.Any("error", failure))
	if len(deliveries) == 0 {
		return nil, failure
	}
	return deliveries, nil
}

// undo gives leases back as if they had not been taken.
func (i *Inbox) undo(leases []schedule.Lease) {
	for _, lease := range leases {
		if i.schedule.Settle(lease.Sequence, lease.Token) == nil {
			i.schedule.Undo(lease.Sequence)
		}
	}
}

// read reads an event. found is false where it is damaged or not there.
func (i *Inbox) read(ctx context.Context, sequence int64) (r row, found bool, err error) {
	if entry, ok := i.recent.take(sequence); ok {
		return row{Entry: entry, sequence: sequence}, true, nil
	}
	r.sequence = sequence
	err = i.events.query(ctx, selectEvent, func(values []driver.Value) error {
		r = readRow(values)
		found = r.problem == ""
		return nil
	}, sequence)
	return r, found, err
}

// drop takes an event out of the schedule that cannot be handed out, and sets it
// apart.
func (i *Inbox) drop(ctx context.Context, lease schedule.Lease, r row) {
	if i.schedule.Settle(lease.Sequence, lease.Token) != nil {
		return
	}
	if r.problem == "" {
		// A person deleted the row, or it was on a page that is not what it was.
		i.config.logger.Error("webhook inbox misses the row of an event, which is lost", slog.Int64("sequence", lease.Sequence))
		i.schedule.Finish(lease.Sequence)
		return
	}
	damage := r.damaged("event")
	i.report(damage)
	_ = i.change(ctx, &operation{apply: func(w *writer) error {
		if err := damage.insert(w.connection); err != nil {
			return err
		}
		_, err := w.exec(deleteEvent, lease.Sequence)
		return err
	}, ended: func(err error) {
		if err != nil {
			i.schedule.Postpone(lease.Sequence, time.Now().Add(postponement))
			return
		}
		i.schedule.Finish(lease.Sequence)
	}})
}
