// Package receive holds one receiver of the project's webhook, written in several
// ways, and what sends it events.
package receive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// The numbers of an event have the same digits in every body.
const (
	firstMessage = 1_000_000_000_000_000_000
	firstClient  = 1_000_000_000
)

// Body is the body of a message of the usual size.
func Body(message, client int64) []byte {
	return fmt.Appendf(nil, `{"id":%d,"client":{"id":%d,"recepient":"6250000000","client_type":1,"name":"Анна Ли","avatar":null,`+
		`"created_at":"2026-05-28 17:33:42.539976","tag":null,"group":"MyBot","variables":{"tg_username":"annlee","class":"A","utm_source":null,`+
		`"city":"Санкт-Петербург","visits":"14","last_order":"A-17"}},`+
		`"message":"Здравствуйте! Где мой заказ?","attachments":["https://files.example.org/a.png"],"message_id":null,"project_id":424000,"is_input":1,"delivered":1,"error_message":null,"internal_id":"123456789"}`,
		firstMessage+message, firstClient+client)
}

// strictEvent is what a receiver by hand would decode into.
type strictEvent struct {
	ID     int64 `json:"id"`
	Client struct {
		ID             int64           `json:"id"`
		Recepient      string          `json:"recepient"`
		ClientType     int             `json:"client_type"`
		Name           *string         `json:"name"`
		Avatar         *string         `json:"avatar"`
		CreatedAt      string          `json:"created_at"`
		Tag            *string         `json:"tag"`
		Group          string          `json:"group"`
		Variables      json.RawMessage `json:"variables"`
		OrderVariables json.RawMessage `json:"order_variables"`
	} `json:"client"`
	Message      *string  `json:"message"`
	Attachments  []string `json:"attachments"`
	MessageID    *int64   `json:"message_id"`
	ProjectID    int64    `json:"project_id"`
	IsInput      int      `json:"is_input"`
	Delivered    int      `json:"delivered"`
	ErrorMessage *string  `json:"error_message"`
	InternalID   *string  `json:"internal_id"`
}

// ByHand is the floor of a handler: the limit of size and encoding/json, without
// secret, limit of time, tolerance or inbox.
func ByHand() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event strictEvent
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&event); err != nil {
			http.Error(w, "malformed", http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, "ok")
	})
}

// Variant is one way to keep what was received.
type Variant struct {
	Name string
	// Open makes the inbox in a folder.
	Open func(folder string) (webhook.Inbox, error)
	// Silent keeps the events from being handed out, so that only the way in is
	// measured.
	Silent bool
}

// Variants are the ways that are compared; the first one decodes and keeps nothing,
// the second flushes each event into a plain file.
func Variants() []Variant {
	return []Variant{
		{Name: "decoded only", Open: func(string) (webhook.Inbox, error) { return &nothing{}, nil }},
		{Name: "plain file, fdatasync for each", Open: openFile},
		{Name: "sqlite", Open: openSQLite, Silent: true},
		{Name: "sqlite, while events are handled", Open: openSQLite},
	}
}

// Handler is the receiver with an inbox.
func (v Variant) Handler(inbox webhook.Inbox, options ...webhook.Option) (*webhook.Handler, error) {
	if v.Silent {
		inbox = silent{inbox}
	}
	handle := func(context.Context, *webhook.Event) error { return nil }
	return webhook.New(handle, append(options, webhook.WithInbox(inbox))...)
}

func openSQLite(folder string) (webhook.Inbox, error) {
	return sqlite.OpenInbox(filepath.Join(folder, "inbox.db"), sqlite.WithMaxPending(50_000_000))
}

// silent hands nothing out.
type silent struct{ webhook.Inbox }

func (s silent) Lease(ctx context.Context, _ webhook.LeaseRequest) ([]webhook.Delivery, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Empty takes all events out of an inbox.
func Empty(ctx context.Context, inbox webhook.Inbox, endpoint string) error {
	const atOnce = 1000
	for {
		counts, err := inbox.Counts(ctx, endpoint)
		if err != nil || counts.Pending() == 0 {
			return err
		}
		deliveries, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: atOnce, Duration: time.Minute})
		if err != nil {
			return err
		}
		var group sync.WaitGroup
		failures := make([]error, len(deliveries))
		for i, delivery := range deliveries {
			group.Go(func() { failures[i] = inbox.Commit(ctx, delivery) })
		}
		group.Wait()
		if err := errors.Join(failures...); err != nil {
			return err
		}
	}
}

// nothing keeps nothing.
type nothing struct{ sequence atomic.Int64 }

// Nothing returns the inbox that keeps nothing.
func Nothing() webhook.Inbox { return &nothing{} }

func (n *nothing) Put(context.Context, webhook.Entry) (webhook.Receipt, error) {
	return webhook.Receipt{Sequence: n.sequence.Add(1)}, nil
}

func (n *nothing) Lease(context.Context, webhook.LeaseRequest) ([]webhook.Delivery, error) {
	return nil, webhook.ErrClosed
}
func (n *nothing) Commit(context.Context, webhook.Delivery) error { return nil }
func (n *nothing) Release(context.Context, webhook.Delivery, time.Duration, string) error {
	return nil
}
func (n *nothing) Bury(context.Context, webhook.Delivery, string) error { return nil }
func (n *nothing) DeadLetters(context.Context, string) iter.Seq2[webhook.DeadLetter, error] {
	return func(func(webhook.DeadLetter, error) bool) {}
}
func (n *nothing) Redrive(context.Context, string, ...int64) (int, error) { return 0, nil }
func (n *nothing) Discard(context.Context, string, ...int64) (int, error) { return 0, nil }
func (n *nothing) Counts(context.Context, string) (webhook.Counts, error) {
	return webhook.Counts{}, nil
}
func (n *nothing) Close() error { return nil }

// file appends each event to a plain file and flushes it: what a durable receiver by
// hand would do.
type file struct {
	nothing

	mu   sync.Mutex
	file *os.File
}

func openFile(folder string) (webhook.Inbox, error) {
	opened, err := os.Create(filepath.Join(folder, "events")) //nolint:gosec // the folder is the caller's
	if err != nil {
		return nil, err
	}
	return &file{file: opened}, nil
}

func (f *file) Put(ctx context.Context, entry webhook.Entry) (webhook.Receipt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.file.WriteString(entry.Body + "\n"); err != nil {
		return webhook.Receipt{}, err
	}
	if err := flush(f.file); err != nil {
		return webhook.Receipt{}, err
	}
	return f.nothing.Put(ctx, entry)
}

func (f *file) Close() error { return f.file.Close() }
