package salebot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// recipeServer keeps the variables of one client, who can read what was written
// only a while later.
type recipeServer struct {
	// lag passes before what was written can be read.
	lag time.Duration
	// fail answers an action otherwise.
	fail map[string]func() (int, string, error)

	actions []string
	bodies  []string
	written time.Time
	saved   string
	started time.Time
}

func (s *recipeServer) serve(call clienttest.MemoryCall) (int, string, error) {
	s.actions = append(s.actions, call.Action)
	s.bodies = append(s.bodies, string(call.Body))
	if fail := s.fail[call.Action]; fail != nil {
		return fail()
	}
	switch call.Action {
	case "save_variables":
		var request struct {
			Variables map[string]any `json:"variables"`
		}
		decoder := json.NewDecoder(strings.NewReader(string(call.Body)))
		decoder.UseNumber()
		if err := decoder.Decode(&request); err != nil {
			return 0, "", err
		}
		// Salebot keeps text, and tells names without their prefix.
		kept := map[string]any{}
		for name, value := range request.Variables {
			if value == nil {
				value = "None"
			}
			kept[trimmed(name)] = fmt.Sprint(value)
		}
		text, err := json.Marshal(kept)
		s.saved, s.written = string(text), time.Now()
		return http.StatusOK, "ok", err
	case "get_variables":
		if time.Since(s.written) < s.lag {
			return http.StatusOK, `{"phone":"old"}`, nil
		}
		return http.StatusOK, s.saved, nil
	case "callback":
		s.started = time.Now()
	}
	return http.StatusOK, "ok", nil
}

func recipe(readBack ...string) salebot.SaveVariablesAndCallbackRequest {
	return salebot.SaveVariablesAndCallbackRequest{
		Callback: salebot.CallbackRequest{ClientID: 25554, Message: "paid"},
		Variables: map[string]any{
			"client.phone": "79000000000", "client.age": 30, "client.vip": true, "client.note": nil, "client.sum": 1500.5, "client.big": int64(9007199254740993), "deal": "x",
		},
		ReadBack: readBack,
	}
}

var everyClientVariable = []string{"client.phone", "client.age", "client.vip", "client.note", "client.sum", "client.big"}

func TestSaveVariablesAndCallback(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := &recipeServer{lag: time.Hour}
		client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
		ack, err := client.SaveVariablesAndCallback(t.Context(), recipe())
		require.NoError(t, err)
		require.Equal(t, "ok", ack.Text())
		require.Equal(t, []string{"save_variables", "callback"}, s.actions, "in this order, and nothing else")
		require.Equal(t, `{"client_id":25554,"message":"paid"}`, s.bodies[1])
		require.Contains(t, s.bodies[0], `"client.phone":"79000000000"`)
	})
}

// With a read-back the bot starts once the variables can be read, and soon.
func TestSaveVariablesAndCallbackReadBack(t *testing.T) {
	t.Parallel()
	for _, lag := range []time.Duration{0, time.Millisecond, 700 * time.Millisecond, 3 * time.Second, 9 * time.Second} {
		t.Run(lag.String(), func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := &recipeServer{lag: lag}
				client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
				_, err := client.SaveVariablesAndCallback(t.Context(), recipe(everyClientVariable...))
				require.NoError(t, err)
				reads := s.actions[1 : len(s.actions)-1]
				require.Equal(t, "callback", s.actions[len(s.actions)-1])
				for _, action := range reads {
					require.Equal(t, "get_variables", action)
				}
				waited := s.started.Sub(s.written)
				require.GreaterOrEqual(t, waited, lag)
				require.LessOrEqual(t, waited, lag+2*time.Second)
				require.LessOrEqual(t, len(reads), 10, "it does not hammer the server")
			})
		})
	}
}

// What cannot be read in time starts no bot.
func TestSaveVariablesAndCallbackThatIsNotReadBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		timeout, want time.Duration
	}{
		"in the time by default": {0, salebot.DefaultReadBackTimeout}, "in another time": {time.Minute, time.Minute}, "at once": {time.Millisecond, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := &recipeServer{lag: time.Hour}
				client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
				request := recipe("client.phone")
				request.ReadBackTimeout = test.timeout
				start := time.Now()
				_, err := client.SaveVariablesAndCallback(t.Context(), request)
				require.ErrorIs(t, err, salebot.ErrNotReadBack)
				require.Equal(t, "callback", clienttest.RequireFailure(t, err, salebot.OutcomeNotSent).Action)
				require.ErrorContains(t, err, "client.phone")
				require.NotContains(t, err.Error(), "79000000000")
				require.NotContains(t, s.actions, "callback")
				require.LessOrEqual(t, time.Since(start), test.want)
				require.GreaterOrEqual(t, time.Since(start), test.want-2*time.Second)
			})
		})
	}
}

