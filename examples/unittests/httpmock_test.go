package unittests

import (
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

// With httpmock, the answers of the API come from fixtures.

func client(t *testing.T, mock *httpmock.MockTransport) *salebot.Client {
	t.Helper()
	client, err := salebot.New("any-key", salebot.WithTransport(mock), salebot.WithoutRetries())
	require.NoError(t, err)
	return client
}

func TestGreet(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	salebottest.RegisterFixture(mock, "whatsapp_client_id", "observed")
	salebottest.RegisterFixture(mock, "message", "ok-text")

	require.NoError(t, Greet(t.Context(), client(t, mock), "+7 900 000-00-00"))
	require.Equal(t, 2, mock.GetTotalCallCount())
}

func TestGreetLeavesStrangersAlone(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	salebottest.RegisterFixture(mock, "whatsapp_client_id", "client-not-found-404-text")

	require.NoError(t, Greet(t.Context(), client(t, mock), "+7 900 000-00-00"))
	require.Equal(t, 1, mock.GetTotalCallCount())
}

func TestGreetReportsFailures(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	salebottest.RegisterFixture(mock, "whatsapp_client_id", "observed")
	salebottest.RegisterFixture(mock, "message", "server-error")

	require.ErrorIs(t, Greet(t.Context(), client(t, mock), "+7 900 000-00-00"), salebot.ErrOutcomeUnknown)
}
