package contract_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

func TestAck(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"ok": "ok", " OK\n": "OK", "\ufeffok": "ok", `"ok"`: "ok", "true": "true", "": "",
		`{"status":"success"}`: "success", `{"status":"ok","x":1}`: "ok", `{"result":1}`: "", `[]`: "", `{"status":200}`: "200",
	} {
		ack := &salebot.Ack{Raw: []byte(body)}
		require.Equal(t, want, ack.Text(), body)
	}
	require.Empty(t, (&salebot.Ack{Raw: []byte(`{"status"`)}).Text())
	require.Empty(t, (&salebot.Ack{Raw: []byte(`5`)}).Text()[1:])

	var target struct{ Queued int }
	require.NoError(t, (&salebot.Ack{Raw: []byte("\ufeff{\"queued\":5}\n")}).Decode(&target))
	require.Equal(t, 5, target.Queued)
	require.ErrorContains(t, (&salebot.Ack{}).Decode(&target), "empty")
	require.Error(t, (&salebot.Ack{Raw: []byte("ok")}).Decode(&target))
}

// WithResponse keeps the raw answer, of a failure as well, for each that asks.
func TestWithResponse(t *testing.T) {
	t.Parallel()
	var first, second salebot.Response
	client := clienttest.New(t, clienttest.Answering(200, ` {"a":"1"} `, "X-A: 1"))
	_, err := client.GetVariables(t.Context(), 1, salebot.WithResponse(&first), salebot.WithResponse(&second))
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Equal(t, 200, first.Status)
	require.Equal(t, ` {"a":"1"} `, string(first.Body))
	require.Equal(t, "1", first.Header.Get("X-A"))
	var target map[string]string
	require.NoError(t, first.Decode(&target))
	require.Equal(t, map[string]string{"a": "1"}, target)

	failed := salebot.Response{Status: 5}
	_, err = clienttest.New(t, clienttest.Answering(404, "client_not_found", "Server: "+testkit.Key)).GetVariables(t.Context(), 1, salebot.WithResponse(&failed))
	require.ErrorIs(t, err, salebot.ErrClientNotFound)
	require.Equal(t, 404, failed.Status)
	require.Equal(t, "REDACTED", failed.Header.Get("Server"))

	mock := httpmock.NewMockTransport()
	untouched := salebot.Response{Status: 5}
	_, err = clienttest.OnceCalls[0].Call(t.Context(), clienttest.New(t, mock), salebot.WithResponse(&untouched))
	require.Error(t, err)
	require.Equal(t, salebot.Response{Status: 5}, untouched)
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

// An answer as long as it can be may lack messages, unless only the latest were
// asked for.
func TestTruncatedHistory(t *testing.T) {
	t.Parallel()
	page := func(n int) *httpmock.MockTransport {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":%d}`, i+1)
		}
		return clienttest.Answering(200, `{"status":"success","result":[`+strings.Join(items, ",")+`]}`)
	}
	from, to := day(2026, 1, 1), day(2026, 1, 31)
	for name, c := range map[string]struct {
		items     int
		request   salebot.GetHistoryRequest
		truncated bool
	}{
		"full":                   {2000, salebot.GetHistoryRequest{ClientID: 1}, true},
		"nearly full":            {1999, salebot.GetHistoryRequest{ClientID: 1}, false},
		"full period":            {2000, salebot.GetHistoryRequest{ClientID: 1, StartDate: from, StopDate: to}, true},
		"period":                 {1999, salebot.GetHistoryRequest{ClientID: 1, StartDate: from, StopDate: to}, false},
		"the latest few":         {5, salebot.GetHistoryRequest{ClientID: 1, Limit: 5}, false},
		"the latest 2000":        {2000, salebot.GetHistoryRequest{ClientID: 1, Limit: 2000}, false},
		"period with a limit":    {5, salebot.GetHistoryRequest{ClientID: 1, StartDate: from, StopDate: to, Limit: 5}, true},
		"period below its limit": {4, salebot.GetHistoryRequest{ClientID: 1, StartDate: from, StopDate: to, Limit: 5}, false},
	} {
		items, err := clienttest.New(t, page(c.items)).GetHistory(t.Context(), c.request)
		require.Len(t, items, c.items, "what came is returned: %s", name)
		if !c.truncated {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, salebot.ErrTruncated, name)
		clienttest.RequireOutcome(t, err, salebot.OutcomeAccepted)
		require.ErrorContains(t, err, "shorter periods")
	}
}

