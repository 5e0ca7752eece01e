package salebot_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// A record of a client in all its forms becomes the same one.
func TestClientRecordForms(t *testing.T) {
	t.Parallel()
	want := salebot.ClientRecord{
		ID: 9007199254740993, PlatformID: "146000000", ClientType: salebot.ClientTypeTelegram, Name: "Ann", Avatar: "https://files.example/a.jpg",
		BlockID: 390, ProjectID: 1, CreatedAt: timestampOf(t, `1588248599`), Tag: "promo", GroupID: "143000000", CustomAnswer: "1", OperatorStartDialog: "true",
	}
	for name, text := range map[string]string{
		"as numbers": `{"id":9007199254740993,"platform_id":146000000,"client_type":1,"name":"Ann","avatar":"https://files.example/a.jpg","message_id":390,
			"project_id":1,"created_at":1588248599,"tag":"promo","group":143000000,"custom_answer":1,"operator_start_dialog":true}`,
		"as text": `{"id":"9007199254740993","platform_id":"146000000","client_type":"1","name":"Ann","avatar":"https://files.example/a.jpg","message_id":"390",
			"project_id":"1","created_at":"1588248599","tag":"promo","group":"143000000","custom_answer":"1","operator_start_dialog":"true"}`,
		"by other names": `{"client_id":9007199254740993,"tg_id":"146000000","client_type":"telegram","name":"Ann","avatar":"https:\\/\\/files.example\\/a.jpg",
			"message_id":390,"project_id":1,"created_at":1588248599,"tag":"promo","group_id":143000000,"custom_answer":"1","operator_start_dialog":"true"}`,
		"with more than is known": `{"id":9007199254740993,"vk_id":146000000,"client_type":1,"name":"Ann","avatar":"https:\/\/files.example\/a.jpg","message_id":390,
			"project_id":1,"created_at":1588248599,"updated_at":null,"tag":"promo","group":"143000000","group_id":"","custom_answer":"1","operator_start_dialog":"true",
			"mood":{"id":5},"variables":null,"new":[1]}`,
	} {
		var got salebot.ClientRecord
		require.NoError(t, json.Unmarshal([]byte(text), &got), name)
		require.Equal(t, want, got, name)
	}
}

// What does not come is zero, except for the messenger, where zero is VK.
func TestClientRecordOfFewWords(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"id":1}`,
		`{"id":1,"platform_id":null,"client_type":null,"name":null,"avatar":null,"message_id":null,"project_id":null,"created_at":null,"updated_at":null,
			"custom_answer":null,"tag":null,"group":null,"operator_start_dialog":null,"variables":null}`,
		`{"id":"1","platform_id":"","client_type":"","message_id":"NONE","project_id":"","created_at":"","group":"","variables":[]}`,
	} {
		var got salebot.ClientRecord
		require.NoError(t, json.Unmarshal([]byte(text), &got))
		require.Equal(t, salebot.ClientRecord{ID: 1, ClientType: salebot.ClientTypeUnrecognized}, got, text)
	}
	var vk salebot.ClientRecord
	require.NoError(t, json.Unmarshal([]byte(`{"id":1,"client_type":0}`), &vk))
	require.Equal(t, salebot.ClientTypeVK, vk.ClientType)
	for _, text := range []string{`{}`, `{"id":null}`, `{"id":0}`, `{"id":"Ann"}`, `{"id":1.5}`, `{"id":1e-3}`, `{"id":9223372036854775808}`, `[1]`, `1`, `{"id":[1]}`, `{"id":true}`} {
		before := salebot.ClientRecord{ID: 5}
		require.Error(t, json.Unmarshal([]byte(text), &before), text)
		require.Equal(t, salebot.ClientRecord{ID: 5}, before, "half a record is none")
	}
}

func TestClientRecordVariables(t *testing.T) {
	t.Parallel()
	var record salebot.ClientRecord
	require.NoError(t, json.Unmarshal([]byte(`{"id":1,"variables":{"tg_username":"@ann","счёт":9007199254740993}}`), &record))
	require.Equal(t, "@ann", record.Variables.Text("tg_username"))
	require.Equal(t, "9007199254740993", record.Variables.Text("счёт"))
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
var plainNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?$`)

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

// FuzzClientRecord reads anything as a record; ids are compared with what
// encoding/json reads.
func FuzzClientRecord(f *testing.F) {
	for _, text := range []string{
		`{"id":44000,"platform_id":"146000000","client_type":0,"name":null,"created_at":1588248599,"group":"143000000","operator_start_dialog":null}`,
		`{"id":"9007199254740993","variables":{"a":1}}`, `{"client_id":5,"tg_id":7}`, `{"id":null}`, `{"ID":5}`, `{"id":1,"id":2}`, `[]`, `{"id":1,"avatar":"https:\\/\\/x"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var record salebot.ClientRecord
		if json.Unmarshal(text, &record) != nil {
			return
		}
		require.NotZero(t, record.ID)
		var want struct {
			ID       json.RawMessage `json:"id"`
			ClientID json.RawMessage `json:"client_id"`
		}
		require.NoError(t, json.Unmarshal(text, &want))
		digits := strconv.FormatInt(int64(record.ID), 10)
		found := strings.Trim(string(want.ID), `" `) == digits || strings.Trim(string(want.ClientID), `" `) == digits
		require.True(t, found || strings.ContainsAny(string(want.ID)+string(want.ClientID), `\0`), "%s has no %s", text, digits)
		_, _ = record.CreatedAt.In(clienttest.Moscow)
		require.GreaterOrEqual(t, record.Variables.Len(), 0)
	})
}

// A record is what the iterators, the look-ups and the subscribers return; all of
// them read the same forms.
func TestClientRecordsOfAllCalls(t *testing.T) {
	t.Parallel()
	element := `{"id":"9007199254740993","tg_id":146000000,"variables":{"a":"1"}}`
	want := []salebot.ClientRecord{{ID: 9007199254740993, PlatformID: "146000000", ClientType: salebot.ClientTypeUnrecognized}}
	for _, form := range []string{`[%s]`, `{"clients":[%s]}`, `{"status":"success","clients":[%s],"new":1}`} {
		client := always(t, 200, fmt.Sprintf(form, element))
		for name, call := range map[string]func() ([]salebot.ClientRecord, error){
			"GetClients": func() ([]salebot.ClientRecord, error) {
				return client.GetClients(t.Context(), salebot.GetClientsRequest{})
			},
			"GetSubscribers": func() ([]salebot.ClientRecord, error) {
				return client.GetSubscribers(t.Context(), salebot.GetSubscribersRequest{})
			},
			"GetVKSubscribers": func() ([]salebot.ClientRecord, error) {
				return client.GetVKSubscribers(t.Context(), salebot.GetVKSubscribersRequest{})
			},
			"GetClientsByPlatformID": func() ([]salebot.ClientRecord, error) {
				return client.GetClientsByPlatformID(t.Context(), salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1"}})
			},
		} {
			got, err := call()
			require.NoError(t, err, name)
			require.Equal(t, "1", got[0].Variables.Text("a"))
			got[0].Variables = salebot.Variables{}
			require.Equal(t, want, got, name)
		}
	}
}
