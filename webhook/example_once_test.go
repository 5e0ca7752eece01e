package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// Answering once although the answer to the answer may get lost: an event whose
// function fails with salebot.ErrOutcomeUnknown becomes a dead letter, unless the
// function finds out by itself what happened.
func ExampleFunc() {
	const ann = salebot.ClientID(25554)
	emulator, err := salebottest.Open(salebottest.WithPerson(salebottest.Person{ID: ann}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer emulator.Close()
	client, err := emulator.Connect()
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := func(ctx context.Context, event *webhook.Event) error {
		before, err := client.LatestMessageID(ctx, event.Client.ID)
		if err != nil {
			return err
		}
		text := "You wrote: " + event.Text
		_, err = client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: text})
		if !errors.Is(err, salebot.ErrOutcomeUnknown) {
			return err // nil, or an error after which it can be tried again
		}
		select {
		case <-time.After(100 * time.Millisecond): // several seconds, for the real Salebot
		case <-ctx.Done():
			return err
		}
		sent, findErr := client.FindSent(ctx, salebot.FindSentRequest{ClientID: event.Client.ID, Message: text, After: before})
		switch {
		case findErr != nil:
			return err // a dead letter: a person has to look
		case sent == nil:
			return webhook.RetryAfter(errors.New("the answer was not sent"), 10*time.Second)
		}
		return nil
	}
	bot, err := webhook.New(answer, webhook.WithSecretInPath("not-a-guess"))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = emulator.SetWebhook(salebottest.Webhook{URL: "http://bot.localhost/not-a-guess", Handler: bot})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Salebot sends the message and answers the call by an error.
	emulator.Fail(salebottest.Fault{Action: "message", Status: http.StatusBadGateway, Execute: true})
	if _, err = emulator.Write(ann, "Hello"); err != nil {
		fmt.Println(err)
		return
	}
	if err = emulator.WaitForDeliveries(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	if err = bot.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(emulator.Calls("message"), "message was sent")
	client.CloseIdleConnections()
	// Output: 1 message was sent
}
