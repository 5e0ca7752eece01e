package salebottest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

// An emulator outside of a test: a program that starts it, sends a message to one
// of its clients, and looks at what the person got.
func Example() {
	server, err := salebottest.Start(salebottest.WithPerson(salebottest.Person{ID: 25554, Name: "Ann", ClientType: salebot.ClientTypeTelegram}))
	if err != nil {
		log.Panic(err)
	}
	defer server.Close()
	client, err := salebot.New(server.Key(), salebot.WithBaseURL(server.URL))
	if err != nil {
		log.Panic(err)
	}
	defer client.CloseIdleConnections()

	ack, err := client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Your order is ready"})
	if err != nil {
		log.Panic(err)
	}
	fmt.Println("answer:", ack.Text())
	for _, m := range server.Messages(25554) {
		fmt.Println("Ann got:", m.Text)
	}
	// Output:
	// answer: ok
	// Ann got: Your order is ready
}

// A connection that is cut after the request was carried out: the error says that
// nobody knows, and the emulator shows that the message went out.
func ExampleEmulator_Fail() {
	emulator, err := salebottest.Open(salebottest.WithPerson(salebottest.Person{ID: 25554}))
	if err != nil {
		log.Panic(err)
	}
	defer emulator.Close()
	client, err := emulator.Connect()
	if err != nil {
		log.Panic(err)
	}
	defer client.CloseIdleConnections()

	emulator.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
	_, err = client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
	fmt.Println("outcome unknown:", errors.Is(err, salebot.ErrOutcomeUnknown))
	fmt.Println("messages:", len(emulator.Messages(25554)))
	// Output:
	// outcome unknown: true
	// messages: 1
}

// A flow answers what the person writes, and the person presses a button.
func ExampleEmulator_Press() {
	emulator, err := salebottest.Open(
		salebottest.WithPerson(salebottest.Person{ID: 25554}),
		salebottest.WithBlocks(
			salebottest.Block{ID: 1, Condition: "menu", Answer: "What would you like?", Buttons: []salebottest.Button{{Text: "Prices"}}},
			salebottest.Block{ID: 2, Condition: "prices", Answer: "From 5"},
		),
	)
	if err != nil {
		log.Panic(err)
	}
	defer emulator.Close()
	if _, err := emulator.Write(25554, "menu"); err != nil {
		log.Panic(err)
	}
	if _, err := emulator.Press(25554, "Prices"); err != nil {
		log.Panic(err)
	}
	for _, m := range emulator.Messages(25554) {
		fmt.Println(m.Text)
	}
	// Output:
	// What would you like?
	// From 5
}

// Scheduled sends need no waiting: the clock is put forward.
func ExampleEmulator_Advance() {
	emulator, err := salebottest.Open(salebottest.WithPerson(salebottest.Person{ID: 25554}))
	if err != nil {
		log.Panic(err)
	}
	defer emulator.Close()
	client, err := emulator.Connect()
	if err != nil {
		log.Panic(err)
	}
	defer client.CloseIdleConnections()

	_, err = client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "How was it?", After: 24 * time.Hour})
	if err != nil {
		log.Panic(err)
	}
	fmt.Println("waiting:", len(emulator.Scheduled()))
	emulator.Advance(24 * time.Hour)
	fmt.Println("got:", emulator.Messages(25554)[0].Text)
	// Output:
	// waiting: 1
	// got: How was it?
}
