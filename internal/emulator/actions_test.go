package emulator_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

const bob = salebot.ClientID(25555)

func withBob() engine.Option {
	return engine.WithPerson(engine.Person{
		ID: bob, Name: "Bob", ClientType: salebot.ClientTypeWhatsApp, PlatformID: "+7 900 000-00-00",
		Variables: map[string]any{"client.email": "bob@example.com"},
	})
}

func TestCallbacksFindOrCreateTheClient(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn(), withBob())
	ctx := t.Context()

	_, err := client.Callback(ctx, salebot.CallbackRequest{Phone: "7 (900) 000 00 00", Message: "by phone"})
	require.NoError(t, err)
	emulator.AssertCallback(t, bob, "by phone")
	_, err = client.Callback(ctx, salebot.CallbackRequest{Email: "BOB@example.com", Message: "by e-mail"})
	require.NoError(t, err)
	emulator.AssertCallback(t, bob, "by e-mail")
	_, err = client.Callback(ctx, salebot.CallbackRequest{ClientID: 1, Message: "to nobody"})
	require.ErrorIs(t, err, salebot.ErrClientNotFound)
	_, err = client.Callback(ctx, salebot.CallbackRequest{Phone: "79111111111", Message: "to nobody"})
	require.ErrorIs(t, err, salebot.ErrClientNotFound)

	_, err = client.VKCallback(ctx, salebot.VKCallbackRequest{UserID: "146467928", GroupID: "143000000", Message: "hi"})
	require.NoError(t, err)
	_, err = client.TGCallback(ctx, salebot.TGCallbackRequest{UserID: "100200300", GroupID: "my_shop_bot", Message: "hi"})
	require.NoError(t, err)
	_, err = client.OKCallback(ctx, salebot.OKCallbackRequest{UserID: "5", GroupID: "6", Name: "Olga", Message: "hi"})
	require.NoError(t, err)
	_, err = client.WhatsAppCallback(ctx, salebot.WhatsAppCallbackRequest{Phone: "79222222222", Name: "Wanda", BotID: "41", Message: "hi"})
	require.NoError(t, err)
	_, err = client.EmailCallback(ctx, salebot.EmailCallbackRequest{Email: "eve@example.com", Message: "hi"})
	require.NoError(t, err)
	_, err = client.SendCallbackByPlatformID(ctx, salebot.SendCallbackByPlatformIDRequest{
		PlatformIDs: []salebot.PlatformID{"100200300", "146467928", "unknown"}, CallbackText: "to all",
	})
	require.NoError(t, err)

	all := emulator.People()
	require.Len(t, all, 7)
	for i, want := range []struct {
		kind     salebot.ClientType
		platform salebot.PlatformID
		group    salebot.GroupID
		name     string
		got      []string
	}{
		{salebot.ClientTypeVK, "146467928", "143000000", "", []string{"hi", "to all"}},
		{salebot.ClientTypeTelegram, "100200300", "my_shop_bot", "", []string{"hi", "to all"}},
		{salebot.ClientTypeOdnoklassniki, "5", "6", "Olga", []string{"hi"}},
		{salebot.ClientTypeWhatsApp, "79222222222", "c2hvcC13aGF0c2FwcA==", "Wanda", []string{"hi"}},
		{salebot.ClientTypeEmail, "eve@example.com", "", "", []string{"hi"}},
	} {
		created := all[i+2]
		require.Equal(t, want.kind, created.ClientType)
		require.Equal(t, want.platform, created.PlatformID)
		require.Equal(t, want.group, created.GroupID)
		require.Equal(t, want.name, created.Name)
		var got []string
		for _, callback := range emulator.Callbacks(created.ID) {
			got = append(got, callback.Text)
		}
		require.Equal(t, want.got, got)
	}
}

func TestCallbackSavesFurtherParameters(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())
	_, err := client.Callback(t.Context(), salebot.CallbackRequest{
		ClientID: ann, Message: "paid", Variables: map[string]any{"sum": 100, "client.phone": "79000000000", "город": "Рига"},
	})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"sum": "100", "client.phone": "79000000000", "город": "Рига"}, emulator.Variables(ann))
	require.Equal(t, map[string]string{"sum": "100", "client.phone": "79000000000", "город": "Рига"}, emulator.Callbacks(ann)[0].Variables)
}

