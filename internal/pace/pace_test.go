package pace_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/salebot-go/salebot/internal/pace"
	"github.com/salebot-go/salebot/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server allows so many requests a second.
type server struct {
	mutex sync.Mutex
	// allow reports whether a request passes, and after which wait it should come
	// again otherwise.
	allow   func(now time.Time) (time.Duration, bool)
	passed  int
	refused int
}

func (s *server) request() (time.Duration, bool) {
	time.Sleep(12 * time.Millisecond)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	wish, ok := s.allow(time.Now())
	if ok {
		s.passed++
	} else {
		s.refused++
	}
	return wish, ok
}

// perSecond is how many requests the servers let through.
const perSecond = 50

// bucket fills with tokens steadily.
func bucket(burst float64, wish time.Duration) func(time.Time) (time.Duration, bool) {
	tokens, last := burst, time.Time{}
	return func(now time.Time) (time.Duration, bool) {
		if !last.IsZero() {
			tokens = min(burst, tokens+now.Sub(last).Seconds()*perSecond)
		}
		last = now
		if tokens < 1 {
			return wish, false
		}
		tokens--
		return 0, true
	}
}

// fixed counts anew each second.
func fixed(told bool) func(time.Time) (time.Duration, bool) {
	var start time.Time
	count := 0
	return func(now time.Time) (time.Duration, bool) {
		if now.Sub(start) >= time.Second {
			start, count = now, 0
		}
		if count++; count <= perSecond {
			return 0, true
		}
		if told {
			return time.Second, false
		}
		return 0, false
	}
}

// work carries out so many requests with so many workers and returns how long it
// took.
func work(t *testing.T, p *pace.Pacer, s *server, workers, items int) time.Duration {
	t.Helper()
	start := time.Now()
	queue := make(chan int, items)
	for i := range items {
		queue <- i
	}
	close(queue)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range queue {
				for {
					if _, err := p.Wait(t.Context(), time.Time{}); err != nil {
						t.Error(err)
						return
					}
					started := time.Now()
					wish, ok := s.request()
					if ok {
						p.Answered(started)
						break
					}
					p.Limited(started, wish, time.Minute)
				}
			}
		})
	}
	group.Wait()
	return time.Since(start)
}

// The goal P9: a thousand requests take little longer than the server allows, and
// it has to object to few. A bucket of one that asks for a second each time costs
// that second, and is looked for from below.
func TestPaceOfServers(t *testing.T) {
	t.Parallel()
	const items = 1000
	for name, c := range map[string]struct {
		allow func() func(time.Time) (time.Duration, bool)
		burst float64
		most  float64
	}{
		"token bucket":                {func() func(time.Time) (time.Duration, bool) { return bucket(1, time.Second) }, 1, 1.55},
		"token bucket, no header":     {func() func(time.Time) (time.Duration, bool) { return bucket(1, 0) }, 1, 1.25},
		"token bucket with a burst":   {func() func(time.Time) (time.Duration, bool) { return bucket(50, time.Second) }, 50, 1.25},
		"token bucket burst, no head": {func() func(time.Time) (time.Duration, bool) { return bucket(50, 0) }, 50, 1.25},
		"fixed window":                {func() func(time.Time) (time.Duration, bool) { return fixed(true) }, 50, 1.4},
		"fixed window, no header":     {func() func(time.Time) (time.Duration, bool) { return fixed(false) }, 50, 1.4},
	} {
		for _, workers := range []int{1, 8, 64} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				testkit.Bubble(t, func(t *testing.T) {
					s := &server{allow: c.allow()}
					took := work(t, new(pace.Pacer), s, workers, items)
					ideal := (items - c.burst) / perSecond
					t.Logf("%s, %d workers: %.2f of the ideal, %d objections", name, workers, took.Seconds()/ideal, s.refused)
					require.Equal(t, items, s.passed)
					if workers > 1 {
						require.LessOrEqual(t, took.Seconds(), c.most*ideal)
					} else {
						// One alone is slower than the server, or nearly.
						require.LessOrEqual(t, took.Seconds(), c.most*max(ideal, items*0.012))
					}
					require.LessOrEqual(t, s.refused, workers+16)
				})
			})
		}
	}
}

// A hold is for all, lasts as long as the server asks for but not longer than the
// bound, and grows where the server asks for nothing.
func TestHolds(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := new(pace.Pacer)
		waited, err := p.Wait(t.Context(), time.Time{})
		require.NoError(t, err)
		require.Zero(t, waited, "there is no pace until the first objection")

		require.GreaterOrEqual(t, p.Limited(time.Now(), 5*time.Second, time.Minute), 5*time.Second)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				waited, err := p.Wait(t.Context(), time.Time{})
				if err != nil || waited < 5*time.Second {
					t.Errorf("%v, %v", waited, err)
				}
			})
		}
		group.Wait()

		time.Sleep(time.Second)
		hold := p.Limited(time.Now(), time.Hour, time.Minute)
		require.InDelta(t, time.Minute, hold, float64(20*time.Millisecond))

		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for _, want := range []int{250, 500, 1000, 2000, 4000, 8000, 8000} {
			require.InDelta(t, time.Duration(want)*time.Millisecond, p.Limited(time.Now(), 0, time.Minute), float64(20*time.Millisecond))
			time.Sleep(20 * time.Second)
		}
		p.Answered(time.Now())
		require.InDelta(t, 250*time.Millisecond, p.Limited(time.Now(), 0, time.Minute), float64(20*time.Millisecond))
	})
}

// Several objections to requests that were under way together count as one.
func TestOldObjectionsSayNothingNew(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := new(pace.Pacer)
		started := time.Now()
		time.Sleep(time.Millisecond)
		first := p.Limited(started, 0, time.Minute)
		for range 10 {
			require.LessOrEqual(t, p.Limited(started, 0, time.Minute), first)
		}
		require.Greater(t, p.Limited(started, 3*time.Second, time.Minute), 2*time.Second, "a longer wish counts")
	})
}

// Whoever waits goes when its context ends or its deadline cannot be kept.
func TestWaitsEnd(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := new(pace.Pacer)
		p.Limited(time.Now(), time.Minute, time.Hour)
		start := time.Now()
		_, err := p.Wait(t.Context(), start.Add(30*time.Second))
		require.ErrorIs(t, err, pace.ErrTooLate)
		require.Zero(t, time.Since(start), "it is known at once")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		for range 2 { // the first of the queue, and the next
			group.Go(func() {
				waited, err := p.Wait(ctx, time.Time{})
				if waited != time.Second || err == nil {
					t.Errorf("%v, %v", waited, err)
				}
			})
		}
		group.Wait()
		waited, err := p.Wait(t.Context(), time.Time{})
		require.NoError(t, err, "those who left do not block the queue")
		require.GreaterOrEqual(t, waited, 59*time.Second)
	})
}

// After a quiet time there is no pace any more.
func TestPaceIsForgotten(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := new(pace.Pacer)
		p.Limited(time.Now(), time.Second, time.Minute)
		time.Sleep(time.Hour)
		for range 1000 {
			waited, err := p.Wait(t.Context(), time.Time{})
			require.NoError(t, err)
			require.Zero(t, waited)
		}
	})
}
