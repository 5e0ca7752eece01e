package salebot_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

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
	for _, text := range []string{"1.5", `"1.5"`, "1e-3", "true", `"x"`, "{}", "[]", "[1]", "9223372036854775808", `"9223372036854775808"`, `"0x7"`, `"+7"`, `"7 7"`} {
		id := salebot.ClientID(5)
		require.Error(t, json.Unmarshal([]byte(text), &id), text)
		require.Equal(t, salebot.ClientID(5), id, "a failure changes nothing")
	}
	sent, err := json.Marshal(salebot.ClientID(9007199254740993))
	require.NoError(t, err)
	require.Equal(t, "9007199254740993", string(sent))
}

// An id as text is its number, by its method and by fmt, and in JSON it stays a number,
// also as a key.
func TestNumericIDsAsText(t *testing.T) {
	t.Parallel()
	for _, id := range []interface{ String() string }{
		salebot.ClientID(25554), salebot.MessageID(25554), salebot.BlockID(25554), salebot.ListID(25554), salebot.ProjectID(25554),
		salebot.ChannelID(25554), salebot.EmployeeID(25554), salebot.OrderID(25554), salebot.StateID(25554),
	} {
		require.Equal(t, "25554", id.String(), "%T", id)
		require.Equal(t, "25554 25554 25554", fmt.Sprintf("%v %s %d", id, id, id), "%T", id)
		encoded, err := json.Marshal(id)
		require.NoError(t, err)
		require.Equal(t, "25554", string(encoded), "%T", id)
	}
	encoded, err := json.Marshal(map[salebot.ClientID]salebot.OrderID{25554: 7})
	require.NoError(t, err)
	require.JSONEq(t, `{"25554":7}`, string(encoded))
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

// enumeration is an open enumeration as the tests of all of them see it.
type enumeration interface {
	fmt.Stringer
	Known() bool
}

// requireOpen checks that values of an enumeration are read in all their forms,
// that the known ones have names of their own, and that the others are kept.
func requireOpen[T interface {
	~int
	enumeration
}](t *testing.T, kind string, known map[T]string, unknown ...T,
) {
	t.Helper()
	read := func(text string) (value T, err error) {
		err = json.Unmarshal([]byte(text), &value)
		return value, err
	}
	names := map[string]bool{}
	for value, name := range known {
		require.True(t, value.Known(), name)
		require.Equal(t, name, value.String())
		require.False(t, names[name], "two values are called %s", name)
		names[name] = true
	}
	for _, value := range unknown {
		require.False(t, value.Known())
		require.Equal(t, fmt.Sprintf("%s %d", kind, int(value)), value.String(), "an unknown value prints its number")
		known[value] = ""
	}
	for value := range known {
		digits := strconv.Itoa(int(value))
		for _, form := range []string{digits, `"` + digits + `"`, `" ` + digits + ` "`} {
			got, err := read(form)
			require.NoError(t, err)
			require.Equal(t, value, got, form)
		}
		written, err := json.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, digits, string(written), "what goes out is a number")
	}
	for _, form := range []string{"{}", "[1]"} {
		_, err := read(form)
		require.Error(t, err, form)
	}
}

func TestClientType(t *testing.T) {
	t.Parallel()
	requireOpen(t, "client type", map[salebot.ClientType]string{
		0: "VK", 1: "Telegram", 2: "Viber", 3: "Facebook", 4: "TalkMe", 5: "online chat", 6: "WhatsApp", 7: "Avito", 8: "Odnoklassniki",
		10: "Instagram", 11: "Jivosite", 12: "Yula", 13: "telephony", 14: "e-mail", 16: "Telegram Business", 19: "Cian", 20: "MAX",
		21: "Telegram account", 22: "TikTok", 23: "Discord",
	}, 9, 15, 17, 18, 24, 4000, -1)
	for text, want := range map[string]salebot.ClientType{
		`"vk"`: salebot.ClientTypeVK, `"instagram"`: salebot.ClientTypeInstagram, `"Telegram"`: salebot.ClientTypeTelegram, `"WHATSAPP"`: salebot.ClientTypeWhatsApp,
		`"telegram_business"`: salebot.ClientTypeTelegramBusiness, `"online-chat"`: salebot.ClientTypeOnlineChat, `"tg"`: salebot.ClientTypeTelegram,
		`"max"`: salebot.ClientTypeMAX, `"email"`: salebot.ClientTypeEmail,
		// It is not VK, although that is zero.
		`null`: salebot.ClientTypeUnrecognized, `""`: salebot.ClientTypeUnrecognized, `"None"`: salebot.ClientTypeUnrecognized,
		`"pigeon"`: salebot.ClientTypeUnrecognized, `"1.5"`: salebot.ClientTypeUnrecognized, `1.0`: salebot.ClientTypeTelegram, `"1.0"`: salebot.ClientTypeTelegram,
	} {
		got := salebot.ClientTypeTikTok
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`1.5`, `-0.5`, `99999999999999999999`, `true`, `{}`, `[]`} {
		got := salebot.ClientTypeTikTok
		require.Error(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, salebot.ClientTypeTikTok, got, text)
	}
}

