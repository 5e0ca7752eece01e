package sqliteinbox_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/sqliteinbox"
)

// silentInbox hands nothing out, so that only the way in is measured.
type silentInbox struct{ webhook.Inbox }

func (s silentInbox) Lease(ctx context.Context, _ webhook.LeaseRequest) ([]webhook.Delivery, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// nothing keeps nothing: with it a handler only decodes.
type nothing struct{ sequence atomic.Int64 }

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

// flushEach appends each event to a plain file and flushes it: what a receiver by
// hand would do.
type flushEach struct {
	nothing
	mu   sync.Mutex
	file *os.File
}

func (f *flushEach) Put(_ context.Context, entry webhook.Entry) (webhook.Receipt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.file.WriteString(entry.Body + "\n"); err != nil {
		return webhook.Receipt{}, err
	}
	if err := syscall.Fdatasync(int(f.file.Fd())); err != nil {
		return webhook.Receipt{}, err
	}
	return f.nothing.Put(context.Background(), entry)
}

// BenchmarkReceive compares, over real connections and in turns, what a receiver
// acknowledges a second when it only decodes, when it flushes each event into a
// plain file, and when it puts them into an Inbox. The metrics are medians:
// decode/s, fdatasync/s and sqlite/s, the ratios of the last to the others, and the
// time of the processors that the receiver takes for an event.
// "working" has workers that handle and commit the events at the same time.
func BenchmarkReceive(b *testing.B) {
	for _, senders := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) { benchmarkReceive(b, senders) })
	}
}

func benchmarkReceive(b *testing.B, senders int) {
	const round = 400 * time.Millisecond
	file, err := os.Create(filepath.Join(b.TempDir(), "events"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	options := sqliteinbox.Options{MaxPending: 50_000_000}
	variants := []struct {
		name  string
		inbox webhook.Inbox
	}{
		{"decode", &nothing{}},
		{"fdatasync", &flushEach{file: file}},
		{"sqlite", silentInbox{openInbox(b, filepath.Join(b.TempDir(), "silent.db"), options)}},
		{"working", openInbox(b, filepath.Join(b.TempDir(), "working.db"), options)},
	}
	addresses := make([]string, len(variants))
	for i, v := range variants {
		handler, err := webhook.New(func(context.Context, *webhook.Event) error { return nil }, webhook.WithoutSecret(), webhook.WithInbox(v.inbox))
		if err != nil {
			b.Fatal(err)
		}
		addresses[i] = serve(b, handler)
		b.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_ = handler.Stop(ctx)
		})
	}
	rates, costs := make([][]float64, len(variants)), make([][]float64, len(variants))
	next := int64(1)
	for _, address := range addresses {
		// The files grow at first; afterwards they are written over.
		load(b, address, senders, round, next)
		next += 10_000_000
	}
	for b.Loop() {
		for _, i := range rand.Perm(len(variants)) {
			before := processorTime(b)
			rate := load(b, addresses[i], senders, round, next)
			rates[i] = append(rates[i], rate)
			costs[i] = append(costs[i], (processorTime(b)-before).Seconds()*1e6/(rate*round.Seconds()))
			next += 10_000_000
		}
	}
	for i, v := range variants {
		b.ReportMetric(median(rates[i]), v.name+"/s")
		b.ReportMetric(median(costs[i]), v.name+"-cpu-µs")
	}
	ratio := func(a, base int) float64 {
		ratios := make([]float64, len(rates[a]))
		for i := range ratios {
			ratios[i] = rates[a][i] / rates[base][i]
		}
		return median(ratios)
	}
	b.ReportMetric(ratio(2, 0), "sqlite:decode")
	b.ReportMetric(ratio(2, 1), "sqlite:fdatasync")
	b.ReportMetric(ratio(3, 0), "working:decode")
	b.ReportMetric(0, "ns/op")
}

// processorTime is what this process has used, the senders not counted. Other than
// the rates it hardly depends on what else the machine does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
