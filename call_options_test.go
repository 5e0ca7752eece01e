package salebot_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
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

// The characters that HTTP has for the name of a header, and no other.
func TestHeaderNames(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~"
	for char := range rune(0x100) {
		_, err := salebot.New(testkit.Key, salebot.WithHeader("X"+string(char), "1"))
		require.Equal(t, strings.ContainsRune(token, char), err == nil, "%q", char)
	}
}

func TestHeaderValues(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"a", "a b\tc", "~!", strings.Repeat("x", 1000)} {
		var arrived []http.Header
		_, _ = clienttest.OnceCalls[0].Call(t.Context(), clienttest.New(t, headersOf(&arrived)), salebot.WithHeader("X-Value", value))
		require.Len(t, arrived, 1)
		require.Equal(t, value, arrived[0].Get("X-Value"))
	}
	for _, value := range []string{"a\x1fb", "a\x7fb"} {
		requireHeaderRefused(t, salebot.WithHeader("X-Value", value), "ASCII")
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

// An added parameter goes where the others of its action go, and changes none of them.
func TestParameters(t *testing.T) {
	t.Parallel()
	for _, row := range action.All() {
		var plain, more clienttest.MemoryCall
		ask := func(into *clienttest.MemoryCall, options ...salebot.CallOption) error {
			client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
				*into = call
				return 400, "no", nil
			}))
			_, err := clienttest.Scenarios[row.Name][0].Call(t.Context(), client, options...)
			return err
		}
		require.ErrorIs(t, ask(&plain), salebot.ErrRejected, row.Name)
		err := ask(&more, salebot.WithParameter("brand_new", "a&b"), salebot.WithParameter("newer", 5))
		if row.Place == action.Array {
			requireField(t, err, `WithParameter`)
			continue
		}
		require.ErrorIs(t, err, salebot.ErrRejected, row.Name)
		if row.Method() == http.MethodGet {
			require.Equal(t, []string{"a&b"}, more.Query["brand_new"])
			require.Equal(t, []string{"5"}, more.Query["newer"])
			delete(more.Query, "brand_new")
			delete(more.Query, "newer")
			require.Equal(t, plain.Query, more.Query, row.Name)
			require.Empty(t, more.Body)
			continue
		}
		require.Empty(t, more.Query)
		before, after := map[string]json.RawMessage{}, map[string]json.RawMessage{}
		require.NoError(t, json.Unmarshal(plain.Body, &before))
		require.NoError(t, json.Unmarshal(more.Body, &after))
		require.Equal(t, `"a&b"`, string(after["brand_new"]))
		require.Equal(t, `5`, string(after["newer"]))
		delete(after, "brand_new")
		delete(after, "newer")
		require.Equal(t, before, after, row.Name)
	}
}

// A parameter is added and never replaced, whatever the request has set.
func TestParametersDoNotReplace(t *testing.T) {
	t.Parallel()
	for _, row := range action.All() {
		for _, name := range row.Params {
			mock := clienttest.Answering(200, "ok")
			_, err := clienttest.Scenarios[row.Name][0].Call(t.Context(), clienttest.New(t, mock), salebot.WithParameter(name, "1"))
			require.ErrorIs(t, err, salebot.ErrInvalidRequest, "%s: %s", row.Name, name)
			require.ErrorContains(t, err, "WithParameter")
			require.Zero(t, mock.GetTotalCallCount())
		}
	}
}

func TestParametersThatAreRefused(t *testing.T) {
	t.Parallel()
	message := func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) error {
		_, err := c.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: "x"}, options...)
		return err
	}
	variables := func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) error {
		_, err := c.GetVariables(ctx, 1, options...)
		return err
	}
	callback := func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) error {
		_, err := c.Callback(ctx, salebot.CallbackRequest{ClientID: 1, Message: "x", Variables: map[string]any{"sum": 1}}, options...)
		return err
	}
	do := func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) error {
		_, err := c.Do(ctx, salebot.DoRequest{Action: "new_action", Method: http.MethodGet, Query: url.Values{"a": {"1"}}}, options...)
		return err
	}
	for name, c := range map[string]struct {
		call    func(context.Context, *salebot.Client, ...salebot.CallOption) error
		options []salebot.CallOption
		field   string
	}{
		"no name":          {message, []salebot.CallOption{salebot.WithParameter("", 1)}, `WithParameter("")`},
		"no JSON":          {message, []salebot.CallOption{salebot.WithParameter("x", math.Inf(1))}, `WithParameter("x")`},
		"twice":            {message, []salebot.CallOption{salebot.WithParameter("x", 1), salebot.WithParameter("x", 2)}, `WithParameter("x")`},
		"a variable":       {callback, []salebot.CallOption{salebot.WithParameter("sum", 2)}, `WithParameter("sum")`},
		"of Do":            {do, []salebot.CallOption{salebot.WithParameter("a", 2)}, `WithParameter("a")`},
		"list in a query":  {variables, []salebot.CallOption{salebot.WithParameter("x", []int{1})}, `WithParameter("x")`},
		"null in a query":  {variables, []salebot.CallOption{salebot.WithParameter("x", nil)}, `WithParameter("x")`},
		"the second wrong": {variables, []salebot.CallOption{salebot.WithParameter("x", true), salebot.WithParameter("y", map[string]int{})}, `WithParameter("y")`},
	} {
		mock := clienttest.Answering(200, "{}")
		err := c.call(t.Context(), clienttest.New(t, mock), c.options...)
		requireField(t, err, c.field)
		require.Zero(t, mock.GetTotalCallCount(), name)
	}
}

