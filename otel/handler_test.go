package otelsalebot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/salebot-go/salebot"
	otelsalebot "github.com/salebot-go/salebot/otel"
	"github.com/salebot-go/salebot/webhook"
)

func newInbox(t *testing.T) *webhook.MemoryInbox {
	t.Helper()
	inbox, err := webhook.NewMemoryInbox()
	require.NoError(t, err)
	t.Cleanup(func() { _ = inbox.Close() })
	return inbox
}

// A request has a span, and so has the event that it brought: a trace of its own, with a
// link to the request, in which the calls of the function are.
func TestSpansOfAnEvent(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	client := observed(t, newEmulator(t), telemetry.with()...)
	hook, err := otelsalebot.NewHandlerHook(telemetry.with()...)
	require.NoError(t, err)
	handler := newHandler(t, func(ctx context.Context, event *webhook.Event) error {
		_, err := client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: "hello"})
		return err
	}, hook)
	require.Equal(t, http.StatusOK, post(t, handler, "/", body))
	require.Equal(t, http.StatusOK, post(t, handler, "/", body), "a repetition")
	require.NoError(t, handler.Wait(t.Context()))
	require.NoError(t, handler.Shutdown(t.Context()))

	receives := telemetry.named("receive default")
	require.Len(t, receives, 2)
	require.Equal(t, oteltrace.SpanKindServer, receives[0].SpanKind)
	require.Equal(t, fmt.Sprint("http.request.body.size=", len(body), ",http.request.method=POST,http.response.status_code=200,"+
		"messaging.destination.name=default,messaging.message.id=7,messaging.system=salebot,salebot.result=kept"), text(receives[0].Attributes))
	require.Contains(t, text(receives[1].Attributes), "salebot.result=duplicate")

	process := telemetry.span(t, "process default")
	require.Equal(t, oteltrace.SpanKindConsumer, process.SpanKind)
	require.False(t, process.Parent.IsValid(), "it has a trace of its own")
	require.Len(t, process.Links, 1)
	require.Equal(t, receives[0].SpanContext.SpanID(), process.Links[0].SpanContext.SpanID())
	for _, part := range []string{
		"messaging.operation.type=process", "messaging.operation.name=process", "messaging.message.id=7",
		"salebot.result=done", "salebot.event.attempt=1", "salebot.event.sequence=1",
	} {
		require.Contains(t, text(process.Attributes), part)
	}
	require.Equal(t, process.SpanContext.SpanID(), telemetry.span(t, "salebot message").Parent.SpanID())
	require.NotContains(t, fmt.Sprint(telemetry.spans.GetSpans()), "25554", "the client is not recorded unless that is asked for")

	require.Equal(t, map[string]uint64{
		"http.response.status_code=200,messaging.destination.name=default,salebot.result=kept":      1,
		"http.response.status_code=200,messaging.destination.name=default,salebot.result=duplicate": 1,
	}, counts(telemetry.points(t, "salebot.webhook.request.duration")))
	require.Equal(t, map[string]uint64{
		"messaging.destination.name=default,messaging.operation.name=process,messaging.system=salebot,salebot.result=done": 1,
	}, counts(telemetry.points(t, "messaging.process.duration")))
	require.Equal(t, map[string]uint64{"messaging.destination.name=default": 1}, counts(telemetry.points(t, "salebot.webhook.event.age")))
}

// Each attempt with an event has a span, which says what came of it.
func TestSpansOfFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		telemetry := newTelemetry()
		hook, err := otelsalebot.NewHandlerHook(telemetry.with(otelsalebot.WithClientID())...)
		require.NoError(t, err)
		tries := 0
		handler := newHandler(t, func(context.Context, *webhook.Event) error {
			if tries++; tries == 1 {
				return webhook.RetryAfter(errors.New("the shop is closed"), time.Minute)
			}
			panic("no")
		}, hook, webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 2}))
		require.Equal(t, http.StatusOK, post(t, handler, "/", body))
		require.NoError(t, handler.Shutdown(t.Context()))

		attempts := telemetry.named("process default")
		require.Len(t, attempts, 2)
		for n, want := range []string{"salebot.result=retry", "salebot.result=dead letter"} {
			all := text(attempts[n].Attributes)
			require.Contains(t, all, want)
			require.Contains(t, all, fmt.Sprint("salebot.event.attempt=", n+1))
			require.Contains(t, all, "salebot.client.id=25554")
			require.Equal(t, codes.Error, attempts[n].Status.Code)
			require.Len(t, attempts[n].Links, 1)
		}
		require.Equal(t, "the shop is closed", attempts[0].Status.Description)
		require.Contains(t, text(attempts[1].Attributes), "error.type=panic")
		require.Contains(t, text(attempts[1].Attributes), "salebot.event.age=60")
		require.Equal(t, map[string]point{"messaging.destination.name=default": {2, 60}}, telemetry.points(t, "salebot.webhook.event.age"))
		require.NotContains(t, fmt.Sprint(telemetry.metrics(t)), "25554")
	})
}

