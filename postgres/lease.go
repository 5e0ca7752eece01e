package postgres

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// leases are what this process has leased.
type leases struct {
	// turn lets one look at the database go on at a time, so that it is known what of an
	// unfinished one may have been leased.
	turn chan struct{}
	// doubt says that a look may have leased something that nobody got. It belongs to who
	// has the turn.
	doubt bool

	mutex sync.Mutex
	// known are the leases that a caller got and did not end.
	known map[uint64]struct{}
	// settled are those that Settle has ended and Commit was not called for.
	settled map[uint64]struct{}
}

func (l *leases) add(deliveries []webhook.Delivery) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for i := range deliveries {
		l.known[deliveries[i].Lease] = struct{}{}
	}
}

func (l *leases) remove(lease uint64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.known, lease)
}

func (l *leases) all() []int64 {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	all := make([]int64, 0, len(l.known))
	for lease := range l.known {
		all = append(all, int64(lease)) //nolint:gosec // it came from such a number
	}
	return all
}

// Lease implements webhook.Inbox. A lease also ends if this process could not report for
// the time of WithLifetime that it is alive.
func (i *Inbox) Lease(ctx context.Context, request webhook.LeaseRequest) ([]webhook.Delivery, error) {
	if err := checkEndpoint(request.Endpoint); err != nil {
		return nil, err
	}
	for {
		if err := i.usable(); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		news := i.waker.wait(request.Endpoint)
		found := i.look(ctx, request)
		if found.err != nil || len(found.deliveries) > 0 {
			return found.deliveries, found.err
		}
		if err := i.await(ctx, news, found.next); err != nil {
			return nil, err
		}
	}
}

// await waits for news, at most for a time.
func (i *Inbox) await(ctx context.Context, news <-chan struct{}, atMost time.Duration) error {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-news:
	case <-timer.C:
	case <-i.closing:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// found is what a look found.
type found struct {
	deliveries []webhook.Delivery
	// next is after which time to look again at the latest.
	next time.Duration
	err  error
}

// look leases what can be leased now. The transaction goes on if the context ends, since
// it could not be told what it did otherwise; what it leases is given back then.
func (i *Inbox) look(ctx context.Context, request webhook.LeaseRequest) found {
	select {
	case i.leases.turn <- struct{}{}:
	case <-i.closing:
		return found{err: webhook.ErrClosed}
	case <-ctx.Done():
		return found{err: ctx.Err()}
	}
	result := make(chan found, 1)
	var over atomic.Bool
	started := i.background.start(func() { //nolint:contextcheck // it goes on when the context ends
		defer func() { <-i.leases.turn }()
		limited, cancel := context.WithTimeout(i.life, i.config.timeout)
		defer cancel()
		f := i.take(limited, request)
		if !over.CompareAndSwap(false, true) {
			i.giveBack(limited, f.deliveries)
			return
		}
		result <- f
	})
	if !started {
		<-i.leases.turn
		return found{err: webhook.ErrClosed}
	}
	select {
	case f := <-result:
		return f
	case <-ctx.Done():
		if over.CompareAndSwap(false, true) {
			return found{err: ctx.Err()}
		}
	case <-i.closing:
		if over.CompareAndSwap(false, true) {
			return found{err: webhook.ErrClosed}
		}
	}
	return <-result
}

// take is one look. A process that was taken for dead begins a new life.
func (i *Inbox) take(ctx context.Context, request webhook.LeaseRequest) found {
	if i.leases.doubt {
		_, err := i.pool.Exec(ctx, i.config.schema.sql("SELECT salebot.abandon($1, $2)"), i.presence.id.Load(), i.leases.all())
		if err != nil {
			return found{err: failure("taking back events", err)}
		}
		i.leases.doubt = false
	}
	deliveries, err := i.query(ctx, request)
	if isDeadHolder(err) {
		if err = i.presence.renew(ctx); err != nil {
			return found{err: err}
		}
		deliveries, err = i.query(ctx, request)
	}
	if err != nil {
		i.leases.doubt = late(err)
		return found{err: failure("leasing", err)}
	}
	i.leases.add(deliveries)
	if len(deliveries) > 0 {
		return found{deliveries: deliveries}
	}
	var seconds *float64
	if err := i.pool.QueryRow(ctx, i.config.schema.sql("SELECT salebot.next_due($1)"), request.Endpoint).Scan(&seconds); err != nil {
		return found{err: failure("leasing", err)}
	}
	next := i.config.poll
	if seconds != nil {
		// Not quite to the moment, so that the look does not come too early.
		next = min(next, max(time.Duration(*seconds*float64(time.Second)), 0)+time.Millisecond)
	}
	return found{next: next}
}

func (i *Inbox) query(ctx context.Context, request webhook.LeaseRequest) ([]webhook.Delivery, error) {
	// By the clock of this process, and not later than the server's.
	until := time.Now().Add(request.Duration)
	rows, err := i.pool.Query(ctx,
		i.config.schema.sql("SELECT client, sequence, message, failed, recovered, accepted, body, attempt, lease FROM salebot.take($1, $2, $3, $4)"),
		request.Endpoint, max(request.Max, 1), request.Duration, i.presence.id.Load())
	if err != nil {
		return nil, err
	}
	deliveries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (webhook.Delivery, error) {
		var client, message, lease int64
		var body []byte
		d := webhook.Delivery{Until: until}
		scanErr := row.Scan(&client, &d.Sequence, &message, &d.Failed, &d.Recovered, &d.AcceptedAt, &body, &d.Attempt, &lease)
		d.Endpoint, d.ClientID, d.MessageID, d.Body = request.Endpoint, salebot.ClientID(client), salebot.MessageID(message), string(body)
		d.Lease = uint64(lease) //nolint:gosec // it is positive
		return d, scanErr
	})
	slices.SortFunc(deliveries, func(a, b webhook.Delivery) int { return int(min(max(a.Sequence-b.Sequence, -1), 1)) })
	return deliveries, err
}

// giveBack ends leases that nobody got, as if they had not been given.
func (i *Inbox) giveBack(ctx context.Context, deliveries []webhook.Delivery) {
	for n := range deliveries {
		if _, err := i.settlements.do(ctx, settlement{delivery: deliveries[n], how: giveBack}); err != nil {
			// Closing gives it back, too.
			i.leases.doubt = true
		}
		i.leases.remove(deliveries[n].Lease)
	}
}
