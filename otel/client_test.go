package otelsalebot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/salebot-go/salebot"
	otelsalebot "github.com/salebot-go/salebot/otel"
	"github.com/salebot-go/salebot/salebottest"
)

// A call has a span, and each of its attempts one below it.
func TestSpansOfACall(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	emulator := newEmulator(t)
	emulator.Fail(salebottest.Fault{Action: "get_variables", Status: 503})
	ctx, outer := telemetry.tracers.Tracer("test").Start(t.Context(), "outer")
	_, err := observed(t, emulator, telemetry.with()...).GetVariables(ctx, ann)
	require.NoError(t, err)
	outer.End()

	call := telemetry.span(t, "salebot get_variables")
	require.Equal(t, outer.SpanContext().SpanID(), call.Parent.SpanID())
	require.Equal(t, oteltrace.SpanKindClient, call.SpanKind)
	require.Equal(t, codes.Unset, call.Status.Code)
	require.Contains(t, text(call.Attributes), "salebot.action=get_variables,salebot.attempts=2,salebot.class=read,salebot.outcome=accepted")
	require.Equal(t, salebot.Version, call.InstrumentationScope.Version)

	attempts := telemetry.named("GET /api/{api_key}/get_variables")
	require.Len(t, attempts, 2)
	for _, attempt := range attempts {
		require.Equal(t, call.SpanContext.SpanID(), attempt.Parent.SpanID())
		require.Equal(t, oteltrace.SpanKindClient, attempt.SpanKind)
		require.Contains(t, text(attempt.Attributes), "url.template=/api/{api_key}/get_variables")
		require.Contains(t, text(attempt.Attributes), "http.request.method=GET")
		require.Contains(t, text(attempt.Attributes), "server.address=")
	}
	first, second := text(attempts[0].Attributes), text(attempts[1].Attributes)
	require.Contains(t, first, "error.type=503")
	require.Contains(t, first, "http.response.status_code=503")
	require.NotContains(t, first, "resend_count")
	require.Equal(t, codes.Error, attempts[0].Status.Code)
	require.Contains(t, second, "http.request.resend_count=1")
	require.Contains(t, second, "http.response.status_code=200")
	require.NotContains(t, second, "error.type")
	require.Equal(t, codes.Unset, attempts[1].Status.Code)
}

// A call that is refused before it is sent has a span too, and no attempt.
func TestSpanOfARefusal(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	_, err := observed(t, newEmulator(t), telemetry.with()...).Message(t.Context(), salebot.MessageRequest{ClientID: ann})
	require.ErrorIs(t, err, salebot.ErrInvalidRequest)
	require.Equal(t, []string{"salebot message"}, telemetry.names())
	call := telemetry.span(t, "salebot message")
	require.Equal(t, codes.Error, call.Status.Code)
	require.Equal(t, err.Error(), call.Status.Description)
	require.Contains(t, text(call.Attributes), "error.type=invalid_request,salebot.action=message,salebot.attempts=0,salebot.class=once,salebot.outcome=not sent")
}

// The words for failures are few, and tell apart what has to be treated apart.
func TestErrorTypes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault         salebottest.Fault
		client        salebot.ClientID
		call, attempt string
	}{
		"no such client": {salebottest.Fault{}, 404, "client_not_found", "404"},
		"server":         {salebottest.Fault{Status: 500}, ann, "server", "500"},
		"forbidden":      {salebottest.Fault{Status: 403, Body: `{"error":"no"}`}, ann, "forbidden", "403"},
		"page":           {salebottest.Fault{Status: 200, Page: true}, ann, "unexpected_response", "unexpected_response"},
		"reset":          {salebottest.Fault{Reset: salebottest.ResetAfter}, ann, "transport", "transport"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			telemetry := newTelemetry()
			emulator := newEmulator(t)
			if test.fault != (salebottest.Fault{}) {
				emulator.Fail(test.fault)
			}
			_, err := observed(t, emulator, telemetry.with()...).Message(t.Context(), salebot.MessageRequest{ClientID: test.client, Message: "hi"})
			require.Error(t, err)
			require.Contains(t, text(telemetry.span(t, "salebot message").Attributes), "error.type="+test.call+",")
			require.Contains(t, text(telemetry.span(t, "POST /api/{api_key}/message").Attributes), "error.type="+test.attempt+",")
		})
	}
}

