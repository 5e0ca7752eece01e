package emulator_test

import (
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
	"github.com/salebot-go/salebot/internal/testkit"
)

const ann = salebot.ClientID(25554)

func withAnn() engine.Option {
	return engine.WithPerson(engine.Person{ID: ann, Name: "Ann", ClientType: salebot.ClientTypeTelegram})
}

func TestMessageReachesThePerson(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())

	ack, err := client.Message(t.Context(), salebot.MessageRequest{
		ClientID: ann, Message: "Hello",
		Buttons: salebot.Buttons{Hint: "Answer with a word", Lines: [][]salebot.Button{{salebot.ReplyButton("Yes"), salebot.ReplyButton("No")}}},
	})

	require.NoError(t, err)
	require.Equal(t, "ok", ack.Text())
	emulator.AssertMessage(t, ann, "Hello")
	emulator.AssertButton(t, ann, "No")
	emulator.AssertCalls(t, "message", 1)
	emulator.AssertNoCallbacks(t, ann)
}

func TestServerSpeaksTCP(t *testing.T) {
	t.Parallel()
	server := newServer(t, withAnn())
	client := server.Client(t)

	_, err := client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "paid", Variables: map[string]any{"sum": 100}})
	require.NoError(t, err)
	server.AssertCallback(t, ann, "paid")
	server.AssertVariable(t, ann, "sum", "100")
	server.AssertNoMessages(t, ann)
}

func TestScheduledSendsTakeNoTimeInABubble(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		client, emulator := newClient(t, withAnn())
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "Later", After: time.Hour})
		require.NoError(t, err)
		emulator.AssertScheduled(t, ann, "Later")
		<-time.After(time.Hour - time.Second)
		emulator.AssertNoMessages(t, ann)
		<-time.After(time.Second)
		synctest.Wait()
		emulator.AssertMessage(t, ann, "Later")
	})
}

func TestFaultsInABubble(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		client, emulator := newClient(t, withAnn())
		emulator.Fail(faults.Fault{Action: "get_variables", Status: 503, RetryAfter: 30 * time.Second})
		start := time.Now()
		_, err := client.GetVariables(t.Context(), ann)
		require.NoError(t, err)
		require.Equal(t, 30*time.Second, time.Since(start))

		emulator.Fail(faults.Fault{Action: "message", Reset: faults.ResetAfter})
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "Once"})
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		emulator.AssertMessage(t, ann, "Once")

		client.CloseIdleConnections()
		emulator.RefuseConnections(10)
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "Never"})
		var failed *salebot.OpError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, salebot.OutcomeNotSent, failed.Outcome)
	})
}

func TestWhoWatchesIsToldOfChanges(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())
	// A receiver that answers late, so that its answer is not what is told of.
	released := make(chan struct{})
	t.Cleanup(func() { close(released) })
	slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released })
	for name, change := range map[string]func(){
		"request": func() { _, _ = client.GetVariables(t.Context(), ann) },
		"writing": func() { _, _ = emulator.Write(ann, "hi") },
		"fault":   func() { emulator.Fail(faults.Fault{Status: 503}) },
		"reset":   func() { _ = emulator.Reset() },
		"state":   func() { _ = emulator.Restore(emulator.Snapshot()) },
		"clock":   func() { emulator.Advance(time.Second) },
		"answers": func() { _ = emulator.SetAnswers(engine.Answers{IDs: engine.IDsAsText}) },
		"webhook": func() { _ = emulator.SetWebhook(engine.Webhook{Handler: slow}) },
	} {
		changed := emulator.Changed()
		change()
		select {
		case <-changed:
		default:
			t.Error(name)
		}
	}
	require.NoError(t, emulator.SetWebhook(engine.Webhook{Handler: slow}))
	for name, change := range map[string]func() error{
		"delivery":   func() error { return emulator.PostToWebhook("text/plain", []byte("x")) },
		"redelivery": func() error { return emulator.Redeliver(emulator.DeliveriesBefore(0, 1)[0].Number) },
	} {
		if name == "redelivery" {
			require.NoError(t, emulator.PostToWebhook("text/plain", []byte("y")))
		}
		changed := emulator.Changed()
		require.NoError(t, change())
		select {
		case <-changed:
		default:
			t.Error(name)
		}
	}
}

func TestProjectOfOnesOwn(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn(),
		engine.WithProjectID(7),
		engine.WithEmployees(engine.Employee{ID: 1, Email: "boss@example.com"}),
		engine.WithStates(engine.State{ID: 5}, engine.State{ID: 3}),
		engine.WithChannels(engine.Channel{Messenger: "max", GroupID: "77"}, engine.Channel{Messenger: "telegram", GroupID: "my_bot", Disabled: true}),
		engine.WithBroadcastPace(0),
		engine.WithKeys(engine.Key{Value: "first", Name: "main key"}, engine.Key{Value: "second"}))
	channels, err := client.GetConnectedChannels(t.Context())
	require.NoError(t, err)
	require.Equal(t, salebot.ProjectID(7), channels.ProjectID)
	require.Equal(t, salebot.GroupID("77"), channels.Of("max")[0].GroupID)
	require.False(t, *channels.Of("telegram")[0].Enabled)
	require.Equal(t, emulator.Channels()[1].GroupID, emulator.GroupID(salebot.ClientTypeTelegram))

	order, err := client.CreateOrder(t.Context(), salebot.CreateOrderRequest{ClientID: ann})
	require.NoError(t, err)
	state, err := client.MoveOrderToNextState(t.Context(), salebot.MoveOrderToNextStateRequest{ClientID: ann, OrderID: order})
	require.NoError(t, err)
	require.Equal(t, salebot.StateID(3), state, "the states stand in their order")

	_, err = client.Broadcast(t.Context(), salebot.BroadcastRequest{Clients: []salebot.ClientID{ann, ann}, Message: "hi"})
	require.NoError(t, err)
	require.Len(t, emulator.Messages(ann), 2)
	require.Equal(t, 200, sendWithKey(t, emulator, "second", "GET", "get_clients", "", "").status)
	seen := emulator.Requests()
	require.Equal(t, "main key", seen[0].Key)
	require.Equal(t, "key 2", seen[len(seen)-1].Key)
	require.Equal(t, "/api/{api_key}/get_clients", seen[len(seen)-1].Path())
}

func TestBroadcastsThatReachNobody(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	for _, audience := range []string{`"platform_ids":["1"]`, `"list":9`, `"clients":[1]`, `"platform_ids":["1"],"group_id":"x"`} {
		require.Equal(t, "ok", post(t, emulator, "broadcast", `{"message":"hi",`+audience+`}`).body)
	}
	emulator.AssertNoMessages(t, ann)
	require.NotEmpty(t, emulator.Requests()[0].Notes)
}
