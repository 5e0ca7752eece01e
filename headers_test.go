package salebot_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// headersOf keeps the headers that arrive.
func headersOf(arrived *[]http.Header) clienttest.RoundTripper {
	return func(r *http.Request) (*http.Response, error) {
		*arrived = append(*arrived, r.Header)
		return clienttest.Answer(400, "no")(r)
	}
}

// A header goes with every request of every action; one of a call counts for it alone,
// and takes the place of that of the client.
func TestHeaders(t *testing.T) {
	t.Parallel()
	var arrived []http.Header
	client := clienttest.New(t, headersOf(&arrived), salebot.WithHeader("x-tenant", "north"), salebot.WithHeader("X-Tenant", "south"), salebot.WithHeader("X-Other", "1"))
	for _, row := range action.All() {
		arrived = nil
		call := clienttest.Scenarios[row.Name][0].Call
		_, _ = call(t.Context(), client)
		_, _ = call(t.Context(), client, salebot.WithHeader("X-TENANT", "west"), salebot.WithHeader("X-Other", ""))
		_, _ = call(t.Context(), client)
		require.Len(t, arrived, 3, row.Name)
		require.Equal(t, []string{"south"}, arrived[0]["X-Tenant"])
		require.Equal(t, []string{"1"}, arrived[0]["X-Other"])
		require.Equal(t, []string{"west"}, arrived[1]["X-Tenant"])
		require.NotContains(t, arrived[1], "X-Other")
		require.Equal(t, arrived[0], arrived[2], "a call changes nothing for the next one")
		require.Equal(t, salebot.DefaultUserAgent, arrived[1].Get("User-Agent"))
	}
	variant, err := client.With(salebot.WithHeader("X-Tenant", ""))
	require.NoError(t, err)
	arrived = nil
	_, _ = clienttest.OnceCalls[0].Call(t.Context(), variant)
	require.NotContains(t, arrived[0], "X-Tenant")
}

// What would break a promise is refused: by New and With for a client, and before any
// I/O for a call.
func TestHeadersThatAreRefused(t *testing.T) {
	t.Parallel()
	refused := map[string]string{
		"":               "name",
		"X Tenant":       "name",
		"X-Tenant:":      "name",
		"Мир":            "name",
		"X-Line\r\nHost": "name",
	}
	for _, name := range []string{
		"Idempotency-Key", "X-Idempotency-Key", "Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Expect",
		"Referer", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "TE", "Trailer", "Upgrade", "Accept-Encoding", "Range",
		"If-None-Match", "User-Agent",
	} {
		refused[name], refused[strings.ToLower(name)], refused[strings.ToUpper(name)] = http.CanonicalHeaderKey(name), http.CanonicalHeaderKey(name), http.CanonicalHeaderKey(name)
	}
	for name, problem := range refused {
		requireHeaderRefused(t, salebot.WithHeader(name, "1"), problem)
		requireHeaderRefused(t, salebot.WithHeader(name, ""), problem)
	}
	for value, problem := range map[string]string{
		"a\r\nIdempotency-Key: 1": "ASCII", "a\nb": "ASCII", "a\x00": "ASCII", "мир": "ASCII", " a": "blank", "a ": "blank",
		testkit.Key: "API key", "Bearer " + testkit.EscapedKey: "API key",
	} {
		requireHeaderRefused(t, salebot.WithHeader("X-Value", value), problem)
	}
}

func requireHeaderRefused(t *testing.T, option salebot.SharedOption, problem string) {
	t.Helper()
	var bad *salebot.OptionError
	_, err := salebot.New(testkit.Key, option)
	require.ErrorAs(t, err, &bad, problem)
	require.Equal(t, "WithHeader", bad.Option)
	require.Contains(t, bad.Problem, problem)
	clienttest.RequireHiddenError(t, err)

	mock := clienttest.Answering(200, "ok")
	client := clienttest.New(t, mock)
	_, err = client.With(option)
	require.ErrorAs(t, err, &bad)
	_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "x"}, option)
	var invalid *salebot.InvalidRequestError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "WithHeader", invalid.Field)
	require.Contains(t, invalid.Problem, problem)
	clienttest.RequireOutcome(t, err, salebot.OutcomeNotSent)
	clienttest.RequireHiddenError(t, err)
	require.Zero(t, mock.GetTotalCallCount())
}
