package salebot_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

// Every attempt waits for the limiter, not only every call.
func TestLimiterPacesAttempts(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.Always(testkit.Respond(429, "", "Retry-After: 1")), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		var arrivals []time.Time
		peer.Answer = func(int, *http.Request) testkit.Answer {
			arrivals = append(arrivals, time.Now())
			return testkit.Respond(429, "", "Retry-After: 1")
		}
		client := dial(salebot.WithRateLimit(0.1, 1))
		start := time.Now()
		_, err := client.GetVariables(t.Context(), 1)
		require.ErrorIs(t, err, salebot.ErrRateLimited)
		require.Len(t, arrivals, 12, "as many as the time of a call has room for")
		for i, at := range arrivals {
			require.WithinDuration(t, start.Add(time.Duration(i)*10*time.Second), at, time.Millisecond, "ten seconds a request, whatever Retry-After says")
		}
	})
}

// A client and its variants share the pace.
func TestLimiterIsShared(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.Always(testkit.Respond(200, "{}")), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		client := dial(salebot.WithRateLimit(1, 2))
		variant, err := client.With(salebot.WithUserAgent("variant"))
		require.NoError(t, err)
		unlimited, err := client.With(salebot.WithRateLimit(1000, 1000))
		require.NoError(t, err)
		start := time.Now()
		for i := range 6 {
			_, err := []*salebot.Client{client, variant}[i%2].GetVariables(t.Context(), 1)
			require.NoError(t, err)
		}
		require.Equal(t, 4*time.Second, time.Since(start).Round(time.Millisecond))
		for range 100 {
			_, err := unlimited.GetVariables(t.Context(), 1)
			require.NoError(t, err)
		}
		require.Equal(t, 4*time.Second, time.Since(start).Round(time.Millisecond), "its pace is its own")
	})
}

func TestLimiterThatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the pace is kept elsewhere, where nobody answers")
	for name, c := range map[string]struct {
		limiter salebot.Limiter
		timeout bool
		is      error
	}{
		"its own failure":      {clienttest.LimiterFunc(func(context.Context) error { return broken }), false, broken},
		"past the deadline":    {spentLimiter(), true, context.DeadlineExceeded},
		"waiting for too long": {clienttest.LimiterFunc(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }), true, context.DeadlineExceeded},
		"says it is too late":  {clienttest.LimiterFunc(func(context.Context) error { return context.DeadlineExceeded }), true, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clienttest.InBubble(t, nil, func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
				_, err := clienttest.OnceCalls[0].Call(t.Context(), dial(salebot.WithLimiter(c.limiter), salebot.WithTimeout(time.Minute)))
				failure := clienttest.RequireFailure(t, err, salebot.OutcomeNotSent)
				require.Zero(t, failure.Attempts)
				require.ErrorIs(t, err, c.is)
				require.Equal(t, c.timeout, errors.Is(err, context.DeadlineExceeded))
				var transport *salebot.TransportError
				require.ErrorAs(t, err, &transport)
				require.Equal(t, c.timeout, transport.Timeout)
				require.Empty(t, peer.Arrivals())
			})
		})
	}
	t.Run("before the second attempt", func(t *testing.T) {
		t.Parallel()
		clienttest.InBubble(t, testkit.Always(testkit.Respond(429, "")), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
			waits := 0
			_, err := clienttest.OnceCalls[0].Call(t.Context(), dial(salebot.WithLimiter(clienttest.LimiterFunc(func(context.Context) error {
				if waits++; waits > 1 {
					return broken
				}
				return nil
			}))))
			failure := clienttest.RequireFailure(t, err, salebot.OutcomeRejected)
			require.Equal(t, 1, failure.Attempts)
			require.ErrorIs(t, err, broken)
			require.ErrorIs(t, err, salebot.ErrRateLimited, "the first failure is not forgotten")
			require.Len(t, peer.Arrivals(), 1)
		})
	})
}

// spentLimiter lets the next request pass in an hour.
func spentLimiter() *rate.Limiter {
	limiter := rate.NewLimiter(rate.Every(time.Hour), 1)
	limiter.Allow()
	return limiter
}

// counting notes what a server answers, after a while for the network.
type counting struct {
	inner   http.RoundTripper
	refused atomic.Int64
}

func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := clienttest.Elapse(request.Context(), 12*time.Millisecond); err != nil {
		return nil, err
	}
	response, err := c.inner.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusTooManyRequests {
		c.refused.Add(1)
	}
	return response, err
}

