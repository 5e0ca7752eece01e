package salebot_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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
	for _, text := range []string{"1.5", `"1.5"`, "1e3", "true", `"x"`, "{}", "[]", "[1]", "9223372036854775808", `"9223372036854775808"`, `"0x7"`, `"+7"`, `"7 7"`} {
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
		`"c2hvcA=="`: "c2hvcA==", "1e400": "1e400", "007": "", `"\u0430"`: "а", "true": "true",
	} {
		if text == "007" {
			continue
		}
		var ids struct {
			Platform salebot.PlatformID
			Group    salebot.GroupID
			Bot      salebot.BotID
		}
		require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"Platform":%[1]s,"Group":%[1]s,"Bot":%[1]s}`, text), &ids), text)
		require.Equal(t, []string{want, want, want}, []string{string(ids.Platform), string(ids.Group), string(ids.Bot)}, text)
	}
	for _, text := range []string{"{}", "[]", `["a"]`} {
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

func TestClientTypes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]salebot.ClientType{
		"0": salebot.ClientTypeVK, "1": salebot.ClientTypeTelegram, `"1"`: salebot.ClientTypeTelegram, "20": salebot.ClientTypeMAX,
		"99": 99, `"vk"`: salebot.ClientTypeVK, `"VK"`: salebot.ClientTypeVK, `"vkontakte"`: salebot.ClientTypeVK,
		`"telegram"`: salebot.ClientTypeTelegram, `"tg"`: salebot.ClientTypeTelegram, `"Telegram Business"`: salebot.ClientTypeTelegramBusiness,
		`"telegram_business"`: salebot.ClientTypeTelegramBusiness, `"whatsapp"`: salebot.ClientTypeWhatsApp, `"instagram"`: salebot.ClientTypeInstagram,
		`"e-mail"`: salebot.ClientTypeEmail, `"email"`: salebot.ClientTypeEmail, `"online chat"`: salebot.ClientTypeOnlineChat,
		"null": salebot.ClientTypeUnrecognized, `""`: salebot.ClientTypeUnrecognized, `"None"`: salebot.ClientTypeUnrecognized,
		`"carrier pigeon"`: salebot.ClientTypeUnrecognized, "1.5": salebot.ClientTypeUnrecognized,
	} {
		got := salebot.ClientType(-5)
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	var got salebot.ClientType
	require.Error(t, json.Unmarshal([]byte("{}"), &got))
	require.Equal(t, "Telegram", salebot.ClientTypeTelegram.String())
	require.Equal(t, "client type 99", salebot.ClientType(99).String())
	require.True(t, salebot.ClientTypeVK.Known())
	require.False(t, salebot.ClientType(9).Known())
	require.False(t, salebot.ClientTypeUnrecognized.Known())
}

func TestEnumerations(t *testing.T) {
	t.Parallel()
	require.Equal(t, "callback", salebot.HistoryOriginCallback.String())
	require.Equal(t, "history origin 4", salebot.HistoryOrigin(4).String())
	require.True(t, salebot.HistoryOriginOrdinary.Known())
	require.False(t, salebot.HistoryOrigin(4).Known())
	require.Equal(t, "asleep", salebot.ChannelStatusAsleep.String())
	require.Equal(t, "channel status 9", salebot.ChannelStatus(9).String())
	require.True(t, salebot.ChannelStatusNotStarted.Known())
	for _, text := range []string{"5", `"5"`} {
		var origin salebot.HistoryOrigin
		require.NoError(t, json.Unmarshal([]byte(text), &origin))
		require.Equal(t, salebot.HistoryOriginTelephony, origin)
	}
	var status salebot.ChannelStatus
	require.Error(t, json.Unmarshal([]byte(`"running"`), &status))
	for class, name := range map[salebot.SafetyClass]string{salebot.Once: "once", salebot.Idempotent: "idempotent", salebot.Read: "read", 9: "class 9"} {
		require.Equal(t, name, class.String())
	}
	for outcome, name := range map[salebot.Outcome]string{
		salebot.OutcomeUnknown: "unknown", salebot.OutcomeNotSent: "not sent", salebot.OutcomeRejected: "rejected", salebot.OutcomeAccepted: "accepted", 9: "outcome 9",
	} {
		require.Equal(t, name, outcome.String())
	}
	var zeroClass salebot.SafetyClass
	var zeroOutcome salebot.Outcome
	require.Equal(t, salebot.Once, zeroClass, "forgetting the class is safe")
	require.Equal(t, salebot.OutcomeUnknown, zeroOutcome, "anything else needs proof")
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	riga, err := time.LoadLocation("Europe/Riga")
	require.NoError(t, err)
	utc := time.Date(2026, time.May, 28, 17, 33, 42, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"1779989622":                       utc,
		`"1779989622"`:                     utc,
		`" 1779989622 "`:                   utc,
		`"2026-05-28T17:33:42Z"`:           utc,
		`"2026-05-28T20:33:42+03:00"`:      utc,
		`"2026-05-28 20:33:42+03:00"`:      utc,
		`"2026-05-28 20:33:42.5+03:00"`:    utc.Add(500 * time.Millisecond),
		`"2026-05-28 20:33:42.25 +0300"`:   utc.Add(250 * time.Millisecond),
		`"2026-05-28 17:33:42 UTC"`:        utc,
		`"2026-05-28T17:33:42.000000001Z"`: utc.Add(1),
		"1779989622.25":                    utc.Add(250 * time.Millisecond),
		`"1779989622.0000000019"`:          utc.Add(1),
	} {
		at := timestamp(text)
		moment, ok := at.Moment()
		require.True(t, ok, text)
		require.Equal(t, want, moment.UTC(), text)
		local, err := at.In(riga)
		require.NoError(t, err)
		require.True(t, want.Equal(local), text)
		require.Equal(t, riga, local.Location())
		unmoved, err := at.In(nil)
		require.NoError(t, err, "a moment needs no location")
		require.True(t, want.Equal(unmoved))
		require.False(t, at.IsZero())
	}
	for text, fraction := range map[string]int{
		`"2026-05-28 17:33:42"`: 0, `"2026-05-28 17:33:42.539976"`: 539976000, `"2026-05-28T17:33:42"`: 0, `"28.05.2026 17:33:42"`: 0,
	} {
		at := timestamp(text)
		_, ok := at.Moment()
		require.False(t, ok, "%s is a different moment in every zone", text)
		local, err := at.In(riga)
		require.NoError(t, err)
		require.Equal(t, time.Date(2026, time.May, 28, 17, 33, 42, fraction, riga), local, text)
		_, err = at.In(nil)
		require.ErrorIs(t, err, salebot.ErrNoLocation)
	}
	for text, want := range map[string]time.Time{
		`"28.05.2026 17:33"`: time.Date(2026, time.May, 28, 17, 33, 0, 0, riga),
		`"2026-05-28"`:       time.Date(2026, time.May, 28, 0, 0, 0, 0, riga),
		`"28.05.2026"`:       time.Date(2026, time.May, 28, 0, 0, 0, 0, riga),
	} {
		local, err := timestamp(text).In(riga)
		require.NoError(t, err, text)
		require.Equal(t, want, local, text)
	}
	for _, text := range []string{"null", `""`, `"None"`, `"null"`, `"undefined"`} {
		at := timestamp(text)
		require.True(t, at.IsZero(), text)
		when, err := at.In(riga)
		require.NoError(t, err)
		require.True(t, when.IsZero())
		require.Empty(t, at.String())
	}
	// A zone's abbreviation says nothing: MSK and CST are several each.
	for _, text := range []string{`"yesterday"`, `"2026-13-28"`, "1e9", `"1.2.3"`, `"1.-5"`, "true", `"2026-05-28 17:33:42 MSK"`, `"2026-05-28 17:33:42 CST"`} {
		at := timestamp(text)
		_, ok := at.Moment()
		require.False(t, ok, text)
		require.False(t, at.IsZero(), text)
		_, err := at.In(riga)
		require.Error(t, err, text)
		require.NotErrorIs(t, err, salebot.ErrNoLocation)
	}
	var at salebot.Timestamp
	require.Error(t, json.Unmarshal([]byte("{}"), &at))
	before, _ := timestamp("-1.5").Moment()
	require.Equal(t, time.Unix(-2, 500_000_000).UTC(), before, "a second and a half before")
	require.Equal(t, "1779989622", salebot.UnixTimestamp(utc.Add(time.Nanosecond)).String())
	require.Equal(t, "2026-05-28 17:33:42.5", timestamp(`"2026-05-28 17:33:42.500"`).String())
	require.Equal(t, "yesterday", timestamp(`"yesterday"`).String())
}

// What was read is written so that it is read as the same again.
func TestTimestampsKeepTheirValue(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"null", "1779989622", "-5", `"2026-05-28 17:33:42.539976"`, `"2026-05-28 17:33:42"`, `"yesterday"`, `"1e9"`} {
		written, err := json.Marshal(timestamp(text))
		require.NoError(t, err)
		require.JSONEq(t, text, string(written))
		require.Equal(t, timestamp(text), timestamp(string(written)))
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	leap := day(2024, time.February, 29)
	require.Equal(t, "29.02.2024", leap.String())
	require.Equal(t, day(2024, time.March, 1), leap.AddDays(1))
	require.Equal(t, day(2023, time.March, 1), leap.AddDays(-365))
	require.True(t, leap.Before(day(2024, time.March, 1)))
	require.False(t, leap.Before(leap))
	require.True(t, salebot.Date{}.IsZero())
	late := time.Date(2026, time.October, 31, 23, 30, 0, 0, moscow)
	require.Equal(t, day(2026, time.October, 31), salebot.DateOf(late), "in its own location")
	require.Equal(t, day(2026, time.October, 31), salebot.DateOf(late.UTC()))
	rapid.Check(t, func(rt *rapid.T) {
		date := salebot.DateOf(time.Unix(rapid.Int64Range(0, 4e9).Draw(rt, "seconds"), 0).UTC())
		n := rapid.IntRange(-5000, 5000).Draw(rt, "days")
		require.Equal(rt, date, date.AddDays(n).AddDays(-n))
		require.Equal(rt, n > 0, date.Before(date.AddDays(n)))
	})
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
		"null": nil, `""`: nil, `" "`: nil, "[]": nil, "{}": nil, `"[]"`: nil, `"{}"`: nil, "[null]": nil, `[""]`: nil,
		`"` + a + `"`:                                           {file(a)},
		`["` + a + `","` + b + `"]`:                             {file(a), file(b)},
		`{"url":"` + a + `"}`:                                   {file(a)},
		`[{"url":"` + a + `","type":"image"}]`:                  {{URL: a, Type: "image"}},
		`[{"file":"` + a + `","filename":"a.png"},"` + b + `"]`: {{URL: a, Name: "a.png"}, file(b)},
		`{"photo":"` + a + `","doc":"` + b + `"}`:               {{URL: a, Name: "photo"}, {URL: b, Name: "doc"}},
		`[{"phone_number":"79000000000"}]`:                      {{PhoneNumber: "79000000000"}},
		`[{"phone_number":79000000000,"name":"Ann"}]`:           {{PhoneNumber: "79000000000", Name: "Ann"}},
		`"[\"` + a + `\"]"`:                                     {file(a)},
		`"{\"url\":\"` + a + `\"}"`:                             {file(a)},
		`"\"[\\\"` + a + `\\\"]\""`:                             {{}}, // JSON text within JSON text within JSON text: kept raw
		`[["` + a + `"]]`:                                       {file(a)},
		`["not an address"]`:                                    {{}},
		`[7,true]`:                                              {{}, {}},
		`{"unknown":5}`:                                         {{}},
		`"[broken"`:                                             {{}},
	} {
		got := attachments(text)
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
	require.Nil(t, attachments("null").Raw())
	// Nesting without end is cut, not followed.
	require.NotPanics(t, func() {
		deep := slices.Concat(slices.Repeat([]byte("["), 1000), slices.Repeat([]byte("]"), 1000))
		require.Empty(t, attachments(string(deep)).URLs())
	})
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

func TestErrNoLocationIsAnError(t *testing.T) {
	t.Parallel()
	_, err := timestamp(`"2026-05-28"`).In(nil)
	require.True(t, errors.Is(err, salebot.ErrNoLocation))
}
