package salebot_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/clienttest"
)

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
