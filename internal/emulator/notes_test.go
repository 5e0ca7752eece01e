package emulator_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

func TestPlaceholdersAreNamed(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	for _, placeholder := range []string{"{{client_id}}", "#{client_id}", "${ client_id }", " {{ $json.id }} "} {
		require.Equal(t, http.StatusBadRequest, post(t, emulator, "message", `{"client_id":"`+placeholder+`","message":"hi"}`).status)
		requireNote(t, emulator, `"client_id"`, placeholder, "placeholder")
		require.Equal(t, "ok", post(t, emulator, "save_variables", `{"clients":[25554,"`+placeholder+`"],"variables":{"a":1}}`).body)
		requireNote(t, emulator, `"clients"`, placeholder, "placeholder")
		post(t, emulator, "load_clients", `[{"platform_id":"`+placeholder+`","group_id":"my_shop_bot","client_type":1}]`)
		requireNote(t, emulator, `"platform_id"`, placeholder, "placeholder")
	}
	require.Equal(t, http.StatusBadRequest, post(t, emulator, "message", `{"client_id":{{client_id}},"message":"hi"}`).status)
	requireNote(t, emulator, "placeholder")
	require.Equal(t, "ok", post(t, emulator, "message", `{"client_id":25554,"message":"#{name}"}`).body)
	require.Empty(t, lastNotes(t, emulator), "texts may hold names of variables")
	require.Equal(t, http.StatusNotFound, post(t, emulator, "message", `{"client_id":"None","message":"hi"}`).status)
	requireNote(t, emulator, "client_id", `"None"`)
}

func TestTheTwoNumbersOfAClientAreToldApart(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, engine.WithPerson(engine.Person{ID: ann, ClientType: salebot.ClientTypeTelegram, PlatformID: "100200300"}))
	require.Equal(t, http.StatusNotFound, post(t, emulator, "message", `{"client_id":100200300,"message":"hi"}`).status)
	requireNote(t, emulator, "platform_id of client 25554")
}

func TestWrongMethodsAreExplained(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	for _, test := range []struct{ method, action, allow string }{
		{http.MethodGet, "add_to_list", "POST"},
		{http.MethodPost, "get_variables", "GET"},
		{http.MethodPut, "message", "POST, GET"},
		{http.MethodDelete, "tg_callback", "POST, GET"},
	} {
		server := &recorded{header: http.Header{}}
		r, err := http.NewRequestWithContext(t.Context(), test.method, engine.BaseURL+"/"+emulator.Key()+"/"+test.action, nil)
		require.NoError(t, err)
		emulator.ServeHTTP(server, r)
		require.Equal(t, http.StatusMethodNotAllowed, server.status)
		require.Equal(t, test.allow, server.header.Get("Allow"), test.action)
		requireNote(t, emulator, test.action, strings.ReplaceAll(test.allow, ", ", " and "))
		if test.method == http.MethodGet {
			requireNote(t, emulator, "any_method")
		}
	}
}

func TestUnknownParametersAreNamed(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn(), engine.WithOrders(engine.Order{ClientID: ann}))
	for _, test := range []struct{ action, body, note string }{
		{"message", `{"client_id":25554,"message":"hi","button":[]}`, `"button" is no parameter of message; known are client_id, message, message_id, `},
		{"message?delimiter=.", `{"client_id":25554,"message":"hi","Buttons":[]}`, ""}, // data of other programs
		{"message", `client_id=25554&message=hi&button[0][text]=Yes`, `"button" is no parameter of message; known are `},
		{"create_order", `{"client_id":25554,"order_name":"Shoes","price":5}`, `"order_name", "price" are no parameters of create_order; known are client_id, phone, email, name, `},
		{"get_clients?page=2", "", `"page" is no parameter of get_clients; known are offset, limit, list, reverse`},
		{"set_order_vars", `{"client_id":25554,"vars":{"a":1}}`, `"vars" is no parameter of set_order_vars; known are client_id, order_id, variables`},
		{"set_order_state", `{"client_id":25554,"state_id":37,"order_id":1}`, `"order_id" is no parameter of set_order_state; known are client_id, state_id`},
		{"broadcast", `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}`, `"a", "b", "c", "d", "e" and 2 more are no parameters of broadcast; `},
		{"callback", `{"client_id":25554,"message":"hi","utm":"spring"}`, ""},
		{"load_clients", `[{"platform_id":5,"group_id":"my_shop_bot","client_type":1,"name":"Ann"}]`, `"name" is no parameter of load_clients; known are platform_id, group_id, client_type`},
		{"load_clients", `{"platform_id":5,"group_id":"my_shop_bot","client_type":1,"name":"Ann"}`, `"name" is no parameter of load_clients; `},
		{"load_clients", `[{"platform_id":5,"group_id":"my_shop_bot","client_type":1}]`, ""},
	} {
		post(t, emulator, test.action, test.body)
		if test.note == "" {
			require.Empty(t, lastNotes(t, emulator), test.body)
			continue
		}
		requireNote(t, emulator, test.note)
	}
	get(t, emulator, "connected_channels?page=1")
	requireNote(t, emulator, `"page" is no parameter of connected_channels; it has none`)
	get(t, emulator, "find_all_client_id_by_several_vars?city=Riga")
	require.Empty(t, lastNotes(t, emulator))
}

