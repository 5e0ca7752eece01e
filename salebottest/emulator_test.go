package salebottest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/salebottest"
)

func TestMessageReachesThePerson(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn(), withFlow())

	ack, err := client.Message(t.Context(), salebot.MessageRequest{
		ClientID: ann, Message: "Hello",
		Buttons: salebot.Buttons{Hint: "Answer with a word", Lines: [][]salebot.Button{{salebot.ReplyButton("Yes"), salebot.ReplyButton("No")}}},
	})
	require.NoError(t, err)
	require.Equal(t, "ok", ack.Text())
	emulator.AssertMessage(t, ann, "Hello")
	emulator.AssertButton(t, ann, "No")
	emulator.AssertCalls(t, "message", 1)
	require.Equal(t, "Hello", emulator.Requests("message")[0].Parameter("message"))

	pressed, err := emulator.Press(ann, "Yes")
	require.NoError(t, err)
	require.True(t, pressed.FromClient)
	_, err = emulator.Press(ann, "Perhaps")
	require.ErrorContains(t, err, "salebottest: ")
	person, ok := emulator.LookupPerson(ann)
	require.True(t, ok)
	require.Equal(t, "Ann", person.Name)
	require.Len(t, emulator.People(), 1)
	require.Len(t, emulator.History(ann), 2)
}

func TestServerSpeaksTCP(t *testing.T) {
	t.Parallel()
	server := salebottest.NewServer(t, withAnn(), salebottest.WithKey(testkit.Key))
	_, err := server.Client(t).Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "paid", Variables: map[string]any{"sum": 100}})
	require.NoError(t, err)
	server.AssertCallback(t, ann, "paid")
	server.AssertVariable(t, ann, "sum", "100")
	server.AssertNoMessages(t, ann)
}

func TestSchedulesTakeNoTimeInABubble(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		client, emulator := newClient(t, withAnn())
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "Later", After: time.Hour})
		require.NoError(t, err)
		emulator.AssertScheduled(t, ann, "Later")
		time.Sleep(time.Hour)
		emulator.AssertMessage(t, ann, "Later")
	})
}

// failing is a test that ends at its first failure.
type failing struct{ testing.TB }

func (*failing) Helper() {}

func (f *failing) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (f *failing) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func TestOptionsThatCannotWorkFailTheTest(t *testing.T) {
	t.Parallel()
	bad := salebottest.WithMaxBodySize(0)
	require.PanicsWithValue(t, "salebottest: WithMaxBodySize: must be positive and at most 2 GiB", func() { salebottest.New(&failing{TB: t}, bad) })
	require.Panics(t, func() { salebottest.NewServer(&failing{TB: t}, bad) })
	_, err := salebottest.Open(bad)
	require.EqualError(t, err, "salebottest: WithMaxBodySize: must be positive and at most 2 GiB")
	_, err = salebottest.Start(bad)
	require.EqualError(t, err, "salebottest: WithMaxBodySize: must be positive and at most 2 GiB")
}

func TestFaultsThatCannotHappenFailTheTest(t *testing.T) {
	t.Parallel()
	emulator := salebottest.New(&failing{TB: t})
	require.PanicsWithValue(t, "salebottest: fault: the number of requests that still go well is negative", func() {
		emulator.Fail(salebottest.Fault{Status: http.StatusBadGateway, After: -1})
	})
	require.Empty(t, emulator.Faults())
}

func TestPrintingAnEmulatorShowsNoKey(t *testing.T) {
	t.Parallel()
	_, emulator := newClient(t, withAnn())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Empty(t, testkit.FindKey(fmt.Sprintf(verb, emulator)), verb)
	}
	// The differences of testify walk through pointers and unexported fields.
	seen := reporter{TB: t}
	assert.Equal(&seen, emulator, newEmulator(t))
	require.Contains(t, seen.text, "Diff:")
	require.Empty(t, testkit.FindKey(seen.text))
}

// What a request brings along can be looked at, and no key is in it: neither one of the
// project nor the one of the address.
func TestRequestsHaveTheirHeader(t *testing.T) {
	t.Parallel()
	emulator := salebottest.New(t, withAnn(), salebottest.WithKey(testkit.Key))
	client := emulator.Client(t, salebot.WithHeader("X-Tenant", "shop"))
	_, err := client.GetVariables(t.Context(), ann)
	require.NoError(t, err)
	header := emulator.Requests()[0].Header
	require.Equal(t, "shop", header.Get("X-Tenant"))
	require.Equal(t, salebot.DefaultUserAgent, header.Get("User-Agent"))

	send := func(path, value string) salebottest.Request {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://emulator"+path, http.NoBody)
		require.NoError(t, err)
		request.Header.Set("X-Was", value)
		answer, err := (&http.Client{Transport: emulator.Transport()}).Do(request)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		all := emulator.Requests()
		return all[len(all)-1]
	}
	for _, path := range []string{"/api/" + testkit.Key + "/get_variables", "/api/other-key/get_variables"} {
		one := send(path, "https://host/api/"+testkit.Key+"/x and other-key")
		require.NotContains(t, one.Header.Get("X-Was"), testkit.Key, path)
		require.Contains(t, one.Header.Get("X-Was"), "https://host/api/REDACTED/x and ", path)
		if strings.Contains(path, "other-key") {
			require.Equal(t, "https://host/api/REDACTED/x and REDACTED", one.Header.Get("X-Was"))
		}
	}
	large := send("/api/other-key/get_variables", strings.Repeat("x", 8<<10))
	require.Nil(t, large.Header)
	require.Contains(t, large.Notes, "the header is too large to be remembered")
}
