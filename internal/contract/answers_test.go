package contract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/fixture"
	"github.com/salebot-go/salebot/internal/testkit"
)

var sentinels = map[string]error{
	"ErrClientNotFound":     salebot.ErrClientNotFound,
	"ErrOrderNotFound":      salebot.ErrOrderNotFound,
	"ErrNotFound":           salebot.ErrNotFound,
	"ErrUnauthorized":       salebot.ErrUnauthorized,
	"ErrForbidden":          salebot.ErrForbidden,
	"ErrRateLimited":        salebot.ErrRateLimited,
	"ErrServer":             salebot.ErrServer,
	"ErrRejected":           salebot.ErrRejected,
	"ErrUnexpectedResponse": salebot.ErrUnexpectedResponse,
}

// partly are the successes of which an element was refused.
var partly = []string{"load_clients/item-failed", "load_clients/nulls"}

// labels are the ways in which a server may label a body. The label decides
// nothing: "text/html" is what careless servers put on everything.
var labels = []string{"", "text/html; charset=utf-8", "application/json"}

// TestAnswers shows every fixture of every action to the method that calls it.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, list := range clienttest.Scenarios {
		answers, err := fixture.Answers(name)
		require.NoError(t, err)
		for _, known := range answers {
			t.Run(known.Name(), func(t *testing.T) {
				t.Parallel()
				mock := httpmock.NewMockTransport()
				var previous string
				for i, label := range append([]string{known.Header.Get("Content-Type")}, labels...) {
					known.Header.Set("Content-Type", label)
					// Each is a client of its own: an answer of 429 slows all calls of one down.
					client := clienttest.New(t, mock, salebot.WithoutRetries())
					mock.RegisterNoResponder(showing(known, i > 0))
					result, err := asking(known, list[0]).Call(t.Context(), client)
					require.Equal(t, i+1, mock.GetTotalCallCount())
					requireConclusion(t, known, result, err)
					if check := values[known.Name()]; check != nil && i == 0 {
						check(t, result)
					}
					text := describe(t, result, err)
					require.Empty(t, testkit.FindKey(text))
					if i > 0 {
						require.Equal(t, previous, text, "the label %q changed the conclusion", label)
					}
					previous = text
				}
			})
		}
	}
}

// asking is the call that a fixture answers: an answer to load_clients repeats the
// persons who were sent.
func asking(known fixture.Answer, usual clienttest.Scenario) clienttest.Scenario {
	person, ok := map[string]salebot.ClientToLoad{
		"load_clients/observed":        salebot.TelegramUser("6250000000", "MyBot"),
		"load_clients/ids-as-numbers":  salebot.WhatsAppUser("6250000000", "34810"),
		"load_clients/ids-as-text":     salebot.WhatsAppUser("6250000000", "34810"),
		"load_clients/big-ids":         salebot.WhatsAppUser("9007199254740993", "9007199254740993"),
		"load_clients/big-ids-as-text": salebot.WhatsAppUser("9007199254740993", "9007199254740993"),
		"load_clients/empty-group":     salebot.TelephonyUser("79000000000"),
	}[known.Name()]
	if !ok {
		return usual
	}
	return clienttest.Taking("person", []salebot.ClientToLoad{person}, (*salebot.Client).LoadClients)
}

// showing answers with a fixture, wrapped in what carries no meaning.
func showing(known fixture.Answer, wrapped bool) httpmock.Responder {
	if wrapped && len(known.Body) > 0 {
		known.Body = slices.Concat([]byte("\ufeff\r\n "), known.Body, []byte(" \n"))
	}
	return func(request *http.Request) (*http.Response, error) { return known.Response(request), nil }
}

