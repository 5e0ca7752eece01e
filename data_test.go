package salebot_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

// wrapped are the forms in which data that has a key of its own may come once more.
func wrapped(data string) []string {
	twice, err := json.Marshal(`{"status":"success",` + data + `}`)
	if err != nil {
		panic(err)
	}
	return []string{
		`{` + data + `}`,
		`{"status":"success","result":{` + data + `}}`,
		`{"data":{"page":1,` + data + `},"status":"success"}`,
		string(twice),
	}
}

// What an answer has comes the same, as it is, one level deeper and encoded twice.
func TestDataInWrappers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, body := range wrapped(`"client_id":5`) {
		id, err := always(t, http.StatusOK, body).GetClientIDByPhone(ctx, "1")
		require.NoError(t, err, body)
		require.Equal(t, salebot.ClientID(5), id, body)
	}
	for _, body := range append(wrapped(`"client_ids":[5,6]`), `{"data":[5,6]}`, `{"result":{"ids":[5,6]}}`) {
		ids, err := always(t, http.StatusOK, body).FindClients(ctx, salebot.FindClientsRequest{Query: map[string]salebot.Condition{"a": salebot.Equals("b")}})
		require.NoError(t, err, body)
		require.Equal(t, []salebot.ClientID{5, 6}, ids, body)
	}
	for _, body := range append(wrapped(`"clients":[{"id":1},{"id":2}]`), `{"result":[{"id":1},{"id":2}]}`, `{"data":{"0":{"id":1},"1":{"id":2}},"clients":[{"id":1},{"id":2}]}`) {
		clients, err := always(t, http.StatusOK, body).GetClients(ctx, salebot.GetClientsRequest{})
		require.NoError(t, err, body)
		require.Len(t, clients, 2, body)
	}
	for _, body := range append(wrapped(`"messages":[{"id":1}]`), `{"data":[{"id":1}]}`) {
		blocks, err := always(t, http.StatusOK, body).GetBlocks(ctx)
		require.NoError(t, err, body)
		require.Len(t, blocks, 1, body)
	}
	for _, body := range append(wrapped(`"order_id":5`), `{"result":[5]}`, `{"order_id":[5]}`, `{"order_id":{"0":"5"}}`) {
		order, err := always(t, http.StatusOK, body).CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: 1})
		require.NoError(t, err, body)
		require.Equal(t, salebot.OrderID(5), order, body)
	}
	for _, body := range wrapped(`"state_id":5`) {
		state, err := always(t, http.StatusOK, body).GetOrderState(ctx, salebot.GetOrderStateRequest{ClientID: 1})
		require.NoError(t, err, body)
		require.Equal(t, salebot.StateID(5), state, body)
	}
	for _, body := range wrapped(`"exists":true`) {
		exists, err := always(t, http.StatusOK, body).CheckWhatsApp(ctx, "1")
		require.NoError(t, err, body)
		require.True(t, exists, body)
	}
	for _, body := range wrapped(`"username":"ann","is_follower":1`) {
		subscription, err := always(t, http.StatusOK, body).CheckInstagramSubscription(ctx, salebot.CheckInstagramSubscriptionRequest{UserName: "ann"})
		require.NoError(t, err, body)
		require.Equal(t, salebot.InstagramSubscription{Username: "ann", IsFollower: true}, *subscription, body)
	}
	for _, body := range wrapped(`"telegram":[{"id":5}]`) {
		channels, err := always(t, http.StatusOK, body).GetConnectedChannels(ctx)
		require.NoError(t, err, body)
		require.Len(t, channels.Channels, 1, body)
	}
	variables, err := always(t, http.StatusOK, `"{\"city\":\"Riga\"}"`).GetVariables(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, "Riga", variables.Text("city"))
	variables, err = always(t, http.StatusOK, `{"result":{"result":"7","data":"8"}}`).GetOrderVariables(ctx, salebot.GetOrderVariablesRequest{ClientID: 1})
	require.NoError(t, err)
	require.Equal(t, `{"result":"7","data":"8"}`, variables.String(), "variables may have the names of wrappers")
	ack, err := always(t, http.StatusOK, `"{\"status\":\"success\"}"`).Message(ctx, salebot.MessageRequest{ClientID: 1, Message: "x"})
	require.NoError(t, err)
	require.Equal(t, "success", ack.Text())
	sent, err := always(t, http.StatusOK, `"{\"callback_sended\":2}"`).SendCallbackByPlatformID(ctx, salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1"}, CallbackText: "x"})
	require.NoError(t, err)
	require.Equal(t, 2, *sent.Started)
	response, err := always(t, http.StatusOK, `"{\"status\":\"success\"}"`).Do(ctx, salebot.DoRequest{Action: "get_clients"})
	require.NoError(t, err)
	require.Equal(t, `"{\"status\":\"success\"}"`, string(response.Body))
}

