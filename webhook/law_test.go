package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// goodFields are the fields of an event in their usual form, by their paths.
var goodFields = map[string]string{
	"id": "101", "message": `"Hello"`, "message_id": "390", "project_id": "424", "is_input": "1", "delivered": "0", "error_message": `"blocked"`,
	"internal_id": `"77"`, "created_at": "1588248599", "attachments": `["https://files.example/a.png"]`,
	"client.id": "7", "client.recepient": `"6250000000"`, "client.client_type": "1", "client.name": `"Ann"`, "client.avatar": `"https://files.example/ann.png"`,
	"client.created_at": `"2026-05-28 17:33:42.539976"`, "client.tag": `"spring"`, "client.group": `"MyBot"`, "client.variables": `{"class":"A"}`,
	"client.order_variables": `{"sum":5}`, "client.unread_count": "2", "client.custom_answer": `"yes"`, "client.operator_start_dialog": `"no"`,
}

// goodNames are their paths in order.
var goodNames = slices.Sorted(maps.Keys(goodFields))

// eventBody writes fields as the webhook sends them.
func eventBody(fields map[string]string) []byte {
	var outer, client []string
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		if name, inner := strings.CutPrefix(path, "client."); inner {
			client = append(client, fmt.Sprintf("%q:%s", name, fields[path]))
		} else {
			outer = append(outer, fmt.Sprintf("%q:%s", path, fields[path]))
		}
	}
	return fmt.Appendf(nil, `{%s,"client":{%s}}`, strings.Join(outer, ","), strings.Join(client, ","))
}

// read is what was read of an event, by the paths of the fields.
func read(e *webhook.Event) map[string]string {
	c := &e.Client
	return map[string]string{
		"id": e.ID.String(), "message": e.Text, "message_id": e.BlockID.String(), "project_id": e.ProjectID.String(), "is_input": e.Origin.String(),
		"delivered": fmt.Sprint(e.Failed), "error_message": e.ErrorMessage, "internal_id": e.InternalID, "created_at": e.CreatedAt.String(), "attachments": string(e.Attachments.Raw()),
		"client.id": c.ID.String(), "client.recepient": string(c.PlatformID), "client.client_type": fmt.Sprint(int(c.ClientType)), "client.name": c.Name, "client.avatar": c.Avatar,
		"client.created_at": c.CreatedAt.String(), "client.tag": c.Tag, "client.group": string(c.GroupID), "client.variables": c.Variables.String(),
		"client.order_variables": c.OrderVariables.String(), "client.unread_count": fmt.Sprint(c.UnreadCount), "client.custom_answer": c.CustomAnswer,
		"client.operator_start_dialog": c.OperatorStartDialog,
	}
}

// saysNone reports whether a JSON value says that there is nothing.
func saysNone(value string) bool {
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(value)) != nil {
		return false
	}
	text := compact.String()
	var inner string
	if json.Unmarshal([]byte(text), &inner) == nil {
		text = strings.TrimSpace(inner)
		compact.Reset()
		if json.Compact(&compact, []byte(text)) == nil {
			text = compact.String()
		}
	}
	return text == "" || slices.Contains([]string{"null", "None", "NONE", "none", "NULL", "undefined", "[]", "{}"}, text) || strings.Trim(text, "-0.eE+123456789") == "" && strings.Trim(strings.SplitN(strings.ToLower(text), "e", 2)[0], "-0.") == ""
}

// FuzzOneOddField is a law of the decoder: what can be read stays read when another field
// turns odd, and the odd one is listed.
func FuzzOneOddField(f *testing.F) {
	odd := []string{"null", "true", `""`, `"None"`, "{}", "[]", "5.0", "5.5", "1e3", "-1", `"x"`, `{"a":1}`, `[[[]]]`, "99999999999999999999", `"\ud800"`, "\"\xff\"", `"[1]"`, `"{\"a\":1}"`, "0", `"2026-01-01"`}
	for field := range goodNames {
		for _, value := range odd {
			f.Add(uint8(field), value)
		}
	}
	good, err := webhook.Decode(eventBody(goodFields))
	if err != nil || len(good.Unread) > 0 {
		f.Fatal(err, good.Unread)
	}
	f.Fuzz(func(t *testing.T, field uint8, value string) {
		if !json.Valid([]byte(value)) {
			return
		}
		name := goodNames[int(field)%len(goodNames)]
		fields := maps.Clone(goodFields)
		fields[name] = value
		event, err := webhook.Decode(eventBody(fields))
		if err != nil {
			if strings.Count(value, "[")+strings.Count(value, "{") > 50 {
				return // nested too deeply, or nearly
			}
			t.Fatalf("%s = %s costs the event: %v", name, value, err)
		}
		got, want := read(&event), read(&good)
		for _, other := range goodNames {
			if other == name || other == "is_input" && name == "message" {
				continue // some texts are those of callbacks
			}
			if got[other] != want[other] {
				t.Fatalf("%s = %s changed %s from %q to %q", name, value, other, want[other], got[other])
			}
		}
		for _, unread := range event.Unread {
			if unread != name {
				t.Fatalf("%s = %s: %s is listed as unread", name, value, unread)
			}
		}
		switch name {
		case "message", "error_message", "internal_id", "client.custom_answer", "client.operator_start_dialog", "attachments":
			return // a person reads these, whatever they are
		case "is_input", "delivered", "client.client_type":
			return // they have no zero of their own; see the tests of single values
		}
		if zero := read(&webhook.Event{})[name]; got[name] == zero && len(event.Unread) == 0 && !saysNone(value) {
			t.Fatalf("%s = %s is lost: it is neither read nor listed", name, value)
		}
	})
}

