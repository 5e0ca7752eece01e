package salebot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// One odd field costs itself: the other fields and the other clients are there, and
// the record lists it.
func TestOddFieldsOfClients(t *testing.T) {
	t.Parallel()
	good := salebot.ClientRecord{ID: 2, ClientType: salebot.ClientTypeUnrecognized}
	for member, want := range map[string]func(*salebot.ClientRecord){
		`"message_id":"abc"`:   func(r *salebot.ClientRecord) { r.Unread = []string{"message_id"} },
		`"message_id":5.5`:     func(r *salebot.ClientRecord) { r.Unread = []string{"message_id"} },
		`"message_id":true`:    func(r *salebot.ClientRecord) { r.Unread = []string{"message_id"} },
		`"message_id":5.0`:     func(r *salebot.ClientRecord) { r.BlockID = 5 },
		`"message_id":"1e3"`:   func(r *salebot.ClientRecord) { r.BlockID = 1000 },
		`"variables":""`:       func(*salebot.ClientRecord) {},
		`"variables":"None"`:   func(*salebot.ClientRecord) {},
		`"variables":"{}x"`:    func(r *salebot.ClientRecord) { r.Unread = []string{"variables"} },
		`"variables":[1]`:      func(r *salebot.ClientRecord) { r.Unread = []string{"variables"} },
		`"variables":7`:        func(r *salebot.ClientRecord) { r.Unread = []string{"variables"} },
		`"created_at":{"a":1}`: func(r *salebot.ClientRecord) { r.Unread = []string{"created_at"} },
		`"created_at":"yesterday"`: func(r *salebot.ClientRecord) {
			r.CreatedAt, r.Unread = timestampOf(t, `"yesterday"`), []string{"created_at"}
		},
		`"updated_at":true`: func(r *salebot.ClientRecord) {
			r.UpdatedAt, r.Unread = timestampOf(t, `true`), []string{"updated_at"}
		},
		`"client_type":{}`:       func(r *salebot.ClientRecord) { r.Unread = []string{"client_type"} },
		`"client_type":"pigeon"`: func(r *salebot.ClientRecord) { r.Unread = []string{"client_type"} },
		`"client_type":true`:     func(r *salebot.ClientRecord) { r.Unread = []string{"client_type"} },
		`"client_type":1.0`:      func(r *salebot.ClientRecord) { r.ClientType = salebot.ClientTypeTelegram },
		`"platform_id":{}`:       func(r *salebot.ClientRecord) { r.Unread = []string{"platform_id"} },
		`"platform_id":6.25e9`:   func(r *salebot.ClientRecord) { r.PlatformID = "6250000000" },
		`"platform_id":[],"tg_id":5`: func(r *salebot.ClientRecord) {
			r.PlatformID, r.Unread = "5", []string{"platform_id"}
		},
		`"name":{"first":"Ann"}`:              func(r *salebot.ClientRecord) { r.Unread = []string{"name"} },
		`"avatar":["x"]`:                      func(r *salebot.ClientRecord) { r.Unread = []string{"avatar"} },
		`"tag":{},"project_id":"p"`:           func(r *salebot.ClientRecord) { r.Unread = []string{"project_id", "tag"} },
		`"message_id":"abc","message_id":5`:   func(r *salebot.ClientRecord) { r.BlockID = 5 },
		`"message_id":5,"message_id":"abc"`:   func(r *salebot.ClientRecord) { r.Unread = []string{"message_id"} },
		`"MESSAGE_ID":"abc","Name":"x"`:       func(*salebot.ClientRecord) {},
		`"custom_answer":{"kept":"as it is"}`: func(r *salebot.ClientRecord) { r.CustomAnswer = `{"kept":"as it is"}` },
	} {
		expected := good
		want(&expected)
		body := `{"status":"success","clients":[{"id":1},{"id":2,` + member + `}]}`
		got, err := always(t, http.StatusOK, body).GetClients(t.Context(), salebot.GetClientsRequest{})
		require.NoError(t, err, member)
		require.Equal(t, []salebot.ClientRecord{{ID: 1, ClientType: salebot.ClientTypeUnrecognized}, expected}, got, member)
	}
}

// The raw text of an odd field can be had.
func TestOddFieldsAreKeptRaw(t *testing.T) {
	t.Parallel()
	client := always(t, http.StatusOK, `{"clients":[{"id":2,"message_id":{"deep":[1]}}]}`)
	got, err := client.GetClients(t.Context(), salebot.GetClientsRequest{}, salebot.WithRawItems())
	require.NoError(t, err)
	require.Equal(t, []string{"message_id"}, got[0].Unread)
	require.JSONEq(t, `{"id":2,"message_id":{"deep":[1]}}`, string(got[0].Raw))
}

