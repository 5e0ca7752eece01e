package salebot_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// Persons and clients are paired by what each element repeats.
func TestLoadedClientsArePairedByTheirEchoes(t *testing.T) {
	t.Parallel()
	telegram := func(ids ...salebot.PlatformID) (persons []salebot.ClientToLoad) {
		for _, id := range ids {
			persons = append(persons, salebot.TelegramUser(id, "b"))
		}
		return persons
	}
	twoBots := []salebot.ClientToLoad{salebot.TelegramUser("1", "a"), salebot.TelegramUser("1", "b"), salebot.VKUser("1", "a")}
	for _, c := range []struct {
		name string
		sent []salebot.ClientToLoad
		body string
		want []salebot.ClientID // nil for an error
	}{
		{"in another order", telegram("100", "200"), `[{"platform_id":200,"id":2},{"platform_id":"100","id":1}]`, []salebot.ClientID{1, 2}},
		{"without echoes", telegram("100", "200"), `[{"id":1},{"id":2}]`, []salebot.ClientID{1, 2}},
		{"one echo of two, at its place", telegram("100", "200"), `[{"id":1},{"platform_id":"200","id":2}]`, []salebot.ClientID{1, 2}},
		{"one echo of two, at the other place", telegram("100", "200"), `[{"id":1},{"platform_id":"100","id":2}]`, nil},
		{"two echoes of one person", telegram("100", "200"), `[{"platform_id":"100","id":1},{"platform_id":"100","id":2}]`, nil},
		{"an echo of nobody", telegram("100", "200"), `[{"platform_id":"100","id":1},{"platform_id":"300","id":2}]`, nil},
		{"an echo of nobody, alone", telegram("100"), `[{"platform_id":"300","id":2}]`, nil},
		{"another messenger", telegram("100"), `[{"platform_id":"100","client_type":0,"id":2}]`, nil},
		{"another messenger without an id", telegram("100"), `[{"client_type":0,"id":2}]`, nil},
		{"a person who was sent twice", telegram("100", "100"), `[{"platform_id":"100","id":1},{"platform_id":"100","id":1}]`, []salebot.ClientID{1, 1}},
		{"told apart by bot and messenger", twoBots, `[{"platform_id":"1","group_id":"a","client_type":0,"id":3},{"platform_id":"1","group_id":"b","client_type":1,"id":2},{"platform_id":"1","group_id":"@A","client_type":1,"id":1}]`, []salebot.ClientID{1, 2, 3}},
		{"told apart by the place only", twoBots[:2], `[{"platform_id":"1","id":1},{"platform_id":"1","id":2}]`, []salebot.ClientID{1, 2}},
		{"one bot twice", twoBots[:2], `[{"platform_id":"1","group_id":"b","id":1},{"platform_id":"1","group_id":"b","id":2}]`, nil},
		{
			"the suffix of WhatsApp",
			[]salebot.ClientToLoad{salebot.WhatsAppUser("+7 (900) 000-00-01", "b"), salebot.WhatsAppUser("89000000002", "b")},
			`[{"platform_id":"79000000002@s.whatsapp.net","id":2},{"platform_id":"79000000001@c.us","id":1}]`,
			[]salebot.ClientID{1, 2},
		},
		{"the suffix that was sent", []salebot.ClientToLoad{salebot.WhatsAppUser("79000000001@s.whatsapp.net", "b")}, `[{"platform_id":79000000001,"id":1}]`, []salebot.ClientID{1}},
		{"another name of the bot", telegram("100"), `[{"platform_id":"100","group_id":"5kqchxwyvdvFZOsp80q2qw==","id":1}]`, []salebot.ClientID{1}},
		{"a negative id", telegram("100"), `[{"platform_id":"100","id":-1}]`, nil},
		{"an odd id", telegram("100"), `[{"platform_id":"100","id":"abc"}]`, nil},
		{"an odd echo", telegram("100"), `[{"platform_id":{},"group_id":[],"client_type":"x","id":1}]`, []salebot.ClientID{1}},
	} {
		loaded, err := always(t, http.StatusOK, `{"status":"success","items":`+c.body+`}`).LoadClients(t.Context(), c.sent)
		if c.want == nil {
			require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, c.name)
			require.Nil(t, loaded, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		for i, want := range c.want {
			require.Equal(t, want, loaded[i].ID, c.name)
			require.Equal(t, c.sent[i].ClientType(), loaded[i].ClientType, c.name)
			require.NotEmpty(t, loaded[i].PlatformID, c.name)
		}
	}
}

// The refused of a load are told by who was sent, not by the order of the answer.
func TestRefusedPersonsArePairedToo(t *testing.T) {
	t.Parallel()
	report, err := always(t, http.StatusOK, `{"items":[{"platform_id":"200","status":"error"},{"platform_id":"100","id":1,"status":"success"},{"platform_id":"300","id":3,"status":"queued"}]}`).BulkLoadClients(
		t.Context(), salebot.Items([]salebot.ClientToLoad{salebot.TelegramUser("100", "b"), salebot.TelegramUser("200", "b"), salebot.TelegramUser("300", "b")}), salebot.BulkOptions{})
	require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
	require.Equal(t, []int{1, 1, 1}, []int{report.Accepted, report.Rejected, report.Unknown})
	outcomes := map[string]salebot.Outcome{}
	for _, problem := range report.Problems {
		outcomes[problem.Key] = problem.Outcome
	}
	require.Equal(t, map[string]salebot.Outcome{"1/b/200": salebot.OutcomeRejected, "1/b/300": salebot.OutcomeUnknown}, outcomes)
}

// A person without a messenger is refused: for Salebot it would be one in VK.
func TestPersonsHaveAMessenger(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) { return 0, "", clienttest.ErrCable }))
	for _, person := range []salebot.ClientToLoad{{}, {PlatformID: "1", GroupID: "b"}} {
		require.Equal(t, salebot.ClientTypeUnrecognized, person.ClientType())
		_, err := client.LoadClients(t.Context(), []salebot.ClientToLoad{salebot.VKUser("1", "b"), person})
		require.ErrorIs(t, err, salebot.ErrInvalidRequest)
	}
	for want, person := range map[salebot.ClientType]salebot.ClientToLoad{
		salebot.ClientTypeVK: salebot.VKUser("1", "b"), salebot.ClientTypeTelegram: salebot.TelegramUser("1", "b"), salebot.ClientTypeWhatsApp: salebot.WhatsAppUser("1", "b"),
		salebot.ClientTypeViber: salebot.ViberUser("1", "b"), salebot.ClientTypeFacebook: salebot.FacebookUser("1", "b"), salebot.ClientTypeInstagram: salebot.InstagramUser("1", "b"),
		salebot.ClientTypeOdnoklassniki: salebot.OKUser("1", "b"), salebot.ClientTypeMAX: salebot.MAXUser("1", "b"), salebot.ClientTypeEmail: salebot.EmailUser("1", "b"),
		salebot.ClientTypeTelephony: salebot.TelephonyUser("1"), 99: salebot.UserOf(99, "1", "b"),
	} {
		require.Equal(t, want, person.ClientType())
		var sent []struct {
			ClientType *salebot.ClientType `json:"client_type"`
		}
		_, err := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			return http.StatusOK, `[{"id":1}]`, json.Unmarshal(call.Body, &sent)
		})).LoadClients(t.Context(), []salebot.ClientToLoad{person})
		require.NoError(t, err)
		require.Equal(t, want, *sent[0].ClientType)
	}
}

