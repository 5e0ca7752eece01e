package otelsalebot

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/messagingconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// NewHandlerHook returns a hook that records spans and metrics for the requests that a
// receiver gets and the events that it handles; the package documentation lists them.
// Pass it to webhook.WithHook. Several handlers can share a hook. It fails with a
// salebot.OptionError if an option is not valid, or with the error of the meter provider.
//
// The span of an event links to the request that brought it if this process received the
// request with this hook, the event has a number, and at most 4096 events came since.
func NewHandlerHook(opts ...Option) (webhook.Hook, error) {
	c, err := newConfig(opts)
	if err != nil {
		return webhook.Hook{}, err
	}
	o := &handlerObserver{tracer: c.tracer(), clientID: c.clientID}
	o.receives = newCache(startOfReceive)
	o.processes = newCache(startOfProcess)
	histograms := instruments{meter: c.meter()}
	o.requests = histograms.seconds("salebot.webhook.request.duration", "Duration of requests to the receiver of Salebot's webhook.", requestSeconds)
	o.ages = histograms.seconds("salebot.webhook.event.age", "Time between the acceptance of an event and an attempt to handle it.", seconds)
	standard := messagingconv.ProcessDuration{}
	o.processed = histograms.seconds(standard.Name(), standard.Description(), seconds)
	if histograms.err != nil {
		return webhook.Hook{}, histograms.err
	}
	return webhook.Hook{Before: o.before, Keeping: o.received.keep, After: o.after}, nil
}

// handlerObserver is what the functions of a handler's hook share.
type handlerObserver struct {
	tracer   trace.Tracer
	clientID bool

	requests, ages, processed metric.Float64Histogram

	receives, processes *cache[string, start]
	received            links
}

func startOfReceive(endpoint string) start {
	return start{name: "receive " + endpoint, options: []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(messagingSystem, semconv.MessagingDestinationName(endpoint)),
	}}
}

func startOfProcess(endpoint string) start {
	return start{name: "process " + endpoint, options: []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(
			messagingSystem, semconv.MessagingDestinationName(endpoint),
			semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("process"),
		),
	}}
}

func (o *handlerObserver) before(ctx context.Context, step webhook.Step) context.Context {
	switch step.Kind {
	case webhook.StepReceive:
		begin, _ := o.receives.get(step.Endpoint)
		ctx, _ = o.tracer.Start(ctx, begin.name, begin.options...)
		return ctx
	case webhook.StepHandle:
		begin, _ := o.processes.get(step.Endpoint)
		handling, span := o.tracer.Start(ctx, begin.name, begin.options...)
		if span.IsRecording() {
			if origin, ok := o.received.find(step); ok {
				span.AddLink(trace.Link{SpanContext: origin})
			}
		}
		return handling
	case webhook.StepHealth:
	}
	return nil
}

func (o *handlerObserver) after(ctx context.Context, step webhook.Step) {
	switch step.Kind {
	case webhook.StepReceive:
		o.afterReceive(ctx, step)
	case webhook.StepHandle:
		o.afterHandle(ctx, step)
	case webhook.StepHealth:
	}
}

func (o *handlerObserver) afterReceive(ctx context.Context, step webhook.Step) {
	span := trace.SpanFromContext(ctx)
	defer span.End()
	if step.Result == webhook.ResultRefused {
		o.received.forget(step)
	}
	if span.IsRecording() {
		// Nothing but a POST can bring an event.
		method := semconv.HTTPRequestMethodPost
		if errors.Is(step.Err, webhook.ErrMethod) {
			method = semconv.HTTPRequestMethodOther
		}
		span.SetAttributes(method, semconv.HTTPResponseStatusCode(step.Status), semconv.HTTPRequestBodySize(step.BodySize))
		o.ofEvent(span, step)
		if step.Status >= http.StatusInternalServerError {
			// A request that was refused for what it is is no failure of the server.
			fail(span, step.Err)
		}
		if step.Err != nil {
			span.SetAttributes(semconv.ErrorTypeKey.String(httpErrorType(step.Status, step.Err)))
		}
	}
	if o.requests.Enabled(ctx) {
		o.requests.Record(ctx, step.Duration.Seconds(), labels(
			semconv.MessagingDestinationName(step.Endpoint), keyResult.String(step.Result.String()), semconv.HTTPResponseStatusCode(step.Status)))
	}
}