// Nothing of the trace is sent unless a propagator is given; then each attempt sends its
// own span.
func TestPropagationIsAChoice(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]otelsalebot.Option{"by default": nil, "with a propagator": {otelsalebot.WithPropagator(propagation.TraceContext{})}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			telemetry := newTelemetry()
			mock := httpmock.NewMockTransport()
			var header http.Header
			mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
				header = r.Header
				return httpmock.NewStringResponse(200, "ok"), nil
			})
			hook, err := otelsalebot.NewClientHook(telemetry.with(options...)...)
			require.NoError(t, err)
			client, err := salebot.New("the-key-of-the-project", salebot.WithTransport(mock), salebot.WithHook(hook))
			require.NoError(t, err)
			_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "hi"})
			require.NoError(t, err)
			attempt := telemetry.span(t, "POST /api/{api_key}/message")
			require.Contains(t, text(attempt.Attributes), "server.address=chatter.salebot.pro,")
			if options == nil {
				require.Empty(t, header.Get("Traceparent"))
				return
			}
			require.Equal(t, "00-"+attempt.SpanContext.TraceID().String()+"-"+attempt.SpanContext.SpanID().String()+"-01", header.Get("Traceparent"))
		})
	}
}

// The number of a client is on spans if it is asked for, and never on a metric.
func TestClientIDIsAChoice(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]otelsalebot.Option{"by default": nil, "asked for": {otelsalebot.WithClientID()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			telemetry := newTelemetry()
			_, err := observed(t, newEmulator(t), telemetry.with(options...)...).Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "hi"})
			require.NoError(t, err)
			require.Equal(t, options != nil, strings.Contains(fmt.Sprint(telemetry.spans.GetSpans()), "25554"))
			require.Equal(t, options != nil, strings.Contains(text(telemetry.span(t, "salebot message").Attributes), "salebot.client.id=25554"))
			require.NotContains(t, fmt.Sprint(telemetry.metrics(t)), "25554")
		})
	}
}

// What calls are measured by.
func TestMetricsOfCalls(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	emulator := newEmulator(t)
	client := observed(t, emulator, telemetry.with()...)
	emulator.Fail(salebottest.Fault{Action: "get_variables", Status: 503})
	_, err := client.GetVariables(t.Context(), ann)
	require.NoError(t, err)
	_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 404, Message: "hi"})
	require.ErrorIs(t, err, salebot.ErrClientNotFound)
	require.Equal(t, map[string]uint64{
		"salebot.action=get_variables,salebot.class=read,salebot.outcome=accepted":                       1,
		"error.type=client_not_found,salebot.action=message,salebot.class=once,salebot.outcome=rejected": 1,
	}, counts(telemetry.points(t, "salebot.client.call.duration")))
	attempts := map[string]uint64{}
	for name, count := range counts(telemetry.points(t, "http.client.request.duration")) {
		kept, _, _ := strings.Cut(name, ",server.address=")
		attempts[kept] += count
	}
	require.Equal(t, uint64(1), attempts["error.type=503,http.request.method=GET,http.response.status_code=503,salebot.action=get_variables"], attempts)
	require.Equal(t, uint64(1), attempts["http.request.method=GET,http.response.status_code=200,salebot.action=get_variables"], attempts)
	require.Len(t, attempts, 3)
}

// The time that calls wait for Salebot's pace is told apart from other waits.
func TestWaitsForThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		telemetry := newTelemetry()
		emulator := newEmulator(t)
		client := observed(t, emulator, telemetry.with()...)
		emulator.Fail(salebottest.Fault{Action: "message", RetryAfter: 10 * time.Second})
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "hi"})
		require.NoError(t, err)
		waits := telemetry.points(t, "salebot.client.wait.duration")
		pace := waits["salebot.action=message,salebot.wait.reason=pace"]
		require.Equal(t, uint64(1), pace.count, waits)
		require.GreaterOrEqual(t, pace.sum, 10.0)
		require.Contains(t, text(telemetry.span(t, "salebot message").Attributes), "salebot.wait.pace=1")
		client.CloseIdleConnections()
	})
}

