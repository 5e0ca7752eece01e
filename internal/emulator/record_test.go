package emulator_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// records keeps what a journal is told.
type records [][]byte

func (r *records) Change(record []byte) { *r = append(*r, slices.Clone(record)) }

func (r *records) Replace(state iter.Seq[[]byte]) {
	*r = nil
	for record := range state {
		r.Change(record)
	}
}

// replayed is the state that records describe.
func replayed(t *testing.T, all [][]byte, options ...engine.Option) engine.Project {
	t.Helper()
	fresh := newEmulator(t, options...)
	replay := fresh.NewReplay()
	for _, record := range all {
		require.True(t, json.Valid(record), "%s", record)
		require.NoError(t, replay.Take(record), "%s", record)
	}
	replay.End(nil)
	return fresh.Snapshot()
}

// Whatever programs and people do, in any order, the records describe the state:
// those since the beginning, and those of a later moment with changes of before and
// after it.
func TestRecordsDescribeTheState(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			emulator := newEmulator(t, append(recordedProject(), engine.WithMaxMessages(int(seed%3)*7))...)
			var told records
			emulator.SetJournal(&told)
			for step := range 250 {
				act(t, random, emulator)
				if step%100 != 50 {
					continue
				}
				// As when a file is written again from its start: the changes from the
				// beginning of the records on are repeated after them.
				from := len(told)
				var state records
				for record := range emulator.Records() {
					state.Change(record)
					act(t, random, emulator)
				}
				if from > len(told) {
					continue // everything was replaced
				}
				requireSame(t, emulator, append(state, told[from:]...))
			}
			requireSame(t, emulator, told)
		})
	}
}

func requireSame(t *testing.T, emulator *double, told [][]byte) {
	t.Helper()
	// Sends that are due are made by whoever asks for the state.
	now := emulator.Snapshot()
	maxMessages := engine.WithMaxMessages(emulator.MaxMessages())
	require.Equal(t, normal(t, now), normal(t, replayed(t, told, maxMessages)))
}

func normal(t *testing.T, state engine.Project) string {
	t.Helper()
	text, err := json.MarshalIndent(state, "", " ")
	require.NoError(t, err)
	return string(text)
}

func recordedProject() []engine.Option {
	return []engine.Option{
		engine.WithBlocks(
			engine.Block{ID: 1, Condition: "/start", Answer: "Hello", Buttons: []engine.Button{{Text: "Go"}}},
			engine.Block{ID: 2, Condition: "Go", Answer: "Gone", Attachments: []engine.Attachment{{Type: "image", URL: "https://example.com/a.png"}}},
		),
		engine.WithPeople(
			engine.Person{ID: 1, ClientType: 1, PlatformID: "p1", Lists: []salebot.ListID{1}, Variables: map[string]any{"client.a": 1, "b": "x"}},
			engine.Person{ID: 2, ClientType: 6, PlatformID: "79000000002"},
			engine.Person{ID: 3, ClientType: 1, PlatformID: "p3", Unreachable: "blocked"},
		),
		engine.WithOrders(engine.Order{ClientID: 1, Variables: map[string]any{"c": 1.5}}),
	}
}

