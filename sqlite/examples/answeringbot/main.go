// Answeringbot is a bot that answers each message once, whenever its process is killed and
// started again, and hands over to an employee whoever asks for one. It keeps the events, and what it sent because of them, in one file:
//
//	SALEBOT_API_KEY=… WEBHOOK_SECRET=… answeringbot
//
// The address for Salebot ends in /webhook/ and the secret.
package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:8090")
	if err != nil {
		return err
	}
	// A lost answer is looked for in the history: measure its delay with salebot probe --client.
	return serve(ctx, listener, "bot.db", os.Getenv("WEBHOOK_SECRET"), salebot.WithHistoryDelay(time.Minute))
}

// serve answers until the context ends.
func serve(ctx context.Context, listener net.Listener, path, secret string, opts ...salebot.Option) error {
	inbox, err := sqlite.OpenInbox(path)
	if err != nil {
		return err
	}
	bot, err := newBot(inbox, secret, opts...)
	if err != nil {
		return errors.Join(err, inbox.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("/webhook/", bot)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	log.Print("listening on ", listener.Addr())
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	// First the connections, then the functions that run, then the file.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(ending), bot.Stop(ending), inbox.Close())
}

// newBot returns the receiver of the webhook.
func newBot(inbox *sqlite.Inbox, secret string, opts ...salebot.Option) (*webhook.Handler, error) {
	records, err := inbox.Ledger()
	if err != nil {
		return nil, err
	}
	client, err := salebot.NewFromEnv(append(opts, salebot.WithLedger(records, "shop"))...)
	if err != nil {
		return nil, err
	}
	answer := func(ctx context.Context, event *webhook.Event) error {
		if strings.EqualFold(event.Text, "operator") {
			return judged(handOver(ctx, client, event.Client.ID))
		}
		_, err := client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: "You wrote: " + event.Text})
		return judged(err)
	}
	return webhook.New(answer,
		webhook.WithSecretInPath(secret),
		webhook.WithInbox(inbox),
		webhook.WithRunOnce(client, "answering bot"), // nobody gets an answer twice
	)
}

// handOver gives a client to an employee whom Salebot chooses. Killed in between, it
// goes on with the message.
func handOver(ctx context.Context, client *salebot.Client, id salebot.ClientID) error {
	if _, err := client.AssignToUser(ctx, salebot.AssignToUserRequest{ClientID: id}); err != nil {
		return err
	}
	_, err := client.Message(ctx, salebot.MessageRequest{ClientID: id, Message: "One of us will answer you soon"})
	return err
}

// judged marks what trying again does not mend, such as the refusal for a person who has
// blocked the bot. Other errors are tried again, and the person's next messages wait.
func judged(err error) error {
	switch {
	case errors.Is(err, salebot.ErrOutcomeUnknown), errors.Is(err, salebot.ErrRateLimited),
		errors.Is(err, salebot.ErrUnauthorized), errors.Is(err, salebot.ErrForbidden):
		return err
	case errors.Is(err, salebot.ErrRejected), errors.Is(err, salebot.ErrInvalidRequest):
		return webhook.Permanent(err)
	}
	return err
}
