package webhook_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/salebot-go/salebot/webhook"
)

// usualBody is a body of the usual size.
const usualBody = `{"id":22560000001,"client":{"id":836000000,"recepient":"6250000000","client_type":1,"name":"Анна Ли","avatar":null,` +
	`"created_at":"2026-05-28 17:33:42.539976","tag":null,"group":"MyBot","variables":{"tg_username":"annlee","class":"A","utm_source":null,` +
	`"city":"Санкт-Петербург","visits":"14","last_order":"A-17","phone":"79000000000"},"order_variables":{"size":"M","price":"1500"}},` +
	`"message":"Здравствуйте! Где мой заказ?","attachments":["https://files.example/a.png"],"message_id":null,"project_id":424000,"is_input":1,"delivered":1,"error_message":null,"internal_id":"123456789"}`

// BenchmarkDecode reads a body of the usual size.
func BenchmarkDecode(b *testing.B) {
	body := []byte(usualBody)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := webhook.Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemoryInbox takes an event through its life: put, leased and committed.
func BenchmarkMemoryInbox(b *testing.B) {
	inbox := newMemoryInbox(b)
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
