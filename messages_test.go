package salebot_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

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

func FuzzMessageAnswer(f *testing.F) {
	fuzzAnswer(f, "message", func(t *testing.T, body []byte, result any) {
		t.Helper()
		ack := result.(*salebot.Ack)
		if !bytes.Equal(ack.Raw, body) {
			t.Fatalf("%q became %q", body, ack.Raw)
		}
		if word := strings.ToLower(strings.TrimSpace(ack.Text())); word == "fail" || word == "error" {
			t.Fatalf("%q was taken for a success", body)
		}
		if len(bytes.TrimSpace(body)) == 0 {
			t.Fatal("nothing was taken for a success")
		}
	})
}
