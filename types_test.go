package salebot_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

// Numbers come in many spellings; all of them give the same id.
func TestNumericIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"7": 7, `"7"`: 7, `" 7 "`: 7, "0": 0, "-7": -7, `"-7"`: -7, "null": 0, `""`: 0, `"  "`: 0,
		`"None"`: 0, `"NONE"`: 0, `"null"`: 0, `"undefined"`: 0,
		"9007199254740993": 9007199254740993, `"9007199254740993"`: 9007199254740993,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64, `"\u0037"`: 7,
	} {
		var ids struct {
			Client   salebot.ClientID
			Message  salebot.MessageID
			Block    salebot.BlockID
			List     salebot.ListID
			Project  salebot.ProjectID
			Channel  salebot.ChannelID
			Employee salebot.EmployeeID
			Order    salebot.OrderID
			State    salebot.StateID
		}
		object := fmt.Sprintf(`{"Client":%[1]s,"Message":%[1]s,"Block":%[1]s,"List":%[1]s,"Project":%[1]s,"Channel":%[1]s,"Employee":%[1]s,"Order":%[1]s,"State":%[1]s}`, text)
		require.NoError(t, json.Unmarshal([]byte(object), &ids), text)
		for _, got := range []int64{
			int64(ids.Client), int64(ids.Message), int64(ids.Block), int64(ids.List), int64(ids.Project),
			int64(ids.Channel), int64(ids.Employee), int64(ids.Order), int64(ids.State),
		} {
			require.Equal(t, want, got, text)
		}
	}
	for _, text := range []string{"1.5", `"1.5"`, "1e-3", "true", `"x"`, "{}", "[]", "[1]", "9223372036854775808", `"9223372036854775808"`, `"0x7"`, `"+7"`, `"7 7"`} {
		id := salebot.ClientID(5)
		require.Error(t, json.Unmarshal([]byte(text), &id), text)
		require.Equal(t, salebot.ClientID(5), id, "a failure changes nothing")
	}
	sent, err := json.Marshal(salebot.ClientID(9007199254740993))
	require.NoError(t, err)
	require.Equal(t, "9007199254740993", string(sent))
}

func TestTextualIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"abc"`: "abc", "7": "7", `"7"`: "7", "null": "", `""`: "", "9007199254740993": "9007199254740993",
		`"c2hvcA=="`: "c2hvcA==", "6.25e9": "6250000000", "5.0": "5", `"\u0430"`: "а", `"true"`: "true", `"None"`: "",
	} {
		var ids struct {
			Platform salebot.PlatformID
			Group    salebot.GroupID
			Bot      salebot.BotID
		}
		require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"Platform":%[1]s,"Group":%[1]s,"Bot":%[1]s}`, text), &ids), text)
		require.Equal(t, []string{want, want, want}, []string{string(ids.Platform), string(ids.Group), string(ids.Bot)}, text)
	}
	for _, text := range []string{"{}", "[]", `["a"]`, "true", "false", "5.5", "1e400"} {
		id := salebot.GroupID("old")
		require.Error(t, json.Unmarshal([]byte(text), &id))
		require.Equal(t, salebot.GroupID("old"), id)
	}
}

// Decoders that are called by hand with what is no JSON fail without a panic.
func TestDecodersTakeAnything(t *testing.T) {
	t.Parallel()
	decoders := map[string]json.Unmarshaler{
		"ClientID": new(salebot.ClientID), "PlatformID": new(salebot.PlatformID), "GroupID": new(salebot.GroupID),
		"ClientType": new(salebot.ClientType), "HistoryOrigin": new(salebot.HistoryOrigin), "ChannelStatus": new(salebot.ChannelStatus),
		"Timestamp": new(salebot.Timestamp), "Variables": new(salebot.Variables), "HistoryItem": new(salebot.HistoryItem),
		"Attachments": new(salebot.Attachments),
	}
	for _, text := range []string{"", `"`, `"x`, "{", "[", "-", `"\`, `"\"`, "nul", "\x00", "{]", `{"a"`, "\xff"} {
		for name, decoder := range decoders {
			require.NotPanics(t, func() { _ = decoder.UnmarshalJSON([]byte(text)) }, "%s of %q", name, text)
		}
		var a salebot.Attachments
		require.NoError(t, a.UnmarshalJSON([]byte(text)))
		require.NotPanics(t, func() { _ = a.URLs() }, "attachments of %q", text)
		var v salebot.Variables
		_ = v.UnmarshalJSON([]byte(text))
		require.NotPanics(t, func() { _ = v.Len() }, "variables of %q", text)
	}
}