func TestLoadClientsIsAligned(t *testing.T) {
	t.Parallel()
	two := []salebot.ClientToLoad{salebot.TelegramUser("1", "g"), salebot.TelegramUser("2", "g")}
	for _, body := range []string{`{"status":"success","items":[]}`, `{"items":[{"id":1}]}`, `{"items":[{"id":1},{"id":2},{"id":3}]}`, `[{"id":1}]`} {
		loaded, err := clienttest.New(t, clienttest.Answering(200, body)).LoadClients(t.Context(), two)
		clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
		require.ErrorContains(t, err, "2 clients were sent")
		require.Nil(t, loaded, "nobody knows which is which")
	}
	loaded, err := clienttest.New(t, clienttest.Answering(200, `{"status":"success","items":[{"id":7,"platform_id":"1","status":"success"},{"platform_id":"2","status":"error"}]}`)).LoadClients(t.Context(), two)
	var partial *salebot.PartialError
	require.ErrorAs(t, err, &partial)
	require.Equal(t, &salebot.PartialError{Refused: []salebot.RefusedElement{{Index: 1, Status: "error"}}, Total: 2}, partial)
	require.ErrorIs(t, err, salebot.ErrRejected)
	clienttest.RequireOutcome(t, err, salebot.OutcomeAccepted)
	require.ErrorContains(t, err, `1 of 2 elements were not accepted, the first at index 1: status "error"`)
	require.Len(t, loaded, 2)
	require.True(t, loaded[0].Accepted())
	require.False(t, loaded[1].Accepted())

	// A bare list, and elements without a word of their own.
	loaded, err = clienttest.New(t, clienttest.Answering(200, `[{"id":"7"},{"id":8,"status":"OK"}]`)).LoadClients(t.Context(), two)
	require.NoError(t, err)
	require.Equal(t, []salebot.ClientID{7, 8}, []salebot.ClientID{loaded[0].ID, loaded[1].ID})
	// A refusal counts more than the elements beside it.
	_, err = clienttest.New(t, clienttest.Answering(200, `{"status":"error","items":[{"id":1},{"id":2}]}`)).LoadClients(t.Context(), two)
	clienttest.RequireOutcome(t, err, salebot.OutcomeRejected)
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
		{history, `{"status":"success","result":{}}`, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
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

// A 404 means that the client does not exist only where one was looked up, and
// only where Salebot says it.
func TestNotFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		action, body string
		is           []error
		isNot        []error
	}{
		{"get_variables", "client_not_found", []error{salebot.ErrClientNotFound, salebot.ErrNotFound, salebot.ErrRejected}, []error{salebot.ErrUnexpectedResponse}},
		{"get_variables", `{"status":"client_not_found"}`, []error{salebot.ErrClientNotFound}, nil},
		{"get_variables", `{"message":"client_not_found"}`, []error{salebot.ErrClientNotFound}, nil},
		{"whatsapp_client_id", "", []error{salebot.ErrClientNotFound}, []error{salebot.ErrUnexpectedResponse}},
		{"whatsapp_client_id", clienttest.Page, []error{salebot.ErrUnexpectedResponse}, []error{salebot.ErrNotFound}},
		{"whatsapp_client_id", "404 page not found", []error{salebot.ErrUnexpectedResponse}, []error{salebot.ErrNotFound}},
		{"get_variables", clienttest.Page, []error{salebot.ErrUnexpectedResponse, salebot.ErrRejected}, []error{salebot.ErrNotFound, salebot.ErrClientNotFound}},
		{"connected_channels", "", []error{salebot.ErrRejected}, []error{salebot.ErrNotFound, salebot.ErrClientNotFound}},
		{"load_clients", "Not Found", []error{salebot.ErrRejected}, []error{salebot.ErrClientNotFound}},
		{"connected_channels", "client_not_found", []error{salebot.ErrClientNotFound}, nil},
		{"connected_channels", "not_found", []error{salebot.ErrNotFound}, []error{salebot.ErrClientNotFound, salebot.ErrOrderNotFound}},
		{"get_variables", `{"status":"order 12345 not found"}`, []error{salebot.ErrOrderNotFound, salebot.ErrNotFound}, []error{salebot.ErrClientNotFound}},
		{"get_variables", "WRONG_ACTION", []error{salebot.ErrForbidden}, []error{salebot.ErrClientNotFound}},
	} {
		_, err := clienttest.Scenarios[c.action][0].Call(t.Context(), clienttest.New(t, clienttest.Answering(404, c.body)))
		clienttest.RequireOutcome(t, err, salebot.OutcomeRejected)
		for _, sentinel := range c.is {
			require.ErrorIs(t, err, sentinel, "%s: %s", c.action, c.body)
		}
		for _, sentinel := range c.isNot {
			require.NotErrorIs(t, err, sentinel, "%s: %s", c.action, c.body)
		}
	}
	// What a web server or a gateway says is not Salebot's word about a client.
	for _, body := range []string{"", "Not Found", "404 page not found", clienttest.Page, `{"message":"Not Found"}`, `{"message":"no Route matched with those values"}`, `{"detail":"Not found."}`, `{"status":404,"error":"Not Found"}`} {
		for _, action := range []string{"get_variables", "get_history", "message", "find_all_client_id_by_var", "find_clients", "find_client_id_by_platform_id", "find_client_id_by_phone", "connected_channels", "get_orders"} {
			_, err := clienttest.Scenarios[action][0].Call(t.Context(), clienttest.New(t, clienttest.Answering(404, body)))
			clienttest.RequireOutcome(t, err, salebot.OutcomeRejected)
			require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, "%s: %s", action, body)
			require.NotErrorIs(t, err, salebot.ErrNotFound, "%s: %s", action, body)
			require.ErrorContains(t, err, "check the base URL")
		}
	}
	_, err := clienttest.OnceCalls[0].Call(t.Context(), clienttest.New(t, clienttest.Answering(400, "WRONG_ACTION")))
	require.ErrorIs(t, err, salebot.ErrForbidden)
	require.ErrorContains(t, err, "permission")
}

