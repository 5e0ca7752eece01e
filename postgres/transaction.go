package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// ErrNotFunction says that the context of a Settle does not come from the function of a
// webhook.Handler with an inbox of this package.
var ErrNotFunction = errors.New("postgres: the context is not that of a handler's function with an inbox of this package")

var (
	errSettled  = errors.New("postgres: the event was ended by Settle before")
	errNotYours = errors.New("postgres: Settle commits and rolls back: return an error to have it rolled back")
)

// Settle ends the event that the function of a webhook.Handler was called with, in one
// transaction with rows of your own: either both are committed or neither is. It must be
// the last thing that the function does:
//
//	func(ctx context.Context, event *webhook.Event) error {
//		answer, err := client.Message(ctx, …)
//		…
//		return postgres.Settle(ctx, func(ctx context.Context, tx pgx.Tx) error {
//			_, err := tx.Exec(ctx, "INSERT INTO answered …")
//			return err
//		})
//	}
//
// What the function sends before, such as the message above, needs webhook.WithRunOnce: if
// Settle fails, the function runs again and would send it again. The function must return
// the error of Settle. If it returns nil instead, the event ends without the rows.
//
// fn gets a transaction in the database of the inbox, which it can neither commit nor roll
// back. If fn or the commit fails, the event is not ended and Settle returns the error.
// Calls of clients inside fn fail with salebot.ErrCallsRefused: the transaction would wait
// for them, and a rollback would not undo them. If fn fails because of that, the error of
// Settle is also one of webhook.Permanent, since it would fail each time: the event becomes
// a dead letter at once. To send something if and only if the transaction is committed, use
// Outbox.Reserve.
//
// Errors: that of fn, ErrNotFunction, those of the database, and webhook.ErrLeaseLost if
// the event was handed out again; nothing is committed then. After ErrUnreachable the
// transaction may have been committed. The function fails then, and runs again only if
// it was not.
func Settle(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	inbox, delivery, ok := webhook.DeliveryFrom(ctx)
	if !ok {
		return ErrNotFunction
	}
	// Also an inbox of the user's that has one of ours in it.
	ours, ok := inbox.(interface {
		settleWith(ctx context.Context, delivery webhook.Delivery, fn func(ctx context.Context, tx pgx.Tx) error) error
	})
	if !ok {
		return fmt.Errorf("%w: the inbox is a %T", ErrNotFunction, inbox)
	}
	return ours.settleWith(ctx, delivery, fn)
}

// settleWith ends a delivery in one transaction with what fn does.
func (i *Inbox) settleWith(ctx context.Context, delivery webhook.Delivery, fn func(ctx context.Context, tx pgx.Tx) error) error {
	if err := i.usable(); err != nil {
		return err
	}
	if i.leases.isSettled(delivery.Lease) {
		return errSettled
	}
	ctx, allow := salebot.RefuseCalls(ctx)
	defer allow()
	// Close waits for it only so long.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(i.life, cancel)() //nolint:contextcheck // Close ends that one
	var result outcome
	var failed error
	err := pgx.BeginFunc(ctx, i.transactions, func(tx pgx.Tx) error {
		if failed = fn(ctx, borrowed{tx}); failed != nil {
			failed = refused(ctx, tx, failed)
			return failed
		}
		if tx.Conn().PgConn().TxStatus() == noTransaction {
			// By a statement. What comes now would be by itself.
			failed = webhook.Permanent(errNotYours)
			return failed
		}
		s := settlement{delivery: delivery, how: commit}
		var results []int16
		if err := tx.QueryRow(ctx, i.config.schema.sql(settleStatement), arguments([]*settlement{&s})...).Scan(&results); err != nil {
			return err
		}
		if result = outcome(results[0]); result == lost {
			return webhook.ErrLeaseLost
		}
		return nil
	})
	switch {
	case failed != nil:
		return failed
	case errors.Is(err, webhook.ErrLeaseLost):
		return webhook.ErrLeaseLost
	case err != nil && ctx.Err() != nil:
		return errors.Join(ctx.Err(), failure("settling with a transaction", err))
	case err != nil:
		return failure("settling with a transaction", err)
	}
	i.leases.settle(delivery.Lease)
	return i.noteSettled(&delivery, result)
}

// refused says of a failure that repetition does not mend it, if a call inside of the
// transaction is why. The call may also follow from something that passes, such as a query
// that failed: then the transaction has failed, too, or the function has joined both errors.
func refused(ctx context.Context, tx pgx.Tx, err error) error {
	good := !tx.Conn().IsClosed() && tx.Conn().PgConn().TxStatus() == inTransaction && ctx.Err() == nil && sqlState(err) == ""
	if !good || !errors.Is(err, salebot.ErrCallsRefused) {
		return err
	}
	return webhook.Permanent(fmt.Errorf("postgres: a call inside of Settle fails each time: make it before, or use Outbox.Reserve: %w", err))
}

// The states of a transaction as the server tells them.
const (
	noTransaction = 'I'
	inTransaction = 'T'
)

// borrowed is a transaction that its user cannot end.
type borrowed struct{ pgx.Tx }

func (borrowed) Commit(context.Context) error   { return webhook.Permanent(errNotYours) }
func (borrowed) Rollback(context.Context) error { return webhook.Permanent(errNotYours) }

// settledBefore reports whether Settle has committed a delivery, and forgets it.
func (i *Inbox) settledBefore(delivery webhook.Delivery) bool {
	i.leases.mutex.Lock()
	defer i.leases.mutex.Unlock()
	_, settled := i.leases.settled[delivery.Lease]
	delete(i.leases.settled, delivery.Lease)
	return settled
}

// isSettled reports whether Settle has ended a lease.
func (l *leases) isSettled(lease uint64) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	_, settled := l.settled[lease]
	return settled
}

// settle notes that a lease was ended by Settle, until Commit is called for it.
func (l *leases) settle(lease uint64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.settled[lease] = struct{}{}
}
