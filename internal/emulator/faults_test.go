package emulator_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
	"github.com/salebot-go/salebot/internal/testkit"
)

func hello(t *testing.T, client *salebot.Client) error {
	t.Helper()
	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "Hello"})
	return err
}

func TestFaultsThatReplaceTheAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault    faults.Fault
		want     answer
		executed int
	}{
		"status":        {faults.Fault{Status: 503}, answer{503, "text/plain; charset=utf-8", ""}, 0},
		"body":          {faults.Fault{Body: `{"status":"fail"}`}, answer{200, "application/json; charset=utf-8", `{"status":"fail"}`}, 0},
		"label":         {faults.Fault{Status: 404, Body: "x", ContentType: "text/x"}, answer{404, "text/x", "x"}, 0},
		"executed":      {faults.Fault{Status: 500, Execute: true}, answer{500, "text/plain; charset=utf-8", ""}, 1},
		"truncated":     {faults.Fault{Body: `{"a":1}`, Truncate: true}, answer{200, "application/json; charset=utf-8", `{"a`}, 0},
		"truncated own": {faults.Fault{Truncate: true}, answer{200, "text/plain; charset=utf-8", `o`}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := newEmulator(t, withAnn())
			emulator.Fail(test.fault)
			require.Equal(t, test.want, post(t, emulator, "message", `{"client_id":25554,"message":"hi"}`))
			require.Len(t, emulator.Messages(ann), test.executed)
			require.Equal(t, "ok", post(t, emulator, "message", `{"client_id":25554,"message":"hi"}`).body, "a fault happens once")
		})
	}
	emulator := newEmulator(t, withAnn())
	emulator.Fail(faults.Fault{Page: true})
	got := get(t, emulator, "connected_channels")
	require.Equal(t, http.StatusBadGateway, got.status)
	require.True(t, strings.HasPrefix(got.body, "<html>"))
}

func TestFaultsAreCountedAndOrdered(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	emulator.Fail(
		faults.Fault{Action: "get_variables", Status: 503, Times: 2},
		faults.Fault{Action: "get_variables", Status: 429},
		faults.Fault{Action: "connected_channels", Status: 500, After: 1},
		faults.Fault{Action: "get_messages", Status: 502, Times: faults.Always},
	)
	var got []int
	for range 4 {
		got = append(got, get(t, emulator, "get_variables?client_id=25554").status)
	}
	require.Equal(t, []int{503, 503, 429, 200}, got)
	require.Equal(t, 200, get(t, emulator, "connected_channels").status)
	require.Equal(t, 500, get(t, emulator, "connected_channels").status)
	require.Equal(t, 200, get(t, emulator, "connected_channels").status)
	for range 5 {
		require.Equal(t, 502, get(t, emulator, "get_messages").status)
	}
	require.Len(t, emulator.Faults(), 1)
	emulator.ClearFaults()
	require.Equal(t, 200, get(t, emulator, "get_messages").status)
	require.Equal(t, 6, emulator.Calls("get_messages"))
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, date := range []bool{false, true} {
		testkit.Bubble(t, func(t *testing.T) {
			client, emulator := newClient(t, withAnn())
			emulator.Fail(faults.Fault{Action: "message", RetryAfter: 5 * time.Second, RetryAfterDate: date})
			start := time.Now()
			require.NoError(t, hello(t, client))
			waited := time.Since(start)
			require.GreaterOrEqual(t, waited, 5*time.Second)
			require.LessOrEqual(t, waited, 7*time.Second)
			emulator.AssertCalls(t, "message", 2)
			require.Len(t, emulator.Messages(ann), 1)
		})
	}
}

func TestDelaysAreVirtualInABubble(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		client, emulator := newClient(t, withAnn())
		emulator.Fail(faults.Fault{Action: "message", Delay: 20 * time.Second})
		start := time.Now()
		require.NoError(t, hello(t, client))
		require.Equal(t, 20*time.Second, time.Since(start))

		// Who does not wait so long does not know that the action was carried out.
		emulator.Fail(faults.Fault{Action: "message", Delay: time.Hour})
		err := hello(t, client)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		require.Len(t, emulator.Messages(ann), 2)
	})
}

func TestPaceOfTheClientInABubble(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulator := openEmulator(withAnn())
		client := emulator.Client(t, salebot.WithRateLimit(2, 1))
		start := time.Now()
		for range 11 {
			require.NoError(t, hello(t, client))
		}
		require.Equal(t, 5*time.Second, time.Since(start).Round(time.Millisecond))
	})
}

// connections lists the ways to reach an emulator.
func connections(t *testing.T) map[string]func(*testing.T) (*double, *salebot.Client) {
	t.Helper()
	return map[string]func(*testing.T) (*double, *salebot.Client){
		"pipe": func(t *testing.T) (*double, *salebot.Client) {
			t.Helper()
			client, emulator := newClient(t, withAnn())
			return emulator, client
		},
		"TCP": func(t *testing.T) (*double, *salebot.Client) {
			t.Helper()
			server := newServer(t, withAnn())
			return server.double, server.Client(t)
		},
	}
}

func TestResets(t *testing.T) {
	t.Parallel()
	for name, connect := range connections(t) {
		for reset, executed := range map[faults.Reset]int{
			faults.ResetBefore: 0, faults.ResetAfter: 1, faults.ResetDuring: 1,
		} {
			t.Run(name+" "+string(reset), func(t *testing.T) {
				t.Parallel()
				emulator, client := connect(t)
				emulator.Fail(faults.Fault{Action: "message", Reset: reset})
				err := hello(t, client)
				require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
				if reset != faults.ResetDuring {
					require.ErrorIs(t, err, syscall.ECONNRESET)
				}
				require.Len(t, emulator.Messages(ann), executed)
				emulator.AssertCalls(t, "message", 1)
				require.Zero(t, emulator.Requests()[0].Status)
				require.NoError(t, hello(t, client))
			})
		}
	}
}

