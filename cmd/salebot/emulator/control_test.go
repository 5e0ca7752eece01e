package emulator_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

type m = map[string]any

type shownMessage struct {
	ID      string
	From    string
	Text    string
	Buttons []struct {
		Text      string
		Pressable bool
	}
	Delivered bool
	Error     string
}

type shownConversation struct {
	Messages      []shownMessage
	Before, After int
}

func shop() engine.Option {
	return engine.WithBlocks(
		engine.Block{ID: 390, Condition: "/start", Answer: "Welcome", Buttons: []engine.Button{
			{Text: "Prices"}, {Text: "Site", Type: "inline", URL: "https://example.com"}, {Text: "Phone", Type: "phone"},
		}},
		engine.Block{ID: 391, Condition: "Prices", Answer: "Here it is"},
	)
}

func TestClientsAndConversations(t *testing.T) {
	t.Parallel()
	c := start(t, emulator.Options{}, shop()).control(t)

	var ann struct {
		ID, Name, Messenger string
		Variables           map[string]string
	}
	require.Equal(t, http.StatusCreated, c.do("POST", "clients", m{
		"name": "Ann", "platform_id": "100", "variables": m{"client.city": "Riga", "sum": 12345678901234567},
	}, &ann))
	require.Equal(t, "Telegram", ann.Messenger)
	require.Equal(t, map[string]string{"client.city": "Riga", "sum": "12345678901234567"}, ann.Variables)
	c.do("POST", "clients", m{"name": "Борис", "client_type": 6, "platform_id": "79000000001"}, nil)
	require.Contains(t, c.problem("POST", "clients", m{"platform_id": "100"}, 422), "in the project already")
	require.Contains(t, c.problem("POST", "clients", m{"naem": "x"}, 400), "naem")

	var written shownMessage
	require.Equal(t, http.StatusCreated, c.do("POST", "clients/"+ann.ID+"/messages", m{"text": "/start"}, &written))
	require.Equal(t, "client", written.From)
	var talk shownConversation
	c.do("GET", "clients/"+ann.ID+"/messages", nil, &talk)
	require.Len(t, talk.Messages, 2)
	welcome := talk.Messages[1]
	require.Equal(t, "flow", welcome.From)
	require.True(t, welcome.Delivered)
	require.True(t, welcome.Buttons[0].Pressable)

	require.Equal(t, http.StatusCreated, c.do("POST", "clients/"+ann.ID+"/press", m{"message_id": welcome.ID, "button": 0}, &written))
	require.Equal(t, "Prices", written.Text)
	require.Equal(t, http.StatusCreated, c.do("POST", "clients/"+ann.ID+"/press", m{"text": "Phone"}, &written))
	require.Contains(t, c.problem("POST", "clients/"+ann.ID+"/press", m{"text": "Site"}, 422), "outside the conversation")
	require.Contains(t, c.problem("POST", "clients/"+ann.ID+"/press", m{"message_id": welcome.ID, "button": 9}, 422), "no such button")
	c.problem("POST", "clients/"+ann.ID+"/press", m{}, 400)
	c.problem("POST", "clients/"+ann.ID+"/messages", m{}, 400)
	c.problem("POST", "clients/1/messages", m{"text": "x"}, 404)
	c.problem("GET", "clients/1", nil, 404)
	c.problem("GET", "clients/one", nil, 400)

	c.do("POST", "clients/"+ann.ID+"/messages", m{"text": "I take over", "employee": "operator@example.com"}, &written)
	require.Equal(t, "employee", written.From)
	c.do("PATCH", "clients/"+ann.ID, m{"unreachable": "blocked"}, nil)

	c.do("GET", "clients/"+ann.ID+"/messages?limit=2", nil, &talk)
	require.Len(t, talk.Messages, 2)
	require.Equal(t, 4, talk.Before)
	c.do("GET", "clients/"+ann.ID+"/messages?limit=2&before="+talk.Messages[0].ID, nil, &talk)
	require.Equal(t, []int{2, 2}, []int{talk.Before, talk.After})
	c.do("GET", "clients/"+ann.ID+"/messages?after="+talk.Messages[1].ID, nil, &talk)
	require.Len(t, talk.Messages, 2)

	var list struct {
		Clients []struct {
			Name string
			Last *shownMessage
		}
		Total int
	}
	for query, names := range map[string][]string{
		"":                      {"Ann", "Борис"},
		"?search=борис":         {"Борис"},
		"?search=7900000":       {"Борис"},
		"?search=nobody":        {},
		"?client_type=1":        {"Ann"},
		"?client_type=0":        {},
		"?offset=1":             {"Борис"},
		"?limit=1":              {"Ann"},
		"?search=" + ann.ID[2:]: {"Ann"},
	} {
		c.do("GET", "clients"+query, nil, &list)
		got := []string{}
		for _, client := range list.Clients {
			got = append(got, client.Name)
		}
		require.Equal(t, names, got, query)
	}
	c.do("GET", "clients", nil, &list)
	require.Equal(t, "I take over", list.Clients[0].Last.Text)
	require.Nil(t, list.Clients[1].Last)
	c.problem("GET", "clients?offset=-1", nil, 400)
	c.problem("GET", "clients?client_type=telegram", nil, 400)
	c.do("GET", "messengers", nil, nil)
}