func TestMessagesInAllForms(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn(), withBob(),
		engine.WithBlocks(engine.Block{ID: 390, Answer: "From the flow", Buttons: []engine.Button{{Text: "Go"}}}))
	ctx := t.Context()
	_, err := client.Message(ctx, salebot.MessageRequest{ClientID: ann, AttachmentType: salebot.AttachmentImage, AttachmentURL: "https://example.com/a.png"})
	require.NoError(t, err)
	_, err = client.Message(ctx, salebot.MessageRequest{ClientID: ann, BlockID: 390})
	require.NoError(t, err)
	_, err = client.Message(ctx, salebot.MessageRequest{ClientID: ann, BlockID: 391})
	require.ErrorIs(t, err, salebot.ErrRejected)
	_, err = client.WhatsAppMessage(ctx, salebot.WhatsAppMessageRequest{Phone: "79000000000", Message: "Booked"})
	require.NoError(t, err)

	got := emulator.Messages(ann)
	require.Len(t, got, 2)
	require.Equal(t, []engine.Attachment{{Type: "image", URL: "https://example.com/a.png"}}, got[0].Attachments)
	require.Equal(t, salebot.HistoryOriginAPI, got[0].Origin)
	require.Equal(t, "From the flow", got[1].Text)
	require.Equal(t, salebot.BlockID(390), got[1].BlockID)
	require.Equal(t, "Go", got[1].Buttons[0].Text)
	state, ok := emulator.LookupPerson(ann)
	require.True(t, ok)
	require.Equal(t, salebot.BlockID(390), state.BlockID)
	emulator.AssertMessage(t, bob, "Booked")
}

func TestHistoryIsReadAndCleared(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())
	ctx := t.Context()
	_, err := emulator.Write(ann, "Question")
	require.NoError(t, err)
	_, err = client.Callback(ctx, salebot.CallbackRequest{ClientID: ann, Message: "event"})
	require.NoError(t, err)
	_, err = emulator.WriteAsEmployee(ann, "operator@example.com", "Answer")
	require.NoError(t, err)
	_, err = emulator.Write(ann, "", engine.Attachment{Type: "image", URL: "https://example.com/b.png"})
	require.NoError(t, err)

	items, err := client.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: ann})
	require.NoError(t, err)
	require.Len(t, items, 4)
	require.Equal(t, []string{"https://example.com/b.png"}, items[0].Attachments.URLs())
	require.False(t, items[0].Answered)
	require.Equal(t, "operator@example.com", items[1].EmployeeEmail)
	require.False(t, items[1].ClientReplica)
	require.Equal(t, salebot.HistoryOriginCallback, items[2].Origin)
	require.True(t, items[2].ClientReplica)
	require.Equal(t, "Question", items[3].Text)
	require.True(t, items[3].Answered)
	require.Greater(t, int64(items[3].ID), int64(1)<<32)

	limited, err := client.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: ann, Limit: 1})
	require.NoError(t, err)
	require.Len(t, limited, 1)
	today := salebot.DateOf(emulator.Now().UTC())
	period, err := client.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: ann, StartDate: today.AddDays(-1), StopDate: today})
	require.NoError(t, err)
	require.Len(t, period, 4)
	period, err = client.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: ann, StartDate: today.AddDays(-2), StopDate: today.AddDays(-1)})
	require.NoError(t, err)
	require.Empty(t, period)

	_, err = client.ClearHistory(ctx, ann)
	require.NoError(t, err)
	require.Empty(t, emulator.History(ann))
	_, err = client.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: 1})
	require.ErrorIs(t, err, salebot.ErrClientNotFound)
	_, err = client.ClearHistory(ctx, 1)
	require.ErrorIs(t, err, salebot.ErrClientNotFound)
}

