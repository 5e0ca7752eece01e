package salebot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

func TestGetOrdersForms(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]salebot.OrderID{
		`{"status":"success","order_id":[40338,40340,40341]}`:     {40338, 40340, 40341},
		`{"status":"success","result":[40338,"40340"]}`:           {40338, 40340},
		`{"status":"success","order_id":40338}`:                   {40338},
		`{"status":"success","order_id":"40338"}`:                 {40338},
		`{"status":"success","order_id":null}`:                    {},
		`{"status":"success","order_id":[]}`:                      {},
		`{"status":"success","result":[]}`:                        {},
		`{"order_ids":[1]}`:                                       {1},
		`[5,6]`:                                                   {5, 6},
		`{"order_id":[9007199254740993,"9007199254740993"]}`:      {9007199254740993, 9007199254740993},
		`{"order_id":["9223372036854775807"],"status":"success"}`: {math.MaxInt64},
	} {
		orders, err := always(t, http.StatusOK, body).GetOrders(t.Context(), salebot.GetOrdersRequest{ClientID: 1})
		require.NoError(t, err, body)
		require.Equal(t, want, orders, body)
	}
	for _, body := range []string{
		``, `ok`, `{}`, `{"status":"success"}`, `{"order_id":[0]}`, `{"order_id":[null]}`, `{"order_id":["x"]}`, `{"order_id":{"id":1}}`, `{"order_id":[1.5]}`, `{"order_id":[1]`,
		`{"order_id":[9223372036854775808]}`, `<html>`, `null`,
	} {
		orders, err := always(t, http.StatusOK, body).GetOrders(t.Context(), salebot.GetOrdersRequest{ClientID: 1})
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
		require.Empty(t, orders)
	}
}

func TestGetOrdersStatus(t *testing.T) {
	t.Parallel()
	for want, status := range map[string]*salebot.OrderStatus{
		"client_id=25554":                nil,
		"client_id=25554&order_status=0": new(salebot.OrderStatusActive),
		"client_id=25554&order_status=2": new(salebot.OrderStatusFailed),
		"client_id=25554&order_status=7": new(salebot.OrderStatus(7)),
	} {
		client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			require.Equal(t, want, call.Query.Encode())
			return http.StatusOK, `{"result":[]}`, nil
		}))
		_, err := client.GetOrders(t.Context(), salebot.GetOrdersRequest{ClientID: 25554, Status: status})
		require.NoError(t, err)
	}
}

// orderNumbers are the calls that return one number of a deal or of a state.
var orderNumbers = map[string]struct {
	key  string
	call func(context.Context, *salebot.Client) (int64, error)
}{
	"GetCurrentOrderID": {"order_id", func(ctx context.Context, c *salebot.Client) (int64, error) {
		id, err := c.GetCurrentOrderID(ctx, 25554)
		return int64(id), err
	}},
	"CreateOrder": {"order_id", func(ctx context.Context, c *salebot.Client) (int64, error) {
		id, err := c.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: 25554})
		return int64(id), err
	}},
	"GetOrderState": {"state_id", func(ctx context.Context, c *salebot.Client) (int64, error) {
		id, err := c.GetOrderState(ctx, salebot.GetOrderStateRequest{ClientID: 25554})
		return int64(id), err
	}},
	"MoveOrderToNextState": {"state_id", func(ctx context.Context, c *salebot.Client) (int64, error) {
		id, err := c.MoveOrderToNextState(ctx, salebot.MoveOrderToNextStateRequest{ClientID: 25554, OrderID: 7})
		return int64(id), err
	}},
}

func TestOrderNumbers(t *testing.T) {
	t.Parallel()
	for name, test := range orderNumbers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for text, want := range map[string]int64{
				`40000`: 40000, `"40000"`: 40000, `9007199254740993`: 9007199254740993, `"9007199254740993"`: 9007199254740993, `9223372036854775807`: math.MaxInt64,
			} {
				for _, form := range []string{`{"status":"success",%q:%s}`, `{%q:%s}`, `{"new":[1],%q:%s,"status":"success"}`} {
					got, err := test.call(t.Context(), always(t, http.StatusOK, fmt.Sprintf(form, test.key, text)))
					require.NoError(t, err)
					require.Equal(t, want, got)
				}
			}
			for _, body := range []string{
				``, `ok`, `{}`, `{"status":"success"}`, `{"status":"success","wrong_id":5}`, `{"KEY":"x"}`, `{"KEY":1.5}`, `{"KEY":[1,2]}`, `{"KEY":true}`,
				`{"KEY":9223372036854775808}`, `{"KEY":5`, `null`, `5`, `<html>`,
			} {
				got, err := test.call(t.Context(), always(t, http.StatusOK, strings.ReplaceAll(body, "KEY", test.key)))
				require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
				require.Zero(t, got)
			}
			got, err := test.call(t.Context(), always(t, http.StatusOK, fmt.Sprintf(`{"status":"success",%q:null}`, test.key)))
			require.Zero(t, got)
			if name == "GetCurrentOrderID" {
				require.ErrorIs(t, err, salebot.ErrOrderNotFound)
			} else {
				require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
			}
			for body, is := range map[string]error{
				`{"status":"client_not_found"}`:      salebot.ErrClientNotFound,
				`{"status":"order not found"}`:       salebot.ErrOrderNotFound,
				`{"status":"order 12345 not found"}`: salebot.ErrOrderNotFound,
				`{"status":"fail"}`:                  salebot.ErrRejected,
			} {
				got, err := test.call(t.Context(), always(t, http.StatusOK, body))
				require.ErrorIs(t, err, is)
				require.ErrorIs(t, err, salebot.ErrRejected)
				require.Zero(t, got)
			}
		})
	}
}