func requireConclusion(t *testing.T, known fixture.Answer, result any, err error) {
	t.Helper()
	switch {
	case slices.Contains(partly, known.Name()):
		var partial *salebot.PartialError
		require.ErrorAs(t, err, &partial)
		clienttest.RequireOutcome(t, err, salebot.OutcomeAccepted)
		require.ErrorIs(t, err, salebot.ErrRejected)
		require.NotEmpty(t, result)
		return
	case action.MustLookup(known.Action).Subject == action.Clients && slices.Contains(known.Errors, "ErrClientNotFound"):
		require.NoError(t, err)
		require.Empty(t, result)
		require.NotNil(t, result)
		return
	case known.Outcome == fixture.Success:
		require.NoError(t, err)
		require.NotNil(t, result)
		return
	}
	want := map[string]salebot.Outcome{fixture.Rejected: salebot.OutcomeRejected, fixture.Unknown: salebot.OutcomeUnknown}[known.Outcome]
	failure := clienttest.RequireFailure(t, err, want)
	require.Equal(t, known.Action, failure.Action)
	require.Equal(t, 1, failure.Attempts)
	for name, sentinel := range sentinels {
		expected := slices.Contains(known.Errors, name) ||
			sentinel == salebot.ErrRejected && known.Outcome == fixture.Rejected ||
			sentinel == salebot.ErrNotFound && (slices.Contains(known.Errors, "ErrClientNotFound") || slices.Contains(known.Errors, "ErrOrderNotFound"))
		require.Equal(t, expected, errors.Is(err, sentinel), "errors.Is(%q, %s)", err, name)
	}
	// What came can be looked at.
	var (
		refusal    *salebot.APIError
		unreadable *salebot.DecodeError
	)
	switch {
	case errors.As(err, &refusal):
		require.Equal(t, known.Status, refusal.Status)
		require.Equal(t, string(known.Body), string(bytes.Trim(refusal.Body, "\ufeff\r\n ")))
	case errors.As(err, &unreadable):
		require.Equal(t, known.Status, unreadable.Status)
		require.Equal(t, string(known.Body), string(bytes.Trim(unreadable.Snapshot, "\ufeff\r\n ")))
	default:
		require.Fail(t, "neither APIError nor DecodeError", "%v", err)
	}
}

func describe(t *testing.T, result any, err error) string {
	t.Helper()
	if err != nil {
		return err.Error()
	}
	switch result := result.(type) {
	case *salebot.Ack:
		return "ack " + result.Text()
	case *salebot.SentCallbacks:
		if result.Started != nil {
			return fmt.Sprintf("ack %s, %d started", result.Text(), *result.Started)
		}
		return "ack " + result.Text()
	}
	text, err := json.Marshal(result)
	require.NoError(t, err)
	return string(text)
}

// typed makes a check of a result's type and of its values.
func typed[T any](check func(t *testing.T, got T)) func(*testing.T, any) {
	return func(t *testing.T, result any) {
		t.Helper()
		require.IsType(t, *new(T), result)
		check(t, result.(T))
	}
}

// equal compares whole results.
func equal[T any](want T, options ...cmp.Option) func(*testing.T, any) {
	return typed(func(t *testing.T, got T) {
		t.Helper()
		require.Empty(t, cmp.Diff(want, got, append(options, opaque...)...))
	})
}

// opaque compares what has unexported fields by its JSON.
var opaque = []cmp.Option{
	cmp.Comparer(func(a, b salebot.Timestamp) bool { return same(a, b) }),
	cmp.Comparer(func(a, b salebot.Attachments) bool { return same(a, b) }),
}

func same(a, b any) bool {
	first, errA := json.Marshal(a)
	second, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(first, second)
}

func ackText(want string) func(*testing.T, any) {
	return typed(func(t *testing.T, ack *salebot.Ack) {
		t.Helper()
		require.Equal(t, want, ack.Text())
	})
}

// timestamp reads a time from JSON.
func timestamp(text string) salebot.Timestamp {
	var at salebot.Timestamp
	if err := json.Unmarshal([]byte(text), &at); err != nil {
		panic(err)
	}
	return at
}

