package otelsalebot

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/salebot-go/salebot"
)

// NewClientHook returns a hook that records spans and metrics for the calls of a client
// and their attempts; the package documentation lists them. Pass it to salebot.WithHook.
// Several clients can share a hook. It fails with a salebot.OptionError if an option is
// not valid, or with the error of the meter provider.
func NewClientHook(opts ...Option) (salebot.Hook, error) {
	c, err := newConfig(opts)
	if err != nil {
		return salebot.Hook{}, err
	}
	o, err := newClientObserver(&c)
	if err != nil {
		return salebot.Hook{}, err
	}
	hook := salebot.Hook{BeforeCall: o.beforeCall, AfterCall: o.afterCall, Before: o.before, After: o.after}
	if c.propagator != nil {
		hook.Headers = o.headers
	}
	return hook, nil
}

// clientObserver is what the functions of a client's hook share.
type clientObserver struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	clientID   bool

	calls, waits, requests metric.Float64Histogram

	actions  *cache[string, string]
	starts   *cache[callKey, start]
	attempts *cache[attemptKey, start]
}

// callKey is what a call's span is known to have when it begins.
type callKey struct {
	action string
	class  salebot.SafetyClass
}

// attemptKey is the same for an attempt.
type attemptKey struct{ action, method, host, path string }

// start is how a span begins.
type start struct {
	name    string
	options []trace.SpanStartOption
}

func newClientObserver(c *config) (*clientObserver, error) {
	o := &clientObserver{tracer: c.tracer(), propagator: c.propagator, clientID: c.clientID}
	o.actions = newCache(func(name string) string { return name })
	o.starts = newCache(startOfCall)
	o.attempts = newCache(startOfAttempt)
	histograms := instruments{meter: c.meter()}
	o.calls = histograms.seconds("salebot.client.call.duration", "Duration of calls of Salebot's API with all attempts and waits.", seconds)
	o.waits = histograms.seconds("salebot.client.wait.duration", "Time for which calls of Salebot's API waited before their attempts.", seconds)
	standard := httpconv.ClientRequestDuration{}
	o.requests = histograms.seconds(standard.Name(), standard.Description(), requestSeconds)
	return o, histograms.err
}

func startOfCall(k callKey) start {
	return start{name: "salebot " + k.action, options: []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(keyAction.String(k.action), keyClass.String(k.class.String())),
	}}
}

func startOfAttempt(k attemptKey) start {
	attributes := append([]attribute.KeyValue{
		keyAction.String(k.action), semconv.HTTPRequestMethodKey.String(k.method), semconv.URLTemplate(k.path),
	}, server(k.host)...)
	return start{name: k.method + " " + k.path, options: []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...),
	}}
}

// server tells host and port.
func server(host string) []attribute.KeyValue {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(host)}
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(name)}
	}
	return []attribute.KeyValue{semconv.ServerAddress(name), semconv.ServerPort(number)}
}

// label is the name of an action as a label, of which there are only so many.
func (o *clientObserver) label(action string) string {
	if name, kept := o.actions.get(action); kept {
		return name
	}
	return other
}

func (o *clientObserver) beforeCall(ctx context.Context, call salebot.Call) context.Context {
	begin, _ := o.starts.get(callKey{o.label(call.Action), call.Class})
	ctx, _ = o.tracer.Start(ctx, begin.name, begin.options...)
	return ctx
}

func (o *clientObserver) afterCall(ctx context.Context, call salebot.Call) {
	span := trace.SpanFromContext(ctx)
	defer span.End()
	if span.IsRecording() {
		span.SetAttributes(o.ofCall(call)...)
		fail(span, call.Err)
	}
	action := keyAction.String(o.label(call.Action))
	if o.calls.Enabled(ctx) {
		attributes := []attribute.KeyValue{action, keyClass.String(call.Class.String()), keyOutcome.String(call.Outcome.String())}
		if call.Err != nil {
			attributes = append(attributes, semconv.ErrorTypeKey.String(errorType(call.Err)))
		}
		o.calls.Record(ctx, call.Duration.Seconds(), labels(attributes...))
	}
	if o.waits.Enabled(ctx) {
		for _, wait := range waitsOf(call) {
			if wait.time > 0 {
				o.waits.Record(ctx, wait.time.Seconds(), labels(action, keyWaitReason.String(wait.reason)))
			}
		}
	}
}