func TestGetOrderVariablesForms(t *testing.T) {
	t.Parallel()
	request := salebot.GetOrderVariablesRequest{ClientID: 25554, OrderID: 7, Names: []string{"сумма", "b"}}
	var body string
	client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
		body = string(call.Body)
		return http.StatusOK, `{"status":"success","result":{"сумма":"111","b":"13.04.2023","status":"fail","big":9007199254740993}}`, nil
	}))
	variables, err := client.GetOrderVariables(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, `{"client_id":25554,"order_id":7,"variables":["сумма","b"]}`, body)
	one := request
	one.Names = []string{"b"}
	_, err = client.GetOrderVariables(t.Context(), one)
	require.NoError(t, err)
	require.Equal(t, `{"client_id":25554,"order_id":7,"variables":["b"]}`, body)
	require.Equal(t, "111", variables.Text("сумма"))
	require.Equal(t, "fail", variables.Text("status"))
	big, _ := variables.Get("big")
	n, err := big.Int64()
	require.NoError(t, err)
	require.Equal(t, int64(9007199254740993), n)
	for _, empty := range []string{`{"result":{}}`, `{"result":[]}`, `{"result":null}`} {
		variables, err := always(t, http.StatusOK, empty).GetOrderVariables(t.Context(), request)
		require.NoError(t, err, empty)
		require.Zero(t, variables.Len())
	}
	for _, broken := range []string{
		``, `ok`, `{}`, `{"status":"success"}`, `{"result":"x"}`, `{"result":[1]}`, `{"result":{"a":1,,}}`, `{"result":{"a":1 "b":2}}`, `{"result":{"a":}}`, `{"result":{"a":1}`, `{"result":{a:1}}`,
	} {
		_, err := always(t, http.StatusOK, broken).GetOrderVariables(t.Context(), request)
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, broken)
	}
}

func TestSetOrderForms(t *testing.T) {
	t.Parallel()
	set := salebot.SetOrderVariablesRequest{ClientID: 25554, Variables: map[string]any{"a": 1}}
	state := salebot.SetOrderStateRequest{ClientID: 25554, StateID: 37}
	for _, body := range []string{`ok`, `{"status":"success"}`, `"success"`, `true`} {
		ack, err := always(t, http.StatusOK, body).SetOrderVariables(t.Context(), set)
		require.NoError(t, err)
		require.Equal(t, body, string(ack.Raw))
		_, err = always(t, http.StatusOK, body).SetOrderState(t.Context(), state)
		require.NoError(t, err)
	}
	_, err := always(t, http.StatusOK, `{"status":"order 12345 not found"}`).SetOrderVariables(t.Context(), set)
	require.ErrorIs(t, err, salebot.ErrOrderNotFound)
	// Nobody published the answer to the one; of the other it is known to say
	// something.
	_, err = always(t, http.StatusOK, ``).SetOrderState(t.Context(), state)
	require.NoError(t, err)
	_, err = always(t, http.StatusOK, ``).SetOrderVariables(t.Context(), set)
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
}

