package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
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

// A bot that answers each message once, although its function runs again after a failure,
// or after the death of the process. The answer is not the same each time, as if a model
// had written it, so that the call has a name.
func ExampleWithRunOnce() {
	const ann = salebot.ClientID(25554)
	emulator, err := salebottest.Open(salebottest.WithPerson(salebottest.Person{ID: ann}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer emulator.Close()
	records, err := ledger.NewMemory() // in your program one that lasts, such as the inbox's own
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := emulator.Connect(salebot.WithLedger(records, "shop"))
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := func(ctx context.Context, event *webhook.Event) error {
		text := fmt.Sprintf("You wrote %q; this is attempt %d", event.Text, event.Attempt)
		_, err := client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: text}, salebot.WithStep("answer"))
		if err == nil && event.Attempt == 1 {
			return webhook.RetryAfter(errors.New("something after the answer failed"), time.Millisecond)
		}
		return err
	}
	bot, err := webhook.New(answer, webhook.WithSecretInPath("not-a-guess"), webhook.WithRunOnce(client, "answering bot"))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = emulator.SetWebhook(salebottest.Webhook{URL: "http://bot.localhost/not-a-guess", Handler: bot})
	if err != nil {
		fmt.Println(err)
		return
	}
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
	for _, message := range emulator.Messages(ann) {
		fmt.Println(message.Text)
	}
	client.CloseIdleConnections()
	// Output: You wrote "Hello"; this is attempt 1
}
