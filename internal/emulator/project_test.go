package emulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
	"github.com/salebot-go/salebot/internal/testkit"
)

// steps are things that can happen to a project.
var steps = []func(*rapid.T, *double, func(path, body string)){
	func(t *rapid.T, _ *double, call func(string, string)) {
		call("load_clients", fmt.Sprintf(`[{"platform_id":%d,"group_id":"my_shop_bot","client_type":%d}]`,
			rapid.IntRange(1, 5).Draw(t, "platform"), rapid.SampledFrom([]int{0, 1, 6, 14}).Draw(t, "type")))
	},
	func(t *rapid.T, _ *double, call func(string, string)) {
		call("message", fmt.Sprintf(`{"client_id":%d,"message":%q,"time_shift":%d,"buttons":[{"text":"Yes"}]}`,
			anyClient(t), rapid.StringMatching(`[a-zа-я"<]{1,5}`).Draw(t, "text"), rapid.SampledFrom([]int{0, 60, 7200}).Draw(t, "delay")))
	},
	func(t *rapid.T, _ *double, call func(string, string)) {
		call("callback", fmt.Sprintf(`{"client_id":%d,"message":"go","extra":%d,"time_shift":%d}`,
			anyClient(t), rapid.Int64().Draw(t, "extra"), rapid.SampledFrom([]int{0, 60}).Draw(t, "delay")))
	},
	func(t *rapid.T, _ *double, call func(string, string)) {
		call("save_variables", fmt.Sprintf(`{"client_id":%d,"variables":{%q:%s}}`, anyClient(t),
			rapid.SampledFrom([]string{"client.name", "client.город", "sum", "date"}).Draw(t, "name"),
			rapid.SampledFrom([]string{`1`, `"text"`, `null`, `9007199254740993`, `1.5`, `{"a":[1]}`, `""`}).Draw(t, "value")))
	},
	func(t *rapid.T, _ *double, call func(string, string)) {
		call(rapid.SampledFrom([]string{"add_to_list", "remove_from_list"}).Draw(t, "action"),
			fmt.Sprintf(`{"list_id":%d,"clients":[%d,%d]}`, rapid.IntRange(1, 3).Draw(t, "list"), anyClient(t), anyClient(t)))
	},
	func(t *rapid.T, _ *double, call func(string, string)) {
		call("create_order", fmt.Sprintf(`{"client_id":%d,"name":"Deal","budget":%d}`, anyClient(t), rapid.IntRange(0, 9).Draw(t, "budget")))
	},
	func(t *rapid.T, e *double, _ func(string, string)) {
		e.SetOrderStatus(salebot.OrderID(7_000_000+rapid.IntRange(1, 5).Draw(t, "order")), salebot.OrderStatus(rapid.IntRange(0, 2).Draw(t, "status")))
	},
	func(t *rapid.T, e *double, _ func(string, string)) {
		_, _ = e.Write(anyClient(t), "go", engine.Attachment{Type: "image", URL: "https://example.com"})
	},
	func(t *rapid.T, e *double, _ func(string, string)) {
		_, _ = e.WriteAsEmployee(anyClient(t), "operator@example.com", "Hello")
	},
	func(t *rapid.T, _ *double, call func(string, string)) {
		call("delete_clients", fmt.Sprintf(`{"client_ids":[%d]}`, anyClient(t)))
	},
	func(t *rapid.T, e *double, _ func(string, string)) {
		e.Advance(time.Duration(rapid.IntRange(0, 90).Draw(t, "minutes")) * time.Minute)
	},
}

func anyClient(t *rapid.T) salebot.ClientID {
	return salebot.ClientID(836_000_000 + rapid.IntRange(1, 5).Draw(t, "client"))
}

// TestSnapshotsKeepEverything takes the state after any sequence of steps over to
// another emulator, through JSON; what waits for its time must go on there.
func TestSnapshotsKeepEverything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		clock := &stoppedClock{at: time.Date(2026, 5, 28, 12, 0, 0, 0, time.UTC)}
		block := engine.Block{ID: 5, Condition: "go", Answer: "Went", Buttons: []engine.Button{{Text: "Again"}}}
		first := openEmulator(engine.WithClock(clock), engine.WithBlocks(block), engine.WithoutWhatsApp("1"))
		defer first.Close()
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			step := rapid.SampledFrom(steps).Draw(t, "step")
			step(t, first, func(path, body string) { callHandler(t, first, path, body) })
		}
		text, err := json.Marshal(first.Snapshot())
		require.NoError(t, err)

		var state engine.Project
		require.NoError(t, json.Unmarshal(text, &state))
		second := openEmulator(engine.WithClock(clock), engine.WithProject(state))
		defer second.Close()
		require.Equal(t, first.Now(), second.Now())
		again, err := json.Marshal(second.Snapshot())
		require.NoError(t, err)
		require.JSONEq(t, string(text), string(again))

		first.Advance(3 * time.Hour)
		second.Advance(3 * time.Hour)
		require.Equal(t, first.Snapshot(), second.Snapshot())
	})
}

