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

// Option sets what NewClientHook, NewHandlerHook and ObserveInbox do. One list of
// options may be given to all three: each ignores what is not for it. If an option is
// given twice, the later one counts. A nil option is ignored.
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

// WithTracerProvider sets where spans go. The default is the global provider of
// OpenTelemetry. A provider of package go.opentelemetry.io/otel/trace/noop switches
// spans off.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return func(c *config) error {
		if provider == nil {
			return badOption("WithTracerProvider", "the provider is nil")
		}
		c.tracers = provider
		return nil
	}
}

// WithMeterProvider sets where metrics go. The default is the global provider of
// OpenTelemetry. A provider of package go.opentelemetry.io/otel/metric/noop switches
// metrics off.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return func(c *config) error {
		if provider == nil {
			return badOption("WithMeterProvider", "the provider is nil")
		}
		c.meters = provider
		return nil
	}
}

// WithPropagator sends the context of the trace along with each attempt, for example as
// traceparent by propagation.TraceContext. It is for NewClientHook. By default nothing is sent:
// Salebot is a third party that does nothing with it, and baggage may hold what it is
// not to know. It is of use if a gateway of your own stands between.
func WithPropagator(propagator propagation.TextMapPropagator) Option {
	return func(c *config) error {
		if propagator == nil {
			return badOption("WithPropagator", "the propagator is nil")
		}
		c.propagator = propagator
		return nil
	}
}

// WithClientID records the number of the client, who is a person, as
// salebot.client.id of spans, if a call or an event is for one. It is never a label of a metric. By default
// it is not recorded.
func WithClientID() Option {
	return func(c *config) error {
		c.clientID = true
		return nil
	}
}
