package emulator_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

const (
	jsonType = "application/json; charset=utf-8"
	textType = "text/plain; charset=utf-8"
)

func withAnswers(answers engine.Answers) engine.Option {
	return engine.WithAnswers(answers)
}

func TestFormsOfASuccess(t *testing.T) {
	t.Parallel()
	for form, want := range map[engine.SuccessForm]answer{
		"":                     {200, textType, "ok"},
		engine.SuccessOK:       {200, textType, "ok"},
		engine.SuccessOKAsHTML: {200, "text/html; charset=utf-8", "ok"},
		engine.SuccessTrue:     {200, textType, "true"},
		engine.SuccessText:     {200, textType, "success"},
		engine.SuccessJSON:     {200, jsonType, `{"status":"success"}`},
		engine.SuccessEmpty:    {200, textType, ""},
	} {
		emulator := newEmulator(t, withAnn(), withAnswers(engine.Answers{Sends: form, Acknowledgements: form}))
		require.Equal(t, want, post(t, emulator, "message", `{"client_id":25554,"message":"hi"}`), form)
		if form != "" {
			require.Equal(t, want, post(t, emulator, "add_to_list", `{"list_id":1,"clients":[25554]}`), form)
		}
	}
	emulator := newEmulator(t, withAnn())
	require.Equal(t, answer{200, jsonType, `{"status":"success"}`}, post(t, emulator, "add_to_list", `{"list_id":1,"clients":[25554]}`))
}

func TestFormsOfNoSuchClient(t *testing.T) {
	t.Parallel()
	forms := map[engine.NotFoundForm]func(word string) answer{
		engine.NotFoundText:    func(word string) answer { return answer{404, textType, word} },
		engine.NotFoundJSON:    func(word string) answer { return answer{404, jsonType, `{"status":"` + word + `"}`} },
		engine.NotFoundJSON200: func(word string) answer { return answer{200, jsonType, `{"status":"` + word + `"}`} },
	}
	for form, want := range forms {
		emulator := newEmulator(t, withAnswers(engine.Answers{SendToUnknownClient: form, ReadOfUnknownClient: form, NobodyFound: form}))
		require.Equal(t, want("client_not_found"), post(t, emulator, "message", `{"client_id":1,"message":"hi"}`))
		require.Equal(t, want("client_not_found"), get(t, emulator, "get_variables?client_id=1"))
		require.Equal(t, want("client_not_found"), get(t, emulator, "get_orders?client_id=1"))
		require.Equal(t, want("not_found"), get(t, emulator, "find_client_id_by_phone?phone=1"))
		require.Equal(t, http.StatusNotFound, get(t, emulator, "whatsapp_client_id?phone=79000000000").status)
	}
	emulator := newEmulator(t)
	require.Equal(t, answer{404, textType, "client_not_found"}, post(t, emulator, "callback", `{"client_id":1,"message":"hi"}`))
	require.Equal(t, answer{200, jsonType, `{"status":"client_not_found"}`}, get(t, emulator, "get_variables?client_id=1"))
	require.Equal(t, answer{200, jsonType, `{"status":"not_found"}`}, get(t, emulator, "find_client_id_by_var?var=a&val=b"))
	require.Equal(t, answer{200, jsonType, `[]`}, post(t, emulator, "find_client_id_by_platform_id", `{"platform_ids":["1"]}`))
	require.Equal(t, answer{200, jsonType, `{"status":"success","client_ids":[]}`}, get(t, emulator, "find_all_client_id_by_var?var=a&val=b"))
}

