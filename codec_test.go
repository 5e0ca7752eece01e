package salebot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/fixture"
	"github.com/salebot-go/salebot/internal/testkit"
)

// fixed is a transport that answers with the body of the moment.
type fixed struct{ body []byte }

func (f *fixed) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(f.body)), Request: r}, nil
}

// fuzzAnswer shows arbitrary bodies to the method of an action. Whatever comes
// there is either a result or an error, and the error knows what it means.
func fuzzAnswer(f *testing.F, action string, check func(t *testing.T, body []byte, result any)) {
	answers, err := fixture.Answers(action)
	if err != nil {
		f.Fatal(err)
	}
	for _, answer := range answers {
		f.Add(answer.Body)
	}
	transport := &fixed{}
	client := clienttest.New(f, transport)
	f.Fuzz(func(t *testing.T, body []byte) {
		transport.body = body
		result, err := clienttest.Scenarios[action][0].Call(t.Context(), client)
		if err == nil {
			check(t, body, result)
			return
		}
		var failure *salebot.OpError
		if !errors.As(err, &failure) || failure.Attempts != 1 {
			t.Fatalf("%q: %v", body, err)
		}
		switch failure.Outcome {
		case salebot.OutcomeRejected:
			if !errors.Is(err, salebot.ErrRejected) {
				t.Fatalf("%q: %v", body, err)
			}
		case salebot.OutcomeUnknown, salebot.OutcomeFailed:
			if (failure.Outcome == salebot.OutcomeFailed) != (failure.Class == salebot.Read) || !errors.Is(err, salebot.ErrUnexpectedResponse) {
				t.Fatalf("%q: %v", body, err)
			}
		case salebot.OutcomeAccepted:
			var partial *salebot.PartialError
			if !errors.As(err, &partial) && !errors.Is(err, salebot.ErrTruncated) {
				t.Fatalf("%q: %v", body, err)
			}
		default:
			t.Fatalf("%q: %v", body, err)
		}
		if strings.ContainsAny(err.Error(), "\n\r") {
			t.Fatalf("%q: a text of several lines: %q", body, err)
		}
	})
}

// requireJSON fails where a result was made of something that is no JSON.
func requireJSON(t *testing.T, body []byte) {
	t.Helper()
	if trimmed := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff"))); !json.Valid(trimmed) {
		t.Fatalf("%q was read although it is no JSON", body)
	}
}

// requireStable writes a value, reads it, and writes it again.
func requireStable[T any](t *testing.T, value T) {
	t.Helper()
	first, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("%+v: %v", value, err)
	}
	var read T
	if err := json.Unmarshal(first, &read); err != nil {
		t.Fatalf("%s: %v", first, err)
	}
	second, err := json.Marshal(read)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%s became %s, %v", first, second, err)
	}
}

func FuzzHistory(f *testing.F) {
	fuzzAnswer(f, "get_history", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		for _, item := range result.([]salebot.HistoryItem) {
			if item.ID == 0 {
				t.Fatalf("%q: an item without an id", body)
			}
			requireStable(t, item.CreatedAt)
			requireStable(t, item.Attachments)
			_ = item.Attachments.Items()
		}
	})
}

func FuzzVariables(f *testing.F) {
	fuzzAnswer(f, "get_variables", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		v := result.(salebot.Variables)
		requireStable(t, v)
		var want map[string]any
		_ = json.Unmarshal(v.Raw(), &want)
		distinct := map[string]bool{}
		for name, value := range v.All() {
			distinct[name] = true
			if text, isText := want[name].(string); isText && !value.IsUnset() && v.Text(name) != text {
				t.Fatalf("%q: %q is %q, want %q", body, name, v.Text(name), text)
			}
		}
		if len(distinct) != len(want) {
			t.Fatalf("%q: %d names, want %d", body, len(distinct), len(want))
		}
	})
}

func FuzzChannels(f *testing.F) {
	fuzzAnswer(f, "connected_channels", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		channels := result.(*salebot.ConnectedChannels)
		counted := map[string]int{}
		for _, channel := range channels.Channels {
			if channel.ID == 0 && channel.GroupID == "" {
				t.Fatalf("%q: a channel that nobody can name", body)
			}
			counted[channel.Messenger]++
		}
		for messenger, n := range counted {
			if len(channels.Of(messenger)) != n {
				t.Fatalf("%q: %d of %q, want %d", body, len(channels.Of(messenger)), messenger, n)
			}
		}
	})
}