func (o *handlerObserver) afterHandle(ctx context.Context, step webhook.Step) {
	span := trace.SpanFromContext(ctx)
	defer span.End()
	if span.IsRecording() {
		span.SetAttributes(semconv.MessagingMessageBodySize(step.BodySize),
			keyEventAttempt.Int(step.Attempt), keyEventAge.Float64(step.Waited.Seconds()), keySequence.Int64(step.Sequence))
		o.ofEvent(span, step)
		if step.Err != nil {
			span.SetAttributes(semconv.ErrorTypeKey.String(errorType(step.Err)))
		}
		fail(span, step.Err)
	}
	destination := semconv.MessagingDestinationName(step.Endpoint)
	if o.ages.Enabled(ctx) {
		o.ages.Record(ctx, step.Waited.Seconds(), labels(destination))
	}
	if o.processed.Enabled(ctx) {
		attributes := []attribute.KeyValue{
			messagingSystem, destination, semconv.MessagingOperationName("process"), keyResult.String(step.Result.String()),
		}
		if step.Err != nil {
			attributes = append(attributes, semconv.ErrorTypeKey.String(errorType(step.Err)))
		}
		o.processed.Record(ctx, step.Duration.Seconds(), labels(attributes...))
	}
}

// ofEvent tells a span what is known of the event, and what came of the step.
func (o *handlerObserver) ofEvent(span trace.Span, step webhook.Step) {
	span.SetAttributes(keyResult.String(step.Result.String()))
	if step.MessageID != 0 {
		span.SetAttributes(semconv.MessagingMessageID(strconv.FormatInt(int64(step.MessageID), 10)))
	}
	if len(step.Unread) > 0 {
		span.SetAttributes(keyUnreadFields.Int(len(step.Unread)))
	}
	if o.clientID && step.ClientID != 0 {
		span.SetAttributes(keyClientID.Int64(int64(step.ClientID)))
	}
}

// maxLinks bounds the receptions that are remembered.
const maxLinks = 4096

// links remembers the spans in which events were received, the last ones only. The zero
// value is ready.
type links struct {
	mu    sync.Mutex
	spans map[linkKey]trace.SpanContext
	// order has the keys as they came, as a ring once it is full.
	order []linkKey
	next  int
}

type linkKey struct {
	endpoint string
	message  salebot.MessageID
}

// keep notes in which span an event was received. A span that nobody will see is not
// remembered.
func (l *links) keep(ctx context.Context, step webhook.Step) {
	origin := trace.SpanContextFromContext(ctx)
	if !origin.IsSampled() || step.MessageID == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := linkKey{step.Endpoint, step.MessageID}
	if _, known := l.spans[key]; known {
		// The first one was kept, this is a repetition.
		return
	}
	if l.spans == nil {
		l.spans = map[linkKey]trace.SpanContext{}
	}
	if len(l.order) < maxLinks {
		l.order = append(l.order, key)
	} else {
		delete(l.spans, l.order[l.next])
		l.order[l.next] = key
		l.next = (l.next + 1) % maxLinks
	}
	l.spans[key] = origin
}

// forget takes back what was noted of an event that was not kept.
func (l *links) forget(step webhook.Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.spans, linkKey{step.Endpoint, step.MessageID})
}

// find returns the span in which an event was received.
func (l *links) find(step webhook.Step) (origin trace.SpanContext, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	origin, ok = l.spans[linkKey{step.Endpoint, step.MessageID}]
	return origin, ok
}
