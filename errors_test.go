package salebot_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// The text of an error says what a person needs to know, in one line.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	_, notSent := clienttest.New(t, clienttest.Answering(200, "{}")).GetVariables(t.Context(), 0)
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(httpmock.NewErrorResponder(io.ErrUnexpectedEOF))
	_, lost := clienttest.OnceCalls[0].Call(t.Context(), clienttest.New(t, mock))
	for _, c := range []struct {
		err  error
		want string
	}{
		{notSent, "salebot: get_variables: invalid request: client is required"},
		{lost, "salebot: message: transport: unexpected EOF (outcome unknown; another attempt might execute the action twice)"},
		{clienttest.Fail(t, 404, "client_not_found"), `salebot: get_variables: HTTP 404 client not found: "client_not_found" (outcome rejected)`},
		{clienttest.Fail(t, 400, `{"status":"error","message":"Wrong\nparameters"}`), `salebot: get_variables: HTTP 400 rejected: "error": "Wrong parameters" (outcome rejected)`},
		{clienttest.Fail(t, 401, ""), "salebot: get_variables: HTTP 401 unauthorized (outcome rejected)"},
		{clienttest.Fail(t, 403, "WRONG_ACTION"), `salebot: get_variables: HTTP 403 forbidden: "WRONG_ACTION": the key may lack the permission for this action (outcome rejected)`},
		{clienttest.Fail(t, 429, "", "Retry-After: 7"), "salebot: get_variables: HTTP 429 rate limited, retry after 7s (outcome rejected; no attempts left)"},
		{clienttest.Fail(t, 502, clienttest.Page), "salebot: get_variables: HTTP 502 server error (outcome failed; no attempts left)"},
		{clienttest.Fail(t, 404, clienttest.Page), "salebot: get_variables: HTTP 404 unexpected response: Salebot does not answer so; check the base URL and what stands between (outcome rejected)"},
		{clienttest.Fail(t, 200, clienttest.Page), "salebot: get_variables: HTTP 200 unexpected response: the body is an HTML page (outcome failed)"},
		{clienttest.Fail(t, 200, ""), "salebot: get_variables: HTTP 200 unexpected response: the body is empty (outcome failed)"},
	} {
		require.Equal(t, c.want, c.err.Error())
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			require.Equal(t, c.want, fmt.Sprintf(verb, c.err), verb)
		}
		require.Equal(t, fmt.Sprintf("%q", c.want), fmt.Sprintf("%q", c.err))
		require.NotContains(t, c.err.Error(), "\n")
	}
	_, err := clienttest.New(t, clienttest.Answering(503, ""), salebot.WithRetryPolicy(salebot.RetryPolicy{BaseDelay: 1, MaxDelay: 1})).GetVariables(t.Context(), 1)
	require.EqualError(t, err, "salebot: get_variables: HTTP 503 server error (4 attempts; outcome failed; no attempts left)")
}

