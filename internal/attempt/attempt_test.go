package attempt

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var policy = Policy{MaxAttempts: 4, BaseDelay: time.Second, MaxDelay: 8 * time.Second, MaxRetryAfter: time.Minute}

// script is what becomes of the attempts; the last result repeats.
func script(results ...Result) func(int, time.Duration) Result {
	return func(number int, _ time.Duration) Result { return results[min(number, len(results))-1] }
}

func TestLoop(t *testing.T) {
	t.Parallel()
	var (
		lost      = Result{Outcome: Unknown}
		unsent    = Result{Outcome: NotSent}
		refused   = Result{Outcome: Rejected, Done: true}
		timeout   = Result{Outcome: Rejected} // a 408
		accepted  = Result{Outcome: Accepted, Done: true}
		limited   = Result{Outcome: Rejected, RateLimited: true}
		later     = Result{Outcome: Rejected, RateLimited: true, Hold: time.Minute}
		tooLate   = Result{Outcome: Unknown, HasRetryAfter: true, RetryAfter: time.Minute + 1}
		immediate = Result{Outcome: Unknown, HasRetryAfter: true}
		skipped   = Result{Skipped: true}
	)
	for name, c := range map[string]struct {
		class   action.Class
		results []Result
		change  func(*Loop)
		want    Summary
	}{
		"accepted":                   {action.Once, []Result{accepted}, nil, Summary{Attempts: 1, Outcome: Accepted, Stop: StopDone}},
		"refused":                    {action.Read, []Result{refused}, nil, Summary{Attempts: 1, Outcome: Rejected, Stop: StopDone}},
		"once lost":                  {action.Once, []Result{lost}, nil, Summary{Attempts: 1, Outcome: Unknown, Stop: StopUnsafe}},
		"once timed out":             {action.Once, []Result{timeout}, nil, Summary{Attempts: 1, Outcome: Rejected, Stop: StopUnsafe}},
		"once unsent":                {action.Once, []Result{unsent, accepted}, nil, Summary{Attempts: 2, Outcome: Accepted, Stop: StopDone}},
		"once never sent":            {action.Once, []Result{unsent}, nil, Summary{Attempts: 4, Outcome: NotSent, Stop: StopAttempts}},
		"once limited":               {action.Once, []Result{limited, limited, accepted}, nil, Summary{Attempts: 3, Outcome: Accepted, Stop: StopDone}},
		"once limited for good":      {action.Once, []Result{limited}, func(l *Loop) { l.Policy.NeverAfterRateLimits = true }, Summary{Attempts: 1, Outcome: Rejected, Stop: StopUnsafe}},
		"once unsent, then lost":     {action.Once, []Result{unsent, lost}, nil, Summary{Attempts: 2, Outcome: Unknown, Stop: StopUnsafe}},
		"once limited, then unsent":  {action.Once, []Result{limited, unsent, refused}, nil, Summary{Attempts: 3, Outcome: Rejected, Stop: StopDone}},
		"write lost":                 {action.Idempotent, []Result{lost}, nil, Summary{Attempts: 4, Outcome: Unknown, Stop: StopAttempts}},
		"write lost, then refused":   {action.Idempotent, []Result{lost, refused}, nil, Summary{Attempts: 2, Outcome: Unknown, Stop: StopDone}},
		"write lost, then unsent":    {action.Idempotent, []Result{lost, unsent}, nil, Summary{Attempts: 4, Outcome: Unknown, Stop: StopAttempts}},
		"write lost, then accepted":  {action.Idempotent, []Result{lost, accepted}, nil, Summary{Attempts: 2, Outcome: Accepted, Stop: StopDone}},
		"write refused, then lost":   {action.Idempotent, []Result{limited, lost}, nil, Summary{Attempts: 5, Outcome: Unknown, Stop: StopAttempts}},
		"read lost, then refused":    {action.Read, []Result{lost, refused}, nil, Summary{Attempts: 2, Outcome: Rejected, Stop: StopDone}},
		"read timed out":             {action.Read, []Result{timeout}, nil, Summary{Attempts: 4, Outcome: Rejected, Stop: StopAttempts}},
		"a single attempt":           {action.Read, []Result{lost}, func(l *Loop) { l.Policy.MaxAttempts = 1 }, Summary{Attempts: 1, Outcome: Unknown, Stop: StopAttempts}},
		"retry after the cap":        {action.Read, []Result{tooLate}, nil, Summary{Attempts: 1, Outcome: Unknown, Stop: StopRetryAfter}},
		"retry at the cap":           {action.Read, []Result{{Outcome: Unknown, HasRetryAfter: true, RetryAfter: time.Minute}, accepted}, nil, Summary{Attempts: 2, Outcome: Accepted, Stop: StopDone}},
		"limits are not counted":     {action.Once, []Result{limited, limited, limited, limited, limited, limited, accepted}, nil, Summary{Attempts: 7, Outcome: Accepted, Stop: StopDone}},
		"limits take no budget":      {action.Read, []Result{limited, limited, limited, accepted}, func(l *Loop) { l.Budget = NewBudget(0) }, Summary{Attempts: 4, Outcome: Accepted, Stop: StopDone}},
		"limits between failures":    {action.Read, []Result{lost, limited, lost, limited, lost, limited, lost}, nil, Summary{Attempts: 7, Outcome: Unknown, Stop: StopAttempts}},
		"a limit without retries":    {action.Read, []Result{limited}, func(l *Loop) { l.Policy.MaxAttempts = 1 }, Summary{Attempts: 1, Outcome: Rejected, Stop: StopAttempts}},
		"retry at once":              {action.Read, []Result{immediate, immediate, accepted}, nil, Summary{Attempts: 3, Outcome: Accepted, Stop: StopDone}},
		"no budget":                  {action.Read, []Result{lost}, func(l *Loop) { l.Budget = NewBudget(0) }, Summary{Attempts: 1, Outcome: Unknown, Stop: StopBudget}},
		"budget for one":             {action.Read, []Result{lost}, func(l *Loop) { l.Budget = NewBudget(1) }, Summary{Attempts: 2, Outcome: Unknown, Stop: StopBudget}},
		"deadline":                   {action.Read, []Result{later}, func(l *Loop) { l.Deadline = time.Now().Add(time.Minute) }, Summary{Attempts: 1, Outcome: Rejected, Stop: StopDeadline}},
		"deadline just behind":       {action.Read, []Result{later, accepted}, func(l *Loop) { l.Deadline = time.Now().Add(time.Minute + 1) }, Summary{Attempts: 2, Outcome: Accepted, Stop: StopDone}},
		"skipped":                    {action.Read, []Result{skipped}, nil, Summary{Attempts: 0, Outcome: NotSent, Stop: StopDone}},
		"skipped after one was lost": {action.Idempotent, []Result{lost, skipped}, nil, Summary{Attempts: 1, Outcome: Unknown, Stop: StopDone}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				loop := Loop{Policy: policy, Class: c.class, Budget: NewBudget(100)}
				if c.change != nil {
					c.change(&loop)
				}
				got := loop.Run(t.Context(), script(c.results...))
				require.Equal(t, c.want, got)
				require.Equal(t, c.want.Stop == StopDone, got.Stop.String() == "")
			})
		})
	}
}

