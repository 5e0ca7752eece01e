package webhook

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// typicalBody is a webhook body of the usual size.
const typicalBody = `{"id":22560000001,"client":{"id":836000000,"recepient":"6250000000","client_type":1,"name":"Анна Ли","avatar":null,` +
	`"created_at":"2026-05-28 17:33:42.539976","tag":null,"group":"MyBot","variables":{"tg_username":"annlee","class":"A","utm_source":null,` +
	`"city":"Санкт-Петербург","visits":"14","last_order":"A-17","phone":"79000000000"},"order_variables":{"size":"M","price":"1500"}},` +
	`"message":"Здравствуйте! Где мой заказ?","attachments":["https://files.example/a.png"],"message_id":null,"project_id":424000,"is_input":1,"delivered":1,"error_message":null,"internal_id":"123456789"}`

// strictEvent is what a hand-written receiver would decode into.
type strictEvent struct {
	ID     int64 `json:"id"`
	Client struct {
		ID             int64          `json:"id"`
		Recepient      string         `json:"recepient"`
		ClientType     int            `json:"client_type"`
		Name           *string        `json:"name"`
		Avatar         *string        `json:"avatar"`
		CreatedAt      string         `json:"created_at"`
		Tag            *string        `json:"tag"`
		Group          string         `json:"group"`
		Variables      map[string]any `json:"variables"`
		OrderVariables map[string]any `json:"order_variables"`
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

func BenchmarkDecode(b *testing.B) {
	body := []byte(typicalBody)
	b.Run("webhook", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if _, err := Decode(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			var e strictEvent
			if err := json.Unmarshal(body, &e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json-raw-variables", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			var e struct {
				strictEvent
				Client struct {
					ID                                  int64
					Recepient, Name, Avatar, Tag, Group *string
					ClientType                          int    `json:"client_type"`
					CreatedAt                           string `json:"created_at"`
					Variables                           json.RawMessage
					OrderVariables                      json.RawMessage `json:"order_variables"`
				} `json:"client"`
			}
			if err := json.Unmarshal(body, &e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor-NewDecoder-MaxBytesReader", func(b *testing.B) {
		b.ReportAllocs()
		w := httptest.NewRecorder()
		for b.Loop() {
			var e strictEvent
			if err := json.NewDecoder(http.MaxBytesReader(w, io.NopCloser(bytes.NewReader(body)), 1<<20)).Decode(&e); err != nil {
				b.Fatal(err)
			}
		}
	})
}
