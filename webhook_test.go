package salebot_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

func TestUniversalWebhookURL(t *testing.T) {
	t.Parallel()
	client := always(t, 200, "ok")
	for want, webhook := range map[string]salebot.UniversalWebhook{
		"callback?value_client_id=my_client": {Action: "callback", ClientIDKey: "my_client"},
		"callback?value_client_id=my_client&value_message=my_message": {
			Action: "callback", ClientIDKey: "my_client", MessageKey: "my_message",
		},
		"vk_callback?value_group_id=group&value_user_id=user":   {Action: "vk_callback", UserIDKey: "user", GroupIDKey: "group"},
		"ok_callback?value_user_id=user":                        {Action: "ok_callback", UserIDKey: "user"},
		"whatsapp_callback?value_phone=%D1%82%D0%B5%D0%BB+1%26": {Action: "whatsapp_callback", PhoneKey: "тел 1&"},
		"callback?value_email=mail":                             {Action: "callback", EmailKey: "mail"},
		"callback?delimiter=1&delimiter_value_client_id=data1user1id&delimiter_value_phone=data1user1phone": {
			Action: "callback", Delimiter: "1", ClientIDPath: []string{"data", "user", "id"}, PhonePath: []string{"data", "user", "phone"},
		},
		"tg_callback?delimiter=.&delimiter_value_client_id=data.id":        {Action: "tg_callback", ClientIDPath: []string{"data", "id"}},
		"email_callback?delimiter=.&delimiter_value_phone=phone":           {Action: "email_callback", PhonePath: []string{"phone"}},
		"message?delimiter=%2C&delimiter_value_client_id=a.b%2Cc":          {Action: "message", ClientIDPath: []string{"a.b", "c"}},
		"whatsapp_message?delimiter=%7C&delimiter_value_phone=a.%7C%2C%3B": {Action: "whatsapp_message", PhonePath: []string{"a.", ",;"}},
		"broadcast?delimiter=.&delimiter_value_client_id=a.b":              {Action: "broadcast", ClientIDPath: []string{"a", "b"}},
		"save_variables?delimiter=%E2%86%92&delimiter_value_client_id=a%E2%86%92b": {
			Action: "save_variables", Delimiter: "→", ClientIDPath: []string{"a", "b"},
		},
		"callback?delimiter=.&delimiter_value_client_id=a.b&value_message=text": {
			Action: "callback", ClientIDPath: []string{"a", "b"}, MessageKey: "text",
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			address, err := client.UniversalWebhookURL(webhook)
			require.NoError(t, err)
			require.Equal(t, salebot.DefaultBaseURL+"/"+testkit.EscapedKey+"/"+want, address.Reveal())
		})
	}
}

