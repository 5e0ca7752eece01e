package otelsalebot_test

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"

	"github.com/salebot-go/salebot"
	otelsalebot "github.com/salebot-go/salebot/otel"
	"github.com/salebot-go/salebot/webhook"
)

// What must not be in any span, metric, name or error. The key has characters in it
// that encodings change.
const (
	canaryKey    = "canary&Key+of=The~project'0123456789"
	canarySecret = "canary-Secret+of~the&receiver=9876543210"
)

// TestCanary makes calls and receives events in every way that is known to have leaked
// a key somewhere, and looks for key and secret in everything that was recorded.
func TestCanary(t *testing.T) {
	t.Parallel()
	telemetry := newTelemetry()
	var shown []any
	show := func(values ...any) { shown = append(shown, values...) }

	hook, err := otelsalebot.NewClientHook(telemetry.with(otelsalebot.WithClientID(), otelsalebot.WithPropagator(
		propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})))...)
	require.NoError(t, err)
	for name, answer := range map[string]httpmock.Responder{
		"accepted":         httpmock.NewStringResponder(200, "ok"),
		"echo":             echo(200),
		"echo of a server": echo(502),
		"echo of a 404":    echo(404),
		"rate limit":       echo(429),
		"redirect": func(r *http.Request) (*http.Response, error) {
			response, err := echo(302)(r)
			response.Header = http.Header{"Location": {r.URL.String()}}
			return response, err
		},
		"failure with the address": func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: errors.New("no route to " + r.URL.Path)}
		},
		"status line": func(r *http.Request) (*http.Response, error) {
			response, err := echo(500)(r)
			response.Status = "500 " + r.URL.Path
			return response, err
		},
	} {
		mock := httpmock.NewMockTransport()
		mock.RegisterNoResponder(answer)
		client, err := salebot.New(canaryKey, salebot.WithTransport(mock), salebot.WithHook(hook), salebot.WithoutRetries())
		require.NoError(t, err, name)
		ctx, cancel := context.WithCancel(t.Context())
		_, err = client.Message(ctx, salebot.MessageRequest{ClientID: ann, Message: "hello"})
		show(err)
		_, err = client.GetVariables(ctx, ann)
		show(err)
		_, err = client.Do(ctx, salebot.DoRequest{Action: "made_up"})
		show(err)
		// A message may quote whatever its author likes; it is no part of what is recorded.
		_, err = client.Message(ctx, salebot.MessageRequest{ClientID: ann, Message: canaryKey, Buttons: salebot.Buttons{Hint: canaryKey}})
		show(err)
		_, err = client.GetVariables(withBaggage(t, ctx), ann)
		show(err)
		cancel()
		_, err = client.Callback(ctx, salebot.CallbackRequest{ClientID: ann, Message: "paid"})
		show(err)
	}

	receiving, err := otelsalebot.NewHandlerHook(telemetry.with(otelsalebot.WithClientID())...)
	require.NoError(t, err)
	for name, secret := range map[string]webhook.Option{
		"/" + url.PathEscape(canarySecret):     webhook.WithSecretInPath(canarySecret),
		"/?s=" + url.QueryEscape(canarySecret): webhook.WithSecretInQuery("s", canarySecret),
	} {
		handler, err := webhook.New(func(context.Context, *webhook.Event) error { return nil }, webhook.WithHook(receiving), secret)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, post(t, handler, name, body))
		require.Equal(t, http.StatusForbidden, post(t, handler, strings.Replace(name, "9876543210", "987654321", 1), body))
		require.Equal(t, http.StatusBadRequest, post(t, handler, name, "{"))
		require.NoError(t, handler.Shutdown(t.Context()))
		_, err = otelsalebot.ObserveInbox(handler.Inbox(), handler.Endpoint(), telemetry.with()...)
		require.NoError(t, err)
	}
	_, err = otelsalebot.NewClientHook(otelsalebot.WithPropagator(nil))
	show(err)

	require.Greater(t, len(telemetry.spans.GetSpans()), 60)
	for _, canary := range []string{canaryKey, canarySecret} {
		require.Empty(t, telemetry.leaks(t, canary, shown...))
	}
}