func TestFormsOfIDsAndTimes(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 5, 28, 17, 33, 42, 539_976_000, time.UTC)
	seed := engine.WithProject(engine.Project{Clients: []engine.PersonState{{
		Person:  engine.Person{ID: 5, ClientType: salebot.ClientTypeTelegram, CreatedAt: created},
		History: []engine.Message{{ID: 7, Time: created, Text: "hi"}},
	}}})
	moscow := time.FixedZone("Moscow", 3*60*60)
	for name, test := range map[string]struct {
		options          []engine.Option
		clients, history string
	}{
		"default": {nil, `"id":5,|"created_at":"2026-05-28 17:33:42.539976"`, `"id":7,|"created_at":1779989622,`},
		"location": {
			[]engine.Option{engine.WithLocation(moscow), withAnswers(engine.Answers{HistoryTimes: engine.TimesAsText})},
			`"created_at":"2026-05-28 20:33:42.539976"`, `"created_at":"2026-05-28 20:33:42.539976"`,
		},
		"unix": {
			[]engine.Option{withAnswers(engine.Answers{IDs: engine.IDsAsText, ClientTimes: engine.TimesAsUnix, HistoryTimes: engine.TimesAsUnixText})},
			`"id":"5",|"created_at":1779989622,`, `"id":"7",|"created_at":"1779989622",`,
		},
	} {
		client, emulator := newClient(t, append(test.options, seed)...)
		clients, history := get(t, emulator, "get_clients").body, get(t, emulator, "get_history?client_id=5").body
		for want := range strings.SplitSeq(test.clients, "|") {
			require.Contains(t, clients, want, name)
		}
		for want := range strings.SplitSeq(test.history, "|") {
			require.Contains(t, history, want, name)
		}
		records, err := client.GetClients(t.Context(), salebot.GetClientsRequest{})
		require.NoError(t, err)
		require.Equal(t, salebot.ClientID(5), records[0].ID)
		items, err := client.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 5})
		require.NoError(t, err)
		at, err := items[0].CreatedAt.In(emulator.Location())
		require.NoError(t, err)
		require.True(t, created.Truncate(time.Second).Equal(at.Truncate(time.Second)), name)
	}
}

func TestLargeIDsSurvive(t *testing.T) {
	t.Parallel()
	const large = 1<<53 + 1
	for _, form := range []engine.IDForm{engine.IDsAsNumbers, engine.IDsAsText} {
		client, emulator := newClient(t, withAnswers(engine.Answers{IDs: form}),
			engine.WithFirstIDs(engine.FirstIDs{Client: large, Message: large, Order: large}))
		loaded, err := client.LoadClients(t.Context(), []salebot.ClientToLoad{salebot.TelegramUser("1", "my_shop_bot")})
		require.NoError(t, err)
		require.Equal(t, salebot.ClientID(large), loaded[0].ID)
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: large, Message: "hi"})
		require.NoError(t, err)
		require.Equal(t, salebot.MessageID(large), emulator.Messages(large)[0].ID)
		items, err := client.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: large})
		require.NoError(t, err)
		require.Equal(t, salebot.MessageID(large), items[0].ID)
		order, err := client.CreateOrder(t.Context(), salebot.CreateOrderRequest{ClientID: large})
		require.NoError(t, err)
		require.Equal(t, salebot.OrderID(large), order)
	}
}

func TestFormsOfDealsAndVariables(t *testing.T) {
	t.Parallel()
	seeds := []engine.Option{
		engine.WithPerson(engine.Person{ID: ann, ClientType: salebot.ClientTypeTelegram, PlatformID: "1", Variables: map[string]any{"client.age": 30, "client.gone": nil}}),
		engine.WithOrders(engine.Order{ID: 9, ClientID: ann, Variables: map[string]any{"sum": 5}}),
	}
	emulator := newEmulator(t, seeds...)
	require.JSONEq(t, `{"status":"success","result":[9]}`, get(t, emulator, "get_orders?client_id=25554").body)
	require.JSONEq(t, `{"age":"30","gone":"None","sum":"5","main_client_id":"NONE","message_id":"NONE","messenger":"telegram"}`, get(t, emulator, "get_variables?client_id=25554").body)
	require.Contains(t, get(t, emulator, "connected_channels").body, `"project_id":424000`)

	for key, want := range map[engine.OrderListKey]string{
		engine.OrderListOrderID: `{"status":"success","order_id":[9]}`,
		engine.OrderListBoth:    `{"status":"success","result":[9],"order_id":[9]}`,
	} {
		require.NoError(t, emulator.SetAnswers(engine.Answers{OrderList: key}))
		require.JSONEq(t, want, get(t, emulator, "get_orders?client_id=25554").body)
	}
	require.NoError(t, emulator.SetAnswers(engine.Answers{Values: engine.ValuesAsSent, UnsetValue: "undefined", HideOrderVariables: true}))
	require.JSONEq(t, `{"age":30,"gone":"undefined","main_client_id":"NONE","message_id":"NONE","messenger":"telegram"}`, get(t, emulator, "get_variables?client_id=25554").body)

	_, err := emulator.Write(ann, "hi")
	require.NoError(t, err)
	for form, want := range map[engine.NoAttachmentsForm]string{
		"": "{}", engine.NoAttachmentsNull: "null", engine.NoAttachmentsList: "[]",
	} {
		require.NoError(t, emulator.SetAnswers(engine.Answers{NoAttachments: form}))
		require.Contains(t, get(t, emulator, "get_history?client_id=25554").body, `"attachments":`+want+`,`)
	}
}