func FuzzLoadClients(f *testing.F) {
	fuzzAnswer(f, "load_clients", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		loaded := result.([]salebot.LoadedClient)
		if len(loaded) != 1 || !loaded[0].Accepted() || loaded[0].ID == 0 {
			t.Fatalf("%q: %+v", body, loaded)
		}
	})
}

func TestLoadClientsIsAligned(t *testing.T) {
	t.Parallel()
	two := []salebot.ClientToLoad{salebot.TelegramUser("1", "g"), salebot.TelegramUser("2", "g")}
	for _, body := range []string{`{"status":"success","items":[]}`, `{"items":[{"id":1}]}`, `{"items":[{"id":1},{"id":2},{"id":3}]}`, `[{"id":1}]`} {
		loaded, err := clienttest.New(t, clienttest.Answering(200, body)).LoadClients(t.Context(), two)
		clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
		require.ErrorContains(t, err, "2 clients were sent")
		require.Nil(t, loaded, "nobody knows which is which")
	}
	loaded, err := clienttest.New(t, clienttest.Answering(200, `{"status":"success","items":[{"id":7,"platform_id":"1","status":"success"},{"platform_id":"2","status":"error"}]}`)).LoadClients(t.Context(), two)
	var partial *salebot.PartialError
	require.ErrorAs(t, err, &partial)
	require.Equal(t, &salebot.PartialError{Refused: []salebot.RefusedElement{{Index: 1, Status: "error"}}, Total: 2}, partial)
	require.ErrorIs(t, err, salebot.ErrRejected)
	clienttest.RequireOutcome(t, err, salebot.OutcomeAccepted)
	require.ErrorContains(t, err, `1 of 2 elements were not accepted, the first at index 1: status "error"`)
	require.Len(t, loaded, 2)
	require.True(t, loaded[0].Accepted())
	require.False(t, loaded[1].Accepted())

	// A bare list, and elements without a word of their own.
	loaded, err = clienttest.New(t, clienttest.Answering(200, `[{"id":"7"},{"id":8,"status":"OK"}]`)).LoadClients(t.Context(), two)
	require.NoError(t, err)
	require.Equal(t, []salebot.ClientID{7, 8}, []salebot.ClientID{loaded[0].ID, loaded[1].ID})
	// A refusal counts more than the elements beside it.
	_, err = clienttest.New(t, clienttest.Answering(200, `{"status":"error","items":[{"id":1},{"id":2}]}`)).LoadClients(t.Context(), two)
	clienttest.RequireOutcome(t, err, salebot.OutcomeRejected)
}