// After a failed step the bot is not started, and the error tells which it was.
func TestSaveVariablesAndCallbackStopsAtAFailure(t *testing.T) {
	t.Parallel()
	for action, steps := range map[string][]string{
		"save_variables": {"save_variables"},
		"get_variables":  {"save_variables", "get_variables"},
		"callback":       {"save_variables", "get_variables", "callback"},
	} {
		for name, fault := range map[string]struct {
			answer  func() (int, string, error)
			outcome salebot.Outcome
		}{
			"refused": {func() (int, string, error) { return http.StatusNotFound, `{"status":"client_not_found"}`, nil }, salebot.OutcomeRejected},
			"cut off": {func() (int, string, error) { return 0, "", clienttest.ErrCable }, salebot.OutcomeUnknown},
			"HTML":    {func() (int, string, error) { return http.StatusOK, "<html></html>", nil }, salebot.OutcomeUnknown},
		} {
			t.Run(action+" "+name, func(t *testing.T) {
				t.Parallel()
				testkit.Bubble(t, func(t *testing.T) {
					s := &recipeServer{fail: map[string]func() (int, string, error){action: fault.answer}}
					client := clienttest.New(t, clienttest.MemoryAPI(s.serve), salebot.WithoutRetries())
					ack, err := client.SaveVariablesAndCallback(t.Context(), recipe("client.phone"))
					require.Nil(t, ack)
					if action == "callback" {
						clienttest.RequireOutcome(t, err, fault.outcome)
					} else {
						clienttest.RequireOutcome(t, err, salebot.OutcomeNotSent)
						require.ErrorContains(t, err, "the bot was not started, because "+action+" failed")
					}
					require.Equal(t, name == "refused", errors.Is(err, salebot.ErrClientNotFound))
					require.Equal(t, steps, s.actions)
				})
			})
		}
	}
}

func TestSaveVariablesAndCallbackGivenUp(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := &recipeServer{lag: time.Hour}
		client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
		client, err := client.With(salebot.WithHook(salebot.Hook{BeforeCall: func(ctx context.Context, c salebot.Call) context.Context {
			require.NotEqual(t, "callback", c.Action, "it does not even begin")
			return ctx
		}}))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = client.SaveVariablesAndCallback(ctx, recipe("client.phone"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, "callback", clienttest.RequireFailure(t, err, salebot.OutcomeNotSent).Action)
		require.NotContains(t, s.actions, "callback")
	})
}

// What cannot work is refused before anything is written.
func TestSaveVariablesAndCallbackRefusesBadInput(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*salebot.SaveVariablesAndCallbackRequest){
		"Callback.ClientID": func(r *salebot.SaveVariablesAndCallbackRequest) {
			r.Callback.ClientID, r.Callback.Phone = 0, "79000000000"
		},
		"Message":         func(r *salebot.SaveVariablesAndCallbackRequest) { r.Callback.Message = "" },
		"At":              func(r *salebot.SaveVariablesAndCallbackRequest) { r.Callback.At = clienttest.Moment },
		"ReadBack[1]":     func(r *salebot.SaveVariablesAndCallbackRequest) { r.ReadBack = []string{"client.phone", "phone"} },
		"ReadBackTimeout": func(r *salebot.SaveVariablesAndCallbackRequest) { r.ReadBackTimeout = -1 },
		"Variables":       func(r *salebot.SaveVariablesAndCallbackRequest) { r.Variables = nil },
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			s := &recipeServer{}
			request := recipe()
			change(&request)
			_, err := clienttest.New(t, clienttest.MemoryAPI(s.serve)).SaveVariablesAndCallback(t.Context(), request)
			requireField(t, err, field)
			require.Empty(t, s.actions)
		})
	}
	_, err := new(salebot.Client).SaveVariablesAndCallback(t.Context(), recipe())
	require.ErrorIs(t, err, salebot.ErrNotInitialized)
}

