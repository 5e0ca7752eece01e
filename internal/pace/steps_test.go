package pace_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/pace"
	"github.com/salebot-go/salebot/internal/testkit"
)

// The constants of the pace, as the tests below count with them.
const (
	growsQuickly   = 1.4
	growsSearching = 12
	lessened       = 0.95
	jitter         = 20 * time.Millisecond
	// enough is the number of answers that tells a first pace: eight a second if they
	// came at once and a hold of three seconds followed.
	enough = 24
)

// answer notes answers that took no time.
func answer(p *pace.Pacer, count int) {
	for range count {
		p.Answered(time.Now())
	}
}

// begin waits for a start.
func begin(t *testing.T, p *pace.Pacer) {
	t.Helper()
	_, err := p.Wait(t.Context(), time.Time{})
	require.NoError(t, err)
}

// measure waits for two starts and returns how many there are in a second.
func measure(t *testing.T, p *pace.Pacer) float64 {
	t.Helper()
	begin(t, p)
	start := time.Now()
	begin(t, p)
	return 1 / time.Since(start).Seconds()
}

// requireRate checks a pace, but for the jitter of a hold and the growth meanwhile.
func requireRate(t *testing.T, want, got float64, name string) {
	t.Helper()
	require.InEpsilon(t, want, got, 0.05, name)
}

// object objects to a request that starts now, asks for a second and waits until that
// is over.
func object(t *testing.T, p *pace.Pacer) {
	t.Helper()
	p.Limited(time.Now(), time.Second, time.Minute)
	begin(t, p)
}

// The first pace is what got through in the last one or two seconds, the hold included.
func TestFirstPace(t *testing.T) {
	t.Parallel()
	type answers struct {
		at    time.Duration
		count int
	}
	steadily := make([]answers, 15)
	for i := range steadily {
		steadily[i] = answers{time.Duration(i) * 100 * time.Millisecond, 10}
	}
	const second, half = time.Second, time.Second / 2
	for name, test := range map[string]struct {
		before   []answers
		objected time.Duration
		wish     time.Duration
		during   []answers
		want     float64
		// searched says that the pace grows in large steps.
		searched bool
	}{
		"steadily":                  {before: steadily, objected: 1500 * time.Millisecond, wish: second, want: 150 / 2.5},
		"at once":                   {before: []answers{{0, 60}}, objected: 0, wish: second / 4, want: 120},
		"more before two seconds":   {before: []answers{{0, 500}, {second, 20}, {2 * second, 20}}, objected: 2*second + half, wish: second, want: 40 / 2.5},
		"exactly a second ago":      {before: []answers{{0, 100}, {second, 1}, {2 * second, 24}}, objected: 2*second + half, wish: second, want: 25 / 2.5},
		"exactly two seconds ago":   {before: []answers{{0, 100}, {2 * second, 30}}, objected: 2*second + half, wish: second, want: 30 / 1.5},
		"long ago":                  {before: []answers{{0, 100}}, objected: 10 * second, wish: second, want: 8, searched: true},
		"answered in the hold":      {before: []answers{{0, 100}}, objected: 900 * time.Millisecond, wish: 3 * second, during: []answers{{2 * second, 1}}, want: 101 / 3.9},
		"nothing":                   {wish: second, want: 8, searched: true},
		"few":                       {before: []answers{{0, 23}}, wish: second, want: 23, searched: true},
		"enough":                    {before: []answers{{0, 24}}, wish: second, want: 24},
		"few in two windows":        {before: []answers{{0, 1}, {second, 22}}, objected: second, wish: second, want: 23 / 2.0, searched: true},
		"enough in two windows":     {before: []answers{{0, 1}, {second, 23}}, objected: second, wish: second, want: 24 / 2.0},
		"few after a long time":     {before: []answers{{0, 30}, {5 * second, 3}}, objected: 5 * second, wish: second, want: 8, searched: true},
		"few after a short quiet":   {before: []answers{{0, 23}}, objected: second + half, wish: second, want: 23 / 2.5, searched: true},
		"few before a longer quiet": {before: []answers{{0, 23}, {3 * second, 3}}, objected: 3*second + half, wish: second, want: 8, searched: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				p, start := new(pace.Pacer), time.Now()
				for _, a := range test.before {
					time.Sleep(a.at - time.Since(start))
					answer(p, a.count)
				}
				time.Sleep(test.objected - time.Since(start))
				hold := p.Limited(time.Now(), test.wish, time.Minute)
				over := time.Now().Add(hold)
				for _, a := range test.during {
					time.Sleep(a.at)
					answer(p, a.count)
				}
				begin(t, p)
				require.Equal(t, over, time.Now(), "nothing starts before the hold is over")
				measured := measure(t, p)
				if !test.searched {
					requireRate(t, test.want, measured, "the first interval")
				}
				time.Sleep(time.Until(over.Add(time.Second)))
				grown := test.want * growsQuickly
				if test.searched {
					grown = test.want * growsSearching
				}
				require.InEpsilon(t, grown, measure(t, p), 0.15, "after a second")
			})
		})
	}
}

