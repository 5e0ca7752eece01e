package emulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

func TestWholeNumbersInEverySpelling(t *testing.T) {
	t.Parallel()
	for _, id := range []string{`25554`, `"25554"`, `25554.0`, `"25554.0"`, `2.5554e4`, `"2.5554E+4"`, `255540e-1`, `" 25554 "`, `"+25554"`, `"025554"`} {
		emulator := newEmulator(t, withAnn(), engine.WithOrders(engine.Order{ID: 9, ClientID: ann}))
		for path, body := range map[string]string{
			"message":        `{"client_id":` + id + `,"message":"hi"}`,
			"callback":       `{"client_id":` + id + `,"message":"hi"}`,
			"save_variables": `{"clients":[` + id + `],"variables":{"a":1}}`,
			"broadcast":      `{"clients":[` + id + `],"message":"all"}`,
		} {
			require.Equal(t, answer{200, textType, "ok"}, post(t, emulator, path, body), "%s %s", path, id)
			require.Empty(t, lastNotes(t, emulator), "%s %s", path, id)
		}
		emulator.AssertMessage(t, ann, "hi")
		emulator.AssertMessage(t, ann, "all")
		require.Equal(t, http.StatusOK, post(t, emulator, "add_to_list", `{"list_id":`+id+`,"clients":[`+id+`]}`).status, id)
		require.Equal(t, []salebot.ClientID{ann}, emulator.ListMembers(25554), id)
		require.Contains(t, post(t, emulator, "set_order_state", `{"client_id":`+id+`,"order_id":9.0,"state_id":"37.0"}`).body, "success")
		require.JSONEq(t, `{"status":"success","state_id":37}`, get(t, emulator, "get_order_state?order_id=9.0&client_id="+url.QueryEscape(strings.Trim(id, `"`))).body)
		require.Contains(t, get(t, emulator, "get_clients?limit=1.0&list=25554.0").body, `"id":25554`)
		require.Contains(t, post(t, emulator, "create_order", `{"client_id":`+id+`,"state_id":38.0}`).body, "success")
		require.Equal(t, http.StatusOK, post(t, emulator, "delete_clients", `{"client_ids":[`+id+`]}`).status)
		require.Empty(t, emulator.People(), id)
	}
}

func TestIDsThatAreNoWholeNumbers(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	for _, id := range []string{`"abc"`, `25554.5`, `"25554.5"`, `true`, `{"id":1}`, `[25554]`, `"2e"`, `"."`, `"0x10"`, `"1_000"`, `1e-3`, `"--5"`} {
		for path, body := range map[string]string{
			"message":         `{"client_id":` + id + `,"message":"hi"}`,
			"save_variables":  `{"client_id":` + id + `,"variables":{"a":1}}`,
			"add_to_list":     `{"list_id":` + id + `,"clients":[25554]}`,
			"broadcast":       `{"list":` + id + `,"message":"hi"}`,
			"set_order_state": `{"client_id":25554,"state_id":` + id + `}`,
			"get_order_vars":  `{"client_id":25554,"order_id":` + id + `}`,
			"create_order":    `{"client_id":25554,"state_id":` + id + `}`,
		} {
			got := post(t, emulator, path, body)
			require.Equal(t, http.StatusBadRequest, got.status, "%s %s", path, body)
			require.Contains(t, got.body, "is not a whole number", "%s %s", path, body)
		}
		require.Contains(t, post(t, emulator, "load_clients", `[{"platform_id":"1","group_id":"my_shop_bot","client_type":`+id+`}]`).body, "client_type is not a whole number", id)
	}
	for path, words := range map[string]string{
		"get_variables?client_id=abc":               "client_id is not a whole number",
		"get_clients?list=abc":                      "list is not a whole number",
		"get_orders?client_id=1e99999999999999999":  "client_id is a number beyond 64 bits",
		"get_orders?client_id=1e30":                 "client_id is a number beyond 64 bits",
		"get_orders?client_id=99999999999999999999": "client_id is a number beyond 64 bits",
	} {
		got := get(t, emulator, path)
		require.Equal(t, http.StatusBadRequest, got.status, path)
		require.Contains(t, got.body, words, path)
	}
	require.Contains(t, post(t, emulator, "add_to_list", `{"list_id":-1,"clients":[25554]}`).body, "list_id is not a positive number")
	require.Contains(t, post(t, emulator, "message", `{"client_id":25554,"message_id":"start"}`).body, "message_id is not a whole number")
	require.Empty(t, emulator.History(ann))
}

func TestElementsThatAreLeftOut(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	for path, body := range map[string]string{
		"add_to_list":      `{"list_id":7,"clients":[25554,"x",8]}`,
		"save_variables":   `{"clients":[25554,"x",8],"variables":{"a":1}}`,
		"broadcast":        `{"clients":"25554,x,8","message":"hi"}`,
		"remove_from_list": `{"list_id":7,"clients":[25554,"x",8]}`,
		"delete_clients":   `{"client_ids":["x",8]}`,
	} {
		require.Equal(t, http.StatusOK, post(t, emulator, path, body).status, path)
		requireNote(t, emulator, "not a whole number", `"x"`)
		requireNote(t, emulator, "no client has the number", ": 8")
	}
	emulator.AssertVariable(t, ann, "a", "1")
	got := post(t, emulator, "delete_clients", `{"client_ids":["x","y"]}`)
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Contains(t, got.body, "is not a whole number")
	require.Len(t, emulator.People(), 1)

	require.Equal(t, http.StatusOK, post(t, emulator, "add_to_list", `{"list_id":7,"clients":[1,2,3,4,5,6,7,8,9]}`).status)
	requireNote(t, emulator, "1, 2, 3, 4, 5 and 4 more")
	require.Equal(t, http.StatusOK, post(t, emulator, "send_callback_by_platform_id", `{"platform_ids":["5"],"callback_text":"hi"}`).status)
	requireNote(t, emulator, "platform_ids", `"5"`)
	require.Equal(t, "ok", post(t, emulator, "broadcast", `{"list":8,"message":"hi"}`).body)
	requireNote(t, emulator, "list 8")
}

// Languages in which all numbers are floats send 556.0 for 556.
func TestPlatformIDsThatAreFloats(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	got := post(t, emulator, "load_clients", `[{"platform_id":556.0,"group_id":"my_shop_bot","client_type":1.0}]`)
	require.Contains(t, got.body, `"platform_id":556.0,`, "it is echoed as it was sent")
	require.Equal(t, salebot.PlatformID("556"), emulator.People()[0].PlatformID)
	require.Equal(t, "ok", post(t, emulator, "tg_callback", `{"user_id":5.56e2,"group_id":"my_shop_bot","message":"hi"}`).body)
	require.Equal(t, "ok", post(t, emulator, "whatsapp_callback", `{"phone":79000000000.0,"message":"hi"}`).body)
	require.Equal(t, "ok", post(t, emulator, "vk_callback", `{"user_id":556.5,"group_id":143000000.0,"message":"hi"}`).body)
	clients := emulator.People()
	require.Len(t, clients, 3)
	require.Equal(t, salebot.PlatformID("79000000000"), clients[1].PlatformID)
	require.Equal(t, salebot.PlatformID("556.5"), clients[2].PlatformID, "that is no whole number")
	require.Equal(t, salebot.GroupID("143000000"), clients[2].GroupID)
	require.Contains(t, post(t, emulator, "find_client_id_by_platform_id", `{"platform_ids":[556.0]}`).body, `"platform_id":"556"`)
}
