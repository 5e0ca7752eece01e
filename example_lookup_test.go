package salebot_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/salebot-go/salebot"
)

func ExampleClient_GetClientIDByPhone() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	phone, err := salebot.NormalizePhone("+7 (900) 000-00-02")
	if err != nil {
		log.Fatal(err)
	}
	id, err := client.GetClientIDByPhone(context.Background(), phone)
	fmt.Println(id, err)

	_, err = client.GetClientIDByPhone(context.Background(), "79999999999")
	fmt.Println(errors.Is(err, salebot.ErrClientNotFound))
	// Output:
	// 25555 <nil>
	// true
}

func ExampleClient_GetClientIDByEmail() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	id, err := client.GetClientIDByEmail(context.Background(), "ann@example.com")
	fmt.Println(id, err)
	// Output: 25554 <nil>
}

func ExampleClient_GetClientIDByVariable() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	id, err := client.GetClientIDByVariable(context.Background(), salebot.GetClientIDByVariableRequest{Name: "city", Value: "Omsk"})
	fmt.Println(id, err)
	// Output: 25555 <nil>
}

func ExampleClient_GetLatestClientIDByVariable() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	id, err := client.GetLatestClientIDByVariable(context.Background(), "level", "3")
	fmt.Println(id, err)
	// Output: 25555 <nil>
}

func ExampleClient_GetClientIDsByVariable() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ids, err := client.GetClientIDsByVariable(context.Background(), "city", "Vologda")
	fmt.Println(ids, err)
	// Output: [] <nil>
}

func ExampleClient_GetClientIDsByVariables() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ids, err := client.GetClientIDsByVariables(context.Background(), map[string]string{"level": "3", "city": "Kazan"})
	fmt.Println(ids, err)
	// Output: [25554] <nil>
}

func ExampleClient_FindClients() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ids, err := client.FindClients(context.Background(), salebot.FindClientsRequest{
		Query: map[string]salebot.Condition{
			"level": salebot.Equals("3"),
			"city":  salebot.NotIn("Omsk", "Tomsk"),
		},
	})
	fmt.Println(ids, err)
	// Output: [25554] <nil>
}

func ExampleClient_GetClientsByPlatformID() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	records, err := client.GetClientsByPlatformID(context.Background(), salebot.GetClientsByPlatformIDRequest{
		PlatformIDs: []salebot.PlatformID{"100200300"},
	})
	for _, record := range records {
		fmt.Println(record.ID, record.Name, record.Variables.Text("city"))
	}
	fmt.Println(err)
	// Output:
	// 25554 Ann Kazan
	// <nil>
}

func ExampleClient_GetClientIDByOnlineChat() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	visitor := salebot.GetClientIDByOnlineChatRequest{Recipient: "c0ffee", Name: "Carl"}
	first, err := client.GetClientIDByOnlineChat(ctx, visitor)
	if err != nil {
		log.Fatal(err)
	}
	again, err := client.GetClientIDByOnlineChat(ctx, visitor)
	fmt.Println(first == again, err)
	// Output: true <nil>
}

func ExampleClient_GetClientIDByWhatsApp() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	id, err := client.GetClientIDByWhatsApp(context.Background(), salebot.GetClientIDByWhatsAppRequest{Phone: "79000000002"})
	fmt.Println(id, err)
	// Output: 25555 <nil>
}