// messageEach sends a text to each of many clients.
func messageEach(ctx context.Context, client *salebot.Client, clients []salebot.ClientID, options salebot.BulkOptions, texts ...string) (*salebot.BulkReport, error) {
	return salebot.ForEach(ctx, client, salebot.Items(clients), options, itself, func(ctx context.Context, id salebot.ClientID) error {
		for _, text := range texts {
			if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: id, Message: text}); err != nil {
				return err
			}
		}
		return nil
	})
}

// A run with default settings against a server that allows 50 requests a second takes
// little longer than that, is refused little, and rejects nobody.
func TestRunsKeepTheServersPace(t *testing.T) {
	t.Parallel()
	const items, workers = 1000, 16
	for name, c := range map[string]struct {
		limit salebottest.Limit
		form  string
		most  time.Duration
	}{
		"window":                 {salebottest.Limit{Requests: 50, Per: time.Second}, "seconds", 27 * time.Second},
		"window, no header":      {salebottest.Limit{Requests: 50, Per: time.Second}, "none", 27 * time.Second},
		"bucket of 1":            {salebottest.Limit{Requests: 50, Per: time.Second, Burst: 1}, "seconds", 25 * time.Second},
		"bucket of 50":           {salebottest.Limit{Requests: 50, Per: time.Second, Burst: 50}, "seconds", 24 * time.Second},
		"bucket of 50, a date":   {salebottest.Limit{Requests: 50, Per: time.Second, Burst: 50}, "date", 24 * time.Second},
		"bucket of 1, no header": {salebottest.Limit{Requests: 50, Per: time.Second, Burst: 1}, "none", 25 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				people := make([]salebottest.Person, items)
				for i := range people {
					people[i] = salebottest.Person{ID: salebot.ClientID(i + 1)}
				}
				emulator := salebottest.New(t, salebottest.WithPeople(people...),
					salebottest.WithAnswers(salebottest.Answers{RateLimit: c.limit, RetryAfter: c.form}))
				network := &counting{inner: emulator.Transport()}
				client, err := emulator.Connect(salebot.WithTransport(network))
				require.NoError(t, err)
				start := time.Now()
				report, err := messageEach(t.Context(), client, clienttest.Numbered(items), salebot.BulkOptions{Workers: workers}, "Hello")
				require.NoError(t, err, "%+v", report)
				require.Equal(t, items, report.Accepted)
				require.Positive(t, report.PaceWait)
				require.LessOrEqual(t, time.Since(start), c.most)
				require.LessOrEqual(t, network.refused.Load(), int64(workers+10))
				for id := range salebot.ClientID(items) {
					require.Len(t, emulator.History(id+1), 1)
				}
			})
		})
	}
}

// refusing answers 429 so many times and then accepts.
func refusing(times int, headers ...string) func(int, *http.Request) testkit.Answer {
	return func(number int, _ *http.Request) testkit.Answer {
		if number <= times {
			return testkit.Respond(http.StatusTooManyRequests, "slow", headers...)
		}
		return testkit.Respond(http.StatusOK, `{"status":"success","clients":[],"subscribers":[],"result":[]}`)
	}
}

// However often a server says "too fast", nobody is rejected for it.
func TestRunsOutlastRefusals(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "Retry-After: 0", "Retry-After: 1"} {
		clienttest.InBubble(t, refusing(200, slices.DeleteFunc([]string{header}, func(s string) bool { return s == "" })...), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
			report, err := messageEach(t.Context(), dial(), clienttest.Numbered(100), salebot.BulkOptions{Workers: 8}, "Hello")
			require.NoError(t, err, "%+v", report)
			require.Equal(t, 100, report.Accepted)
		})
	}
}