// Messages without a text exist, and so do messengers that have no callback of
// their own.
func TestAnEmptyMessageOfAPersonInDiscord(t *testing.T) {
	t.Parallel()
	c := start(t, emulator.Options{}, shop(), engine.WithMaxMessages(50)).control(t)
	var person struct{ ID, Messenger string }
	require.Equal(t, http.StatusCreated, c.do("POST", "clients", m{"name": "Ann", "client_type": 23, "platform_id": "100"}, &person))
	require.Equal(t, "Discord", person.Messenger)
	var written shownMessage
	require.Equal(t, http.StatusCreated, c.do("POST", "clients/"+person.ID+"/messages", m{"text": ""}, &written))
	require.Equal(t, "client", written.From)
	require.Empty(t, written.Text)
	var talk shownConversation
	c.do("GET", "clients/"+person.ID+"/messages", nil, &talk)
	require.Len(t, talk.Messages, 1)
	require.Contains(t, c.problem("POST", "clients/"+person.ID+"/messages", m{"text": "", "employee": "operator@example.com"}, 400), "text is required")
	var messengers struct {
		Messengers []struct {
			ClientType int `json:"client_type"`
			Name       string
		}
	}
	c.do("GET", "messengers", nil, &messengers)
	require.Contains(t, messengers.Messengers, struct {
		ClientType int `json:"client_type"`
		Name       string
	}{23, "Discord"})
	var status struct {
		MaxMessages int `json:"max_messages"`
	}
	c.do("GET", "status", nil, &status)
	require.Equal(t, 50, status.MaxMessages)
}

// A test in another language waits for an answer instead of sleeping.
func TestWaitForAMessage(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}))
	first, err := s.Write(25554, "Hello")
	require.NoError(t, err)
	came := make(chan shownConversation)
	go func() {
		var talk shownConversation
		s.control(t).do("GET", "clients/25554/messages?wait=60&after="+id(int64(first.ID)), nil, &talk)
		came <- talk
	}()
	_, err = s.WriteAsEmployee(25554, "operator@example.com", "Hello you")
	require.NoError(t, err)
	talk := <-came
	require.Equal(t, "Hello you", talk.Messages[0].Text)

	begin := time.Now()
	s.control(t).do("GET", "clients/25554/messages?wait=1&after="+id(int64(first.ID)+1), nil, &talk)
	require.Empty(t, talk.Messages)
	require.GreaterOrEqual(t, time.Since(begin), time.Second)
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

// call sends a request to the API and returns the status and the body.
func (s *server) call(t testing.TB, method, action, contentType, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.address+"/api/"+testkit.EscapedKey+"/"+action, strings.NewReader(body))
	require.NoError(t, err)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(answer)
}