func attachments(text string) salebot.Attachments {
	var a salebot.Attachments
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		panic(err)
	}
	return a
}

// sample is the message that most fixtures of the history repeat.
var sample = salebot.HistoryItem{
	ID: 100500, Text: "Hello", Answered: true, BlockID: 390, CreatedAt: timestamp("1587890000"), Attachments: attachments("{}"),
	Delivered: true, ErrorMessage: "true", EmployeeID: 12000, EmployeeEmail: "operator@example.com",
}

// like is the sample with a change.
func like(id salebot.MessageID, change func(*salebot.HistoryItem)) salebot.HistoryItem {
	item := sample
	item.ID = id
	change(&item)
	return item
}

func loaded(id salebot.ClientID, platform salebot.PlatformID, group salebot.GroupID, kind salebot.ClientType) []salebot.LoadedClient {
	return []salebot.LoadedClient{{ID: id, PlatformID: platform, GroupID: group, ClientType: kind, Status: "success"}}
}

func variable(name, text string) func(*testing.T, any) {
	return typed(func(t *testing.T, v salebot.Variables) {
		t.Helper()
		require.Equal(t, text, v.Text(name))
	})
}

func all(checks ...func(*testing.T, any)) func(*testing.T, any) {
	return func(t *testing.T, result any) {
		t.Helper()
		for _, check := range checks {
			check(t, result)
		}
	}
}

