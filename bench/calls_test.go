package bench

import (
	"context"
	"net/http"
	"os"
	"runtime"
	"testing"

	"github.com/salebot-go/salebot/bench/calls"
	"github.com/salebot-go/salebot/bench/pages"
	"github.com/salebot-go/salebot/bench/peer"
	"github.com/salebot-go/salebot/bench/receive"
)

func TestMain(m *testing.M) {
	peer.Serve(peer.Handler([]byte(calls.Answer), pages.Clients))
	receive.RunLoad()
	os.Exit(m.Run())
}

// BenchmarkCallInMemory is the cost of the client alone.
func BenchmarkCallInMemory(b *testing.B) {
	for _, variant := range calls.Variants() {
		b.Run(variant.Name, func(b *testing.B) {
			benchmarkCall(b, variant, "http://127.0.0.1/api", peer.NewMemory([]byte(calls.Answer)))
		})
	}
}

// BenchmarkOptions is what watching and changing requests costs.
func BenchmarkOptions(b *testing.B) {
	for _, variant := range calls.Options() {
		b.Run(variant.Name, func(b *testing.B) {
			benchmarkCall(b, variant, "http://127.0.0.1/api", peer.NewMemory([]byte(calls.Answer)))
		})
	}
}

// BenchmarkCallSerial is one call after the other over the loopback network.
func BenchmarkCallSerial(b *testing.B) {
	address := startPeer(b)
	for _, variant := range calls.Variants() {
		b.Run(variant.Name, func(b *testing.B) { benchmarkCall(b, variant, address, nil) })
	}
}

// BenchmarkCall64AtOnce is 64 calls at a time over the loopback network.
func BenchmarkCall64AtOnce(b *testing.B) {
	address := startPeer(b)
	for _, variant := range calls.Variants() {
		b.Run(variant.Name, func(b *testing.B) {
			call, err := variant.New(address, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetParallelism(64 / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := call(b.Context()); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func startPeer(b *testing.B) string {
	b.Helper()
	address, stop, err := peer.Start()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(stop)
	return address + peer.Path(0, 0)
}

func benchmarkCall(b *testing.B, variant calls.Variant, address string, transport http.RoundTripper) {
	b.Helper()
	call, err := variant.New(address, transport)
	if err != nil {
		b.Fatal(err)
	}
	run(b, call)
}

func run(b *testing.B, work func(context.Context) error) {
	b.Helper()
	b.ReportAllocs()
	ctx := b.Context()
	for b.Loop() {
		if err := work(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
