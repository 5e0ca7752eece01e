// Paymentnotice shows the trace of a payment notice: a shop posts that an order was paid,
// the service starts the bot, and every step of that is a span. It runs on an emulator
// that fails once, needs no key, and prints the trace.
//
//	go run ./otel/examples/paymentnotice
//
// A real service gives its exporter, such as otlptracehttp, to trace.WithBatcher in place
// of the printer here.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	otelapi "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/salebot-go/salebot"
	otelsalebot "github.com/salebot-go/salebot/otel"
	"github.com/salebot-go/salebot/salebottest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	spans := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(spans))
	otelapi.SetTracerProvider(provider) // what NewClientHook uses if it is given none

	emulator, err := salebottest.Open(salebottest.WithPerson(salebottest.Person{ID: 25554, Name: "Ann"}))
	if err != nil {
		return err
	}
	defer emulator.Close()
	emulator.Fail(salebottest.Fault{Action: "save_variables", Status: http.StatusBadGateway})

	hook, err := otelsalebot.NewClientHook()
	if err != nil {
		return err
	}
	client, err := emulator.Connect(salebot.WithHook(hook))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()

	notice := strings.NewReader(`{"client_id": 25554, "order": "4711"}`)
	answer := httptest.NewRecorder()
	handler(client).ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodPost, "/paid", notice))
	show(out, spans.GetSpans(), oteltrace.SpanID{}, "")
	return nil
}

// handler starts the bot for whoever paid. It makes a span of each request, as the
// instrumentation of an HTTP server would do.
func handler(client *salebot.Client) http.Handler {
	tracer := otelapi.Tracer("paymentnotice")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := tracer.Start(r.Context(), "POST /paid", oteltrace.WithSpanKind(oteltrace.SpanKindServer))
		defer span.End()
		var paid struct {
			ClientID salebot.ClientID `json:"client_id"`
			Order    string           `json:"order"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&paid); err != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		_, err := client.SaveVariablesAndCallback(ctx, salebot.SaveVariablesAndCallbackRequest{
			Variables: map[string]any{"order": paid.Order},
			Callback:  salebot.CallbackRequest{ClientID: paid.ClientID, Message: "order_paid"},
		})
		if err != nil {
			http.Error(w, "the bot was not, or may not have been, started", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

// show writes the spans below a parent, in the order in which they began.
func show(out io.Writer, spans tracetest.SpanStubs, parent oteltrace.SpanID, indent string) {
	for _, span := range spans {
		if span.Parent.SpanID() != parent {
			continue
		}
		_, _ = fmt.Fprintf(out, "%s%s", indent, span.Name)
		for _, a := range span.Attributes {
			switch a.Key {
			case "salebot.outcome", "salebot.attempts", "http.response.status_code", "http.request.resend_count":
				_, _ = fmt.Fprintf(out, "  %s=%s", a.Key, a.Value.String())
			}
		}
		_, _ = fmt.Fprintln(out)
		show(out, spans, span.SpanContext.SpanID(), indent+"  ")
	}
}