// With a parameter more it is another request, which a key tells.
func TestParametersBelongToTheContent(t *testing.T) {
	t.Parallel()
	client := newShop(t).open(t)
	key := salebot.WithIdempotencyKey("order 4711")
	_, err := client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "paid"}, key, salebot.WithParameter("sum", 5))
	require.NoError(t, err)
	_, err = client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "paid"}, key, salebot.WithParameter("sum", 6))
	require.ErrorIs(t, err, salebot.ErrKeyReused)
}

var quickRetries = salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1})

// For one call the caller decides whether it may be executed twice, for every action.
func TestRepeatRules(t *testing.T) {
	t.Parallel()
	for _, row := range action.All() {
		for name, c := range map[string]struct {
			options  []salebot.CallOption
			attempts map[action.Class]int
			class    map[action.Class]salebot.SafetyClass
		}{
			"none":      {nil, map[action.Class]int{action.Once: 1, action.Idempotent: 3, action.Read: 3}, nil},
			"allowed":   {[]salebot.CallOption{salebot.WithRepeatAllowed()}, map[action.Class]int{action.Once: 3, action.Idempotent: 3, action.Read: 3}, map[action.Class]salebot.SafetyClass{action.Once: salebot.Idempotent}},
			"forbidden": {[]salebot.CallOption{salebot.WithRepeatForbidden()}, map[action.Class]int{action.Once: 1, action.Idempotent: 1, action.Read: 1}, nil},
			"the later": {[]salebot.CallOption{salebot.WithRepeatForbidden(), salebot.WithRepeatAllowed()}, map[action.Class]int{action.Once: 3, action.Idempotent: 3, action.Read: 3}, map[action.Class]salebot.SafetyClass{action.Once: salebot.Idempotent}},
		} {
			mock := clienttest.Answering(http.StatusServiceUnavailable, "busy")
			notes := &callNotes{}
			client := clienttest.New(t, mock, quickRetries, salebot.WithHook(notes.hook()))
			_, err := clienttest.Scenarios[row.Name][0].Call(t.Context(), client, c.options...)
			failure := clienttest.RequireFailure(t, err, salebot.OutcomeUnknown)
			require.Equal(t, c.attempts[row.Class], failure.Attempts, "%s, %s", row.Name, name)
			require.Equal(t, failure.Attempts, mock.GetTotalCallCount())
			want, changed := c.class[row.Class]
			if !changed {
				want = salebot.SafetyClass(row.Class)
			}
			require.Equal(t, want, failure.Class, "%s, %s", row.Name, name)
			require.Equal(t, want, notes.last(t).Class)
		}
	}
}

// A GET that must not be repeated goes on a connection of its own, since one that was used
// before may break just then.
func TestRepeatForbiddenUsesAFreshConnection(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: testkit.Always(testkit.Respond(200, `{"a":"b"}`))}
		client := clienttest.New(t, peer.Transport())
		for _, options := range [][]salebot.CallOption{nil, nil, {salebot.WithRepeatForbidden()}} {
			_, err := client.GetVariables(t.Context(), 1, options...)
			require.NoError(t, err)
		}
		var connections []int
		for _, a := range peer.Arrivals() {
			connections = append(connections, a.Connection)
		}
		require.Equal(t, []int{1, 1, 2}, connections)
	})
}

// A request that provably never left is sent again also if a repetition is forbidden.
func TestRepeatForbiddenSendsWhatNeverLeft(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Dialed: func(_ context.Context, number int) error {
			if number == 1 {
				return testkit.Refused()
			}
			return nil
		}}
		client := clienttest.New(t, peer.Transport(), quickRetries)
		_, err := client.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: 1, Variables: map[string]any{"a": 1}}, salebot.WithRepeatForbidden())
		require.NoError(t, err)
		require.Equal(t, 2, peer.Dials())
	})
}

// The two contradict each other, and are not weighed against each other.
func TestRepeatAllowedContradictsAKey(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, err := s.open(t).Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order 4711"), salebot.WithRepeatAllowed())
	requireField(t, err, "WithRepeatAllowed")
	require.Empty(t, s.received(t))
}

// In a piece of work a call that may be repeated is made each time that it runs, as
// writes of the other classes are.
func TestRepeatAllowedInAPieceOfWork(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	runs := 0
	work := func() error {
		return client.RunOnce(t.Context(), salebot.Work{Name: "notice", Key: "4711"}, func(ctx context.Context) error {
			runs++
			if _, err := client.Message(ctx, hello("once")); err != nil {
				return err
			}
			if _, err := client.Message(ctx, hello("each time"), salebot.WithRepeatAllowed()); err != nil {
				return err
			}
			if runs == 1 {
				return clienttest.ErrCable
			}
			return nil
		})
	}
	require.ErrorIs(t, work(), clienttest.ErrCable)
	require.NoError(t, work())
	require.NoError(t, work())
	require.Equal(t, []string{"once", "each time", "each time"}, s.received(t))
}
