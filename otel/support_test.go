package otelsalebot_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/salebot-go/salebot"
	otelsalebot "github.com/salebot-go/salebot/otel"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ann = salebot.ClientID(25554)

// telemetry collects what is recorded.
type telemetry struct {
	spans   *tracetest.InMemoryExporter
	tracers *trace.TracerProvider
	reader  *metric.ManualReader
	meters  *metric.MeterProvider
}

func newTelemetry() *telemetry {
	spans, reader := tracetest.NewInMemoryExporter(), metric.NewManualReader()
	return &telemetry{
		spans: spans, tracers: trace.NewTracerProvider(trace.WithSyncer(spans)),
		reader: reader, meters: metric.NewMeterProvider(metric.WithReader(reader)),
	}
}

// with returns options that record here.
func (c *telemetry) with(opts ...otelsalebot.Option) []otelsalebot.Option {
	return append([]otelsalebot.Option{otelsalebot.WithTracerProvider(c.tracers), otelsalebot.WithMeterProvider(c.meters)}, opts...)
}

// span returns the one span with a name.
func (c *telemetry) span(t *testing.T, name string) tracetest.SpanStub {
	t.Helper()
	found := c.named(name)
	require.Len(t, found, 1, "spans with the name %q of %v", name, c.names())
	return found[0]
}

func (c *telemetry) named(name string) []tracetest.SpanStub {
	var found []tracetest.SpanStub
	for _, span := range c.spans.GetSpans() {
		if span.Name == name {
			found = append(found, span)
		}
	}
	return found
}

// names are those of all spans, in the order of their ends.
func (c *telemetry) names() []string {
	names := []string{}
	for _, span := range c.spans.GetSpans() {
		names = append(names, span.Name)
	}
	return names
}

func (c *telemetry) metrics(t *testing.T) metricdata.ResourceMetrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, c.reader.Collect(t.Context(), &all))
	return all
}

// points are the label sets of an instrument and, for each, how often it was measured
// and the sum; of a gauge the value is the sum.
func (c *telemetry) points(t *testing.T, name string) map[string]point {
	t.Helper()
	points := map[string]point{}
	for _, scope := range c.metrics(t).ScopeMetrics {
		require.Equal(t, "github.com/salebot-go/salebot/otel", scope.Scope.Name)
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					points[text(p.Attributes.ToSlice())] = point{p.Count, p.Sum}
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					points[text(p.Attributes.ToSlice())] = point{1, float64(p.Value)}
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					points[text(p.Attributes.ToSlice())] = point{1, p.Value}
				}
			default:
				require.Failf(t, "another kind of instrument", "%s: %T", name, data)
			}
		}
	}
	return points
}

type point struct {
	count uint64
	sum   float64
}

// counts are the points without what depends on time.
func counts(points map[string]point) map[string]uint64 {
	all := map[string]uint64{}
	for name, p := range points {
		all[name] = p.count
	}
	return all
}

// text has the attributes sorted by their names.
func text(attributes []attribute.KeyValue) string {
	set := attribute.NewSet(attributes...)
	return set.Encoded(attribute.DefaultEncoder())
}

// newEmulator has Ann.
func newEmulator(t *testing.T) *salebottest.Emulator {
	t.Helper()
	return salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann, Name: "Ann"}))
}

func observed(t *testing.T, emulator *salebottest.Emulator, options ...otelsalebot.Option) *salebot.Client {
	t.Helper()
	hook, err := otelsalebot.NewClientHook(options...)
	require.NoError(t, err)
	return emulator.Client(t, salebot.WithHook(hook), salebot.WithRetryPolicy(salebot.RetryPolicy{BaseDelay: time.Nanosecond, MaxDelay: time.Nanosecond}))
}

// newHandler ends with the test.
func newHandler(t *testing.T, fn webhook.Func, hook webhook.Hook, options ...webhook.Option) *webhook.Handler {
	t.Helper()
	handler, err := webhook.New(fn, append([]webhook.Option{webhook.WithoutSecret(), webhook.WithHook(hook)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = handler.Stop(context.WithoutCancel(t.Context())) })
	return handler
}

const body = `{"id":7,"client":{"id":25554,"recepient":"1","client_type":1},"message":"hi","is_input":1,"delivered":1}`

func post(t *testing.T, handler http.Handler, target, body string) int {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body)))
	return recorder.Code
}