func callHandler(t require.TestingT, e *double, path, body string) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, engine.BaseURL+"/"+e.Key()+"/"+path, strings.NewReader(body))
	require.NoError(t, err)
	e.ServeHTTP(discard{http.Header{}}, r)
}

func TestResetAndRestore(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn(), withFlow())
	beginning := emulator.Snapshot()
	_, err := emulator.Write(ann, "menu")
	require.NoError(t, err)
	emulator.Fail(faults.Fault{Status: 500})
	later := emulator.Snapshot()
	require.NoError(t, emulator.Reset())
	require.Empty(t, emulator.History(ann))
	require.Empty(t, emulator.Requests())
	require.Empty(t, emulator.Faults())
	fresh := emulator.Snapshot()
	require.Len(t, fresh.Clients, len(beginning.Clients))

	require.NoError(t, emulator.Restore(later))
	require.Len(t, emulator.History(ann), 2)
	require.NoError(t, hello(t, emulator.Client(t)))
	require.Greater(t, emulator.History(ann)[2].ID, emulator.History(ann)[1].ID)

	broken := later
	broken.Orders = []engine.Order{{ClientID: 1}}
	require.Error(t, emulator.Restore(broken))
	require.Len(t, emulator.History(ann), 3, "what cannot be restored changes nothing")
}

func TestTheClockIsPartOfTheState(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulator := newEmulator(t, withAnn())
		start := emulator.Now()
		emulator.Advance(24 * time.Hour)
		require.Equal(t, "ok", post(t, emulator, "message", `{"client_id":25554,"message":"later","time_shift":3600}`).body)
		later := emulator.Snapshot()
		text, err := json.Marshal(later)
		require.NoError(t, err)
		require.Contains(t, string(text), `"clock_offset":"24h0m0s"`)

		restored, seeded := newEmulator(t), newEmulator(t, engine.WithProject(later))
		require.NoError(t, restored.Restore(later))
		for _, other := range []*double{restored, seeded} {
			require.Equal(t, start.Add(24*time.Hour), other.Now())
			other.AssertScheduled(t, ann, "later")
		}
		seeded.Advance(time.Hour)
		require.NoError(t, seeded.Reset())
		require.Equal(t, start.Add(24*time.Hour), seeded.Now(), "the beginning is that of the seed")

		require.NoError(t, emulator.Reset())
		require.Equal(t, start, emulator.Now(), "the clock begins anew too")
		text, err = json.Marshal(emulator.Snapshot())
		require.NoError(t, err)
		require.NotContains(t, string(text), "clock_offset")

		old := later
		old.ClockOffset = 0
		require.NoError(t, emulator.Restore(old))
		require.Equal(t, start, emulator.Now(), "a state without an offset has none")
		require.NoError(t, emulator.Restore(later))
		_, err = emulator.WaitForMessage(t.Context(), ann, nil)
		require.NoError(t, err)
		require.Equal(t, time.Hour, time.Since(start), "what waits is nearer than it was with the clock before")

		old = engine.Project{Clients: []engine.PersonState{{Person: engine.Person{ID: ann}}}, ClockOffset: later.ClockOffset}
		require.NoError(t, emulator.Restore(old))
		require.WithinDuration(t, emulator.Now(), emulator.People()[0].CreatedAt, 0)
		emulator.Advance(math.MaxInt64)
		emulator.Advance(math.MaxInt64)
		require.NoError(t, emulator.Restore(emulator.Snapshot()), "the clock does not run over")

		old.ClockOffset = -1
		require.ErrorContains(t, emulator.Restore(old), "clock_offset")
	})
}

func TestErrorsForThoseWhoWriteNoGo(t *testing.T) {
	t.Parallel()
	broken := engine.Project{Orders: []engine.Order{{ID: 5, ClientID: 1}}}
	_, err := engine.Open(engine.WithProject(broken))
	require.EqualError(t, err, "orders[0].client_id: there is no client 1")
	require.EqualError(t, newEmulator(t).Restore(broken), "orders[0].client_id: there is no client 1")
	require.EqualError(t, json.Unmarshal([]byte("[]"), &broken), "a project is an object, and its clients are a list")
	_, err = engine.Open(engine.WithMaxBodySize(0))
	require.EqualError(t, err, "WithMaxBodySize: must be positive and at most 2 GiB")
}