// ofCall tells the span of a call what came of it.
func (o *clientObserver) ofCall(call salebot.Call) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 10)
	attributes = append(attributes, keyOutcome.String(call.Outcome.String()), keyAttempts.Int(call.Attempts))
	for _, wait := range waitsOf(call) {
		if wait.time > 0 {
			attributes = append(attributes, attribute.Float64(waitKeyPrefix+wait.reason, wait.time.Seconds()))
		}
	}
	if call.UnreadFields > 0 {
		attributes = append(attributes, keyUnreadFields.Int(call.UnreadFields))
	}
	if call.Recorded {
		attributes = append(attributes, keyRecorded.Bool(true))
	}
	if o.clientID && call.ClientID != 0 {
		attributes = append(attributes, keyClientID.Int64(int64(call.ClientID)))
	}
	if call.Err != nil {
		attributes = append(attributes, semconv.ErrorTypeKey.String(errorType(call.Err)))
	}
	return attributes
}

// waiting is a time that a call waited, and what for.
type waiting struct {
	reason string
	time   time.Duration
}

func waitsOf(call salebot.Call) [3]waiting {
	return [...]waiting{{"retry", call.Waited}, {"pace", call.PaceWait}, {"limiter", call.LimiterWait}}
}

func (o *clientObserver) before(ctx context.Context, attempt salebot.Attempt) context.Context {
	key := attemptKey{o.label(attempt.Action), attempt.Method, attempt.Host, attempt.Path}
	if key.action == other {
		// The path has the name of the action in it.
		key.path = "/{api_key}/" + other
	}
	begin, _ := o.attempts.get(key)
	ctx, _ = o.tracer.Start(ctx, begin.name, begin.options...)
	return ctx
}

func (o *clientObserver) headers(ctx context.Context, _ salebot.Attempt) http.Header {
	header := http.Header{}
	o.propagator.Inject(ctx, propagation.HeaderCarrier(header))
	return header
}

func (o *clientObserver) after(ctx context.Context, attempt salebot.Attempt) {
	span := trace.SpanFromContext(ctx)
	defer span.End()
	recording, measuring := span.IsRecording(), o.requests.Enabled(ctx)
	if !recording && !measuring {
		return
	}
	attributes := make([]attribute.KeyValue, 0, 8)
	if attempt.Status != 0 {
		attributes = append(attributes, semconv.HTTPResponseStatusCode(attempt.Status))
	}
	if attempt.Err != nil {
		attributes = append(attributes, semconv.ErrorTypeKey.String(httpErrorType(attempt.Status, attempt.Err)))
	}
	if recording {
		span.SetAttributes(attributes...)
		span.SetAttributes(
			keyOutcome.String(attempt.Outcome.String()),
			semconv.HTTPRequestBodySize(attempt.RequestBytes), semconv.HTTPResponseBodySize(attempt.ResponseBytes),
		)
		if attempt.Number > 1 {
			span.SetAttributes(semconv.HTTPRequestResendCount(attempt.Number - 1))
		}
		fail(span, attempt.Err)
	}
	if measuring {
		attributes = append(attributes, keyAction.String(o.label(attempt.Action)), semconv.HTTPRequestMethodKey.String(attempt.Method))
		o.requests.Record(ctx, attempt.Duration.Seconds(), labels(append(attributes, server(attempt.Host)...)...))
	}
}

// instruments makes instruments until one fails.
type instruments struct {
	meter metric.Meter
	err   error
}

// seconds makes a histogram of times.
func (i *instruments) seconds(name, description string, bounds metric.HistogramOption) metric.Float64Histogram {
	histogram, err := i.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), bounds)
	if i.err == nil {
		i.err = err
	}
	return histogram
}
