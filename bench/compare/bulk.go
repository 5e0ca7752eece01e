package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/bench/calls"
	"github.com/salebot-go/salebot/bench/pairs"
	"github.com/salebot-go/salebot/bench/peer"
)

const callDelay = 20 * time.Millisecond

// compareBulk sends a message to each of many clients, by several workers and
// under a limiter.
func compareBulk(ctx context.Context, _ pairs.Settings) error {
	address, stop, err := peer.Start()
	if err != nil {
		return err
	}
	defer stop()
	fmt.Printf("\na message to each of many clients, %v a call\n\n", callDelay)
	fmt.Println("| workers | calls a second | times one worker | share of the workers |")
	fmt.Println("|--:|--:|--:|--:|")
	var single float64
	for _, workers := range []int{1, 2, 4, 8, 16} {
		pace, err := sendMany(ctx, address+peer.Path(callDelay, 0), workers, 150*workers)
		if err != nil {
			return err
		}
		if workers == 1 {
			single = pace
		}
		fmt.Printf("| %d | %.0f | %.2f | %.2f |\n", workers, pace, pace/single, pace/single/float64(workers))
	}
	fmt.Print("\na message to each of many clients, 16 workers under a limiter\n\n")
	fmt.Println("| limit a second | calls a second | of the limit |")
	fmt.Println("|--:|--:|--:|")
	for _, limit := range []int{50, 200, 1000} {
		pace, err := sendMany(ctx, address+peer.Path(0, 0), 16, 3*limit, salebot.WithRateLimit(float64(limit), 1))
		if err != nil {
			return err
		}
		fmt.Printf("| %d | %.1f | %.1f %% |\n", limit, pace, 100*pace/float64(limit))
	}
	return nil
}

// sendMany returns the number of calls a second.
func sendMany(ctx context.Context, base string, workers, count int, options ...salebot.Option) (float64, error) {
	client, err := salebot.New(calls.Key, append(options, salebot.WithBaseURL(base))...)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	_, err = salebot.ForEach(ctx, client, numbers(count), salebot.BulkOptions{Workers: workers},
		func(id salebot.ClientID) salebot.ClientID { return id },
		func(ctx context.Context, id salebot.ClientID) error {
			_, failed := client.Message(ctx, salebot.MessageRequest{ClientID: id, Message: "Hello"})
			return failed
		})
	took := time.Since(start)
	// The first call of a limiter costs no waiting.
	return float64(count-1) / took.Seconds(), err
}

func numbers(count int) iter.Seq2[salebot.ClientID, error] {
	return func(yield func(salebot.ClientID, error) bool) {
		for id := range count {
			if !yield(salebot.ClientID(id+1), nil) {
				return
			}
		}
	}
}
