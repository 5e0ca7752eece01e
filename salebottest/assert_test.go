package salebottest_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

// reporter is a test that only remembers its failure.
type reporter struct {
	testing.TB
	text string
}

func (*reporter) Helper() {}

func (r *reporter) Errorf(format string, args ...any) { r.text = fmt.Sprintf(format, args...) }

func TestAssertionsSayWhatThereIs(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn(), withBob(), withFlow())
	_, err := emulator.Write(ann, "menu")
	require.NoError(t, err)
	_, err = client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "paid", Variables: map[string]any{"sum": 5}})
	require.NoError(t, err)
	_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "later", After: time.Hour})
	require.NoError(t, err)

	for want, check := range map[string]func(*reporter) bool{
		"client 25555 did not get the message \"Hello\". It got: nothing.": func(r *reporter) bool {
			return emulator.AssertMessage(r, bob, "Hello")
		},
		"client 5 did not get the message \"Hello\". There is no such client. Clients:\n\t25554\n\t25555": func(r *reporter) bool {
			return emulator.AssertMessage(r, 5, "Hello")
		},
		"client 25554 should have got no message. It got:\n\t\"What would you like?\"": func(r *reporter) bool {
			return emulator.AssertNoMessages(r, ann)
		},
		"client 25554 did not get the button \"Buy\". It got:\n\t\"Prices\"\n\t\"My number\"\n\t\"Site\"": func(r *reporter) bool {
			return emulator.AssertButton(r, ann, "Buy")
		},
		"client 25554 did not get the callback \"failed\". It got:\n\t\"paid\"": func(r *reporter) bool {
			return emulator.AssertCallback(r, ann, "failed")
		},
		"client 25554 should have got no callback. It got:\n\t\"paid\"": func(r *reporter) bool {
			return emulator.AssertNoCallbacks(r, ann)
		},
		"client 25554 does not have the variable sum = \"6\". It has:\n\tsum = \"5\"": func(r *reporter) bool {
			return emulator.AssertVariable(r, ann, "sum", "6")
		},
		"1 requests for message came instead of 2. All requests:\n\tcallback: 1\n\tmessage: 1": func(r *reporter) bool {
			return emulator.AssertCalls(r, "message", 2)
		},
	} {
		var r reporter
		require.False(t, check(&r))
		require.Equal(t, want, r.text)
	}
	var r reporter
	require.False(t, emulator.AssertMessage(&r, ann, "later"))
	require.Contains(t, r.text, "It got:\n\t\"What would you like?\"\n\t\"later\", but only at ")
	require.False(t, emulator.AssertScheduled(&r, ann, "sooner"))
	require.Contains(t, r.text, `"sooner" to client 25554 is not scheduled. Scheduled:`+"\n\t"+`"later" to client 25554 at `)

	require.True(t, emulator.AssertMessage(t, ann, "What would you like?"))
	require.True(t, emulator.AssertNoMessages(t, bob))
	require.True(t, emulator.AssertButton(t, ann, "Prices"))
	require.True(t, emulator.AssertCallback(t, ann, "paid"))
	require.True(t, emulator.AssertNoCallbacks(t, bob))
	require.True(t, emulator.AssertVariable(t, ann, "sum", "5"))
	require.True(t, emulator.AssertCalls(t, "message", 1))
	require.True(t, emulator.AssertScheduled(t, ann, "later"))

	for i := range 30 {
		_, err := emulator.WriteAsEmployee(bob, "operator@example.com", strconv.Itoa(i))
		require.NoError(t, err)
	}
	emulator.AssertMessage(&r, bob, "Hello")
	require.Contains(t, r.text, "It got:\n\t… and 10 before\n\t\"10\"\n")
}

func TestAssertMessageTellsOfFailedDeliveries(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t,
		salebottest.WithPerson(salebottest.Person{ID: ann, Unreachable: "bot was blocked"}))
	require.NoError(t, hello(t, client))
	var r reporter
	require.False(t, emulator.AssertMessage(&r, ann, "Hello"))
	require.Equal(t, "client 25554 did not get the message \"Hello\". It got:\n\t\"Hello\", but it was not delivered: bot was blocked", r.text)
}

func TestAssertCallsRefusesUnknownActions(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	failed := &reporter{TB: t}
	require.False(t, emulator.AssertCalls(failed, "mesage", 0))
	require.Contains(t, failed.text, "mesage")
}