// values are what the successes mean, by the name of the fixture.
var values = map[string]func(*testing.T, any){
	"message/ok-text":                        ackText("ok"),
	"message/ok-text-as-html":                ackText("ok"),
	"message/ok-status":                      ackText("ok"),
	"message/success":                        ackText("success"),
	"message/success-text":                   ackText("success"),
	"message/true-text":                      ackText("true"),
	"message/unknown-fields":                 ackText("success"),
	"clear_history/empty-200":                ackText(""),
	"send_callback_by_platform_id/empty-200": equal(&salebot.SentCallbacks{Ack: salebot.Ack{Raw: []byte{}}}),

	"get_history/documented": equal([]salebot.HistoryItem{sample}),
	"get_history/observed": equal([]salebot.HistoryItem{{
		ID: 200, Text: "callback order_paid", Answered: true, ClientReplica: true, Origin: salebot.HistoryOriginCallback,
		CreatedAt: timestamp("1700000000"), Delivered: true,
	}}),
	"get_history/success": equal([]salebot.HistoryItem{
		{
			ID: 22560000002, Text: "Thank you", Answered: true, Origin: salebot.HistoryOriginAPI,
			CreatedAt: timestamp(`"2026-05-28 17:33:42.539976"`), Delivered: true,
		},
		{
			ID: 22560000001, Text: "Hi", Answered: true, ClientReplica: true,
			CreatedAt: timestamp(`"2026-05-28 17:33:40.1"`), Delivered: true,
		},
	}),
	"get_history/nulls":          equal([]salebot.HistoryItem{{ID: 100500, Delivered: true}}),
	"get_history/missing-fields": equal([]salebot.HistoryItem{{ID: 100500, Delivered: true}}),
	"get_history/empty-list":     equal([]salebot.HistoryItem{}),
	"get_history/unknown-fields": equal([]salebot.HistoryItem{sample}),
	"get_history/ids-as-numbers": equal([]salebot.HistoryItem{like(22560000000, func(*salebot.HistoryItem) {})}),
	"get_history/ids-as-text": equal([]salebot.HistoryItem{like(100500, func(i *salebot.HistoryItem) {
		i.Origin = salebot.HistoryOriginAPI
	})}),
	"get_history/big-ids": equal([]salebot.HistoryItem{like(9007199254740993, func(i *salebot.HistoryItem) {
		i.BlockID, i.EmployeeID = 9007199254740993, 9007199254740993
	})}),
	"get_history/big-ids-as-text": equal([]salebot.HistoryItem{like(9007199254740993, func(i *salebot.HistoryItem) {
		i.BlockID, i.EmployeeID = 9007199254740993, 9007199254740993
	})}),
	"get_history/booleans-as-numbers": equal([]salebot.HistoryItem{sample}),
	"get_history/booleans-as-text":    equal([]salebot.HistoryItem{sample}),
	"get_history/error-message-forms": typed(func(t *testing.T, items []salebot.HistoryItem) {
		t.Helper()
		var delivered []bool
		var messages []string
		for _, item := range items {
			delivered, messages = append(delivered, item.Delivered), append(messages, item.ErrorMessage)
		}
		require.Equal(t, []bool{true, true, true, true, false}, delivered)
		require.Equal(t, []string{"", "", "true", "false", "Forbidden: bot was blocked by the user"}, messages)
	}),
	"get_history/source-forms": typed(func(t *testing.T, items []salebot.HistoryItem) {
		t.Helper()
		var origins []salebot.HistoryOrigin
		for _, item := range items {
			origins = append(origins, item.Origin)
		}
		require.Equal(t, []salebot.HistoryOrigin{
			salebot.HistoryOriginOrdinary, salebot.HistoryOriginAPI, salebot.HistoryOriginCRM,
			salebot.HistoryOriginCallback, salebot.HistoryOriginTelephony, 42,
		}, origins)
		require.False(t, origins[5].Known())
	}),
	"get_history/created-at-forms": typed(func(t *testing.T, items []salebot.HistoryItem) {
		t.Helper()
		require.Len(t, items, 5)
		unix := time.Unix(1587890000, 0)
		for _, item := range items[:2] {
			at, ok := item.CreatedAt.Moment()
			require.True(t, ok)
			require.True(t, unix.Equal(at))
		}
		for i, fraction := range map[int]int{2: 539976000, 3: 0} {
			_, ok := items[i].CreatedAt.Moment()
			require.False(t, ok, "a civil time is no moment")
			at, err := items[i].CreatedAt.In(clienttest.Moscow)
			require.NoError(t, err)
			require.Equal(t, time.Date(2026, time.May, 28, 17, 33, 42, fraction, clienttest.Moscow), at)
		}
		require.True(t, items[4].CreatedAt.IsZero())
	}),
	"get_history/attachment-forms": typed(func(t *testing.T, items []salebot.HistoryItem) {
		t.Helper()
		const address = "https://files.example/a.png"
		var urls [][]string
		for _, item := range items {
			urls = append(urls, item.Attachments.URLs())
		}
		require.Equal(t, [][]string{nil, nil, {address}, {address}, nil, {address}, {address}, nil}, urls)
		contact := items[4].Attachments.Items()
		require.Len(t, contact, 1)
		require.Equal(t, "79000000000", contact[0].PhoneNumber)
	}),

	"get_variables/success": all(variable("name", "Ann"), variable("budget", "1500"), variable("visits", "3")),
	"get_variables/observed": typed(func(t *testing.T, v salebot.Variables) {
		t.Helper()
		require.Equal(t, "1", v.Text("моя_переменная"))
		require.Equal(t, 7, v.Len())
		for name, unset := range map[string]bool{"phone": false, "main_client_id": true, "message_id": true, "utm_source": true} {
			value, ok := v.Get(name)
			require.True(t, ok)
			require.Equal(t, unset, value.IsUnset(), name)
		}
	}),
	"get_variables/unset-words": typed(func(t *testing.T, v salebot.Variables) {
		t.Helper()
		require.Equal(t, 5, v.Len())
		for name, value := range v.All() {
			require.True(t, value.IsUnset(), name)
		}
	}),
	"get_variables/big-ids":                      all(variable("main_client_id", "9007199254740993"), variable("external_id", "-9007199254740993")),
	"get_variables/big-ids-as-text":              all(variable("main_client_id", "9007199254740993"), variable("external_id", "-9007199254740993")),
	"get_variables/ids-as-numbers":               variable("budget", "1500.5"),
	"get_variables/ids-as-text":                  variable("budget", "1500.50"),
	"get_variables/status-variable":              all(variable("status", "vip"), variable("city", "Riga")),
	"get_variables/status-variable-alone":        variable("status", "fail"),
	"get_variables/status-variable-like-failure": variable("status", "client_not_found"),
	"get_variables/envelope-like-variables":      all(variable("success", "false"), variable("error", "wrong size"), variable("result", "7")),
	"get_variables/unknown-fields":               all(variable("client.phone", "79000000000"), variable(`quote"d`, "y"), variable("paid", "true")),
	"get_variables/empty-object": typed(func(t *testing.T, v salebot.Variables) {
		t.Helper()
		require.Zero(t, v.Len())
	}),

	"find_latest_client_id_by_var/latest": equal(salebot.ClientID(25554)),
	"send_callback_by_platform_id/counted": typed(func(t *testing.T, sent *salebot.SentCallbacks) {
		t.Helper()
		require.Equal(t, new(2), sent.Started)
	}),
	"send_callback_by_platform_id/none-counted": typed(func(t *testing.T, sent *salebot.SentCallbacks) {
		t.Helper()
		require.Equal(t, new(0), sent.Started)
	}),

	"load_clients/documented":      equal(loaded(1500409, "79000000000@s.whatsapp.net", "c2hvcC13aGF0c2FwcA==", salebot.ClientTypeWhatsApp)),
	"load_clients/observed":        equal(loaded(836000000, "6250000000", "MyBot", salebot.ClientTypeTelegram)),
	"load_clients/success":         equal(loaded(836000000, "79000000000", "34810", salebot.ClientTypeWhatsApp)),
	"load_clients/ids-as-numbers":  equal(loaded(1500409, "6250000000", "34810", salebot.ClientTypeWhatsApp)),
	"load_clients/ids-as-text":     equal(loaded(1500409, "6250000000", "34810", salebot.ClientTypeWhatsApp)),
	"load_clients/big-ids":         equal(loaded(9007199254740993, "9007199254740993", "9007199254740993", salebot.ClientTypeWhatsApp)),
	"load_clients/big-ids-as-text": equal(loaded(9007199254740993, "9007199254740993", "9007199254740993", salebot.ClientTypeWhatsApp)),
	"load_clients/empty-group":     equal(loaded(1500409, "79000000000", "", salebot.ClientTypeTelephony)),
	"load_clients/unknown-fields":  equal(loaded(1500409, "79000000000@s.whatsapp.net", "c2hvcC13aGF0c2FwcA==", salebot.ClientTypeWhatsApp)),
	"load_clients/item-failed": typed(func(t *testing.T, clients []salebot.LoadedClient) {
		t.Helper()
		require.Len(t, clients, 1)
		require.False(t, clients[0].Accepted())
		require.Equal(t, "error", clients[0].Status)
	}),

	"connected_channels/documented": equal(&salebot.ConnectedChannels{ProjectID: 1, Channels: []salebot.Channel{
		{Messenger: "viber", ID: 14, URI: "mybot", Name: "mybot", Enabled: new(true), GroupID: "11"},
		{Messenger: "telegram", ID: 23, ShortName: "my_shop_bot", Name: "my_shop_bot", Enabled: new(true), GroupID: "my_shop_bot"},
		{Messenger: "vkontakte", ID: 33, GroupID: "143000000"},
	}}),
	"connected_channels/observed": equal(&salebot.ConnectedChannels{ProjectID: 424000, Channels: []salebot.Channel{
		{Messenger: "telegram", ID: 1, ShortName: "my_shop_bot", GroupID: "my_shop_bot"},
	}}),
	"connected_channels/success": typed(func(t *testing.T, c *salebot.ConnectedChannels) {
		t.Helper()
		whatsApp := c.Of("whatsapp")
		require.Len(t, whatsApp, 2)
		require.Equal(t, salebot.ChannelStatusStarted, *whatsApp[0].Status)
		require.Equal(t, salebot.ChannelStatusStopped, *whatsApp[1].Status)
		require.True(t, *whatsApp[0].Enabled)
		require.False(t, *whatsApp[1].Enabled)
		require.Equal(t, salebot.GroupID("c2hvcC13aGF0c2FwcA=="), whatsApp[0].GroupID)
		require.Equal(t, salebot.GroupID("34810"), whatsApp[1].GroupID)
		require.Empty(t, c.Of("facebook"))
	}),
	"connected_channels/no-channels": equal(&salebot.ConnectedChannels{ProjectID: 1}),
	"connected_channels/nulls": equal(&salebot.ConnectedChannels{ProjectID: 1, Channels: []salebot.Channel{
		{Messenger: "telegram", ID: 23},
	}}),
	"connected_channels/ids-as-numbers": equal(&salebot.ConnectedChannels{ProjectID: 424000, Channels: []salebot.Channel{
		{Messenger: "vkontakte", ID: 33, GroupID: "143000000"},
	}}),
	"connected_channels/big-ids": equal(&salebot.ConnectedChannels{ProjectID: 9007199254740993, Channels: []salebot.Channel{
		{Messenger: "viber", ID: 9007199254740993, GroupID: "9007199254740993"},
	}}),
	"connected_channels/big-ids-as-text": equal(&salebot.ConnectedChannels{ProjectID: 9007199254740993, Channels: []salebot.Channel{
		{Messenger: "viber", ID: 9007199254740993, GroupID: "9007199254740993"},
	}}),
	"connected_channels/booleans-as-numbers": equal(&salebot.ConnectedChannels{ProjectID: 1, Channels: []salebot.Channel{
		{Messenger: "viber", ID: 14, Enabled: new(true), GroupID: "11"},
	}}),
	"connected_channels/booleans-as-text": equal(&salebot.ConnectedChannels{ProjectID: 1, Channels: []salebot.Channel{
		{Messenger: "viber", ID: 14, Enabled: new(true), GroupID: "11"}, {Messenger: "viber", ID: 15, Enabled: new(false), GroupID: "12"},
	}}),
	"connected_channels/unknown-fields": typed(func(t *testing.T, c *salebot.ConnectedChannels) {
		t.Helper()
		require.Len(t, c.Of("max"), 1, "messengers that nobody documented are kept")
		require.Len(t, c.Channels, 4)
	}),
}

