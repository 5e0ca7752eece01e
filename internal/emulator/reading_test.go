package emulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// What programs relied on and the emulator once did not do.

func TestTheWebhookNamesAPersonWithoutAName(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		target := &receiver{}
		emulator := newEmulator(t, engine.WithWebhook(engine.Webhook{Handler: target}))
		id, err := emulator.AddPerson(engine.Person{ClientType: salebot.ClientTypeTelegram})
		require.NoError(t, err)
		_, err = emulator.Write(id, "hi")
		require.NoError(t, err)
		deliveries(t, emulator)
		require.Contains(t, target.got()[0], `"name":""`)
	})
}

func TestContactsAndNoticesHaveAnEmptyText(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		target := &receiver{}
		emulator := newEmulator(t, withAnn(), engine.WithWebhook(engine.Webhook{Handler: target}))
		for _, attachments := range [][]engine.Attachment{
			{{PhoneNumber: "79990001122"}}, nil, {{Type: "image", URL: "https://a.test/1.jpg"}},
		} {
			_, err := emulator.Write(ann, "", attachments...)
			require.NoError(t, err)
		}
		deliveries(t, emulator)
		require.Contains(t, target.got()[0], `"message":"","attachments":[{`)
		require.Contains(t, target.got()[1], `"message":"","attachments":null`)
		require.Contains(t, target.got()[2], `"message":null`)
	})
}

func TestTheLatestClientIsUnderTheKeyOfTheSetting(t *testing.T) {
	t.Parallel()
	for form, want := range map[engine.LatestClientKey]string{
		"":                                `{"status":"success","latest_client_id":25554}`,
		engine.LatestClientClientID:       `{"status":"success","client_id":25554}`,
		engine.LatestClientLatestClientID: `{"status":"success","latest_client_id":25554}`,
	} {
		client, emulator := newClient(t, withAnn(), engine.WithAnswers(engine.Answers{LatestClient: form}))
		require.JSONEq(t, want, get(t, emulator, "find_latest_client_id_by_var?var=name&val=Ann").body)
		id, err := client.GetLatestClientIDByVariable(t.Context(), "name", "Ann")
		require.NoError(t, err)
		require.Equal(t, ann, id)
	}
}

func TestCallbacksByPlatformIDAreCounted(t *testing.T) {
	t.Parallel()
	const body = `{"callback_text":"x","platform_ids":["1","2","nobody"]}`
	with := []engine.Option{
		engine.WithPerson(engine.Person{PlatformID: "1", ClientType: salebot.ClientTypeTelegram}),
		engine.WithPerson(engine.Person{PlatformID: "2", ClientType: salebot.ClientTypeTelegram}),
	}
	require.JSONEq(t, `{"callback_sended":2}`, post(t, newEmulator(t, with...), "send_callback_by_platform_id", body).body)
	with = append(with, engine.WithAnswers(engine.Answers{CallbacksByPlatformID: engine.CallbacksAsSends}))
	require.Equal(t, "ok", post(t, newEmulator(t, with...), "send_callback_by_platform_id", body).body)
}

func TestSubscribersHaveUnixSeconds(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 5, 28, 17, 33, 42, 0, time.UTC)
	person := engine.WithPerson(engine.Person{ID: ann, ClientType: salebot.ClientTypeTelegram, CreatedAt: created})
	require.Contains(t, get(t, newEmulator(t, person), "subscribers?page=0").body, `"created_at":1779989622,`)
	text := engine.WithAnswers(engine.Answers{SubscriberTimes: engine.TimesAsText})
	require.Contains(t, get(t, newEmulator(t, person, text), "subscribers?page=0").body, `"created_at":"2026-05-28 17:33:42.000000"`)
}

func TestNoVariablesToSaveIsASuccess(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	before := emulator.Variables(ann)
	require.Equal(t, answer{http.StatusOK, "text/plain; charset=utf-8", "ok"}, post(t, emulator, "save_variables", `{"client_id":25554,"variables":{}}`))
	require.Equal(t, before, emulator.Variables(ann))
	require.Equal(t, http.StatusBadRequest, post(t, emulator, "save_variables", `{"client_id":25554}`).status)
	require.Equal(t, http.StatusNotFound, post(t, emulator, "save_variables", `{"client_id":1,"variables":{}}`).status)
}

func TestLoadClientsGivesANumberBackAsItWasSent(t *testing.T) {
	t.Parallel()
	for sent, suffixed := range map[string]string{
		`79990001122`:                  `"79990001122@s.whatsapp.net"`,
		`"79990001122"`:                `"79990001122@s.whatsapp.net"`,
		`"79990001122@s.whatsapp.net"`: `"79990001122@s.whatsapp.net"`,
	} {
		body := `[{"platform_id":` + sent + `,"group_id":"x","client_type":6}]`
		require.Contains(t, post(t, newEmulator(t), "load_clients", body).body, `"platform_id":`+sent+`,`)
		with := engine.WithAnswers(engine.Answers{WhatsAppSuffix: true})
		require.Contains(t, post(t, newEmulator(t, with), "load_clients", body).body, `"platform_id":`+suffixed+`,`)
	}
}

func TestBlocksAndChannelsAnswerAllTheirKeys(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	require.JSONEq(t, `{"status":"success","messages":[]}`, get(t, emulator, "get_messages").body)
	channels := get(t, emulator, "connected_channels").body
	for _, key := range []string{"instagram", "email", "online_chat"} {
		require.Contains(t, channels, `"`+key+`":[]`)
	}
}

// A Content-Length that counts characters cuts a Cyrillic body short.
func TestABodyThatBreaksOffIsSaidToBreakOff(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	whole := `{"client_id":25554,"message":"Здравствуйте"}`
	cut := whole[:len([]rune(whole))]
	require.Equal(t, http.StatusBadRequest, post(t, emulator, "message", cut).status)
	require.Contains(t, strings.Join(lastNotes(t, emulator), " "), "the JSON breaks off after 44 bytes")
	post(t, emulator, "message", `{"client_id":25554,]`)
	require.NotContains(t, strings.Join(lastNotes(t, emulator), " "), "breaks off")
}

func TestDiscordIsAMessengerLikeTheOthers(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		target := &receiver{}
		emulator := newEmulator(t, engine.WithWebhook(engine.Webhook{Handler: target}))
		got := post(t, emulator, "load_clients", `[{"platform_id":"100","group_id":"guild","client_type":23}]`)
		require.Contains(t, got.body, `"client_type":23`)
		people := emulator.People()
		require.Len(t, people, 1)
		require.Equal(t, salebot.ClientTypeDiscord, people[0].ClientType)
		require.Contains(t, get(t, emulator, "get_clients").body, `"client_type":23`)
		_, err := emulator.Write(people[0].ID, "Hi")
		require.NoError(t, err)
		deliveries(t, emulator)
		require.Contains(t, target.got()[0], `"client_type":23`)
	})
}
