package contract_test

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// Resty has habits that would hurt here. Each test is about one of them.

// printed runs what may write to the standard files, which it replaces; the tests
// that use it therefore run alone.
func printed(t *testing.T, run func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "printed"))
	require.NoError(t, err)
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = file, file
	func() {
		defer func() { os.Stdout, os.Stderr = stdout, stderr }()
		run()
	}()
	require.NoError(t, file.Close())
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	return string(text)
}

// It logs every failed attempt, with the address, to standard error.
func TestRestyTrap01LogsAddresses(t *testing.T) { //nolint:paralleltest // see printed
	text := printed(t, func() {
		mock := httpmock.NewMockTransport()
		mock.RegisterNoResponder(httpmock.NewErrorResponder(io.ErrUnexpectedEOF))
		client := clienttest.New(t, mock, salebot.WithRetryPolicy(salebot.RetryPolicy{BaseDelay: 1, MaxDelay: 1}))
		for _, s := range append(clienttest.OnceCalls, clienttest.RepeatableCalls...) {
			_, err := s.Call(t.Context(), client)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}
	})
	require.Empty(t, text)
}

// Its debug log and its curl commands hold the address. Nothing switches them on.
func TestRestyTrap02DebugPrintsTheKey(t *testing.T) { //nolint:paralleltest // see printed
	text := printed(t, func() {
		client := clienttest.New(t, clienttest.Answering(200, `{"status":"success"}`))
		_, err := clienttest.OnceCalls[0].Call(t.Context(), client)
		require.NoError(t, err)
	})
	require.Empty(t, text)
}

// What of resty may be used at all: executing one request. The rest is in the
// traps of this file.
func TestRestyIsUsedForSingleAttemptsOnly(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{
		"NewWithClient": true, "Client": true, "Request": true, "Response": true,
		"SetLogger": true, "R": true, "SetContext": true, "SetDoNotParseResponse": true, "Execute": true,
	}
	files, err := filepath.Glob("../*/*.go")
	require.NoError(t, err)
	root, err := filepath.Glob("../../*.go")
	require.NoError(t, err)
	importers := 0
	for _, name := range append(files, root...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		imports := false
		for _, spec := range file.Imports {
			imports = imports || strings.Contains(spec.Path.Value, "go-resty/resty")
		}
		if !imports {
			continue
		}
		importers++
		require.Equal(t, filepath.Join("..", "exchange"), filepath.Dir(name), "only this package knows resty")
		ast.Inspect(file, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if from, ok := selector.X.(*ast.Ident); ok && from.Name == "resty" {
				require.True(t, allowed[selector.Sel.Name], "resty.%s", selector.Sel.Name)
			}
			for _, prefix := range []string{"SetDebug", "EnableGenerateCurl", "SetRetry", "AddRetry", "SetResult", "SetError", "SetRateLimiter", "EnableTrace", "SetTimeout", "SetPathParam", "OnRequestLog"} {
				require.False(t, strings.HasPrefix(selector.Sel.Name, prefix), selector.Sel.Name)
			}
			return true
		})
	}
	require.Positive(t, importers)
}

// A retry condition on the status keeps it from retrying failures of the network.
func TestRestyTrap03RetriesStatusesOrErrors(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.InTurn(testkit.Respond(503, ""), testkit.Cut(), testkit.Respond(200, "{}")), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		_, err := dial().GetVariables(t.Context(), 1)
		require.NoError(t, err)
		require.Len(t, peer.Arrivals(), 3)
	})
}

// It comes back before the time that Retry-After names.
func TestRestyTrap04CutsRetryAfterShort(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.InTurn(testkit.Respond(503, "", "Retry-After: 10"), testkit.Respond(200, "{}")), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		start := time.Now()
		_, err := dial().GetVariables(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}

// It repeats a POST after a failure of the network.
func TestRestyTrap05RepeatsPOST(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.Always(testkit.Cut()), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		_, err := clienttest.OnceCalls[0].Call(t.Context(), dial())
		clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
		require.Len(t, peer.Arrivals(), 1)
	})
}

// It decodes each attempt into the same value, so that fields of one remain in
// the next.
func TestRestyTrap06MergesResults(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.InTurn(
		testkit.Respond(503, `{"a":"1","old":"x"}`), testkit.Respond(200, `{"b":"2"}`),
		testkit.Respond(500, `{"status":"success","items":[{"id":5,"platform_id":"old","status":"success"}]}`),
		testkit.Respond(200, `{"status":"success","items":[{"id":6}]}`),
	), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		client := dial()
		variables, err := client.GetVariables(t.Context(), 1)
		require.NoError(t, err)
		require.JSONEq(t, `{"b":"2"}`, string(variables.Raw()))
		loaded, err := client.LoadClients(t.Context(), []salebot.ClientToLoad{salebot.TelegramUser("1", "g")})
		require.NoError(t, err)
		require.Equal(t, []salebot.LoadedClient{{ID: 6, PlatformID: "1", GroupID: "g", ClientType: loaded[0].ClientType}}, loaded)
	})
}

// It leaves the result empty, without an error, if the label is not JSON.
func TestRestyTrap07BelievesLabels(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.Answering(200, `{"a":"1"}`, "Content-Type: text/html"))
	variables, err := client.GetVariables(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, "1", variables.Text("a"))
	client = clienttest.New(t, clienttest.Answering(200, "<html></html>", "Content-Type: application/json"))
	_, err = client.GetVariables(t.Context(), 1)
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
}

