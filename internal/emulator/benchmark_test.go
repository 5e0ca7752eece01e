package emulator_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// discard is an http.ResponseWriter without a connection.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

func BenchmarkMessageHandler(b *testing.B) {
	emulator := newEmulator(b, withAnn())
	body := []byte(`{"client_id":25554,"message":"Your order is ready"}`)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://x/api/"+emulator.Key()+"/message", bytes.NewReader(body))
			emulator.ServeHTTP(discard{http.Header{}}, r)
		}
	})
}

func BenchmarkMessageOverLoopback(b *testing.B) {
	server := newServer(b, withAnn())
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Cleanup(transport.CloseIdleConnections)
	address := server.URL + "/" + server.Key() + "/message"
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, address, strings.NewReader(`{"client_id":25554,"message":"Your order is ready"}`))
			response, err := transport.RoundTrip(r)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	})
}

func manyClients(clients, messages int) *double {
	state := engine.Project{}
	for range clients {
		one := engine.PersonState{Person: engine.Person{ClientType: salebot.ClientTypeTelegram, Variables: map[string]any{"client.city": "Riga"}}}
		for range messages {
			one.History = append(one.History, engine.Message{Text: "Good morning"})
		}
		state.Clients = append(state.Clients, one)
	}
	return openEmulator(engine.WithProject(state))
}

func BenchmarkManyClients(b *testing.B) {
	emulator := manyClients(10_000, 100)
	b.Cleanup(emulator.Close)
	for _, query := range []string{
		"get_clients?limit=500&offset=5000",
		"get_history?client_id=836005000",
		"find_client_id_by_var?var=city&val=nowhere",
	} {
		name, _, _ := strings.Cut(query, "?")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://x/api/"+emulator.Key()+"/"+query, nil)
				emulator.ServeHTTP(discard{http.Header{}}, r)
			}
		})
	}
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			_ = emulator.Snapshot()
		}
	})
}
