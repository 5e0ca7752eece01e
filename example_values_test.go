package salebot_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/salebot-go/salebot"
)

func ExampleTelegramUser() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	loaded, err := client.LoadClients(context.Background(), []salebot.ClientToLoad{
		salebot.TelegramUser("100200300", "my_shop_bot"),
	})
	fmt.Println(loaded[0].ID, err)
	// Output: 25554 <nil>
}

// Each messenger has a function of its own. UserOf is for all others.
func ExampleUserOf() {
	for _, person := range []salebot.ClientToLoad{
		salebot.VKUser("146467928", "143414131"),
		salebot.OKUser("560000000001", "70000000000001"),
		salebot.MAXUser("100500", "my_shop_bot"),
		salebot.WhatsAppUser("79000000002", "c2hvcA=="),
		salebot.ViberUser("01234567890A=", "c2hvcA=="),
		salebot.FacebookUser("24000000000000001", "104000000000001"),
		salebot.InstagramUser("17800000000000001", "17841400000000001"),
		salebot.EmailUser("ann@example.com", "shop@example.com"),
		salebot.TelephonyUser("79000000002"),
		salebot.UserOf(salebot.ClientTypeDiscord, "80351110224678912", "41771983423143937"),
	} {
		fmt.Println(person.ClientType(), person.PlatformID)
	}
	// Output:
	// VK 146467928
	// Odnoklassniki 560000000001
	// MAX 100500
	// WhatsApp 79000000002
	// Viber 01234567890A=
	// Facebook 24000000000000001
	// Instagram 17800000000000001
	// e-mail ann@example.com
	// telephony 79000000002
	// Discord 80351110224678912
}

// purchase has variables of the client, and one of the current deal.
type purchase struct {
	Phone string    `salebot:"phone"`
	Until time.Time `salebot:"until,layout=02.01.2006 15:04"`
	Sum   float64   `salebot:"sum,order"`
	Note  string    `salebot:"note,omitempty"`
}

func ExampleEncodeVariables() {
	variables, err := salebot.EncodeVariables(purchase{
		Phone: "79000000001", Until: time.Date(2026, time.May, 28, 17, 30, 0, 0, time.UTC), Sum: 1990,
	})
	fmt.Println(variables, err)
	// Output: map[client.phone:79000000001 client.until:28.05.2026 17:30 sum:1990] <nil>
}

func ExampleEncodeVariablesIn() {
	samara := time.FixedZone("Samara", 4*60*60)
	variables, err := salebot.EncodeVariablesIn(samara, purchase{
		Phone: "79000000001", Until: time.Date(2026, time.May, 28, 17, 30, 0, 0, time.UTC), Sum: 1990,
	})
	fmt.Println(variables["client.until"], err)
	// Output: 28.05.2026 21:30 <nil>
}

func ExampleEncodeOrderVariables() {
	variables, err := salebot.EncodeOrderVariables(nil, purchase{
		Phone: "79000000001", Until: time.Date(2026, time.May, 28, 17, 30, 0, 0, time.UTC), Sum: 1990,
	})
	fmt.Println(variables, err)
	// Output: map[phone:79000000001 sum:1990 until:28.05.2026 17:30] <nil>
}

func ExampleNormalizePhone() {
	for _, phone := range []string{"8 (900) 000-00-01", "+7 900 000 00 01", "79000000001@c.us", "ask Ann"} {
		normal, err := salebot.NormalizePhone(phone)
		fmt.Println(normal, errors.Is(err, salebot.ErrNotPhone))
	}
	// Output:
	// 79000000001 false
	// 79000000001 false
	// 79000000001 false
	//  true
}

// Buttons in the message and buttons on the keyboard cannot be mixed.
func ExampleInlineButton() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	answer, err := client.Message(context.Background(), salebot.MessageRequest{
		ClientID: 25554, Message: "Your order is ready.",
		Buttons: salebot.Buttons{Lines: [][]salebot.Button{
			{salebot.InlineButton("I am on my way"), salebot.InlineButton("Tomorrow").WithColor("red")},
			{salebot.URLButton("Where we are", "https://example.com/map")},
			{salebot.InlineWebAppButton("Shop", "https://example.com/shop")},
		}},
	})
	fmt.Println(answer.Text(), err)
	// Output: ok <nil>
}

func ExampleReplyButton() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	answer, err := client.Message(context.Background(), salebot.MessageRequest{
		ClientID: 25554, Message: "How can we reach you?",
		Buttons: salebot.Buttons{Lines: [][]salebot.Button{
			{salebot.PhoneButton("Send my phone"), salebot.LocationButton("Send my location")},
			{salebot.WebAppButton("Fill in the form", "https://example.com/form")},
			{salebot.ReplyButton("Later").Persistent()},
		}},
	})
	fmt.Println(answer.Text(), err)
	// Output: ok <nil>
}

// The conditions on all variables have to hold, unless Any is set.
func ExampleIn() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	for _, condition := range []salebot.Condition{
		salebot.Equals("Kazan"), salebot.Not("Kazan"), salebot.In("Kazan", "Omsk"), salebot.NotIn("Kazan", "Omsk"),
	} {
		ids, err := client.FindClients(context.Background(), salebot.FindClientsRequest{
			Query: map[string]salebot.Condition{"city": condition},
		})
		fmt.Println(ids, err)
	}
	// Output:
	// [25554] <nil>
	// [25555] <nil>
	// [25554 25555] <nil>
	// [] <nil>
}