// Each check above belongs to a fixture, so that a fixture which is renamed takes
// its check along.
func TestEveryCheckHasAFixture(t *testing.T) {
	t.Parallel()
	for known := range values {
		name, one, _ := strings.Cut(known, "/")
		_, err := fixture.Lookup(name, one)
		require.NoError(t, err)
	}
}

// Answers in other forms than the fixtures have.
func TestOtherAnswers(t *testing.T) {
	t.Parallel()
	var (
		history  = clienttest.Scenarios["get_history"][0]
		channels = clienttest.Scenarios["connected_channels"][0]
		names    = clienttest.Scenarios["get_variables"][0]
		send     = clienttest.Scenarios["message"][0]
		clear    = clienttest.Scenarios["clear_history"][0]

		blocks    = clienttest.Scenarios["get_messages"][0]
		whatsApp  = clienttest.Scenarios["check_whatsapp"][0]
		instagram = clienttest.Scenarios["check_insta_subscription"][0]
	)
	for _, c := range []struct {
		call    clienttest.Scenario
		body    string
		outcome salebot.Outcome // of a failure
		is      error           // nil for a success
	}{
		{history, `[{"id":1}]`, 0, nil},
		{history, `{"result":[]}`, 0, nil},
		{history, `{"status":200,"result":[]}`, 0, nil},
		{history, `{"status":true,"result":[],"error":null,"errors":[],"success":true}`, 0, nil},
		{history, `{"error":"None","result":[]}`, 0, nil},
		{history, `{"error":"false","result":[]}`, 0, nil},
		{history, `{"status":404,"result":[]}`, salebot.OutcomeRejected, salebot.ErrRejected},
		{history, `{"status":0}`, salebot.OutcomeRejected, salebot.ErrRejected},
		{history, `{"status":false}`, salebot.OutcomeRejected, salebot.ErrRejected},
		{history, `{"status":"CLIENT NOT FOUND"}`, salebot.OutcomeRejected, salebot.ErrClientNotFound},
		{history, `{"error":{"code":"client_not_found","message":"no"}}`, salebot.OutcomeRejected, salebot.ErrClientNotFound},
		{history, `{"success":"False","result":[]}`, salebot.OutcomeRejected, salebot.ErrRejected},
		{history, `{"result":[{"id":1}],"error":true}`, salebot.OutcomeRejected, salebot.ErrRejected},
		{history, `{"result":[{"id":{}}],"status":"error"}`, salebot.OutcomeRejected, salebot.ErrRejected},
		{history, `{"status":"success","result":null}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{history, `{"status":"success","result":{}}`, 0, nil},
		{history, `{"status":"success","result":[null]}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{history, `{"status":"success","result":[{}]}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{history, `{"status":"success","result":[{"id":1}]} x`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{history, `{"status":"success","result":[{"id":1}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{history, `ok`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{history, `"ok"`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{history, `null`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{history, `5`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{history, `fail`, salebot.OutcomeRejected, salebot.ErrRejected},
		{history, `WRONG_ACTION`, salebot.OutcomeRejected, salebot.ErrForbidden},
		{history, "<?xml version='1.0'?><a/>", salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},

		{channels, `{"project_id":"5"}`, 0, nil},
		{channels, `{"telegram":[]}`, 0, nil},
		{channels, `{}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{channels, `[]`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{channels, `{"telegram":[{}]}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{channels, `{"telegram":[{"id":"x"}]}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{channels, `{"project_id":{}}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},

		{names, `[]`, 0, nil},
		{names, `[1]`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{names, `{"a":tru}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{names, `ok`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{names, `client_not_found`, salebot.OutcomeRejected, salebot.ErrClientNotFound},
		{names, `{"status":"client_not_found"} x`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},

		{send, `[]`, 0, nil},
		{send, `{}`, 0, nil},
		{send, `{"id":5}`, 0, nil},
		{send, `[1`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{send, `okay`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{send, `false`, salebot.OutcomeRejected, salebot.ErrRejected},
		{send, `null`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{send, " \n", salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{clear, " \n", 0, nil},

		{blocks, `{"messages":[{"id":"5","message_type":"1"}]}`, 0, nil},
		{blocks, `[{"id":5}]`, 0, nil},
		{blocks, `{"messages":[{"answer":"x"}]}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{whatsApp, `{"exists":"True"}`, 0, nil},
		{whatsApp, `{"exists":null}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{whatsApp, `{"exists":"perhaps"}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{instagram, `{"is_follower":0,"account_id":5}`, 0, nil},
		{instagram, `{"is_follower":"perhaps"}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{instagram, `{"is_follower":null}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		{instagram, `{"is_follower":1,"account_id":{}}`, 0, nil},
	} {
		result, err := c.call.Call(t.Context(), clienttest.New(t, clienttest.Answering(200, c.body)))
		if c.is == nil {
			require.NoError(t, err, "%s: %s", c.call.Name, c.body)
			require.NotNil(t, result)
			continue
		}
		clienttest.RequireOutcome(t, err, c.outcome)
		require.ErrorIs(t, err, c.is, c.body)
		require.Empty(t, result, "an error comes without a result: %s", c.body)
		require.NotContains(t, err.Error(), "\n", "an error has one line")
	}
}
