package emulator_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

func withFlow() engine.Option {
	return engine.WithBlocks(
		engine.Block{ID: 1, Condition: "menu", Answer: "What would you like?", Buttons: []engine.Button{
			{Text: "Prices"}, {Text: "My number", Type: "phone"}, {Text: "Site", Type: "inline", URL: "https://example.com"},
		}},
		engine.Block{ID: 2, Condition: "Prices", Answer: "From 5"},
		engine.Block{ID: 3, Condition: "order_paid", Answer: "Thank you"},
	)
}

func TestFlowAnswers(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn(), withFlow())
	_, err := emulator.Write(ann, "hello?")
	require.NoError(t, err)
	emulator.AssertNoMessages(t, ann)
	_, err = emulator.Write(ann, " Menu ")
	require.NoError(t, err)
	emulator.AssertMessage(t, ann, "What would you like?")
	emulator.AssertButton(t, ann, "Prices")
	pressed, err := emulator.Press(ann, "Prices")
	require.NoError(t, err)
	require.Equal(t, "Prices", pressed.Text)
	emulator.AssertMessage(t, ann, "From 5")
	state, _ := emulator.LookupPerson(ann)
	require.Equal(t, salebot.BlockID(2), state.BlockID)
	_, err = client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "order_paid"})
	require.NoError(t, err)
	emulator.AssertMessage(t, ann, "Thank you")

	shared, err := emulator.Press(ann, "My number")
	require.NoError(t, err)
	require.Equal(t, []engine.Attachment{{PhoneNumber: "79000000000"}}, shared.Attachments)
	_, err = emulator.Press(ann, "Site")
	require.ErrorContains(t, err, "opens something outside")
	_, err = emulator.Press(ann, "Nothing")
	require.ErrorContains(t, err, `["Prices" "My number" "Site"]`)

	items, err := client.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: ann, Limit: 2})
	require.NoError(t, err)
	require.Empty(t, items[0].Text)
	require.Equal(t, salebot.BlockID(3), items[1].BlockID)
	require.Equal(t, salebot.HistoryOriginOrdinary, items[1].Origin)
}

func TestPausedBotKeepsQuiet(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withFlow(),
		engine.WithPerson(engine.Person{ID: ann, ClientType: salebot.ClientTypeTelegram, Paused: true}))
	_, err := client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "order_paid"})
	require.NoError(t, err)
	emulator.AssertNoMessages(t, ann)
	_, err = client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "order_paid", ResumeBot: true})
	require.NoError(t, err)
	emulator.AssertMessage(t, ann, "Thank you")
}

func TestMessagesThatCannotBeDelivered(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withBob(), engine.WithoutWhatsApp("79000000000"),
		engine.WithPerson(engine.Person{ID: ann, ClientType: salebot.ClientTypeTelegram, Unreachable: "bot was blocked by the user"}))
	for id, failure := range map[salebot.ClientID]string{ann: "bot was blocked by the user", bob: "the number has no WhatsApp"} {
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: id, Message: "hi"})
		require.NoError(t, err)
		emulator.AssertNoMessages(t, id)
		items, err := client.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: id})
		require.NoError(t, err)
		require.False(t, items[0].Delivered)
		require.Equal(t, failure, items[0].ErrorMessage)
	}
}

func TestActingForNobody(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	_, err := emulator.Write(1, "hi")
	require.EqualError(t, err, "there is no client 1")
	_, err = emulator.Press(1, "hi")
	require.Error(t, err)
	_, err = emulator.WriteAsEmployee(1, "operator@example.com", "hi")
	require.Error(t, err)
	_, err = emulator.WriteAsEmployee(ann, "stranger@example.com", "hi")
	require.EqualError(t, err, `there is no employee "stranger@example.com"`)
	_, ok := emulator.LookupPerson(1)
	require.False(t, ok)
	require.Empty(t, emulator.Variables(1))
	require.Empty(t, emulator.Orders(1))
}
