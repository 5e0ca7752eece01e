// Echobot answers every person with what they wrote. It runs by itself on an embedded
// emulator of Salebot. If SALEBOT_API_KEY is set, it listens on 127.0.0.1:8090 for the
// webhook of a real project, at /webhook/ followed by the secret in WEBHOOK_SECRET.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := chat
	if os.Getenv(salebot.EnvAPIKey) != "" {
		run = serve
	}
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

// newBot returns the receiver of the webhook. By default only messages of people
// reach its function, so that the bot cannot answer its own messages.
func newBot(client *salebot.Client, secret string) (*webhook.Handler, error) {
	return webhook.New(func(ctx context.Context, event *webhook.Event) error {
		_, err := client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: "You wrote: " + event.Text})
		switch {
		case errors.Is(err, salebot.ErrRateLimited), errors.Is(err, salebot.ErrUnauthorized), errors.Is(err, salebot.ErrForbidden):
			return err // it passes, or somebody mends the key
		case errors.Is(err, salebot.ErrRejected):
			return webhook.Permanent(err) // trying again would fail again
		}
		return err
	}, webhook.WithSecretInPath(secret))
}

// chat lets a person of the emulator talk to the bot.
func chat(ctx context.Context) error {
	const ann = salebot.ClientID(25554)
	emulator, err := salebottest.Open(salebottest.WithPerson(salebottest.Person{
		ID: ann, ClientType: salebot.ClientTypeTelegram, Name: "Ann",
	}))
	if err != nil {
		return err
	}
	defer emulator.Close()
	client, err := emulator.Connect()
	if err != nil {
		return err
	}
	bot, err := newBot(client, "not-a-guess")
	if err != nil {
		return err
	}
	err = emulator.SetWebhook(salebottest.Webhook{URL: "http://echobot.localhost/webhook/not-a-guess", Handler: bot})
	if err != nil {
		return err
	}
	for _, text := range []string{"Hello", "Are you a bot?"} {
		if _, err := emulator.Write(ann, text); err != nil {
			return err
		}
		answer, err := emulator.WaitForMessage(ctx, ann, func(m salebottest.Message) bool { return m.Text == "You wrote: "+text })
		if err != nil {
			return err
		}
		fmt.Printf("Ann: %s\nbot: %s\n", text, answer.Text)
	}
	if err := emulator.WaitForDeliveries(ctx); err != nil {
		return err
	}
	if err := bot.Shutdown(ctx); err != nil {
		return err
	}
	fmt.Printf("%d messages went to the webhook, the bot answered %d of them\n", len(emulator.Deliveries()), emulator.Calls("message"))
	client.CloseIdleConnections()
	return nil
}

// serve receives the webhook of a real project.
func serve(ctx context.Context) error {
	client, err := salebot.NewFromEnv()
	if err != nil {
		return err
	}
	bot, err := newBot(client, os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/webhook/", bot)
	server := &http.Server{Addr: "127.0.0.1:8090", Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe() }()
	log.Print("listening on ", server.Addr)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	// First the connections, then what they brought.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(ending), bot.Shutdown(ending))
}