// dialogue is a client's history, the newest message first.
func dialogue(items ...string) string {
	return `{"status":"success","result":[` + strings.Join(items, ",") + `]}`
}

// The two ways of checking whether a send arrived whose outcome is unknown.
func TestFindSent(t *testing.T) {
	t.Parallel()
	const (
		older    = `{"id":100,"text":"Hello","client_replica":false,"message_from_outside":1}`
		ours     = `{"id":200,"text":"Hello","client_replica":false,"message_from_outside":1}`
		theirs   = `{"id":201,"text":"Hello","client_replica":true,"message_from_outside":0}`
		callback = `{"id":202,"text":"callback paid","client_replica":true,"message_from_outside":3}`
		bare     = `{"id":"203","text":"paid","client_replica":"true","message_from_outside":"3"}`
		typed    = `{"id":204,"text":"paid","client_replica":true,"message_from_outside":0}`
		calling  = `{"id":205,"text":"callback me","client_replica":true,"message_from_outside":3}`
		spaced   = `{"id":206,"text":" Hello\n","client_replica":false}`
	)
	message := salebot.FindSentRequest{ClientID: 25554, Message: "Hello", After: 150}
	start := salebot.FindSentRequest{ClientID: 25554, Message: "paid", Callback: true}
	for name, test := range map[string]struct {
		sent    salebot.FindSentRequest
		history string
		want    salebot.MessageID
	}{
		"a message that arrived":                          {message, dialogue(ours, older), 200},
		"only an older one of the same text":              {message, dialogue(older), 0},
		"the same text from the client":                   {message, dialogue(theirs, older), 0},
		"behind later messages":                           {message, dialogue(typed, theirs, ours, older), 200},
		"an empty history":                                {message, dialogue(), 0},
		"a text with other space around it":               {message, dialogue(spaced), 206},
		"without a bound, an older one counts":            {salebot.FindSentRequest{ClientID: 25554, Message: "Hello"}, dialogue(older), 100},
		"a callback with the word before it":              {start, dialogue(callback), 202},
		"a callback without":                              {start, dialogue(bare), 203},
		"the client who types the same":                   {start, dialogue(typed), 0},
		"a callback is no message":                        {salebot.FindSentRequest{ClientID: 25554, Message: "paid"}, dialogue(bare, callback), 0},
		"a message is no callback":                        {salebot.FindSentRequest{ClientID: 25554, Message: "Hello", Callback: true}, dialogue(ours), 0},
		"a callback whose own text begins with that word": {salebot.FindSentRequest{ClientID: 25554, Message: "callback me", Callback: true}, dialogue(calling), 205},
		"a callback that is older":                        {salebot.FindSentRequest{ClientID: 25554, Message: "paid", Callback: true, After: 202}, dialogue(callback), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
				require.Equal(t, "get_history", call.Action)
				require.Equal(t, "client_id=25554&limit=100", call.Query.Encode())
				return http.StatusOK, test.history, nil
			}))
			item, err := client.FindSent(t.Context(), test.sent)
			require.NoError(t, err)
			if test.want == 0 {
				require.Nil(t, item)
				return
			}
			require.NotNil(t, item)
			require.Equal(t, test.want, item.ID)
		})
	}
}