func TestClassesAndOutcomes(t *testing.T) {
	t.Parallel()
	for class, name := range map[salebot.SafetyClass]string{salebot.Once: "once", salebot.Idempotent: "idempotent", salebot.Read: "read", 9: "class 9"} {
		require.Equal(t, name, class.String())
	}
	for outcome, name := range map[salebot.Outcome]string{
		salebot.OutcomeUnknown: "unknown", salebot.OutcomeNotSent: "not sent", salebot.OutcomeRejected: "rejected", salebot.OutcomeAccepted: "accepted", salebot.OutcomeNotTried: "not tried", 99: "outcome 99",
	} {
		require.Equal(t, name, outcome.String())
	}
	var zeroClass salebot.SafetyClass
	var zeroOutcome salebot.Outcome
	require.Equal(t, salebot.Once, zeroClass, "forgetting the class is safe")
	require.Equal(t, salebot.OutcomeUnknown, zeroOutcome, "anything else needs proof")
}

func variables(text string) salebot.Variables {
	var v salebot.Variables
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}

func TestVariables(t *testing.T) {
	t.Parallel()
	v := variables(`{"a":"1","b":2.50,"c":null,"d":"None","e":"","имя":"Анна","x":{"y":[1]},"t":true,"a":"last","q\"":"z"}`)
	require.Equal(t, 10, v.Len(), "a name that came twice counts twice")
	require.Equal(t, "last", v.Text("a"), "and its last value counts, as in encoding/json")
	for name, want := range map[string]string{"b": "2.50", "c": "", "d": "None", "имя": "Анна", "x": `{"y":[1]}`, "t": "true", `q"`: "z", "missing": ""} {
		require.Equal(t, want, v.Text(name), name)
	}
	for name, unset := range map[string]bool{"a": false, "b": false, "c": true, "d": true, "e": true, "x": false} {
		value, ok := v.Get(name)
		require.True(t, ok)
		require.Equal(t, unset, value.IsUnset(), name)
	}
	_, ok := v.Get("missing")
	require.False(t, ok)
	value, _ := v.Get("b")
	require.Equal(t, "2.50", string(value.Raw()), "no digit is lost")
	require.True(t, salebot.Value{}.IsUnset())
	require.Empty(t, salebot.Value{}.Text())

	var names []string
	for name := range v.All() {
		if names = append(names, name); len(names) == 3 {
			break
		}
	}
	require.Equal(t, []string{"a", "b", "c"}, names, "in their order, until the loop is left")

	for _, text := range []string{"null", "[]", "[ ]"} {
		empty := variables(text)
		require.Zero(t, empty.Len(), text)
		require.Nil(t, empty.Raw())
		written, err := json.Marshal(empty)
		require.NoError(t, err)
		require.Equal(t, "{}", string(written))
	}
	for _, text := range []string{`"x"`, "5", "[1]", "true"} {
		var wrong salebot.Variables
		require.Error(t, json.Unmarshal([]byte(text), &wrong), text)
	}
	written, err := json.Marshal(v)
	require.NoError(t, err)
	require.Equal(t, string(v.Raw()), string(written))
}