// Each item is accepted that a server would have accepted in time, whatever its limit
// was until then.
func TestNobodyIsRejectedForALimitThatIsLifted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var (
			lifted  = time.Duration(rapid.IntRange(0, 600).Draw(r, "seconds until the limit is lifted")) * time.Second
			burst   = rapid.IntRange(0, 20).Draw(r, "allowed in each ten seconds until then")
			headers = rapid.SampledFrom([][]string{nil, {"Retry-After: 0"}, {"Retry-After: 1"}, {"Retry-After: 7"}, {"Retry-After: 86400"}, {"Retry-After: soon"}}).Draw(r, "header")
			workers = rapid.IntRange(1, 16).Draw(r, "workers")
			bounded = rapid.Bool().Draw(r, "bounded")
			items   = rapid.IntRange(1, 40).Draw(r, "items")
		)
		options := salebot.BulkOptions{Workers: workers}
		if bounded {
			// One hold may go on for longer than the limit, and then others come first.
			options.MaxPaceWait = lifted + salebot.DefaultMaxHold + 5*time.Minute
		}
		var report *salebot.BulkReport
		var failure error
		testkit.Bubble(t, func(t *testing.T) {
			var mutex sync.Mutex
			begin, window, count := time.Now(), time.Now(), 0
			peer := &testkit.Peer{Answer: func(int, *http.Request) testkit.Answer {
				mutex.Lock()
				defer mutex.Unlock()
				if time.Since(window) >= 10*time.Second {
					window, count = time.Now(), 0
				}
				if count++; count > burst && time.Since(begin) < lifted {
					return testkit.Respond(http.StatusTooManyRequests, "slow", headers...)
				}
				return testkit.Respond(http.StatusOK, `{"status":"success"}`)
			}}
			client := clienttest.New(t, peer.Transport())
			report, failure = messageEach(t.Context(), client, clienttest.Numbered(items), options, "Hello")
		})
		require.NoError(r, failure, "%+v", report)
		require.Equal(r, items, report.Accepted)
	})
}

// A step of an item that has to wait does not make the item fail, nor is the step
// before it repeated, now or in a later run.
func TestItemThatIsRefusedHalfWay(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var mutex sync.Mutex
		received, refused := map[string]int{}, map[string]bool{}
		server := clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			mutex.Lock()
			defer mutex.Unlock()
			text := string(call.Body)
			if strings.Contains(text, "two") && !refused[text] {
				refused[text] = true
				return http.StatusTooManyRequests, "slow", nil
			}
			received[text]++
			return http.StatusOK, `{"status":"success"}`, nil
		})
		client := clienttest.New(t, server, salebot.WithLedger(newTestLedger(t), "shop"), salebot.WithRetryBudget(0))
		options := salebot.BulkOptions{Name: "spring", Workers: 4}
		report, err := messageEach(t.Context(), client, clienttest.Numbered(20), options, "one", "two")
		require.NoError(t, err, "%+v", report)
		require.Equal(t, 20, report.Accepted)
		require.Len(t, refused, 20)
		report, err = messageEach(t.Context(), client, clienttest.Numbered(20), options, "one", "two")
		require.NoError(t, err)
		require.Equal(t, 20, report.Earlier)
		require.Len(t, received, 40)
		for text, times := range received {
			require.Equal(t, 1, times, text)
		}
	})
}

// A date is read by the clock of the server, and what names no wait is not followed by a
// request at once.
func TestPauseAfterARefusal(t *testing.T) {
	t.Parallel()
	at := func(off time.Duration) func() []string {
		return func() []string {
			theirs := time.Now().UTC().Add(off)
			return []string{"Date: " + theirs.Format(http.TimeFormat), "Retry-After: " + theirs.Add(4*time.Second).Format(http.TimeFormat)}
		}
	}
	plain := func(lines ...string) func() []string { return func() []string { return lines } }
	const jitter = 20 * time.Millisecond
	for name, c := range map[string]struct {
		headers func() []string
		want    time.Duration
	}{
		"a clock of our time":        {at(0), 4 * time.Second},
		"a clock 5 minutes behind":   {at(-5 * time.Minute), 4 * time.Second},
		"a clock 5 minutes ahead":    {at(5 * time.Minute), 4 * time.Second},
		"no wait":                    {plain("Retry-After: 0"), 250 * time.Millisecond},
		"a date that has passed":     {plain("Retry-After: Fri, 01 Jan 1999 00:00:00 GMT"), 250 * time.Millisecond},
		"no header":                  {plain(), 250 * time.Millisecond},
		"seconds, whatever the date": {plain("Date: Fri, 01 Jan 1999 00:00:00 GMT", "Retry-After: 3"), 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var arrivals []time.Time
			answer := func(number int, _ *http.Request) testkit.Answer {
				arrivals = append(arrivals, time.Now())
				if number == 1 {
					return testkit.Respond(http.StatusTooManyRequests, "slow", c.headers()...)
				}
				return testkit.Respond(http.StatusOK, "{}")
			}
			clienttest.InBubble(t, answer, func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
				_, err := dial().GetVariables(t.Context(), 1)
				require.NoError(t, err)
				require.Len(t, arrivals, 2)
				pause := arrivals[1].Sub(arrivals[0])
				require.GreaterOrEqual(t, pause, c.want)
				require.LessOrEqual(t, pause, c.want+jitter)
			})
		})
	}
}