func TestLoadClientsGetsOrCreates(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())
	known, ok := emulator.LookupPerson(ann)
	require.True(t, ok)
	loaded, err := client.LoadClients(t.Context(), []salebot.ClientToLoad{
		salebot.UserOf(known.ClientType, known.PlatformID, known.GroupID),
		salebot.WhatsAppUser("+7 (900) 111-22-33", emulator.GroupID(salebot.ClientTypeWhatsApp)),
		salebot.TelephonyUser("ann@example.com"),
	})
	require.NoError(t, err)
	require.Equal(t, ann, loaded[0].ID)
	require.Equal(t, salebot.PlatformID("+7 (900) 111-22-33"), loaded[1].PlatformID)
	require.Equal(t, salebot.PlatformID("ann@example.com"), loaded[2].PlatformID)
	require.Len(t, emulator.People(), 3)

	body := post(t, emulator, "load_clients", `[{"platform_id":6250000000,"group_id":"my_shop_bot","client_type":1}]`).body
	require.JSONEq(t, `{"status":"success","items":[{"platform_id":6250000000,"group_id":"my_shop_bot","client_type":1,"status":"success","id":836000003}]}`, body)
}

func TestLoadClientsAnswersEachElement(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, engine.WithAnswers(engine.Answers{UnknownGroups: engine.GroupsRefused}))
	loaded, err := client.LoadClients(t.Context(), []salebot.ClientToLoad{
		salebot.TelegramUser("1", "my_shop_bot"),
		salebot.TelegramUser("2", "no_such_bot"),
	})
	var partial *salebot.PartialError
	require.ErrorAs(t, err, &partial)
	require.Equal(t, []salebot.RefusedElement{{Index: 1, Status: "group_not_found"}}, partial.Refused)
	require.NotZero(t, loaded[0].ID)
	require.Zero(t, loaded[1].ID)
}

func TestClientsAreListedInPages(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t)
	ctx := t.Context()
	for range 7 {
		_, err := emulator.AddPerson(engine.Person{ClientType: salebot.ClientTypeTelegram})
		require.NoError(t, err)
	}
	ids := func(request salebot.GetClientsRequest) []int64 {
		t.Helper()
		records, err := client.GetClients(ctx, request)
		require.NoError(t, err)
		var ids []int64
		for _, record := range records {
			ids = append(ids, int64(record.ID)-836_000_000)
		}
		return ids
	}
	require.Equal(t, []int64{7, 6, 5}, ids(salebot.GetClientsRequest{Limit: 3}))
	require.Equal(t, []int64{4, 3, 2}, ids(salebot.GetClientsRequest{Limit: 3, Offset: 3}))
	require.Equal(t, []int64{1}, ids(salebot.GetClientsRequest{Limit: 3, Offset: 6}))
	require.Empty(t, ids(salebot.GetClientsRequest{Limit: 3, Offset: 9}))
	require.Equal(t, []int64{1, 2, 3}, ids(salebot.GetClientsRequest{Limit: 3, OldestFirst: true}))

	_, err := client.AddToList(ctx, salebot.AddToListRequest{ListID: 5, Clients: []salebot.ClientID{836_000_002, 836_000_004, 836_000_006, 1}})
	require.NoError(t, err)
	_, err = client.RemoveFromList(ctx, salebot.RemoveFromListRequest{ListID: 5, Clients: []salebot.ClientID{836_000_004}})
	require.NoError(t, err)
	require.Equal(t, []salebot.ClientID{836_000_002, 836_000_006}, emulator.ListMembers(5))
	require.Equal(t, []int64{6, 2}, ids(salebot.GetClientsRequest{List: 5}))
	require.Empty(t, ids(salebot.GetClientsRequest{List: 6}))

	_, err = client.DeleteClients(ctx, []salebot.ClientID{836_000_006, 836_000_001, 1})
	require.NoError(t, err)
	require.Equal(t, []int64{7, 5, 4, 3, 2}, ids(salebot.GetClientsRequest{}))
	require.Equal(t, []salebot.ClientID{836_000_002}, emulator.ListMembers(5))
}

