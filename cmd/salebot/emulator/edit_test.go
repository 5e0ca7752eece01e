package emulator_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

type shownClient struct {
	Variables map[string]string
	Orders    []struct {
		ID, Name, State string
		StateID         string `json:"state_id"`
		Budget          float64
		Status          int
		Variables       map[string]string
	}
}

// Variables and deals are changed by hand, and a client is deleted.
func TestEditing(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554, ClientType: 1, Variables: map[string]any{"client.city": "Riga", "sum": 1}}))
	c := s.control(t)
	var ann shownClient
	c.do("PATCH", "clients/25554", m{"variables": m{"client.city": "Tartu", "client.new": "12345678901234567890", "sum": nil}}, &ann)
	require.Equal(t, map[string]string{"client.city": "Tartu", "client.new": "12345678901234567890"}, ann.Variables)
	require.Contains(t, c.problem("PATCH", "clients/25554", m{"variables": m{"": "x"}}, 400), "empty")
	require.Contains(t, c.problem("PATCH", "clients/1", m{"variables": m{"a": "x"}}, 404), "no client 1")

	require.Equal(t, 201, c.do("POST", "clients/25554/orders", m{"name": "Order 1", "budget": 10.5, "variables": m{"address": "Riga"}}, &ann))
	require.Equal(t, "New", ann.Orders[0].State)
	order := "clients/25554/orders/" + ann.Orders[0].ID
	ann = shownClient{}
	c.do("PATCH", order, m{"state_id": 37, "status": 1, "budget": 20, "variables": m{"address": nil, "paid": "yes"}}, &ann)
	require.Equal(t, "In progress", ann.Orders[0].State)
	require.Equal(t, "Order 1", ann.Orders[0].Name)
	require.InEpsilon(t, 20, ann.Orders[0].Budget, 0.001)
	require.Equal(t, 1, ann.Orders[0].Status)
	require.Equal(t, map[string]string{"paid": "yes"}, ann.Orders[0].Variables)
	require.Contains(t, c.problem("PATCH", order, m{"state_id": 99}, 422), "no state 99")
	require.Contains(t, c.problem("PATCH", order, m{"status": 3}, 400), "status")
	require.Contains(t, c.problem("PATCH", "clients/25554/orders/1", m{}, 404), "no deal 1")
	require.Contains(t, c.problem("POST", "clients/1/orders", m{}, 404), "no client 1")

	require.Equal(t, 200, c.do("DELETE", "clients/25554", nil, nil))
	require.Equal(t, 404, c.do("DELETE", "clients/25554", nil, nil))
	require.Empty(t, s.People())
}

// The flow is shown, and a block is tried.
func TestBlocksAreShownAndTried(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, shop(), engine.WithBlocks(engine.Block{
		ID: 5, Fallback: true, Request: &engine.BlockRequest{URL: "http://127.0.0.1:1/", Body: "#{name}"},
	}), engine.WithPerson(engine.Person{ID: 25554, ClientType: 1}))
	c := s.control(t)
	var flow struct {
		Blocks []struct {
			ID, Condition, Answer string
			Fallback              bool
			Request               *struct{ Body string }
		}
	}
	c.do("GET", "blocks", nil, &flow)
	require.Len(t, flow.Blocks, 3)
	require.Equal(t, "/start", flow.Blocks[0].Condition)
	require.True(t, flow.Blocks[2].Fallback)
	require.Equal(t, "#{name}", flow.Blocks[2].Request.Body)
	require.Equal(t, 200, c.do("POST", "clients/25554/blocks/390", nil, nil))
	require.Equal(t, "Welcome", s.Messages(25554)[0].Text)
	require.Contains(t, c.problem("POST", "clients/25554/blocks/1", nil, 422), "no block 1")
	require.Contains(t, c.problem("POST", "clients/1/blocks/390", nil, 404), "no client 1")
	var team struct {
		Employees []struct{ Email string }
		States    []struct{ Name string }
	}
	c.do("GET", "team", nil, &team)
	require.Equal(t, "operator@example.com", team.Employees[0].Email)
	require.Equal(t, "New", team.States[0].Name)
}

