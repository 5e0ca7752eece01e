package salebottest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/salebottest"
)

func TestFixturesOfEveryActionCanBeRegistered(t *testing.T) {
	t.Parallel()
	for _, row := range action.All() {
		fixtures := salebottest.Fixtures(row.Name)
		require.NotEmpty(t, fixtures)
		for _, fixture := range fixtures {
			mock := httpmock.NewMockTransport()
			salebottest.RegisterFixture(mock, row.Name, fixture.Case)
			for _, method := range row.Methods {
				r, err := http.NewRequestWithContext(t.Context(), method, "https://chatter.salebot.pro/api/key/"+row.Name+"?a=b/c", nil)
				require.NoError(t, err)
				response, err := mock.RoundTrip(r)
				require.NoError(t, err)
				require.Equal(t, fixture.Status, response.StatusCode)
				require.NoError(t, response.Body.Close())
			}
		}
	}
}

func TestFixturesUnderAnyAddress(t *testing.T) {
	t.Parallel()
	for _, base := range []string{salebot.DefaultBaseURL, salebot.InternationalBaseURL, "http://localhost:8085", "https://example.com/a/b/c"} {
		mock := httpmock.NewMockTransport()
		salebottest.RegisterFixtures(mock, map[string]string{"message": "ok-text", "get_variables": "success"})
		client, err := salebot.New("any-key", salebot.WithTransport(mock), salebot.WithBaseURL(base))
		require.NoError(t, err)
		require.NoError(t, hello(t, client))
		variables, err := client.GetVariables(t.Context(), ann)
		require.NoError(t, err)
		require.NotZero(t, variables.Len())
		_, err = client.GetConnectedChannels(context.WithoutCancel(t.Context()), salebot.WithoutRetries())
		require.Error(t, err, "what was not registered is not answered")
	}
}

func TestFixturesOneAfterAnother(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	salebottest.RegisterFixture(mock, "message", "bad-gateway-html", "client-not-found-404-text", "ok-text")
	client, err := salebot.New("any-key", salebot.WithTransport(mock))
	require.NoError(t, err)
	require.ErrorIs(t, hello(t, client), salebot.ErrServer)
	require.ErrorIs(t, hello(t, client), salebot.ErrClientNotFound)
	require.NoError(t, hello(t, client))
	require.NoError(t, hello(t, client))
}

func TestFixturesThatDoNotExist(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	require.PanicsWithValue(t, `salebottest: RegisterFixture: name a case`, func() { salebottest.RegisterFixture(mock, "message") })
	require.Panics(t, func() { salebottest.RegisterFixture(mock, "message", "no-such-case") })
	require.Panics(t, func() { salebottest.Fixtures("no_such_action") })
	require.Equal(t, "ok", string(salebottest.LookupFixture("message", "ok-text").Body))
}

func TestFixturesOfWebhooks(t *testing.T) {
	t.Parallel()
	target := &receiver{}
	emulator := newEmulator(t, salebottest.WithWebhook(salebottest.Webhook{Handler: target}))
	all := append(salebottest.WebhookFixtures(), salebottest.BlockFixtures()...)
	require.Greater(t, len(all), 30)
	for _, fixture := range all {
		require.NotEmpty(t, fixture.Name)
		require.NotEmpty(t, fixture.ContentType, fixture.Name)
		require.NoError(t, emulator.PostToWebhook(fixture.ContentType, fixture.Body))
	}
	deliveries(t, emulator)
	for i, fixture := range all {
		require.Equal(t, string(fixture.Body), target.got()[i], fixture.Name)
		require.Equal(t, fixture.ContentType, target.headers[i].Get("Content-Type"), fixture.Name)
	}
}