// The whole recipe: note where the history stands, send, and look after an unknown
// outcome.
func TestFindSentAfterAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, executed := range map[string]bool{"executed": true, "not executed": false} {
		for kind, send := range map[string]func(context.Context, *salebot.Client) error{
			"message": func(ctx context.Context, c *salebot.Client) error {
				_, err := c.Message(ctx, salebot.MessageRequest{ClientID: 25554, Message: "Hello"})
				return err
			},
			"callback": func(ctx context.Context, c *salebot.Client) error {
				_, err := c.Callback(ctx, salebot.CallbackRequest{ClientID: 25554, Message: "Hello"})
				return err
			},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				history := []string{
					`{"id":11,"text":"callback Hello","client_replica":true,"message_from_outside":3}`, `{"id":10,"text":"Hello","client_replica":false,"message_from_outside":1}`,
				}
				sends := 0
				client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
					if call.Action == "get_history" {
						if call.Query.Get("limit") == "1" {
							return http.StatusOK, dialogue(history[0]), nil
						}
						return http.StatusOK, dialogue(history...), nil
					}
					sends++
					if executed {
						item := `{"id":12,"text":"Hello","client_replica":false,"message_from_outside":1}`
						if call.Action == "callback" {
							item = `{"id":12,"text":"callback Hello","client_replica":true,"message_from_outside":3}`
						}
						history = append([]string{item}, history...)
					}
					return 0, "", clienttest.ErrCable
				}))
				before, err := client.LatestMessageID(t.Context(), 25554)
				require.NoError(t, err)
				require.Equal(t, salebot.MessageID(11), before)
				err = send(t.Context(), client)
				clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
				require.Equal(t, 1, sends, "it was not repeated by itself")
				item, err := client.FindSent(t.Context(), salebot.FindSentRequest{ClientID: 25554, Message: "Hello", After: before, Callback: kind == "callback"})
				require.NoError(t, err)
				require.Equal(t, executed, item != nil)
				if executed {
					require.Equal(t, salebot.MessageID(12), item.ID)
				}
			})
		}
	}
}

// A chatty client does not make a message that was sent look as if it was not.
func TestFindSentLooksAsFarBackAsItHasTo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		later int
		found bool
	}{"on the first page": {50, true}, "behind the first page": {500, true}, "out of sight": {salebot.MaxHistory, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items := []string{`{"id":1,"text":"before","client_replica":true}`, `{"id":2,"text":"Hello","client_replica":false}`}
			for id := range test.later {
				items = append(items, fmt.Sprintf(`{"id":%d,"text":"and?","client_replica":true}`, id+3))
			}
			slices.Reverse(items)
			client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
				limit, err := strconv.Atoi(call.Query.Get("limit"))
				require.NoError(t, err)
				return http.StatusOK, dialogue(items[:min(limit, len(items))]...), nil
			}))
			item, err := client.FindSent(t.Context(), salebot.FindSentRequest{ClientID: 25554, Message: "Hello", After: 1})
			if !test.found {
				require.ErrorIs(t, err, salebot.ErrTruncated)
				require.Equal(t, 1, clienttest.RequireFailure(t, err, salebot.OutcomeAccepted).Attempts)
				require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
				return
			}
			require.NoError(t, err)
			require.NotNil(t, item)
			require.Equal(t, salebot.MessageID(2), item.ID)
		})
	}
}

// What is older than the bound is not read, however long the history is.
func TestFindSentStopsAtTheBound(t *testing.T) {
	t.Parallel()
	items := make([]string, salebot.MaxHistory+1)
	for i := range items {
		items[i] = fmt.Sprintf(`{"id":%d,"text":"and?","client_replica":true}`, len(items)-i)
	}
	requests := 0
	client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
		requests++
		limit, err := strconv.Atoi(call.Query.Get("limit"))
		require.NoError(t, err)
		return http.StatusOK, dialogue(items[:limit]...), nil
	}))
	item, err := client.FindSent(t.Context(), salebot.FindSentRequest{ClientID: 25554, Message: "Hello", After: salebot.MessageID(len(items) - 99)})
	require.NoError(t, err)
	require.Nil(t, item)
	require.Equal(t, 1, requests)
	_, err = client.FindSent(t.Context(), salebot.FindSentRequest{ClientID: 25554, Message: "Hello", After: salebot.MessageID(len(items) - 100)})
	require.NoError(t, err)
	require.Equal(t, 3, requests, "the bound stands just behind the first hundred")
}

// Not being able to look is not the same as not finding.
func TestFindSentThatFails(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		status int
		body   string
		is     error
	}{
		"no such client": {http.StatusNotFound, "client_not_found", salebot.ErrClientNotFound},
		"gateway":        {http.StatusBadGateway, "", salebot.ErrServer},
		"HTML":           {http.StatusOK, "<html></html>", salebot.ErrUnexpectedResponse},
		"no list":        {http.StatusOK, `{"status":"success"}`, salebot.ErrUnexpectedResponse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := always(t, fault.status, fault.body)
			item, err := client.FindSent(t.Context(), salebot.FindSentRequest{ClientID: 25554, Message: "Hello"})
			require.ErrorIs(t, err, fault.is)
			require.Nil(t, item)
			_, err = client.LatestMessageID(t.Context(), 25554)
			require.ErrorIs(t, err, fault.is)
		})
	}
	client := always(t, http.StatusOK, dialogue())
	id, err := client.LatestMessageID(t.Context(), 25554)
	require.NoError(t, err)
	require.Zero(t, id)
	_, err = client.FindSent(t.Context(), salebot.FindSentRequest{ClientID: 25554})
	requireField(t, err, "Message")
	_, err = client.FindSent(t.Context(), salebot.FindSentRequest{Message: "Hello"})
	requireField(t, err, "ClientID")
	_, err = client.LatestMessageID(t.Context(), 0)
	requireField(t, err, "ClientID")
	require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
}