func TestVariablesAreSavedAndRead(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn(), withBob())
	ctx := t.Context()
	_, err := client.SaveVariables(ctx, salebot.SaveVariablesRequest{
		Clients: []salebot.ClientID{ann, bob}, Variables: map[string]any{"sum": 5, "client.name": "Anna", "gone": nil, "status": "client_not_found"},
	})
	require.NoError(t, err)
	emulator.AssertVariable(t, ann, "sum", "5")
	emulator.AssertVariable(t, bob, "client.name", "Anna")
	read, err := client.GetVariables(ctx, ann)
	require.NoError(t, err)
	require.Equal(t, "5", read.Text("sum"))
	require.Equal(t, "Anna", read.Text("name"))
	require.Equal(t, "client_not_found", read.Text("status"))
	gone, ok := read.Get("gone")
	require.True(t, ok)
	require.True(t, gone.IsUnset())
	state, _ := emulator.LookupPerson(ann)
	require.Equal(t, "Anna", state.Name)

	_, err = client.GetVariables(ctx, 1)
	require.ErrorIs(t, err, salebot.ErrClientNotFound)
	_, err = client.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: 1, Variables: map[string]any{"a": 1}})
	require.ErrorIs(t, err, salebot.ErrClientNotFound)
}

func TestLookUps(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t,
		engine.WithPerson(engine.Person{ID: 1, ClientType: salebot.ClientTypeTelegram, PlatformID: "100", Variables: map[string]any{"client.city": "Riga", "client.age": 30, "sum": 5}}),
		engine.WithPerson(engine.Person{ID: 2, ClientType: salebot.ClientTypeTelegram, PlatformID: "200", Variables: map[string]any{"client.city": "Riga", "client.age": 40}}),
		engine.WithPerson(engine.Person{ID: 3, ClientType: salebot.ClientTypeWhatsApp, PlatformID: "79000000000", Variables: map[string]any{"city": "Riga"}}),
		engine.WithPerson(engine.Person{ID: 4, ClientType: salebot.ClientTypeEmail, PlatformID: "Ann@example.com"}),
	)
	ctx := t.Context()

	records, err := client.GetClientsByPlatformID(ctx, salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"200", "100", "300"}})
	require.NoError(t, err)
	require.Len(t, records, 2)
	require.Equal(t, salebot.ClientID(2), records[0].ID)
	records, err = client.GetClientsByPlatformID(ctx, salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"200"}, GroupID: "other"})
	require.NoError(t, err)
	require.Empty(t, records)

	id, err := client.GetClientIDByPhone(ctx, "7-900-000-00-00")
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(3), id)
	_, err = client.GetClientIDByPhone(ctx, "123456789")
	require.ErrorIs(t, err, salebot.ErrClientNotFound)
	id, err = client.GetClientIDByEmail(ctx, "ann@example.com")
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(4), id)
	id, err = client.GetClientIDByWhatsApp(ctx, salebot.GetClientIDByWhatsAppRequest{Phone: "+79000000000"})
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(3), id)
	_, err = client.GetClientIDByWhatsApp(ctx, salebot.GetClientIDByWhatsAppRequest{Phone: "+79000000001"})
	require.ErrorIs(t, err, salebot.ErrClientNotFound)

	id, err = client.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Name: "city", Value: "Riga"})
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(1), id)
	id, err = client.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Name: "city", Value: "Riga", SearchIn: salebot.SearchInOrder})
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(3), id)
	id, err = client.GetLatestClientIDByVariable(ctx, "city", "Riga")
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(3), id)
	ids, err := client.GetClientIDsByVariable(ctx, "city", "Riga")
	require.NoError(t, err)
	require.Equal(t, []salebot.ClientID{1, 2, 3}, ids)
	ids, err = client.GetClientIDsByVariables(ctx, map[string]string{"city": "Riga", "age": "40"})
	require.NoError(t, err)
	require.Equal(t, []salebot.ClientID{2}, ids)

	for _, search := range []struct {
		request salebot.FindClientsRequest
		want    []salebot.ClientID
	}{
		{salebot.FindClientsRequest{Query: map[string]salebot.Condition{"city": salebot.Equals("Riga")}}, []salebot.ClientID{1, 2}},
		{salebot.FindClientsRequest{Query: map[string]salebot.Condition{"age": salebot.In(30, 50)}}, []salebot.ClientID{1}},
		{salebot.FindClientsRequest{Query: map[string]salebot.Condition{"age": salebot.NotIn(30, 50)}}, []salebot.ClientID{2, 3, 4}},
		{salebot.FindClientsRequest{Query: map[string]salebot.Condition{"city": salebot.Equals("Riga"), "age": salebot.Not(30)}}, []salebot.ClientID{2}},
		{salebot.FindClientsRequest{Any: true, Query: map[string]salebot.Condition{"city": salebot.Equals("Oslo"), "age": salebot.Equals(30)}}, []salebot.ClientID{1}},
		{salebot.FindClientsRequest{SearchIn: salebot.SearchInOrder, Query: map[string]salebot.Condition{"city": salebot.Equals("Riga")}}, []salebot.ClientID{3}},
		{salebot.FindClientsRequest{Query: map[string]salebot.Condition{"city": salebot.Equals("Oslo")}}, []salebot.ClientID{}},
	} {
		ids, err = client.FindClients(ctx, search.request)
		require.NoError(t, err)
		require.Equal(t, search.want, ids)
	}
	_, err = client.FindClients(ctx, salebot.FindClientsRequest{Query: map[string]salebot.Condition{"age": salebot.Operator("_gt", 30)}})
	require.ErrorIs(t, err, salebot.ErrRejected)
	require.JSONEq(t, `{"status":"fail","message":"Parameter \"q\" required"}`, post(t, emulator, "find_clients", `{}`).body)

	visitor, err := client.GetClientIDByOnlineChat(ctx, salebot.GetClientIDByOnlineChatRequest{Recipient: "abc", Name: "Visitor", Tag: "spring"})
	require.NoError(t, err)
	again, err := client.GetClientIDByOnlineChat(ctx, salebot.GetClientIDByOnlineChatRequest{Recipient: "abc"})
	require.NoError(t, err)
	require.Equal(t, visitor, again)
	state, _ := emulator.LookupPerson(visitor)
	require.Equal(t, "Visitor", state.Name)
	require.Equal(t, "spring", state.Tag)
}