// An answer of 404 shows a healthy server as well as a success does.
func TestBudgetIsBackAfterAnOutage(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		outage := true
		client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) {
			if outage {
				return http.StatusServiceUnavailable, "down", nil
			}
			return http.StatusNotFound, `{"status":"client_not_found"}`, nil
		}))
		attempts := func() int {
			_, err := client.GetVariables(t.Context(), 1)
			var failure *salebot.OpError
			require.ErrorAs(t, err, &failure)
			return failure.Attempts
		}
		for range salebot.DefaultRetryBudget {
			attempts()
		}
		require.Equal(t, 1, attempts(), "nothing is left")
		outage = false
		for range 3000 {
			require.Equal(t, 1, attempts())
		}
		outage = true
		require.Equal(t, salebot.DefaultMaxAttempts, attempts())
	})
}

// held is a client that Salebot has just asked to wait for so long.
func held(t *testing.T, dial func(...salebot.Option) *salebot.Client, options ...salebot.Option) *salebot.Client {
	t.Helper()
	client := dial(options...)
	impatient, err := client.With(salebot.WithoutRetries())
	require.NoError(t, err)
	_, err = impatient.GetVariables(t.Context(), 1)
	require.ErrorIs(t, err, salebot.ErrRateLimited)
	return client
}

const holdOf = 5 * time.Second

// refusingFirst asks for a wait, once.
func refusingFirst() func(int, *http.Request) testkit.Answer { return refusing(1, "Retry-After: 5") }

// pages reads a whole sequence.
func pages[T any](sequence func(context.Context, *salebot.Client) iter.Seq2[T, error]) func(*testing.T, *salebot.Client) error {
	return func(t *testing.T, client *salebot.Client) error {
		t.Helper()
		for _, err := range sequence(t.Context(), client) {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// A hold is for all calls of a client, of its variants, and for what is made of calls.
func TestHoldsAreForAll(t *testing.T) {
	t.Parallel()
	day := salebot.Date{Year: 2026, Month: time.May, Day: 1}
	variant := func(options ...salebot.Option) func(*testing.T, *salebot.Client) error {
		return func(t *testing.T, client *salebot.Client) error {
			t.Helper()
			other, err := client.With(options...)
			require.NoError(t, err)
			_, err = other.Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "Hello"})
			return err
		}
	}
	for name, call := range map[string]func(*testing.T, *salebot.Client) error{
		"the client itself": variant(),
		"another timeout":   variant(salebot.WithTimeout(time.Minute)),
		"another limiter":   variant(salebot.WithRateLimit(1000, 1000)),
		"another budget":    variant(salebot.WithRetryBudget(1)),
		"without retries":   variant(salebot.WithoutRetries()),
		"an iterator of clients": pages(func(ctx context.Context, client *salebot.Client) iter.Seq2[salebot.ClientRecord, error] {
			return client.Clients(ctx, salebot.ClientsRequest{})
		}),
		"an iterator of subscribers": pages(func(ctx context.Context, client *salebot.Client) iter.Seq2[salebot.ClientRecord, error] {
			return client.Subscribers(ctx, salebot.SubscribersRequest{})
		}),
		"a history": pages(func(ctx context.Context, client *salebot.Client) iter.Seq2[salebot.HistoryItem, error] {
			return client.History(ctx, salebot.HistoryRequest{ClientID: 1, StartDate: day, StopDate: day})
		}),
		"a run": func(t *testing.T, client *salebot.Client) error {
			t.Helper()
			report, err := client.BulkAddToList(t.Context(), 7, salebot.Items(clienttest.Numbered(3)), salebot.BulkOptions{})
			require.GreaterOrEqual(t, report.PaceWait, holdOf)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clienttest.InBubble(t, refusingFirst(), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
				client := held(t, dial)
				start := time.Now()
				require.NoError(t, call(t, client))
				require.GreaterOrEqual(t, time.Since(start), holdOf)
				require.Less(t, time.Since(start), holdOf+time.Second)
			})
		})
	}
}