// A wait that the server ordered is kept exactly, and handed to the next attempt.
func TestWaits(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var waits []time.Duration
		start := time.Now()
		loop := Loop{Policy: policy, Class: action.Read}
		loop.Run(t.Context(), func(number int, waited time.Duration) Result {
			waits = append(waits, waited)
			return Result{HasRetryAfter: true, RetryAfter: time.Duration(number) * time.Second}
		})
		require.Equal(t, []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}, waits)
		require.Equal(t, 6*time.Second, time.Since(start))
	})
}

// The context ends a wait at once, and a wait that would pass its deadline is not
// begun.
func TestContexts(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		loop := Loop{Policy: policy, Class: action.Read}
		wish := Result{HasRetryAfter: true, RetryAfter: 30 * time.Second}

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		require.Equal(t, Summary{Attempts: 1, Outcome: Unknown, Stop: StopContext}, loop.Run(ctx, script(wish)))
		require.Equal(t, 3*time.Second, time.Since(start))
		require.Equal(t, Summary{Attempts: 1, Outcome: Unknown, Stop: StopContext}, loop.Run(ctx, script(wish)), "it has ended")

		ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start = time.Now()
		require.Equal(t, Summary{Attempts: 1, Outcome: Unknown, Stop: StopDeadline}, loop.Run(ctx, script(wish)))
		require.Zero(t, time.Since(start))

		// The earlier of the two deadlines counts.
		loop.Deadline = time.Now().Add(time.Hour)
		require.Equal(t, StopDeadline, loop.Run(ctx, script(wish)).Stop)
		loop.Deadline = time.Now().Add(time.Second)
		require.Equal(t, StopDeadline, loop.Run(context.WithoutCancel(ctx), script(wish)).Stop)
		wish.RetryAfter = 10 * time.Second
		require.Equal(t, Summary{Attempts: 1, Outcome: Unknown, Stop: StopDeadline}, loop.Run(ctx, script(wish)))
	})
}