func TestHistoryOrigin(t *testing.T) {
	t.Parallel()
	requireOpen(t, "history origin", map[salebot.HistoryOrigin]string{0: "ordinary", 1: "API", 2: "CRM", 3: "callback", 5: "telephony"}, 4, 6, 77, -3)
	requireZeroForNull[salebot.HistoryOrigin](t)
}

func TestChannelStatus(t *testing.T) {
	t.Parallel()
	requireOpen(t, "channel status", map[salebot.ChannelStatus]string{0: "not started", 1: "started", 2: "asleep", 3: "stopped"}, 4, -1)
	requireZeroForNull[salebot.ChannelStatus](t)
}

func TestOrderStatus(t *testing.T) {
	t.Parallel()
	requireOpen(t, "order status", map[salebot.OrderStatus]string{0: "active", 1: "successful", 2: "failed"}, 3, 4, -1)
	requireZeroForNull[salebot.OrderStatus](t)
}

func requireZeroForNull[T ~int](t *testing.T) {
	t.Helper()
	for _, text := range []string{`null`, `""`, `"None"`} {
		var value T
		require.NoError(t, json.Unmarshal([]byte(text), &value))
		require.Zero(t, value)
	}
	for _, text := range []string{`"x"`, `1.5`, `9223372036854775808`, `true`} {
		var value T
		require.Error(t, json.Unmarshal([]byte(text), &value), text)
	}
}

// FuzzEnumerations reads the same value as number and as text.
func FuzzEnumerations(f *testing.F) {
	for _, n := range []int64{0, 1, 23, 24, -1, math.MaxInt64, math.MinInt64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		requireSameForms[salebot.ClientType](t, n)
		requireSameForms[salebot.HistoryOrigin](t, n)
		requireSameForms[salebot.ChannelStatus](t, n)
		requireSameForms[salebot.OrderStatus](t, n)
	})
}

func requireSameForms[T interface {
	~int
	enumeration
}](t *testing.T, n int64) {
	t.Helper()
	digits := strconv.FormatInt(n, 10)
	var number, text T
	require.Equal(t, json.Unmarshal([]byte(digits), &number) == nil, json.Unmarshal([]byte(`"`+digits+`"`), &text) == nil)
	require.Equal(t, number, text)
	if strconv.IntSize == 64 {
		require.Equal(t, n, int64(number))
	}
	require.NotEmpty(t, number.String())
}

// requireSameID reads a number of an id in all its forms.
func requireSameID[T ~int64](t *testing.T, n int64) {
	t.Helper()
	digits := strconv.FormatInt(n, 10)
	for _, form := range []string{digits, `"` + digits + `"`, `" ` + digits + `"`} {
		var id T
		require.NoError(t, json.Unmarshal([]byte(form), &id), form)
		require.Equal(t, T(n), id, form)
	}
	written, err := json.Marshal(T(n))
	require.NoError(t, err)
	require.Equal(t, digits, string(written), "what goes out is a number")
}

func requireSameText[T ~string](t *testing.T, n int64) {
	t.Helper()
	digits := strconv.FormatInt(n, 10)
	for _, form := range []string{digits, `"` + digits + `"`} {
		var id T
		require.NoError(t, json.Unmarshal([]byte(form), &id), form)
		require.Equal(t, T(digits), id, form)
	}
}

// FuzzIDs reads the same id as number and as text.
func FuzzIDs(f *testing.F) {
	for _, n := range []int64{0, 1, -1, 1<<53 + 1, -1<<53 - 1, math.MaxInt64, math.MinInt64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		requireSameID[salebot.ClientID](t, n)
		requireSameID[salebot.MessageID](t, n)
		requireSameID[salebot.BlockID](t, n)
		requireSameID[salebot.ListID](t, n)
		requireSameID[salebot.ProjectID](t, n)
		requireSameID[salebot.ChannelID](t, n)
		requireSameID[salebot.EmployeeID](t, n)
		requireSameID[salebot.OrderID](t, n)
		requireSameID[salebot.StateID](t, n)
		requireSameText[salebot.PlatformID](t, n)
		requireSameText[salebot.GroupID](t, n)
		requireSameText[salebot.BotID](t, n)
	})
}