// Messages before and after one that is not in the chat are told by the numbers.
func TestMessagesOfOtherChats(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPeople(engine.Person{ID: 25554}, engine.Person{ID: 25555, PlatformID: "2"}))
	var other, own []salebot.MessageID
	for range 60 {
		mine, err := s.Write(25554, "mine")
		require.NoError(t, err)
		theirs, err := s.Write(25555, "theirs")
		require.NoError(t, err)
		own, other = append(own, mine.ID), append(other, theirs.ID)
	}
	c := s.control(t)
	for _, x := range []struct {
		query                      string
		first, count, before, last int
	}{
		{"after=" + id(int64(other[9])), 10, 50, 10, 59},
		{"limit=5&after=" + id(int64(other[9])), 10, 5, 10, 14},
		{"limit=5&after=" + id(int64(own[9])), 10, 5, 10, 14},
		{"limit=5&after=" + id(int64(other[56])), 57, 3, 57, 59},
		{"limit=5&after=1", 0, 5, 0, 4},
		{"limit=5&before=" + id(int64(other[9])), 5, 5, 5, 9},
		{"limit=5&before=" + id(int64(other[1])), 0, 2, 0, 1},
		{"limit=5&before=" + id(int64(own[9])), 4, 5, 4, 8},
		{"limit=5&before=9000000000000000000", 55, 5, 55, 59},
	} {
		var talk shownConversation
		c.do("GET", "clients/25554/messages?"+x.query, nil, &talk)
		require.Len(t, talk.Messages, x.count, x.query)
		require.Equal(t, id(int64(own[x.first])), talk.Messages[0].ID, x.query)
		require.Equal(t, id(int64(own[x.last])), talk.Messages[x.count-1].ID, x.query)
		require.Equal(t, []int{x.before, 59 - x.last}, []int{talk.Before, talk.After}, x.query)
	}
	var talk shownConversation
	begin := time.Now()
	c.do("GET", "clients/25554/messages?wait=1&after="+id(int64(other[59])), nil, &talk)
	require.Empty(t, talk.Messages, "a stale answer is none")
	require.GreaterOrEqual(t, time.Since(begin), time.Second)
	require.Equal(t, 60, talk.Before)
	c.do("GET", "clients/25554/messages?after=9223372036854775807", nil, &talk)
	require.Empty(t, talk.Messages)
	require.Contains(t, c.problem("GET", "clients/25554/messages?after=1&before=2", nil, 400), "together")
	for query, name := range map[string]string{
		"clients?serch=x": "serch", "clients?limit=1&limit=2": "limit", "clients?%zz": "query", "requests?action=massage": "massage",
		"clients/25554/messages?wait=61": "61", "deliveries?pending=maybe": "maybe", "clients/25554/messages?after=99999999999999999999": "after",
		"events?x=1": "x",
	} {
		require.Contains(t, c.problem("GET", query, nil, 400), name)
	}
}

// A test in another language waits for a request, and for a delivery.
func TestWaitForRequestsAndDeliveries(t *testing.T) {
	t.Parallel()
	answer := make(chan int)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-answer) }))
	defer receiver.Close()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}), engine.WithWebhook(engine.Webhook{URL: receiver.URL}))
	type numbers struct {
		Requests, Deliveries []struct {
			Number  int
			Action  string
			Pending bool
		}
	}
	came := make(chan numbers)
	ask := func(path string) {
		go func() {
			var list numbers
			s.control(t).do("GET", path, nil, &list)
			came <- list
		}()
	}
	s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"one"}`)
	s.call(t, "GET", "connected_channels", "", "")
	ask("requests?action=message&after=1&wait=60")
	s.call(t, "GET", "connected_channels", "", "")
	s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"two"}`)
	requests := (<-came).Requests
	require.Len(t, requests, 1)
	require.Equal(t, "message", requests[0].Action)
	require.Equal(t, 4, requests[0].Number)
	ask("requests?after=1&limit=2")
	requests = (<-came).Requests
	require.Equal(t, []int{4, 3}, []int{requests[0].Number, requests[1].Number})
	ask("requests?after=4&wait=1")
	require.Empty(t, (<-came).Requests)

	ask("deliveries?after=1&wait=60")
	require.Equal(t, 2, (<-came).Deliveries[0].Number)
	ask("deliveries?after=1&pending=false&wait=60")
	select {
	case <-came:
		t.Fatal("it is under way still")
	case answer <- 200:
	}
	answer <- 204
	deliveries := (<-came).Deliveries
	require.Len(t, deliveries, 1)
	require.False(t, deliveries[0].Pending)
}