// What an APIError holds of the answer.
func TestAPIErrors(t *testing.T) {
	t.Parallel()
	var refusal *salebot.APIError
	require.ErrorAs(t, clienttest.Fail(t, 429, `{"status":"fail","message":"slow","x":1}`, "Retry-After: 7"), &refusal)
	require.Equal(t, 429, refusal.Status)
	require.Equal(t, "fail", refusal.Code)
	require.Equal(t, "slow", refusal.Message)
	require.Equal(t, 7*time.Second, refusal.RetryAfter)
	require.Equal(t, `{"status":"fail","message":"slow","x":1}`, string(refusal.Body))

	for body, want := range map[string][2]string{
		`{"error":"too_fast","message":"Slow down"}`:        {"too_fast", "Slow down"},
		`{"error":"Slow down, please"}`:                     {"", "Slow down, please"},
		`{"error":{"code":"a","message":"b"}}`:              {"a", "b"},
		`{"status":"error","detail":"d"}`:                   {"error", "d"},
		`{"status":"error","error_message":"e"}`:            {"error", "e"},
		`{"status":"error","message":"first","detail":"d"}`: {"error", "first"},
		`"quoted_code"`:          {"quoted_code", ""},
		"Something went wrong":   {"", "Something went wrong"},
		"plain_code":             {"plain_code", ""},
		"order 12345 not found":  {"order 12345 not found", ""},
		`{"broken`:               {"", ""},
		clienttest.Page:          {"", ""},
		"":                       {"", ""},
		strings.Repeat("ж", 301): {"", strings.Repeat("ж", 300) + "…"},
		`{"status":"` + strings.Repeat("x", 400) + `"}`: {strings.Repeat("x", 300) + "…", ""},
		"bad \xff byte": {"", "bad \ufffd byte"},
		`{"status":"error","message":{"text":"structured"}}`: {"error", ""},
	} {
		require.ErrorAs(t, clienttest.Fail(t, 400, body), &refusal)
		require.Equal(t, want, [2]string{refusal.Code, refusal.Message}, body)
	}
	for _, body := range []string{"Anna, +79990001122", `"Something went wrong"`, "token5f3a", "[1,2]"} {
		err := clienttest.Fail(t, 400, body)
		require.NotContains(t, fmt.Sprintf("%v %+v", err, slog.AnyValue(err).Resolve()), strings.Trim(body, `"`), "a plain body is not quoted whole")
		require.ErrorAs(t, err, &refusal)
		require.NotEmpty(t, refusal.Message, "but it can be had")
	}
	large := clienttest.Fail(t, 400, strings.Repeat("x", 1<<20))
	require.ErrorAs(t, large, &refusal)
	require.Len(t, refusal.Body, 64<<10)
	var unreadable *salebot.DecodeError
	require.ErrorAs(t, clienttest.Fail(t, 200, `{"a":`+strings.Repeat(" ", 1<<20), "Content-Type: application/json"), &unreadable)
	require.Len(t, unreadable.Snapshot, 4<<10)
	require.Equal(t, "application/json", unreadable.ContentType)
	require.Equal(t, 200, unreadable.Status)
}

// What an error advises fits what came.
func TestErrorsAdvise(t *testing.T) {
	t.Parallel()
	for status, advice := range map[int]string{404: "check the base URL", 403: "may lack the permission"} {
		for _, other := range []int{400, 401, 403, 404, 405, 429, 500, 502} {
			text := clienttest.Fail(t, other, clienttest.Page).Error()
			require.Equal(t, other == status, strings.Contains(text, advice), "%d: %s", other, text)
		}
	}
}

// Only a 404 says that there is no such client.
func TestPlainNotFound(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 404, 405, 410, 500, 502} {
		client := clienttest.New(t, clienttest.Answering(status, ""), salebot.WithoutRetries())
		_, err := client.GetClientIDByWhatsApp(t.Context(), salebot.GetClientIDByWhatsAppRequest{Phone: "79000000000"})
		require.Error(t, err)
		require.Equal(t, status == 404, errors.Is(err, salebot.ErrClientNotFound), "%d: %v", status, err)
	}
}

