package bench

import (
	"testing"

	"github.com/salebot-go/salebot/bench/pages"
)

// BenchmarkPage reads a page of 500 clients from memory.
func BenchmarkPage(b *testing.B) {
	body := pages.Clients(0, pages.Size)
	b.Run("strict types", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		run(b, pages.Strict[pages.StrictClient](body))
	})
	b.Run("salebot", func(b *testing.B) {
		read, err := pages.GetClients(body)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(body)))
		run(b, read)
	})
}

// BenchmarkSubscribers reads a page of 500 clients with ten variables each.
func BenchmarkSubscribers(b *testing.B) {
	body := pages.Subscribers(pages.Size)
	b.Run("map of any", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		run(b, pages.Strict[pages.StrictSubscriber](body))
	})
	b.Run("salebot", func(b *testing.B) {
		read, err := pages.GetSubscribers(body)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(body)))
		run(b, read)
	})
}

// BenchmarkVariables reads the ten variables of one client.
func BenchmarkVariables(b *testing.B) {
	body := pages.Variables(7)
	b.Run("map of any", func(b *testing.B) { run(b, pages.MapVariables(body)) })
	b.Run("salebot, none read", func(b *testing.B) { run(b, pages.RawVariables(body)) })
	b.Run("salebot, one read", func(b *testing.B) { run(b, pages.OneVariable(body)) })
}
