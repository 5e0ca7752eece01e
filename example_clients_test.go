package salebot_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/salebot-go/salebot"
)

func ExampleClient_LoadClients() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	loaded, err := client.LoadClients(context.Background(), []salebot.ClientToLoad{
		salebot.TelegramUser("100200300", "my_shop_bot"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(loaded[0].ID, loaded[0].Status)
	// Output: 25554 success
}

func ExampleClient_GetClients() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	page, err := client.GetClients(context.Background(), salebot.GetClientsRequest{Limit: 1, OldestFirst: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page), page[0].Name)
	// Output: 1 Ann
}

func ExampleClient_Clients() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	for record, err := range client.Clients(context.Background(), salebot.ClientsRequest{PagesInFlight: 4}) {
		if err != nil {
			log.Fatal(err) // never just the end: what came before may be a part only
		}
		fmt.Println(record.ID, record.ClientType, record.Name)
	}
	// Output:
	// 25554 Telegram Ann
	// 25555 WhatsApp Bob
}

func ExampleClient_GetSubscribers() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	subscribers, err := client.GetSubscribers(context.Background(), salebot.GetSubscribersRequest{GroupID: "my_shop_bot"})
	fmt.Println(len(subscribers), err)
	// Output: 1 <nil>
}

func ExampleClient_Subscribers() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	for record, err := range client.Subscribers(context.Background(), salebot.SubscribersRequest{GroupID: "my_shop_bot"}) {
		fmt.Println(record.Name, err)
	}
	// Output: Ann <nil>
}

func ExampleClient_GetVKSubscribers() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	subscribers, err := client.GetVKSubscribers(context.Background(), salebot.GetVKSubscribersRequest{Tag: "spring"})
	fmt.Println(len(subscribers), err)
	// Output: 0 <nil>
}

func ExampleClient_AddToList() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.AddToList(context.Background(), salebot.AddToListRequest{ListID: 1170282, Clients: []salebot.ClientID{25554}})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_RemoveFromList() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.RemoveFromList(context.Background(), salebot.RemoveFromListRequest{ListID: 1170282, Clients: []salebot.ClientID{25554}})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_AssignToUser() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.AssignToUser(context.Background(), salebot.AssignToUserRequest{ClientID: 25554})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_DeleteClients() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.DeleteClients(context.Background(), []salebot.ClientID{25555})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_SaveVariables() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.SaveVariables(context.Background(), salebot.SaveVariablesRequest{
		ClientID: 25554,
		Variables: map[string]any{
			salebot.ClientVariable("city"): "Kazan", // of the client
			"order":                        4711,    // of the deal
			"comment":                      nil,     // blanked
		},
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_GetVariables() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	variables, err := client.GetVariables(context.Background(), 25554)
	if err != nil {
		log.Fatal(err)
	}
	level, _ := variables.Get("level")
	number, err := level.Int64()
	fmt.Println(variables.Text("city"), number, err)
	// Output: Kazan 3 <nil>
}

func ExampleVariables_Decode() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	variables, err := client.GetVariables(context.Background(), 25554)
	if err != nil {
		log.Fatal(err)
	}
	var profile struct {
		City  string `salebot:"city"`
		Level int    `salebot:"level"`
		Age   *int   `salebot:"age"`
	}
	err = variables.Decode(&profile)
	fmt.Println(profile.City, profile.Level, profile.Age, err)
	// Output: Kazan 3 <nil> <nil>
}

func ExampleClient_SaveVariablesAndCallback() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.SaveVariablesAndCallback(context.Background(), salebot.SaveVariablesAndCallbackRequest{
		Variables: map[string]any{"client.city": "Perm", "order": 4711},
		ReadBack:  []string{"client.city"},
		Callback:  salebot.CallbackRequest{ClientID: 25554, Message: "order_paid"},
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_GetConnectedChannels() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	connected, err := client.GetConnectedChannels(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, channel := range connected.Of("telegram") {
		fmt.Println(channel.GroupID)
	}
	// Output: my_shop_bot
}

func ExampleClient_GetBlocks() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	blocks, err := client.GetBlocks(context.Background())
	fmt.Println(len(blocks), err)
	// Output: 0 <nil>
}

func ExampleClient_CheckWhatsApp() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	exists, err := client.CheckWhatsApp(context.Background(), "79000000002")
	fmt.Println(exists, err)
	// Output: true <nil>
}

func ExampleClient_CheckInstagramSubscription() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	account, err := client.CheckInstagramSubscription(context.Background(), salebot.CheckInstagramSubscriptionRequest{UserName: "ann"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Username, account.IsFollower)
	// Output: ann false
}

// An export of all clients with their variables. After a failure, Position says where to
// go on.
func ExampleClient_ClientsWithVariables() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	for record, err := range client.ClientsWithVariables(context.Background(), salebot.ClientsWithVariablesRequest{}) {
		if page := new(salebot.PageError); errors.As(err, &page) {
			fmt.Println("go on at", page.Position)
			return
		}
		fmt.Println(record.Name, record.Variables.Text("city"))
	}
	// Output:
	// Ann Kazan
	// Bob Omsk
}

// A struct is written and read back with one location for both ways.
func ExampleVariablesFor() {
	type Profile struct {
		City     string       `salebot:"city"`
		Birthday salebot.Date `salebot:"birthday"`
		Paid     time.Time    `salebot:"paid,layout=02.01.2006 15:04"`
	}
	profiles, err := salebot.VariablesFor[Profile](time.FixedZone("MSK", 3*60*60))
	if err != nil {
		log.Fatal(err)
	}
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	variables, err := profiles.Encode(Profile{
		City: "Riga", Birthday: salebot.Date{Year: 2000, Month: time.May, Day: 28}, Paid: time.Date(2026, time.October, 16, 19, 15, 0, 0, time.UTC),
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: 25554, Variables: variables}); err != nil {
		log.Fatal(err)
	}
	read, err := client.GetVariables(ctx, 25554)
	if err != nil {
		log.Fatal(err)
	}
	profile, err := profiles.Decode(read)
	fmt.Println(read.Text("paid"), profile.City, profile.Birthday, profile.Paid.UTC(), err)
	// Output: 16.10.2026 22:15 Riga 28.05.2000 2026-10-16 19:15:00 +0000 UTC <nil>
}

// Variables for a test that needs no client.
func ExampleVariablesOf() {
	variables, err := salebot.VariablesOf(map[string]any{"client.city": "Riga", "level": 3})
	fmt.Println(variables, err)
	// Output: {"city":"Riga","level":3} <nil>
}
