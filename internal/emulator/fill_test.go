package emulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// The texts of a block have the variables of the client and its deal, what every
// client has, and the word for what has no value.
func TestVariablesInTexts(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, engine.WithBlocks(engine.Block{
		ID: 390, Condition: "/start",
		Answer:  "#{name} of #{city}, #{client.city}: #{sum}, #{client_id}, #{platform_id}, #{client.sum}, #{nothing}, #{имя}, #{a+b}",
		Hint:    "#{city}",
		Buttons: []engine.Button{{Text: "Go to #{city}", URL: "https://example.com/#{client_id}"}},
		Attachments: []engine.Attachment{
			{Type: "image", URL: "https://example.com/#{city}.png"},
		},
	}), engine.WithPerson(engine.Person{
		ID: 1, ClientType: 1, PlatformID: "p1", Name: "Ann",
		Variables: map[string]any{"client.city": "Riga", "sum": 1500.5, "имя": "Анна", "client.empty": nil},
	}))
	_, err := emulator.Write(1, "/start")
	require.NoError(t, err)
	got := emulator.Messages(1)[0]
	require.Equal(t, "Ann of Riga, Riga: 1500.5, 1, p1, None, None, Анна, #{a+b}", got.Text)
	require.Equal(t, "Riga", got.Hint)
	require.Equal(t, "Go to Riga", got.Buttons[0].Text)
	require.Equal(t, "https://example.com/1", got.Buttons[0].URL)
	require.Equal(t, "https://example.com/Riga.png", got.Attachments[0].URL)

	// The block itself is as its author wrote it, and a block that a program sends is
	// filled in too.
	require.Contains(t, get(t, emulator, "get_messages").body, "#{city}")
	post(t, emulator, "save_variables", `{"client_id":1,"variables":{"client.city":"Tartu"}}`)
	post(t, emulator, "message", `{"client_id":1,"message_id":390}`)
	require.Contains(t, emulator.Messages(1)[1].Text, "Ann of Tartu")
	// A program's own text stays as it is.
	post(t, emulator, "message", `{"client_id":1,"message":"#{city}"}`)
	require.Equal(t, "#{city}", emulator.Messages(1)[2].Text)

	// A variable that a person named is text and nothing to fill in.
	post(t, emulator, "save_variables", `{"client_id":1,"variables":{"client.city":"#{name}"}}`)
	_, err = emulator.Write(1, "/start")
	require.NoError(t, err)
	require.Contains(t, emulator.Messages(1)[3].Text, "Ann of #{name}")
}

// What no condition equals is answered by the fallback, unless it is a callback or
// the bot keeps quiet.
func TestFallback(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, engine.WithBlocks(
		engine.Block{ID: 1, Fallback: true, Answer: "I do not understand."},
		engine.Block{ID: 2, Condition: "/start", Answer: "Welcome"},
	), engine.WithPerson(engine.Person{ID: 1, ClientType: 1}))
	answers := func() (texts []string) {
		for _, m := range emulator.Messages(1) {
			texts = append(texts, m.Text)
		}
		return texts
	}
	for _, text := range []string{"what?", "/start"} {
		_, err := emulator.Write(1, text)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"I do not understand.", "Welcome"}, answers())
	post(t, emulator, "callback", `{"client_id":1,"message":"unknown"}`)
	require.Len(t, answers(), 2)
	emulator.SetPaused(1, true)
	_, err := emulator.Write(1, "what?")
	require.NoError(t, err)
	require.Len(t, answers(), 2)
}

// arrivals are the requests that a receiver got.
type arrivals struct {
	mu  sync.Mutex
	all []string
}

func (a *arrivals) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, r.Method+" "+r.URL.String()+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("X-City")+" "+string(body))
}

func (a *arrivals) seen() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{}, a.all...)
}

// A block sends what its author wrote, with the variables filled in, and without
// any webhook.
func TestRequestsOfBlocks(t *testing.T) {
	t.Parallel()
	var got arrivals
	receiver := httptest.NewServer(&got)
	defer receiver.Close()
	emulator := newEmulator(t, engine.WithBlocks(
		engine.Block{ID: 1, Condition: "order", Request: &engine.BlockRequest{
			URL: receiver.URL + "/order", Header: map[string]string{"X-City": "#{city}"}, Body: `{"phone": "#{phone}", "id": #{client_id}}`,
		}},
		engine.Block{ID: 2, Condition: "find", Answer: "Looking.", Request: &engine.BlockRequest{
			URL: receiver.URL + "/find?city=#{city}", Method: http.MethodGet,
		}},
		engine.Block{ID: 3, Condition: "form", Request: &engine.BlockRequest{
			URL: receiver.URL + "/form", Header: map[string]string{"content-type": "application/x-www-form-urlencoded"}, Body: "a=1",
		}},
	), engine.WithPerson(engine.Person{ID: 1, ClientType: 1, Variables: map[string]any{"client.city": "New\r\nX: York", "client.phone": "79"}}))
	for _, text := range []string{"order", "find", "form"} {
		_, err := emulator.Write(1, text)
		require.NoError(t, err)
	}
	require.NoError(t, emulator.RunBlock(1, 1))
	require.ErrorContains(t, emulator.RunBlock(1, 99), "no block 99")
	require.ErrorContains(t, emulator.RunBlock(99, 1), "no client 99")
	require.NoError(t, emulator.WaitForDeliveries(t.Context()))
	order := `POST /order application/json New  X: York {"phone": "79", "id": 1}`
	require.Equal(t, []string{order, "GET /find?city=New%0D%0AX:%20York   ", "POST /form application/x-www-form-urlencoded  a=1", order}, got.seen())
	// A block without a text says nothing.
	require.Len(t, emulator.Messages(1), 1)
	client, _ := emulator.LookupPerson(1)
	require.EqualValues(t, 1, client.BlockID)
	all := emulator.Deliveries()
	require.Len(t, all, 4)
	require.Equal(t, salebot.BlockID(1), all[0].BlockID)
	require.Equal(t, receiver.URL+"/order", all[0].URL)
	require.True(t, all[0].Accepted())
	require.Positive(t, all[0].Attempts[0].Took)
	require.NoError(t, emulator.Redeliver(all[0].Number))
	require.NoError(t, emulator.WaitForDeliveries(t.Context()))
	require.Len(t, got.seen(), 5)
}

