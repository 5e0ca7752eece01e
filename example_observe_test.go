package salebot_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/salebot-go/salebot"
)

// A hook is told of each call and of each of its attempts. It can put a span into the
// context, and send its number along.
func ExampleHook() {
	type spanKey struct{}
	hook := salebot.Hook{
		BeforeCall: func(ctx context.Context, call salebot.Call) context.Context {
			return context.WithValue(ctx, spanKey{}, "span of "+call.Action)
		},
		Headers: func(ctx context.Context, attempt salebot.Attempt) http.Header {
			fmt.Printf("attempt %d in the %v\n", attempt.Number, ctx.Value(spanKey{}))
			return http.Header{"X-Span": {fmt.Sprint(ctx.Value(spanKey{}))}}
		},
		AfterCall: func(ctx context.Context, call salebot.Call) {
			fmt.Printf("end of the %v: %v, client %d, %d attempts\n", ctx.Value(spanKey{}), call.Outcome, call.ClientID, call.Attempts)
		},
	}
	client, closeEmulator := onEmulator(salebot.WithHook(hook))
	defer closeEmulator()

	_, _ = client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
	// An empty message is refused before anything is sent.
	_, _ = client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554})
	// Output:
	// attempt 1 in the span of message
	// end of the span of message: accepted, client 25554, 1 attempts
	// end of the span of message: not sent, client 0, 0 attempts
}

// The lines of the log have the same names in them for all actions.
func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		// Times would differ from run to run.
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		},
	}))
	client, closeEmulator := onEmulator(salebot.WithLogger(logger))
	defer closeEmulator()

	_, _ = client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
	// Output:
	// level=DEBUG msg="salebot call" action=message client=25554 outcome=accepted attempts=1 status=200
}

// A header for every call, and one for a single call.
func ExampleWithHeader() {
	client, closeEmulator := onEmulator(salebot.WithHeader("X-Tenant", "north"))
	defer closeEmulator()

	_, err := client.GetVariables(context.Background(), 25554, salebot.WithHeader("X-Request-ID", "4711"))
	fmt.Println(err)

	_, err = client.GetVariables(context.Background(), 25554, salebot.WithHeader("Idempotency-Key", "4711"))
	fmt.Println(err)
	// Output:
	// <nil>
	// salebot: get_variables: invalid request: WithHeader Idempotency-Key would let Go's HTTP client send a request twice; see WithIdempotencyKey
}