// What is refused has a span with its status; a request for the health has none.
func TestSpansOfRefusedRequests(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	hook, err := otelsalebot.NewHandlerHook(telemetry.with()...)
	require.NoError(t, err)
	full, err := webhook.NewMemoryInbox(webhook.WithMaxEvents(1))
	require.NoError(t, err)
	t.Cleanup(func() { _ = full.Close() })
	_, err = full.Put(t.Context(), webhook.Entry{Endpoint: "another"})
	require.NoError(t, err)
	handler := newHandler(t, func(context.Context, *webhook.Event) error { return nil }, hook, webhook.WithInbox(full))
	require.Equal(t, http.StatusBadRequest, post(t, handler, "/", `{"is_`))
	require.Equal(t, http.StatusServiceUnavailable, post(t, handler, "/", body))
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), method, "/", nil))
	}
	spans := telemetry.named("receive default")
	require.Len(t, spans, 3)
	for n, want := range []struct {
		status int
		method string
		code   codes.Code
	}{{400, "POST", codes.Unset}, {503, "POST", codes.Error}, {405, "_OTHER", codes.Unset}} {
		all := text(spans[n].Attributes)
		require.Contains(t, all, fmt.Sprint("http.response.status_code=", want.status))
		require.Contains(t, all, fmt.Sprint("error.type=", want.status))
		require.Contains(t, all, "http.request.method="+want.method)
		require.Contains(t, all, "salebot.result=refused")
		require.Equal(t, want.code, spans[n].Status.Code)
	}
}

// An event that was refused at first is linked to the request that brought it in the end.
func TestLinkOfARepeatedRequest(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	hook, err := otelsalebot.NewHandlerHook(telemetry.with()...)
	require.NoError(t, err)
	step := webhook.Step{Kind: webhook.StepReceive, Endpoint: "shop", MessageID: 7}
	receive := func(result webhook.Result) oteltrace.SpanContext {
		ctx := hook.Before(t.Context(), step)
		hook.Keeping(ctx, step)
		after := step
		after.Result = result
		hook.After(ctx, after)
		return oteltrace.SpanContextFromContext(ctx)
	}
	receive(webhook.ResultRefused)
	kept := receive(webhook.ResultKept)
	receive(webhook.ResultDuplicate)
	handle := webhook.Step{Kind: webhook.StepHandle, Endpoint: "shop", MessageID: 7}
	hook.After(hook.Before(t.Context(), handle), handle)
	links := telemetry.span(t, "process shop").Links
	require.Len(t, links, 1)
	require.Equal(t, kept.SpanID(), links[0].SpanContext.SpanID())
}

// Only so many receptions are remembered, the latest ones.
func TestLinksAreBounded(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	hook, err := otelsalebot.NewHandlerHook(telemetry.with()...)
	require.NoError(t, err)
	const received = 5000
	for id := range salebot.MessageID(received) {
		step := webhook.Step{Kind: webhook.StepReceive, Endpoint: "shop", MessageID: id + 1}
		hook.Keeping(hook.Before(t.Context(), step), step)
	}
	for _, id := range []salebot.MessageID{1, received - 4096, received - 4095, received} {
		step := webhook.Step{Kind: webhook.StepHandle, Endpoint: "shop", MessageID: id}
		hook.After(hook.Before(t.Context(), step), step)
	}
	linked := []int{}
	for _, span := range telemetry.named("process shop") {
		linked = append(linked, len(span.Links))
	}
	require.Equal(t, []int{0, 0, 1, 1}, linked)
}

// What an inbox has is there to be read, and how long the oldest has waited.
func TestInbox(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		telemetry := newTelemetry()
		inbox := newInbox(t)
		registration, err := otelsalebot.ObserveInbox(inbox, "shop", telemetry.with()...)
		require.NoError(t, err)
		age := func() point {
			return telemetry.points(t, "salebot.inbox.oldest.age")["messaging.destination.name=shop"]
		}
		require.Equal(t, point{1, 0}, age(), "nothing is pending")

		for client := range 4 {
			_, err := inbox.Put(t.Context(), webhook.Entry{Endpoint: "shop", ClientID: salebot.ClientID(client + 1), AcceptedAt: time.Now()})
			require.NoError(t, err)
		}
		deliveries, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: "shop", Max: 3, Duration: time.Hour})
		require.NoError(t, err)
		require.NoError(t, inbox.Bury(t.Context(), deliveries[0], "no"))
		require.NoError(t, inbox.Release(t.Context(), deliveries[1], time.Hour, "later"))
		time.Sleep(90 * time.Second)
		require.Equal(t, point{1, 90}, age())
		states := map[string]float64{}
		for labels, p := range telemetry.points(t, "salebot.inbox.events") {
			states[strings.TrimPrefix(labels, "messaging.destination.name=shop,salebot.event.state=")] = p.sum
		}
		require.Equal(t, map[string]float64{"waiting": 1, "delayed": 1, "leased": 1, "dead": 1, "damaged": 0}, states)

		require.NoError(t, registration.Unregister())
		require.Empty(t, telemetry.points(t, "salebot.inbox.events"))

		_, err = otelsalebot.ObserveInbox(inbox, "shop", telemetry.with()...)
		require.NoError(t, err)
		require.Len(t, telemetry.points(t, "salebot.inbox.events"), 5)
		require.NoError(t, inbox.Close())
		require.Empty(t, telemetry.points(t, "salebot.inbox.events"), "a closed inbox has nothing to tell, and is no failure")
	})
}