func TestConnectionsThatFail(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn())
	emulator.RefuseConnections(1)
	require.NoError(t, hello(t, client), "nothing was sent, so it is sent again")
	emulator.AssertCalls(t, "message", 1)

	client.CloseIdleConnections()
	emulator.FailConnections(100, &net.DNSError{Err: "no such host", Name: "emulator.localhost", IsNotFound: true})
	once, err := client.With(salebot.WithoutRetries())
	require.NoError(t, err)
	err = hello(t, once)
	var operation *salebot.OpError
	require.ErrorAs(t, err, &operation)
	require.Equal(t, salebot.OutcomeNotSent, operation.Outcome)
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)
}

func TestClosedEmulatorRefusesConnections(t *testing.T) {
	t.Parallel()
	emulator := openEmulator()
	transport := emulator.Transport()
	get := func() error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, engine.BaseURL+"/"+emulator.Key()+"/connected_channels", nil)
		require.NoError(t, err)
		response, err := transport.RoundTrip(r)
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			err = errors.Join(err, response.Body.Close())
		}
		return err
	}
	require.NoError(t, get())
	emulator.Close()
	emulator.Close()
	require.ErrorIs(t, get(), syscall.ECONNREFUSED)
}

// TestCloseEndsWhatIsUnderWay closes while a request waits for its answer.
func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulator := openEmulator(withAnn())
		client := emulator.Client(t, salebot.WithoutRetries())
		emulator.Fail(faults.Fault{Delay: time.Hour})
		result := make(chan error)
		go func() { result <- hello(t, client) }()
		require.NoError(t, emulator.WaitForCalls(t.Context(), "message", 1))
		emulator.Close()
		require.ErrorIs(t, <-result, salebot.ErrOutcomeUnknown)
	})
}

// A fault that never happens would let a test pass for the wrong reason.
func TestFaultsThatDoNothingAreRefused(t *testing.T) {
	t.Parallel()
	emulator := openEmulator()
	defer emulator.Close()
	for name, fault := range map[string]faults.Fault{
		"an unknown action": {Action: "mesage", Status: 503},
		"nothing at all":    {},
		"only an action":    {Action: "message"},
		"an unknown reset":  {Reset: "x"},
		"a negative count":  {Status: 503, Times: -7},
		"a negative start":  {Status: 503, After: -1},
		"a negative time":   {Delay: -time.Second},
		"no HTTP status":    {Status: 9999},
		"more than always":  {Status: 503, Probability: 1.5},
		"less than never":   {Status: 503, Probability: -0.5},
		"no number":         {Status: 503, Probability: math.NaN()},
	} {
		err := fault.Validate()
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "salebottest", "whoever shows it says where it is from")
		require.EqualError(t, emulator.Emulator.Fail(fault), "fault: "+err.Error(), name)
	}
	require.Empty(t, emulator.Faults())
}

func TestFaultsAddUp(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulator := newEmulator(t, withAnn())
		emulator.Fail(
			faults.Fault{Delay: 3 * time.Second, Times: faults.Always},
			faults.Fault{Action: "get_variables", Status: 503, Times: 2},
			faults.Fault{Action: "get_variables", Body: "odd", Times: faults.Always},
		)
		call := func() (status int, took time.Duration) {
			began := time.Now()
			status = get(t, emulator, "get_variables?client_id=25554").status
			return status, time.Since(began)
		}
		for _, want := range []int{503, 503, 200} {
			status, took := call()
			require.Equal(t, want, status)
			require.Equal(t, 3*time.Second, took, "slow and then %d", want)
		}
		require.Equal(t, "status 200, delay 3s", emulator.Requests()[2].Fault)
		require.Equal(t, "status 503, delay 3s", emulator.Requests()[0].Fault)
	})
}

func TestWhatIsShownAsActiveActs(t *testing.T) {
	t.Parallel()
	plan := []faults.Fault{
		{Delay: time.Second, Times: faults.Always},
		{Status: 503, Times: 2},
		{Action: "message", Status: 500},
		{Action: "message", Delay: time.Second, Truncate: true},
		{Status: 502, After: 1},
		{Truncate: true},
	}
	for at, want := range []bool{true, true, false, false, false, false} {
		require.Equal(t, want, faults.ActsNext(plan, at), at)
	}
	plan[1].Probability = 0.5
	require.True(t, faults.ActsNext(plan, 2), "the one before it does not always act")
	require.True(t, faults.ActsNext([]faults.Fault{{Action: "message", Status: 503}, {Status: 500}}, 1), "it acts on other actions")
}

func TestFaultsWithAProbabilityAreRepeatable(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (pattern string) {
		emulator := newEmulator(t)
		emulator.Fail(faults.Fault{Action: "get_messages", Status: 503, Probability: 0.3, Seed: seed, Times: faults.Always})
		for range 200 {
			pattern += strconv.Itoa(get(t, emulator, "get_messages").status / 100)
		}
		return pattern
	}
	first := run(7)
	require.Equal(t, first, run(7))
	require.NotEqual(t, first, run(8))
	require.InDelta(t, 60, strings.Count(first, "5"), 30)

	emulator := newEmulator(t)
	emulator.Fail(faults.Fault{Status: 503, Probability: 0.5, Times: 3})
	seed := emulator.Faults()[0].Seed
	require.NotZero(t, seed, "a seed that is made up can be read")
	failed := 0
	for range 1000 {
		if get(t, emulator, "get_messages").status == http.StatusServiceUnavailable {
			failed++
		}
	}
	require.Equal(t, 3, failed, "what did not act is not counted")
}