// A key of its own counts more than a wrapper, and a failure more than both.
func TestWrappersComeLast(t *testing.T) {
	t.Parallel()
	clients, err := always(t, http.StatusOK, `{"result":[{"id":7}],"clients":[],"data":[{"id":8}]}`).GetClients(t.Context(), salebot.GetClientsRequest{})
	require.NoError(t, err)
	require.Empty(t, clients)
	for body, want := range map[string]string{
		`{"status":"success","result":{"client_id":"abc"}}`: "client_id: want a whole number",
		`{"result":{"client":5}}`:                           "result: want a positive",
		`{"data":{"data":{"client_id":5}}}`:                 "no data",
		`{"data":"5"}`:                                      "no data",
		`{"data":{"client_id":5,"status":"queued"}}`:        "neither success nor failure",
		`{"data":[{"client_id":5}]}`:                        "data: element 0: want a whole number",
	} {
		_, err := always(t, http.StatusOK, body).GetClientIDByPhone(t.Context(), "1")
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
		require.ErrorContains(t, err, want, body)
	}
	for _, body := range []string{`{"status":"client_not_found","result":{"client_id":5}}`, `{"result":{"client_id":5,"status":"client_not_found"}}`, `{"data":{"client_id":5},"error":"client_not_found"}`} {
		_, err := always(t, http.StatusOK, body).GetClientIDByPhone(t.Context(), "1")
		require.ErrorIs(t, err, salebot.ErrClientNotFound, body)
	}
	for _, body := range []string{`{"order_id":[5,6]}`, `{"result":[5,6]}`} {
		_, err = always(t, http.StatusOK, body).GetCurrentOrderID(t.Context(), 1)
		require.ErrorContains(t, err, "want one number", body)
	}
	_, err = always(t, http.StatusOK, `{"order_id":[]}`).GetCurrentOrderID(t.Context(), 1)
	require.ErrorIs(t, err, salebot.ErrOrderNotFound)
}

// Of a list that is none the error does not say that it is broken JSON.
func TestWhatIsNoList(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`""`, `"[]"`, `5`, `{"id":1}`, `true`} {
		_, err := always(t, http.StatusOK, `{"status":"success","clients":`+value+`}`).GetClients(t.Context(), salebot.GetClientsRequest{})
		require.ErrorContains(t, err, "clients: want a list", value)
		require.NotContains(t, err.Error(), "JSON", value)
	}
	for _, value := range []string{`[]`, `{}`, ` { } `} {
		items, err := always(t, http.StatusOK, `{"status":"success","result":`+value+`}`).GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
		require.NoError(t, err, value)
		require.Empty(t, items)
	}
}

// An object whose names do not count its members says nothing about their order.
func TestLoadedClientsUnderNames(t *testing.T) {
	t.Parallel()
	people := []salebot.ClientToLoad{salebot.TelegramUser("100", "bot"), salebot.TelegramUser("200", "bot")}
	for _, body := range []string{
		`{"items":{"200":{"id":2},"100":{"id":1}}}`, `{"items":{"100":{"id":1},"200":{"id":2}}}`, `{"items":{"1":{"id":1},"0":{"id":2}}}`,
		`{"items":{"0":{"id":1},"2":{"id":2}}}`,
	} {
		_, err := always(t, http.StatusOK, body).LoadClients(t.Context(), people)
		require.ErrorContains(t, err, "does not say which person it is about", body)
	}
	for _, body := range []string{
		`{"items":{"200":{"id":2,"platform_id":200},"100":{"id":1,"platform_id":"100"}}}`, `{"items":{"0":{"id":1},"1":{"id":2}}}`, `{"items":[{"id":1},{"id":2}]}`,
		`{"result":[{"id":1},{"id":2}]}`, `{"data":{"items":[{"id":1},{"id":2}]}}`,
	} {
		loaded, err := always(t, http.StatusOK, body).LoadClients(t.Context(), people)
		require.NoError(t, err, body)
		require.Equal(t, [2]salebot.ClientID{1, 2}, [2]salebot.ClientID{loaded[0].ID, loaded[1].ID}, body)
	}
}
