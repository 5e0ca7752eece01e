package salebot_test

import (
	"context"
	"fmt"
	"log"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
)

func ExampleForEach() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	memory, err := ledger.NewMemory() // ledger.OpenFile in a script
	if err != nil {
		log.Fatal(err)
	}
	client, err = client.With(salebot.WithLedger(memory, "shop"))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for range 2 { // the second run finds everything done
		report, err := salebot.ForEach(ctx, client, client.Clients(ctx, salebot.ClientsRequest{}),
			salebot.BulkOptions{Name: "spring campaign", Workers: 8},
			func(record salebot.ClientRecord) salebot.ClientID { return record.ID },
			func(ctx context.Context, record salebot.ClientRecord) error {
				_, err := client.Message(ctx, salebot.MessageRequest{ClientID: record.ID, Message: "Spring is here"})
				return err
			})
		fmt.Println(report.Accepted, "accepted,", report.Earlier, "of them earlier:", err)
	}
	// Output:
	// 2 accepted, 0 of them earlier: <nil>
	// 2 accepted, 2 of them earlier: <nil>
}

func ExampleClient_BulkLoadClients() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	persons := []salebot.ClientToLoad{
		salebot.TelegramUser("100200301", "my_shop_bot"),
		salebot.TelegramUser("100200302", ""),
	}
	report, err := client.BulkLoadClients(context.Background(), salebot.Items(persons), salebot.BulkOptions{
		OnItem: func(item salebot.BulkItem) { fmt.Println(item.Key, item.Outcome, item.ClientID != 0) },
	})
	fmt.Println(report.Accepted, report.Rejected, err)
	// Unordered output:
	// 1/my_shop_bot/100200301 accepted true
	// 1//100200302 rejected false
	// 1 1 salebot: bulk: not all items were accepted
}

func ExampleClient_BulkAddToList() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	everybody := salebot.ClientIDs(client.Clients(ctx, salebot.ClientsRequest{}))
	report, err := client.BulkAddToList(ctx, 1170282, everybody, salebot.BulkOptions{})
	fmt.Println(report.Accepted, report.Requests, err)
	// Output: 2 1 <nil>
}

func ExampleClient_BulkRemoveFromList() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	clients := salebot.Items([]salebot.ClientID{25554, 25555})
	report, err := client.BulkRemoveFromList(context.Background(), 1170282, clients, salebot.BulkOptions{})
	fmt.Println(report.Accepted, err)
	// Output: 2 <nil>
}

func ExampleClient_BulkDeleteClients() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	// A dry run reads and checks, and sends nothing.
	clients := salebot.Items([]salebot.ClientID{25554, 25555})
	report, err := client.BulkDeleteClients(context.Background(), clients, salebot.BulkOptions{DryRun: true})
	fmt.Println(report.NotTried, err)
	// Output: 2 <nil>
}

func ExampleClient_BulkSaveVariables() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	clients := salebot.Items([]salebot.ClientID{25554, 25555})
	report, err := client.BulkSaveVariables(context.Background(), map[string]any{"client.season": "spring"}, clients, salebot.BulkOptions{})
	fmt.Println(report.Accepted, err)
	// Output: 2 <nil>
}

func ExampleClient_BulkSendCallbackByPlatformID() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	persons := salebot.Items([]salebot.PlatformID{"100200300", "79000000002"})
	request := salebot.SendCallbackByPlatformIDRequest{CallbackText: "sale_begins"}
	report, err := client.BulkSendCallbackByPlatformID(context.Background(), request, persons, salebot.BulkOptions{})
	fmt.Println(report.Accepted, err)
	// Output: 2 <nil>
}

func ExampleClient_BulkBroadcast() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	audience, err := salebot.CollectAudience(salebot.ClientIDs(client.Clients(ctx, salebot.ClientsRequest{})))
	if err != nil {
		log.Fatal(err)
	}
	request := salebot.BroadcastRequest{Message: "We are open on Sunday"}
	_, err = client.BulkBroadcast(ctx, request, audience, 3, salebot.BulkOptions{})
	fmt.Println(err)
	report, err := client.BulkBroadcast(ctx, request, audience, 2, salebot.BulkOptions{})
	fmt.Println(report.Accepted, err)
	// Output:
	// salebot: broadcast: invalid request: confirmed is not the size of the audience, which has 2 clients
	// 2 <nil>
}