// searched returns a pacer that has found its pace in large steps, at the end of a
// hold. The next two objections are forgiven.
func searched(t *testing.T) *pace.Pacer {
	t.Helper()
	p := new(pace.Pacer)
	object(t, p)
	found, wanted, _ := search(t, p, 1300*time.Millisecond, 0)
	require.InEpsilon(t, wanted, found, 0.01)
	return p
}

// search starts requests for a time and then further ones, and objects to the last of
// the former. It returns the pace that was found, what it is to be if there was no burst,
// and at which the last request started.
func search(t *testing.T, p *pace.Pacer, takes time.Duration, further int) (found, wanted, last float64) {
	t.Helper()
	over, started := time.Now().Add(takes), time.Now()
	var before, latest time.Duration
	for time.Now().Before(over) {
		before = latest
		begin(t, p)
		latest, started = time.Since(started), time.Now()
	}
	for range further {
		begin(t, p)
	}
	p.Limited(started, time.Second, time.Minute)
	begin(t, p)
	// Between what got through and what did not, at a distance.
	wanted = 0.95 * (1/before.Seconds() + 1/latest.Seconds()) / 2
	return rateAtOnce(t, p), wanted, 1 / latest.Seconds()
}

// rateAtOnce is the pace at the end of a hold, at which a start was just made.
func rateAtOnce(t *testing.T, p *pace.Pacer) float64 {
	t.Helper()
	start := time.Now()
	begin(t, p)
	return 1 / time.Since(start).Seconds()
}

// Once it was found the pace stays the same for a while.
func TestPaceIsSteadyOnceItWasFound(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := searched(t)
		rate := measure(t, p)
		for range 100 {
			require.InEpsilon(t, rate, measure(t, p), 0.01)
		}
	})
}

// fallen is what a pace falls to when so much got through on average.
func fallen(met, through, part float64) float64 { return min(met-part*(met-through), lessened*met) }

// Two objections to a pace that was found cost little, the next ones more: half of the
// way to what got through, and then two thirds.
func TestObjectionsToASteadyPace(t *testing.T) {
	t.Parallel()
	for last, part := range map[int]float64{9: 0.5, 10: 0.65} {
		testkit.Bubble(t, func(t *testing.T) {
			p := searched(t)
			rate := measure(t, p)
			// The first comes at once, the others when the pace has long been the same.
			for i := range 2 {
				object(t, p)
				rate *= lessened
				requireRate(t, rate, rateAtOnce(t, p), fmt.Sprint("forgiven ", i))
				time.Sleep(5 * time.Second)
			}
			rate = measure(t, p)
			answer(p, 20)
			object(t, p)
			through := 20 / 6.0
			requireRate(t, fallen(rate, through, 0.5), rateAtOnce(t, p), "the third")
			time.Sleep(5 * time.Second)
			requireRate(t, fallen(rate, through, 0.25), measure(t, p), "it grows quickly to what is hoped for, and no further")
			rate = measure(t, p)
			answer(p, last)
			object(t, p)
			requireRate(t, fallen(rate, float64(last)/6, part), rateAtOnce(t, p), "the fourth")
		})
	}
}

