//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// TestSettleWithACall checks that an event whose function makes a call inside of Settle is
// not tried again and again, and that what may have passed is.
func TestSettleWithACall(t *testing.T) {
	t.Parallel()
	broken := func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SELECT 1/0")
		return err
	}
	for name, test := range map[string]struct {
		// inside returns what the function of Settle does about the refusal.
		inside func(ctx context.Context, tx pgx.Tx, refused error) error
		// outside is what the function of the handler makes of the error of Settle.
		outside func(error) error
		// attempts is how many there are before the event is a dead letter; 0 if it ends well.
		attempts int
	}{
		"plain":   {func(_ context.Context, _ pgx.Tx, refused error) error { return refused }, nil, 1},
		"wrapped": {func(_ context.Context, _ pgx.Tx, refused error) error { return fmt.Errorf("telling: %w", refused) }, nil, 1},
		"joined": {
			func(_ context.Context, _ pgx.Tx, refused error) error {
				return errors.Join(errors.New("not in stock"), refused)
			}, nil, 1,
		},
		"wrapped outside": {
			func(_ context.Context, _ pgx.Tx, refused error) error { return refused },
			func(err error) error { return errors.Join(fmt.Errorf("settling: %w", err), errors.New("and more")) }, 1,
		},
		"swallowed":         {func(context.Context, pgx.Tx, error) error { return nil }, nil, 0},
		"swallowed outside": {func(_ context.Context, _ pgx.Tx, refused error) error { return refused }, func(error) error { return nil }, 0},
		"after a query that failed": {
			func(ctx context.Context, tx pgx.Tx, refused error) error { _ = broken(ctx, tx); return refused }, nil, 3,
		},
		"with a query that failed before a savepoint": {
			func(ctx context.Context, tx pgx.Tx, refused error) error {
				return errors.Join(refused, pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return broken(ctx, tx) }))
			}, nil, 3,
		},
		"of a connection that broke": {
			func(ctx context.Context, tx pgx.Tx, refused error) error {
				_ = tx.Conn().Close(ctx)
				return refused
			}, nil, 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := commonServer(t)
			schema := newSchema(t, server)
			inbox := openInbox(t, server, schema)
			records, err := postgres.OpenLedger(t.Context(), server.Address(), schema)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = records.Close() }()
			client := salebottest.New(t).Client(t, salebot.WithLedger(records, "shop"))
			letters := make(chan webhook.DeadLetter, 10)
			h := handler(t, inbox, func(ctx context.Context, _ *webhook.Event) error {
				err := postgres.Settle(ctx, func(ctx context.Context, tx pgx.Tx) error {
					_, err := client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: "not now"})
					return test.inside(ctx, tx, err)
				})
				if test.outside != nil {
					err = test.outside(err)
				}
				return err
			}, webhook.WithRunOnce(client, "bot"), webhook.WithDeadLetterFunc(func(_ context.Context, letter webhook.DeadLetter) { letters <- letter }))
			post(t, h, 1)
			shutDown(t, h)
			close(letters)
			letter := <-letters
			if letter.Attempts != test.attempts {
				t.Errorf("a dead letter after %d attempts, want %d: %s", letter.Attempts, test.attempts, letter.Reason)
			}
			if test.attempts == 1 && !strings.Contains(letter.Reason, "a call inside of Settle fails each time: make it before") {
				t.Errorf("the reason does not say what to do: %s", letter.Reason)
			}
		})
	}
}

// TestSettleEndedByAStatement checks that an event does not end without the rows of its
// function because that has ended the transaction by itself.
func TestSettleEndedByAStatement(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	inbox := openInbox(t, server, newSchema(t, server))
	letters := make(chan webhook.DeadLetter, 10)
	h := handler(t, inbox, func(ctx context.Context, event *webhook.Event) error {
		return postgres.Settle(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, map[int64]string{1: "ROLLBACK", 2: "COMMIT"}[int64(event.ID)])
			return err
		})
	}, webhook.WithDeadLetterFunc(func(_ context.Context, letter webhook.DeadLetter) { letters <- letter }))
	post(t, h, 1)
	post(t, h, 2)
	shutDown(t, h)
	close(letters)
	number := 0
	for letter := range letters {
		number++
		if letter.Attempts != 1 || !strings.Contains(letter.Reason, "Settle commits and rolls back") {
			t.Errorf("%+v", letter)
		}
	}
	if number != 2 {
		t.Errorf("%d dead letters, want 2", number)
	}
}

// TestCloseWithATransaction checks that closing an inbox does not wait for ever for a
// transaction of Settle.
func TestCloseWithATransaction(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	inbox, err := postgres.OpenInbox(t.Context(), server.Address(), newSchema(t, server))
	if err != nil {
		t.Fatal(err)
	}
	began, ended := make(chan struct{}), make(chan struct{})
	h := handler(t, inbox, func(ctx context.Context, _ *webhook.Event) error {
		defer close(ended)
		return postgres.Settle(ctx, func(ctx context.Context, _ pgx.Tx) error {
			close(began)
			<-ctx.Done()
			return ctx.Err()
		})
	}, webhook.WithEventTimeout(time.Hour))
	post(t, h, 1)
	<-began
	closed := make(chan error, 1)
	go func() { closed <- inbox.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("Close waits for a transaction")
	}
	<-ended
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_ = h.Stop(ctx)
}
