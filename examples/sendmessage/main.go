// Sendmessage sends one message from the shell:
//
//	SALEBOT_API_KEY=… sendmessage 25554 "Your order is ready"
//
// It exits with 1 if the message was not sent, and with 3 if that is not known.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"

	"github.com/salebot-go/salebot"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(arguments []string) int {
	if len(arguments) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sendmessage CLIENT_ID TEXT")
		return 2
	}
	person, err := strconv.ParseInt(arguments[0], 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "CLIENT_ID must be a number:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	client, err := salebot.NewFromEnv()
	if err == nil {
		_, err = client.Message(ctx, salebot.MessageRequest{ClientID: salebot.ClientID(person), Message: arguments[1]})
	}
	switch {
	case errors.Is(err, salebot.ErrOutcomeUnknown):
		fmt.Fprintln(os.Stderr, err, "- look into the chat before you send it again")
		return 3
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