// It reports an empty body as a bare error of encoding/json.
func TestRestyTrap08EmptyBody(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.Answering(200, "", "Content-Type: application/json"))
	_, err := client.GetVariables(t.Context(), 1)
	require.ErrorContains(t, err, "get_variables")
	require.ErrorContains(t, err, "HTTP 200")
	require.ErrorContains(t, err, "empty")
	var unreadable *salebot.DecodeError
	require.ErrorAs(t, err, &unreadable)
	require.Equal(t, "application/json", unreadable.ContentType)
}

// A rate limiter together with a retry condition makes it panic when the limiter
// refuses.
func TestRestyTrap09LimiterAndRetries(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.InTurn(testkit.Respond(503, ""), testkit.Cut(), testkit.Respond(200, "{}")), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		client := dial(salebot.WithRateLimit(1, 1))
		for range 3 {
			_, err := client.GetVariables(t.Context(), 1)
			require.NoError(t, err)
		}
		require.Len(t, peer.Arrivals(), 5)
	})
}

// Its limiter refuses instead of waiting.
func TestRestyTrap10LimiterRefuses(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.Always(testkit.Respond(200, "{}")), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		client := dial(salebot.WithRateLimit(2, 1))
		start := time.Now()
		for range 9 {
			_, err := client.GetVariables(t.Context(), 1)
			require.NoError(t, err)
		}
		require.Equal(t, 4*time.Second, time.Since(start).Round(time.Millisecond))
		require.Len(t, peer.Arrivals(), 9)
	})
}

// It changes the http.Client that it is given.
func TestRestyTrap11ChangesTheClient(t *testing.T) {
	t.Parallel()
	user := http.Client{Timeout: time.Minute}
	client, err := salebot.New(testkit.Key, salebot.WithHTTPClient(&user), salebot.WithAttemptTimeout(time.Second))
	require.NoError(t, err)
	client.CloseIdleConnections()
	require.Equal(t, http.Client{Timeout: time.Minute}, user)
}

// It follows redirects, with the address as the Referer.
func TestRestyTrap12Redirects(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("redirected") }))
	defer other.Close()
	peer := &testkit.Peer{Answer: testkit.Always(testkit.Respond(307, "", "Location: "+other.URL+"/x"))}
	client, err := salebot.New(testkit.Key, salebot.WithBaseURL(peer.Listen(t)))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	_, err = clienttest.OnceCalls[0].Call(t.Context(), client)
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
	require.Len(t, peer.Arrivals(), 1)
}

// The text of any error holds the address.
func TestRestyTrap13ErrorsHoldTheAddress(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(httpmock.NewErrorResponder(io.ErrUnexpectedEOF))
	_, err := clienttest.OnceCalls[0].Call(t.Context(), clienttest.New(t, mock))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotContains(t, err.Error(), "chatter.salebot.pro")
	clienttest.RequireHiddenError(t, err)
}

// It reads bodies without any bound.
func TestRestyTrap14BodiesWithoutBound(t *testing.T) {
	t.Parallel()
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	client, err := salebot.New(testkit.Key, salebot.WithBaseURL(endless.URL), salebot.WithMaxResponseSize(1<<20))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	_, err = clienttest.OnceCalls[0].Call(t.Context(), client)
	clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
	require.ErrorContains(t, err, "1048576 bytes")
	var unreadable *salebot.DecodeError
	require.ErrorAs(t, err, &unreadable)
	require.Len(t, unreadable.Snapshot, 4<<10)

	exact := clienttest.New(t, clienttest.Answering(200, `{"a":"1"}`), salebot.WithMaxResponseSize(9))
	_, err = exact.GetVariables(t.Context(), 1)
	require.NoError(t, err, "the limit is inclusive")
	_, err = exact.GetVariables(t.Context(), 1, salebot.WithMaxResponseSize(8))
	require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
}

// Its settings for JSON depend on each other, and are not safe to change.
func TestRestyTrap15EncodesJSONItself(t *testing.T) {
	t.Parallel()
	var bodies []string
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		return httpmock.NewStringResponse(200, "ok"), err
	})
	client := clienttest.New(t, mock)
	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "<a> & b"})
	require.NoError(t, err)
	_, err = client.Do(t.Context(), salebot.DoRequest{Action: "message", Body: map[string]string{"message": "<a> & b"}})
	require.NoError(t, err)
	_, err = client.Do(t.Context(), salebot.DoRequest{Action: "message", Body: json.RawMessage(`{ "message" : "\u003c" }`)})
	require.NoError(t, err)
	require.Equal(t, []string{`{"client_id":1,"message":"<a> & b"}`, `{"message":"<a> & b"}`, `{ "message" : "\u003c" }`}, bodies)
}

// Its timeout is for each attempt.
func TestRestyTrap16TimeoutOfAttempts(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: testkit.Always(testkit.Hang())}
		client := clienttest.New(t, peer.Transport(), salebot.WithAttemptTimeout(10*time.Second), salebot.WithTimeout(25*time.Second),
			salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: 100, BaseDelay: 1, MaxDelay: 1}))
		start := time.Now()
		_, err := client.GetVariables(t.Context(), 1)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 25*time.Second, time.Since(start))
		require.Len(t, peer.Arrivals(), 3, fmt.Sprint(err))
	})
}