// A limiter of the user's own is asked before the pace is waited for, so that it counts
// what it lets through as it always does.
func TestLimiterStandsBeforeThePace(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, refusingFirst(), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		var asked []time.Time
		client := held(t, dial, salebot.WithLimiter(clienttest.LimiterFunc(func(context.Context) error {
			asked = append(asked, time.Now())
			return nil
		})))
		start := time.Now()
		_, err := client.GetVariables(t.Context(), 1)
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), holdOf)
		require.Len(t, asked, 2, "once for each attempt")
		require.Equal(t, start, asked[1])
	})
}

// An item waits for the pace as long as MaxPaceWait says and no longer, all its attempts
// together; the report has the sum.
func TestMaxPaceWait(t *testing.T) {
	t.Parallel()
	const bound, items, workers = 10 * time.Second, 12, 3
	for name, headers := range map[string][]string{
		"short holds": {"Retry-After: 3"}, "longer than the bound": {"Retry-After: 30"}, "no header": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := func(int, *http.Request) testkit.Answer {
				return testkit.Respond(http.StatusTooManyRequests, "slow", headers...)
			}
			clienttest.InBubble(t, answer, func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
				client := dial()
				start := time.Now()
				var mutex sync.Mutex
				var longest time.Duration
				var refusals []error
				report, err := salebot.ForEach(t.Context(), client, salebot.Items(clienttest.Numbered(items)), salebot.BulkOptions{Workers: workers, MaxPaceWait: bound}, itself,
					func(ctx context.Context, id salebot.ClientID) error {
						begin := time.Now()
						_, err := client.Message(ctx, salebot.MessageRequest{ClientID: id, Message: "Hello"})
						mutex.Lock()
						defer mutex.Unlock()
						longest = max(longest, time.Since(begin))
						refusals = append(refusals, err)
						return err
					})
				require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
				require.Equal(t, items, report.Rejected+report.NotTried)
				require.LessOrEqual(t, longest, bound)
				for _, refusal := range refusals {
					require.ErrorIs(t, refusal, salebot.ErrRateLimited)
				}
				require.LessOrEqual(t, report.PaceWait, items*bound)
				require.LessOrEqual(t, report.PaceWait, workers*time.Since(start))
			})
		})
	}
}

// Without a bound an item waits until the run's context ends.
func TestRunWaitsUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	clienttest.InBubble(t, testkit.Always(testkit.Respond(http.StatusTooManyRequests, "slow", "Retry-After: 3")), func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		report, err := messageEach(ctx, dial(), clienttest.Numbered(3), salebot.BulkOptions{Workers: 2}, "Hello")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Hour, time.Since(start))
		require.Zero(t, report.Accepted+report.Unknown)
		require.Equal(t, 3, report.Total())
		require.Greater(t, report.PaceWait, 100*time.Minute, "of two workers")
	})
}

// The wait for the pace stands in hooks, in the report of a run and in the log, and apart
// from other waits.
func TestPaceWaitIsTold(t *testing.T) {
	t.Parallel()
	answer := testkit.InTurn(testkit.Respond(http.StatusTooManyRequests, "slow", "Retry-After: 5"),
		testkit.Respond(http.StatusServiceUnavailable, "busy", "Retry-After: 2"), testkit.Respond(http.StatusOK, `{"status":"success"}`))
	clienttest.InBubble(t, answer, func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		var attempts []salebot.Attempt
		var log strings.Builder
		client := dial(salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) { attempts = append(attempts, a) }}),
			salebot.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		report, err := client.BulkAddToList(t.Context(), 7, salebot.Items(clienttest.Numbered(1)), salebot.BulkOptions{})
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted, "a list may have got its members with an answer of 503")
		require.Equal(t, 1, report.Unknown)
		require.Len(t, attempts, 2)
		require.Zero(t, attempts[0].PaceWait)
		require.InDelta(t, holdOf, attempts[1].PaceWait, float64(20*time.Millisecond))
		require.Equal(t, attempts[1].PaceWait, report.PaceWait)
		require.Contains(t, log.String(), "pace_wait="+report.PaceWait.String())

		attempts = nil
		_, err = client.GetVariables(t.Context(), 1)
		require.NoError(t, err)
		require.Len(t, attempts, 1)
		require.Less(t, attempts[0].PaceWait, time.Second, "the hold is over")
	})
}

