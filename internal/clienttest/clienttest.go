// Package clienttest holds what the tests of the client share. It has a client with the
// canary key, transports in memory, a call of every action, and the search for the key
// in what is printed.
package clienttest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
)

// New returns a client with the canary key that sends through transport.
func New(t testing.TB, transport http.RoundTripper, options ...salebot.Option) *salebot.Client {
	t.Helper()
	client, err := salebot.New(testkit.Key, append([]salebot.Option{salebot.WithTransport(transport)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// Address is where the client sends the requests of an action.
func Address(action string) string {
	return salebot.DefaultBaseURL + "/" + testkit.EscapedKey + "/" + action
}

// Answering returns a transport that gives the same answer to every request.
func Answering(status int, body string, headers ...string) *httpmock.MockTransport {
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(Answer(status, body, headers...))
	return mock
}

// Answer is a responder; each header is a line.
func Answer(status int, body string, headers ...string) httpmock.Responder {
	response := httpmock.NewStringResponse(status, body)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		response.Header.Add(name, value)
	}
	return httpmock.ResponderFromResponse(response)
}

// RequireOutcome checks what an error says of the fate of its request.
func RequireOutcome(t testing.TB, err error, want salebot.Outcome) {
	t.Helper()
	_ = RequireFailure(t, err, want)
}

// RequireFailure is RequireOutcome, and returns the failure of the call. What is
// unknown of a write has failed if it is a read.
func RequireFailure(t testing.TB, err error, want salebot.Outcome) *salebot.OpError {
	t.Helper()
	var failure *salebot.OpError
	require.ErrorAs(t, err, &failure)
	if failure.Class == salebot.Read && want == salebot.OutcomeUnknown {
		want = salebot.OutcomeFailed
	}
	require.Equal(t, want.String(), failure.Outcome.String(), "%v", err)
	require.Equal(t, want == salebot.OutcomeUnknown, IsUnknown(err), "%v", err)
	return failure
}

// IsUnknown reports whether the request may have been executed.
func IsUnknown(err error) bool { return errors.Is(err, salebot.ErrOutcomeUnknown) }

// Fail returns the error of a call that gets an answer once.
func Fail(t *testing.T, status int, body string, headers ...string) error {
	t.Helper()
	_, err := New(t, Answering(status, body, headers...), salebot.WithoutRetries()).GetVariables(t.Context(), 1)
	require.Error(t, err)
	return err
}

// Page is what a gateway answers.
const Page = "<!DOCTYPE html>\n<html><body>Bad Gateway</body></html>"

// WrappedTransport is a transport of a type that net/http does not know.
type WrappedTransport struct{ Inner http.RoundTripper }

// RoundTrip hands the request on.
func (r WrappedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	return r.Inner.RoundTrip(request)
}

// LimiterFunc is a function as a limiter.
type LimiterFunc func(context.Context) error

// Wait calls the function.
func (f LimiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// InBubble runs a test on a network in memory with a clock of its own. dial makes a
// client on that network.
func InBubble(t *testing.T, answer func(int, *http.Request) testkit.Answer, run func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client)) {
	t.Helper()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: answer}
		run(t, peer, func(options ...salebot.Option) *salebot.Client {
			return New(t, peer.Transport(), options...)
		})
	})
}

// RoundTripper is a function as a transport.
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f RoundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