func TestLimitsThatAreCut(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	get(t, emulator, "get_clients?limit=1000")
	requireNote(t, emulator, "limit 1000 is more than get_clients returns at once; it counts as 500")
	get(t, emulator, "get_history?client_id=25554&limit=2001")
	requireNote(t, emulator, "limit 2001 is more than get_history returns at once; it counts as 2000")
	get(t, emulator, "get_clients?limit=500")
	require.Empty(t, lastNotes(t, emulator))
}

func TestValuesThatMakeLittleSense(t *testing.T) {
	t.Parallel()
	clock := &stoppedClock{at: time.Date(2026, 5, 28, 12, 0, 0, 500, time.UTC)}
	emulator := newEmulator(t, withAnn(), engine.WithClock(clock), engine.WithOrders(engine.Order{ClientID: ann}))
	for _, test := range []struct{ action, body, note string }{
		{"create_order", `{"client_id":25554,"state_id":99}`, "state_id 99 is no state of the project; its states are 36, 37, 38"},
		{"set_order_state", `{"client_id":25554,"state_id":99}`, "state_id 99 is no state of the project; "},
		{"set_order_state", `{"client_id":25554,"state_id":38}`, ""},
		{"create_order", `{"client_id":25554}`, ""},
		{"message", `{"client_id":25554,"attachment_type":"photo","attachment_url":"https://example.com/a.png"}`, `attachment_type "photo" is no type of the reference, which has image, video, link, file, audio`},
		{"message", `{"client_id":25554,"attachment_type":"image","attachment_url":"https://example.com/a.png"}`, ""},
		{"message", `{"client_id":25554,"message":"hi","time_shift":-5}`, "time_shift is negative"},
		{"callback", `{"client_id":25554,"message":"hi","send_time":"2026-05-28 11:59:59"}`, `send_time "2026-05-28 11:59:59" is in the past, which means at once; it is now 2026-05-28 12:00:00 in the time zone UTC`},
		{"callback", `{"client_id":25554,"message":"hi","send_time":"2026-05-28 12:00:00"}`, ""},
	} {
		require.Equal(t, http.StatusOK, post(t, emulator, test.action, test.body).status, test.body)
		if test.note == "" {
			require.Empty(t, lastNotes(t, emulator), test.body)
			continue
		}
		requireNote(t, emulator, test.note)
	}
}

func TestBotsThatAreNotConnected(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	for group, words := range map[string]string{
		"@my_shop_bot":             `did you mean "my_shop_bot"?`,
		"My_Shop_Bot":              `did you mean "my_shop_bot"?`,
		" my_shop_bot":             `did you mean "my_shop_bot"?`,
		"https://t.me/my_shop_bot": `did you mean "my_shop_bot"?`,
		"other_bot":                `"other_bot" is not a connected channel of telegram`,
		"143000000":                `"143000000" is not a connected channel of telegram`,
	} {
		require.Equal(t, "ok", post(t, emulator, "tg_callback", `{"user_id":5,"group_id":"`+group+`","message":"hi"}`).body)
		requireNote(t, emulator, "group_id", words)
		require.Contains(t, post(t, emulator, "load_clients", `[{"platform_id":5,"group_id":"`+group+`","client_type":1}]`).body, "success")
		requireNote(t, emulator, "group_id", words)
	}
	require.Equal(t, "ok", post(t, emulator, "tg_callback", `{"user_id":5,"group_id":"my_shop_bot","message":"hi"}`).body)
	require.Empty(t, lastNotes(t, emulator))
	require.Equal(t, "ok", post(t, emulator, "whatsapp_message", `{"phone":"79000000000","whatsapp_bot_id":41,"message":"hi"}`).body)
	require.Empty(t, lastNotes(t, emulator))
	require.Equal(t, "ok", post(t, emulator, "whatsapp_message", `{"phone":"79000000000","whatsapp_bot_id":"shop","message":"hi"}`).body)
	requireNote(t, emulator, `whatsapp_bot_id "shop"`, `did you mean "c2hvcC13aGF0c2FwcA=="?`)
	post(t, emulator, "find_client_id_by_platform_id", `{"platform_ids":["5"],"group_id":"@my_shop_bot"}`)
	requireNote(t, emulator, `did you mean "my_shop_bot"?`)
}