func TestOddFieldsOfHistory(t *testing.T) {
	t.Parallel()
	body := `{"status":"success","result":[{"id":1,"text":"a"},
		{"id":2,"text":"b","delivered":2,"manager_id":"admin","message_from_outside":"callback","answered":"perhaps","client_replica":[],"message_id":{},"created_at":[],"manager_email":{}},
		{"id":3.0,"delivered":0.0,"attachments":5,"error_message":{"code":1}}]}`
	got, err := always(t, http.StatusOK, body).GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, salebot.HistoryItem{ID: 1, Text: "a", Delivered: true}, got[0])
	require.Equal(t, salebot.HistoryItem{ID: 2, Text: "b", Delivered: true, Unread: []string{
		"answered", "client_replica", "message_from_outside", "message_id", "created_at", "delivered", "manager_id", "manager_email",
	}}, got[1])
	require.Equal(t, salebot.MessageID(3), got[2].ID)
	require.False(t, got[2].Delivered)
	require.Empty(t, got[2].Unread)
	require.Equal(t, `{"code":1}`, got[2].ErrorMessage)
}

// Only the id of a record itself is worth an error, which says where it is.
func TestRecordsWithoutAnID(t *testing.T) {
	t.Parallel()
	for element, want := range map[string]string{
		`{"name":"x"}`: `field "id" is missing`, `{"id":null}`: `field "id"`, `{"id":"abc"}`: `field "id": want a whole number`, `{"id":-1}`: `field "id": want a positive`,
		`{"id":0}`: `field "id"`, `{"id":5.5}`: `field "id"`, `{"id":{}}`: `field "id"`, `{"id":"abc","client_id":7}`: `field "id"`, `{"ID":7}`: `field "id"`,
		`5`: "want an object", `null`: "want an object", `[]`: "want an object",
	} {
		_, err := always(t, http.StatusOK, `{"clients":[{"id":1},`+element+`]}`).GetClients(t.Context(), salebot.GetClientsRequest{})
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, element)
		require.ErrorContains(t, err, "clients: element 1: "+want, element)
	}
	_, err := always(t, http.StatusOK, `{"result":[{"id":1},{"id":-1}]}`).GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
	require.ErrorContains(t, err, `result: element 1: field "id"`)
	_, err = always(t, http.StatusOK, `{"messages":[{"answer":"x"}]}`).GetBlocks(t.Context())
	require.ErrorContains(t, err, `messages: element 0: field "id" is missing`)
	_, err = always(t, http.StatusOK, `{"telegram":[{"id":"x"}]}`).GetConnectedChannels(t.Context())
	require.ErrorContains(t, err, `telegram: element 0: neither field "id" nor "group_id"`)
}

// Names match exactly: encoding/json would take {"id":1,"ID":99} for client 99.
func TestNamesMatchExactly(t *testing.T) {
	t.Parallel()
	got, err := always(t, http.StatusOK, `{"clients":[{"id":1,"ID":99,"name":"Ann","NAME":"x","Client_Id":5,"Platform_ID":"7"}]}`).GetClients(t.Context(), salebot.GetClientsRequest{})
	require.NoError(t, err)
	require.Equal(t, []salebot.ClientRecord{{ID: 1, Name: "Ann", ClientType: salebot.ClientTypeUnrecognized}}, got)
	history, err := always(t, http.StatusOK, `{"result":[{"ID":9,"id":1,"TEXT":"x","text":"a"}]}`).GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
	require.NoError(t, err)
	require.Equal(t, []salebot.HistoryItem{{ID: 1, Text: "a", Delivered: true}}, history)
	loaded, err := always(t, http.StatusOK, `{"items":[{"id":1,"ID":9,"STATUS":"error"}]}`).LoadClients(t.Context(), []salebot.ClientToLoad{salebot.TelegramUser("1", "b")})
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(1), loaded[0].ID)
	blocks, err := always(t, http.StatusOK, `{"messages":[{"ID":9,"id":1,"Answer":"x","message_type":2,"Message_Type":3}]}`).GetBlocks(t.Context())
	require.NoError(t, err)
	require.Equal(t, []salebot.Block{{ID: 1, Type: 2}}, blocks)
	channels, err := always(t, http.StatusOK, `{"project_id":1,"PROJECT_ID":2,"telegram":[{"id":5,"ID":6,"Name":"x"}]}`).GetConnectedChannels(t.Context())
	require.NoError(t, err)
	require.Equal(t, &salebot.ConnectedChannels{ProjectID: 1, Channels: []salebot.Channel{{Messenger: "telegram", ID: 5}}}, channels)
	instagram, err := always(t, http.StatusOK, `{"is_follower":1,"Is_Follower":0,"username":"a","USERNAME":"b"}`).CheckInstagramSubscription(t.Context(), salebot.CheckInstagramSubscriptionRequest{UserName: "a"})
	require.NoError(t, err)
	require.Equal(t, &salebot.InstagramSubscription{Username: "a", IsFollower: true}, instagram)
}