// Several receivers get what each wants.
func TestFurtherReceivers(t *testing.T) {
	t.Parallel()
	receivers := make([]arrivals, 3)
	urls := make([]string, len(receivers))
	for i := range receivers {
		s := httptest.NewServer(&receivers[i])
		t.Cleanup(s.Close)
		urls[i] = s.URL + "/"
	}
	emulator := newEmulator(t, engine.WithBlocks(engine.Block{ID: 1, Condition: "hi", Answer: "ho"}), engine.WithPerson(engine.Person{ID: 1, ClientType: 1}),
		engine.WithWebhook(engine.Webhook{URL: urls[0], Events: []engine.EventKind{engine.EventIn}, Further: []engine.Receiver{
			{URL: urls[1], Header: http.Header{"X-City": {"Riga"}}}, {URL: urls[2], Events: []engine.EventKind{engine.EventOut, engine.EventCallback}},
		}}))
	_, err := emulator.Write(1, "hi")
	require.NoError(t, err)
	post(t, emulator, "callback", `{"client_id":1,"message":"paid"}`)
	require.NoError(t, emulator.WaitForDeliveries(t.Context()))
	require.Len(t, receivers[0].seen(), 1)
	require.Len(t, receivers[1].seen(), 3)
	require.Contains(t, receivers[1].seen()[0], " Riga ")
	require.Len(t, receivers[2].seen(), 2)
	require.Contains(t, receivers[2].seen()[1], "paid")

	// Without the first address the others still get theirs.
	require.NoError(t, emulator.SetWebhook(engine.Webhook{Further: []engine.Receiver{{URL: urls[2]}}}))
	_, err = emulator.Write(1, "hi")
	require.NoError(t, err)
	require.NoError(t, emulator.WaitForDeliveries(t.Context()))
	require.Len(t, receivers[2].seen(), 4)

	for _, wrong := range []engine.Webhook{
		{Events: []engine.EventKind{"all"}},
		{Further: []engine.Receiver{{}}},
		{Further: []engine.Receiver{{URL: "ftp://x"}}},
		{Further: []engine.Receiver{{URL: urls[0], Header: http.Header{"a b": {"x"}}}}},
		{Further: make([]engine.Receiver, 17)},
	} {
		require.Error(t, emulator.SetWebhook(wrong))
	}
}

// The log says whom a request was about, how long it took and what it led to.
func TestWhatARequestLedTo(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, engine.WithPeople(engine.Person{ID: 7, ClientType: 1}, engine.Person{ID: 8, ClientType: 1}))
	post(t, emulator, "message", `{"client_id":7,"message":"x"}`)
	post(t, emulator, "broadcast", `{"clients":[8,7],"message":"x","shift":0}`)
	get(t, emulator, "connected_channels")
	post(t, emulator, "message", `{"client_id":7,"message":"x","time_shift":60}`)
	all := emulator.Requests()
	messages := emulator.History(7)
	require.EqualValues(t, 7, all[0].ClientID)
	require.Equal(t, messages[0].ID, all[0].FirstMessage)
	require.Equal(t, messages[0].ID, all[0].LastMessage)
	require.EqualValues(t, 8, all[1].ClientID)
	require.Equal(t, all[1].FirstMessage+1, all[1].LastMessage)
	require.Zero(t, all[2].ClientID)
	require.Zero(t, all[3].FirstMessage)
	require.Positive(t, all[0].Took)
}

// A person who looks learns who has changed.
func TestChangedClients(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, engine.WithPeople(engine.Person{ID: 1, ClientType: 1}, engine.Person{ID: 2, ClientType: 1}, engine.Person{ID: 3, ClientType: 1}))
	_, now, all := emulator.ChangedClients(0, 10)
	require.True(t, all, "the first time it may be anybody")
	ids, still, all := emulator.ChangedClients(now, 10)
	require.Empty(t, ids)
	require.Equal(t, now, still)
	require.False(t, all)
	post(t, emulator, "message", `{"client_id":2,"message":"x"}`)
	post(t, emulator, "save_variables", `{"client_id":3,"variables":{"a":1}}`)
	ids, later, all := emulator.ChangedClients(now, 10)
	require.Equal(t, []salebot.ClientID{2, 3}, ids)
	require.False(t, all)
	_, _, all = emulator.ChangedClients(now, 1)
	require.True(t, all, "more than it was asked for")
	post(t, emulator, "clear_history", `{"client_id":2}`)
	get(t, emulator, "clear_history?client_id=2")
	ids, later, _ = emulator.ChangedClients(later, 10)
	require.Equal(t, []salebot.ClientID{2}, ids)
	require.NoError(t, emulator.Reset())
	_, latest, all := emulator.ChangedClients(later, 10)
	require.True(t, all)
	require.Greater(t, latest, later)
}