// Errors are logged as their parts, without bodies.
func TestErrorsAreLoggedAsParts(t *testing.T) {
	t.Parallel()
	logged := func(err error) string {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Error("x", "err", err)
		var record struct{ Err json.RawMessage }
		require.NoError(t, json.Unmarshal(out.Bytes(), &record))
		return string(record.Err)
	}
	require.JSONEq(t, `{"action":"get_variables","attempts":1,"outcome":"rejected","cause":{"status":404,"code":"client_not_found"}}`,
		logged(clienttest.Fail(t, 404, "client_not_found")))
	require.JSONEq(t, `{"action":"get_variables","attempts":1,"outcome":"failed","cause":{"status":200,"content_type":"text/html","snapshot_bytes":53,"error":"the body is an HTML page"}}`,
		logged(clienttest.Fail(t, 200, clienttest.Page, "Content-Type: text/html")))
	_, err := clienttest.New(t, clienttest.Answering(200, "{}")).GetVariables(t.Context(), 0)
	require.JSONEq(t, `{"action":"get_variables","attempts":0,"outcome":"not sent","cause":{"field":"client","problem":"is required"}}`, logged(err))
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(httpmock.NewErrorResponder(io.ErrUnexpectedEOF))
	_, err = clienttest.OnceCalls[0].Call(t.Context(), clienttest.New(t, mock))
	require.JSONEq(t, `{"action":"message","attempts":1,"outcome":"unknown","stopped":"another attempt might execute the action twice","cause":{"timeout":false,"error":"unexpected EOF"}}`, logged(err))
	require.JSONEq(t, `{"refused":1,"total":2}`, logged(&salebot.PartialError{Refused: []salebot.RefusedElement{{}}, Total: 2}))
}

// A nil pointer in an interface is a mistake, but printing it must not panic.
func TestNilErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []interface {
		error
		slog.LogValuer
	}{
		(*salebot.OpError)(nil), (*salebot.APIError)(nil), (*salebot.TransportError)(nil),
		(*salebot.DecodeError)(nil), (*salebot.InvalidRequestError)(nil), (*salebot.PartialError)(nil),
	} {
		require.Equal(t, "<nil>", err.Error())
		require.Equal(t, "<nil>", fmt.Sprintf("%+v", err))
		require.Equal(t, slog.StringValue("<nil>"), err.LogValue())
	}
	require.Equal(t, "<nil>", (&salebot.PartialError{}).Error())
	require.Contains(t, (&salebot.TransportError{}).Error(), "<nil>")
	require.Contains(t, (&salebot.OpError{Action: "message"}).Error(), "<nil>")
}

// Errors that a user makes for tests of his own are usable.
func TestErrorsMadeByHand(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&salebot.OpError{}, &salebot.OpError{Action: "x", Err: io.EOF}, &salebot.APIError{Status: 404}, &salebot.TransportError{Err: io.EOF},
		&salebot.TransportError{}, &salebot.DecodeError{}, &salebot.InvalidRequestError{}, &salebot.PartialError{Total: 1},
	} {
		require.NotPanics(t, func() {
			clienttest.RequireHidden(t, err)
			_ = errors.Is(err, salebot.ErrRejected)
			_ = errors.Unwrap(err)
		}, "%T", err)
	}
	err := &salebot.OpError{Action: "message", Outcome: salebot.OutcomeRejected, Err: salebot.ErrClientNotFound}
	require.ErrorIs(t, err, salebot.ErrNotFound)
	require.ErrorIs(t, &salebot.OpError{Err: io.EOF}, salebot.ErrOutcomeUnknown, "the zero outcome")
}

func TestSentinels(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, salebot.ErrClientNotFound, salebot.ErrNotFound)
	require.ErrorIs(t, salebot.ErrOrderNotFound, salebot.ErrNotFound)
	require.NotErrorIs(t, salebot.ErrClientNotFound, salebot.ErrOrderNotFound)
	require.NotErrorIs(t, clienttest.Fail(t, 500, "client_not_found"), salebot.ErrClientNotFound, "a breakdown says nothing about the client")
	require.NotErrorIs(t, clienttest.Fail(t, 500, ""), salebot.ErrRejected)
	wrapped := fmt.Errorf("while paying: %w", fmt.Errorf("%w, %w", io.EOF, clienttest.Fail(t, 429, "")))
	require.ErrorIs(t, wrapped, salebot.ErrRateLimited)
	require.Empty(t, testkit.FindKey(wrapped.Error()))
	require.Equal(t, http.StatusTooManyRequests, func() int {
		var e *salebot.APIError
		require.ErrorAs(t, wrapped, &e)
		return e.Status
	}())
}

