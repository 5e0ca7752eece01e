package postgres

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/salebot-go/salebot/webhook"
)

// how a lease ends, as the function settle of the schema knows it.
type how int16

const (
	commit how = iota
	release
	bury
	giveBack
)

// settlement is the end of a lease.
type settlement struct {
	delivery webhook.Delivery
	how      how
	delay    time.Duration
	reason   string
}

// outcome is what became of a settlement, as the function settle returns it.
type outcome int16

const (
	// lost says that the lease was lost.
	lost outcome = iota
	// settled says that the lease has ended, and settledMore that there is another event
	// of the lane that can be handed out.
	settled
	settledMore
)

// Commit implements webhook.Inbox. It also returns nil if Settle has committed the event.
func (i *Inbox) Commit(ctx context.Context, delivery webhook.Delivery) error {
	if i.settledBefore(delivery) {
		return i.usable()
	}
	return i.settle(ctx, settlement{delivery: delivery, how: commit})
}

// Release implements webhook.Inbox. An event that Settle has committed is not handed out
// again, whatever its function returned afterwards.
func (i *Inbox) Release(ctx context.Context, delivery webhook.Delivery, delay time.Duration, reason string) error {
	if i.settledBefore(delivery) {
		return i.ignored(ctx, delivery, reason)
	}
	return i.settle(ctx, settlement{delivery: delivery, how: release, delay: delay, reason: reason})
}

// Bury implements webhook.Inbox. An event that Settle has committed does not become a dead
// letter.
func (i *Inbox) Bury(ctx context.Context, delivery webhook.Delivery, reason string) error {
	if i.settledBefore(delivery) {
		return i.ignored(ctx, delivery, reason)
	}
	return i.settle(ctx, settlement{delivery: delivery, how: bury, reason: reason})
}

// ignored tells of a failure that came after Settle.
func (i *Inbox) ignored(ctx context.Context, delivery webhook.Delivery, reason string) error {
	i.config.logger.ErrorContext(ctx, "postgres: a function failed after Settle had ended its event, which is not handled again",
		slog.Int64("sequence", delivery.Sequence), slog.Int64("message_id", int64(delivery.MessageID)), slog.String("error", reason))
	return i.usable()
}

// settle ends a lease, in one transaction with those that end at the same time.
func (i *Inbox) settle(ctx context.Context, s settlement) error {
	if err := i.usable(); err != nil {
		return err
	}
	result, err := i.settlements.do(ctx, s)
	if err != nil {
		return err
	}
	return i.noteSettled(&s.delivery, result)
}

// noteSettled does what follows from the end of a lease.
func (i *Inbox) noteSettled(delivery *webhook.Delivery, result outcome) error {
	i.leases.remove(delivery.Lease)
	if result == lost {
		return webhook.ErrLeaseLost
	}
	if result == settledMore {
		i.waker.tell(delivery.Endpoint)
	}
	return nil
}

// cleaned is a reason as PostgreSQL can keep it.
func cleaned(reason string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(reason, "\ufffd"), "\x00", "\ufffd")
}

// inOrder compares settlements by their lanes, which all transactions lock in one order.
func inOrder(a, b *settlement) int {
	return cmp.Or(cmp.Compare(a.delivery.ClientID, b.delivery.ClientID), cmp.Compare(a.single(), b.single()),
		cmp.Compare(a.delivery.Endpoint, b.delivery.Endpoint))
}

func (s *settlement) single() int64 {
	if s.delivery.ClientID == 0 {
		return s.delivery.Sequence
	}
	return 0
}

const settleStatement = "SELECT salebot.settle($1, $2, $3, $4, $5, $6, $7)"

// arguments are those of settleStatement.
func arguments(all []*settlement) []any {
	n := len(all)
	clients, endpoints, sequences, leases := make([]int64, n), make([]string, n), make([]int64, n), make([]int64, n)
	hows, delays, reasons := make([]int16, n), make([]time.Duration, n), make([]string, n)
	for at, s := range all {
		clients[at], endpoints[at], sequences[at] = int64(s.delivery.ClientID), s.delivery.Endpoint, s.delivery.Sequence
		leases[at], hows[at] = int64(s.delivery.Lease), int16(s.how) //nolint:gosec // it came from such a number
		delays[at], reasons[at] = s.delay, cleaned(s.reason)
	}
	return []any{clients, endpoints, sequences, leases, hows, delays, reasons}
}

// writeSettlements ends leases in one transaction.
func (i *Inbox) writeSettlements(ctx context.Context, all []settlement) ([]outcome, error) {
	sorted := make([]*settlement, len(all))
	places := make(map[*settlement]int, len(all))
	for at := range all {
		sorted[at], places[&all[at]] = &all[at], at
	}
	slices.SortStableFunc(sorted, inOrder)
	var results []int16
	if err := i.pool.QueryRow(ctx, i.config.schema.sql(settleStatement), arguments(sorted)...).Scan(&results); err != nil {
		return nil, failure("settling an event", err)
	}
	outcomes := make([]outcome, len(all))
	for at, result := range results {
		outcomes[places[sorted[at]]] = outcome(result)
	}
	return outcomes, nil
}
