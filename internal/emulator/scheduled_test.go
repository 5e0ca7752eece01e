package emulator_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

func TestSendTimeIsInTheProjectsLocation(t *testing.T) {
	t.Parallel()
	riga, err := time.LoadLocation("Europe/Riga")
	require.NoError(t, err)
	testkit.Bubble(t, func(t *testing.T) {
		emulator := openEmulator(withAnn(), engine.WithLocation(riga))
		client := emulator.Client(t, salebot.WithProjectLocation(riga))
		at := time.Now().Add(90 * time.Minute)
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "At", At: at})
		require.NoError(t, err)
		require.True(t, emulator.Scheduled()[0].Due.Equal(at.Truncate(time.Second)))
		emulator.AssertNoMessages(t, ann)
		<-time.After(90 * time.Minute)
		synctest.Wait()
		emulator.AssertMessage(t, ann, "At")
	})
}

func TestTimesOfASend(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		parameters string
		after      time.Duration
	}{
		"at once":             {``, 0},
		"seconds":             {`,"time_shift":60`, time.Minute},
		"seconds as text":     {`,"time_shift":"60"`, time.Minute},
		"fraction":            {`,"time_shift":0.25`, 250 * time.Millisecond},
		"zero":                {`,"time_shift":0`, 0},
		"negative":            {`,"time_shift":-5`, 0},
		"unset":               {`,"time_shift":"","send_time":null`, 0},
		"moment":              {`,"send_time":"2000-01-01 00:02:00"`, 2 * time.Minute},
		"moment in the past":  {`,"send_time":"1999-01-01 00:00:00"`, 0},
		"the delay wins":      {`,"time_shift":60,"send_time":"2000-01-01 00:02:00"`, time.Minute},
		"the delay of 0 wins": {`,"time_shift":"0","send_time":"2000-01-01 00:02:00"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				emulator := newEmulator(t, withAnn())
				start := time.Now() // the year 2000 begins in a bubble
				require.Equal(t, "ok", post(t, emulator, "message", `{"client_id":25554,"message":"hi"`+test.parameters+`}`).body)
				m, err := emulator.WaitForMessage(t.Context(), ann, nil)
				require.NoError(t, err)
				require.Equal(t, test.after, m.Time.Sub(start))
				require.Equal(t, test.after, time.Since(start))
			})
		})
	}
}

func TestAdvanceCarriesOutWhatIsDueInItsOrder(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())
	for _, request := range []salebot.MessageRequest{
		{ClientID: ann, Message: "third", After: 3 * time.Hour},
		{ClientID: ann, Message: "first", After: time.Hour},
		{ClientID: ann, Message: "second", After: 2 * time.Hour},
	} {
		_, err := client.Message(t.Context(), request)
		require.NoError(t, err)
	}
	_, err := client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "event", After: 90 * time.Minute, Variables: map[string]any{"a": 1}})
	require.NoError(t, err)
	emulator.AssertVariable(t, ann, "a", "1")
	emulator.AssertNoCallbacks(t, ann)
	emulator.Advance(-time.Hour)
	before := emulator.Now()
	emulator.Advance(2*time.Hour + time.Minute)
	require.GreaterOrEqual(t, emulator.Now().Sub(before), 2*time.Hour+time.Minute)
	var got []string
	for _, m := range emulator.History(ann) {
		got = append(got, m.Text)
	}
	require.Equal(t, []string{"first", "event", "second"}, got)
	emulator.AssertScheduled(t, ann, "third")
	emulator.Advance(time.Hour)
	emulator.AssertMessage(t, ann, "third")
}

// stoppedClock stands still and never wakes anybody.
type stoppedClock struct{ at time.Time }

func (c *stoppedClock) Now() time.Time                             { return c.at }
func (*stoppedClock) AfterFunc(time.Duration, func()) engine.Timer { return noTimer{} }

type noTimer struct{}

func (noTimer) Stop() bool { return true }

func TestClockOfOnesOwn(t *testing.T) {
	t.Parallel()
	clock := &stoppedClock{at: time.Date(2026, 5, 28, 12, 0, 0, 0, time.UTC)}
	client, emulator := newClient(t, withAnn(), engine.WithClock(clock))
	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "hi", After: time.Hour})
	require.NoError(t, err)
	clock.at = clock.at.Add(2 * time.Hour)
	require.Equal(t, clock.at, emulator.Now())
	m := emulator.Messages(ann)
	require.Len(t, m, 1, "what is due is carried out when somebody looks")
	require.Equal(t, clock.at.Add(-time.Hour), m[0].Time)
}

func TestSendsToClientsWhoAreGone(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())
	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "hi", After: time.Hour})
	require.NoError(t, err)
	_, err = client.DeleteClients(t.Context(), []salebot.ClientID{ann})
	require.NoError(t, err)
	emulator.Advance(2 * time.Hour)
	require.Empty(t, emulator.Scheduled())
	require.Empty(t, emulator.History(ann))
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulator := newEmulator(t, withAnn())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := emulator.WaitForMessage(ctx, ann, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, emulator.WaitForCalls(ctx, "message", 1), context.DeadlineExceeded)
	})
}