// holds is a limiter that lets all pass and notes what it is told.
type holds struct{ held []time.Duration }

func (*holds) Wait(context.Context) error { return nil }

func (h *holds) Held(hold time.Duration) { h.held = append(h.held, hold) }

// A limiter that wants to is told for how long a 429 holds the client back.
func TestLimiterLearnsOfHolds(t *testing.T) {
	t.Parallel()
	answers := testkit.InTurn(testkit.Respond(429, "", "Retry-After: 3"), testkit.Respond(503, ""), testkit.Respond(200, "{}"))
	clienttest.InBubble(t, answers, func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		limiter := &holds{}
		_, err := dial(salebot.WithLimiter(limiter)).GetVariables(t.Context(), 1)
		require.NoError(t, err)
		require.Len(t, limiter.held, 1, "the 503 says nothing of the pace")
		require.GreaterOrEqual(t, limiter.held[0], 3*time.Second)
	})
}

// A 429 that comes when the pause for an earlier one is over holds nothing back, and the
// limiter is not told of a pause of no time.
func TestLimiterIsNotToldOfNoHold(t *testing.T) {
	t.Parallel()
	answer := func(_ int, r *http.Request) testkit.Answer {
		refusal := testkit.Respond(429, "")
		if r.URL.Query().Get("client_id") == "2" {
			refusal.Delay = time.Minute
		}
		return refusal
	}
	clienttest.InBubble(t, answer, func(t *testing.T, _ *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		limiter := &holds{}
		client := dial(salebot.WithLimiter(limiter), salebot.WithoutRetries(), salebot.WithTimeout(time.Hour), salebot.WithAttemptTimeout(time.Hour))
		slow := make(chan error, 1)
		go func() {
			_, err := client.GetVariables(t.Context(), 2)
			slow <- err
		}()
		synctest.Wait()
		_, err := client.GetVariables(t.Context(), 1)
		require.ErrorIs(t, err, salebot.ErrRateLimited)
		require.ErrorIs(t, <-slow, salebot.ErrRateLimited)
		require.Len(t, limiter.held, 1)
		require.Positive(t, limiter.held[0])
	})
}

// A pause that lasts beyond the time of the call is not waited for, whether the option or
// the context sets that time.
func TestPauseBeyondTheTimeOfTheCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ option, context time.Duration }{"the option": {time.Second, time.Hour}, "the context": {time.Hour, time.Second}} {
		clienttest.InBubble(t, testkit.InTurn(testkit.Respond(429, "", "Retry-After: 60"), testkit.Respond(200, "{}")), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
			client := dial(salebot.WithoutRetries(), salebot.WithTimeout(c.option))
			_, err := client.GetVariables(t.Context(), 1)
			require.ErrorIs(t, err, salebot.ErrRateLimited)
			ctx, cancel := context.WithTimeout(t.Context(), c.context)
			defer cancel()
			start := time.Now()
			_, err = client.GetVariables(ctx, 1)
			require.ErrorIs(t, err, salebot.ErrRateLimited, name)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Zero(t, time.Since(start), name)
			require.Len(t, peer.Arrivals(), 1)
		})
	}
}

// The error about a request of unknown outcome names WithHistoryDelay where that helps:
// of a message the history tells, of a deal it does not.
func TestUnresolvedCallsSayWhatHelps(t *testing.T) {
	t.Parallel()
	message := func(ctx context.Context, c *salebot.Client, key salebot.CallOption) error {
		_, err := c.Message(ctx, hello("paid"), key)
		return err
	}
	deal := func(ctx context.Context, c *salebot.Client, key salebot.CallOption) error {
		_, err := c.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: ann, Name: "Boots"}, key)
		return err
	}
	for name, c := range map[string]struct {
		action string
		call   func(context.Context, *salebot.Client, salebot.CallOption) error
		opts   []salebot.Option
		named  bool
	}{
		"message": {"message", message, nil, true},
		"message, with the option, that the flow rewrites": {"message", func(ctx context.Context, c *salebot.Client, key salebot.CallOption) error {
			_, err := c.Message(ctx, hello("Dear #{name}"), key)
			return err
		}, []salebot.Option{salebot.WithHistoryDelay(time.Second)}, false},
		"deal":                  {"create_order", deal, nil, false},
		"deal, with the option": {"create_order", deal, []salebot.Option{salebot.WithHistoryDelay(time.Second)}, false},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			s := newShop(t)
			client := s.open(t, c.opts...)
			s.Fail(salebottest.Fault{Action: c.action, Reset: salebottest.ResetBefore})
			key := salebot.WithIdempotencyKey("order 4711")
			require.ErrorIs(t, c.call(t.Context(), client, key), salebot.ErrOutcomeUnknown)
			err := c.call(t.Context(), client, key)
			require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
			require.Equal(t, c.named, strings.Contains(err.Error(), "WithHistoryDelay"), "%s: %v", name, err)
			s.AssertCalls(t, c.action, 1)
		})
	}
}

