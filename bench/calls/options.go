package calls

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/salebot-go/salebot"
)

// Options lists the SDK with each of the options that watch or change requests, the SDK
// without any first.
func Options() []Variant {
	variants := []Variant{SDK}
	for _, o := range []struct {
		name   string
		option salebot.Option
	}{
		{"hook around calls and attempts", salebot.WithHook(salebot.Hook{
			BeforeCall: func(ctx context.Context, _ salebot.Call) context.Context { return ctx },
			AfterCall:  func(context.Context, salebot.Call) {},
			Before:     func(ctx context.Context, _ salebot.Attempt) context.Context { return ctx },
			After:      func(context.Context, salebot.Attempt) {},
		})},
		{"hook that sends a traceparent", salebot.WithHook(salebot.Hook{
			Headers: func(context.Context, salebot.Attempt) http.Header {
				return http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}
			},
		})},
		{"logger that is silent at debug level", salebot.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))},
		{"logger at debug level", salebot.WithLogger(slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})))},
		{"header", salebot.WithHeader("X-Tenant", "north")},
		{"middleware around calls", salebot.WithMiddleware(pass)},
		{"middleware around attempts", salebot.WithAttemptMiddleware(pass)},
		{"dump", salebot.WithDump(io.Discard)},
	} {
		variants = append(variants, Variant{Name: o.name, New: func(base string, transport http.RoundTripper) (Call, error) {
			return newSDK(base, transport, o.option)
		}})
	}
	for _, o := range []struct {
		name   string
		option salebot.CallOption
	}{
		{"parameter more", salebot.WithParameter("newer", 1)},
		{"repetition allowed", salebot.WithRepeatAllowed()},
		{"header of the call", salebot.WithHeader("X-Request-Id", "4711")},
	} {
		variants = append(variants, Variant{Name: o.name, New: func(base string, transport http.RoundTripper) (Call, error) {
			c, err := salebot.New(Key, salebot.WithBaseURL(base), salebot.WithTimeout(timeout), salebot.WithTransport(transport))
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				_, err := c.Message(ctx, salebot.MessageRequest{ClientID: client, Message: text}, o.option)
				return err
			}, nil
		}})
	}
	return append(variants, OpenTelemetry()...)
}

func pass(ctx context.Context, request *salebot.Request, next salebot.Next) (*salebot.Response, error) {
	return next(ctx, request)
}