func TestFormsOfLoadClientsThatAreNotDocumented(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	const element = `{"platform_id":"1","group_id":"my_shop_bot","client_type":1}`
	for _, body := range []string{`{"clients":[` + element + `]}`, element, "clients[0][platform_id]=1&clients[0][group_id]=my_shop_bot&clients[0][client_type]=1"} {
		require.Contains(t, post(t, emulator, "load_clients", body).body, "success")
		requireNote(t, emulator, "bare JSON array")
	}
	require.Contains(t, post(t, emulator, "load_clients", "["+element+"]").body, "success")
	require.Empty(t, lastNotes(t, emulator))
}

func TestBodiesThatSayNothing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"null", `""`, " null\n", `"null"`, `"\"\""`, `" "`} {
		emulator := newEmulator(t, withAnn())
		require.Equal(t, "ok", post(t, emulator, "message?client_id=25554&message=hi", body).body, body)
		emulator.AssertMessage(t, ann, "hi")
		require.Contains(t, post(t, emulator, "message", body).body, "client_id is required", body)
	}
}

func TestBodiesUnderTheLabelOfParts(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"multipart/form-data", "multipart/form-data; boundary=x", "Multipart/Form-Data; charset=utf-8"} {
		for _, body := range []string{`{"client_id":25554,"message":"hi"}`, "client_id=25554&message=hi"} {
			emulator := newEmulator(t, withAnn())
			require.Equal(t, "ok", send(t, emulator, http.MethodPost, "message", label, body).body, label)
			emulator.AssertMessage(t, ann, "hi")
			requireNote(t, emulator, "multipart/form-data")
		}
	}
	emulator := newEmulator(t, withAnn())
	const parts = "--b\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\n25554\r\n--b--\r\n"
	for _, label := range []string{"multipart/form-data", "application/x-www-form-urlencoded", "application/json"} {
		require.Equal(t, http.StatusBadRequest, send(t, emulator, http.MethodPost, "message", label, parts).status)
		requireNote(t, emulator, "boundary")
	}
}

func TestCompressedBodiesAreExplained(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	var body bytes.Buffer
	w := gzip.NewWriter(&body)
	_, err := io.WriteString(w, `{"client_id":25554,"message":"hi"}`)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for _, encoding := range []string{"gzip", ""} {
		answered := &recorded{header: http.Header{}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, engine.BaseURL+"/"+emulator.Key()+"/message", bytes.NewReader(body.Bytes()))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		if encoding != "" {
			r.Header.Set("Content-Encoding", encoding)
		}
		emulator.ServeHTTP(answered, r)
		require.Equal(t, http.StatusBadRequest, answered.status)
		requireNote(t, emulator, "Content-Encoding", encoding)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	require.Contains(t, post(t, emulator, "callback", `{"message":"hi"}`).body, "client_id, client_phone or client_email is required")
	require.Contains(t, post(t, emulator, "message", `{"client_id":25554,"message":"hi","send_time":"tomorrow"}`).body, "YYYY-MM-DD hh:mm:ss")
	require.Equal(t, http.StatusBadRequest, post(t, emulator, "callback?delimiter=.&delimiter_value_client_id=a.b", `{"a":{"c":25554},"message":"hi"}`).status)
	requireNote(t, emulator, "delimiter_value_client_id", `"a.b"`)
}

func TestRemarksAreBounded(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	body := "[" + strings.TrimSuffix(strings.Repeat(`{"platform_id":5,"group_id":"%","client_type":1},`, 100), ",") + "]"
	for i := range 100 {
		body = strings.Replace(body, "%", strings.Repeat("x", i+1), 1)
	}
	require.Equal(t, http.StatusOK, post(t, emulator, "load_clients", body).status)
	require.Len(t, lastNotes(t, emulator), 21)
	for _, note := range lastNotes(t, emulator) {
		require.Less(t, len(note), 300)
	}
	post(t, emulator, "load_clients", `[`+strings.Repeat(`{"platform_id":5,"group_id":"y","client_type":1},`, 9)+`{}]`)
	require.Len(t, lastNotes(t, emulator), 1, "one remark is enough")
}

func TestRemarksCutNoLetterInTwo(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	for _, before := range []string{"", "x"} {
		name := before + strings.Repeat("ж", 100)
		send(t, emulator, http.MethodGet, "get_current_order_id?client_id=25554&"+url.QueryEscape(name)+"=1", "", "")
		notes := strings.Join(lastNotes(t, emulator), "\n")
		require.Contains(t, notes, "жж")
		require.NotContains(t, notes, `\x`)
		require.NotContains(t, notes, "\ufffd")
	}
}
