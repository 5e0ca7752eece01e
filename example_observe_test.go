package salebot_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"

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

// A middleware around each call: it refuses calls while a switch is off, and answers
// reads from a cache of its own.
func ExampleWithMiddleware() {
	cache := map[salebot.ClientID]*salebot.Response{}
	caching := func(ctx context.Context, request *salebot.Request, next salebot.Next) (*salebot.Response, error) {
		if request.Action() != "get_variables" {
			return next(ctx, request)
		}
		if known := cache[request.ClientID()]; known != nil {
			fmt.Println("from the cache")
			return known, nil
		}
		response, err := next(ctx, request)
		if err == nil {
			cache[request.ClientID()] = response
		}
		return response, err
	}
	client, closeEmulator := onEmulator(salebot.WithMiddleware(caching))
	defer closeEmulator()

	for range 2 {
		variables, err := client.GetVariables(context.Background(), 25554)
		fmt.Println(variables.Text("city"), err)
	}
	// Output:
	// Kazan <nil>
	// from the cache
	// Kazan <nil>
}

// A middleware around each attempt, which sees every request that is really sent.
func ExampleWithAttemptMiddleware() {
	signing := func(ctx context.Context, request *salebot.Request, next salebot.Next) (*salebot.Response, error) {
		response, err := next(ctx, request.WithHeader("X-Body-Length", fmt.Sprint(len(request.Body()))))
		if err == nil {
			fmt.Printf("%s, attempt %d: %d %s\n", request.Action(), request.Attempt(), response.Status, response.Body)
		}
		return response, err
	}
	client, closeEmulator := onEmulator(salebot.WithAttemptMiddleware(signing))
	defer closeEmulator()

	_, err := client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
	fmt.Println(err)
	// Output:
	// message, attempt 1: 200 ok
	// <nil>
}

// What is really sent and answered, without the key.
func ExampleWithDump() {
	var out strings.Builder
	client, closeEmulator := onEmulator(salebot.WithDump(&out))
	defer closeEmulator()

	_, _ = client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
	first, _, _ := strings.Cut(out.String(), "\n")
	// The address is that of the emulator; the key is not in it.
	fmt.Println(strings.HasPrefix(first, "> message, attempt 1: POST http"), strings.HasSuffix(first, "/{api_key}/message"))
	fmt.Println(strings.Contains(out.String(), `> {"client_id":25554,"message":"Hello"}`))
	// Output:
	// true true
	// true
}

// A parameter that Salebot has introduced since this package was released.
func ExampleWithParameter() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	message := salebot.MessageRequest{ClientID: 25554, Message: "Hello"}
	_, err := client.Message(context.Background(), message, salebot.WithParameter("silent", true))
	fmt.Println(err)
	_, err = client.Message(context.Background(), message, salebot.WithParameter("message", "Goodbye"))
	fmt.Println(err)
	// Output:
	// <nil>
	// salebot: message: invalid request: WithParameter("message") is a parameter of message that the request has a field for, and cannot be replaced
}

// A callback whose flow checks whether it ran before may be repeated, unlike others.
func ExampleWithRepeatAllowed() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.Callback(context.Background(), salebot.CallbackRequest{ClientID: 25554, Message: "sync"}, salebot.WithRepeatAllowed())
	fmt.Println(err)
	// Output: <nil>
}

// A write that sets off something else should not be made twice.
func ExampleWithRepeatForbidden() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	_, err := client.SaveVariables(context.Background(), salebot.SaveVariablesRequest{
		ClientID: 25554, Variables: map[string]any{"client.city": "Riga"},
	}, salebot.WithRepeatForbidden())
	fmt.Println(err)
	// Output: <nil>
}

// The client's own transport with a proxy of one's own.
func ExampleNewTransport() {
	transport := salebot.NewTransport()
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example:3128"})
	client, err := salebot.New("0123456789abcdef", salebot.WithTransport(transport))
	fmt.Println(client, err)
	// Output: salebot.Client(https://chatter.salebot.pro/api/{api_key}) <nil>
}
