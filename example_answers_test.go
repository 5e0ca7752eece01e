package salebot_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/jarcoal/httpmock"

	"github.com/salebot-go/salebot"
)

// answering returns a client that always gets the same answer. In a test of yours
// httpmock, or an emulator of package salebottest, takes the place of Salebot.
func answering(body string, options ...salebot.Option) *salebot.Client {
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(httpmock.NewStringResponder(200, body))
	client, err := salebot.New("0123456789abcdef", append(options, salebot.WithTransport(mock))...)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

const oddClient = `{"clients": [{"id": 25554, "name": "Ann", "message_id": "soon", "mood": "good"}]}`

// A field in a form that this package does not know does not cost the record. With
// WithStrict it is an error, for tests against the API.
func ExampleWithStrict() {
	client := answering(oddClient)

	records, err := client.GetClients(context.Background(), salebot.GetClientsRequest{})
	fmt.Println(records[0].Name, records[0].Unread, err)

	_, err = client.GetClients(context.Background(), salebot.GetClientsRequest{}, salebot.WithStrict())
	fmt.Println(errors.Is(err, salebot.ErrUnexpectedResponse))
	// Output:
	// Ann [message_id] <nil>
	// true
}

func ExampleWithRawItems() {
	client := answering(oddClient)

	records, err := client.GetClients(context.Background(), salebot.GetClientsRequest{}, salebot.WithRawItems())
	fmt.Println(string(records[0].Raw), err)
	// Output: {"id": 25554, "name": "Ann", "message_id": "soon", "mood": "good"} <nil>
}

func ExampleWithResponse() {
	client := answering(`{"status": "success", "queued": 5}`)

	var response salebot.Response
	_, err := client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Hello"}, salebot.WithResponse(&response))
	var answer struct{ Queued int }
	fmt.Println(err, response.Status, response.Decode(&answer), answer.Queued)
	// Output: <nil> 200 <nil> 5
}

func ExampleAck_Decode() {
	client := answering(`{"status": "success", "queued": 5}`)

	ack, err := client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
	if err != nil {
		log.Fatal(err)
	}
	var answer struct{ Queued int }
	fmt.Println(ack.Text(), ack.Decode(&answer), answer.Queued)
	// Output: success <nil> 5
}

// A policy may differ for one call.
func ExampleWithRetryPolicy() {
	client := answering("ok", salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 6}), salebot.WithRetryBudget(50))

	_, err := client.GetVariables(context.Background(), 25554, salebot.WithoutRetries())
	var failure *salebot.OpError
	fmt.Println(errors.As(err, &failure), failure.Attempts)
	// Output: true 1
}
