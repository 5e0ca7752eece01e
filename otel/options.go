package otelsalebot

import (
	otelapi "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/salebot-go/salebot"
)

// scope is the name under which spans and metrics are recorded.
const scope = "github.com/salebot-go/salebot/otel"

// Option configures NewClientHook, NewHandlerHook and ObserveInbox. All three may be given
// the same options: each ignores those that are not for it. If an option is given twice,
// the later one counts. A nil option is ignored.
type Option func(*config) error

type config struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
	clientID   bool
}

func newConfig(opts []Option) (config, error) {
	c := config{tracers: otelapi.GetTracerProvider(), meters: otelapi.GetMeterProvider()}
	for _, option := range opts {
		if option == nil {
			continue
		}
		if err := option(&c); err != nil {
			return config{}, err
		}
	}
	return c, nil
}

func (c *config) tracer() trace.Tracer {
	return c.tracers.Tracer(scope, trace.WithInstrumentationVersion(salebot.Version), trace.WithSchemaURL(semconv.SchemaURL))
}

func (c *config) meter() metric.Meter {
	return c.meters.Meter(scope, metric.WithInstrumentationVersion(salebot.Version), metric.WithSchemaURL(semconv.SchemaURL))
}

func badOption(option, problem string) error {
	return &salebot.OptionError{Option: option, Problem: problem}
}

// WithTracerProvider sets the provider for spans. The default is the global provider of
// OpenTelemetry. To turn spans off, use the provider of package
// go.opentelemetry.io/otel/trace/noop.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return func(c *config) error {
		if provider == nil {
			return badOption("WithTracerProvider", "the provider is nil")
		}
		c.tracers = provider
		return nil
	}
}

// WithMeterProvider sets the provider for metrics. The default is the global provider of
// OpenTelemetry. To turn metrics off, use the provider of package
// go.opentelemetry.io/otel/metric/noop.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return func(c *config) error {
		if provider == nil {
			return badOption("WithMeterProvider", "the provider is nil")
		}
		c.meters = provider
		return nil
	}
}

// WithPropagator sends the trace context with each attempt, for example as traceparent
// with propagation.TraceContext. It is for NewClientHook. By default nothing is sent:
// Salebot is a third party that makes no use of it, and baggage may contain what Salebot
// must not know. It is useful if there is a gateway of your own in between.
func WithPropagator(propagator propagation.TextMapPropagator) Option {
	return func(c *config) error {
		if propagator == nil {
			return badOption("WithPropagator", "the propagator is nil")
		}
		c.propagator = propagator
		return nil
	}
}

// WithClientID records the id of the client of a call or an event as salebot.client.id of
// spans, and never as a label of a metric. By default it is not recorded, because a client
// is a person.
func WithClientID() Option {
	return func(c *config) error {
		c.clientID = true
		return nil
	}
}