func TestDeals(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())
	ctx := t.Context()
	_, err := client.GetCurrentOrderID(ctx, ann)
	require.ErrorIs(t, err, salebot.ErrOrderNotFound)
	_, err = client.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: ann, Variables: map[string]any{"size": "M"}})
	require.NoError(t, err)

	first, err := client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: ann, Name: "Shoes", Budget: 1500.5, Description: "red"})
	require.NoError(t, err)
	second, err := client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: ann, StateID: 38})
	require.NoError(t, err)
	current, err := client.GetCurrentOrderID(ctx, ann)
	require.NoError(t, err)
	require.Equal(t, second, current)

	state, err := client.GetOrderState(ctx, salebot.GetOrderStateRequest{ClientID: ann, OrderID: first})
	require.NoError(t, err)
	require.Equal(t, salebot.StateID(36), state)
	state, err = client.MoveOrderToNextState(ctx, salebot.MoveOrderToNextStateRequest{ClientID: ann, OrderID: first})
	require.NoError(t, err)
	require.Equal(t, salebot.StateID(37), state)
	state, err = client.MoveOrderToNextState(ctx, salebot.MoveOrderToNextStateRequest{ClientID: ann})
	require.NoError(t, err)
	require.Equal(t, salebot.StateID(38), state, "there is no state after the last")
	_, err = client.SetOrderState(ctx, salebot.SetOrderStateRequest{ClientID: ann, StateID: 37})
	require.NoError(t, err)

	_, err = client.SetOrderVariables(ctx, salebot.SetOrderVariablesRequest{ClientID: ann, OrderID: first, Variables: map[string]any{"color": "red", "count": 2}})
	require.NoError(t, err)
	read, err := client.GetOrderVariables(ctx, salebot.GetOrderVariablesRequest{ClientID: ann, OrderID: first})
	require.NoError(t, err)
	require.Equal(t, 5, read.Len(), "three that were saved, and the name and the budget of the deal")
	require.Equal(t, "M", read.Text("size"), "what was saved before belongs to the first deal")
	read, err = client.GetOrderVariables(ctx, salebot.GetOrderVariablesRequest{ClientID: ann, OrderID: first, Names: []string{"count", "other"}})
	require.NoError(t, err)
	require.JSONEq(t, `{"count":"2"}`, string(read.Raw()))

	require.True(t, emulator.SetOrderStatus(second, salebot.OrderStatusSuccessful))
	require.False(t, emulator.SetOrderStatus(1, salebot.OrderStatusFailed))
	orders, err := client.GetOrders(ctx, salebot.GetOrdersRequest{ClientID: ann})
	require.NoError(t, err)
	require.Equal(t, []salebot.OrderID{first, second}, orders)
	orders, err = client.GetOrders(ctx, salebot.GetOrdersRequest{ClientID: ann, Status: new(salebot.OrderStatusSuccessful)})
	require.NoError(t, err)
	require.Equal(t, []salebot.OrderID{second}, orders)
	current, err = client.GetCurrentOrderID(ctx, ann)
	require.NoError(t, err)
	require.Equal(t, first, current)
	require.Equal(t, "Shoes", emulator.Orders(ann)[0].Name)

	byPhone, err := client.CreateOrder(ctx, salebot.CreateOrderRequest{Phone: "79333333333"})
	require.NoError(t, err)
	byEmail, err := client.CreateOrder(ctx, salebot.CreateOrderRequest{Email: "eve@example.com"})
	require.NoError(t, err)
	require.Greater(t, byEmail, byPhone)
	require.Len(t, emulator.People(), 3)

	_, err = client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: 1})
	require.ErrorIs(t, err, salebot.ErrClientNotFound)
	_, err = client.SetOrderVariables(ctx, salebot.SetOrderVariablesRequest{ClientID: ann, OrderID: 12345, Variables: map[string]any{"a": 1}})
	require.ErrorIs(t, err, salebot.ErrOrderNotFound)
	require.JSONEq(t, `{"status":"order 12345 not found"}`, post(t, emulator, "set_order_vars", `{"client_id":25554,"order_id":12345,"variables":{"a":1}}`).body)
	require.JSONEq(t, `{"status":"order not found"}`, get(t, emulator, "get_order_state?client_id=25554&order_id=12345").body)
	refused := post(t, emulator, "create_order", `{"client_id":25554,"budget":"much"}`)
	require.Equal(t, http.StatusBadRequest, refused.status)
	require.Contains(t, refused.body, "budget must be a number")
	require.NoError(t, emulator.SetAnswers(engine.Answers{InvalidParameter: engine.Reply{Status: 422, Body: "no: {problem}"}}))
	require.Equal(t, "no: budget must be a number", post(t, emulator, "create_order", `{"client_id":25554,"budget":"much"}`).body)
}