// An answer to a send that says neither success nor a known refusal leaves open
// whether a person got the message.
func TestAnswersThatProveNothing(t *testing.T) {
	t.Parallel()
	send := clienttest.OnceCalls[0]
	for _, body := range []string{
		`{"status":"queued"}`, `{"status":"sent"}`, `{"status":"successful"}`, `{"status":500}`, `{"ok":false}`, `{"result":false}`, `{"result":"error"}`,
		`{"code":400,"message":"bad request"}`, `{"error_code":5,"error_message":"bad"}`, `{"detail":"Not found."}`, `{"status":["fail"]}`,
		`{"status":{"code":"fail"}}`, `{"Status":"fail"}`, `[{"status":"fail"}]`, `["error"]`, `queued`, `{"message":"later"}`,
	} {
		_, err := send.Call(t.Context(), clienttest.New(t, clienttest.Answering(200, body)))
		failure := clienttest.RequireFailure(t, err, salebot.OutcomeUnknown)
		require.Equal(t, 1, failure.Attempts, body)
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
		require.NotErrorIs(t, err, salebot.ErrRejected, body)
	}
	for _, body := range []string{`{"message":"client_not_found"}`, `{"Status":"client_not_found"}`, `[{"status":"client_not_found"}]`} {
		_, err := send.Call(t.Context(), clienttest.New(t, clienttest.Answering(200, body)))
		clienttest.RequireOutcome(t, err, salebot.OutcomeRejected)
		require.ErrorIs(t, err, salebot.ErrClientNotFound, body)
	}
	for _, body := range []string{`{"status":200.0}`, `{"status":"200"}`, `{"ok":true}`} {
		_, err := send.Call(t.Context(), clienttest.New(t, clienttest.Answering(200, body)))
		require.NoError(t, err, body)
	}
	_, err := send.Call(t.Context(), clienttest.New(t, clienttest.Answering(200, `{"status":"queued","message":"for tomorrow"}`)))
	require.ErrorContains(t, err, `"queued": "for tomorrow"`, "what it says is told")
}