func TestRulesForTheUnknown(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn(), withAnswers(engine.Answers{UnknownUsers: engine.UsersRefused}))
	require.Equal(t, 404, post(t, emulator, "tg_callback", `{"user_id":5,"group_id":"my_shop_bot","message":"hi"}`).status)
	require.Equal(t, 404, post(t, emulator, "whatsapp_message", `{"phone":"79000000000","message":"hi"}`).status)
	require.Equal(t, 200, post(t, emulator, "email_callback", `{"email":"a@example.com","message":"hi"}`).status, "documented to create the client")

	require.NoError(t, emulator.SetAnswers(engine.Answers{UnknownGroups: engine.GroupsRefused}))
	require.Equal(t, 404, post(t, emulator, "tg_callback", `{"user_id":5,"group_id":"other_bot","message":"hi"}`).status)
	require.Equal(t, 200, post(t, emulator, "tg_callback", `{"user_id":5,"group_id":"my_shop_bot","message":"hi"}`).status)

	require.Equal(t, "ok", post(t, emulator, "broadcast", `{"message":"hi"}`).body)
	emulator.AssertNoMessages(t, ann)
	require.NotEmpty(t, emulator.Requests("broadcast")[0].Notes)
	require.NoError(t, emulator.SetAnswers(engine.Answers{BroadcastWithoutAudience: engine.AudienceEverybody, AnyMethod: true}))
	require.Equal(t, "ok", post(t, emulator, "broadcast", `{"message":"hi"}`).body)
	emulator.Advance(time.Minute)
	emulator.AssertMessage(t, ann, "hi")
	require.Equal(t, 200, get(t, emulator, "add_to_list?list_id=1&clients=25554").status)
}

func TestRepliesOfOnesOwn(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, engine.WithKey("scoped", engine.PermissionClientsRead), withAnswers(engine.Answers{
		MissingPermission: engine.Reply{Status: 400},
		UnknownKey:        engine.Reply{Status: 404, Body: "<html></html>"},
		UnknownAction:     engine.Reply{Body: " "},
		WrongMethod:       engine.Reply{Status: 200, Body: `{"status":"error"}`},
		Unreadable:        engine.Reply{Status: 500, Body: "x", ContentType: "text/x"},
		InvalidParameter:  engine.Reply{Status: 422, Body: "wrong: {problem}"},
	}))
	require.Equal(t, answer{400, textType, "WRONG_ACTION"}, post(t, emulator, "message", `{}`))
	require.Equal(t, answer{404, "text/html; charset=utf-8", "<html></html>"}, sendWithKey(t, emulator, "other", "GET", "get_clients", "", ""))
	require.Equal(t, answer{404, textType, ""}, get(t, emulator, "unknown"))
	require.Equal(t, answer{200, jsonType, `{"status":"error"}`}, send(t, emulator, "PUT", "get_clients", "", ""))
	require.Equal(t, answer{500, "text/x", "x"}, post(t, emulator, "find_client_id_by_platform_id", `{`))
	require.Equal(t, answer{422, textType, "wrong: parameter platform_ids is required"}, post(t, emulator, "find_client_id_by_platform_id", `{}`))
}

func TestAnswersAreChecked(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	before := emulator.Answers()
	err := emulator.SetAnswers(engine.Answers{Sends: "yes", UnknownKey: engine.Reply{Status: 99}})
	require.ErrorContains(t, err, `sends: "yes" is none of ["ok" "ok-html" "true" "success" "json" "empty"]`)
	require.ErrorContains(t, err, "unknown_key: 99 is no status")
	require.Equal(t, before, emulator.Answers())
	_, err = engine.Open(withAnswers(engine.Answers{IDs: "float"}))
	require.Error(t, err)

	var read engine.Answers
	require.NoError(t, json.Unmarshal([]byte(`{"sends":"json","unknown_key":{"status":403}}`), &read))
	require.Equal(t, engine.Answers{Sends: engine.SuccessJSON, UnknownKey: engine.Reply{Status: 403}}, read)
	text, err := json.Marshal(engine.Answers{})
	require.NoError(t, err)
	require.Equal(t, "{}", string(text))
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]engine.Option{
		"empty key":        engine.WithKey(""),
		"slash in a key":   engine.WithKey("a/b"),
		"permission":       engine.WithKey("a", "everything"),
		"location":         engine.WithLocation(nil),
		"clock":            engine.WithClock(nil),
		"pace":             engine.WithBroadcastPace(-1),
		"body limit":       engine.WithMaxBodySize(0),
		"log limit":        engine.WithMaxLogEntries(-1),
		"origin":           engine.WithCORS("a\nb"),
		"webhook":          engine.WithWebhook(engine.Webhook{URL: "ftp://x"}),
		"client":           engine.WithPerson(engine.Person{ID: -1}),
		"same client":      engine.WithPeople(engine.Person{ID: 5}, engine.Person{ID: 5}),
		"same person":      engine.WithPeople(engine.Person{PlatformID: "1"}, engine.Person{PlatformID: "1"}),
		"variable":         engine.WithPerson(engine.Person{Variables: map[string]any{"a": func() {}}}),
		"order of nobody":  engine.WithOrders(engine.Order{ClientID: 5}),
		"same block":       engine.WithBlocks(engine.Block{ID: 1}, engine.Block{ID: 1}),
		"block without id": engine.WithBlocks(engine.Block{}),
		"version":          engine.WithProject(engine.Project{Version: 2}),
		"list of nobody":   engine.WithProject(engine.Project{Lists: []engine.List{{ID: 1, Clients: []salebot.ClientID{5}}}}),
	} {
		_, err := engine.Open(option)
		require.Error(t, err, name)
	}
	newEmulator(t, nil)
}

