package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/bench/pairs"
	"github.com/salebot-go/salebot/internal/wait"
	"github.com/salebot-go/salebot/salebottest"
)

// A run of paceItems items, each of which takes paceDelay, against a server that allows
// pacePerSecond of them.
const (
	paceItems     = 1000
	pacePerSecond = 50
	paceDelay     = 12 * time.Millisecond
	runsAtOnce    = 3
)

// paceRun is a run against one kind of server.
type paceRun struct {
	server  string
	burst   int // 0 is a window
	asks    string
	workers int

	took              time.Duration
	refused, rejected int
	err               error
}

// comparePace measures how close runs come to the pace that a server allows. They
// mostly wait, so some of them go on at once, but not all: a request that comes a
// millisecond late for want of a processor counts with a bucket of 1.
func comparePace(ctx context.Context, _ pairs.Settings) error {
	var runs []*paceRun
	for _, server := range []struct {
		name  string
		burst int
	}{{"token bucket of 1", 1}, {"token bucket of 50", 50}, {"fixed window", 0}} {
		for _, asks := range []string{"seconds", "none"} {
			for _, workers := range []int{1, 8, 64} {
				runs = append(runs, &paceRun{server: server.name, burst: server.burst, asks: asks, workers: workers})
			}
		}
	}
	for some := range slices.Chunk(runs, runsAtOnce) {
		var group sync.WaitGroup
		for _, run := range some {
			group.Go(func() { run.err = run.run(ctx) })
		}
		group.Wait()
	}
	fmt.Printf("\na run of %d items against a server that allows %d a second\n\n", paceItems, pacePerSecond)
	fmt.Println("| server | Retry-After | workers | time | of what it allows | answers of 429 | items rejected |")
	fmt.Println("|---|---|--:|--:|--:|--:|--:|")
	for _, run := range runs {
		if run.err != nil {
			return run.err
		}
		allowed := float64(paceItems-max(run.burst, 1)) / pacePerSecond
		if run.burst == 0 {
			allowed = float64(paceItems-pacePerSecond) / pacePerSecond
		}
		fmt.Printf("| %s | %s | %d | %.1fs | %.2f | %d | %d |\n", run.server, run.asks, run.workers,
			run.took.Seconds(), run.took.Seconds()/allowed, run.refused, run.rejected)
	}
	return nil
}

func (r *paceRun) run(ctx context.Context) error {
	people := make([]salebottest.Person, paceItems)
	for i := range people {
		people[i].ID = salebot.ClientID(i + 1)
	}
	emulator, err := salebottest.Open(salebottest.WithPeople(people...), salebottest.WithAnswers(salebottest.Answers{
		RateLimit:  salebottest.Limit{Requests: pacePerSecond, Per: time.Second, Burst: r.burst},
		RetryAfter: r.asks,
	}))
	if err != nil {
		return err
	}
	defer emulator.Close()
	network := &distant{near: emulator.Transport()}
	client, err := emulator.Connect(salebot.WithTransport(network))
	if err != nil {
		return err
	}
	start := time.Now()
	report, err := salebot.ForEach(ctx, client, numbers(paceItems), salebot.BulkOptions{Workers: r.workers},
		func(id salebot.ClientID) salebot.ClientID { return id },
		func(ctx context.Context, id salebot.ClientID) error {
			_, failed := client.Message(ctx, salebot.MessageRequest{ClientID: id, Message: "Hello"})
			return failed
		})
	r.took = time.Since(start)
	r.refused, r.rejected = int(network.refused.Load()), report.Rejected
	if report.Rejected > 0 {
		// It is told in the table.
		return nil
	}
	return err
}

// distant is a server that is paceDelay away, and counts its answers of 429.
type distant struct {
	near    http.RoundTripper
	refused atomic.Int64
}

func (d *distant) RoundTrip(request *http.Request) (*http.Response, error) {
	if !wait.For(request.Context(), paceDelay) {
		return nil, request.Context().Err()
	}
	response, err := d.near.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusTooManyRequests {
		d.refused.Add(1)
	}
	return response, err
}