// Slips in a body are explained in words for people.
func TestRefusedBodies(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}))
	for _, x := range []struct{ method, path, body, problem string }{
		{"POST", "clients/25554/messages", ``, "the body is empty; it has to be JSON"},
		{"POST", "clients/25554/messages", `client_id=1`, "the body is not JSON: it goes wrong at character 1"},
		{"POST", "clients/25554/messages", `{"text":"x",}`, "the body is not JSON: it goes wrong at character 13"},
		{"POST", "clients/25554/messages", `{"text":"x"`, "the body is not whole: its JSON breaks off"},
		{"POST", "clients/25554/messages", `{"text":5}`, "text must be a text, not a number (at character 9 of the body)"},
		{"POST", "clients/25554/messages", `{"text":{}}`, "text must be a text, not an object"},
		{"POST", "clients/25554/messages", `{"attachments":[{"url":true}]}`, "url must be a text, not true or false"},
		{"POST", "clients/25554/messages", `[]`, "the body must be an object, not a list"},
		{"POST", "clients/25554/messages", `{"txt":"x"}`, `the body has the name "txt", which does not exist here`},
		{"POST", "clients/25554/press", `{"button":"1"}`, "button must be a whole number, not a text"},
		{"POST", "clients/25554/press", `{"button":1.5}`, "button must be a whole number, not 1.5"},
		{"POST", "clients/25554/press", `{"button":99999999999999999999}`, "button: 99999999999999999999 is too large"},
		{"POST", "clock/advance", `{"to_next":"yes"}`, "to_next must be true or false, not a text"},
		{"POST", "clock/advance", `{"by":"soon"}`, `"soon" is not a time; write it as 1.5s, 10m or 2h`},
		{"PATCH", "settings/answers", `{"answers":{"sends":5}}`, "sends must be a text, not a number"},
		{"PATCH", "settings/answers", `{"answers":{"sendz":"json"}}`, `"sendz", which does not exist here`},
		{"PUT", "snapshot", `{"clients":{}}`, "its clients are a list"},
		{"PUT", "snapshot", `{"klients":[]}`, `"klients", which does not exist here`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), x.method, s.address+"/_emulator/"+x.path, strings.NewReader(x.body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		var refusal struct{ Error string }
		require.NoError(t, json.NewDecoder(response.Body).Decode(&refusal))
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusBadRequest, response.StatusCode, x.body)
		require.Contains(t, refusal.Error, x.problem)
		require.NotContains(t, refusal.Error, "Go ")
		require.NotContains(t, refusal.Error, "json:")
	}
}

