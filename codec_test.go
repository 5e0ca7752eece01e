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

	"github.com/jarcoal/httpmock"
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
		{"group_id", "GroupID", `"b"`, judgeIdentifier}, {"status", "Status", `"success"`, judgeWord},
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
	if value == "true" || value == "false" {
		return odd
	}
	return judgeWord(value)
}

func judgeWord(value string) oddity {
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

// The raw text of an odd field can be had.
func TestOddFieldsAreKeptRaw(t *testing.T) {
	t.Parallel()
	client := always(t, http.StatusOK, `{"clients":[{"id":2,"message_id":{"deep":[1]}}]}`)
	got, err := client.GetClients(t.Context(), salebot.GetClientsRequest{}, salebot.WithRawItems())
	require.NoError(t, err)
	require.Equal(t, []string{"message_id"}, got[0].Unread)
	require.JSONEq(t, `{"id":2,"message_id":{"deep":[1]}}`, string(got[0].Raw))
}

// Only the id of a record itself is worth an error, which says where it is.
func TestRecordsWithoutAnID(t *testing.T) {
	t.Parallel()
	for element, want := range map[string]string{
		`{"name":"x"}`: `field "id" is missing`, `{"id":null}`: `field "id"`, `{"id":"abc"}`: `field "id": want a whole number`, `{"id":-1}`: `field "id": want a positive`,
		`{"id":0}`: `field "id"`, `{"id":5.5}`: `field "id"`, `{"id":{}}`: `field "id"`, `{"id":"abc","client_id":7}`: `field "id"`, `{"ID":7}`: `field "id"`,
		`5`: "want an object", `null`: "want an object", `[]`: "want an object",
	} {
		_, err := always(t, http.StatusOK, `{"clients":[{"id":1},`+element+`]}`).GetClients(t.Context(), salebot.GetClientsRequest{})
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, element)
		require.ErrorContains(t, err, "clients: element 1: "+want, element)
	}
	_, err := always(t, http.StatusOK, `{"result":[{"id":1},{"id":-1}]}`).GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
	require.ErrorContains(t, err, `result: element 1: field "id"`)
	_, err = always(t, http.StatusOK, `{"messages":[],"result":[5]}`).GetBlocks(t.Context())
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, "an empty list does not hide one that cannot be read")
	_, err = always(t, http.StatusOK, `{"messages":[{"answer":"x"}]}`).GetBlocks(t.Context())
	require.ErrorContains(t, err, `messages: element 0: field "id" is missing`)
	_, err = always(t, http.StatusOK, `{"telegram":[{"id":"x"}]}`).GetConnectedChannels(t.Context())
	require.ErrorContains(t, err, `telegram: element 0: neither field "id" nor "group_id"`)
}

// Names match exactly: encoding/json would take {"id":1,"ID":99} for client 99.
func TestNamesMatchExactly(t *testing.T) {
	t.Parallel()
	got, err := always(t, http.StatusOK, `{"clients":[{"id":1,"ID":99,"name":"Ann","NAME":"x","Client_Id":5,"Platform_ID":"7"}]}`).GetClients(t.Context(), salebot.GetClientsRequest{})
	require.NoError(t, err)
	require.Equal(t, []salebot.ClientRecord{{ID: 1, Name: "Ann", ClientType: salebot.ClientTypeUnrecognized}}, got)
	history, err := always(t, http.StatusOK, `{"result":[{"ID":9,"id":1,"TEXT":"x","text":"a"}]}`).GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
	require.NoError(t, err)
	require.Equal(t, []salebot.HistoryItem{{ID: 1, Text: "a", Delivered: true}}, history)
	loaded, err := always(t, http.StatusOK, `{"items":[{"id":1,"ID":9,"STATUS":"error"}]}`).LoadClients(t.Context(), []salebot.ClientToLoad{salebot.TelegramUser("1", "b")})
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(1), loaded[0].ID)
	blocks, err := always(t, http.StatusOK, `{"messages":[{"ID":9,"id":1,"Answer":"x","message_type":2,"Message_Type":3}]}`).GetBlocks(t.Context())
	require.NoError(t, err)
	require.Equal(t, []salebot.Block{{ID: 1, Type: 2}}, blocks)
	channels, err := always(t, http.StatusOK, `{"project_id":1,"PROJECT_ID":2,"telegram":[{"id":5,"ID":6,"Name":"x"}]}`).GetConnectedChannels(t.Context())
	require.NoError(t, err)
	require.Equal(t, &salebot.ConnectedChannels{ProjectID: 1, Channels: []salebot.Channel{{Messenger: "telegram", ID: 5}}}, channels)
	instagram, err := always(t, http.StatusOK, `{"is_follower":1,"Is_Follower":0,"username":"a","USERNAME":"b"}`).CheckInstagramSubscription(t.Context(), salebot.CheckInstagramSubscriptionRequest{UserName: "a"})
	require.NoError(t, err)
	require.Equal(t, &salebot.InstagramSubscription{Username: "a", IsFollower: true}, instagram)
}