// The failure of the last attempt is kept, beside that of one that was given up.
func TestLoopKeepsErrors(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		first, second, givenUp := errors.New("first"), errors.New("second"), errors.New("given up")
		loop := Loop{Policy: policy, Class: action.Read}
		got := loop.Run(t.Context(), script(Result{Err: first}, Result{Err: second, Done: true}))
		require.Equal(t, Summary{Attempts: 2, Outcome: Unknown, Before: first, Err: second}, got)
		got = loop.Run(t.Context(), script(Result{Err: first}, Result{Err: givenUp, Skipped: true}))
		require.Equal(t, Summary{Attempts: 1, Outcome: Unknown, Err: first, Skipped: givenUp}, got)
	})
}

// The waits spread up to the bound, which doubles until the policy ends that.
func TestBackoffSpreads(t *testing.T) {
	t.Parallel()
	p := Policy{BaseDelay: time.Second, MaxDelay: 5 * time.Second}
	for attempts, bound := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 5 * time.Second, 5: 5 * time.Second} {
		var longest time.Duration
		for range 1000 {
			longest = max(longest, p.backoff(attempts))
		}
		require.Greater(t, longest, bound*9/10, "after %d attempts", attempts)
	}
}

// The random waits are positive and stay below a bound that doubles.
func TestBackoffBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		maximum := rapid.Int64Range(1, int64(time.Hour)).Draw(rt, "maximum")
		base := rapid.Int64Range(1, maximum).Draw(rt, "base")
		attempts := rapid.IntRange(1, 200).Draw(rt, "attempts")
		p := Policy{BaseDelay: time.Duration(base), MaxDelay: time.Duration(maximum)}
		bound := p.BaseDelay
		for range attempts - 1 {
			bound = min(2*bound, p.MaxDelay)
		}
		got := p.backoff(attempts)
		require.Positive(rt, got)
		require.LessOrEqual(rt, got, bound)
	})
	longest := Policy{BaseDelay: 1 << 62, MaxDelay: 1<<63 - 1}
	require.Positive(t, longest.backoff(1000), "no overflow")
}

func TestStopsAreNamed(t *testing.T) {
	t.Parallel()
	texts := map[string]bool{}
	for stop := StopDone; stop <= StopContext; stop++ {
		require.Equal(t, stop == StopDone, stop.String() == "")
		require.False(t, texts[stop.String()])
		texts[stop.String()] = true
	}
}

// A definite answer earns retries back, whatever it says and whenever it comes.
func TestDefiniteAnswersEarnRetries(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		budget := NewBudget(3)
		loop := Loop{Policy: policy, Class: action.Read, Budget: budget}
		for budget.Take() {
		}
		for range 30 {
			loop.Run(t.Context(), script(Result{Outcome: Rejected, Done: true}))
		}
		got := loop.Run(t.Context(), script(Result{Outcome: Unknown}, Result{Outcome: Accepted, Done: true}))
		require.Equal(t, 2, got.Attempts)
		require.Equal(t, Accepted, got.Outcome)
	})
}

func TestOnlyDefiniteAnswersEarnRetries(t *testing.T) {
	t.Parallel()
	for result, earns := range map[Result]bool{
		{Outcome: Accepted, Done: true}: true, {Outcome: Rejected, Done: true}: true,
		{Outcome: Unknown, Done: true}: false, {Outcome: NotSent, Done: true}: false, {Outcome: Rejected, RateLimited: true, Done: true}: false,
	} {
		budget := NewBudget(1)
		require.True(t, budget.Take())
		loop := Loop{Policy: policy, Class: action.Read, Budget: budget}
		for range costPerRetry {
			loop.Run(t.Context(), script(result))
		}
		require.Equal(t, earns, budget.Take(), "%+v", result)
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	b := NewBudget(2)
	require.True(t, b.Take())
	require.True(t, b.Take())
	require.False(t, b.Take())
	for i := range 10 {
		require.False(t, b.Take(), "after %d successes", i)
		b.Refund()
	}
	require.True(t, b.Take())
	for range 1000 {
		b.Refund()
	}
	taken := 0
	for b.Take() {
		taken++
	}
	require.Equal(t, 2, taken, "no more can be earned than there was")
	for range 9 {
		b.Refund()
	}
	require.False(t, b.Take(), "a full budget keeps nothing for later")

	var none *Budget
	require.True(t, none.Take())
	require.NotPanics(t, none.Refund)
	require.False(t, NewBudget(0).Take())
}

// Many goroutines take exactly what there is; run with -race.
func TestBudgetConcurrently(t *testing.T) {
	t.Parallel()
	b := NewBudget(500)
	var mu sync.Mutex
	taken := 0
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			mine := 0
			for b.Take() {
				mine++
			}
			mu.Lock()
			taken += mine
			mu.Unlock()
		})
	}
	group.Wait()
	require.Equal(t, 500, taken)
	for range 20 {
		group.Go(func() {
			for range 100 {
				b.Refund()
			}
		})
	}
	group.Wait()
	for range 200 {
		require.True(t, b.Take(), "2000 successes earn 200")
	}
	require.False(t, b.Take())
}

