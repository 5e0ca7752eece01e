package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

func ExampleNew() {
	handler, err := webhook.New(func(_ context.Context, event *webhook.Event) error {
		fmt.Printf("%s wrote %q\n", event.Client.Name, event.Text)
		return nil
	}, webhook.WithSecretInPath("a-long-random-text"))
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(handler)
	defer server.Close()

	// Salebot is given this address, and posts to it.
	address := server.URL + "/salebot/a-long-random-text"
	for _, body := range []string{
		`{"id":1,"client":{"id":25554,"recepient":"6250000000","name":"Ann"},"message":"Hi","is_input":1,"delivered":1}`,
		`{"id":2,"client":{"id":25554,"recepient":"6250000000","name":"Ann"},"message":"Hello, Ann!","message_id":390,"is_input":0,"delivered":1}`,
	} {
		response, err := http.Post(address, "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = response.Body.Close()
		fmt.Println(response.StatusCode)
	}
	// Everything that was accepted is handled before this returns.
	if err := handler.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// 200
	// 200
	// Ann wrote "Hi"
}

func ExampleDecode() {
	event, err := webhook.Decode([]byte(`{
		"id": 22560000001,
		"client": {"id": "836000000", "recepient": "6250000000", "client_type": 1, "name": "Ann", "variables": {"city": "Riga"}},
		"message": null,
		"attachments": [{"url": "https://files.example/a.png"}],
		"is_input": 1,
		"delivered": 1,
		"priority": {"level": 2}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(event.Origin, event.Client.ID, event.Client.ClientType, event.Client.Variables.Text("city"))
	for _, file := range event.Files() {
		fmt.Println(file.URL)
	}
	level, _ := event.Field("priority", "level")
	fmt.Println(string(level))
	// Output:
	// client 836000000 Telegram Riga
	// https://files.example/a.png
	// 2
}

func ExampleEvent_Contact() {
	event, err := webhook.Decode([]byte(`{"message": "", "attachments": [{"phone_number": "79000000000"}], "is_input": 1}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	contact, ok := event.Contact()
	fmt.Println(contact.PhoneNumber, ok)
	// Output: 79000000000 true
}

func ExampleDecodeFlat() {
	flat, err := webhook.DecodeFlat([]byte(`{"client_id": "836000000", "name": "#{name}", "question": "Where is my order?"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := flat.ClientID("client_id")
	fmt.Println(client, err)
	fmt.Println(flat.Text("question"))
	fmt.Println("not filled in:", flat.Unsubstituted())
	// Output:
	// 836000000 <nil>
	// Where is my order?
	// not filled in: [name]
}

func ExampleDecodeFlatRequest() {
	receive := func(w http.ResponseWriter, r *http.Request) {
		flat, err := webhook.DecodeFlatRequest(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = fmt.Fprintf(w, "client %s asks about %s", flat.Text("client_id"), flat.Text("topic"))
	}
	// Form, query and JSON are read alike.
	request := httptest.NewRequest(http.MethodPost, "/block?topic=delivery", strings.NewReader("client_id=836000000"))
	recorder := httptest.NewRecorder()
	receive(recorder, request)
	fmt.Println(recorder.Body)
	// Output: client 836000000 asks about delivery
}

func ExampleKnownServiceTexts() {
	texts := webhook.KnownServiceTexts().With("order_paid").WithPrefixes("crm:")
	for _, text := range []string{"Hi", "new_chat_member", "order_paid", "crm:lead_created"} {
		fmt.Println(text, texts.Match(&webhook.Event{Origin: webhook.OriginClient, Text: text}))
	}
	// Output:
	// Hi false
	// new_chat_member true
	// order_paid true
	// crm:lead_created true
}

func ExamplePermanent() {
	inbox := webhook.NewMemoryInbox(webhook.MemoryOptions{})
	handler, err := webhook.New(func(_ context.Context, event *webhook.Event) error {
		if event.Client.ID == 0 {
			return webhook.Permanent(errors.New("nobody to answer"))
		}
		return nil
	}, webhook.WithoutSecret(), webhook.WithInbox(inbox))
	if err != nil {
		fmt.Println(err)
		return
	}
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"id":1,"message":"Hi","is_input":1}`))
	handler.ServeHTTP(httptest.NewRecorder(), request)
	ctx := context.Background()
	if err := handler.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	for letter, err := range inbox.DeadLetters(ctx, handler.Endpoint()) {
		fmt.Println(letter.MessageID, letter.Attempts, letter.Reason, err)
	}
	// Output: 1 1 nobody to answer <nil>
}

// missed is what the API answers about the history of a client.
type missed struct{}

func (missed) GetHistory(context.Context, salebot.GetHistoryRequest, ...salebot.CallOption) ([]salebot.HistoryItem, error) {
	return []salebot.HistoryItem{
		{ID: 8, Text: "Is anybody there?", ClientReplica: true, Delivered: true},
		{ID: 7, Text: "Hello", ClientReplica: true, Delivered: true},
	}, nil
}

func ExampleHandler_CatchUp() {
	handler, err := webhook.New(func(_ context.Context, event *webhook.Event) error {
		fmt.Println(event.Client.ID, event.Text, event.Recovered)
		return nil
	}, webhook.WithoutSecret(), webhook.WithInbox(&remembering{
		MemoryInbox: webhook.NewMemoryInbox(webhook.MemoryOptions{}),
		seen:        []webhook.Seen{{ClientID: 25554, MessageID: 7}}, // an inbox in a file remembers by itself
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	// In a program, History is the *salebot.Client.
	report, err := handler.CatchUp(context.Background(), webhook.CatchUp{History: missed{}})
	fmt.Println(report.Clients, report.Recovered, err)
	if err := handler.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// 1 1 <nil>
	// 25554 Is anybody there? true
}

func ExampleProtect() {
	block := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		flat, err := webhook.DecodeFlatRequest(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = fmt.Fprintln(w, "asked about", flat.Text("topic"))
	})
	// In the block of the flow: POST https://<host>/block/not-a-guess
	handler, err := webhook.Protect(block, webhook.WithSecretInPath("not-a-guess"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range []string{"/block/not-a-guess", "/block/a-guess"} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{"topic":"delivery"}`)))
		fmt.Print(recorder.Code, " ", recorder.Body)
	}
	// Output:
	// 200 asked about delivery
	// 403 forbidden
}
