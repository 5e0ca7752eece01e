package salebot_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// What an action that nobody described says is not for the client to judge, unless
// it is one of Salebot's words for a failure, or a page.
func TestDoTakesAnyWordOfAnUnknownAction(t *testing.T) {
	t.Parallel()
	for body, taken := range map[string]bool{
		"queued": true, "5": true, `"x"`: true, `[1]`: true, `{"a":1}`: true, "ok": true, "": true,
		"client_not_found": false, `{"status":"fail"}`: false, "<html></html>": false, `{"a":`: false,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			mock := httpmock.NewMockTransport()
			mock.RegisterNoResponder(httpmock.NewStringResponder(200, body))
			client, err := salebot.New("key", salebot.WithTransport(mock))
			require.NoError(t, err)
			answer, err := client.Do(t.Context(), salebot.DoRequest{Action: "brand_new"})
			if !taken {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, body, string(answer.Body))
		})
	}
}

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
	require.Equal(t, `"ok`, (&salebot.Ack{Raw: []byte(`"ok`)}).Text(), "what is no text is shown as it came")

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