// A steady pace at which much got through for a long time is forgiven again.
func TestObjectionsAreForgivenAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		after    time.Duration
		answers  int
		forgiven bool
	}{
		{3 * time.Second, 33, true},
		{3 * time.Second, 32, false},
		{2*time.Second + time.Nanosecond, 33, true},
		{2 * time.Second, 33, false},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			p := searched(t)
			object(t, p)
			object(t, p)
			time.Sleep(test.after)
			answer(p, test.answers)
			p.Limited(time.Now(), time.Second, time.Minute)
			// The pace of the moment of the objection: it was found, and twice forgiven.
			begin(t, p)
			got := rateAtOnce(t, p)
			q := searched(t)
			met := rateAtOnce(t, q) * lessened * lessened
			want := met * lessened
			if !test.forgiven {
				want = fallen(met, float64(test.answers)/(test.after+time.Second).Seconds(), 0.5)
			}
			require.InEpsilon(t, want, got, 0.08, "%+v", test)
		})
	}
}

// A pace that is only growing to where it is hoped to be falls half of the way, however
// long that takes.
func TestObjectionsToAGrowingPace(t *testing.T) {
	t.Parallel()
	for _, count := range []int{0, 10, 200} {
		testkit.Bubble(t, func(t *testing.T) {
			p := new(pace.Pacer)
			answer(p, 100)
			object(t, p)
			time.Sleep(3 * time.Second)
			// Most came early: all count that came since the hold.
			answer(p, count)
			time.Sleep(3 * time.Second)
			rate := measure(t, p)
			object(t, p)
			requireRate(t, fallen(rate, float64(count)/7, 0.5), rateAtOnce(t, p), fmt.Sprint(count))
			time.Sleep(5 * time.Second)
			hoped := fallen(rate, float64(count)/7, 0.25)
			if count == 0 {
				// The hold was too short, which says nothing about the pace.
				hoped = lessened * rate
			}
			requireRate(t, hoped, measure(t, p), fmt.Sprint(count))
		})
	}
}

// What a search found is kept for twice as long as another pace before more is tried.
func TestPaceAfterASearchIsTrusted(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := searched(t)
		found := measure(t, p)
		time.Sleep(26 * time.Second)
		requireRate(t, found, measure(t, p), "the search is trusted")
		object(t, p)
		begin(t, p)
		rate := rateAtOnce(t, p)
		time.Sleep(12 * time.Second)
		requireRate(t, rate, measure(t, p), "nothing is tried yet")
		time.Sleep(8 * time.Second)
		require.Greater(t, measure(t, p), 1.2*rate, "then more is tried")
	})
}

// A pace that grew fast again, because the server may allow more by now, falls a little
// and grows again to just below. That does not make the next objection forgiven.
func TestObjectionsToARisingPace(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := searched(t)
		found := measure(t, p)
		time.Sleep(34 * time.Second)
		rate := measure(t, p)
		require.Greater(t, rate, 1.3*found, "it grows boldly")
		object(t, p)
		requireRate(t, 0.85*rate, rateAtOnce(t, p), "a little")
		time.Sleep(3 * time.Second)
		rate *= lessened
		requireRate(t, rate, measure(t, p), "and again to just below")
		answer(p, 20)
		object(t, p)
		requireRate(t, fallen(rate, 20.0/4, 0.5), rateAtOnce(t, p), "the next one")
	})
}