func TestFilesOfAProject(t *testing.T) {
	t.Parallel()
	var state engine.Project
	require.NoError(t, json.Unmarshal([]byte(`{
		"channels": [{"messenger": "telegram", "group_id": "my_bot"}],
		"blocks": [{"id": 5, "condition": "menu", "answer": "Hello", "buttons": [{"text": "Yes"}]}],
		"clients": [{"id": 5, "client_type": 1, "name": "Ann", "variables": {"client.id": 9007199254740993}, "lists": [7],
			"history": [{"text": "hi", "from_client": true}]}],
		"orders": [{"client_id": 5, "name": "Shoes"}],
		"scheduled": [{"due": "2100-01-01T00:00:00Z", "action": "message", "client_id": 5, "text": "later"}]
	}`), &state))
	emulator := newEmulator(t, engine.WithProject(state))
	emulator.AssertVariable(t, 5, "client.id", "9007199254740993")
	require.Equal(t, salebot.GroupID("my_bot"), emulator.People()[0].GroupID)
	require.Equal(t, []salebot.ClientID{5}, emulator.ListMembers(7))
	require.Equal(t, "hi", emulator.History(5)[0].Text)
	require.Equal(t, salebot.StateID(36), emulator.Orders(5)[0].StateID)
	emulator.AssertScheduled(t, 5, "later")
	_, err := emulator.Write(5, "menu")
	require.NoError(t, err)
	emulator.AssertButton(t, 5, "Yes")

	require.ErrorContains(t, json.Unmarshal([]byte(`{"clients":[{"id":5,"nickname":"Ann"}]}`), &state), "nickname")
	require.Error(t, json.Unmarshal([]byte(`{"clients":[{"id":5`), &state))
	require.Error(t, json.Unmarshal([]byte(`[]`), &state))
}

func TestOptionsAddToAProject(t *testing.T) {
	t.Parallel()
	state := engine.WithProject(engine.Project{
		Channels: []engine.Channel{{Messenger: "telegram", GroupID: "my_bot"}},
		Clients:  []engine.PersonState{{Person: engine.Person{ID: 5}}},
	})
	for _, options := range [][]engine.Option{{state, withAnn()}, {withAnn(), state}} {
		emulator := newEmulator(t, options...)
		require.Len(t, emulator.People(), 2)
		require.Equal(t, salebot.GroupID("my_bot"), emulator.GroupID(salebot.ClientTypeTelegram))
	}
}

func TestProjectsInJSON(t *testing.T) {
	t.Parallel()
	for text, clients := range map[string]int{
		`null`: 0, `{}`: 0, `{"clients":null}`: 0, `{"clients":[]}`: 0, `{"clients":[{"client_type":1}],"id":7}`: 1,
		` {"id":7,"clients":[{"client_type":1,"history":[{"text":"a"}]},{"client_type":0}]} `: 2,
		`{"Clients":[{"client_type":1}]}`: 1,
	} {
		var state engine.Project
		require.NoError(t, json.Unmarshal([]byte(text), &state), text)
		require.Len(t, state.Clients, clients, text)
	}
	for text, words := range map[string]string{
		`[]`: "an object", `5`: "an object", `{"clients":{}}`: "list", `{"clients":5}`: "list", `{"clients":[5]}`: "clients[0]",
		`{"clients":[{},{"name":"Ann","names":"x"}]}`: `clients[1]: json: unknown field "names"`,
		`{"clients":[{"history":[{"txt":"a"}]}]}`:     `unknown field "txt"`,
		`{"client":[]}`: `unknown field "client"`,
	} {
		var state engine.Project
		require.ErrorContains(t, json.Unmarshal([]byte(text), &state), words, text)
	}
	for _, text := range []string{``, `{`, `{"clients":[`, `{"clients":[{}`, `{"clients":[]}x`, `{"id":7}{}`, `{"id"}`} {
		require.Error(t, new(engine.Project).UnmarshalJSON([]byte(text)), text)
	}
	var state engine.Project
	require.NoError(t, json.Unmarshal([]byte(`{"clients":[{"variables":{"a":12345678901234567890}}]}`), &state))
	require.Equal(t, json.Number("12345678901234567890"), state.Clients[0].Variables["a"])
}
