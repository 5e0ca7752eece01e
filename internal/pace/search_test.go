package pace_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/pace"
	"github.com/salebot-go/salebot/internal/testkit"
)

// A search comes close below what a server allows, whatever burst that lets through
// first, and whether the burst came at once or took a while.
func TestSearchComesClose(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		allowed, burst float64
		// takes is how long each request takes; one follows the other.
		takes time.Duration
		least float64
	}{
		"slow":                     {10, 1, 0, 0.8},
		"no burst":                 {50, 1, 0, 0.9},
		"a burst of two":           {50, 2, 0, 0.85},
		"a burst of ten":           {50, 10, 0, 0.85},
		"fast":                     {1000, 1, 0, 0.9},
		"a burst that took long":   {50, 7, 12 * time.Millisecond, 0.75},
		"a burst that took longer": {50, 4, 16 * time.Millisecond, 0.75},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			p := new(pace.Pacer)
			allow := bucket(test.burst)(func(time.Duration) float64 { return test.allowed })
			for objections := 0; objections < 2; {
				begin(t, p)
				started := time.Now()
				time.Sleep(test.takes)
				if allow(time.Now()) {
					p.Answered(started)
					continue
				}
				p.Limited(started, time.Second, time.Minute)
				objections++
			}
			begin(t, p)
			started := time.Now()
			time.Sleep(test.takes)
			p.Answered(started)
			begin(t, p)
			found := 1 / time.Since(started).Seconds()
			t.Logf("%s: %.0f of %.0f", name, found, test.allowed)
			require.LessOrEqual(t, found, test.allowed, name)
			require.GreaterOrEqual(t, found, test.least*test.allowed, name)
		})
	}
}

// A search that saw too few requests to tell the pace falls back on the average.
func TestSearchWithoutStarts(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := new(pace.Pacer)
		answer(p, 5)
		object(t, p)
		time.Sleep(time.Second)
		met := measure(t, p)
		answer(p, 2)
		object(t, p)
		requireRate(t, fallen(met, 2/2.0, 0.5), rateAtOnce(t, p), "half of the way to what got through")
	})
}

// The objection may be to a request that others followed.
func TestSearchKnowsWhichRequestWasRefused(t *testing.T) {
	t.Parallel()
	for further := range 4 {
		testkit.Bubble(t, func(t *testing.T) {
			p := new(pace.Pacer)
			object(t, p)
			found, wanted, _ := search(t, p, 500*time.Millisecond, further)
			require.InEpsilon(t, wanted, found, 0.02, "%d more", further)
		})
	}
}

// Requests that got through slowly before the search may not have been a burst. The
// search does not go beyond the pace that was refused.
func TestSearchAfterAFewSlowRequests(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := new(pace.Pacer)
		answer(p, 1)
		time.Sleep(200 * time.Millisecond)
		answer(p, 1)
		object(t, p)
		found, _, last := search(t, p, 500*time.Millisecond, 0)
		require.LessOrEqual(t, found, last)
	})
}