// A request whose answer is late may have come late to the server. The next one keeps
// its distance from that moment, but no longer than another interval.
func TestDistanceFromLateRequests(t *testing.T) {
	t.Parallel()
	const usual, late = 10 * time.Millisecond, 50 * time.Millisecond
	respond := func(p *pace.Pacer, count int, took time.Duration) {
		started := time.Now()
		time.Sleep(took)
		for range count {
			p.Answered(started)
		}
	}
	for name, test := range map[string]struct {
		// Before the objection come many answers that took one time, and some that took
		// another: the usual time is the least one, which is slowly forgotten.
		many, some time.Duration
		// took is how long the answer takes; 0 if it does not come.
		took, want time.Duration
	}{
		"as usual":              {usual, usual, usual, 0},
		"as usual, though slow": {0, 100 * time.Millisecond, 100 * time.Millisecond, 0},
		"late":                  {usual, usual, late, late - usual},
		"late after slow ones":  {2 * late, usual, late, late - usual},
		"not at all":            {usual, usual, 0, 125 * time.Millisecond},
		"not at all, the first": {0, 0, 0, 0},
		"slow for a long time":  {0, late, late, 0},
		"slower than the pace":  {200 * time.Millisecond, 200 * time.Millisecond, 0, 0},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			p := new(pace.Pacer)
			switch name {
			case "slow for a long time":
				respond(p, 1, usual)
				respond(p, 400, late)
			case "not at all, the first", "as usual, though slow":
			default:
				respond(p, 400, test.many)
			}
			// The many are too long ago to count, and the others keep it from searching.
			time.Sleep(10 * time.Second)
			if test.some > 0 {
				respond(p, enough, test.some)
			}
			p.Limited(time.Now(), 3*time.Second, time.Minute)
			begin(t, p)
			if test.some == 0 {
				// It searches, from the same pace.
				start := time.Now()
				begin(t, p)
				require.LessOrEqual(t, time.Since(start), 125*time.Millisecond, name)
				return
			}
			started := time.Now()
			if test.took > 0 {
				time.Sleep(test.took)
				p.Answered(started)
			}
			begin(t, p)
			// At eight a second, growing.
			require.InDelta(t, 125*time.Millisecond+test.want, time.Since(started), float64(18*time.Millisecond), name)
		})
	}
}

// The answer of an older request does not tell when the latest one came.
func TestAnswersOfOlderRequestsTellNothing(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p, older := new(pace.Pacer), time.Now()
		time.Sleep(10 * time.Millisecond)
		for range enough {
			p.Answered(older)
		}
		p.Limited(time.Now(), 3*time.Second, time.Minute)
		begin(t, p)
		latest := time.Now()
		time.Sleep(20 * time.Millisecond)
		p.Answered(older)
		begin(t, p)
		require.InDelta(t, 250*time.Millisecond, time.Since(latest), float64(30*time.Millisecond))
	})
}

// An objection to a request from before a hold neither shortens that hold nor brings
// another one when it is over.
func TestOldObjectionsHoldNobodyLonger(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p, started := new(pace.Pacer), time.Now()
		time.Sleep(time.Millisecond)
		p.Limited(time.Now(), 5*time.Second, time.Minute)
		require.GreaterOrEqual(t, p.Limited(started, time.Second, time.Minute), 5*time.Second)
		time.Sleep(5*time.Second + jitter)
		require.Zero(t, p.Limited(started, 0, time.Minute))
	})
}

// The pacer is idle again when the pace has grown beyond all bounds.
func TestPaceIsIdleAgain(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := new(pace.Pacer)
		p.Limited(time.Now(), time.Second, time.Minute)
		time.Sleep(time.Hour)
		begin(t, p)
		require.True(t, p.Idle())
		p.Limited(time.Now(), time.Second, time.Minute)
		require.False(t, p.Idle())
		require.GreaterOrEqual(t, measureWait(t, p), time.Second)
	})
}

func measureWait(t *testing.T, p *pace.Pacer) time.Duration {
	t.Helper()
	waited, err := p.Wait(t.Context(), time.Time{})
	require.NoError(t, err)
	return waited
}
