package salebot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

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
