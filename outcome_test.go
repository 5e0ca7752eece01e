package salebot_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

func TestWordsAreTexts(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(map[string]any{
		"outcomes": []salebot.Outcome{
			salebot.OutcomeUnknown, salebot.OutcomeNotSent, salebot.OutcomeRejected, salebot.OutcomeAccepted,
			salebot.OutcomeNotTried, salebot.OutcomeIncomplete, salebot.OutcomeFailed,
		},
		"classes": []salebot.SafetyClass{salebot.Once, salebot.Idempotent, salebot.Read},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"classes":["once","idempotent","read"],
		"outcomes":["unknown","not sent","rejected","accepted","not tried","incomplete","failed"]}`, string(text))
}

func TestClassesAndOutcomes(t *testing.T) {
	t.Parallel()
	for class, name := range map[salebot.SafetyClass]string{salebot.Once: "once", salebot.Idempotent: "idempotent", salebot.Read: "read", 9: "class 9"} {
		require.Equal(t, name, class.String())
	}
	for outcome, name := range map[salebot.Outcome]string{
		salebot.OutcomeUnknown: "unknown", salebot.OutcomeNotSent: "not sent", salebot.OutcomeRejected: "rejected", salebot.OutcomeAccepted: "accepted", salebot.OutcomeNotTried: "not tried",
		salebot.OutcomeIncomplete: "incomplete", salebot.OutcomeFailed: "failed", 99: "outcome 99",
	} {
		require.Equal(t, name, outcome.String())
	}
	var zeroClass salebot.SafetyClass
	var zeroOutcome salebot.Outcome
	require.Equal(t, salebot.Once, zeroClass, "forgetting the class is safe")
	require.Equal(t, salebot.OutcomeUnknown, zeroOutcome, "anything else needs proof")
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