// A call of unknown outcome that is repeated on request and then refused is unknown still,
// since the first may have arrived. If it is accepted, that counts, also with an error.
func TestRepeatedCallThatIsAcceptedWithAnError(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		outcomes := []salebot.Outcome{salebot.OutcomeUnknown, salebot.OutcomeRejected, salebot.OutcomeAccepted}
		attempts := 0
		s := newShop(t)
		client := s.open(t, salebot.WithoutRetries(), salebot.WithAttemptMiddleware(func(context.Context, *salebot.Request, salebot.Next) (*salebot.Response, error) {
			attempts++
			return nil, &salebot.OpError{Action: "message", Outcome: outcomes[attempts-1], Err: errMiddleware}
		}))
		for _, want := range []salebot.Outcome{salebot.OutcomeUnknown, salebot.OutcomeUnknown, salebot.OutcomeAccepted} {
			var failure error
			_, _ = salebot.ForEach(t.Context(), client, salebot.Items([]salebot.ClientID{ann}), salebot.BulkOptions{Name: "spring", RepeatUnknown: true}, itself,
				func(ctx context.Context, _ salebot.ClientID) error {
					_, failure = client.Message(ctx, hello("spring"))
					return failure
				})
			_ = clienttest.RequireFailure(t, failure, want)
		}
		require.Equal(t, 3, attempts)
	})
}

// A call that was accepted is accepted, also if the ledger could not write that down. The
// log says so.
func TestEndThatIsNotRecordedIsLogged(t *testing.T) {
	t.Parallel()
	for _, failing := range []bool{true, false} {
		var log bytes.Buffer
		s := newShop(t)
		client := s.open(t, salebot.WithHistoryDelay(time.Second), salebot.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		if failing {
			s.ledger.failEnd = clienttest.ErrCable
		}
		_, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order 4711"))
		require.NoError(t, err)
		s.AssertCalls(t, "message", 1)
		if !failing {
			require.Empty(t, log.String())
			continue
		}
		require.Contains(t, log.String(), `level=WARN msg="salebot ledger could not record an end" action=message error=`)
		require.Contains(t, log.String(), clienttest.ErrCable.Error())
	}
}

// A ledger that cannot be used keeps the request from being sent.
func TestUnusableLedgers(t *testing.T) {
	t.Parallel()
	closed, err := ledger.NewMemory()
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	other := newTestLedger(t)
	_, err = other.Bind(t.Context(), "another project")
	require.NoError(t, err)
	for want, l := range map[error]ledger.Ledger{
		ledger.ErrClosed:       closed,
		ledger.ErrOtherProject: other,
		clienttest.ErrCable:    &testLedger{Memory: newTestLedger(t).Memory, failBegin: clienttest.ErrCable},
		errFind:                &testLedger{Memory: newTestLedger(t).Memory, failFind: errFind},
	} {
		s := newShop(t)
		client := s.Client(t, salebot.WithLedger(l, "shop"))
		_, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order"))
		require.ErrorIs(t, err, want)
		require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
		err = client.RunOnce(t.Context(), salebot.Work{Name: "n", Key: "k"}, func(context.Context) error { return nil })
		require.ErrorIs(t, err, want)
		s.AssertCalls(t, "message", 0)
	}
}

var errFind = errors.New("the ledger cannot be read")

// What cannot be recorded after a call is no failure of the call, and the key is not
// used a second time.
func TestEndThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		s.ledger.failEnd = clienttest.ErrCable
		client := s.open(t)
		key := salebot.WithIdempotencyKey("order")
		_, err := client.Message(t.Context(), hello("paid"), key)
		require.NoError(t, err)
		_, err = client.Message(t.Context(), hello("paid"), key)
		require.ErrorIs(t, err, salebot.ErrInProgress)
		require.NotContains(t, err.Error(), "\n", "one line")
		s.AssertCalls(t, "message", 1)
	})
}