func TestAssignToUser(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())
	_, err := client.AssignToUser(t.Context(), salebot.AssignToUserRequest{ClientID: ann, Email: "boss@example.com"})
	require.NoError(t, err)
	state, _ := emulator.LookupPerson(ann)
	require.Equal(t, "boss@example.com", state.Employee)
	_, err = client.AssignToUser(t.Context(), salebot.AssignToUserRequest{ClientID: ann})
	require.NoError(t, err)
	state, _ = emulator.LookupPerson(ann)
	require.Equal(t, "operator@example.com", state.Employee)
}

func TestChannelsBlocksAndChecks(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t,
		engine.WithBlocks(engine.Block{ID: 390, Condition: "menu", Answer: "Hello", Description: "Greeting"}),
		engine.WithoutWhatsApp("+7 900 000-00-01"), engine.WithInstagramFollowers("@Ann"))
	ctx := t.Context()
	channels, err := client.GetConnectedChannels(ctx)
	require.NoError(t, err)
	require.Equal(t, engine.DefaultProjectID, channels.ProjectID)
	require.Len(t, channels.Channels, 4)
	require.Equal(t, salebot.GroupID("my_shop_bot"), channels.Of("telegram")[0].GroupID)
	require.Equal(t, salebot.ChannelStatusStarted, *channels.Of("whatsapp")[0].Status)
	require.Contains(t, get(t, emulator, "connected_channels").body, `"group_id":11}`)

	blocks, err := client.GetBlocks(ctx)
	require.NoError(t, err)
	require.Len(t, blocks, 1)
	require.Equal(t, "menu", blocks[0].Condition)

	exists, err := client.CheckWhatsApp(ctx, "79000000000")
	require.NoError(t, err)
	require.True(t, exists)
	exists, err = client.CheckWhatsApp(ctx, "79000000001")
	require.NoError(t, err)
	require.False(t, exists)
	require.JSONEq(t, `{"exists":true}`, post(t, emulator, "check_whatsapp", `{"phone":"8 900 000 00 00"}`).body)
	require.Equal(t, 400, get(t, newEmulator(t, engine.WithChannels()), "check_whatsapp?phone=79000000000").status)

	require.JSONEq(t, `{"username":"ann","account_id":"1463000000","avatar":"","real_name":"ann","is_follower":true,"status":200}`,
		get(t, emulator, "check_insta_subscription?user_name=ann").body)
	require.Contains(t, get(t, emulator, "check_insta_subscription?user_name=bob").body, `"is_follower":false`)
}