// sentinels are all errors that the package exports to compare with.
var sentinels = map[string]error{
	"ErrClientNotFound": salebot.ErrClientNotFound,
	"ErrForbidden":      salebot.ErrForbidden,
	"ErrInProgress":     salebot.ErrInProgress,
	"ErrInvalidRequest": salebot.ErrInvalidRequest,
	"ErrKeyReused":      salebot.ErrKeyReused, "ErrNameReused": salebot.ErrNameReused,
	"ErrNoLocation":         salebot.ErrNoLocation,
	"ErrNotAllAccepted":     salebot.ErrNotAllAccepted,
	"ErrNotFound":           salebot.ErrNotFound,
	"ErrNotInitialized":     salebot.ErrNotInitialized,
	"ErrNotPhone":           salebot.ErrNotPhone,
	"ErrNotReadBack":        salebot.ErrNotReadBack,
	"ErrOrderNotFound":      salebot.ErrOrderNotFound,
	"ErrOtherLedger":        salebot.ErrOtherLedger,
	"ErrCallsRefused":       salebot.ErrCallsRefused,
	"ErrOutcomeUnknown":     salebot.ErrOutcomeUnknown,
	"ErrRateLimited":        salebot.ErrRateLimited,
	"ErrRejected":           salebot.ErrRejected,
	"ErrServer":             salebot.ErrServer,
	"ErrTruncated":          salebot.ErrTruncated,
	"ErrUnauthorized":       salebot.ErrUnauthorized,
	"ErrUnexpectedResponse": salebot.ErrUnexpectedResponse,
	"ErrUnset":              salebot.ErrUnset,
	"ErrWorkChanged":        salebot.ErrWorkChanged,
	"ErrWorkEnded":          salebot.ErrWorkEnded,
	"ErrWorkNested":         salebot.ErrWorkNested,
	"ErrWorkTooOld":         salebot.ErrWorkTooOld,
}

// The text of a sentinel begins with the name of the package, which the texts that are
// made of it do not repeat.
func TestSentinelTexts(t *testing.T) {
	t.Parallel()
	const prefix = "salebot: "
	for name, sentinel := range sentinels {
		require.True(t, strings.HasPrefix(sentinel.Error(), prefix), "%s: %q", name, sentinel)
		for _, composed := range []error{
			sentinel,
			&salebot.OpError{Action: "message", Attempts: 1, Err: sentinel},
			&salebot.OpError{Action: "message", Err: fmt.Errorf("outer: %w", sentinel)},
			&salebot.OpError{Action: "message", Err: &salebot.DecodeError{Err: sentinel}},
			&salebot.PageError{Err: &salebot.OpError{Action: "get_clients", Err: sentinel}},
			&salebot.ValueError{Type: "int64", Err: sentinel},
		} {
			require.Equal(t, 1, strings.Count(composed.Error(), prefix), "%s: %q", name, composed)
			require.True(t, strings.HasPrefix(composed.Error(), prefix), "%s: %q", name, composed)
			require.ErrorIs(t, composed, sentinel)
		}
	}
	for _, class := range []error{salebot.ErrClientNotFound, salebot.ErrOrderNotFound} {
		require.ErrorIs(t, class, salebot.ErrNotFound)
	}

	unready := new(salebot.Client)
	_, err := unready.BulkLoadClients(t.Context(), nil, salebot.BulkOptions{})
	require.ErrorIs(t, err, salebot.ErrNotInitialized)
	require.Equal(t, 1, strings.Count(err.Error(), prefix), "%q", err)
}

// The list of sentinels is complete.
func TestEverySentinelIsListed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var declared []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			group, ok := declaration.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			for _, spec := range group.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if strings.HasPrefix(name.Name, "Err") {
						declared = append(declared, name.Name)
					}
				}
			}
		}
	}
	require.ElementsMatch(t, declared, slices.Collect(maps.Keys(sentinels)))
}