func TestOrdersRefuseBadInput(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), always(t, http.StatusOK, `{"status":"success","order_id":1,"state_id":1}`)
	_, err := client.GetCurrentOrderID(ctx, 0)
	requireField(t, err, "client")
	_, err = client.GetOrders(ctx, salebot.GetOrdersRequest{})
	requireField(t, err, "ClientID")
	_, err = client.GetOrderState(ctx, salebot.GetOrderStateRequest{})
	requireField(t, err, "ClientID")
	_, err = client.GetOrderState(ctx, salebot.GetOrderStateRequest{ClientID: 1, OrderID: -1})
	requireField(t, err, "OrderID")
	_, err = client.MoveOrderToNextState(ctx, salebot.MoveOrderToNextStateRequest{ClientID: -1})
	requireField(t, err, "ClientID")
	_, err = client.SetOrderState(ctx, salebot.SetOrderStateRequest{ClientID: 1})
	requireField(t, err, "StateID")
	_, err = client.GetOrderVariables(ctx, salebot.GetOrderVariablesRequest{ClientID: 1, Names: []string{"a", ""}})
	requireField(t, err, "Names[1]")
	_, err = client.SetOrderVariables(ctx, salebot.SetOrderVariablesRequest{ClientID: 1})
	requireField(t, err, "Variables")
	_, err = client.SetOrderVariables(ctx, salebot.SetOrderVariablesRequest{ClientID: 1, Variables: map[string]any{"": 1}})
	requireField(t, err, `Variables[""]`)
	_, err = client.CreateOrder(ctx, salebot.CreateOrderRequest{Name: "An order without a client"})
	requireField(t, err, "ClientID")
	_, err = client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: -1, Phone: "1"})
	requireField(t, err, "ClientID")
	for _, budget := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err = client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: 1, Budget: budget})
		requireField(t, err, "Budget")
	}
	_, err = client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: 1, StateID: -1})
	requireField(t, err, "StateID")
}

// A budget is an amount of money: it is never written with an exponent.
func TestCreateOrderBudget(t *testing.T) {
	t.Parallel()
	for want, budget := range map[string]float64{
		`{"phone":"1"}`: 0, `{"phone":"1","budget":1500.5}`: 1500.5, `{"phone":"1","budget":10000000000000000000000}`: 1e22, `{"phone":"1","budget":0.0000001}`: 1e-7, `{"phone":"1","budget":-5}`: -5,
	} {
		client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			require.Equal(t, want, string(call.Body))
			return http.StatusOK, `{"status":"success","order_id":40654}`, nil
		}))
		id, err := client.CreateOrder(t.Context(), salebot.CreateOrderRequest{Phone: "1", Budget: budget})
		require.NoError(t, err)
		require.Equal(t, salebot.OrderID(40654), id)
	}
}

// FuzzOrders gives any body to the calls about deals: they must not panic, and
// never return nothing as a success.
func FuzzOrders(f *testing.F) {
	for _, body := range []string{
		`{"status":"success","order_id":[40338]}`, `{"status":"success","result":{"a":"1"}}`, `{"state_id":37}`, `{"order_id":9007199254740993}`, `{"order_id":null}`, `{"status":"order 1 not found"}`, `[`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		client := always(t, http.StatusOK, string(body))
		for name, test := range orderNumbers {
			if n, err := test.call(t.Context(), client); err == nil {
				require.NotZero(t, n, name)
			}
		}
		if orders, err := client.GetOrders(t.Context(), salebot.GetOrdersRequest{ClientID: 1}); err == nil {
			require.NotNil(t, orders)
			require.NotContains(t, orders, salebot.OrderID(0))
		}
		if variables, err := client.GetOrderVariables(t.Context(), salebot.GetOrderVariablesRequest{ClientID: 1}); err == nil && variables.Raw() != nil {
			n := 0
			for range variables.All() {
				n++
			}
			require.Equal(t, variables.Len(), n)
			require.True(t, json.Valid(variables.Raw()), "%s", variables.Raw())
		}
	})
}

func TestOrdersInAllForms(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]salebot.OrderID{
		`{"result":"success","order_id":[5]}`: {5}, `{"order_id":[5],"result":[7]}`: {5}, `{"result":[7],"order_id":[]}`: {7}, `{"order_id":5}`: {5}, `{"result":[5.0,"6"]}`: {5, 6},
		`{"order_id":null}`: {}, `{"order_id":[]}`: {}, `[5]`: {5}, `{"status":"success","order_id":0}`: {},
	} {
		got, err := always(t, http.StatusOK, body).GetOrders(t.Context(), salebot.GetOrdersRequest{ClientID: 1})
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
	for _, body := range []string{`[-5]`, `[0]`, `{"order_id":-5}`, `{"order_id":[5,null]}`, `{"result":"success"}`, `{"order_id":"abc"}`, `{"order_id":{"id":5}}`, `5`} {
		_, err := always(t, http.StatusOK, body).GetOrders(t.Context(), salebot.GetOrdersRequest{ClientID: 1})
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
	}
	for _, body := range []string{`{"order_id":-5}`, `{"order_id":1.5}`} {
		_, err := always(t, http.StatusOK, body).GetCurrentOrderID(t.Context(), 1)
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
		_, err = always(t, http.StatusOK, body).CreateOrder(t.Context(), salebot.CreateOrderRequest{ClientID: 1})
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
	}
	_, err := always(t, http.StatusOK, `{"state_id":-5}`).GetOrderState(t.Context(), salebot.GetOrderStateRequest{ClientID: 1})
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
}