// sharedFields is what the webhook, the history and encoding/json read alike.
type sharedFields struct {
	ID     *int64  `json:"id"`
	Text   *string `json:"text"`
	Block  *int64  `json:"message_id"`
	Origin *int    `json:"message_from_outside"`
	Error  *string `json:"error_message"`
}

// FuzzSharedFields compares three decoders: that of the webhook, that of the history, and
// encoding/json where it can read a field at all.
func FuzzSharedFields(f *testing.F) {
	f.Add("5", `"hi"`, "390", "0", "1", `""`, "1588248599", "[]")
	f.Add(`"9007199254740993"`, "null", `"None"`, "1", `"True"`, `true`, `"2026-05-28 17:33:42.5"`, `["https://a.test/1"]`)
	f.Add("5.0", "7", "1e3", "3.0", "1.0", `{"a":1}`, "null", `{"url":"https://a.test/1"}`)
	f.Add("9223372036854775807", `"\u0430\ud83d\ude00"`, "5.5", "-1", "0", "null", `"soon"`, `"[\"https://a.test/1\"]"`)
	f.Fuzz(func(t *testing.T, id, text, block, origin, delivered, failure, created, attachments string) {
		for _, value := range []string{id, text, block, origin, delivered, failure, created, attachments} {
			if !json.Valid([]byte(value)) || strings.Count(value, "[")+strings.Count(value, "{") > 50 {
				return
			}
		}
		shared := fmt.Sprintf(`"id":%s,"message_id":%s,"message_from_outside":%s,"delivered":%s,"error_message":%s,"created_at":%s,"attachments":%s`, id, block, origin, delivered, failure, created, attachments)
		event, err := webhook.Decode([]byte(`{"is_input":1,"message":` + text + "," + shared + "}"))
		if err != nil {
			t.Fatalf("the webhook's decoder: %v", err)
		}
		var item salebot.HistoryItem
		historyErr := json.Unmarshal([]byte(`{"client_replica":1,"text":`+text+","+shared+"}"), &item)
		if historyErr != nil && event.ID > 0 && len(event.Unread) == 0 {
			t.Fatalf("the history's decoder fails where the webhook's reads everything: %v", historyErr)
		}
		if historyErr == nil {
			fromHistory := fmt.Sprintf("%d %q %d %v %q %s %s", item.ID, item.Text, item.BlockID, item.Delivered, item.ErrorMessage, item.CreatedAt, compacted(item.Attachments.Raw()))
			fromWebhook := fmt.Sprintf("%d %q %d %v %q %s %s", event.ID, event.Text, event.BlockID, !event.Failed, event.ErrorMessage, event.CreatedAt, compacted(event.Attachments.Raw()))
			if fromHistory != fromWebhook {
				t.Fatalf("history: %s\nwebhook: %s", fromHistory, fromWebhook)
			}
		}
		for name, value := range map[string]string{"id": id, "text": text, "message_id": block, "error_message": failure} {
			var plain sharedFields
			if json.Unmarshal(fmt.Appendf(nil, `{%q:%s}`, name, value), &plain) != nil {
				continue
			}
			if plain.ID != nil && *plain.ID != int64(event.ID) || plain.Block != nil && *plain.Block != int64(event.BlockID) || plain.Text != nil && *plain.Text != event.Text ||
				plain.Error != nil && *plain.Error != event.ErrorMessage {
				t.Fatalf("%s = %s is read as %+v, encoding/json reads it otherwise", name, value, event)
			}
		}
	})
}

// compacted is JSON without space: encoding/json hands it on without.
func compacted(value []byte) string {
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return string(value)
	}
	return compact.String()
}