// TestCanaryIsFound checks that the test above can fail, in every encoding.
func TestCanaryIsFound(t *testing.T) {
	t.Parallel()
	for encoding, encoded := range encodings(canaryKey) {
		telemetry := newTelemetry()
		_, span := telemetry.tracers.Tracer("test").Start(t.Context(), "a span")
		span.SetAttributes(attribute.String("harmless", "before "+encoded+" after"))
		span.End()
		require.NotEmpty(t, telemetry.leaks(t, canaryKey), encoding)
	}
	telemetry := newTelemetry()
	counter, err := telemetry.meters.Meter("test").Int64Counter("calls", metric.WithDescription("those with "+canaryKey))
	require.NoError(t, err)
	counter.Add(t.Context(), 1)
	require.NotEmpty(t, telemetry.leaks(t, canaryKey))
	require.NotEmpty(t, telemetry.leaks(t, canaryKey, errors.New(canaryKey)))
}

// leaks lists where something is that must not be, in which encoding.
func (c *telemetry) leaks(t *testing.T, canary string, shown ...any) []string {
	t.Helper()
	everything := map[string]string{}
	for n, span := range c.spans.GetSpans() {
		everything[fmt.Sprintf("span %d", n)] = printed(t, span)
	}
	everything["metrics"] = printed(t, c.metrics(t))
	for n, value := range shown {
		everything[fmt.Sprintf("error %d", n)] = printed(t, value)
	}
	var found []string
	for place, content := range everything {
		for encoding, encoded := range encodings(canary) {
			if strings.Contains(content, encoded) {
				found = append(found, encoding+" in "+place+": "+content)
			}
		}
	}
	return found
}

// printed is a value in every form in which somebody may print it.
func printed(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	text := fmt.Sprintf("%v\n%+v\n%#v\n%q\n%s\n", value, value, value, value, encoded)
	var decoded any
	require.NoError(t, json.Unmarshal(encoded, &decoded))
	return text + texts(decoded)
}

// texts are all texts in a value from JSON, as they are.
func texts(value any) string {
	var all strings.Builder
	switch value := value.(type) {
	case string:
		return value + "\n"
	case []any:
		for _, element := range value {
			all.WriteString(texts(element))
		}
	case map[string]any:
		for name, element := range value {
			all.WriteString(name + "\n" + texts(element))
		}
	}
	return all.String()
}

// encodings are the forms that a text may have taken on its way.
func encodings(text string) map[string]string {
	var percent, unicode strings.Builder
	for _, b := range []byte(text) {
		fmt.Fprintf(&percent, "%%%02X", b)
		fmt.Fprintf(&unicode, "\\u%04x", b)
	}
	reversed := []byte(text)
	slices.Reverse(reversed)
	all := map[string]string{
		"raw": text, "query": url.QueryEscape(text), "path": url.PathEscape(text), "percent": percent.String(), "lower percent": strings.ToLower(percent.String()),
		"unicode": unicode.String(), "JSON": strings.ReplaceAll(text, "&", `\u0026`), "HTML": html.EscapeString(text), "reversed": string(reversed),
		"upper": strings.ToUpper(text), "lower": strings.ToLower(text),
		"hex": hex.EncodeToString([]byte(text)), "upper hex": strings.ToUpper(hex.EncodeToString([]byte(text))), "bytes": strings.Trim(fmt.Sprintf("%d", []byte(text)), "[]"),
		"base32": base32.StdEncoding.EncodeToString([]byte(text))[:48],
	}
	// Base64 depends on what stands before: what is in the middle is the same.
	for shift := range 3 {
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 of URLs": base64.RawURLEncoding} {
			encoded := encoding.EncodeToString([]byte(strings.Repeat(" ", shift) + text))
			all[fmt.Sprint(name, " after ", shift)] = encoded[4 : len(encoded)-4]
		}
	}
	return all
}

// echo answers with the address that was asked for, in the body and in a header.
func echo(status int) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		text := r.URL.String() + " " + r.URL.Path + " " + canaryKey
		content, err := json.Marshal(map[string]string{"error": text, "status": "fail", "message": text})
		if err != nil {
			return nil, err
		}
		response := httpmock.NewBytesResponse(status, content)
		response.Header.Set("X-Address", text)
		response.Request = r
		return response, nil
	}
}

// withBaggage has the key in the baggage of the trace, which the propagator would send.
func withBaggage(t *testing.T, ctx context.Context) context.Context { //nolint:revive // the test comes first
	t.Helper()
	member, err := baggage.NewMemberRaw("tenant", canaryKey)
	require.NoError(t, err)
	bag, err := baggage.New(member)
	require.NoError(t, err)
	return baggage.ContextWithBaggage(ctx, bag)
}