func FuzzLoadClients(f *testing.F) {
	fuzzAnswer(f, "load_clients", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		loaded := result.([]salebot.LoadedClient)
		if len(loaded) != 1 || !loaded[0].Accepted() || loaded[0].ID == 0 {
			t.Fatalf("%q: %+v", body, loaded)
		}
	})
}

func FuzzMessageAnswer(f *testing.F) {
	fuzzAnswer(f, "message", func(t *testing.T, body []byte, result any) {
		t.Helper()
		ack := result.(*salebot.Ack)
		if !bytes.Equal(ack.Raw, body) {
			t.Fatalf("%q became %q", body, ack.Raw)
		}
		if word := strings.ToLower(strings.TrimSpace(ack.Text())); word == "fail" || word == "error" {
			t.Fatalf("%q was taken for a success", body)
		}
		if len(bytes.TrimSpace(body)) == 0 {
			t.Fatal("nothing was taken for a success")
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{"null", "0", "-1", "1587890000", `"1587890000"`, "1.5", `"-1.5"`, `"2026-05-28 17:33:42.539976"`, `"28.05.2026 17:33"`, `"2026-05-28T17:33:42Z"`, `"x"`, "9223372036854775807", "{}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var at salebot.Timestamp
		if err := json.Unmarshal(text, &at); err != nil {
			var direct salebot.Timestamp
			_ = direct.UnmarshalJSON(text) // Only no panic is asked for.
			return
		}
		requireStable(t, at)
		moment, isMoment := at.Moment()
		local, err := at.In(time.UTC)
		switch {
		case at.IsZero() && (isMoment || err != nil || !local.IsZero()):
			t.Fatalf("%s: no time, but %v, %v", text, local, err)
		case isMoment && (err != nil || !local.Equal(moment)):
			t.Fatalf("%s: %v, but %v, %v in UTC", text, moment, local, err)
		case !isMoment && !at.IsZero() && err == nil:
			if _, err := at.In(nil); !errors.Is(err, salebot.ErrNoLocation) {
				t.Fatalf("%s: a civil time without a location is %v", text, err)
			}
		}
	})
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

// Whatever is in a text or a variable, what is sent is one JSON object with
// exactly that, and the address does not change.
func FuzzRequests(f *testing.F) {
	f.Add("hello", "name", "value", int64(1))
	f.Add("\x00\xff\"\\\u2028", "client_id", "</script>", int64(-1))
	f.Add("", "", "", int64(0))
	transport := &captured{}
	client := clienttest.New(f, transport)
	f.Fuzz(func(t *testing.T, message, name, value string, id int64) {
		transport.request, transport.body = nil, nil
		_, err := client.Callback(t.Context(), salebot.CallbackRequest{ClientID: salebot.ClientID(id), Message: message, Variables: map[string]any{name: value}})
		if errors.Is(err, salebot.ErrInvalidRequest) {
			if transport.request != nil {
				t.Fatal("refused and sent")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var sent map[string]any
		decoder := json.NewDecoder(bytes.NewReader(transport.body))
		decoder.UseNumber()
		if err := decoder.Decode(&sent); err != nil || decoder.More() {
			t.Fatalf("%q: %v", transport.body, err)
		}
		clean := func(text string) string { return string([]rune(text)) } // each bad byte becomes U+FFFD
		if len(sent) != 3 || sent["message"] != clean(message) || sent[clean(name)] != clean(value) {
			t.Fatalf("%q: %v", transport.body, sent)
		}
		if transport.request.URL.EscapedPath() != "/api/"+testkit.EscapedKey+"/callback" || transport.request.URL.RawQuery != "" {
			t.Fatal("the address changed")
		}
	})
}

type captured struct {
	request *http.Request
	body    []byte
}

func (c *captured) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	c.request, c.body = r, body
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok")), Request: r}, err
}

// oddity reports whether a value is odd for a field.
type oddity uint8

const (
	undecided oddity = iota
	fine
	odd
)

// goodField is an optional field of a good record.
type goodField struct {
	// name is Salebot's name of it, field the one in Go.
	name, field string
	value       string
	judge       func(value string) oddity
}

// goodRecord is a record with all of its fields.
type goodRecord struct {
	// answer is the body around the record.
	answer string
	id     string
	fields []goodField
	call   func(context.Context, *salebot.Client) (any, error)
}

func (r goodRecord) body(replaced, value string) string {
	members := []string{}
	if r.id != "" {
		members = append(members, r.id)
	}
	for _, field := range r.fields {
		text := field.value
		if field.name == replaced {
			text = value
		}
		members = append(members, fmt.Sprintf("%q:%s", field.name, text))
	}
	return fmt.Sprintf(r.answer, "{"+strings.Join(members, ",")+"}")
}

func first[T any](list []T, err error) (any, error) {
	if err != nil || len(list) != 1 {
		return nil, err
	}
	return list[0], nil
}

// clientFields are those of a ClientRecord.
var clientFields = []goodField{
	{"platform_id", "PlatformID", `"146000000"`, judgeIdentifier},
	{"client_type", "ClientType", `1`, judgeType},
	{"name", "Name", `"Анна"`, judgeText},
	{"avatar", "Avatar", `"https://a.test/1.jpg"`, judgeText},
	{"message_id", "BlockID", `390`, judgeNumber},
	{"project_id", "ProjectID", `1`, judgeNumber},
	{"created_at", "CreatedAt", `1588248599`, judgeTime},
	{"updated_at", "UpdatedAt", `"2026-05-28 17:33:42.5"`, judgeTime},
	{"custom_answer", "CustomAnswer", `"x"`, judgeLoose},
	{"tag", "Tag", `"promo"`, judgeText},
	{"group", "GroupID", `"143000000"`, judgeIdentifier},
	{"operator_start_dialog", "OperatorStartDialog", `true`, judgeLoose},
	{"variables", "Variables", `{"a":"1"}`, judgeVariables},
}

// goodRecords has a record of each answer that is read in records.
var goodRecords = []goodRecord{
	{`{"status":"success","clients":[%s]}`, `"id":44000`, clientFields, func(ctx context.Context, c *salebot.Client) (any, error) {
		return first(c.GetClients(ctx, salebot.GetClientsRequest{}))
	}},
	{`{"subscribers":[%s]}`, `"id":44000`, clientFields, func(ctx context.Context, c *salebot.Client) (any, error) {
		return first(c.GetSubscribers(ctx, salebot.GetSubscribersRequest{}))
	}},
	{`[%s]`, `"client_id":44000`, clientFields, func(ctx context.Context, c *salebot.Client) (any, error) {
		return first(c.GetVKSubscribers(ctx, salebot.GetVKSubscribersRequest{}))
	}},
	{`[%s]`, `"id":44000`, clientFields, func(ctx context.Context, c *salebot.Client) (any, error) {
		return first(c.GetClientsByPlatformID(ctx, salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1"}}))
	}},
	{`{"status":"success","result":[%s]}`, `"id":5`, []goodField{
		{"text", "Text", `"hi"`, judgeLoose},
		{"answered", "Answered", `true`, judgeFlag},
		{"client_replica", "ClientReplica", `1`, judgeFlag},
		{"message_from_outside", "Origin", `3`, judgeNumber},
		{"message_id", "BlockID", `390`, judgeNumber},
		{"created_at", "CreatedAt", `1588248599`, judgeTime},
		{"attachments", "Attachments", `["https://a.test/1"]`, judgeLoose},
		{"delivered", "Delivered", `false`, judgeFlag},
		{"error_message", "ErrorMessage", `"no"`, judgeLoose},
		{"manager_id", "EmployeeID", `7`, judgeNumber},
		{"manager_email", "EmployeeEmail", `"a@b.test"`, judgeText},
	}, func(ctx context.Context, c *salebot.Client) (any, error) {
		return first(c.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: 1}))
	}},
	{`{"project_id":1,"telegram":[%s]}`, `"id":5`, []goodField{
		{"group_id", "GroupID", `"bot"`, judgeIdentifier},
		{"name", "Name", `"Bot"`, judgeText},
		{"short_name", "ShortName", `"bot"`, judgeText},
		{"uri", "URI", `"x"`, judgeText},
		{"enabled", "Enabled", `true`, judgeFlag},
		{"status", "Status", `1`, judgeNumber},
	}, func(ctx context.Context, c *salebot.Client) (any, error) {
		channels, err := c.GetConnectedChannels(ctx)
		if err != nil {
			return nil, err
		}
		return first(channels.Channels, nil)
	}},
	{`{"messages":[%s]}`, `"id":390`, []goodField{
		{"condition", "Condition", `"menu"`, judgeLoose}, {"answer", "Answer", `"Hello"`, judgeLoose}, {"message_type", "Type", `1`, judgeNumber}, {"description", "Description", `null`, judgeLoose},
	}, func(ctx context.Context, c *salebot.Client) (any, error) { return first(c.GetBlocks(ctx)) }},
	{`{"items":[%s]}`, `"id":7`, []goodField{
		{"group_id", "GroupID", `"b"`, judgeIdentifier}, {"status", "Status", `"success"`, judgeText},
	}, func(ctx context.Context, c *salebot.Client) (any, error) {
		loaded, err := c.LoadClients(ctx, []salebot.ClientToLoad{salebot.TelegramUser("1", "b")})
		if len(loaded) == 1 {
			return loaded[0], nil // its word may be one of refusal
		}
		return nil, err
	}},
	{`%s`, ``, []goodField{
		{"is_follower", "IsFollower", `true`, nil}, {"username", "Username", `"a"`, judgeText}, {"account_id", "AccountID", `5`, judgeIdentifier}, {"avatar", "Avatar", `"x"`, judgeText}, {"real_name", "RealName", `"Ann"`, judgeText},
	}, func(ctx context.Context, c *salebot.Client) (any, error) {
		subscription, err := c.CheckInstagramSubscription(ctx, salebot.CheckInstagramSubscriptionRequest{UserName: "a"})
		if err != nil {
			return nil, err
		}
		return *subscription, nil
	}},
	{`%s`, `"status":"success"`, []goodField{{"callback_sended", "Started", `1`, nil}}, func(ctx context.Context, c *salebot.Client) (any, error) {
		sent, err := c.SendCallbackByPlatformID(ctx, salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1"}, CallbackText: "x"})
		if err != nil {
			return nil, err
		}
		sent.Raw = nil
		return *sent, nil
	}},
}

func judgeLoose(string) oddity { return fine }

func judgeText(value string) oddity {
	if value[0] == '{' || value[0] == '[' {
		return odd
	}
	return fine
}

// unsetValue reports whether a value stands for none.
func unsetValue(value string) bool {
	var text string
	_ = json.Unmarshal([]byte(value), &text)
	return value == "null" || value[0] == '"' && slices.Contains([]string{"", "None", "NONE", "none", "null", "NULL", "undefined"}, strings.TrimSpace(text))
}

// wholeNumber reads a number, or a text with one, with the help of math/big.
func wholeNumber(value string) (n *big.Int, ok bool) {
	text := value
	if value[0] == '"' {
		_ = json.Unmarshal([]byte(value), &text)
		text = strings.TrimSpace(text)
	}
	if !plainNumber.MatchString(text) {
		return nil, false
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok || !number.IsInt() {
		return nil, false
	}
	return number.Num(), true
}

func judgeNumber(value string) oddity {
	if unsetValue(value) {
		return fine
	}
	if n, ok := wholeNumber(value); ok {
		if n.IsInt64() {
			return fine
		}
		return odd
	}
	if strings.ContainsAny(value, "eE\\") {
		return undecided // there are more spellings than math/big is asked about
	}
	return odd
}

func judgeIdentifier(value string) oddity {
	if value[0] == '"' || value == "null" {
		return fine
	}
	if _, ok := wholeNumber(value); ok {
		return fine
	}
	if strings.ContainsAny(value, "eE") && value[0] != 't' && value[0] != 'f' {
		return undecided
	}
	return odd
}

func judgeFlag(value string) oddity {
	switch value {
	case "true", "false", "null", "0", "1", `"1"`, `"True"`, `"no"`, "1.0", "0.0":
		return fine
	}
	if value[0] == '{' || value[0] == '[' || value[0] >= '2' && value[0] <= '9' && !strings.ContainsAny(value, ".eE") {
		return odd
	}
	return undecided
}

func judgeTime(value string) oddity {
	switch {
	case unsetValue(value), value == "0", value == "1588248599":
		return fine
	case !strings.ContainsAny(value, "0123456789"), value[0] == '{', value[0] == '[':
		return odd
	}
	return undecided
}

func judgeType(value string) oddity {
	switch {
	case unsetValue(value), value == `"telegram"`, value == "1.0":
		return fine
	case value[0] == '{', value[0] == '[', value == "true", value == "false", value == `"pigeon"`:
		return odd
	}
	return undecided
}

func judgeVariables(value string) oddity {
	switch {
	case value[0] == '{', unsetValue(value):
		return fine
	case value[0] == '"':
		return undecided
	case value[0] == '[' && json.Valid([]byte(value)) && strings.TrimSpace(value[1:len(value)-1]) == "":
		return fine
	}
	return odd
}

// anyValues are values that a field may have.
var anyValues = []string{
	`null`, `""`, `"None"`, `"abc"`, `"pigeon"`, `"telegram"`, `"5"`, `5`, `-5`, `5.0`, `5.5`, `1e3`, `2`, `0`, `1.0`, `true`, `false`, `{}`, `{"a":1}`, `[]`, `[1]`, `"yesterday"`,
	`9223372036854775808`, `"\u0035"`, `" 5 "`, `"{\"a\":1}"`, `[[{"id":9}]]`, `{"id":9,"ID":9}`, `"2026-05-28"`, `1588248599000`,
}

// One optional field of a good record is anything: the id and all other fields come
// back as they were, and the odd one is listed.
func TestOneOddField(t *testing.T) {
	t.Parallel()
	transport := &fixed{}
	client := clienttest.New(t, transport)
	for i := range goodRecords {
		for j := range goodRecords[i].fields {
			for _, value := range anyValues {
				requireOneOddField(t, client, transport, goodRecords[i], goodRecords[i].fields[j], value)
			}
		}
	}
}

// FuzzOneOddField is TestOneOddField for other values.
func FuzzOneOddField(f *testing.F) {
	for k, value := range anyValues {
		f.Add(uint8(k), uint8(3*k), value)
	}
	transport := &fixed{}
	client := clienttest.New(f, transport)
	f.Fuzz(func(t *testing.T, which, at uint8, value string) {
		good := goodRecords[int(which)%len(goodRecords)]
		requireOneOddField(t, client, transport, good, good.fields[int(at)%len(good.fields)], value)
	})
}

func requireOneOddField(t *testing.T, client *salebot.Client, transport *fixed, good goodRecord, field goodField, value string) {
	t.Helper()
	value = strings.TrimSpace(value)
	if !json.Valid([]byte(value)) {
		return
	}
	if field.name == "is_follower" {
		return // it is what was asked for
	}
	transport.body = []byte(good.body("", ""))
	want, err := good.call(t.Context(), client)
	require.NoError(t, err)
	require.NotNil(t, want)
	transport.body = []byte(good.body(field.name, value))
	got, err := good.call(t.Context(), client)
	require.NoError(t, err, "%s", transport.body)
	require.NotNil(t, got, "%s", transport.body)
	gotOthers, unread := withoutField(got, field.field)
	wantOthers, none := withoutField(want, field.field)
	require.Empty(t, none)
	require.Equal(t, wantOthers, gotOthers, "%s", transport.body)
	if field.judge == nil {
		return
	}
	switch field.judge(value) {
	case fine:
		require.Empty(t, unread, "%s = %s", field.name, value)
	case odd:
		require.Equal(t, []string{field.name}, unread, "%s = %s", field.name, value)
	}
	if len(unread) == 0 || field.judge("{}") == odd && strings.HasSuffix(field.name, "_at") {
		return
	}
	// An odd field is as if it had not come.
	transport.body = []byte(good.body(field.name, "null"))
	absent, err := good.call(t.Context(), client)
	require.NoError(t, err)
	absent, _ = withFieldsOnly(absent)
	got, _ = withFieldsOnly(got)
	require.Equal(t, absent, got, "%s = %s", field.name, value)
}

// withoutField is a copy of a record without one of its fields, and what was odd.
func withoutField(record any, field string) (others any, unread []string) {
	copied := reflect.New(reflect.TypeOf(record)).Elem()
	copied.Set(reflect.ValueOf(record))
	unread = copied.FieldByName("Unread").Interface().([]string)
	copied.FieldByName("Unread").SetZero()
	if field != "" {
		copied.FieldByName(field).SetZero()
	}
	return copied.Interface(), unread
}

func withFieldsOnly(record any) (fields any, unread []string) { return withoutField(record, "") }