func TestDescriptionsOfBlocks(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, engine.WithBlocks(engine.Block{ID: 1, Answer: "hi"}, engine.Block{ID: 2, Answer: "hi", Description: "Greeting"}))
	require.Contains(t, get(t, emulator, "get_messages").body, `"description":""}`)
	require.Contains(t, get(t, emulator, "get_messages").body, `"description":"Greeting"}`)
	require.NoError(t, emulator.SetAnswers(engine.Answers{NullDescriptions: true}))
	require.Contains(t, get(t, emulator, "get_messages").body, `"description":null}`)
	require.Contains(t, get(t, emulator, "get_messages").body, `"description":"Greeting"}`)
}

func TestCallbacksWithoutAMessage(t *testing.T) {
	t.Parallel()
	requests := map[string]string{
		"callback":          `{"client_id":25554,"message":""}`,
		"vk_callback":       `{"user_id":5,"group_id":"143000000"}`,
		"ok_callback":       `{"user_id":5,"group_id":"1","message":null}`,
		"tg_callback":       `{"user_id":5,"group_id":"my_shop_bot"}`,
		"whatsapp_callback": `{"phone":"79000000000"}`,
		"email_callback":    `{"email":"ann@example.com"}`,
	}
	emulator := newEmulator(t, withAnn(), withFlow())
	for path, body := range requests {
		require.Equal(t, answer{200, textType, "ok"}, post(t, emulator, path, body), path)
		requireNote(t, emulator, "no message")
	}
	for _, client := range emulator.People() {
		require.Len(t, emulator.Callbacks(client.ID), 1)
		emulator.AssertNoMessages(t, client.ID)
	}
	require.NoError(t, emulator.SetAnswers(engine.Answers{CallbackWithoutMessage: engine.EmptyCallbacksRefused}))
	for path, body := range requests {
		got := post(t, emulator, path, body)
		require.Equal(t, 400, got.status, path)
		require.Contains(t, got.body, "message is required", path)
	}
	require.Error(t, emulator.SetAnswers(engine.Answers{CallbackWithoutMessage: "maybe"}))
}

func TestFieldsOfADealAmongItsVariables(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn(), engine.WithOrders(
		engine.Order{ID: 1, ClientID: ann, Name: "Shoes", Budget: 1990.5, Variables: map[string]any{"size": 42}},
		engine.Order{ID: 2, ClientID: ann, Budget: 5, Variables: map[string]any{"budget": "saved"}},
	))
	read := func(order, names string) string {
		return post(t, emulator, "get_order_vars", `{"client_id":25554,"order_id":`+order+names+`}`).body
	}
	require.JSONEq(t, `{"status":"success","result":{"budget":"1990.5","order_name":"Shoes","size":"42"}}`, read("1", ""))
	require.JSONEq(t, `{"status":"success","result":{"size":"42"}}`, read("1", `,"variables":["size"]`))
	require.JSONEq(t, `{"status":"success","result":{"order_name":"Shoes"}}`, read("1", `,"variables":["order_name"]`))
	require.JSONEq(t, `{"status":"success","result":{"budget":"saved"}}`, read("2", ""), "what was saved counts more")
	require.NoError(t, emulator.SetAnswers(engine.Answers{HideOrderFields: true}))
	require.JSONEq(t, `{"status":"success","result":{"size":"42"}}`, read("1", ""))
	require.JSONEq(t, `{"status":"success","result":{"budget":"saved"}}`, read("2", ""))
}