// act does something that may change the state.
func act(t *testing.T, random *rand.Rand, emulator *double) {
	t.Helper()
	id := salebot.ClientID(1 + random.IntN(5))
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	switch random.IntN(14) {
	case 0:
		_, _ = emulator.Write(id, pick("/start", "Go", "text \" \u2028 \x01", ""))
	case 1:
		_, _ = emulator.WriteAsEmployee(id, "operator@example.com", "an answer")
	case 2:
		emulator.SetPaused(id, random.IntN(2) == 0)
		emulator.SetReachable(id, pick("", "blocked"))
	case 3:
		emulator.Advance(time.Duration(random.IntN(100)) * time.Second)
	case 4:
		if orders := emulator.Orders(id); len(orders) > 0 {
			emulator.SetOrderStatus(orders[0].ID, salebot.OrderStatus(random.IntN(3)))
		}
	case 5:
		_, _ = emulator.AddPerson(engine.Person{ID: id, ClientType: 1, PlatformID: salebot.PlatformID(pick("p1", "p2", "p3"))})
	case 6:
		if random.IntN(20) == 0 {
			require.NoError(t, emulator.Reset())
		} else if random.IntN(20) == 0 {
			require.NoError(t, emulator.Restore(emulator.Snapshot()))
		}
	default:
		all := action.All()
		row := all[random.IntN(len(all))]
		if random.IntN(8) == 0 {
			row = action.Lookup(pick("set_order_state", "create_order", "move_order_to_next_state"))
		}
		body := map[string]any{}
		for name, values := range map[string][]any{
			"client_id": {id, id, id, 99}, "client_ids": {[]any{id}}, "clients": {[]any{id, 2}}, "message": {"/start", "Go", "x"},
			"variables": {map[string]any{"client.a": random.IntN(3), "b": nil, "client.name": "Ann"}}, "list_id": {1, 2}, "list": {1, 2},
			"user_id": {"p1", "p9"}, "group_id": {"my_shop_bot"}, "phone": {"79000000002", "79000000009"}, "email": {"a@example.com"},
			"time_shift": {nil, nil, 0, 30, 5000}, "order_id": {nil}, "state_id": {36, 37}, "resume_bot": {true, false}, "extra": {"e", 12345678901234567890.0},
			"platform_id": {"p1", "p7"}, "client_type": {1, 6}, "recipient": {"r1", "r2"}, "name": {"Bob", nil}, "budget": {1.25, nil},
			"message_id": {nil, nil, 1, 2}, "attachment_type": {nil, "image"}, "attachment_url": {nil, "https://example.com/b.png"},
			"callback_text": {"Go"}, "platform_ids": {[]any{"p1", "p3"}}, "buttons": {nil, []any{map[string]any{"text": "Go"}}}, "shift": {nil, 0, 3},
		} {
			if value := values[random.IntN(len(values))]; value != nil && (row.Takes(name) || row.Name == "callback" && name == "extra") {
				body[name] = value
			}
		}
		text, err := json.Marshal(body)
		require.NoError(t, err)
		if row.Name == "load_clients" {
			text = []byte("[" + string(text) + "]")
		}
		if row.Name == "delete_clients" && random.IntN(3) > 0 {
			return
		}
		method := http.MethodPost
		if !row.Accepts(method) {
			method = http.MethodGet
		}
		address := row.Name
		if method == http.MethodGet && body["client_id"] != nil {
			address += fmt.Sprint("?client_id=", body["client_id"])
		}
		send(t, emulator, method, address, "application/json", string(text))
	}
}

// A record that is damaged is an error and no half of a state.
func TestRecordsThatAreNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, record := range []string{
		``, `{}`, `[]`, `[1]`, `["unknown",1]`, `["unknown"]`, `["client"]`, `["client",[]]`, `["history"]`, `["history","x"]`, `["next",1]`,
		`["sent","x"]`, `["waiting",1]`, `["project",{"clientz":[]}]`, `["project",{"version":2}]`, `["change",["unknown",1]]`, `["clock"]`,
	} {
		require.Error(t, newEmulator(t).NewReplay().Take([]byte(record)), record)
	}
	replay := newEmulator(t).NewReplay()
	require.NoError(t, replay.Take([]byte(`["client",{"id":1,"client_type":1}]`)))
	for _, record := range []string{`["said",1]`, `["said",1,[1]]`, `["said",1,[1,2,"in",3.5,"x"]]`, `["history",1,{}]`, `["said",1,[1,2,"in","x",0,0,[]]]`} {
		require.Error(t, replay.Take([]byte(record)), record)
	}
	require.NoError(t, replay.Take([]byte(`["change"]`)))
	require.NoError(t, replay.Take([]byte(`["said",7,[1,2,"in","x"]]`)), "of a client that is gone")
}

// A file of a million messages is read with little more than their texts.
//
//nolint:paralleltest // it counts allocations
func TestReplayAllocsAreFew(t *testing.T) {
	record := []byte(`["change",["client",{"id":1,"client_type":1,"platform_id":"p"}],["history",1`)
	for i := range 1000 {
		record = fmt.Appendf(record, `,[%d,1767225600000000,"in","Message %d"]`, i+1, i)
	}
	record = append(record, "]]"...)
	emulator := newEmulator(t)
	allocations := testing.AllocsPerRun(10, func() {
		if err := emulator.NewReplay().Take(record); err != nil {
			t.Error(err)
		}
	})
	require.Less(t, allocations, 1150.0, "for a thousand messages")
}
