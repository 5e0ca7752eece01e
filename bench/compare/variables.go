package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/bench/calls"
	"github.com/salebot-go/salebot/bench/pages"
	"github.com/salebot-go/salebot/bench/pairs"
	"github.com/salebot-go/salebot/internal/wait"
)

// compareVariables reads two pages of clients with their variables, callDelay an
// answer, with more and more requests for variables under way.
func compareVariables(ctx context.Context, _ pairs.Settings) error {
	client, err := salebot.New(calls.Key, salebot.WithTransport(waiting{}))
	if err != nil {
		return err
	}
	fmt.Printf("\n%d clients with their variables, %v a request\n\n", waitingClients, callDelay)
	fmt.Println("| requests for variables in flight | time | times as fast |")
	fmt.Println("|--:|--:|--:|")
	var single time.Duration
	for _, inFlight := range []int{1, 4, 16, 64} {
		start, count := time.Now(), 0
		for record, err := range client.ClientsWithVariables(ctx, salebot.ClientsWithVariablesRequest{VariablesInFlight: inFlight}) {
			if err != nil {
				return err
			}
			if record.Variables.Len() > 0 {
				count++
			}
		}
		if count != waitingClients {
			return errShort
		}
		took := time.Since(start)
		if inFlight == 1 {
			single = took
		}
		fmt.Printf("| %d | %v | %.2f |\n", inFlight, took.Round(time.Millisecond), float64(single)/float64(took))
	}
	return nil
}

const waitingClients = pages.Size + pages.Size/2

// waiting answers from memory, after callDelay.
type waiting struct{}

func (waiting) RoundTrip(request *http.Request) (*http.Response, error) {
	if !wait.For(request.Context(), callDelay) {
		return nil, request.Context().Err()
	}
	answer := pages.Variables(1)
	if strings.HasSuffix(request.URL.Path, "/get_clients") {
		var offset int
		if _, err := fmt.Sscan(request.URL.Query().Get("offset"), &offset); err != nil {
			offset = 0
		}
		answer = pages.Clients(offset, max(0, min(pages.Size, waitingClients-offset)))
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(answer)), ContentLength: int64(len(answer)), Request: request,
	}, nil
}