// WithStrict is for tests against the API: what is odd is an error that says where.
func TestStrict(t *testing.T) {
	t.Parallel()
	body := `{"clients":[{"id":1},{"id":2,"message_id":"abc"}]}`
	_, err := always(t, http.StatusOK, body).GetClients(t.Context(), salebot.GetClientsRequest{}, salebot.WithStrict())
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
	require.ErrorContains(t, err, `clients: element 1: field "message_id": want a whole number`)
	strict, err := always(t, http.StatusOK, body).With(salebot.WithStrict())
	require.NoError(t, err)
	_, err = strict.GetClients(t.Context(), salebot.GetClientsRequest{})
	require.ErrorContains(t, err, `field "message_id"`)
	_, err = always(t, http.StatusOK, `{"clients":[{"id":1,"message_id":"","never seen":{}}]}`).GetClients(t.Context(), salebot.GetClientsRequest{}, salebot.WithStrict())
	require.NoError(t, err, "what is unset or unknown is not odd")
	_, err = always(t, http.StatusOK, `{"project_id":1,"telegram":"x"}`).GetConnectedChannels(t.Context(), salebot.WithStrict())
	require.ErrorContains(t, err, `field "telegram"`)
	_, err = always(t, http.StatusOK, `{"callback_sended":"many"}`).SendCallbackByPlatformID(t.Context(), salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1"}, CallbackText: "x"}, salebot.WithStrict())
	require.ErrorContains(t, err, `field "callback_sended"`)
}

// The order of the keys decides, never that of the answer; a word under result says
// how the action went.
func TestDataUnderSeveralKeys(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"id":7,"client_id":5}`, `{"client_id":5,"id":7}`, `{"ids":[],"client_id":5}`, `{"result":"success","client_id":5}`, `{"client_id":5,"result":true}`,
		`{"client_ids":[],"client_id":5}`, `{"client_id":null,"id":5}`, `{"id":"","ids":[5]}`, `{"result":[7],"ids":[5,6]}`, `{"ids":{"0":5,"2":6}}`, `{"client_id":5.0}`,
	} {
		lookUp(t, http.StatusOK, body, func(t *testing.T, id salebot.ClientID, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Equal(t, salebot.ClientID(5), id)
		}, func(t *testing.T, ids []salebot.ClientID, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Equal(t, salebot.ClientID(5), ids[0])
		})
	}
	for body, want := range map[string]string{
		`{"client_id":"abc","id":5}`: "client_id: want a whole number", `{"client_ids":[1,-5]}`: "client_ids: element 1: want a positive", `{"result":"queued"}`: "no data",
		`{"result":1}`: "no data", `{"data":{"client":5}}`: "no data",
	} {
		_, err := always(t, http.StatusOK, body).GetClientIDByPhone(t.Context(), "1")
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
		require.ErrorContains(t, err, want, body)
	}
	latest, err := always(t, http.StatusOK, `{"status":"success","client_id":7,"latest_client_id":25554}`).GetLatestClientIDByVariable(t.Context(), "a", "1")
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(25554), latest)
	latest, err = always(t, http.StatusOK, `{"client_id":25554}`).GetLatestClientIDByVariable(t.Context(), "a", "1")
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(25554), latest)
	clients, err := always(t, http.StatusOK, `{"subscribers":[{"id":1}],"clients":[],"result":"ok"}`).GetSubscribers(t.Context(), salebot.GetSubscribersRequest{})
	require.NoError(t, err)
	require.Len(t, clients, 1)
	clients, err = always(t, http.StatusOK, `{"clients":{"0":{"id":1},"3":{"id":2}}}`).GetClients(t.Context(), salebot.GetClientsRequest{})
	require.NoError(t, err)
	require.Len(t, clients, 2, "so PHP writes a list with gaps")
}

// Each record that is read in lists can say what was odd in it.
func TestRecordsListWhatIsOdd(t *testing.T) {
	t.Parallel()
	for _, record := range []any{
		salebot.ClientRecord{}, salebot.HistoryItem{}, salebot.LoadedClient{}, salebot.Channel{}, salebot.ConnectedChannels{}, salebot.Block{}, salebot.InstagramSubscription{}, salebot.SentCallbacks{},
	} {
		for _, name := range []string{"Unread", "Raw"} {
			_, ok := reflect.TypeOf(record).FieldByName(name)
			require.True(t, ok, "%T has no %s", record, name)
		}
	}
}

// WithRawItems keeps what this package does not know; nobody pays for it unasked.
func TestWithRawItems(t *testing.T) {
	t.Parallel()
	history := clienttest.New(t, clienttest.Answering(200, `{"status":"success","result":[ {"id":1,"reactions":["x"]} , {"id":2} ]}`))
	items, err := history.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1}, salebot.WithRawItems())
	require.NoError(t, err)
	require.Equal(t, `{"id":1,"reactions":["x"]}`, string(items[0].Raw))
	require.Equal(t, `{"id":2}`, string(items[1].Raw))
	items, err = history.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
	require.NoError(t, err)
	require.Nil(t, items[0].Raw)

	body := `{"project_id":1,"max":[{"id":5,"region":"eu"}],"plan":"business"}`
	channels := clienttest.New(t, clienttest.Answering(200, body+"\n"))
	got, err := channels.GetConnectedChannels(t.Context(), salebot.WithRawItems())
	require.NoError(t, err)
	require.Equal(t, body, string(got.Raw))
	require.Equal(t, `{"id":5,"region":"eu"}`, string(got.Channels[0].Raw))
	got, err = channels.GetConnectedChannels(t.Context())
	require.NoError(t, err)
	require.Nil(t, got.Raw)
	require.Nil(t, got.Channels[0].Raw)
}

// Results are the caller's: the next call does not write into them.
func TestResultsAreCopies(t *testing.T) {
	t.Parallel()
	number := 0
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		number++
		mark := strings.Repeat(fmt.Sprint(number%10), 50)
		switch {
		case strings.HasSuffix(r.URL.Path, "get_variables"):
			return httpmock.NewStringResponse(200, `{"a":"`+mark+`"}`), nil
		case strings.HasSuffix(r.URL.Path, "get_history"):
			return httpmock.NewStringResponse(200, `{"result":[{"id":1,"text":"`+mark+`","attachments":["https://`+mark+`"]}]}`), nil
		}
		return httpmock.NewStringResponse(200, `{"status":"success","x":"`+mark+`"}`), nil
	})
	client := clienttest.New(t, mock)
	var before []string
	var kept []func() string
	for range 5 {
		var response salebot.Response
		v, err := client.GetVariables(t.Context(), 1, salebot.WithResponse(&response))
		require.NoError(t, err)
		items, err := client.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1}, salebot.WithRawItems())
		require.NoError(t, err)
		ack, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "x"})
		require.NoError(t, err)
		kept = append(kept, func() string {
			return v.Text("a") + string(response.Body) + items[0].Text + string(items[0].Raw) + string(items[0].Attachments.Raw()) + string(ack.Raw)
		})
		before = append(before, kept[len(kept)-1]())
	}
	for i, read := range kept {
		require.Equal(t, before[i], read())
	}
}

// wrapped are the forms in which data that has a key of its own may come once more.
func wrapped(data string) []string {
	twice, err := json.Marshal(`{"status":"success",` + data + `}`)
	if err != nil {
		panic(err)
	}
	return []string{
		`{` + data + `}`,
		`{"status":"success","result":{` + data + `}}`,
		`{"data":{"page":1,` + data + `},"status":"success"}`,
		string(twice),
	}
}

// What an answer has comes the same, as it is, one level deeper and encoded twice.
func TestDataInWrappers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, body := range wrapped(`"client_id":5`) {
		id, err := always(t, http.StatusOK, body).GetClientIDByPhone(ctx, "1")
		require.NoError(t, err, body)
		require.Equal(t, salebot.ClientID(5), id, body)
	}
	for _, body := range append(wrapped(`"client_ids":[5,6]`), `{"data":[5,6]}`, `{"result":{"ids":[5,6]}}`) {
		ids, err := always(t, http.StatusOK, body).FindClients(ctx, salebot.FindClientsRequest{Query: map[string]salebot.Condition{"a": salebot.Equals("b")}})
		require.NoError(t, err, body)
		require.Equal(t, []salebot.ClientID{5, 6}, ids, body)
	}
	for _, body := range append(wrapped(`"clients":[{"id":1},{"id":2}]`), `{"result":[{"id":1},{"id":2}]}`, `{"data":{"0":{"id":1},"1":{"id":2}},"clients":[{"id":1},{"id":2}]}`) {
		clients, err := always(t, http.StatusOK, body).GetClients(ctx, salebot.GetClientsRequest{})
		require.NoError(t, err, body)
		require.Len(t, clients, 2, body)
	}
	for _, body := range append(wrapped(`"messages":[{"id":1}]`), `{"data":[{"id":1}]}`) {
		blocks, err := always(t, http.StatusOK, body).GetBlocks(ctx)
		require.NoError(t, err, body)
		require.Len(t, blocks, 1, body)
	}
	for _, body := range append(wrapped(`"order_id":5`), `{"result":[5]}`, `{"order_id":[5]}`, `{"order_id":{"0":"5"}}`) {
		order, err := always(t, http.StatusOK, body).CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: 1})
		require.NoError(t, err, body)
		require.Equal(t, salebot.OrderID(5), order, body)
	}
	for _, body := range wrapped(`"state_id":5`) {
		state, err := always(t, http.StatusOK, body).GetOrderState(ctx, salebot.GetOrderStateRequest{ClientID: 1})
		require.NoError(t, err, body)
		require.Equal(t, salebot.StateID(5), state, body)
	}
	for _, body := range wrapped(`"exists":true`) {
		exists, err := always(t, http.StatusOK, body).CheckWhatsApp(ctx, "1")
		require.NoError(t, err, body)
		require.True(t, exists, body)
	}
	for _, body := range wrapped(`"username":"ann","is_follower":1`) {
		subscription, err := always(t, http.StatusOK, body).CheckInstagramSubscription(ctx, salebot.CheckInstagramSubscriptionRequest{UserName: "ann"})
		require.NoError(t, err, body)
		require.Equal(t, salebot.InstagramSubscription{Username: "ann", IsFollower: true}, *subscription, body)
	}
	for _, body := range wrapped(`"telegram":[{"id":5}]`) {
		channels, err := always(t, http.StatusOK, body).GetConnectedChannels(ctx)
		require.NoError(t, err, body)
		require.Len(t, channels.Channels, 1, body)
	}
	variables, err := always(t, http.StatusOK, `"{\"city\":\"Riga\"}"`).GetVariables(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, "Riga", variables.Text("city"))
	variables, err = always(t, http.StatusOK, `{"result":{"result":"7","data":"8"}}`).GetOrderVariables(ctx, salebot.GetOrderVariablesRequest{ClientID: 1})
	require.NoError(t, err)
	require.Equal(t, `{"result":"7","data":"8"}`, variables.String(), "variables may have the names of wrappers")
	ack, err := always(t, http.StatusOK, `"{\"status\":\"success\"}"`).Message(ctx, salebot.MessageRequest{ClientID: 1, Message: "x"})
	require.NoError(t, err)
	require.Equal(t, "success", ack.Text())
	sent, err := always(t, http.StatusOK, `"{\"callback_sended\":2}"`).SendCallbackByPlatformID(ctx, salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1"}, CallbackText: "x"})
	require.NoError(t, err)
	require.Equal(t, 2, *sent.Started)
	response, err := always(t, http.StatusOK, `"{\"status\":\"success\"}"`).Do(ctx, salebot.DoRequest{Action: "get_clients"})
	require.NoError(t, err)
	require.Equal(t, `"{\"status\":\"success\"}"`, string(response.Body))
}

// A key of its own counts more than a wrapper, and a failure more than both.
func TestWrappersComeLast(t *testing.T) {
	t.Parallel()
	clients, err := always(t, http.StatusOK, `{"result":[{"id":7}],"clients":[],"data":[{"id":8}]}`).GetClients(t.Context(), salebot.GetClientsRequest{})
	require.NoError(t, err)
	require.Empty(t, clients)
	for body, want := range map[string]string{
		`{"status":"success","result":{"client_id":"abc"}}`: "client_id: want a whole number",
		`{"result":{"client":5}}`:                           "result: want a positive",
		`{"data":{"data":{"client_id":5}}}`:                 "no data",
		`{"data":"5"}`:                                      "no data",
		`{"data":{"client_id":5,"status":"queued"}}`:        "neither success nor failure",
		`{"data":[{"client_id":5}]}`:                        "data: element 0: want a whole number",
	} {
		_, err := always(t, http.StatusOK, body).GetClientIDByPhone(t.Context(), "1")
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
		require.ErrorContains(t, err, want, body)
	}
	for _, body := range []string{`{"status":"client_not_found","result":{"client_id":5}}`, `{"result":{"client_id":5,"status":"client_not_found"}}`, `{"data":{"client_id":5},"error":"client_not_found"}`} {
		_, err := always(t, http.StatusOK, body).GetClientIDByPhone(t.Context(), "1")
		require.ErrorIs(t, err, salebot.ErrClientNotFound, body)
	}
	for _, body := range []string{`{"order_id":[5,6]}`, `{"result":[5,6]}`} {
		_, err = always(t, http.StatusOK, body).GetCurrentOrderID(t.Context(), 1)
		require.ErrorContains(t, err, "want one number", body)
	}
	_, err = always(t, http.StatusOK, `{"order_id":[]}`).GetCurrentOrderID(t.Context(), 1)
	require.ErrorIs(t, err, salebot.ErrOrderNotFound)
}

// Of a list that is none the error does not say that it is broken JSON.
func TestWhatIsNoList(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`""`, `"[]"`, `5`, `{"id":1}`, `true`} {
		_, err := always(t, http.StatusOK, `{"status":"success","clients":`+value+`}`).GetClients(t.Context(), salebot.GetClientsRequest{})
		require.ErrorContains(t, err, "clients: want a list", value)
		require.NotContains(t, err.Error(), "JSON", value)
	}
	for _, value := range []string{`[]`, `{}`, ` { } `} {
		items, err := always(t, http.StatusOK, `{"status":"success","result":`+value+`}`).GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
		require.NoError(t, err, value)
		require.Empty(t, items)
	}
}

// An object whose names do not count its members says nothing about their order.
func TestLoadedClientsUnderNames(t *testing.T) {
	t.Parallel()
	people := []salebot.ClientToLoad{salebot.TelegramUser("100", "bot"), salebot.TelegramUser("200", "bot")}
	for _, body := range []string{
		`{"items":{"200":{"id":2},"100":{"id":1}}}`, `{"items":{"100":{"id":1},"200":{"id":2}}}`, `{"items":{"1":{"id":1},"0":{"id":2}}}`,
		`{"items":{"0":{"id":1},"2":{"id":2}}}`,
	} {
		_, err := always(t, http.StatusOK, body).LoadClients(t.Context(), people)
		require.ErrorContains(t, err, "does not say which person it is about", body)
	}
	for _, body := range []string{
		`{"items":{"200":{"id":2,"platform_id":200},"100":{"id":1,"platform_id":"100"}}}`, `{"items":{"0":{"id":1},"1":{"id":2}}}`, `{"items":[{"id":1},{"id":2}]}`,
		`{"result":[{"id":1},{"id":2}]}`, `{"data":{"items":[{"id":1},{"id":2}]}}`,
	} {
		loaded, err := always(t, http.StatusOK, body).LoadClients(t.Context(), people)
		require.NoError(t, err, body)
		require.Equal(t, [2]salebot.ClientID{1, 2}, [2]salebot.ClientID{loaded[0].ID, loaded[1].ID}, body)
	}
}
