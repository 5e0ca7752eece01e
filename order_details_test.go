package salebot_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// The deals of a client come in order, each with its own state and variables; one that is
// gone is left out, and one that cannot be read ends the list.
func TestOrderDetails(t *testing.T) {
	t.Parallel()
	gone, broken := 0, 0
	client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
		var body struct {
			ClientID int `json:"client_id"`
			OrderID  int `json:"order_id"`
		}
		switch call.Action {
		case "get_orders":
			require.Equal(t, "1", call.Query.Get("order_status"))
			return http.StatusOK, `{"status":"success","result":[13,11,12]}`, nil
		case "get_order_state":
			require.Equal(t, "7", call.Query.Get("client_id"))
			number, err := strconv.Atoi(call.Query.Get("order_id"))
			require.NoError(t, err)
			switch number {
			case gone:
				return http.StatusOK, fmt.Sprintf(`{"status":"order %d not found"}`, number), nil
			case broken:
				return http.StatusBadGateway, "", nil
			}
			return http.StatusOK, fmt.Sprintf(`{"status":"success","state_id":%d}`, number*10), nil
		}
		require.NoError(t, json.Unmarshal(call.Body, &body))
		return http.StatusOK, fmt.Sprintf(`{"status":"success","result":{"sum":"%d"}}`, body.OrderID*100), nil
	}), salebot.WithoutRetries())
	status := salebot.OrderStatusSuccessful
	list := func() ([]int, error) {
		details, err := client.GetOrderDetails(t.Context(), salebot.GetOrdersRequest{ClientID: 7, Status: &status})
		numbers := []int{}
		for _, order := range details {
			require.Equal(t, salebot.StateID(order.ID*10), order.StateID)
			require.Equal(t, strconv.Itoa(int(order.ID)*100), order.Variables.Text("sum"))
			numbers = append(numbers, int(order.ID))
		}
		return numbers, err
	}
	numbers, err := list()
	require.NoError(t, err)
	require.Equal(t, []int{13, 11, 12}, numbers)
	gone = 11
	numbers, err = list()
	require.NoError(t, err)
	require.Equal(t, []int{13, 12}, numbers)
	broken = 12
	numbers, err = list()
	require.ErrorIs(t, err, salebot.ErrServer)
	require.Equal(t, []int{13}, numbers)
	_, err = client.GetOrderDetails(t.Context(), salebot.GetOrdersRequest{})
	requireField(t, err, "ClientID")
}
