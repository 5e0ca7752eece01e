package salebot_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/salebot-go/salebot"
)

func ExampleClient_Message() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.Message(context.Background(), salebot.MessageRequest{
		ClientID:       25554,
		Message:        "Your order is on its way",
		AttachmentType: salebot.AttachmentImage,
		AttachmentURL:  "https://example.com/parcel.png",
		Buttons: salebot.Buttons{
			Hint: "Answer yes or no",
			Lines: [][]salebot.Button{
				{salebot.ReplyButton("Yes"), salebot.ReplyButton("No")},
				{salebot.PhoneButton("Call me")},
			},
		},
	})
	fmt.Println(err)
	// Output: <nil>
}

// A message without a client is refused before anything is sent.
func ExampleClient_Message_invalid() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.Message(context.Background(), salebot.MessageRequest{Message: "Hello"})
	fmt.Println(err)
	// Output: salebot: message: invalid request: ClientID is required
}

// A moment needs the time zone of the project.
func ExampleClient_Message_scheduled() {
	client, closeEmulator := onEmulator(salebot.WithProjectLocation(time.UTC))
	defer closeEmulator()

	_, err := client.Message(context.Background(), salebot.MessageRequest{
		ClientID: 25554, Message: "Happy birthday!", At: time.Now().AddDate(0, 0, 1),
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_WhatsAppMessage() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.WhatsAppMessage(context.Background(), salebot.WhatsAppMessageRequest{
		Phone: "79000000002", Message: "Your table is booked",
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_Broadcast() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	_, err := client.Broadcast(ctx, salebot.BroadcastRequest{
		Clients: []salebot.ClientID{25554, 25555}, Message: "We are open on Sunday", Shift: time.Second,
	})
	fmt.Println(err)

	_, err = client.Broadcast(ctx, salebot.BroadcastRequest{Message: "To whom?"})
	fmt.Println(err)
	// Output:
	// <nil>
	// salebot: broadcast: invalid request: Clients is empty, and so are List and PlatformIDs: a broadcast needs exactly one audience
}

func ExampleClient_GetHistory() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	for _, text := range []string{"Hello", "Are you there?"} {
		if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: text}); err != nil {
			log.Fatal(err)
		}
	}
	history, err := client.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: 25554, Limit: 10})
	for _, item := range history {
		fmt.Println(item.Origin, item.Text)
	}
	fmt.Println(err)
	// Output:
	// API Are you there?
	// API Hello
	// <nil>
}

func ExampleClient_History() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: "Hello"}); err != nil {
		log.Fatal(err)
	}
	today := salebot.DateOf(time.Now().UTC())
	messages := client.History(ctx, salebot.HistoryRequest{ClientID: 25554, StartDate: today.AddDays(-90), StopDate: today.AddDays(1)})
	for item, err := range messages {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(item.Text)
	}
	// Output: Hello
}

func ExampleClient_ClearHistory() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.ClearHistory(context.Background(), 25554)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_FindSent() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	before, err := client.LatestMessageID(ctx, 25554)
	if err != nil {
		log.Fatal(err)
	}
	// Suppose that the outcome of this is unknown.
	_, _ = client.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: "Hello"})

	sent, err := client.FindSent(ctx, salebot.FindSentRequest{ClientID: 25554, Message: "Hello", After: before})
	fmt.Println(sent != nil, err)
	// Output: true <nil>
}

func ExampleClient_LatestMessageID() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	latest, err := client.LatestMessageID(context.Background(), 25554)
	fmt.Println(latest, err)
	// Output: 0 <nil>
}
