//go:build postgres

package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
	"github.com/salebot-go/salebot/webhook"
)

// slice is how long a variant runs before it is the other one's turn.
const slice = 400 * time.Millisecond

// benchEntry is an event of one of a thousand clients.
func benchEntry(message int64) webhook.Entry {
	return webhook.Entry{
		Endpoint: "bench", ClientID: salebot.ClientID(message%1000 + 1), MessageID: salebot.MessageID(message), AcceptedAt: time.Now(),
		Body: fmt.Sprintf(`{"id":%d,"client":{"id":%d,"recepient":"1","client_type":1,"name":"A name of a usual length"},"message":"A message of a usual length, as people write them","attachments":[],"message_id":"1","is_input":1,"delivered":1,"error_message":""}`, message, message%1000+1),
	}
}

// rate runs a function from so many goroutines for a slice, and returns calls a second.
func rate(b *testing.B, senders int, call func(sender int, number int64) error) float64 {
	b.Helper()
	var done atomic.Int64
	var group sync.WaitGroup
	begin := time.Now()
	for sender := range senders {
		group.Go(func() {
			for time.Since(begin) < slice {
				if err := call(sender, numbers.Add(1)); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds()
}

// numbers makes messages that differ.
var numbers atomic.Int64

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func startServer(b *testing.B) *postgrestest.Server {
	b.Helper()
	server, err := postgrestest.Start(b.Context(), "max_connections=400", "shared_buffers=512MB", "max_wal_size=4GB")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.Remove(); err != nil {
			b.Error(err)
		}
	})
	return server
}

// BenchmarkPut compares Put with a plain INSERT that is committed, each from its own
// connection, in turns.
func BenchmarkPut(b *testing.B) {
	server := startServer(b)
	if err := server.Execute(b.Context(), "CREATE TABLE plain (id bigint PRIMARY KEY, client bigint, accepted timestamptz, body bytea)"); err != nil {
		b.Fatal(err)
	}
	for _, senders := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(senders), func(b *testing.B) {
			inbox := openInbox(b, server, newSchema(b, server))
			settings, err := pgxpool.ParseConfig(server.Address())
			if err != nil {
				b.Fatal(err)
			}
			settings.MaxConns = int32(senders) //nolint:gosec // small
			pool, err := pgxpool.NewWithConfig(b.Context(), settings)
			if err != nil {
				b.Fatal(err)
			}
			defer pool.Close()
			var plain, put, ratios []float64
			for round := range 2*b.N + 6 {
				p := rate(b, senders, func(_ int, n int64) error {
					e := benchEntry(n)
					_, err := pool.Exec(context.Background(), "INSERT INTO plain VALUES ($1, $2, $3, $4)", int64(e.MessageID), int64(e.ClientID), e.AcceptedAt, []byte(e.Body))
					return err
				})
				q := rate(b, senders, func(_ int, n int64) error {
					_, err := inbox.Put(context.Background(), benchEntry(n))
					return err
				})
				if round > 0 {
					plain, put, ratios = append(plain, p), append(put, q), append(ratios, q/p)
				}
			}
			b.ReportMetric(median(plain), "plain/s")
			b.ReportMetric(median(put), "put/s")
			b.ReportMetric(median(ratios), "ratio")
		})
	}
}
