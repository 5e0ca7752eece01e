package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot/webhook"
)

// usualBody is a body of the usual size.
const usualBody = `{"id":22560000001,"client":{"id":836000000,"recepient":"6250000000","client_type":1,"name":"Анна Ли","avatar":null,` +
	`"created_at":"2026-05-28 17:33:42.539976","tag":null,"group":"MyBot","variables":{"tg_username":"annlee","class":"A","utm_source":null,` +
	`"city":"Санкт-Петербург","visits":"14","last_order":"A-17","phone":"79000000000"},"order_variables":{"size":"M","price":"1500"}},` +
	`"message":"Здравствуйте! Где мой заказ?","attachments":["https://files.example/a.png"],"message_id":null,"project_id":424000,"is_input":1,"delivered":1,"error_message":null,"internal_id":"123456789"}`

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

// BenchmarkDecode compares with encoding/json: strict types, and variables that are
// left raw or not.
func BenchmarkDecode(b *testing.B) {
	body := []byte(usualBody)
	b.Run("webhook", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if _, err := webhook.Decode(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			var event strictEvent
			if err := json.Unmarshal(body, &event); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json-map", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			var event map[string]any
			if err := json.Unmarshal(body, &event); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// replay is a request body that can be read again, so that the request need not be
// made anew.
type replay struct{ bytes.Reader }

func (*replay) Close() error { return nil }

// silent is a ResponseWriter that costs nothing.
type silent struct{ header http.Header }

func (s *silent) Header() http.Header             { return s.header }
func (*silent) Write(text []byte) (int, error)    { return len(text), nil }
func (*silent) WriteString(s string) (int, error) { return len(s), nil }
func (*silent) WriteHeader(int)                   {}
func (*silent) SetReadDeadline(time.Time) error   { return nil }

// BenchmarkHandler measures a whole request without the server around it: "handler"
// with a secret, the limits, decoding and an inbox that keeps nothing; "floor" is
// json.NewDecoder on http.MaxBytesReader and nothing else.
func BenchmarkHandler(b *testing.B) {
	body := []byte(usualBody)
	serve := func(b *testing.B, handler http.Handler) {
		request := httptest.NewRequest(http.MethodPost, "/salebot/"+secret, nil)
		reader := &replay{}
		request.Body, request.ContentLength = reader, int64(len(body))
		w := &silent{header: http.Header{}}
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			reader.Reset(body)
			handler.ServeHTTP(w, request)
		}
	}
	b.Run("handler", func(b *testing.B) {
		serve(b, newHandler(b, ignore, webhook.WithSecretInPath(secret), webhook.WithInbox(&stubInbox{put: func(context.Context, webhook.Entry) error { return nil }})))
	})
	b.Run("floor", func(b *testing.B) {
		serve(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var event strictEvent
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&event); err != nil {
				b.Fatal(err)
			}
			_, _ = io.WriteString(w, "ok")
		}))
	})
}

// BenchmarkMemoryInbox takes an event through its life: put, leased and committed.
func BenchmarkMemoryInbox(b *testing.B) {
	inbox := webhook.NewMemoryInbox(webhook.MemoryOptions{})
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := inbox.Put(ctx, webhook.Entry{Endpoint: "bench", ClientID: 1, Body: usualBody}); err != nil {
			b.Fatal(err)
		}
		deliveries, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: "bench", Max: 1, Duration: webhook.DefaultEventTimeout})
		if err != nil {
			b.Fatal(err)
		}
		if err := inbox.Commit(ctx, deliveries[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeFlat reads bodies of "API request" blocks.
func BenchmarkDecodeFlat(b *testing.B) {
	for name, body := range map[string]string{
		"json":           `{"client_id":836000000,"platform_id":"6250000000","name":"Ann Lee","question":"Where is my order?"}`,
		"form":           "client_id=836000000&platform_id=6250000000&name=Ann+Lee&question=Where+is+my+order%3F",
		"double-encoded": fmt.Sprintf("%q", `{"client_id":836000000,"name":"Ann Lee"}`),
	} {
		b.Run(name, func(b *testing.B) {
			text := []byte(strings.TrimSpace(body))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := webhook.DecodeFlat(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