func TestDo(t *testing.T) {
	t.Parallel()
	var got *http.Request
	respond := "ok"
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		got = r
		return clienttest.Answer(200, respond, "X-A: 1")(r)
	})
	client := clienttest.New(t, mock)
	do := func(request salebot.DoRequest, options ...salebot.CallOption) (*salebot.Response, error) {
		return client.Do(t.Context(), request, options...)
	}

	response, err := do(salebot.DoRequest{Action: "new_action"})
	require.NoError(t, err)
	require.Equal(t, http.MethodPost, got.Method)
	require.Equal(t, clienttest.Address("new_action"), got.URL.String())
	require.Zero(t, got.ContentLength)
	require.Empty(t, got.Header.Get("Content-Type"))
	require.Equal(t, 200, response.Status)
	require.Equal(t, "ok", string(response.Body))
	require.Equal(t, "1", response.Header.Get("X-A"))

	_, err = do(salebot.DoRequest{Action: "new_action", Method: http.MethodGet, Query: url.Values{"b": {"x y"}, "a": {"1", "2"}}})
	require.NoError(t, err)
	require.Equal(t, http.MethodGet, got.Method)
	require.Equal(t, "a=1&a=2&b=x+y", got.URL.RawQuery)

	var other salebot.Response
	response, err = do(salebot.DoRequest{Action: "get_history", Class: salebot.Read, Query: url.Values{"a": {"1"}}, Body: []byte(`{"x":1}`)}, salebot.WithResponse(&other))
	require.NoError(t, err)
	require.Equal(t, "a=1", got.URL.RawQuery)
	require.Equal(t, int64(7), got.ContentLength)
	require.Equal(t, *response, other)

	for body, is := range map[string]error{
		"ok": nil, `{"a":1}`: nil, `[1,2]`: nil, "": nil, "true": nil, `{"status":200}`: nil, "[]": nil,
		"[1,": salebot.ErrUnexpectedResponse, "{": salebot.ErrUnexpectedResponse, clienttest.Page: salebot.ErrUnexpectedResponse,
		"fail": salebot.ErrRejected, `{"status":"client_not_found"}`: salebot.ErrClientNotFound, "WRONG_ACTION": salebot.ErrForbidden,
	} {
		respond = body
		response, err := do(salebot.DoRequest{Action: "new_action"})
		if is == nil {
			require.NoError(t, err, body)
			require.Equal(t, body, string(response.Body))
			continue
		}
		require.ErrorIs(t, err, is, body)
		require.Nil(t, response)
	}
	// The forms that are known of an action are minded.
	respond = `{"status":"fail"}`
	_, err = do(salebot.DoRequest{Action: "get_variables", Method: http.MethodGet, Class: salebot.Read})
	require.NoError(t, err, "a variable of that name")
	_, err = do(salebot.DoRequest{Action: "message"})
	require.ErrorIs(t, err, salebot.ErrRejected)
	respond = "[1,"
	_, err = do(salebot.DoRequest{Action: "get_history", Method: http.MethodGet, Class: salebot.Read})
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
	respond = ""
	_, err = do(salebot.DoRequest{Action: "message"})
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, "an empty body where ok is due")
	var target map[string]any
	require.ErrorContains(t, (&salebot.Response{}).Decode(&target), "empty")
}

// The class and the fresh connection of a call by Do are those that were asked
// for, for actions of the table too.
func TestDoKeepsToTheClass(t *testing.T) {
	t.Parallel()
	var class salebot.SafetyClass
	hook := salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) { class = a.Class }})
	client := clienttest.New(t, clienttest.Answering(200, "ok"), hook)
	for _, c := range []struct {
		request salebot.DoRequest
		want    salebot.SafetyClass
	}{
		{salebot.DoRequest{Action: "new_action"}, salebot.Once},
		{salebot.DoRequest{Action: "new_action", Class: salebot.Read}, salebot.Read},
		{salebot.DoRequest{Action: "save_variables"}, salebot.Once},
		{salebot.DoRequest{Action: "save_variables", Class: salebot.Idempotent}, salebot.Idempotent},
	} {
		_, err := client.Do(t.Context(), c.request)
		require.NoError(t, err)
		require.Equal(t, c.want, class)
	}
}

func TestResponseOfDoIsJSON(t *testing.T) {
	t.Parallel()
	response, err := clienttest.New(t, clienttest.Answering(200, `{"exists":true}`)).Do(t.Context(), salebot.DoRequest{Action: "check_whatsapp", Class: salebot.Read})
	require.NoError(t, err)
	var target struct{ Exists bool }
	require.NoError(t, response.Decode(&target))
	require.True(t, target.Exists)
	require.True(t, json.Valid(response.Body))
	require.NotErrorIs(t, err, salebot.ErrRejected)
}