// An iterator goes on over an odd field.
func TestIteratorsGoOnOverOddFields(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
		if call.Query.Get("offset") == "0" {
			return http.StatusOK, `{"clients":[{"id":1,"message_id":"abc"},{"id":2}]}`, nil
		}
		if call.Query.Get("offset") == "2" {
			return http.StatusOK, `{"clients":[{"id":3,"created_at":{}}]}`, nil
		}
		return http.StatusOK, `{"clients":[]}`, nil
	}))
	var ids []salebot.ClientID
	odd := 0
	for record, err := range client.Clients(t.Context(), salebot.ClientsRequest{PageSize: 2}) {
		require.NoError(t, err)
		ids = append(ids, record.ID)
		odd += len(record.Unread)
	}
	require.Equal(t, []salebot.ClientID{1, 2, 3}, ids)
	require.Equal(t, 2, odd)
}

// Hooks and the logger count odd fields, in each kind of record.
func TestOddFieldsAreCounted(t *testing.T) {
	t.Parallel()
	for body, call := range map[string]func(context.Context, *salebot.Client) error{
		`{"clients":[{"id":1,"tag":{}},{"id":2,"name":[],"avatar":{}}]}`: func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetClients(ctx, salebot.GetClientsRequest{})
			return err
		},
		`{"result":[{"id":1,"delivered":2,"answered":7,"manager_id":"admin"}]}`: func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: 1})
			return err
		},
		`{"project_id":{},"telegram":[{"id":1,"name":{},"enabled":5}]}`: func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetConnectedChannels(ctx)
			return err
		},
		`{"messages":[{"id":1,"message_type":"x"},{"id":2,"message_type":{}},{"id":3,"message_type":[]}]}`: func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetBlocks(ctx)
			return err
		},
		`{"items":[{"id":1,"client_type":"x","group_id":{},"status":{}}]}`: func(ctx context.Context, c *salebot.Client) error {
			_, err := c.LoadClients(ctx, []salebot.ClientToLoad{salebot.TelegramUser("1", "b")})
			return err
		},
	} {
		var log strings.Builder
		counted := 0
		client := clienttest.New(t, clienttest.Answering(http.StatusOK, body),
			salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) { counted += a.UnreadFields }}),
			salebot.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		require.NoError(t, call(t.Context(), client), body)
		require.Equal(t, 3, counted, body)
		require.Contains(t, log.String(), "unread_fields=3", body)
	}
}

