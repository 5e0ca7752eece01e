package salebottest_test

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

const ann = salebot.ClientID(25554)

func withAnn() salebottest.Option {
	return salebottest.WithClient(salebottest.Client{ID: ann, Name: "Ann", ClientType: salebot.ClientTypeTelegram})
}

func TestMessageReachesThePerson(t *testing.T) {
	t.Parallel()
	client, emulator := salebottest.NewClient(t, withAnn())

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
	server := salebottest.NewServer(t, withAnn())
	client := server.Client(t)

	_, err := client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "paid", Variables: map[string]any{"sum": 100}})
	require.NoError(t, err)
	server.AssertCallback(t, ann, "paid")
	server.AssertVariable(t, ann, "sum", "100")
	server.AssertNoMessages(t, ann)
}

func TestScheduledSendsTakeNoTimeInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, emulator := salebottest.NewClient(t, withAnn())
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
	synctest.Test(t, func(t *testing.T) {
		client, emulator := salebottest.NewClient(t, withAnn())
		emulator.Fail(salebottest.Fault{Action: "get_variables", Status: 503, RetryAfter: 30 * time.Second})
		start := time.Now()
		_, err := client.GetVariables(t.Context(), ann)
		require.NoError(t, err)
		require.Equal(t, 30*time.Second, time.Since(start))

		emulator.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
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
