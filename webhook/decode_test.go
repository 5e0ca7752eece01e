package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/fixture"
	"github.com/salebot-go/salebot/webhook"
)

// deliveries are the fixtures, by folder and file.
var deliveries = func() map[string][]byte {
	bodies := map[string][]byte{}
	for folder, read := range map[string]func() ([]fixture.Delivery, error){"webhook": fixture.Webhook, "webhook-flat": fixture.Flat} {
		list, err := read()
		if err != nil {
			panic(err)
		}
		for _, delivery := range list {
			bodies[folder+"/"+delivery.File] = delivery.Body
		}
	}
	return bodies
}()

// readFixture returns the body of a fixture, such as "webhook/reply.json".
func readFixture(t testing.TB, name string) []byte {
	t.Helper()
	text, ok := deliveries[name]
	if !ok {
		t.Fatalf("no fixture %s", name)
	}
	return text
}

// fixtureNames lists the fixtures of a folder.
func fixtureNames(t testing.TB, folder string) []string {
	t.Helper()
	var list []string
	for name := range deliveries {
		if strings.HasPrefix(name, folder+"/") {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		t.Fatalf("no fixtures in %s", folder)
	}
	slices.Sort(list)
	return list
}

func decodeFixture(t testing.TB, name string) webhook.Event {
	t.Helper()
	event, err := webhook.Decode(readFixture(t, "webhook/"+name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return event
}

func TestDecodeEveryFixture(t *testing.T) {
	t.Parallel()
	for _, name := range fixtureNames(t, "webhook") {
		body := readFixture(t, name)
		event, err := webhook.Decode(body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if event.Origin == webhook.OriginUnknown {
			t.Errorf("%s: no origin", name)
		}
		if len(event.Unread) > 0 {
			t.Errorf("%s: unread fields %q", name, event.Unread)
		}
		if !bytes.Equal(event.Raw(), body) {
			t.Errorf("%s: the raw body differs", name)
		}
		if service := strings.Contains(name, "/service-"); event.IsService() != service && !slices.Contains([]string{"webhook/message-absent.json"}, name) {
			t.Errorf("%s: IsService is %v", name, event.IsService())
		}
		if _, err := webhook.DecodeFlat(body); !errors.Is(err, webhook.ErrProjectWebhook) {
			t.Errorf("%s: as a flat body: %v, want ErrProjectWebhook", name, err)
		}
	}
}

func TestDecodeFields(t *testing.T) {
	t.Parallel()
	event := decodeFixture(t, "incoming-text-full.json")
	if event.ID == 0 || event.Client.ID != 836000000 || event.Client.PlatformID != "6250000000" || event.Client.ClientType != salebot.ClientTypeTelegram ||
		event.Client.Name != "Ann Lee" || event.Client.GroupID != "MyBot" || event.ProjectID != 424000 || event.InternalID != "123456789" {
		t.Errorf("%+v", event)
	}
	at, err := event.Client.CreatedAt.In(time.UTC)
	if want := time.Date(2026, 5, 28, 17, 33, 42, 539976000, time.UTC); err != nil || !at.Equal(want) {
		t.Errorf("created at %v (%v), want %v", at, err, want)
	}
	if event.Client.Variables.Text("class") != "A" || !event.IsIncoming() || event.Failed || event.Recovered {
		t.Errorf("%+v", event)
	}
}

func TestDecodeForms(t *testing.T) {
	t.Parallel()
	const want = 9007199254740993
	for _, name := range []string{"big-ids.json", "big-ids-as-text.json"} {
		event := decodeFixture(t, name)
		if event.ID != want || event.Client.ID != want || event.BlockID != want {
			t.Errorf("%s: %d, %d, %d", name, event.ID, event.Client.ID, event.BlockID)
		}
	}
	for name, want := range map[string]salebot.ClientType{
		"client-type-name.json": salebot.ClientTypeVK, "client-type-name-instagram.json": salebot.ClientTypeInstagram, "client-type-text.json": salebot.ClientTypeTelegram,
		"client-type-unknown.json": 99, "client-type-absent.json": salebot.ClientTypeUnrecognized, "client-absent.json": salebot.ClientTypeUnrecognized,
		"form.form": salebot.ClientTypeTelegram, "whatsapp.json": salebot.ClientTypeWhatsApp,
	} {
		if got := decodeFixture(t, name).Client.ClientType; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	form := decodeFixture(t, "form.form")
	if form.Text != "Hi & bye" || form.Client.ID != 836000000 || form.Client.Name != "Ann Lee" || form.ID != 22560000900 || !form.IsIncoming() {
		t.Errorf("form: %+v", form)
	}
	inForm := decodeFixture(t, "form-with-json-client.form")
	if inForm.Client.Variables.Text("class") != "A" || inForm.Client.PlatformID != "6250000000" {
		t.Errorf("form with JSON: %+v", inForm.Client)
	}
	if value, ok := inForm.Field("client", "group"); !ok || string(value) != `"MyBot"` {
		t.Errorf("field of a client in a text: %s, %v", value, ok)
	}
	for _, name := range []string{"variables-null.json", "variables-empty-list.json"} {
		if n := decodeFixture(t, name).Client.Variables.Len(); n != 0 {
			t.Errorf("%s: %d variables", name, n)
		}
	}
	if price := decodeFixture(t, "order-variables.json").Client.OrderVariables.Text("price"); price != "1500" {
		t.Errorf("order variable %q", price)
	}
	if booleans := decodeFixture(t, "booleans-as-text.json"); !booleans.IsIncoming() || !booleans.Failed {
		t.Errorf("booleans as text: %+v", booleans)
	}
	if truthy := decodeFixture(t, "error-message-true.json"); truthy.Failed || truthy.ErrorMessage != "true" {
		t.Errorf("error message true: %+v", truthy)
	}
}

func TestDecodeAttachments(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"attachments-urls.json":              {"https://files.example/a.png", "https://files.example/b.pdf"},
		"attachments-objects.json":           {"https://files.example/a.png", "https://files.example/b.pdf"},
		"attachments-mixed.json":             {"https://files.example/a.png", "https://files.example/b.ogg"},
		"attachments-object.json":            {"https://files.example/a.png"},
		"attachments-url-text.json":          {"https://files.example/a.png"},
		"attachments-json-text.json":         {"https://files.example/a.png"},
		"attachments-json-text-objects.json": {"https://files.example/a.png"},
		"attachments-null.json":              nil,
		"attachments-empty.json":             nil,
		"attachments-object-empty.json":      nil,
	} {
		event := decodeFixture(t, name)
		var got []string
		for _, file := range event.Files() {
			got = append(got, file.URL)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if _, ok := event.Contact(); ok {
			t.Errorf("%s: a contact", name)
		}
	}
	for _, name := range []string{"contact.json", "contact-full.json"} {
		event := decodeFixture(t, name)
		if contact, ok := event.Contact(); !ok || contact.PhoneNumber != "79000000000" || event.IsService() || !event.IsIncoming() {
			t.Errorf("%s: %+v, %v", name, contact, ok)
		}
	}
	odd, err := webhook.Decode([]byte(`{"is_input":1,"message":null,"attachments":"[{'url': 'https://files.example/a.png'}]"}`))
	if err != nil || len(odd.Files()) != 0 || len(odd.Attachments.Items()) != 1 || odd.IsService() {
		t.Errorf("attachments in another syntax: %+v, %v", odd.Attachments.Items(), err)
	}
}

func TestDecodeOrigin(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]webhook.Origin{
		"incoming-text.json": webhook.OriginClient, "documented.json": webhook.OriginClient, "button-press.json": webhook.OriginClient,
		"funnel-message.json": webhook.OriginFunnel, "not-delivered.json": webhook.OriginFunnel,
		"operator-message.json": webhook.OriginOperatorOrAPI, "echo-of-api-message.json": webhook.OriginOperatorOrAPI,
		"service-payment.json": webhook.OriginCallback, "service-link-pressed.json": webhook.OriginCallback, "service-order-state.json": webhook.OriginCallback,
		"service-added-to-list.json": webhook.OriginCallback, "service-new-chat-member.json": webhook.OriginClient,
	} {
		event := decodeFixture(t, name)
		if event.Origin != want {
			t.Errorf("%s: %v, want %v", name, event.Origin, want)
		}
		if event.IsIncoming() != (want == webhook.OriginClient) {
			t.Errorf("%s: IsIncoming is %v", name, event.IsIncoming())
		}
	}
	for body, want := range map[string]webhook.Origin{
		`{"is_input":"perhaps","message":"x"}`:                  webhook.OriginUnknown,
		`{"is_input":null,"message":"x"}`:                       webhook.OriginUnknown,
		`{"is_input":0,"message_id":"none of it"}`:              webhook.OriginUnknown,
		`{"is_input":0,"message_id":"None"}`:                    webhook.OriginOperatorOrAPI,
		`{"is_input":0,"message_id":""}`:                        webhook.OriginOperatorOrAPI,
		`{"is_input":"0","message_id":"391"}`:                   webhook.OriginFunnel,
		`{"client":{"recepient":"1"},"message":"x"}`:            webhook.OriginUnknown,
		`{"is_input":1,"message":"x","message_from_outside":3}`: webhook.OriginCallback,
	} {
		event, err := webhook.Decode([]byte(body))
		if err != nil || event.Origin != want {
			t.Errorf("%s: %v (%v), want %v", body, event.Origin, err, want)
		}
	}
}

func TestDecodeKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	event := decodeFixture(t, "undocumented-keys.json")
	if value, ok := event.Field("client", "locale"); !ok || string(value) != `"en"` {
		t.Errorf("client.locale: %s, %v", value, ok)
	}
	if value, ok := event.Field("priority", "level"); !ok || string(value) != "1" {
		t.Errorf("priority.level: %s, %v", value, ok)
	}
	for _, path := range [][]string{nil, {"nothing"}, {"client", "nothing"}, {"id", "deeper"}} {
		if value, ok := event.Field(path...); ok {
			t.Errorf("%q: %s", path, value)
		}
	}
	if event.Client.UnreadCount != 2 || event.Client.CustomAnswer != "" || event.Client.OperatorStartDialog != "" {
		t.Errorf("%+v", event.Client)
	}
	odd, err := webhook.Decode([]byte(`{"id":"first","is_input":1,"message":{"text":"hi"},"project_id":1.5,"client":{"id":[1],"created_at":{},"variables":"a=1","recepient":7}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"id", "project_id", "client.id", "client.created_at", "client.variables"}
	if !slices.Equal(odd.Unread, want) || odd.Text != `{"text":"hi"}` || odd.Client.PlatformID != "7" {
		t.Errorf("unread %q, want %q (%+v)", odd.Unread, want, odd)
	}
	var empty webhook.Event
	if empty.Raw() != nil || empty.IsIncoming() {
		t.Error("the zero event has something in it")
	}
	if _, ok := empty.Field("id"); ok {
		t.Error("the zero event has a field")
	}
}

// A client, and variables, that come as JSON in a text, or as what stands for nothing.
func TestDecodeTextsForObjects(t *testing.T) {
	t.Parallel()
	for client, want := range map[string]string{
		`"{\"id\":5,\"variables\":\"{\\\"a\\\":\\\"b\\\"}\"}"`: "5 b", `{"id":5,"variables":" {\"a\":\"b\"} "}`: "5 b", `{"id":5,"variables":"None"}`: "5 ",
		`""`: "0 ", `"None"`: "0 ", `null`: "0 ", `"{"`: "0  client", `"x"`: "0  client", `[1]`: "0  client", `{"id":5,"variables":"x"}`: "5  client.variables",
	} {
		event, err := webhook.Decode([]byte(`{"is_input":1,"client":` + client + `}`))
		if err != nil {
			t.Errorf("%s: %v", client, err)
			continue
		}
		got := strconv.FormatInt(int64(event.Client.ID), 10) + " " + event.Client.Variables.Text("a")
		if len(event.Unread) > 0 {
			got += " " + strings.Join(event.Unread, " ")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", client, got, want)
		}
	}
}

// What senders put around a body is taken off, a few times.
func TestDecodeWrappers(t *testing.T) {
	t.Parallel()
	const body = `{"is_input":1,"message":"hi"}`
	quoted := strconv.Quote
	inData := func(text string) string { return `{"data":` + text + `}` }
	for wrapped, want := range map[string]error{
		quoted(body): nil, quoted(quoted(body)): nil, quoted(quoted(quoted(body))): nil, quoted(quoted(quoted(quoted(body)))): webhook.ErrTooDeep,
		inData(body): nil, inData(inData(body)): nil, inData(inData(inData(body))): webhook.ErrNotProjectWebhook,
		inData(quoted(body)): nil, quoted(inData(body)): nil,
		"[" + body + "]": nil, "[" + quoted(body) + "]": nil, quoted("[" + body + "]"): nil, inData("[" + body + "]"): webhook.ErrNotProjectWebhook,
		`{"headers":{"a":"b"},"body":` + body + `}`: nil, `{"payload":` + quoted(body) + `}`: nil, `[{"body":` + body + `}]`: nil, `{"body":` + inData(body) + `}`: webhook.ErrNotProjectWebhook,
		"payload=" + url.QueryEscape(body) + "&key=1": nil, "[[[[" + body + "]]]]": webhook.ErrMalformed,
		url.QueryEscape(body): nil, url.QueryEscape(quoted(body)): nil, url.QueryEscape(body) + "=": nil, url.QueryEscape(quoted(body)) + "=&": nil,
		"data=" + url.QueryEscape(body): nil, "a+b=1": webhook.ErrNotProjectWebhook, "a%0Ab=1": webhook.ErrMalformed, "=1": webhook.ErrMalformed, "=": webhook.ErrMalformed, "%22": webhook.ErrMalformed,
	} {
		event, err := webhook.Decode([]byte(wrapped))
		if !errors.Is(err, want) || err == nil && event.Text != "hi" {
			t.Errorf("%s: %q, %v; want %v", wrapped, event.Text, err, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		"":                                webhook.ErrEmptyBody,
		" \r\n\t":                         webhook.ErrEmptyBody,
		strings.Repeat(" ", 1<<20):        webhook.ErrEmptyBody,
		"\ufeff":                          webhook.ErrEmptyBody,
		"hello":                           webhook.ErrMalformed,
		"<html><body class=\"x\"></html>": webhook.ErrMalformed,
		`{"is_input":1`:                   webhook.ErrMalformed,
		`{"is_input":1}}`:                 webhook.ErrMalformed,
		`[{"is_input":1},{"is_input":1}]`: webhook.ErrMalformed,
		`[]`:                              webhook.ErrMalformed,
		`[1]`:                             webhook.ErrMalformed,
		`{"is_input":None}`:               webhook.ErrMalformed,
		`{"a":{"is_input":1},"b":{"is_input":0}}`: webhook.ErrNotProjectWebhook,
		`null`:                             webhook.ErrMalformed,
		`17`:                               webhook.ErrMalformed,
		`{"text":"say "hi""}`:              webhook.ErrMalformed,
		strings.Repeat("[", 10_000):        webhook.ErrTooDeep,
		`{"a":` + strings.Repeat("[", 100): webhook.ErrTooDeep,
		`{}`:                               webhook.ErrNotProjectWebhook,
		`{"id":1,"message":"x"}`:           webhook.ErrNotProjectWebhook,
		`{"client":{"id":1}}`:              webhook.ErrNotProjectWebhook,
		`{"data":{"client_id":1}}`:         webhook.ErrNotProjectWebhook,
		`{"data":{"data":{"data":{"data":{"is_input":1}}}}}`: webhook.ErrNotProjectWebhook,
		"a=1": webhook.ErrNotProjectWebhook,
	} {
		event, err := webhook.Decode([]byte(body))
		if !errors.Is(err, want) {
			t.Errorf("%.60q: %v, want %v", body, err, want)
		}
		if event.Raw() != nil {
			t.Errorf("%.60q: an event came along with the error", body)
		}
		if err != nil && len(body) > 3 && strings.Contains(err.Error(), strings.TrimSpace(body)) && strings.TrimSpace(body) != "" {
			t.Errorf("%.60q: the error quotes the body: %v", body, err)
		}
	}
}

func TestDecodeUnescapedControls(t *testing.T) {
	t.Parallel()
	event, err := webhook.Decode([]byte("{\"is_input\":1,\"message\":\"one\ntwo\"}"))
	if err != nil || event.Text != "one\ntwo" {
		t.Errorf("%q, %v", event.Text, err)
	}
	if raw := string(event.Raw()); !strings.Contains(raw, "one\ntwo") {
		t.Errorf("the raw body was changed: %q", raw)
	}
}

func TestServiceTexts(t *testing.T) {
	t.Parallel()
	incoming := func(text string) *webhook.Event { return &webhook.Event{Origin: webhook.OriginClient, Text: text} }
	for _, text := range []string{"new_chat_member", "client_silent_1h", "client_silent_24h", "", "edit_task_callback task_id:1", "crm_state_changed 1:2", "0123456789_fail 10"} {
		if !incoming(text).IsService() {
			t.Errorf("%q is not a service text", text)
		}
	}
	for _, text := range []string{"hi", "new_chat_member joined", "link_was_pressed", "_callback", "call me back", "success", "012345678_success 1", "012345678!_success 1", "/start spring"} {
		if incoming(text).IsService() {
			t.Errorf("%q is a service text", text)
		}
	}
	own := webhook.KnownServiceTexts().With("order_paid").With("crm:{text}").WithCheck(func(e *webhook.Event) bool { return e.Client.Tag == "robot" })
	if !own.Match(incoming("order_paid")) || !own.Match(incoming("crm:7")) || !own.Match(incoming("new_chat_member")) || own.Match(incoming("hi")) {
		t.Error("the extended set does not match")
	}
	if !own.Match(&webhook.Event{Origin: webhook.OriginClient, Text: "hi", Client: webhook.Client{Tag: "robot"}}) {
		t.Error("the check was not asked")
	}
	if incoming("order_paid").IsService() || webhook.KnownServiceTexts().Match(incoming("order_paid")) {
		t.Error("extending the set changed the known one")
	}
	var none webhook.ServiceTexts
	if none.Match(incoming("new_chat_member")) || !none.With("x").Match(incoming("x")) {
		t.Error("the zero set")
	}
	if own.Match(&webhook.Event{Origin: webhook.OriginFunnel, Text: "new_chat_member"}) {
		t.Error("a message of the funnel was taken for a service event")
	}
}

// FuzzDecode checks that any body gives an event or one of the documented errors,
// that what is kept is what came, and that the two decoders never claim the same
// body.
func FuzzDecode(f *testing.F) {
	for _, folder := range []string{"webhook", "webhook-flat"} {
		for _, name := range fixtureNames(f, folder) {
			f.Add(readFixture(f, name))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		event, err := webhook.Decode(body)
		if string(body) != before {
			t.Fatal("the body was changed")
		}
		_, flatErr := webhook.DecodeFlat(body)
		if (err == nil) != errors.Is(flatErr, webhook.ErrProjectWebhook) {
			t.Fatalf("as an event: %v; as a flat body: %v", err, flatErr)
		}
		if err != nil {
			requireDocumented(t, err)
			return
		}
		if string(event.Raw()) != before {
			t.Fatal("the raw body differs")
		}
		_ = event.Files()
		_, _ = event.Contact()
		_ = event.IsService()
		for name, value := range event.Client.Variables.All() {
			_, _ = name, value.Text()
		}
		for _, name := range event.Unread {
			if value, ok := event.Field(strings.Split(name, ".")...); ok && !json.Valid(value) {
				t.Fatalf("field %s is not JSON: %q", name, value)
			}
		}
		again, err := webhook.Decode(event.Raw())
		if err != nil || again.ID != event.ID || again.Text != event.Text || again.Origin != event.Origin || again.Client.ID != event.Client.ID {
			t.Fatalf("decoding what was kept gives something else (%v)", err)
		}
	})
}

func requireDocumented(t *testing.T, err error) {
	t.Helper()
	for _, known := range []error{webhook.ErrEmptyBody, webhook.ErrMalformed, webhook.ErrTooDeep, webhook.ErrNotProjectWebhook, webhook.ErrProjectWebhook} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Fatalf("undocumented error: %v", err)
}