// The deals of a client come in order, each with its own state and variables; one that is
// gone is left out, and one that cannot be read ends the list.
func TestOrderDetails(t *testing.T) {
	t.Parallel()
	gone, broken := 0, 0
	client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
		var body struct {
			ClientID int `json:"client_id"`
			OrderID  int `json:"order_id"`
		}
		switch call.Action {
		case "get_orders":
			require.Equal(t, "1", call.Query.Get("order_status"))
			return http.StatusOK, `{"status":"success","result":[13,11,12]}`, nil
		case "get_order_state":
			require.Equal(t, "7", call.Query.Get("client_id"))
			number, err := strconv.Atoi(call.Query.Get("order_id"))
			require.NoError(t, err)
			switch number {
			case gone:
				return http.StatusOK, fmt.Sprintf(`{"status":"order %d not found"}`, number), nil
			case broken:
				return http.StatusBadGateway, "", nil
			}
			return http.StatusOK, fmt.Sprintf(`{"status":"success","state_id":%d}`, number*10), nil
		}
		require.NoError(t, json.Unmarshal(call.Body, &body))
		return http.StatusOK, fmt.Sprintf(`{"status":"success","result":{"sum":"%d"}}`, body.OrderID*100), nil
	}), salebot.WithoutRetries())
	status := salebot.OrderStatusSuccessful
	list := func() ([]int, error) {
		details, err := client.GetOrderDetails(t.Context(), salebot.GetOrdersRequest{ClientID: 7, Status: &status})
		numbers := []int{}
		for _, order := range details {
			require.Equal(t, salebot.StateID(order.ID*10), order.StateID)
			require.Equal(t, strconv.Itoa(int(order.ID)*100), order.Variables.Text("sum"))
			numbers = append(numbers, int(order.ID))
		}
		return numbers, err
	}
	numbers, err := list()
	require.NoError(t, err)
	require.Equal(t, []int{13, 11, 12}, numbers)
	gone = 11
	numbers, err = list()
	require.NoError(t, err)
	require.Equal(t, []int{13, 12}, numbers)
	broken = 12
	numbers, err = list()
	require.ErrorIs(t, err, salebot.ErrServer)
	require.Equal(t, []int{13}, numbers)
	_, err = client.GetOrderDetails(t.Context(), salebot.GetOrdersRequest{})
	requireField(t, err, "ClientID")
}

// variablesServer has clients with the numbers 1 to total, whose variable n is their
// number, in pages of five. Variables take a second.
type variablesServer struct {
	total int
	// answers are those of special clients.
	answers map[salebot.ClientID]int

	mutex         sync.Mutex
	running, most int
	read          []salebot.ClientID
}

func (s *variablesServer) serve(call clienttest.MemoryCall) (int, string, error) {
	if call.Action == "get_clients" {
		offset, _ := strconv.Atoi(call.Query.Get("offset"))
		var items []string
		for i := offset; i < min(offset+5, s.total); i++ {
			items = append(items, fmt.Sprintf(`{"id":%d}`, i+1))
		}
		return http.StatusOK, `{"status":"success","clients":[` + strings.Join(items, ",") + `]}`, nil
	}
	number, _ := strconv.Atoi(call.Query.Get("client_id"))
	id := salebot.ClientID(number)
	s.mutex.Lock()
	s.running++
	s.most = max(s.most, s.running)
	s.read = append(s.read, id)
	answer, special := s.answers[id]
	s.mutex.Unlock()
	// The later ones are faster, so that they overtake each other.
	err := clienttest.Elapse(call.Ctx, time.Second+time.Duration(100-number)*time.Millisecond)
	s.mutex.Lock()
	s.running--
	s.mutex.Unlock()
	switch {
	case err != nil:
		return 0, "", err
	case special && answer == http.StatusNotFound:
		return answer, "client_not_found", nil
	case special:
		return answer, "", nil
	}
	return http.StatusOK, fmt.Sprintf(`{"n":%d}`, id), nil
}

