package calls

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/salebot-go/salebot"
	otelsalebot "github.com/salebot-go/salebot/otel"
)

// OpenTelemetry lists the SDK with the hook of the module otel: in a program that has set
// no provider, and in one that records every call.
func OpenTelemetry() []Variant {
	recording := []otelsalebot.Option{
		otelsalebot.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(nowhere{}))),
		otelsalebot.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))),
	}
	return []Variant{
		withHook("OpenTelemetry without a provider"),
		withHook("OpenTelemetry, spans and metrics recorded", recording...),
	}
}

func withHook(name string, options ...otelsalebot.Option) Variant {
	return Variant{Name: name, New: func(base string, transport http.RoundTripper) (Call, error) {
		hook, err := otelsalebot.NewClientHook(options...)
		if err != nil {
			return nil, err
		}
		return newSDK(base, transport, salebot.WithHook(hook))
	}}
}

// nowhere is a destination of spans that costs nothing.
type nowhere struct{}

func (nowhere) OnStart(context.Context, trace.ReadWriteSpan) {}
func (nowhere) OnEnd(trace.ReadOnlySpan)                     {}
func (nowhere) Shutdown(context.Context) error               { return nil }
func (nowhere) ForceFlush(context.Context) error             { return nil }
