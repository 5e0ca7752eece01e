package emulator_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

const form = "application/x-www-form-urlencoded"

// TestRequestsAsProgramsSendThem sends the same message in all ways that were
// seen.
func TestRequestsAsProgramsSendThem(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]struct{ method, path, contentType, body string }{
		"JSON":                     {"POST", "message", "application/json", `{"client_id":25554,"message":"Привет & пока"}`},
		"id as text":               {"POST", "message", "application/json", `{"client_id":"25554","message":"Привет & пока"}`},
		"JSON as text/plain":       {"POST", "message", "text/plain;charset=UTF-8", `{"client_id":25554,"message":"Привет & пока"}`},
		"JSON as a form":           {"POST", "message", form, `{"client_id":25554,"message":"Привет & пока"}`},
		"JSON without a label":     {"POST", "message", "", `{"client_id":25554,"message":"Привет & пока"}`},
		"JSON with a wrong label":  {"POST", "message", "Massange", `{"client_id":25554,"message":"Привет & пока"}`},
		"JSON encoded twice":       {"POST", "message", "application/json", `"{\"client_id\":25554,\"message\":\"Привет & пока\"}"`},
		"JSON with a mark":         {"POST", "message", "application/json", "\ufeff" + `{"client_id":25554,"message":"Привет & пока"}`},
		"JSON escaped":             {"POST", "message", "application/json", `{"client_id":25554,"message":"\u041f\u0440\u0438\u0432\u0435\u0442 \u0026 пока"}`},
		"form":                     {"POST", "message", form, "client_id=25554&message=%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82+%26+%D0%BF%D0%BE%D0%BA%D0%B0"},
		"form with the label JSON": {"POST", "message", "application/json", "client_id=25554&message=%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82+%26+%D0%BF%D0%BE%D0%BA%D0%B0"},
		"JSON as the name in form": {"POST", "message", form, url.QueryEscape(`{"client_id":25554,"message":"Привет & пока"}`) + "="},
		"GET with a query":         {"GET", "message?client_id=25554&message=" + url.QueryEscape("Привет & пока"), "", ""},
		"POST with a query":        {"POST", "message?client_id=25554&message=%d0%9f%d1%80%d0%b8%d0%b2%d0%b5%d1%82%20%26%20пока", "", ""},
		"GET with a body":          {"GET", "message", "application/json", `{"client_id":25554,"message":"Привет & пока"}`},
		"both":                     {"POST", "message?client_id=25554", "application/json", `{"message":"Привет & пока"}`},
		"the body counts more":     {"POST", "message?client_id=1", "application/json", `{"client_id":25554,"message":"Привет & пока"}`},
		"slash at the end":         {"POST", "message/", "application/json", `{"client_id":25554,"message":"Привет & пока"}`},
		"idle question mark":       {"POST", "message?", "application/json", `{"client_id":25554,"message":"Привет & пока"}`},
		"unset parameters": {
			"POST", "message", "application/json",
			`{"client_id":25554,"message":"Привет & пока","buttons":null,"attachment_url":"","attachment_type":null,"message_id":"","time_shift":"","send_time":[]}`,
		},
		"surplus parameters": {"POST", "message", "application/json", `{"client_id":25554,"message":"Привет & пока","project_id":5,"x":{"y":[]}}`},
		"broken escapes":     {"POST", "message?x=%u0430&y=%zz", "application/json", `{"client_id":25554,"message":"Привет & пока"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := newEmulator(t, withAnn())
			got := send(t, emulator, request.method, request.path, request.contentType, request.body)
			require.Equal(t, answer{http.StatusOK, "text/plain; charset=utf-8", "ok"}, got)
			emulator.AssertMessage(t, ann, "Привет & пока")
			seen := emulator.Requests("message")
			require.Len(t, seen, 1)
			require.Equal(t, "25554", seen[0].Parameter("client_id"))
			require.Equal(t, "Привет & пока", seen[0].Parameter("message"))
			require.Equal(t, "main", seen[0].Key)
			require.Equal(t, http.StatusOK, seen[0].Status)
		})
	}
}

func TestMultipartBodies(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	var body bytes.Buffer
	writer := multipart.NewWriter(&body)
	require.NoError(t, writer.WriteField("client_id", "25554"))
	require.NoError(t, writer.WriteField("variables[city]", "Рига"))
	require.NoError(t, writer.WriteField("variables[client.age]", "30"))
	require.NoError(t, writer.Close())
	require.Equal(t, "ok", send(t, emulator, "POST", "save_variables", writer.FormDataContentType(), body.String()).body)
	require.Equal(t, map[string]string{"city": "Рига", "client.age": "30"}, emulator.Variables(ann))
	require.JSONEq(t, `{"client_id":"25554","variables":{"city":"Рига","client.age":"30"}}`, string(emulator.Requests()[0].Parameters()))
}

func TestVariablesAsProgramsSendThem(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]struct{ contentType, body string }{
		"object":           {"application/json", `{"client_id":25554,"variables":{"city":"Riga","n":1}}`},
		"object as text":   {"application/json", `{"client_id":25554,"variables":"{\"city\":\"Riga\",\"n\":1}"}`},
		"pairs":            {"application/json", `{"client_id":25554,"variables":[{"key":"city","value":"Riga"},{"name":"n","value":1}]}`},
		"brackets":         {form, "client_id=25554&variables[city]=Riga&variables[n]=1"},
		"text in a form":   {form, "client_id=25554&variables=" + url.QueryEscape(`{"city":"Riga","n":1}`)},
		"several clients":  {"application/json", `{"clients":[25554,"1"],"variables":{"city":"Riga","n":1}}`},
		"clients in text":  {"application/json", `{"clients":"[25554]","variables":{"city":"Riga","n":1}}`},
		"clients in a row": {form, "clients=25554,1&variables[city]=Riga&variables[n]=1"},
		"clients by name":  {form, "clients[]=25554&clients[]=1&variables[city]=Riga&variables[n]=1"},
		"clients repeated": {form, "clients=25554&clients=1&variables[city]=Riga&variables[n]=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := newEmulator(t, withAnn())
			require.Equal(t, "ok", send(t, emulator, "POST", "save_variables", request.contentType, request.body).body)
			require.Equal(t, map[string]string{"city": "Riga", "n": "1"}, emulator.Variables(ann))
		})
	}
	emulator := newEmulator(t, withAnn())
	for _, body := range []string{
		`{"client_id":25554}`, `{"client_id":25554,"variables":null}`, `{"client_id":25554,"variables":[1]}`, `{"client_id":25554,"variables":"x"}`,
		`{"variables":{"a":1}}`,
	} {
		require.Equal(t, http.StatusBadRequest, post(t, emulator, "save_variables", body).status, body)
	}
}

func TestButtonsAsProgramsSendThem(t *testing.T) {
	t.Parallel()
	yesNo := []engine.Button{{Text: "Yes", Type: "reply", Line: 0}, {Text: "No", Type: "reply", Line: 1}}
	for name, test := range map[string]struct {
		buttons string
		hint    string
		want    []engine.Button
		notes   bool
	}{
		"documented":     {`{"hint":"Answer","buttons":[{"type":"reply","text":"Yes","line":0},{"type":"reply","text":"No","line":1}]}`, "Answer", yesNo, false},
		"without a hint": {`{"buttons":[{"text":"Yes"},{"text":"No"}]}`, "", yesNo, false},
		"bare list":      {`[{"text":"Yes"},{"text":"No"}]`, "", yesNo, false},
		"as text":        {`"[{\"text\":\"Yes\"},{\"text\":\"No\"}]"`, "", yesNo, false},
		"text inside":    {`{"hint":"Answer","buttons":"[{\"text\":\"Yes\"},{\"text\":\"No\"}]"}`, "Answer", yesNo, false},
		"numbers as text": {
			`[{"text":"B","line":"0","index_in_line":"1","one_time":"1"},{"text":"A","line":"0","index_in_line":"0","color":"blue"}]`, "",
			[]engine.Button{{Text: "A", Type: "reply", Color: "blue"}, {Text: "B", Type: "reply", IndexInLine: 1, OneTime: true}},
			false,
		},
		"links": {
			`[{"type":"inline","text":"Shop","url":"https://example.com"},{"type":"inline","text":"App","web_app":"https://example.com/app"}]`, "",
			[]engine.Button{{Text: "Shop", Type: "inline", URL: "https://example.com"}, {Text: "App", Type: "inline", WebApp: "https://example.com/app", Line: 1}},
			false,
		},
		"mixed": {
			`[{"type":"inline","text":"A"},{"type":"reply","text":"B"}]`, "",
			[]engine.Button{{Text: "A", Type: "inline"}, {Text: "B", Type: "reply", Line: 1}},
			true,
		},
		"labels":  {`[["Yes","No"]]`, "", nil, true},
		"no text": {`[{"type":"reply"}]`, "", nil, true},
		"word":    {`"Yes"`, "", nil, true},
		"number":  {`5`, "", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := newEmulator(t, withAnn())
			require.Equal(t, "ok", post(t, emulator, "message", `{"client_id":25554,"message":"Well?","buttons":`+test.buttons+`}`).body)
			got := emulator.Messages(ann)[0]
			require.Equal(t, test.want, got.Buttons)
			require.Equal(t, test.hint, got.Hint)
			require.Equal(t, test.notes, len(emulator.Requests()[0].Notes) > 0)
		})
	}
}

func TestLoadClientsAsProgramsSendIt(t *testing.T) {
	t.Parallel()
	element := `{"platform_id":"100","group_id":"my_shop_bot","client_type":1}`
	for name, request := range map[string]struct{ contentType, body string }{
		"list":            {"application/json", "[" + element + "]"},
		"wrapped":         {"application/json", `{"clients":[` + element + `]}`},
		"wrapped as text": {form, "clients=" + url.QueryEscape("["+element+"]")},
		"brackets":        {form, "clients[0][platform_id]=100&clients[0][group_id]=my_shop_bot&clients[0][client_type]=1"},
		"alone":           {"application/json", element},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := newEmulator(t)
			got := send(t, emulator, "POST", "load_clients", request.contentType, request.body)
			require.Contains(t, got.body, `"status":"success","id":836000001}]}`)
			require.Equal(t, salebot.ClientTypeTelegram, emulator.People()[0].ClientType)
		})
	}
	emulator := newEmulator(t)
	for body, problem := range map[string]string{
		`[{}]`: "platform_id required", `[5]`: "platform_id required",
		`[{"platform_id":"1","group_id":"x"}]`:                    "client_type required",
		`[{"platform_id":"1","group_id":"x","client_type":"tg"}]`: "client_type is not a whole number",
		`[{"platform_id":"1","group_id":"","client_type":1}]`:     "group_id required",
		`[{"platform_id":"1","group_id":null,"client_type":"1"}]`: "group_id required",
	} {
		require.Contains(t, post(t, emulator, "load_clients", body).body, `"status":"`+problem+`","id":null}]`, body)
	}
	require.Equal(t, http.StatusBadRequest, post(t, emulator, "load_clients", `{}`).status)
	require.Equal(t, http.StatusBadRequest, post(t, emulator, "load_clients", `[]`).status)
	require.Empty(t, emulator.People())
}

func TestUniversalWebhook(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]struct{ path, body, text, variables string }{
		"value": {"callback?value_client_id=my_client", `{"my_client":25554,"message":"hi"}`, "hi", "{}"},
		"two values": {
			"callback?value_client_id=my_client&value_message=my_message", `{"my_client":25554,"my_message":"hi","city":"Riga"}`, "hi", `{"city":"Riga"}`,
		},
		"phone":  {"callback?value_phone=tel", `{"tel":"+7 900 000 00 00","message":"hi"}`, "hi", "{}"},
		"e-mail": {"callback?value_email=mail", `{"mail":"ann@example.com","message":"hi"}`, "hi", "{}"},
		"GET":    {"callback?value_client_id=id&id=25554&message=hi", "", "hi", "{}"},
		"path": {
			"callback?delimiter=1&delimiter_value_client_id=data1user1id", `{"data":{"user":{"id":25554}},"message":"hi"}`, "hi", "{}",
		},
		"path to the phone": {
			"callback?delimiter=.&delimiter_value_phone=data.phone", `{"data":{"phone":"79000000000"},"message":"hi"}`, "hi", "{}",
		},
		"path into text": {
			"callback?delimiter=.&delimiter_value_client_id=data.id", `{"data":"{\"id\":25554}","message":"hi"}`, "hi", "{}",
		},
		"path of one key": {"callback?delimiter_value_client_id=id", `{"id":25554,"message":"hi"}`, "hi", "{}"},
		"absent key":      {"callback?value_client_id=other", `{"client_id":25554,"message":"hi"}`, "hi", "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := newEmulator(t, engine.WithPerson(engine.Person{
				ID: ann, ClientType: salebot.ClientTypeWhatsApp, PlatformID: "79000000000", Variables: map[string]any{"client.email": "ann@example.com"},
			}))
			method := http.MethodPost
			if request.body == "" {
				method = http.MethodGet
			}
			require.Equal(t, "ok", send(t, emulator, method, request.path, "application/json", request.body).body)
			emulator.AssertCallback(t, ann, request.text)
			variables := emulator.Variables(ann)
			delete(variables, "client.email")
			text, err := json.Marshal(variables)
			require.NoError(t, err)
			require.JSONEq(t, request.variables, string(text))
		})
	}
}

func TestUniversalWebhookOfOtherActions(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())
	address, err := client.UniversalWebhookURL(salebot.UniversalWebhook{Action: "save_variables", ClientIDPath: []string{"lead", "id"}})
	require.NoError(t, err)
	_, path, _ := strings.Cut(address.Reveal(), emulator.Key()+"/")
	require.Equal(t, "ok", post(t, emulator, path, `{"lead":{"id":25554},"variables":{"city":"Riga"}}`).body)
	emulator.AssertVariable(t, ann, "city", "Riga")

	// Mappings by value are for callbacks only.
	require.Equal(t, http.StatusBadRequest, post(t, emulator, "message?value_client_id=id", `{"id":25554,"message":"hi"}`).status)
	require.Equal(t, "ok", post(t, emulator, "vk_callback?value_user_id=u&value_group_id=g", `{"u":5,"g":6,"message":"hi"}`).body)
}

func TestUnreadableBodies(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn(), engine.WithMaxBodySize(100_000))
	for name, body := range map[string]string{
		"cut":             `{"client_id":25554,"message":"hi"`,
		"two values":      `{"client_id":25554} {"message":"hi"}`,
		"raw line break":  "{\"client_id\":25554,\"message\":\"a\nb\"}",
		"XML":             `<client id="25554"/>`,
		"word":            `hello`,
		"number":          `5`,
		"binary":          "\x00\x01\x02",
		"nested brackets": strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		"nested objects":  strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000),
	} {
		got := post(t, emulator, "message", body)
		require.Equal(t, http.StatusBadRequest, got.status, name)
		require.JSONEq(t, `{"status":"error","message":"the body cannot be read"}`, got.body, name)
	}
	require.Equal(t, http.StatusRequestEntityTooLarge, post(t, emulator, "message", strings.Repeat(" ", 100_001)).status)
	require.Equal(t, http.StatusBadRequest, post(t, emulator, "message", strings.Repeat(" ", 100_000)).status, "a body of spaces says nothing")
	require.Equal(t, http.StatusBadRequest, send(t, emulator, "POST", "message", "multipart/form-data", "x").status)
	require.Equal(t, http.StatusBadRequest, send(t, emulator, "POST", "message", "multipart/form-data; boundary=b", "x").status)
	require.Empty(t, emulator.History(ann))
	last := emulator.Requests()
	require.NotEmpty(t, last[0].Notes)
}

func TestWrongParameters(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn(), withAnswers(engine.Answers{CallbackWithoutMessage: engine.EmptyCallbacksRefused}))
	for path, body := range map[string]string{
		"message":                       `{"client_id":25554}`,
		"message?x=1":                   `{"client_id":25554,"message":"hi","attachment_url":"https://example.com"}`,
		"message?x=2":                   `{"client_id":25554,"message":"hi","time_shift":"soon"}`,
		"message?x=3":                   `{"client_id":25554,"message":"hi","send_time":"tomorrow"}`,
		"callback":                      `{"client_id":25554}`,
		"callback?x=1":                  `{"message":"hi"}`,
		"callback?x=2":                  `{"client_id":25554,"message":"hi","time_shift":{}, "send_time":"x"}`,
		"vk_callback":                   `{"group_id":"1","message":"hi"}`,
		"ok_callback":                   `{"user_id":"1","message":"hi"}`,
		"whatsapp_callback":             `{"message":"hi"}`,
		"email_callback":                `{"message":"hi"}`,
		"send_callback_by_platform_id":  `{"platform_ids":["1"]}`,
		"whatsapp_message":              `{"message":"hi"}`,
		"broadcast":                     `{"clients":[25554]}`,
		"broadcast?x=1":                 `{"clients":[25554],"message":"hi","shift":"slow"}`,
		"assign_to_user":                `{}`,
		"add_to_list":                   `{"clients":[25554]}`,
		"remove_from_list":              `{"list_id":5}`,
		"delete_clients":                `{}`,
		"find_client_id_by_platform_id": `{}`,
		"set_order_state":               `{"client_id":25554}`,
		"create_order":                  `{}`,
		"check_whatsapp":                `{}`,
		"check_insta_subscription":      `{}`,
	} {
		require.Equal(t, http.StatusBadRequest, post(t, emulator, path, body).status, path)
	}
	for _, path := range []string{
		"get_history", "get_history?client_id=25554&limit=0", "get_history?client_id=25554&start_date=01.10.2024",
		"get_history?client_id=25554&start_date=2024-10-01&stop_date=02.10.2024", "get_history?client_id=25554&start_date=01.10.2024&stop_date=x",
		"get_clients?offset=-1", "get_clients?limit=x", "subscribers?page=-1", "online_chat_client_id", "whatsapp_client_id",
		"find_client_id_by_phone", "find_client_id_by_email", "find_client_id_by_var?val=1", "find_latest_client_id_by_var?var=a",
		"find_all_client_id_by_several_vars", "find_all_client_id_by_several_vars?a=1&b=2&c=3&d=4", "get_orders?client_id=25554&order_status=x",
	} {
		require.Equal(t, http.StatusBadRequest, get(t, emulator, path).status, path)
	}
	require.Contains(t, post(t, emulator, "message", `{}`).body, "client_id is required")
	require.Equal(t, http.StatusNotFound, post(t, emulator, "message", `{"client_id":1,"message":"hi"}`).status)
}

func TestLimitsOfARequest(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	require.Equal(t, http.StatusBadRequest, post(t, emulator, "delete_clients", `{"client_ids":[1`+strings.Repeat(",1", 500)+`]}`).status)
	require.Equal(t, http.StatusOK, post(t, emulator, "delete_clients", `{"client_ids":[1`+strings.Repeat(",1", 499)+`]}`).status)
	require.Equal(t, http.StatusBadRequest, post(t, emulator, "send_callback_by_platform_id", `{"callback_text":"hi","platform_ids":[1`+strings.Repeat(",1", 300)+`]}`).status)
	require.Equal(t, http.StatusOK, post(t, emulator, "send_callback_by_platform_id", `{"callback_text":"hi","platform_ids":[1`+strings.Repeat(",1", 299)+`]}`).status)
}

func TestWrongAddresses(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	require.Equal(t, answer{http.StatusUnauthorized, "text/plain; charset=utf-8", "unknown api_key"}, sendWithKey(t, emulator, "wrong", "GET", "connected_channels", "", ""))
	require.Equal(t, answer{http.StatusNotFound, "text/plain; charset=utf-8", `there is no action "send_message"`}, get(t, emulator, "send_message"))

	for _, path := range []string{"", "message/x", "%2e"} {
		got := get(t, emulator, path)
		if path != "%2e" {
			require.Equal(t, "text/html; charset=utf-8", got.contentType, path)
		}
		require.Equal(t, http.StatusNotFound, got.status, path)
	}
	seen := emulator.Requests()
	require.Equal(t, "unknown key of 5 characters", seen[0].Key)
	require.Equal(t, "/api/{api_key}/connected_channels", seen[0].Path())
	require.Empty(t, seen[2].Action)
}

func TestBrowsersMayCallWhereTheyAreAllowed(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, engine.WithCORS("*"))
	require.Equal(t, http.StatusNoContent, send(t, emulator, http.MethodOptions, "message", "", "").status)
	require.Equal(t, http.StatusMethodNotAllowed, send(t, newEmulator(t), http.MethodOptions, "message", "", "").status)
	require.Equal(t, http.StatusOK, get(t, emulator, "connected_channels").status)
}

// A slip in the name of an action is not a lack of permission.
func TestASlipInAnActionIsNamed(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	for slip, meant := range map[string]string{"mesage": "message", "get-clients": "get_clients", "Broadcast": "broadcast", "save_variable": "save_variables"} {
		require.Equal(t, answer{http.StatusNotFound, "text/plain; charset=utf-8", `there is no action "` + slip + `"; did you mean ` + meant + "?"}, get(t, emulator, slip))
		require.Contains(t, strings.Join(lastNotes(t, emulator), " "), "did you mean "+meant+"?")
	}
	client := emulator.Client(t)
	_, err := client.Do(t.Context(), salebot.DoRequest{Action: "mesage"})
	require.NotErrorIs(t, err, salebot.ErrForbidden)
}