// WithStrict is for tests against the API: what is odd is an error that says where.
func TestStrict(t *testing.T) {
	t.Parallel()
	body := `{"clients":[{"id":1},{"id":2,"message_id":"abc"}]}`
	_, err := always(t, http.StatusOK, body).GetClients(t.Context(), salebot.GetClientsRequest{}, salebot.WithStrict())
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
	require.ErrorContains(t, err, `clients: element 1: field "message_id": want a whole number`)
	strict, err := always(t, http.StatusOK, body).With(salebot.WithStrict())
	require.NoError(t, err)
	_, err = strict.GetClients(t.Context(), salebot.GetClientsRequest{})
	require.ErrorContains(t, err, `field "message_id"`)
	_, err = always(t, http.StatusOK, `{"clients":[{"id":1,"message_id":"","never seen":{}}]}`).GetClients(t.Context(), salebot.GetClientsRequest{}, salebot.WithStrict())
	require.NoError(t, err, "what is unset or unknown is not odd")
	_, err = always(t, http.StatusOK, `{"project_id":1,"telegram":"x"}`).GetConnectedChannels(t.Context(), salebot.WithStrict())
	require.ErrorContains(t, err, `field "telegram"`)
	_, err = always(t, http.StatusOK, `{"callback_sended":"many"}`).SendCallbackByPlatformID(t.Context(), salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1"}, CallbackText: "x"}, salebot.WithStrict())
	require.ErrorContains(t, err, `field "callback_sended"`)
}

// The order of the keys decides, never that of the answer; a word under result says
// how the action went.
func TestDataUnderSeveralKeys(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"id":7,"client_id":5}`, `{"client_id":5,"id":7}`, `{"ids":[],"client_id":5}`, `{"result":"success","client_id":5}`, `{"client_id":5,"result":true}`,
		`{"client_ids":[],"client_id":5}`, `{"client_id":null,"id":5}`, `{"id":"","ids":[5]}`, `{"result":[7],"ids":[5,6]}`, `{"ids":{"0":5,"2":6}}`, `{"client_id":5.0}`,
	} {
		lookUp(t, http.StatusOK, body, func(t *testing.T, id salebot.ClientID, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Equal(t, salebot.ClientID(5), id)
		}, func(t *testing.T, ids []salebot.ClientID, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Equal(t, salebot.ClientID(5), ids[0])
		})
	}
	for body, want := range map[string]string{
		`{"client_id":"abc","id":5}`: "client_id: want a whole number", `{"client_ids":[1,-5]}`: "client_ids: element 1: want a positive", `{"result":"queued"}`: "no data",
		`{"result":1}`: "no data", `{"data":{"client_id":5}}`: "no data",
	} {
		_, err := always(t, http.StatusOK, body).GetClientIDByPhone(t.Context(), "1")
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
		require.ErrorContains(t, err, want, body)
	}
	latest, err := always(t, http.StatusOK, `{"status":"success","client_id":7,"latest_client_id":25554}`).GetLatestClientIDByVariable(t.Context(), "a", "1")
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(25554), latest)
	latest, err = always(t, http.StatusOK, `{"client_id":25554}`).GetLatestClientIDByVariable(t.Context(), "a", "1")
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(25554), latest)
	clients, err := always(t, http.StatusOK, `{"subscribers":[{"id":1}],"clients":[],"result":"ok"}`).GetSubscribers(t.Context(), salebot.GetSubscribersRequest{})
	require.NoError(t, err)
	require.Len(t, clients, 1)
	clients, err = always(t, http.StatusOK, `{"clients":{"0":{"id":1},"3":{"id":2}}}`).GetClients(t.Context(), salebot.GetClientsRequest{})
	require.NoError(t, err)
	require.Len(t, clients, 2, "so PHP writes a list with gaps")
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

func TestConnectedChannelsInAllForms(t *testing.T) {
	t.Parallel()
	channel := salebot.Channel{Messenger: "telegram", ID: 5, GroupID: "b"}
	for body, want := range map[string]salebot.ConnectedChannels{
		`{"project_id":1,"telegram":{"0":{"id":5,"group_id":"b"}}}`:                       {ProjectID: 1, Channels: []salebot.Channel{channel}},
		`{"telegram":{"id":5,"group_id":"b"}}`:                                            {Channels: []salebot.Channel{channel}},
		`{"result":{"telegram":[{"id":5,"group_id":"b"}]}}`:                               {Channels: []salebot.Channel{channel}},
		`{"status":"success","data":{"project_id":"1","telegram":[]}}`:                    {ProjectID: 1},
		`{"telegram":[],"viber":null,"instagram":false,"ok":"","avito":"","whatsapp":{}}`: {},
		`{"telegram":[{"id":{},"group_id":"b"}]}`:                                         {Channels: []salebot.Channel{{Messenger: "telegram", GroupID: "b", Unread: []string{"id"}}}},
		`{"telegram":"x","ok":[],"plan":"business","tariff":{"a":1},"project_id":[]}`:     {Unread: []string{"telegram", "project_id"}},
		`{"max":{"id":5},"ok":[{"id":6}],"errors":[]}`:                                    {Channels: []salebot.Channel{{Messenger: "max", ID: 5}, {Messenger: "ok", ID: 6}}},
		`{"features":["a"],"viber":[]}`:                                                   {Unread: []string{"features"}},
	} {
		got, err := always(t, http.StatusOK, body).GetConnectedChannels(t.Context())
		require.NoError(t, err, body)
		require.Equal(t, &want, got, body)
	}
	for _, body := range []string{
		`{"errors":[]}`, `{"status":"success"}`, `{"result":{}}`, `{"project_id":0}`, `{"project_id":"x"}`, `{"telegram":{"id":{}}}`, `{"telegram":[5]}`, `{"telegram":{"0":5}}`,
		`{"message":"hello","plan":{}}`, `{"telegram":"x"}`, `{"result":{"result":{"telegram":[]}}}`,
	} {
		_, err := always(t, http.StatusOK, body).GetConnectedChannels(t.Context())
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
	}
}

// Persons and clients are paired by what each element repeats.
func TestLoadedClientsArePairedByTheirEchoes(t *testing.T) {
	t.Parallel()
	telegram := func(ids ...salebot.PlatformID) (persons []salebot.ClientToLoad) {
		for _, id := range ids {
			persons = append(persons, salebot.TelegramUser(id, "b"))
		}
		return persons
	}
	twoBots := []salebot.ClientToLoad{salebot.TelegramUser("1", "a"), salebot.TelegramUser("1", "b"), salebot.VKUser("1", "a")}
	for _, c := range []struct {
		name string
		sent []salebot.ClientToLoad
		body string
		want []salebot.ClientID // nil for an error
	}{
		{"in another order", telegram("100", "200"), `[{"platform_id":200,"id":2},{"platform_id":"100","id":1}]`, []salebot.ClientID{1, 2}},
		{"without echoes", telegram("100", "200"), `[{"id":1},{"id":2}]`, []salebot.ClientID{1, 2}},
		{"one echo of two, at its place", telegram("100", "200"), `[{"id":1},{"platform_id":"200","id":2}]`, []salebot.ClientID{1, 2}},
		{"one echo of two, at the other place", telegram("100", "200"), `[{"id":1},{"platform_id":"100","id":2}]`, nil},
		{"two echoes of one person", telegram("100", "200"), `[{"platform_id":"100","id":1},{"platform_id":"100","id":2}]`, nil},
		{"an echo of nobody", telegram("100", "200"), `[{"platform_id":"100","id":1},{"platform_id":"300","id":2}]`, nil},
		{"an echo of nobody, alone", telegram("100"), `[{"platform_id":"300","id":2}]`, nil},
		{"another messenger", telegram("100"), `[{"platform_id":"100","client_type":0,"id":2}]`, nil},
		{"another messenger without an id", telegram("100"), `[{"client_type":0,"id":2}]`, nil},
		{"a person who was sent twice", telegram("100", "100"), `[{"platform_id":"100","id":1},{"platform_id":"100","id":1}]`, []salebot.ClientID{1, 1}},
		{"told apart by bot and messenger", twoBots, `[{"platform_id":"1","group_id":"a","client_type":0,"id":3},{"platform_id":"1","group_id":"b","client_type":1,"id":2},{"platform_id":"1","group_id":"@A","client_type":1,"id":1}]`, []salebot.ClientID{1, 2, 3}},
		{"told apart by the place only", twoBots[:2], `[{"platform_id":"1","id":1},{"platform_id":"1","id":2}]`, []salebot.ClientID{1, 2}},
		{"one bot twice", twoBots[:2], `[{"platform_id":"1","group_id":"b","id":1},{"platform_id":"1","group_id":"b","id":2}]`, nil},
		{
			"the suffix of WhatsApp",
			[]salebot.ClientToLoad{salebot.WhatsAppUser("+7 (900) 000-00-01", "b"), salebot.WhatsAppUser("89000000002", "b")},
			`[{"platform_id":"79000000002@s.whatsapp.net","id":2},{"platform_id":"79000000001@c.us","id":1}]`,
			[]salebot.ClientID{1, 2},
		},
		{"the suffix that was sent", []salebot.ClientToLoad{salebot.WhatsAppUser("79000000001@s.whatsapp.net", "b")}, `[{"platform_id":79000000001,"id":1}]`, []salebot.ClientID{1}},
		{"another name of the bot", telegram("100"), `[{"platform_id":"100","group_id":"5kqchxwyvdvFZOsp80q2qw==","id":1}]`, []salebot.ClientID{1}},
		{"a negative id", telegram("100"), `[{"platform_id":"100","id":-1}]`, nil},
		{"an odd id", telegram("100"), `[{"platform_id":"100","id":"abc"}]`, nil},
		{"an odd echo", telegram("100"), `[{"platform_id":{},"group_id":[],"client_type":"x","id":1}]`, []salebot.ClientID{1}},
	} {
		loaded, err := always(t, http.StatusOK, `{"status":"success","items":`+c.body+`}`).LoadClients(t.Context(), c.sent)
		if c.want == nil {
			require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, c.name)
			require.Nil(t, loaded, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		for i, want := range c.want {
			require.Equal(t, want, loaded[i].ID, c.name)
			require.Equal(t, c.sent[i].ClientType(), loaded[i].ClientType, c.name)
			require.NotEmpty(t, loaded[i].PlatformID, c.name)
		}
	}
}

// The refused of a load are told by who was sent, not by the order of the answer.
func TestRefusedPersonsArePairedToo(t *testing.T) {
	t.Parallel()
	report, err := always(t, http.StatusOK, `{"items":[{"platform_id":"200","status":"error"},{"platform_id":"100","id":1,"status":"success"},{"platform_id":"300","id":3,"status":"queued"}]}`).BulkLoadClients(
		t.Context(), salebot.Items([]salebot.ClientToLoad{salebot.TelegramUser("100", "b"), salebot.TelegramUser("200", "b"), salebot.TelegramUser("300", "b")}), salebot.BulkOptions{})
	require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
	require.Equal(t, []int{1, 1, 1}, []int{report.Accepted, report.Rejected, report.Unknown})
	outcomes := map[string]salebot.Outcome{}
	for _, problem := range report.Problems {
		outcomes[problem.Key] = problem.Outcome
	}
	require.Equal(t, map[string]salebot.Outcome{"1/b/200": salebot.OutcomeRejected, "1/b/300": salebot.OutcomeUnknown}, outcomes)
}

// 0 callbacks is a success that reached nobody.
func TestCallbacksAreCounted(t *testing.T) {
	t.Parallel()
	request := salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1", "2"}, CallbackText: "x"}
	for body, want := range map[string]*int{
		`{"status":"success","callback_sended":0}`: new(0), `{"callback_sended":2}`: new(2), `{"callback_sended":"2"}`: new(2), `{"status":"success","callback_sended":2.0}`: new(2),
		`ok`: nil, ``: nil, `{"status":"success"}`: nil, `{"callback_sended":null}`: nil, `{"callback_sended":"many"}`: nil, `{"callback_sended":-1}`: nil, `{"Callback_Sended":2}`: nil,
	} {
		got, err := always(t, http.StatusOK, body).SendCallbackByPlatformID(t.Context(), request)
		require.NoError(t, err, body)
		require.Equal(t, want, got.Started, body)
		require.Equal(t, body, string(got.Raw))
		odd := strings.Contains(body, "many") || strings.Contains(body, "-1")
		require.Equal(t, odd, slices.Contains(got.Unread, "callback_sended"), body)
	}
	for body, want := range map[string][]int{
		`{"callback_sended":0}`: {0, 2, 0}, `{"callback_sended":1}`: {0, 0, 2}, `{"callback_sended":2}`: {2, 0, 0}, `{"callback_sended":5}`: {0, 0, 2}, `ok`: {2, 0, 0},
	} {
		report, err := always(t, http.StatusOK, body).BulkSendCallbackByPlatformID(t.Context(), salebot.SendCallbackByPlatformIDRequest{CallbackText: "x"},
			salebot.Items(request.PlatformIDs), salebot.BulkOptions{})
		require.Equal(t, want, []int{report.Accepted, report.Rejected, report.Unknown}, body)
		require.Equal(t, want[0] < 2, err != nil, body)
		for _, problem := range report.Problems {
			require.Contains(t, []string{"1", "2"}, problem.Key)
			require.Error(t, problem.Err)
		}
	}
	// Those that are due later may not be counted yet.
	report, _ := always(t, http.StatusOK, `{"callback_sended":0}`).BulkSendCallbackByPlatformID(t.Context(),
		salebot.SendCallbackByPlatformIDRequest{CallbackText: "x", After: time.Hour}, salebot.Items(request.PlatformIDs), salebot.BulkOptions{})
	require.Equal(t, 2, report.Unknown)
}

// A person without a messenger is refused: for Salebot it would be one in VK.
func TestPersonsHaveAMessenger(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) { return 0, "", clienttest.ErrCable }))
	for _, person := range []salebot.ClientToLoad{{}, {PlatformID: "1", GroupID: "b"}} {
		require.Equal(t, salebot.ClientTypeUnrecognized, person.ClientType())
		_, err := client.LoadClients(t.Context(), []salebot.ClientToLoad{salebot.VKUser("1", "b"), person})
		require.ErrorIs(t, err, salebot.ErrInvalidRequest)
	}
	for want, person := range map[salebot.ClientType]salebot.ClientToLoad{
		salebot.ClientTypeVK: salebot.VKUser("1", "b"), salebot.ClientTypeTelegram: salebot.TelegramUser("1", "b"), salebot.ClientTypeWhatsApp: salebot.WhatsAppUser("1", "b"),
		salebot.ClientTypeViber: salebot.ViberUser("1", "b"), salebot.ClientTypeFacebook: salebot.FacebookUser("1", "b"), salebot.ClientTypeInstagram: salebot.InstagramUser("1", "b"),
		salebot.ClientTypeOdnoklassniki: salebot.OKUser("1", "b"), salebot.ClientTypeMAX: salebot.MAXUser("1", "b"), salebot.ClientTypeEmail: salebot.EmailUser("1", "b"),
		salebot.ClientTypeTelephony: salebot.TelephonyUser("1"), 99: salebot.UserOf(99, "1", "b"),
	} {
		require.Equal(t, want, person.ClientType())
		var sent []struct {
			ClientType *salebot.ClientType `json:"client_type"`
		}
		_, err := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			return http.StatusOK, `[{"id":1}]`, json.Unmarshal(call.Body, &sent)
		})).LoadClients(t.Context(), []salebot.ClientToLoad{person})
		require.NoError(t, err)
		require.Equal(t, want, *sent[0].ClientType)
	}
}

// A look-up by a name with the prefix of writing would silently find nobody.
func TestSearchedNamesHaveNoPrefix(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) { return 0, "", clienttest.ErrCable }))
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"FindClients": func() error {
			_, err := client.FindClients(ctx, salebot.FindClientsRequest{Query: map[string]salebot.Condition{"client.phone": salebot.Equals("1")}})
			return err
		},
		"GetClientIDByVariable": func() error {
			_, err := client.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Name: "client.phone", Value: "1"})
			return err
		},
		"GetLatestClientIDByVariable": func() error {
			_, err := client.GetLatestClientIDByVariable(ctx, "client.phone", "1")
			return err
		},
		"GetClientIDsByVariable": func() error {
			_, err := client.GetClientIDsByVariable(ctx, " client.phone", "1")
			return err
		},
		"GetClientIDsByVariables": func() error {
			_, err := client.GetClientIDsByVariables(ctx, map[string]string{"city": "x", "client.phone": "1"})
			return err
		},
	} {
		err := call()
		require.ErrorIs(t, err, salebot.ErrInvalidRequest, name)
		require.ErrorContains(t, err, "search for the name without it", name)
	}
}

// Times in the forms of other programs.
func TestTimestampForms(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, time.July, 26, 7, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`1588248599000`: time.Unix(1588248599, 0), `"1588248599000"`: time.Unix(1588248599, 0), `1588248599123`: time.UnixMilli(1588248599123), `1588248599000.5`: time.UnixMicro(1588248599000500),
		`1588248599123456`: time.UnixMicro(1588248599123456), `1588248599123456789`: time.Unix(0, 1588248599123456789), `1.588248599e9`: time.Unix(1588248599, 0), `-1588248599000`: time.Unix(-1588248599, 0),
		`99999999999`: time.Unix(99999999999, 0), `"2026-07-26T10:00:00+0300"`: moment, `"2026-07-26T10:00:00+03"`: moment, `"2026-07-26 10:00:00 +03"`: moment, `"2026-07-26 10:00+03:00"`: moment,
		`"2026-07-26T10:00+0300"`: moment, `"2026-07-26T07:00Z"`: moment, `"26.07.2026 10:00 +03:00"`: moment, `"2026-07-26T10:00:00.000+03:00"`: moment, `"2026-07-26T03:30:00-0330"`: moment,
		`"2026-07-26 07:00 UTC"`: moment, `"2026-07-26 07:00:00 GMT"`: moment,
	} {
		got, ok := timestampOf(t, text).Moment()
		require.True(t, ok, text)
		require.True(t, want.Equal(got), "%s: %v, want %v", text, got, want)
	}
	for text, want := range map[string]string{
		`"2026-07-26 10:00"`: "2026-07-26 10:00:00", `"2026-07-26T10:00"`: "2026-07-26 10:00:00", `"26.07.2026T10:00"`: "2026-07-26 10:00:00", `"2026-07-26 10:00:00.123456789"`: "2026-07-26 10:00:00.123456789",
	} {
		require.Equal(t, want, timestampOf(t, text).String())
	}
	for _, text := range []string{`0`, `"0"`, `0.0`, `"0.000"`, `0e5`, `-0`, `"0000-00-00 00:00:00"`, `"0000-00-00"`, `"0001-01-01T00:00:00Z"`, `"0001-01-01 00:00:00"`} {
		require.Equal(t, salebot.Timestamp{}, timestampOf(t, text), text)
	}
	for _, text := range []string{`"2026-07-26T10:00:00+24"`, `"2026-07-26T10:00:00+03:0"`, `"2026-07-26T10:00:00+030"`, `"2026-07-26T10:00:00+"`, `"2026-07-26T10:00:00+03:60"`, `"10:00+03"`, `"Z"`} {
		_, err := timestampOf(t, text).In(time.UTC)
		require.Error(t, err, text)
	}
}

// What is written is read back exactly.
func TestTimestampsComeBackExactly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"2026-07-26T10:00:00.123Z"`: `1785060000.123`, `1588248599123456789`: `1588248599.123456789`, `1588248599000`: `1588248599`, `-0.5`: `-0.5`, `-1.25`: `-1.25`,
		`"1970-01-01T00:00:00Z"`: `"1970-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.5Z"`: `"9999-12-31T23:59:59.5Z"`, `"2026-07-26 10:00:00.123456789"`: `"2026-07-26 10:00:00.123456789"`,
		`"yesterday"`: `"yesterday"`,
	} {
		at := timestampOf(t, text)
		written, err := json.Marshal(at)
		require.NoError(t, err)
		require.Equal(t, want, string(written), text)
		require.Equal(t, at, timestampOf(t, string(written)))
		require.Equal(t, at, timestampOf(t, fmt.Sprintf("%q", at.String())), "so is its text")
	}
	require.True(t, salebot.UnixTimestamp(time.Time{}).IsZero())
	_, err := json.Marshal(salebot.UnixTimestamp(time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)))
	require.ErrorContains(t, err, "12000")
}

