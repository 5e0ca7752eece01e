package salebot_test

import (
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
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

func TestAddressesOfButtonsAreWhole(t *testing.T) {
	t.Parallel()
	for address, right := range map[string]bool{
		"https://example.com/a?b=c": true, "tg://resolve?domain=bot": true, "tel:+79000000000": true,
		"https:example.com": false, "example.com": false, "https://": false, "https://exa mple.com": false,
	} {
		mock := httpmock.NewMockTransport()
		mock.RegisterNoResponder(httpmock.NewStringResponder(200, "ok"))
		client, err := salebot.New("key", salebot.WithTransport(mock))
		require.NoError(t, err)
		_, err = client.Message(t.Context(), salebot.MessageRequest{
			ClientID: 1, Message: "Look", Buttons: salebot.Buttons{Lines: [][]salebot.Button{{salebot.URLButton("Open", address)}}},
		})
		require.Equal(t, right, err == nil, "%s: %v", address, err)
	}
}