func (s *variablesServer) iterate(t *testing.T, request salebot.ClientsWithVariablesRequest, take int) ([]salebot.ClientRecord, error) {
	t.Helper()
	request.Clients.PageSize = 5
	client := clienttest.New(t, clienttest.MemoryAPI(s.serve), salebot.WithoutRetries())
	var records []salebot.ClientRecord
	for record, err := range client.ClientsWithVariables(t.Context(), request) {
		if err != nil {
			return records, err
		}
		if records = append(records, record); len(records) == take {
			break
		}
	}
	return records, nil
}

// All clients come in order with their own variables, a bounded number at once.
func TestClientsWithVariables(t *testing.T) {
	t.Parallel()
	for inFlight, most := range map[int]int{0: salebot.DefaultVariablesInFlight, 1: 1, 7: 7} {
		testkit.Bubble(t, func(t *testing.T) {
			s := &variablesServer{total: 23}
			records, err := s.iterate(t, salebot.ClientsWithVariablesRequest{VariablesInFlight: inFlight}, 0)
			require.NoError(t, err)
			require.Len(t, records, 23)
			for i, record := range records {
				require.Equal(t, salebot.ClientID(i+1), record.ID)
				require.Equal(t, strconv.Itoa(i+1), record.Variables.Text("n"))
				require.Empty(t, record.Unread)
			}
			require.Equal(t, most, s.most)
		})
	}
}

// A failure names the client to go on with, and loses none before it; a client who is
// gone costs nothing but its variables.
func TestClientsWithVariablesGoOn(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := &variablesServer{total: 23, answers: map[salebot.ClientID]int{4: http.StatusNotFound, 9: http.StatusBadGateway}}
		first, err := s.iterate(t, salebot.ClientsWithVariablesRequest{}, 0)
		var page *salebot.PageError
		require.ErrorAs(t, err, &page)
		require.ErrorIs(t, err, salebot.ErrServer)
		require.Equal(t, 8, page.Position)
		require.Len(t, first, 8)
		require.Equal(t, []string{"variables"}, first[3].Unread)
		require.Zero(t, first[3].Variables.Len())

		delete(s.answers, 9)
		rest, err := s.iterate(t, salebot.ClientsWithVariablesRequest{Clients: salebot.ClientsRequest{Offset: page.Position}}, 0)
		require.NoError(t, err)
		require.Len(t, rest, 15)
		require.Equal(t, salebot.ClientID(9), rest[0].ID)
	})
}

// A loop that is left stops the requests, and reads little ahead.
func TestClientsWithVariablesStop(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := &variablesServer{total: 1000}
		records, err := s.iterate(t, salebot.ClientsWithVariablesRequest{VariablesInFlight: 3}, 2)
		require.NoError(t, err)
		require.Len(t, records, 2)
		require.LessOrEqual(t, len(s.read), 2+3)
		require.Zero(t, s.running)
	})
}

func TestClientsWithVariablesAreChecked(t *testing.T) {
	t.Parallel()
	s := &variablesServer{total: 3}
	for _, inFlight := range []int{-1, 65} {
		_, err := s.iterate(t, salebot.ClientsWithVariablesRequest{VariablesInFlight: inFlight}, 0)
		requireField(t, err, "VariablesInFlight")
	}
	_, err := s.iterate(t, salebot.ClientsWithVariablesRequest{Clients: salebot.ClientsRequest{Offset: -1}}, 0)
	requireField(t, err, "Offset")
	client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
	for _, err := range client.ClientsWithVariables(nil, salebot.ClientsWithVariablesRequest{}) { //nolint:staticcheck // this is what is tested
		requireField(t, err, "ctx")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failed := false
	for _, err := range client.ClientsWithVariables(ctx, salebot.ClientsWithVariablesRequest{}) {
		require.ErrorIs(t, err, context.Canceled)
		failed = true
	}
	require.True(t, failed, "it does not end as if there were no clients")
}