// A holder that wakes after its moment does not send.
func TestNothingIsSentAfterTheSendWindow(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		slow := &slowLedger{Ledger: s.ledger, delay: time.Minute}
		client := s.Client(t, salebot.WithLedger(slow, "shop"), salebot.WithTimeout(time.Hour))
		_, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order"))
		require.ErrorContains(t, err, "ledger")
		require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
		s.AssertCalls(t, "message", 0)

		// What was not sent is sent once the ledger is fast enough.
		slow.calls.Store(100)
		_, err = client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order"))
		require.NoError(t, err)
		s.AssertCalls(t, "message", 1)
	})
}

// slowLedger takes long for its first records.
type slowLedger struct {
	ledger.Ledger

	delay time.Duration
	calls atomic.Int64
}

func (l *slowLedger) Begin(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if l.calls.Add(1) <= 3 {
		if err := clienttest.Elapse(ctx, l.delay); err != nil {
			return nil, err
		}
	}
	return l.Ledger.Begin(ctx, records...)
}

// A connection that takes longer than the send window is not used: the record is
// written again first.
func TestSlowConnectionsAreNotUsed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts []salebot.Option
		sent int
	}{
		"the call is repeated": {nil, 1},
		"it is not":            {[]salebot.Option{salebot.WithoutRetries()}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				peer := &testkit.Peer{
					Dialed: func(ctx context.Context, number int) error {
						if number == 1 {
							return clienttest.Elapse(ctx, 10*time.Second)
						}
						return nil
					},
					Answer: func(int, *http.Request) testkit.Answer { return testkit.Respond(http.StatusOK, "ok") },
				}
				l := newTestLedger(t)
				opts := append([]salebot.Option{salebot.WithLedger(l, "shop")}, c.opts...)
				client := clienttest.New(t, peer.Transport(), opts...)
				_, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order"))
				require.Equal(t, c.sent == 1, err == nil, "%v", err)
				require.Len(t, peer.Arrivals(), c.sent)
				if err != nil {
					clienttest.RequireOutcome(t, err, salebot.OutcomeNotSent)
				}
				client.CloseIdleConnections()
			})
		})
	}
}

// The error of a look-up that failed tells that the call may have been executed.
func TestUnknownThatCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t, salebot.WithHistoryDelay(20*time.Second))
		key := salebot.WithIdempotencyKey("order")
		s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
		_, err := client.Message(t.Context(), hello("paid"), key)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		s.Fail(salebottest.Fault{Action: "get_history", Status: 400, Body: `{"status":"fail"}`})
		_, err = client.Message(t.Context(), hello("paid"), key)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "may have been executed")
		_, err = client.Message(t.Context(), hello("paid"), key)
		require.NoError(t, err)
		s.AssertCalls(t, "message", 1)
	})
}

// Of two calls with a key at once one is made, and both get its answer: in one process
// and in two.
func TestIdempotencyKeyAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		s.Fail(salebottest.Fault{Action: "create_order", Delay: 3 * time.Second, Times: salebottest.Always})
		client := s.open(t)
		var group sync.WaitGroup
		var mutex sync.Mutex
		seen := map[salebot.OrderID]int{}
		for range 8 {
			group.Go(func() {
				id, err := client.CreateOrder(t.Context(), salebot.CreateOrderRequest{ClientID: ann, Name: "Boots"}, salebot.WithIdempotencyKey("order"))
				if err != nil {
					t.Error(err)
				}
				mutex.Lock()
				seen[id]++
				mutex.Unlock()
			})
		}
		group.Wait()
		require.Len(t, seen, 1)
		require.NotContains(t, seen, salebot.OrderID(0))
		s.AssertCalls(t, "create_order", 1)

		// One that does not want to wait for so long is told.
		go func() {
			_, _ = client.Message(t.Context(), hello("slow"), salebot.WithIdempotencyKey("slow"))
		}()
		s.Fail(salebottest.Fault{Action: "message", Delay: 10 * time.Second})
		synctest.Wait()
		elapseHere(t, time.Second)
		_, err := client.Message(t.Context(), hello("slow"), salebot.WithIdempotencyKey("slow"), salebot.WithTimeout(time.Second))
		require.ErrorIs(t, err, salebot.ErrInProgress)
		require.NotContains(t, err.Error(), "\n", "one line")
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		elapseHere(t, time.Minute)
	})
}
