package salebot_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
)

// onEmulatorWithLedger is onEmulator with a ledger in memory; in your program it is a
// file, or a table of a database.
func onEmulatorWithLedger() (client *salebot.Client, closeEmulator func()) {
	memory, err := ledger.NewMemory()
	if err != nil {
		log.Fatal(err)
	}
	return onEmulator(salebot.WithLedger(memory, "shop"))
}

func ExampleWithIdempotencyKey() {
	client, closeEmulator := onEmulatorWithLedger()
	defer closeEmulator()

	ctx := context.Background()
	for range 2 { // a job that is started twice
		answer, err := client.Message(ctx,
			salebot.MessageRequest{ClientID: 25554, Message: "Your order is paid"},
			salebot.WithIdempotencyKey("order 4711 paid"))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("sent before:", answer.Recorded)
	}
	// Output:
	// sent before: false
	// sent before: true
}

func ExampleClient_RunOnce() {
	client, closeEmulator := onEmulatorWithLedger()
	defer closeEmulator()

	paid := func(ctx context.Context, order string) error {
		return client.RunOnce(ctx, salebot.Work{Name: "payment notice", Key: order}, func(ctx context.Context) error {
			fmt.Println("order", order)
			_, err := client.Callback(ctx, salebot.CallbackRequest{ClientID: 25554, Message: "order_paid"})
			return err
		})
	}
	ctx := context.Background()
	for _, order := range []string{"4711", "4711", "4712"} { // a shop that reports one twice
		if err := paid(ctx, order); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// order 4711
	// order 4712
}

func ExampleClient_ForgetWork() {
	client, closeEmulator := onEmulatorWithLedger()
	defer closeEmulator()

	ctx := context.Background()
	work := salebot.Work{Name: "reminder", Key: "25554"}
	remind := func(context.Context) error {
		fmt.Println("reminded")
		return nil
	}
	for range 2 {
		if err := client.RunOnce(ctx, work, remind); err != nil {
			log.Fatal(err)
		}
	}
	if err := client.ForgetWork(ctx, work); err != nil {
		log.Fatal(err)
	}
	if err := client.RunOnce(ctx, work, remind); err != nil {
		log.Fatal(err)
	}
	// Output:
	// reminded
	// reminded
}

func ExampleRehearse() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := salebot.Rehearse(context.Background())
	_, err := client.Message(ctx, salebot.MessageRequest{ClientID: 25554})
	fmt.Println(err)
	// Output: salebot: message: invalid request: Message is required, unless BlockID or AttachmentURL is set
}

// The words of an answer that a model writes differ each time. The name of the call says
// that it is the same one.
func ExampleWithStep() {
	client, closeEmulator := onEmulatorWithLedger()
	defer closeEmulator()

	ctx := context.Background()
	for _, words := range []string{"Good morning!", "A good morning to you!"} {
		err := client.RunOnce(ctx, salebot.Work{Name: "greeting", Key: "25554"}, func(ctx context.Context) error {
			if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: words}, salebot.WithStep("greet")); err != nil {
				return err
			}
			if words == "Good morning!" {
				return errors.New("the program ends before the work does")
			}
			return nil
		})
		fmt.Println(err)
	}
	history, err := client.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: 25554})
	fmt.Println(len(history), history[0].Text, err)
	// Output:
	// the program ends before the work does
	// <nil>
	// 1 Good morning! <nil>
}