func TestRetiredListsOfSubscribers(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 5, 28, 12, 0, 0, 0, time.UTC)
	var seeds []engine.Person
	for i := range 150 {
		kind := salebot.ClientTypeTelegram
		if i%2 == 0 {
			kind = salebot.ClientTypeVK
		}
		seeds = append(seeds, engine.Person{ClientType: kind, CreatedAt: created.Add(time.Duration(i) * time.Hour), Tag: "spring"})
	}
	client, _ := newClient(t, engine.WithPeople(seeds...))
	ctx := t.Context()
	page, err := client.GetSubscribers(ctx, salebot.GetSubscribersRequest{})
	require.NoError(t, err)
	require.Len(t, page, 100)
	page, err = client.GetSubscribers(ctx, salebot.GetSubscribersRequest{Page: new(1)})
	require.NoError(t, err)
	require.Len(t, page, 50)
	page, err = client.GetSubscribers(ctx, salebot.GetSubscribersRequest{GroupID: "my_shop_bot"})
	require.NoError(t, err)
	require.Len(t, page, 75)
	page, err = client.GetVKSubscribers(ctx, salebot.GetVKSubscribersRequest{Tag: "spring", From: created.Add(10 * time.Hour), To: created.Add(20 * time.Hour)})
	require.NoError(t, err)
	require.Len(t, page, 6)
}

func TestBroadcastKeepsItsPace(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		client, emulator := newClient(t, withAnn(), withBob(), engine.WithPerson(engine.Person{ID: 7, ClientType: salebot.ClientTypeTelegram, PlatformID: "7"}))
		ctx := t.Context()
		_, err := client.AddToList(ctx, salebot.AddToListRequest{ListID: 1, Clients: []salebot.ClientID{ann, bob}})
		require.NoError(t, err)
		start := emulator.Now()
		for _, request := range []salebot.BroadcastRequest{
			{List: 1, Message: "to a list"},
			{Clients: []salebot.ClientID{ann, bob, 7, 1}, Message: "to clients", Shift: time.Minute},
			{PlatformIDs: []salebot.PlatformID{"7"}, GroupID: "my_shop_bot", Message: "to ids", After: time.Hour},
		} {
			_, err := client.Broadcast(ctx, request)
			require.NoError(t, err)
		}
		emulator.AssertMessage(t, ann, "to a list")
		require.Len(t, emulator.Scheduled(), 4)
		emulator.Advance(2 * time.Hour)
		require.Empty(t, emulator.Scheduled())
		times := map[string]time.Duration{}
		for _, id := range []salebot.ClientID{ann, bob, 7} {
			for _, m := range emulator.Messages(id) {
				times[fmt.Sprintf("%s %d", m.Text, m.ClientID)] = m.Time.Sub(start)
			}
		}
		require.Equal(t, map[string]time.Duration{
			"to a list 25554": 0, "to a list 25555": 200 * time.Millisecond,
			"to clients 25554": 0, "to clients 25555": time.Minute, "to clients 7": 2 * time.Minute,
			"to ids 7": time.Hour,
		}, times)
	})
}
