package emulator_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// What a person changes by hand is there for programs at once.
func TestChangesByHand(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withFlow(), engine.WithPerson(engine.Person{ID: 1, ClientType: 1, Variables: map[string]any{"client.city": "Riga", "loose": 1}}))
	require.NoError(t, emulator.SetVariables(1, map[string]*string{"client.city": new("Tartu"), "loose": nil, "client.gone": nil}))
	require.Equal(t, map[string]string{"client.city": "Tartu"}, emulator.Variables(1))
	require.ErrorContains(t, emulator.SetVariables(2, nil), "no client 2")

	id, err := emulator.AddOrder(engine.Order{ClientID: 1, Name: "first"})
	require.NoError(t, err)
	_, err = emulator.AddOrder(engine.Order{ClientID: 2})
	require.ErrorContains(t, err, "no client 2")
	require.NoError(t, emulator.ChangeOrder(id, engine.OrderChange{
		Name: new("renamed"), Description: new("about"), Budget: new(5.5), StateID: new(salebot.StateID(37)),
		Status: new(salebot.OrderStatusFailed), Variables: map[string]*string{"a": new("1"), "b": nil},
	}))
	order := emulator.Orders(1)[0]
	require.Equal(t, "renamed", order.Name)
	require.Equal(t, "about", order.Description)
	require.Equal(t, salebot.StateID(37), order.StateID)
	require.Equal(t, salebot.OrderStatusFailed, order.Status)
	require.Len(t, order.Variables, 1)
	require.NoError(t, emulator.ChangeOrder(id, engine.OrderChange{}), "nothing changes")
	require.ErrorContains(t, emulator.ChangeOrder(id, engine.OrderChange{StateID: new(salebot.StateID(9))}), "no state 9")
	require.ErrorContains(t, emulator.ChangeOrder(99, engine.OrderChange{}), "no deal 99")

	require.Len(t, emulator.Blocks(), 3)
	require.Equal(t, engine.DefaultEmployees(), emulator.Employees())
	written, err := emulator.Write(1, "hi")
	require.NoError(t, err)
	found, ok := emulator.LookupMessage(written.ID)
	require.True(t, ok)
	require.Equal(t, written, found)
	_, ok = emulator.LookupMessage(1)
	require.False(t, ok)

	require.True(t, emulator.DeleteClient(1))
	require.False(t, emulator.DeleteClient(1))
	require.Empty(t, emulator.Orders(1))
}

// Whatever is wrong with a project that a person wrote is found at once, with its
// place.
func TestMistakesOfAProject(t *testing.T) {
	t.Parallel()
	project := engine.Project{
		ClockOffset: -1,
		Channels:    []engine.Channel{{Messenger: "telegramm"}},
		Blocks: []engine.Block{
			{ID: 1, Condition: "a", Answer: "#{x y}", Hint: "#{1}", Buttons: []engine.Button{{Text: "#{a.b}", Type: "odd"}}},
			{ID: 1, Condition: " A ", Fallback: true, Attachments: []engine.Attachment{{Type: "odd", URL: "#{}"}}},
			{ID: -1, Condition: "#{a}", Fallback: true, Request: &engine.BlockRequest{
				URL: "x", Method: "odd", Body: "#{ }", Header: map[string]string{"a b": "#{-}"},
			}},
		},
		Clients: []engine.PersonState{
			{Person: engine.Person{ID: 5, ClientType: 99}, History: []engine.Message{{Attachments: []engine.Attachment{{Type: "odd"}}}}},
			{Person: engine.Person{ID: 5, ClientType: 1}},
		},
		Lists:  []engine.List{{ID: 1, Clients: []salebot.ClientID{5, 6}}},
		Orders: []engine.Order{{ClientID: 6}, {ID: 1, ClientID: 5}, {ID: 1, ClientID: 5}},
	}
	err := project.Validate()
	var places []string
	for line := range strings.Lines(err.Error()) {
		place, _, _ := strings.Cut(line, ": ")
		places = append(places, place)
	}
	require.ElementsMatch(t, []string{
		"clock_offset", "channels[0].messenger",
		"blocks[0].answer", "blocks[0].hint", "blocks[0].buttons[0].text", "blocks[0].buttons[0].type",
		"blocks[1].condition", "blocks[1].attachments[0].type", "blocks[1].attachments[0].url", "blocks[1].id",
		"blocks[2].condition", "blocks[2].fallback", "blocks[2].id", "blocks[2].request.url", "blocks[2].request.method",
		"blocks[2].request.body", "blocks[2].request.header", "blocks[2].request.header",
		"clients[0].client_type", "clients[0].history[0].attachments[0].type", "clients[1]",
		"lists[0].clients[1]", "orders[0].client_id", "orders[2].id",
	}, places)
	mistake, ok := errors.AsType[*engine.ProjectError](err)
	require.True(t, ok)
	require.NotEmpty(t, mistake.Problem)
	wrongVersion := engine.Project{Version: 9}
	require.ErrorContains(t, wrongVersion.Validate(), "version 9")
	require.NoError(t, (&engine.Project{}).Validate())

	// What an emulator was led to by programs is no mistake.
	emulator := newEmulator(t, engine.WithPerson(engine.Person{ID: 1, ClientType: 1}))
	post(t, emulator, "message", `{"client_id":1,"message":"x","attachment_type":"odd","attachment_url":"https://example.com"}`)
	post(t, emulator, "load_clients", `[{"platform_id":"1","group_id":"g","client_type":77}]`)
	snapshot := emulator.Snapshot()
	require.NoError(t, snapshot.Validate())
}