func TestUniversalWebhookURLRefusesWhatSalebotCannotRead(t *testing.T) {
	t.Parallel()
	client := always(t, 200, "ok")
	for i, test := range []struct {
		field   string
		webhook salebot.UniversalWebhook
	}{
		{"Action", salebot.UniversalWebhook{ClientIDKey: "id"}},
		{"Action", salebot.UniversalWebhook{Action: "get_history", ClientIDKey: "id"}},
		{"Action", salebot.UniversalWebhook{Action: "send_callback_by_platform_id", ClientIDPath: []string{"id"}}},
		{"Action", salebot.UniversalWebhook{Action: "../callback", ClientIDKey: "id"}},
		{"ClientIDKey", salebot.UniversalWebhook{Action: "callback"}},
		{"ClientIDKey", salebot.UniversalWebhook{Action: "message", ClientIDKey: "id"}},
		{"PhoneKey", salebot.UniversalWebhook{Action: "whatsapp_message", PhoneKey: "phone"}},
		{"UserIDKey", salebot.UniversalWebhook{Action: "tg_callback", UserIDKey: "id"}},
		{"EmailKey", salebot.UniversalWebhook{Action: "email_callback", EmailKey: "mail"}},
		{"MessageKey", salebot.UniversalWebhook{Action: "broadcast", MessageKey: "text", ClientIDPath: []string{"a"}}},
		{"GroupIDKey", salebot.UniversalWebhook{Action: "save_variables", GroupIDKey: "g"}},
		{"ClientIDPath", salebot.UniversalWebhook{Action: "callback", ClientIDKey: "id", ClientIDPath: []string{"a", "b"}}},
		{"PhonePath", salebot.UniversalWebhook{Action: "callback", PhoneKey: "phone", PhonePath: []string{"a", "b"}}},
		{"ClientIDPath[1]", salebot.UniversalWebhook{Action: "callback", ClientIDPath: []string{"a", ""}}},
		{"PhonePath[0]", salebot.UniversalWebhook{Action: "callback", PhonePath: []string{""}}},
		{"Delimiter", salebot.UniversalWebhook{Action: "callback", Delimiter: ".", ClientIDKey: "id"}},
		{"Delimiter", salebot.UniversalWebhook{Action: "callback", Delimiter: "::", ClientIDPath: []string{"a", "b"}}},
		{"Delimiter", salebot.UniversalWebhook{Action: "callback", Delimiter: "1", ClientIDPath: []string{"a1", "b"}}},
		{"Delimiter", salebot.UniversalWebhook{Action: "callback", Delimiter: "x", ClientIDPath: []string{"a"}, PhonePath: []string{"xy"}}},
		{"Delimiter", salebot.UniversalWebhook{Action: "callback", ClientIDPath: []string{".,;|~", "-_!10"}}},
	} {
		t.Run(fmt.Sprint(i, " ", test.field), func(t *testing.T) {
			t.Parallel()
			address, err := client.UniversalWebhookURL(test.webhook)
			requireField(t, err, test.field)
			clienttest.RequireOutcome(t, err, salebot.OutcomeNotSent)
			require.Empty(t, address.Reveal())
		})
	}
	_, err := new(salebot.Client).UniversalWebhookURL(salebot.UniversalWebhook{Action: "callback", ClientIDKey: "id"})
	require.ErrorIs(t, err, salebot.ErrNotInitialized)
}

// Whatever the keys of a path are, cutting it at its delimiter gives them back.
func TestUniversalWebhookPathsCanBeCut(t *testing.T) {
	t.Parallel()
	client := always(t, 200, "ok")
	rapid.Check(t, func(r *rapid.T) {
		path := rapid.SliceOfN(rapid.StringMatching(`[a-zа-я0-9.,;|~_ &=%+-]{1,6}`), 1, 5)
		id, phone := path.Draw(r, "id"), path.Draw(r, "phone")
		address, err := client.UniversalWebhookURL(salebot.UniversalWebhook{Action: "callback", ClientIDPath: id, PhonePath: phone})
		if err != nil {
			require.ErrorIs(r, err, salebot.ErrInvalidRequest)
			return
		}
		parsed, err := url.Parse(address.Reveal())
		require.NoError(r, err)
		delimiter := parsed.Query().Get("delimiter")
		require.Len(r, []rune(delimiter), 1)
		require.True(r, slices.Equal(id, strings.Split(parsed.Query().Get("delimiter_value_client_id"), delimiter)))
		require.True(r, slices.Equal(phone, strings.Split(parsed.Query().Get("delimiter_value_phone"), delimiter)))
	})
}

// The address holds the key and prints without it, also as a part of something.
func TestWebhookURLHidesTheKey(t *testing.T) {
	t.Parallel()
	address, err := always(t, 200, "ok").UniversalWebhookURL(salebot.UniversalWebhook{Action: "callback", ClientIDKey: "id"})
	require.NoError(t, err)
	require.Contains(t, address.Reveal(), testkit.EscapedKey)
	holder := struct {
		Address salebot.WebhookURL
		pointer *salebot.WebhookURL
	}{address, &address}
	encoded, err := json.Marshal(holder)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "address", address, "holder", holder)
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "address", address, "holder", holder)
	text := log.String() + string(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		text += fmt.Sprintf(verb, address) + fmt.Sprintf(verb, &address) + fmt.Sprintf(verb, holder)
	}
	require.Empty(t, testkit.FindKey(text))
	require.Equal(t, "REDACTED", address.String())
	require.Equal(t, "REDACTED", fmt.Sprint(address))
	require.Empty(t, salebot.WebhookURL{}.Reveal())
}
