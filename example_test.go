package salebot_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

// onEmulator returns a client of a fresh emulator of Salebot that knows two
// people: the clients 25554, Ann, in Telegram, and 25555, Bob, in WhatsApp. In
// your program it is salebot.New or salebot.NewFromEnv.
func onEmulator(options ...salebot.Option) (client *salebot.Client, closeEmulator func()) {
	emulator, err := salebottest.Open(
		salebottest.WithPerson(salebottest.Person{
			ID: 25554, PlatformID: "100200300", GroupID: "my_shop_bot", ClientType: salebot.ClientTypeTelegram, Name: "Ann",
			Variables: map[string]any{"client.email": "ann@example.com", "client.phone": "79000000001", "client.city": "Kazan", "client.level": "3"},
		}),
		salebottest.WithPerson(salebottest.Person{
			ID: 25555, PlatformID: "79000000002", ClientType: salebot.ClientTypeWhatsApp, Name: "Bob",
			Variables: map[string]any{"client.phone": "79000000002", "client.city": "Omsk", "client.level": "3"},
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	client, err = emulator.Connect(options...)
	if err != nil {
		log.Fatal(err)
	}
	return client, func() {
		client.CloseIdleConnections()
		emulator.Close()
	}
}

func Example() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	answer, err := client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
	fmt.Println(answer.Text(), err)
	// Output: ok <nil>
}

func ExampleNew() {
	_, err := salebot.New("#{api_key}")
	fmt.Println(err)

	client, err := salebot.New("0123456789abcdef",
		salebot.WithTimeout(20*time.Second),
		salebot.WithRateLimit(5, 1),
	)
	fmt.Println(client, err)
	// Output:
	// salebot: API key: it is the constructor's variable, not its value: copy the key from the project's settings
	// salebot.Client(https://chatter.salebot.pro/api/{api_key}) <nil>
}

func ExampleOpError() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.Message(context.Background(), salebot.MessageRequest{ClientID: 404, Message: "Hello"})
	if failure, ok := errors.AsType[*salebot.OpError](err); ok {
		fmt.Println(failure.Action, failure.Attempts, failure.Outcome)
	}
	fmt.Println(errors.Is(err, salebot.ErrClientNotFound), errors.Is(err, salebot.ErrOutcomeUnknown))
	// Output:
	// message 1 rejected
	// true false
}

func ExampleClient_With() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	patient, err := client.With(salebot.WithTimeout(10 * time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	_, err = patient.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_CloseIdleConnections() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.GetConnectedChannels(context.Background())
	client.CloseIdleConnections()
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_BaseURL() {
	client, err := salebot.New("0123456789abcdef", salebot.WithBaseURL(salebot.InternationalBaseURL))
	fmt.Println(client.BaseURL(), err)
	// Output: https://chatter.salebot.ai/api <nil>
}

func ExampleClient_Do() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	// An action that the SDK has no method for would be called like this.
	answer, err := client.Do(context.Background(), salebot.DoRequest{
		Action: "save_variables",
		Class:  salebot.Idempotent,
		Body:   map[string]any{"client_id": 25554, "variables": map[string]any{"client.city": "Kazan"}},
	})
	fmt.Printf("%s %v\n", answer.Body, err)
	// Output: ok <nil>
}

func ExampleClient_Callback() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.Callback(context.Background(), salebot.CallbackRequest{
		ClientID:  25554,
		Message:   "order_paid",
		Variables: map[string]any{"order": 4711},
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_VKCallback() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	_, err := client.LoadClients(ctx, []salebot.ClientToLoad{
		salebot.VKUser("146467928", "143414131"),
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.VKCallback(ctx, salebot.VKCallbackRequest{UserID: "146467928", GroupID: "143414131", Message: "joined"})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_WhatsAppCallback() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.WhatsAppCallback(context.Background(), salebot.WhatsAppCallbackRequest{
		Phone: "79000000003", Name: "Carl", Message: "registered",
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_OKCallback() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	_, err := client.LoadClients(ctx, []salebot.ClientToLoad{
		salebot.OKUser("5550001", "5550000"),
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.OKCallback(ctx, salebot.OKCallbackRequest{UserID: "5550001", GroupID: "5550000", Message: "joined"})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_TGCallback() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.TGCallback(context.Background(), salebot.TGCallbackRequest{
		UserID: "100200300", GroupID: "my_shop_bot", Message: "cart_left", After: time.Hour,
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_MAXCallback() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	if _, err := client.LoadClients(ctx, []salebot.ClientToLoad{
		salebot.MAXUser("700800", "my_max_bot"),
	}); err != nil {
		log.Fatal(err)
	}
	_, err := client.MAXCallback(ctx, salebot.MAXCallbackRequest{
		ChatID: "700800", GroupID: "my_max_bot", Message: "order_paid", Variables: map[string]any{"sum": 1500},
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_EmailCallback() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.EmailCallback(context.Background(), salebot.EmailCallbackRequest{
		Email: "carl@example.com", Name: "Carl", Message: "registered",
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_SendCallbackByPlatformID() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.SendCallbackByPlatformID(context.Background(), salebot.SendCallbackByPlatformIDRequest{
		PlatformIDs: []salebot.PlatformID{"100200300", "79000000002"}, CallbackText: "sale_begins",
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_UniversalWebhookURL() {
	client, err := salebot.New("0123456789abcdef")
	if err != nil {
		log.Fatal(err)
	}
	address, err := client.UniversalWebhookURL(salebot.UniversalWebhook{
		Action: "callback", ClientIDPath: []string{"data", "user", "id"},
	})
	fmt.Println(address, err)
	fmt.Println(address.Reveal())
	// Output:
	// REDACTED <nil>
	// https://chatter.salebot.pro/api/0123456789abcdef/callback?delimiter=.&delimiter_value_client_id=data.user.id
}