// What was decoded does not change when the source does.
func TestVariablesAreCopied(t *testing.T) {
	t.Parallel()
	source := []byte(`{"a":"1"}`)
	var v salebot.Variables
	require.NoError(t, v.UnmarshalJSON(source))
	var a salebot.Attachments
	require.NoError(t, a.UnmarshalJSON(source))
	copy(source, `xxxxxxxxx`)
	require.Equal(t, "1", v.Text("a"))
	require.Equal(t, `{"a":"1"}`, string(a.Raw()))
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	const a, b = "https://files.example/a.png", "http://files.example/b?x=1&y=2"
	file := func(url string) salebot.Attachment { return salebot.Attachment{URL: url} }
	for text, want := range map[string][]salebot.Attachment{
		"null": nil, `""`: nil, `" "`: nil, "[]": nil, "{}": nil, `"[]"`: nil, `"{}"`: nil, `"None"`: nil, "[ ]": nil,
		"[null]": {{}}, `[""]`: {{}}, "[{}]": {{}}, "[[]]": {{}}, `{"0":{}}`: {{}}, "[[[[[7]]]]]": {{}}, `[[[[["` + a + `"]]]]]`: {{}},
		`{"file":true}`: {{}}, `{"url":5}`: {{}}, `{"file":"BQACAgIAAx"}`: {{}}, `{"url":"ftp://files.example/a"}`: {{}}, `{"url":"https://"}`: {{}},
		`{"file":"BQACAgIAAx","url":"` + a + `"}`:                           {file(a)},
		`{"link":"` + b + `","file":"` + a + `"}`:                           {file(a)},
		`{"attachment_url":"` + a + `","attachment_type":"image"}`:          {{URL: a, Type: "image"}},
		`{"image":"` + a + `","name":"a.jpg"}`:                              {{URL: a, Name: "a.jpg"}},
		`{"image":"` + a + `","type":"image"}`:                              {{URL: a, Name: "image", Type: "image"}},
		`{"type":"image","payload":{"url":"` + a + `"}}`:                    {{URL: a, Type: "image"}},
		`{"0":{"url":"` + a + `"},"1":{"url":"` + b + `"}}`:                 {file(a), file(b)},
		`{"0":"` + a + `","1":"` + b + `","2":{"id":7}}`:                    {file(a), file(b), {}},
		`{"first":{"url":"` + a + `"},"second":{"phone_number":"7900000"}}`: {file(a), {PhoneNumber: "7900000"}},
		`{"URL":"` + a + `"}`:                                               {{URL: a, Name: "URL"}},
		`{"phone":true}`:                                                    {{}},
		`"` + a + `"`:                                                       {file(a)},
		`["` + a + `","` + b + `"]`:                                         {file(a), file(b)},
		`{"url":"` + a + `"}`:                                               {file(a)},
		`[{"url":"` + a + `","type":"image"}]`:                              {{URL: a, Type: "image"}},
		`[{"file":"` + a + `","filename":"a.png"},"` + b + `"]`:             {{URL: a, Name: "a.png"}, file(b)},
		`{"photo":"` + a + `","doc":"` + b + `"}`:                           {{URL: a, Name: "photo"}, {URL: b, Name: "doc"}},
		`[{"phone_number":"79000000000"}]`:                                  {{PhoneNumber: "79000000000"}},
		`[{"phone_number":79000000000,"name":"Ann"}]`:                       {{PhoneNumber: "79000000000", Name: "Ann"}},
		`"[\"` + a + `\"]"`:                                                 {file(a)},
		`"{\"url\":\"` + a + `\"}"`:                                         {file(a)},
		`"\"[\\\"` + a + `\\\"]\""`:                                         {{}}, // JSON text within JSON text within JSON text: kept raw
		`[["` + a + `"]]`:                                                   {file(a)},
		`["not an address"]`:                                                {{}},
		`[7,true]`:                                                          {{}, {}},
		`{"unknown":5}`:                                                     {{}},
		`{"url":"","x":{"url":"` + a + `"}}`:                                {file(a)},
		`"[broken"`:                                                         {{}},
	} {
		got := attachmentsOf(text)
		var plain []salebot.Attachment
		for _, item := range got.Items() {
			require.True(t, json.Valid(item.Raw), "%s: Raw is %s", text, item.Raw)
			item.Raw = nil
			plain = append(plain, item)
		}
		require.Equal(t, want, plain, text)
		var urls []string
		for _, item := range want {
			if item.URL != "" {
				urls = append(urls, item.URL)
			}
		}
		require.Equal(t, urls, got.URLs(), text)
		written, err := json.Marshal(got)
		require.NoError(t, err)
		require.JSONEq(t, text, string(written), "it is kept as it came")
	}
	require.Nil(t, salebot.Attachments{}.Items())
	require.Nil(t, attachmentsOf("null").Raw())
	// Nesting without end is cut, not followed.
	require.NotPanics(t, func() {
		deep := slices.Concat(slices.Repeat([]byte("["), 1000), slices.Repeat([]byte("]"), 1000))
		require.Empty(t, attachmentsOf(string(deep)).URLs())
	})
}

func TestBlocksDecode(t *testing.T) {
	t.Parallel()
	var block salebot.Block
	require.NoError(t, json.Unmarshal([]byte(`{"id":"5","condition":null,"answer":7,"message_type":"2","description":"x"}`), &block))
	require.Equal(t, salebot.Block{ID: 5, Answer: "7", Type: 2, Description: "x"}, block)
	for _, text := range []string{`{}`, `{"id":{}}`, `{"id":1,"message_type":"x"}`} {
		require.Error(t, json.Unmarshal([]byte(text), &block), text)
	}
	require.Equal(t, salebot.BlockID(5), block.ID, "a failure changes nothing")
}

func TestHistoryItemsDecode(t *testing.T) {
	t.Parallel()
	var item salebot.HistoryItem
	require.NoError(t, json.Unmarshal([]byte(`{"id":"5","text":7,"delivered":"0","manager_id":"NONE"}`), &item))
	require.Equal(t, salebot.HistoryItem{ID: 5, Text: "7"}, item)
	for _, text := range []string{`{"text":"x"}`, `{"id":null}`, `{"id":{}}`, `[]`, `{"id":1,"delivered":"perhaps"}`, `{"id":1,"message_from_outside":"x"}`} {
		before := item
		require.Error(t, json.Unmarshal([]byte(text), &item), text)
		require.Equal(t, before, item, "a failure changes nothing")
	}
}

func attachmentsOf(text string) salebot.Attachments {
	var a salebot.Attachments
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		panic(err)
	}
	return a
}
