package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// address is that of the database. The examples run with the build tag postgres, each on a
// database that Migrate has made the tables in.
var address = "postgres://worker@db.example/shop"

// The tables are made before the processes of a new version start.
func ExampleMigrate() {
	steps, err := postgres.Migrate(context.Background(), address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(steps, "steps were left to take")
}

// The steps are files, for a tool of your own.
func ExampleMigrate_files() {
	files, err := fs.Glob(postgres.Migrations, "migrations/*.sql")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(files[0])
}

// Any number of processes receive and handle the events of one inbox.
func ExampleOpenInbox() {
	ctx := context.Background()
	inbox, err := postgres.OpenInbox(ctx, address)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	handled := make(chan string, 10)
	bot, err := webhook.New(func(_ context.Context, event *webhook.Event) error {
		handled <- event.Text
		return nil
	}, webhook.WithSecretInPath("not-a-guess"), webhook.WithInbox(inbox))
	if err != nil {
		log.Fatal(err)
	}

	// What Salebot posts:
	post := func() {
		event := `{"id":1,"client":{"id":25554,"recepient":"1"},"message":"Hello","is_input":1,"delivered":1}`
		answer := httptest.NewRecorder()
		bot.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/salebot/not-a-guess", strings.NewReader(event)))
		fmt.Println("status", answer.Code)
	}
	post()
	post() // the same again
	if err := bot.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("handled", len(handled), "event:", <-handled)
}

// The end of an event and a row of your own are one.
func ExampleSettle() {
	ctx := context.Background()
	inbox, err := postgres.OpenInbox(ctx, address)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	db, err := pgx.Connect(ctx, address)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	if _, err := db.Exec(ctx, "CREATE TABLE IF NOT EXISTS heard (message bigint PRIMARY KEY, text text)"); err != nil {
		log.Fatal(err)
	}
	bot, err := webhook.New(func(ctx context.Context, event *webhook.Event) error {
		return postgres.Settle(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO heard VALUES ($1, $2)", int64(event.ID), event.Text)
			return err
		})
	}, webhook.WithSecretInPath("not-a-guess"), webhook.WithInbox(inbox))
	if err != nil {
		log.Fatal(err)
	}

	// What Salebot posts:
	event := `{"id":2,"client":{"id":25554,"recepient":"1"},"message":"Good morning","is_input":1,"delivered":1}`
	bot.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/salebot/not-a-guess", strings.NewReader(event)))
	if err := bot.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	var text string
	if err := db.QueryRow(ctx, "SELECT text FROM heard WHERE message = 2").Scan(&text); err != nil {
		log.Fatal(err)
	}
	fmt.Println(text)
}

// Of the same call in two processes one request is sent.
func ExampleOpenLedger() {
	ctx := context.Background()
	emulator := startEmulator()
	defer emulator.Close()
	for process := range 2 {
		records, err := postgres.OpenLedger(ctx, address)
		if err != nil {
			log.Fatal(err)
		}
		client, err := emulator.Connect(salebot.WithLedger(records, "shop"))
		if err != nil {
			log.Fatal(err)
		}
		answer, err := client.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: "Order 4711 is paid"},
			salebot.WithIdempotencyKey("order 4711 paid"))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("process %d: sent before: %v\n", process+1, answer.Recorded)
		client.CloseIdleConnections()
		if err := records.Close(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("messages:", len(emulator.Messages(25554)))
}

// All processes together start twenty requests a second.
func ExampleOpenPace() {
	ctx := context.Background()
	emulator := startEmulator()
	defer emulator.Close()
	// While the database is away, each of four processes keeps a quarter.
	pace, err := postgres.OpenPace(ctx, address, "shop", 20, 5, postgres.WithLocalShare(4))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = pace.Close() }()
	client, err := emulator.Connect(salebot.WithLimiter(pace))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()
	for range 3 {
		if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: "Hello"}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("messages:", len(emulator.Messages(25554)))
}

// What is reserved in a transaction is sent after its commit.
func ExampleOpenOutbox() {
	ctx := context.Background()
	emulator := startEmulator()
	defer emulator.Close()
	records, err := postgres.OpenLedger(ctx, address)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	client, err := emulator.Connect(salebot.WithLedger(records, "shop"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()
	outbox, err := postgres.OpenOutbox(ctx, address, client, "order paid", func(ctx context.Context, request postgres.Outgoing) error {
		var message salebot.MessageRequest
		if err := json.Unmarshal(request.Body, &message); err != nil {
			return err
		}
		_, err := client.Message(ctx, message)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = outbox.Close() }()

	db, err := pgx.Connect(ctx, address)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		// Your own rows change in the same transaction.
		body, err := json.Marshal(salebot.MessageRequest{ClientID: 25554, Message: "Order 4712 is paid"})
		if err != nil {
			return err
		}
		return outbox.Reserve(ctx, tx, "order 4712", body)
	})
	if err != nil {
		log.Fatal(err)
	}
	outbox.Wake() // not to wait for the next look
	message, err := emulator.WaitForMessage(ctx, 25554, func(salebottest.Message) bool { return true })
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(message.Text)
}

// startEmulator starts a Salebot with one client.
func startEmulator() *salebottest.Emulator {
	emulator, err := salebottest.Open(salebottest.WithPerson(salebottest.Person{ID: 25554}))
	if err != nil {
		log.Fatal(err)
	}
	return emulator
}
