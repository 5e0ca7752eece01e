//go:build postgres

package postgres_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/postgres"
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
			pool := newPool(b, server, senders)
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

// BenchmarkWaiting compares how long it takes to open an inbox, to lease and to commit 32
// events, and to put one, with nothing waiting and with a million events: spread over a
// hundred thousand clients, or half of them one client's and at the front. The
// connections made their plans while the tables were empty.
func BenchmarkWaiting(b *testing.B) {
	server := startServer(b)
	for _, hot := range []bool{false, true} {
		b.Run(map[bool]string{false: "spread", true: "half-of-one-client"}[hot], func(b *testing.B) {
			schema := newSchema(b, server)
			inbox := openInbox(b, server, schema, postgres.WithoutListen(), postgres.WithMaxPending(1<<30))
			empty := measure(b, server, inbox, schema)
			fill(b, server, inbox, hot)
			full := measure(b, server, inbox, schema)
			for what, before := range empty {
				b.ReportMetric(full[what].Seconds()/before.Seconds(), what+"-ratio")
				b.ReportMetric(full[what].Seconds()*1e3, what+"-ms")
			}
		})
	}
}

// fill puts a million events into the tables, as put does.
func fill(b *testing.B, server *postgrestest.Server, inbox *postgres.Inbox, hot bool) {
	b.Helper()
	client := "n % 100000 + 1"
	if hot {
		client = "CASE WHEN n <= 500000 THEN 1 ELSE n % 100000 + 1 END"
	}
	if err := server.Execute(b.Context(),
		inbox.SQL(`INSERT INTO salebot.event (client, endpoint, sequence, message, failed, recovered, accepted, body)
			SELECT `+client+`, 'bench', nextval('salebot.event_sequence'), 0, false, false, now(), convert_to(repeat('x', 250), 'UTF8') FROM generate_series(1, 1000000) n`),
		inbox.SQL(`INSERT INTO salebot.lane (client, single, endpoint, head) SELECT client, 0, endpoint, min(sequence) FROM salebot.event GROUP BY client, endpoint
			ON CONFLICT (client, single, endpoint) DO UPDATE SET head = excluded.head, due = NULL`),
		"ANALYZE", "CHECKPOINT"); err != nil {
		b.Fatal(err)
	}
}

// measure returns the medians of some operations.
func measure(b *testing.B, server *postgrestest.Server, inbox *postgres.Inbox, schema postgres.SharedOption) map[string]time.Duration {
	b.Helper()
	const rounds = 60
	times := map[string][]float64{}
	timed := func(what string, do func() error) {
		begin := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		times[what] = append(times[what], time.Since(begin).Seconds())
	}
	for range rounds {
		for range 40 {
			if _, err := inbox.Put(b.Context(), benchEntry(numbers.Add(1))); err != nil {
				b.Fatal(err)
			}
		}
		timed("put", func() error {
			_, err := inbox.Put(b.Context(), benchEntry(numbers.Add(1)))
			return err
		})
		var deliveries []webhook.Delivery
		timed("lease-32", func() (err error) {
			deliveries, err = inbox.Lease(b.Context(), webhook.LeaseRequest{Endpoint: "bench", Max: 32, Duration: time.Minute})
			return err
		})
		timed("commit-32", func() error {
			var group sync.WaitGroup
			for _, d := range deliveries {
				group.Go(func() {
					if err := inbox.Commit(b.Context(), d); err != nil {
						b.Error(err)
					}
				})
			}
			group.Wait()
			return nil
		})
	}
	for range rounds / 6 {
		timed("open", func() error {
			other, err := postgres.OpenInbox(b.Context(), server.Address(), schema, postgres.WithoutListen())
			if err != nil {
				return err
			}
			return other.Close()
		})
	}
	medians := map[string]time.Duration{}
	for what, all := range times {
		medians[what] = time.Duration(median(all) * float64(time.Second))
	}
	return medians
}

// BenchmarkLedger compares a call between two records of a ledger with one without, which
// both take 20 ms, and with one between two questions to the server that change nothing:
// what the machine and the connections cost by themselves.
func BenchmarkLedger(b *testing.B) {
	server := startServer(b)
	for _, callers := range []int{16, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			l, err := postgres.OpenLedger(b.Context(), server.Address(), newSchema(b, server))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			pool := newPool(b, server, callers)
			call := func() { <-time.After(20 * time.Millisecond) }
			var ratios, floors []float64
			for round := range 2*b.N + 6 {
				plain := rate(b, callers, func(int, int64) error { call(); return nil })
				asked := rate(b, callers, func(int, int64) error {
					if _, err := pool.Exec(b.Context(), "SELECT 1"); err != nil {
						return err
					}
					call()
					_, err := pool.Exec(b.Context(), "SELECT 1")
					return err
				})
				keyed := rate(b, callers, func(_ int, n int64) error {
					begun, err := l.Begin(b.Context(), ledger.Record{Key: digestOf(n), Content: digestOf(n)})
					if err != nil {
						return err
					}
					call()
					begun[0].State = ledger.Accepted
					_, err = l.End(b.Context(), begun...)
					return err
				})
				if round > 0 {
					ratios, floors = append(ratios, plain/keyed), append(floors, plain/asked)
				}
			}
			b.ReportMetric(median(ratios), "time-ratio")
			b.ReportMetric(median(floors), "two-questions-ratio")
		})
	}
}

// newPool makes a pool of connections without anything of this module.
func newPool(b *testing.B, server *postgrestest.Server, connections int) *pgxpool.Pool {
	b.Helper()
	settings, err := pgxpool.ParseConfig(server.Address())
	if err != nil {
		b.Fatal(err)
	}
	settings.MaxConns = int32(connections)
	pool, err := pgxpool.NewWithConfig(b.Context(), settings)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return pool
}

func digestOf(number int64) (d ledger.Digest) {
	binary.BigEndian.PutUint64(d[:], uint64(number))
	return d
}