func TestRequestsAreShownWithoutTheKey(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}))
	c := s.control(t)
	s.call(t, "POST", "message?x="+url.QueryEscape(testKey), "application/json", `{"client_id":25554,"message":"my key is `+testKey+`"}`)
	s.call(t, "GET", "get_variables?client_id=1", "", "")
	s.call(t, "POST", "push", "text/plain", "\xff\x00"+testKey)
	s.call(t, "POST", "message", "application/json", `{"client_id":90071992547409931,"message":"x"}`)

	var list struct {
		Requests []struct {
			Number              int
			Action, Path, Key   string
			Status              int
			Refused             bool
			Fault, Curl         string
			ParametersText      string `json:"parameters_text"`
			ActionKnown         bool   `json:"action_known"`
			Body, Answer        struct{ Text, Base64 string }
			Method, ContentType string
			Notes               []string
			Parameters          m
		}
		Total int
	}
	c.do("GET", "requests", nil, &list)
	require.Equal(t, 4, list.Total)
	require.Equal(t, 4, list.Requests[0].Number, "the newest comes first")
	require.Equal(t, "key 1", list.Requests[3].Key)
	require.False(t, list.Requests[3].Refused)
	require.False(t, list.Requests[2].Refused, "a client's variable may be called status")
	require.True(t, list.Requests[1].Refused)
	require.True(t, list.Requests[0].Refused)
	c.do("GET", "requests?action=message&limit=1", nil, &list)
	require.Len(t, list.Requests, 1)
	c.do("GET", "requests?before=2", nil, &list)
	require.Len(t, list.Requests, 1)

	whole := list.Requests[0]
	c.do("GET", "requests/1", nil, &whole)
	require.True(t, whole.ActionKnown)
	require.JSONEq(t, `{"client_id":25554,"message":"my key is {api_key}","x":"{api_key}"}`, whole.ParametersText)
	require.Equal(t, "ok", whole.Answer.Text)
	require.Contains(t, whole.Curl, "$SALEBOT_API_KEY")
	c.do("GET", "requests/3", nil, &whole)
	require.False(t, whole.ActionKnown)
	require.Equal(t, base64.StdEncoding.EncodeToString([]byte("\xff\x00{api_key}")), whole.Body.Base64)
	c.do("GET", "requests/4", nil, &whole)
	require.Contains(t, whole.ParametersText, "90071992547409931", "no digit is lost")
	c.problem("GET", "requests/99", nil, 404)
	c.do("GET", "actions", nil, nil)

	for _, path := range []string{"requests", "requests/1", "requests/2", "requests/3", "status", "snapshot", "settings"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.address+"/_emulator/"+path, http.NoBody)
		require.NoError(t, err)
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		if path != "snapshot" { // there the message of the client has to be what it was
			require.Empty(t, testkit.FindKey(string(text)), path)
		}
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	answers := make(chan int, 3)
	answers <- 503
	answers <- 200
	answers <- 204
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-answers) }))
	defer receiver.Close()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}))
	c := s.control(t)

	c.problem("PUT", "webhook", m{"url": "ftp://x"}, 400)
	c.problem("PUT", "webhook", m{"url": receiver.URL, "resend": "always"}, 400)
	var webhook m
	c.do("PUT", "webhook", m{"url": receiver.URL, "resend": "5xx", "retry_delay": "1ms", "header": m{"X-Secret": "1"}}, &webhook)
	c.do("GET", "webhook", nil, &webhook)
	require.Equal(t, m{"url": receiver.URL, "resend": "5xx", "retry_delay": "1ms", "header": m{"X-Secret": "1"}}, webhook)

	_, err := s.Write(25554, "Hello")
	require.NoError(t, err)
	require.NoError(t, s.WaitForDeliveries(t.Context()))
	var list struct {
		Deliveries []struct {
			Number            int
			Accepted, Pending bool
			Attempts          []struct{ Status int }
		}
	}
	c.do("GET", "deliveries", nil, &list)
	require.Len(t, list.Deliveries, 1)
	require.True(t, list.Deliveries[0].Accepted)
	require.Len(t, list.Deliveries[0].Attempts, 2)

	require.Equal(t, http.StatusAccepted, c.do("POST", "deliveries/1/redeliver", nil, nil))
	require.NoError(t, s.WaitForDeliveries(t.Context()))
	delivery := struct {
		Attempts []struct{ Status int }
		Body     struct{ Text string }
	}{}
	c.do("GET", "deliveries/1", nil, &delivery)
	require.Equal(t, 204, delivery.Attempts[2].Status)
	require.Contains(t, delivery.Body.Text, "Hello")
	c.problem("POST", "deliveries/2/redeliver", nil, 404)
	c.do("PUT", "webhook", m{}, nil)
	c.problem("POST", "deliveries/1/redeliver", nil, 409)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}))
	c := s.control(t)
	for _, bad := range []m{
		{},
		{"action": "massage", "status": 500},
		{"status": 99},
		{"delay": "1h"},
		{"delay": "-1s"},
		{"reset": "now"},
		{"status": 500, "times": -2},
		{"status": 500, "after": -1},
		{"execute": true},
		{"status": 503, "reset": "before"},
		{"statu": 500},
		{"delay": "soon"},
	} {
		c.problem("POST", "faults", bad, 400)
	}
	type fault struct {
		ID            string
		Action        string
		Times, Status int
	}
	var one, two fault
	c.do("POST", "faults", m{"status": 503, "times": -1}, &one)
	require.Equal(t, -1, one.Times)
	c.do("POST", "faults", m{"action": "message", "status": 429, "retry_after": "30s"}, &two)
	require.NotEqual(t, one.ID, two.ID)
	status, _ := s.call(t, "GET", "connected_channels", "", "")
	require.Equal(t, 503, status)

	var faults struct{ Faults []fault }
	c.do("DELETE", "faults/"+one.ID, nil, &faults)
	require.Equal(t, []fault{two}, faults.Faults)
	c.problem("DELETE", "faults/"+one.ID, nil, 404)
	status, _ = s.call(t, "GET", "connected_channels", "", "")
	require.Equal(t, 200, status)
	status, _ = s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"x"}`)
	require.Equal(t, 429, status)
	c.do("GET", "faults", nil, &faults)
	require.Empty(t, faults.Faults, "it was for one request")

	c.do("POST", "faults", m{"status": 503, "times": 5}, nil)
	c.do("DELETE", "faults", nil, &faults)
	require.Empty(t, faults.Faults)
}

func TestClock(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}))
	c := s.control(t)
	s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"later","time_shift":3600}`)
	s.call(t, "POST", "callback", "application/json", `{"client_id":25554,"message":"much_later","time_shift":7200}`)
	var clock struct {
		Now       time.Time
		Total     int
		Scheduled []struct {
			Text     string
			Callback bool
		}
	}
	c.do("GET", "clock", nil, &clock)
	require.Equal(t, 2, clock.Total)
	require.Equal(t, "later", clock.Scheduled[0].Text)
	before := clock.Now
	c.do("POST", "clock/advance", m{"to_next": true}, &clock)
	require.Equal(t, 1, clock.Total)
	require.Equal(t, "later", s.Messages(25554)[0].Text)
	c.do("POST", "clock/advance", m{"by": "2h"}, &clock)
	require.Zero(t, clock.Total)
	require.GreaterOrEqual(t, clock.Now.Sub(before), 2*time.Hour)
	require.Equal(t, "much_later", s.Callbacks(25554)[0].Text)
	c.do("POST", "clock/advance", m{"to_next": true}, nil)
	for _, bad := range []m{{"by": "-1h"}, {"by": "100000h"}, {"by": "soon"}, {"by": "1h", "to_next": true}} {
		c.problem("POST", "clock/advance", bad, 400)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}))
	c := s.control(t)
	c.do("PUT", "settings", m{"answers": m{"sends": "json"}}, nil)
	_, body := s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"x"}`)
	require.JSONEq(t, `{"status":"success"}`, body)
	require.Contains(t, c.problem("PUT", "settings", m{"answers": m{"sendz": "json"}}, 400), "sendz")
	require.Contains(t, c.problem("PUT", "settings", m{"answers": m{"sends": "maybe"}}, 400), "maybe")
	var settings struct{ Answers m }
	c.do("GET", "settings", nil, &settings)
	require.Equal(t, m{"sends": "json"}, settings.Answers)
}

func TestSnapshotResetAndSave(t *testing.T) {
	t.Parallel()
	saves := 0
	s := start(t, emulator.Options{Save: func() error {
		saves++
		return nil
	}}, engine.WithPerson(engine.Person{ID: 25554, Variables: m{"n": json.Number("12345678901234567890123")}}))
	c := s.control(t)
	_, err := s.Write(25554, "Hello")
	require.NoError(t, err)
	var snapshot json.RawMessage
	c.do("GET", "snapshot", nil, &snapshot)
	require.Contains(t, string(snapshot), "12345678901234567890123")
	c.do("POST", "reset", nil, nil)
	require.Empty(t, s.History(25554))
	c.do("PUT", "snapshot", snapshot, nil)
	require.Len(t, s.History(25554), 1)
	c.problem("PUT", "snapshot", m{"clients": []m{{"id": 1, "client_type": 1}, {"id": 1, "client_type": 1}}}, 422)
	c.problem("PUT", "snapshot", m{"klients": []m{}}, 400)
	require.Len(t, s.History(25554), 1, "a failure changes nothing")
	c.do("POST", "save", nil, nil)
	require.Equal(t, 1, saves)
	require.Equal(t, http.StatusConflict, start(t, emulator.Options{}).control(t).do("POST", "save", nil, nil))
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+"/_emulator/events", http.NoBody)
	require.NoError(t, err)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, "text/event-stream; charset=utf-8", response.Header.Get("Content-Type"))
	events := readEvents(t, response.Body)

	require.Zero(t, (<-events).Requests)
	s.call(t, "GET", "connected_channels", "", "")
	wait(t, events, func(status emulator.Status) bool { return status.Requests == 1 })
	s.control(t).do("POST", "clock/advance", m{"by": "24h"}, nil)
	wait(t, events, func(status emulator.Status) bool { return status.Now.After(time.Now().Add(time.Hour)) })
	s.control(t).do("POST", "faults", m{"status": 503}, nil)
	wait(t, events, func(status emulator.Status) bool { return status.Faults == 1 })
	s.control(t).do("PUT", "webhook", m{"url": "http://127.0.0.1:1/"}, nil)
	wait(t, events, func(status emulator.Status) bool { return status.Webhook != "" })
}

// Whoever begins to listen learns the time of now and not that of the last change.
func TestTheFirstEventIsFresh(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{})
	// Each round is later than the one before, and nothing changes meanwhile.
	for range 10 {
		begin := time.Now()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.address+"/_emulator/events", http.NoBody)
		require.NoError(t, err)
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		first := <-readEvents(t, response.Body)
		require.NoError(t, response.Body.Close())
		require.False(t, first.Now.Before(begin), "%v, asked at %v", first.Now, begin)
		require.Positive(t, first.Revision)
	}
}

func readEvents(t *testing.T, stream io.Reader) <-chan emulator.Status {
	t.Helper()
	events := make(chan emulator.Status)
	go func() {
		defer close(events)
		for event := range eventsOf(stream) {
			var status emulator.Status
			if json.Unmarshal([]byte(event), &status) != nil {
				return
			}
			select {
			case events <- status:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return events
}

func wait(t *testing.T, events <-chan emulator.Status, reached func(emulator.Status) bool) {
	t.Helper()
	for status := range events {
		if reached(status) {
			return
		}
	}
	t.Fatal("the stream ended")
}

func TestWrongPathsAndMethods(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{})
	c := s.control(t)
	c.problem("GET", "nothing", nil, 404)
	c.problem("POST", "status", nil, 404)
	for path, status := range map[string]int{"/": 405, "/callback": 405, "/_emulator/": 404} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.address+path, strings.NewReader("{}"))
		require.NoError(t, err)
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode, path)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.address+"/_emulator/faults", strings.NewReader(`{"status":500}`))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "text/plain")
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusUnsupportedMediaType, response.StatusCode, "a form of another site can send no JSON")
}

// A base URL that ends in a slash is answered by the API, as the real one would
// have to, and shows in the log.
func TestSlipsInTheAddressAreLogged(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{})
	paths := []string{"//api/" + testkit.EscapedKey + "/message", "/api//message", "///api/x", "/api", "/api/" + testkit.EscapedKey}
	for i, path := range paths {
		// A browser sends the same from a page of another site.
		for _, header := range []map[string]string{nil, {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}} {
			answer := s.send(t, http.MethodPost, path, "", header)
			require.Equal(t, http.StatusNotFound, answer.status, path)
			require.Empty(t, answer.header.Get("Content-Security-Policy"), "%s is not answered by the page", path)
		}
		var list struct {
			Requests []struct{ Notes []string }
			Total    int
		}
		s.control(t).do("GET", "requests", nil, &list)
		require.Equal(t, 2*(i+1), list.Total, path)
		require.Contains(t, list.Requests[0].Notes[0], "/api/{api_key}/{action}", path)
	}
	require.Equal(t, http.StatusNotFound, s.send(t, http.MethodGet, "/apix", "", nil).status, "a part of the page that is not there")
}

func TestClientIDsStayWhole(t *testing.T) {
	t.Parallel()
	const large = salebot.ClientID(9007199254740993)
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: large}))
	var list struct{ Clients []struct{ ID string } }
	s.control(t).do("GET", "clients", nil, &list)
	require.Equal(t, "9007199254740993", list.Clients[0].ID)
}
