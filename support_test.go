package salebot_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
)

// newClient returns a client with the canary key that sends through transport.
func newClient(t testing.TB, transport http.RoundTripper, options ...salebot.Option) *salebot.Client {
	t.Helper()
	client, err := salebot.New(testkit.Key, append([]salebot.Option{salebot.WithTransport(transport)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// address is where the client sends the requests of an action.
func address(action string) string {
	return salebot.DefaultBaseURL + "/" + testkit.EscapedKey + "/" + action
}

// answering returns a transport that gives the same answer to every request.
func answering(status int, body string, headers ...string) *httpmock.MockTransport {
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(answer(status, body, headers...))
	return mock
}

// answer is a responder; each header is a line.
func answer(status int, body string, headers ...string) httpmock.Responder {
	response := httpmock.NewStringResponse(status, body)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		response.Header.Add(name, value)
	}
	return httpmock.ResponderFromResponse(response)
}

// requireOutcome checks what an error says of the fate of its request.
func requireOutcome(t testing.TB, err error, want salebot.Outcome) *salebot.OpError {
	t.Helper()
	var failure *salebot.OpError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, want.String(), failure.Outcome.String(), "%v", err)
	mayHaveChanged := want == salebot.OutcomeUnknown && failure.Class != salebot.Read
	require.Equal(t, mayHaveChanged, isUnknown(err), "%v", err)
	return failure
}

func isUnknown(err error) bool { return errors.Is(err, salebot.ErrOutcomeUnknown) }

// silent swallows what servers complain about.
var silent = log.New(io.Discard, "", 0)