// A row of the log says at a glance what a request was, and leads to its messages
// and deliveries and back.
func TestRowsOfTheLogs(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554, ClientType: 1, Name: "Ann"}),
		engine.WithWebhook(engine.Webhook{URL: "http://127.0.0.1:1/hook"}))
	c := s.control(t)
	s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"Hello"}`)
	s.call(t, "POST", "save_variables", "application/json", `{"client_id":25554,"variables":{"a":1}}`)
	s.call(t, "POST", "message", "application/json", `{"client_id":1,"message":"Hello"}`)
	var log struct {
		Requests []struct {
			Number        int64
			Client, About string
			ClientID      string  `json:"client_id"`
			Took          float64 `json:"took_ms"`
			First         string  `json:"first_message_id"`
		}
	}
	c.do("GET", "requests", nil, &log)
	hello := log.Requests[2]
	require.Equal(t, "Ann", hello.Client)
	require.Equal(t, "25554", hello.ClientID)
	require.Equal(t, "Hello", hello.About)
	require.GreaterOrEqual(t, hello.Took, 0.0)
	require.Equal(t, `variables={"a":1}`, log.Requests[1].About)
	require.Equal(t, "0", log.Requests[0].ClientID)

	require.NoError(t, s.WaitForDeliveries(t.Context()))
	var trace struct {
		ClientID   string `json:"client_id"`
		Request    int64
		Deliveries []int64
	}
	c.do("GET", "messages/"+hello.First, nil, &trace)
	require.Equal(t, "25554", trace.ClientID)
	require.Equal(t, hello.Number, trace.Request)
	require.Equal(t, []int64{1}, trace.Deliveries)
	require.Contains(t, c.problem("GET", "messages/1", nil, 404), "no such message")
	var delivery struct{ Client, Kind, Text, Method, URL, Curl string }
	c.do("GET", "deliveries/1", nil, &delivery)
	require.Equal(t, "Ann", delivery.Client)
	require.Equal(t, "out", delivery.Kind)
	require.Equal(t, "Hello", delivery.Text)
	require.Contains(t, delivery.Curl, "curl 'http://127.0.0.1:1/hook' \\\n  -H 'Content-Type: application/json' \\\n  --data-raw '{")
	var status struct {
		Refused   int `json:"requests_refused"`
		Failed    int `json:"deliveries_failed"`
		Receivers int
	}
	c.do("GET", "status", nil, &status)
	require.Equal(t, 1, status.Refused)
	require.Equal(t, 1, status.Failed)
	require.Equal(t, 1, status.Receivers)
	c.do("POST", "reset", nil, nil)
	c.do("GET", "status", nil, &status)
	require.Zero(t, status.Refused)
	require.Zero(t, status.Failed)
}

// A file that a person attaches is served so that nothing in it is carried out.
func TestFiles(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{})
	upload := func(name string, content []byte) (int, struct{ URL, Type string }) {
		t.Helper()
		var answer struct{ URL, Type string }
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.address+"/_emulator/files?name="+name, bytes.NewReader(content))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/octet-stream")
		response, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
		return response.StatusCode, answer
	}
	picture := []byte("\x89PNG\r\n\x1a\n0123456789")
	status, one := upload("..%2Fa%20b%22.png", picture)
	require.Equal(t, 201, status)
	require.Equal(t, "image", one.Type)
	get := func(address string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		response, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = response.Body.Close() })
		return response
	}
	response := get(one.URL)
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, picture, content)
	require.Equal(t, "image/png", response.Header.Get("Content-Type"))
	require.Equal(t, "default-src 'none'; sandbox", response.Header.Get("Content-Security-Policy"))
	require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))

	_, page := upload("evil.html", []byte("<html><script>alert(1)</script>"))
	require.Equal(t, "file", page.Type)
	response = get(page.URL)
	require.Equal(t, "application/octet-stream", response.Header.Get("Content-Type"))
	require.Contains(t, response.Header.Get("Content-Disposition"), "attachment")
	status, _ = upload("big", make([]byte, 8<<20+1))
	require.Equal(t, 413, status)
	status, _ = upload("empty", nil)
	require.Equal(t, 400, status)
	for i := range 9 {
		status, _ = upload(strconv.Itoa(i), bytes.Repeat([]byte("x"), 8<<20-1))
		require.Equal(t, 201, status)
	}
	require.Equal(t, 404, get(one.URL).StatusCode, "the oldest go first")
	require.NotContains(t, one.URL, "..")
}