// However many actions a program makes up, labels and names of spans stay few.
func TestActionsAreBounded(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(httpmock.NewStringResponder(200, `{"status":"success"}`))
	hook, err := otelsalebot.NewClientHook(telemetry.with()...)
	require.NoError(t, err)
	client, err := salebot.New("the-key-of-the-project", salebot.WithTransport(mock), salebot.WithHook(hook))
	require.NoError(t, err)
	for n := range 150 {
		_, err := client.Do(t.Context(), salebot.DoRequest{Action: fmt.Sprint("made_up_", n)})
		require.NoError(t, err)
	}
	names := map[string]bool{}
	for _, name := range telemetry.names() {
		names[name] = true
	}
	require.Len(t, names, 2*101, "a name for the call and one for the attempt of a hundred actions, and of the others together")
	for _, name := range []string{"salebot.client.call.duration", "http.client.request.duration"} {
		points := telemetry.points(t, name)
		require.Len(t, points, 101, name)
		for labels, p := range points {
			require.Equal(t, strings.Contains(labels, "salebot.action=_OTHER"), p.count == 50, labels)
		}
	}
}

// Without providers a call still has its result, and the caller's own span is left alone.
func TestSpansCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	client := observed(t, newEmulator(t), otelsalebot.WithTracerProvider(noop.NewTracerProvider()), otelsalebot.WithMeterProvider(telemetry.meters))
	ctx, outer := telemetry.tracers.Tracer("test").Start(t.Context(), "outer")
	_, err := client.Message(ctx, salebot.MessageRequest{ClientID: ann, Message: "hi"})
	require.NoError(t, err)
	require.True(t, outer.IsRecording(), "the span of the caller was ended")
	require.Empty(t, telemetry.names())
	outer.End()
	require.Empty(t, telemetry.span(t, "outer").Attributes)
	require.NotEmpty(t, telemetry.points(t, "salebot.client.call.duration"))
}

// What cannot work is said by the constructors, as the option that is wrong.
func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]otelsalebot.Option{
		"WithTracerProvider": otelsalebot.WithTracerProvider(nil),
		"WithMeterProvider":  otelsalebot.WithMeterProvider(nil),
		"WithPropagator":     otelsalebot.WithPropagator(nil),
	} {
		_, call := otelsalebot.NewClientHook(option)
		_, event := otelsalebot.NewHandlerHook(nil, option)
		_, inbox := otelsalebot.ObserveInbox(newInbox(t), "default", option)
		for _, err := range []error{call, event, inbox} {
			var wrong *salebot.OptionError
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, name, wrong.Option)
		}
	}
	_, err := otelsalebot.ObserveInbox(nil, "default")
	var wrong *salebot.OptionError
	require.ErrorAs(t, err, &wrong)
}

// An error whose own methods fail costs neither the call's span nor its end.
func TestErrorsOfOthers(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	hook, err := otelsalebot.NewClientHook(telemetry.with()...)
	require.NoError(t, err)
	ctx := hook.BeforeCall(t.Context(), salebot.Call{Action: "message"})
	hook.AfterCall(ctx, salebot.Call{Action: "message", Err: errors.New(strings.Repeat("я", 5000))})
	require.Len(t, []rune(telemetry.span(t, "salebot message").Status.Description), 1000)

	ctx = hook.BeforeCall(t.Context(), salebot.Call{Action: "callback"})
	hook.AfterCall(ctx, salebot.Call{Action: "callback", Err: (*odd)(nil)})
	require.Equal(t, codes.Error, telemetry.span(t, "salebot callback").Status.Code)
	require.Contains(t, counts(telemetry.points(t, "salebot.client.call.duration")), "error.type=_OTHER,salebot.action=callback,salebot.class=once,salebot.outcome=unknown")
}

type odd struct{ text string }

func (o *odd) Error() string { return o.text }

// A panic of a limiter, which is foreign code, ends the span.
func TestSpanOfACallThatPanics(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	hook, err := otelsalebot.NewClientHook(telemetry.with()...)
	require.NoError(t, err)
	client := newEmulator(t).Client(t, salebot.WithHook(hook), salebot.WithLimiter(panicking{}))
	require.Panics(t, func() { _, _ = client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "hi"}) })
	require.Equal(t, codes.Error, telemetry.span(t, "salebot message").Status.Code)
}

type panicking struct{}

func (panicking) Wait(context.Context) error { panic("no") }
