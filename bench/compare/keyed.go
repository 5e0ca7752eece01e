package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/bench/calls"
	"github.com/salebot-go/salebot/bench/pairs"
	"github.com/salebot-go/salebot/bench/peer"
	"github.com/salebot-go/salebot/internal/wait"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/sqlite"
)

// keyedDelay is how long the server takes for a call.
const keyedDelay = 20 * time.Millisecond

// keyedRounds is how often each caller calls in a slice, and keyedSlices the number of
// slices; plain and keyed calls take turns.
const (
	keyedRounds = 25
	keyedSlices = 5
)

// compareKeyed measures calls with an idempotency key beside plain ones.
func compareKeyed(ctx context.Context, _ pairs.Settings) error {
	address, stop, err := peer.Start()
	if err != nil {
		return err
	}
	defer stop()
	folder, err := os.MkdirTemp("", "ledgers")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	memory, err := ledger.NewMemory()
	if err != nil {
		return err
	}
	file, err := ledger.OpenFile(filepath.Join(folder, "file"))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	database, err := sqlite.OpenLedger(filepath.Join(folder, "database")) //nolint:contextcheck // it lives as long as it is open
	if err != nil {
		return err
	}
	defer func() { _ = database.Close() }()
	fmt.Printf("\na message with an idempotency key, %v a call\n\n", keyedDelay)
	fmt.Println("| ledger | callers | server | a plain call | a call with a key | ratio |")
	fmt.Println("|---|--:|---|--:|--:|--:|")
	for _, subject := range []struct {
		name   string
		ledger ledger.Ledger
	}{{"memory", memory}, {"file", file}, {"sqlite", database}} {
		client, err := salebot.New(calls.Key, salebot.WithBaseURL(address+peer.Path(keyedDelay, 0)), salebot.WithLedger(subject.ledger, "bench"))
		if err != nil {
			return err
		}
		for _, row := range []struct {
			callers int
			server  string
			options []salebot.Option
		}{
			{1, "over loopback", nil},
			{16, "over loopback", nil},
			// With so many, the server's own work would fill the machine.
			{256, "waits 20 ms", []salebot.Option{salebot.WithTransport(waitingServer{})}},
			{256, "waits 15 to 25 ms", []salebot.Option{salebot.WithTransport(waitingServer{spread: 5 * time.Millisecond})}},
		} {
			caller, err := client.With(row.options...)
			if err != nil {
				return err
			}
			plain, keyed, err := keyedPair(ctx, caller, row.callers)
			if err != nil {
				return err
			}
			fmt.Printf("| %s | %d | %s | %v | %v | %.2f |\n", subject.name, row.callers, row.server,
				plain.Round(10*time.Microsecond), keyed.Round(10*time.Microsecond), float64(keyed)/float64(plain))
		}
		client.CloseIdleConnections()
	}
	return nil
}

// waitingServer is a server that does nothing but to wait, up to spread more or less than
// keyedDelay. Without a spread, callers who began together come back together each time.
type waitingServer struct{ spread time.Duration }

func (w waitingServer) RoundTrip(request *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, request.Body); err != nil {
		return nil, err
	}
	delay := keyedDelay
	if w.spread > 0 {
		delay += rand.N(2*w.spread) - w.spread //nolint:gosec // no secret
	}
	if !wait.For(request.Context(), delay) {
		return nil, request.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: request, Body: io.NopCloser(strings.NewReader(`{"status":"success"}`))}, nil
}

// keyNumber makes each key a new one.
var keyNumber atomic.Int64

// keyedPair returns the time of a call without and with a key.
func keyedPair(ctx context.Context, client *salebot.Client, callers int) (plain, keyed time.Duration, err error) {
	for range keyedSlices {
		for _, withKey := range []bool{false, true} {
			took, err := keyedSlice(ctx, client, callers, withKey)
			if err != nil {
				return 0, 0, err
			}
			if withKey {
				keyed += took
			} else {
				plain += took
			}
		}
	}
	return plain / (keyedSlices * keyedRounds), keyed / (keyedSlices * keyedRounds), nil
}

func keyedSlice(ctx context.Context, client *salebot.Client, callers int, withKey bool) (time.Duration, error) {
	var group sync.WaitGroup
	failures := make([]error, callers)
	start := time.Now()
	for caller := range callers {
		group.Go(func() {
			for range keyedRounds {
				var opts []salebot.CallOption
				if withKey {
					opts = []salebot.CallOption{salebot.WithIdempotencyKey(strconv.FormatInt(keyNumber.Add(1), 10))}
				}
				_, err := client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: "Hello"}, opts...)
				if err != nil {
					failures[caller] = err
					return
				}
			}
		})
	}
	group.Wait()
	took := time.Since(start)
	for _, err := range failures {
		if err != nil {
			return 0, err
		}
	}
	return took, nil
}