// plainNumber has no exponent of more than two digits, which math/big would work on
// for long.
var plainNumber = regexp.MustCompile(`^-?\d+(\.\d+)?([eE][-+]?\d{1,2})?$`)

// FuzzIDText reads any scalar as a number and as text: both agree, with each other
// and with strconv.
func FuzzIDText(f *testing.F) {
	for _, text := range []string{"0", "-0", "1", "1.0", "1e3", "9223372036854775808", "-9223372036854775808", "+5", "007", "", "None", "0x10", "1_0", "٣", " 5 ", "\\u0035"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		require.NoError(t, err)
		var fromText, fromNumber salebot.ClientID
		textErr := json.Unmarshal(quoted, &fromText)
		want, wantErr := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if whole, ok := new(big.Rat).SetString(strings.TrimSpace(text)); ok && plainNumber.MatchString(strings.TrimSpace(text)) && whole.IsInt() && whole.Num().IsInt64() {
			want, wantErr = whole.Num().Int64(), nil
		}
		if textErr == nil && fromText != 0 && len(text) < 40 {
			require.NoError(t, wantErr, "%q", text)
			require.Equal(t, want, int64(fromText))
		}
		if textErr != nil && wantErr == nil {
			require.Contains(t, text, "+", "%q", text)
		}
		if _, isNumber := numberToken(text); isNumber {
			numberErr := json.Unmarshal([]byte(text), &fromNumber)
			require.Equal(t, textErr == nil, numberErr == nil, "%q", text)
			require.Equal(t, fromText, fromNumber)
		}
		var platform salebot.PlatformID
		require.NoError(t, json.Unmarshal(quoted, &platform))
		var plain string
		require.NoError(t, json.Unmarshal(quoted, &plain))
		if platform == "" {
			require.Contains(t, []string{"", "None", "NONE", "none", "null", "NULL", "undefined"}, strings.TrimSpace(plain))
			return
		}
		require.Equal(t, plain, string(platform))
	})
}

func numberToken(text string) (json.Number, bool) {
	var number json.Number
	return number, json.Unmarshal([]byte(text), &number) == nil && text != "" && text[0] != '"' && text[0] != 'n' && strings.TrimSpace(text) == text
}

func TestNormalizePhone(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"79000000000": {
			"79000000000", "+79000000000", "89000000000", "9000000000", "+7 (900) 000-00-00", "8 (900) 000-00-00", "8-900-000-00-00",
			"8.900.000.00.00", " 7 900 000 00 00 ", "0079000000000", "00 7 900 000 00 00", "tel:+79000000000", "TEL:+7-900-000-00-00",
			"whatsapp:+79000000000", "79000000000@s.whatsapp.net", "79000000000@c.us", "79000000000@S.WhatsApp.Net", "whatsapp:79000000000@c.us",
			"+7\u00a0900\u202f000\u20090000", "8\u2013900\u2011000\u221200\u201200", "+7/900/000/00/00", "900 000 00 00", "\t+79000000000\n",
		},
		"77010000000": {"+7 701 000 00 00", "8 701 000 00 00", "77010000000"},
		"78000000000": {"8 800 000 00 00", "+7 800 000 00 00"},
		// With a plus, or in WhatsApp, the number is whole: these are Vietnam and
		// Germany, not Russia.
		"84912345678":     {"+84 912 345 678", "0084912345678", "84912345678@s.whatsapp.net", "84912345678@c.us"},
		"9512345678":      {"+95 12 345 678", "9512345678@c.us"},
		"4915112345678":   {"+49 151 12345678", "4915112345678"},
		"12025550123":     {"+1 (202) 555-0123", "12025550123"},
		"12345678":        {"12345678", "+12345678"},
		"123456789012345": {"123456789012345"},
	} {
		for _, spelling := range spellings {
			got, err := salebot.NormalizePhone(spelling)
			require.NoError(t, err, spelling)
			require.Equal(t, want, got, "%q", spelling)
		}
	}
	for _, text := range []string{
		"", " ", "+", "00", "phone", "1234567", "+1234567", "1234567890123456", "+7900000000x", "++79000000000", "7+9000000000", "a@b.com",
		"0900000000", "00090000000", "+0900000000", "79000000000@example.com", "7900 000 00 00 ext 5", "٧٩٠٠٠٠٠٠٠٠٠", "７９００００００００００", "79000000000,79000000001",
		"#{phone}", "None",
	} {
		got, err := salebot.NormalizePhone(text)
		require.Equal(t, salebot.ErrNotPhone, err, "%q; the number is not for logs", text)
		require.Empty(t, got)
	}
}

