// Quickstart does the main job on an embedded emulator of Salebot. If SALEBOT_CLIENT is
// set, it does it in the project of SALEBOT_API_KEY and writes to that client.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

func main() {
	ctx := context.Background()
	bot, person := connect(ctx)
	_, err := bot.SaveVariables(ctx, salebot.SaveVariablesRequest{
		ClientID: person, Variables: map[string]any{"client.city": "Kazan", "order": 4711},
	})
	report("saved variables", err)
	_, err = bot.Callback(ctx, salebot.CallbackRequest{ClientID: person, Message: "order_paid"})
	report("started the bot", err)
	buttons := salebot.Buttons{Lines: [][]salebot.Button{{salebot.ReplyButton("Yes"), salebot.ReplyButton("No")}}}
	_, err = bot.Message(ctx, salebot.MessageRequest{ClientID: person, Message: "Is this a good time?", Buttons: buttons})
	report("sent a message with buttons", err)
	_, err = bot.Message(ctx, salebot.MessageRequest{ClientID: person, Message: "How was it?", After: time.Hour})
	report("scheduled a message", err)
	history, err := bot.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: person, Limit: 10})
	report("the history, newest first:", err)
	for _, item := range history {
		fmt.Printf("  %-9s %s\n", item.Origin, item.Text)
	}
}

func connect(ctx context.Context) (*salebot.Client, salebot.ClientID) {
	if number := os.Getenv("SALEBOT_CLIENT"); number != "" {
		person, err := strconv.ParseInt(number, 10, 64)
		report("will write to the client SALEBOT_CLIENT: variables, a callback, two messages", err)
		bot, err := salebot.NewFromEnv()
		report("connected", err)
		return bot, salebot.ClientID(person)
	}
	emulator, err := salebottest.Start()
	report("started an emulator", err)
	bot, err := emulator.Connect() // salebot.New with the address and the key of the emulator
	report("connected to it", err)
	loaded, err := bot.LoadClients(ctx, []salebot.ClientToLoad{salebot.TelegramUser("100200300", "my_shop_bot")})
	report("loaded a Telegram user", err)
	return bot, loaded[0].ID
}

func report(step string, err error) {
	if fmt.Println(step); err != nil {
		log.Fatal(err)
	}
}
