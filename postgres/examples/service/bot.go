package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/webhook"
)

// The pace of all processes together.
const perSecond, burst = 50, 10

// receiver is a process that Salebot's events come to. It handles events, too.
func receiver(ctx context.Context, s settings) error {
	b, err := openBot(ctx, s)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/webhook/", b.handler)
	return errors.Join(serve(ctx, s.listen, mux), b.end(ctx))
}

// worker is a process that only handles events.
func worker(ctx context.Context, s settings) error {
	b, err := openBot(ctx, s)
	if err != nil {
		return err
	}
	<-ctx.Done()
	return b.end(ctx)
}

// bot is what handles events in a process, with what it shares with the others.
type bot struct {
	handler *webhook.Handler
	// closers close what was opened, the last one first.
	closers []func() error
}

func openBot(ctx context.Context, s settings) (b *bot, err error) {
	b = &bot{}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	logging, lifetime := postgres.WithLogger(slog.Default()), postgres.WithLifetime(s.takeover)
	inbox, err := postgres.OpenInbox(ctx, s.database, logging, lifetime)
	if err != nil {
		return b, err
	}
	b.closers = append(b.closers, inbox.Close)
	records, err := postgres.OpenLedger(ctx, s.database, logging, lifetime)
	if err != nil {
		return b, err
	}
	b.closers = append(b.closers, records.Close)
	pace, err := postgres.OpenPace(ctx, s.database, "shop", perSecond, burst, logging)
	if err != nil {
		return b, err
	}
	b.closers = append(b.closers, pace.Close)
	opts := []salebot.Option{salebot.WithLedger(records, "shop"), salebot.WithLimiter(pace)}
	if s.historyDelay > 0 {
		// What a process that died was about to send is then sent by another one, unless it
		// is in the history. Otherwise it becomes a dead letter, for a person to look at.
		opts = append(opts, salebot.WithHistoryDelay(s.historyDelay))
	}
	client, err := salebot.NewFromEnv(opts...)
	if err != nil {
		return b, err
	}
	b.handler, err = webhook.New(answer(client), webhook.WithSecretInPath(s.secret), webhook.WithInbox(inbox),
		webhook.WithRunOnce(client, "answering bot"), webhook.WithLogger(slog.Default()))
	return b, err
}

// answer returns what is done with an event.
func answer(client *salebot.Client) webhook.Func {
	return func(ctx context.Context, event *webhook.Event) error {
		_, err := client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: "You wrote: " + event.Text})
		if err != nil {
			return err
		}
		// The row is there if, and only if, the event has ended.
		return postgres.Settle(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO answered (message, client) VALUES ($1, $2)", int64(event.ID), int64(event.Client.ID))
			return err
		})
	}
}

// end lets what is under way end. What waits is for the other processes.
func (b *bot) end(ctx context.Context) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return errors.Join(b.handler.Stop(ending), b.close())
}

func (b *bot) close() (err error) {
	for _, closer := range slices.Backward(b.closers) {
		err = errors.Join(err, closer())
	}
	return err
}