// Whatever comes out is a number in the form that it promises, and stands for
// itself when it is written with a plus.
func TestNormalizePhoneIsSettled(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringMatching(`(\+|00|tel:|whatsapp:)?[0-9 ().-]{6,20}(@c\.us)?`).Draw(r, "text")
		number, err := salebot.NormalizePhone(text)
		if err != nil {
			require.ErrorIs(r, err, salebot.ErrNotPhone)
			return
		}
		require.Regexp(r, `^[1-9][0-9]{7,14}$`, number)
		again, err := salebot.NormalizePhone("+" + number)
		require.NoError(r, err)
		require.Equal(r, number, again)
	})
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	const a, b = "https://files.example/a.png", "http://files.example/b?x=1&y=2"
	file := func(url string) salebot.Attachment { return salebot.Attachment{URL: url} }
	for text, want := range map[string][]salebot.Attachment{
		"null": nil, `""`: nil, `" "`: nil, "[]": nil, "{}": nil, `"[]"`: nil, `"{}"`: nil, `"None"`: nil, "[ ]": nil,
		"[null]": {{}}, `[""]`: {{}}, "[{}]": {{}}, "[[]]": {{}}, `{"0":{}}`: {{}}, "[[[[[7]]]]]": {{}}, `[[[[["` + a + `"]]]]]`: {{}},
		`{"file":true}`: {{}}, `{"url":5}`: {{}}, `{"file":"BQACAgIAAx"}`: {{}}, `{"url":"ftp://files.example/a"}`: {{}}, `{"url":"https://"}`: {{}},
		`{"file":"BQACAgIAAx","url":"` + a + `"}`:                              {file(a)},
		`{"link":"` + b + `","file":"` + a + `"}`:                              {file(a)},
		`{"attachment_url":"` + a + `","attachment_type":"image"}`:             {{URL: a, Type: "image"}},
		`{"image":"` + a + `","name":"a.jpg"}`:                                 {{URL: a, Name: "a.jpg"}},
		`{"image":"` + a + `","type":"image"}`:                                 {{URL: a, Name: "image", Type: "image"}},
		`{"type":"image","payload":{"url":"` + a + `"}}`:                       {{URL: a, Type: "image"}},
		`{"0":{"url":"` + a + `"},"1":{"url":"` + b + `"}}`:                    {file(a), file(b)},
		`{"0":"` + a + `","1":"` + b + `","2":{"id":7}}`:                       {file(a), file(b), {}},
		`{"first":{"url":"` + a + `"},"second":{"phone_number":"7900000"}}`:    {file(a), {PhoneNumber: "7900000"}},
		`{"URL":"` + a + `"}`:                                                  {{URL: a, Name: "URL"}},
		`{"type":"image","payload":[{"url":"` + a + `"},{"url":"` + b + `"}]}`: {file(a), file(b)},
		`{"phone":true}`:                       {{}},
		`"` + a + `"`:                          {file(a)},
		`["` + a + `","` + b + `"]`:            {file(a), file(b)},
		`{"url":"` + a + `"}`:                  {file(a)},
		`[{"url":"` + a + `","type":"image"}]`: {{URL: a, Type: "image"}},
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
		`[7]`:                                                   {{}},
		`" ` + a + `\n"`:                                        {file(a)},
		`{"unknown":5}`:                                         {{}},
		`{"url":"","x":{"url":"` + a + `"}}`:                    {file(a)},
		`"[broken"`:                                             {{}},
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

func attachmentsOf(text string) salebot.Attachments {
	var a salebot.Attachments
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		panic(err)
	}
	return a
}

func FuzzAttachments(f *testing.F) {
	for _, text := range []string{"null", "[]", "{}", `["https://a/b"]`, `[{"url":"https://a/b","type":"image"}]`, `"[\"https://a/b\"]"`, `{"a":"https://a/b"}`, `[{"phone_number":1}]`, `[[[[[]]]]]`, `"\""`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var a salebot.Attachments
		if json.Unmarshal(text, &a) != nil {
			_ = a.UnmarshalJSON(text)
			_ = a.Items()
			return
		}
		requireStable(t, a)
		urls := 0
		for _, item := range a.Items() {
			if item.URL != "" {
				urls++
			}
			if !json.Valid(item.Raw) {
				t.Fatalf("%s: Raw is %q", text, item.Raw)
			}
		}
		if len(a.URLs()) != urls {
			t.Fatalf("%s: %d addresses, want %d", text, len(a.URLs()), urls)
		}
	})
}
