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
	// Your flow starts a callback with the text order_paid, and your shop is about bots,
	// so that people really write bot_added.
	texts := webhook.KnownServiceTexts().With("order_paid", "crm:{text}", "level {n} reached").Without("bot_added")
	for _, text := range []string{"Hi", "client_group_leave", "new_like 5", "order_paid", "crm:lead_created", "level 7 reached", "bot_added"} {
		fmt.Println(text, texts.Match(&webhook.Event{Origin: webhook.OriginClient, Text: text}))
	}
	// Output:
	// Hi false
	// client_group_leave true
	// new_like 5 true
	// order_paid true
	// crm:lead_created true
	// level 7 reached true
	// bot_added false
}

func ExampleEvent_Kind() {
	answer := func(event *webhook.Event) string {
		switch event.Kind() {
		case webhook.KindText:
			switch event.Text {
			case "Order": // the label of a button
				return "button: what would you like?"
			default:
				return "text: you said " + event.Text
			}
		case webhook.KindContact:
			contact, _ := event.Contact()
			return "contact: we will call " + contact.PhoneNumber
		case webhook.KindFile:
			return fmt.Sprint("file: ", event.Attachments.URLs())
		case webhook.KindCallback: // with WithServiceEvents
			return "callback: " + event.Text
		case webhook.KindService: // with WithServiceEvents
			return "notice: " + event.Text
		case webhook.KindOutgoing: // with WithOutgoing
			return "sent by the bot's side: " + event.Origin.String()
		default: // with WithFilter; otherwise such events become dead letters
			return "nobody knows who wrote this"
		}
	}
	for _, body := range []string{
		`{"is_input":1,"message":"Hello"}`,
		`{"is_input":1,"message":"Order"}`,
		`{"is_input":1,"message":"","attachments":[{"phone_number":"79000000000"}]}`,
		`{"is_input":1,"message":null,"attachments":["https://files.example/a.png"]}`,
		`{"is_input":1,"message":"edit_task_callback task_id:1"}`,
		`{"is_input":1,"message":"client_unsubscribed"}`,
		`{"is_input":0,"message_id":390,"message":"Welcome"}`,
		`{"is_input":"yes?","message":"Hello"}`,
	} {
		event, err := webhook.Decode([]byte(body))
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(answer(&event))
	}
	// Output:
	// text: you said Hello
	// button: what would you like?
	// contact: we will call 79000000000
	// file: [https://files.example/a.png]
	// callback: edit_task_callback task_id:1
	// notice: client_unsubscribed
	// sent by the bot's side: funnel
	// nobody knows who wrote this
}

// people answers for the history of a client.
type people struct{}

func (people) GetHistory(context.Context, salebot.GetHistoryRequest, ...salebot.CallOption) ([]salebot.HistoryItem, error) {
	return []salebot.HistoryItem{
		{ID: 12, Text: "Let me help", EmployeeID: 3},
		{ID: 11, Text: "Good day", Origin: salebot.HistoryOriginAPI},
	}, nil
}

func ExampleEvent_WrittenByOperator() {
	// In a program, the history is the *salebot.Client, and the handler has WithOutgoing.
	for _, body := range []string{
		`{"id":11,"client":{"id":25554},"is_input":0,"message":"Good day"}`,
		`{"id":12,"client":{"id":25554},"is_input":0,"message":"Let me help"}`,
	} {
		event, err := webhook.Decode([]byte(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		operator, err := event.WrittenByOperator(context.Background(), people{})
		fmt.Println(event.Text, operator, err)
	}
	// Output:
	// Good day false <nil>
	// Let me help true <nil>
}

func ExamplePermanent() {
	inbox, err := webhook.NewMemoryInbox()
	if err != nil {
		fmt.Println(err)
		return
	}
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
	memory, err := webhook.NewMemoryInbox()
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := webhook.New(func(_ context.Context, event *webhook.Event) error {
		fmt.Println(event.Client.ID, event.Text, event.Recovered)
		return nil
	}, webhook.WithoutSecret(), webhook.WithInbox(&remembering{
		MemoryInbox: memory,
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