func TestTextOfUnsetVariables(t *testing.T) {
	t.Parallel()
	v := variablesOf(t, `{"a":"None","b":"NONE","c":"undefined","d":" null ","e":null,"f":"","g":"Nonesuch","h":" x ","i":0,"j":false}`)
	for name, want := range map[string]string{"a": "", "b": "", "c": "", "d": "", "e": "", "f": "", "g": "Nonesuch", "h": " x ", "i": "0", "j": "false", "k": ""} {
		require.Equal(t, want, v.Text(name), name)
		value, _ := v.Get(name)
		require.Equal(t, want == "", value.IsUnset(), name)
	}
	word, _ := v.Get("a")
	require.Equal(t, `"None"`, string(word.Raw()), "Raw keeps the word")
}

// All bad variables are named at once, and the good ones are read.
func TestDecodeNamesAllBadVariables(t *testing.T) {
	t.Parallel()
	var got struct {
		Name string    `salebot:"name"`
		Age  int       `salebot:"age"`
		Tiny int8      `salebot:"client.tiny"`
		Paid bool      `salebot:"paid"`
		Day  time.Time `salebot:"day,layout=02.01.2006"`
		City string    `salebot:"city"`
	}
	err := variablesOf(t, `{"name":"Ann","age":"old","tiny":500,"paid":"perhaps","day":"tomorrow","city":"Omsk"}`).Decode(&got)
	var all *salebot.VariablesError
	require.ErrorAs(t, err, &all)
	names := []string{}
	for _, bad := range all.Variables {
		names = append(names, bad.Name)
		require.ErrorContains(t, err, bad.Name+": ")
	}
	require.Equal(t, []string{"age", "tiny", "paid", "day"}, names)
	require.Equal(t, []string{"Ann", "Omsk"}, []string{got.Name, got.City})
	require.Equal(t, 1, strings.Count(err.Error(), "salebot:"))
	var value *salebot.ValueError
	require.ErrorAs(t, err, &value)
}

// Each record that is read in lists can say what was odd in it.
func TestRecordsListWhatIsOdd(t *testing.T) {
	t.Parallel()
	for _, record := range []any{
		salebot.ClientRecord{}, salebot.HistoryItem{}, salebot.LoadedClient{}, salebot.Channel{}, salebot.ConnectedChannels{}, salebot.Block{}, salebot.InstagramSubscription{}, salebot.SentCallbacks{},
	} {
		for _, name := range []string{"Unread", "Raw"} {
			_, ok := reflect.TypeOf(record).FieldByName(name)
			require.True(t, ok, "%T has no %s", record, name)
		}
	}
}
