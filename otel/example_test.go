package otelsalebot_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/salebot-go/salebot"
	otelsalebot "github.com/salebot-go/salebot/otel"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// Each call has a span, and so has each of its attempts. A program that has set the
// global providers of OpenTelemetry needs no options.
func ExampleNewClientHook() {
	spans := tracetest.NewInMemoryExporter()
	hook, err := otelsalebot.NewClientHook(otelsalebot.WithTracerProvider(trace.NewTracerProvider(trace.WithSyncer(spans))))
	if err != nil {
		log.Panic(err)
	}
	emulator, err := salebottest.Open(salebottest.WithPerson(salebottest.Person{ID: 25554, Name: "Ann"}))
	if err != nil {
		log.Panic(err)
	}
	defer emulator.Close()
	client, err := emulator.Connect(salebot.WithHook(hook))
	if err != nil {
		log.Panic(err)
	}
	defer client.CloseIdleConnections()

	_, err = client.Message(context.Background(), salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
	fmt.Println(err)
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name)
	}
	// Output:
	// <nil>
	// POST /api/{api_key}/message
	// salebot message
}

// The span of an event has a link to the request that brought it.
func ExampleNewHandlerHook() {
	spans := tracetest.NewInMemoryExporter()
	hook, err := otelsalebot.NewHandlerHook(otelsalebot.WithTracerProvider(trace.NewTracerProvider(trace.WithSyncer(spans))))
	if err != nil {
		log.Panic(err)
	}
	handler, err := webhook.New(func(context.Context, *webhook.Event) error { return nil },
		webhook.WithSecretInPath("not-a-guess"), webhook.WithHook(hook))
	if err != nil {
		log.Panic(err)
	}
	message := strings.NewReader(`{"id": 7, "client": {"id": 25554}, "message": "Hi", "is_input": 1}`)
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/not-a-guess", message))
	if err := handler.Shutdown(context.Background()); err != nil {
		log.Panic(err)
	}
	names := map[string]trace.ReadOnlySpan{}
	for _, span := range spans.GetSpans().Snapshots() {
		names[span.Name()] = span
	}
	receive, process := names["receive default"], names["process default"]
	fmt.Println(process.Links()[0].SpanContext.Equal(receive.SpanContext()))
	// Output:
	// true
}

// How many events are in which state is read when metrics are collected.
func ExampleObserveInbox() {
	reader := metric.NewManualReader()
	inbox, err := webhook.NewMemoryInbox()
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = inbox.Close() }()
	_, err = otelsalebot.ObserveInbox(inbox, webhook.DefaultEndpoint,
		otelsalebot.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))))
	if err != nil {
		log.Panic(err)
	}
	if _, err := inbox.Put(context.Background(), webhook.Entry{Endpoint: webhook.DefaultEndpoint}); err != nil {
		log.Panic(err)
	}

	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		log.Panic(err)
	}
	for _, m := range all.ScopeMetrics[0].Metrics {
		if gauge, ok := m.Data.(metricdata.Gauge[int64]); ok {
			for _, point := range gauge.DataPoints {
				state, _ := point.Attributes.Value("salebot.event.state")
				fmt.Println(m.Name, state.AsString(), point.Value)
			}
		}
	}
	// Unordered output:
	// salebot.inbox.events waiting 1
	// salebot.inbox.events delayed 0
	// salebot.inbox.events leased 0
	// salebot.inbox.events dead 0
	// salebot.inbox.events damaged 0
}