func retryAfter(value, date string, now time.Time) (time.Duration, bool) {
	header := http.Header{}
	header.Set("Retry-After", value)
	if date != "" {
		header.Set("Date", date)
	}
	return RetryAfter(header, now)
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.October, 15, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"1": time.Second, "7": 7 * time.Second, " 7 ": 7 * time.Second, "007": 7 * time.Second, "3600": time.Hour,
		"99999999999":                      maxRetryAfter,
		"9223372036854775807":              maxRetryAfter,
		"Thu, 15 Oct 2026 12:00:30 GMT":    30 * time.Second,
		"Thursday, 15-Oct-26 12:00:30 GMT": 30 * time.Second,
		"Thu Oct 15 12:00:30 2026":         30 * time.Second,
		"Fri, 31 Dec 9999 23:59:59 GMT":    maxRetryAfter,
	} {
		got, ok := retryAfter(header, "", now)
		require.True(t, ok, header)
		require.Equal(t, want, got, header)
	}
	// A wait that is over, and what is not understood, leave it to the policy.
	for _, header := range []string{
		"", " ", "-1", "+1", "1.5", "soon", "1h", "18446744073709551616", "0x7", "7 7", "2026-10-15T12:00:30Z", "Thu, 15 Oct 2026 12:00:30 UTC",
		"0", "000", "Thu, 15 Oct 2026 11:00:00 GMT", "Thu, 15 Oct 2026 12:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
	} {
		got, ok := retryAfter(header, "", now)
		require.False(t, ok, header)
		require.Zero(t, got)
	}
}

// The clock of a server differs from ours: a date means what it meant there.
func TestRetryAfterIsReadByTheServersClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.October, 15, 12, 0, 0, 0, time.UTC)
	for _, skew := range []time.Duration{-5 * time.Minute, 5 * time.Minute, -24 * time.Hour} {
		there := now.Add(skew)
		got, ok := retryAfter(there.Add(9*time.Second).Format(http.TimeFormat), there.Format(http.TimeFormat), now)
		require.True(t, ok)
		require.Equal(t, 9*time.Second, got)
	}
	got, ok := retryAfter("Thu, 15 Oct 2026 12:00:30 GMT", "yesterday", now)
	require.True(t, ok, "a date that cannot be read is none")
	require.Equal(t, 30*time.Second, got)
}

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, time.October, 15, 12, 0, 0, 0, time.UTC)
	for _, header := range []string{"", "7", "-7", "99999999999999999999", now.Format(http.TimeFormat), "Fri, 31 Dec 9999 23:59:59 GMT", "Mon Jan  1 00:00:00 0001"} {
		f.Add(header, "")
		f.Add(header, now.Add(time.Hour).Format(http.TimeFormat))
	}
	f.Fuzz(func(t *testing.T, header, date string) {
		got, ok := retryAfter(header, date, now)
		if got < 0 || got > maxRetryAfter || ok != (got > 0) {
			t.Fatalf("%q gives %v, %v", header, got, ok)
		}
		if seconds, err := strconv.Atoi(header); err == nil && seconds > 0 && header[0] != '+' && !ok {
			t.Fatalf("%q is not understood", header)
		}
	})
}

func TestLoopHandsErrorsOfTheContextOn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("why"))
	calls := 0
	summary := (&Loop{Policy: policy, Class: action.Read}).Run(ctx, func(int, time.Duration) Result { calls++; return Result{} })
	require.Equal(t, 1, calls, "the first attempt finds out itself")
	require.Equal(t, StopContext, summary.Stop)
}
