package pace_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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
	// allow reports whether a request passes.
	allow func(now time.Time) bool
	// wish is the wait that it asks for otherwise.
	wish    time.Duration
	passed  int
	refused int
	// delayed draws by how much a request comes later than the others, if it is set.
	delayed func(*rand.Rand) time.Duration
	random  *rand.Rand
}

func (s *server) request() (time.Duration, bool) {
	time.Sleep(12*time.Millisecond + s.delay())
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.allow(time.Now()) {
		s.refused++
		return s.wish, false
	}
	s.passed++
	return 0, true
}

func (s *server) delay() time.Duration {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.delayed == nil {
		return 0
	}
	return s.delayed(s.random)
}

// limit is how many requests a server lets through in a second, after a time.
type limit func(time.Duration) float64

func fifty(time.Duration) float64 { return 50 }

// changing is 50 a second, then 20, then 80.
func changing(elapsed time.Duration) float64 {
	switch {
	case elapsed < 20*time.Second:
		return 50
	case elapsed < 40*time.Second:
		return 20
	}
	return 80
}

// bucket fills with tokens steadily.
func bucket(burst float64) func(limit) func(time.Time) bool {
	return func(perSecond limit) func(time.Time) bool {
		tokens, begin, last := burst, time.Now(), time.Now()
		return func(now time.Time) bool {
			tokens = min(burst, tokens+now.Sub(last).Seconds()*perSecond(now.Sub(begin)))
			last = now
			if tokens < 1-1e-9 {
				return false
			}
			tokens--
			return true
		}
	}
}

// fixed counts from zero each second.
func fixed(perSecond limit) func(time.Time) bool {
	begin, start, count := time.Now(), time.Time{}, 0.0
	return func(now time.Time) bool {
		if now.Sub(start) >= time.Second {
			start, count = now, 0
		}
		count++
		return count <= perSecond(now.Sub(begin))
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

// kinds are the servers that limit their callers.
var kinds = map[string]struct {
	allow func(limit) func(time.Time) bool
	// burst is how many requests pass at once, and most bounds the time that all take,
	// as a multiple of what the server allows; mostChanging is that of a limit that changes.
	burst, most, mostChanging float64
}{
	"bucket of one": {bucket(1), 1, 1.25, 1.35},
	"bucket of two": {bucket(2), 2, 1.25, 1.35},
	"bucket of ten": {bucket(10), 10, 1.25, 1.4},
	"bucket of 50":  {bucket(50), 50, 1.25, 1.35},
	"fixed window":  {fixed, 50, 1.4, 1.35},
}

// eachServer runs a test for each kind of server, that says how long to wait or does
// not, and for one worker and many.
func eachServer(t *testing.T, test func(t *testing.T, kind string, wish time.Duration, workers int)) {
	t.Helper()
	for kind := range kinds {
		for _, wish := range []time.Duration{time.Second, 0} {
			for _, workers := range []int{1, 8, 64} {
				t.Run(fmt.Sprintf("%s, %d workers, asks for %v", kind, workers, wish), func(t *testing.T) {
					t.Parallel()
					testkit.Bubble(t, func(t *testing.T) { test(t, kind, wish, workers) })
				})
			}
		}
	}
}

// The goal P9: a thousand requests take little longer than the server allows, and it
// has to object to few.
func TestPaceOfServers(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string, wish time.Duration, workers int) {
		const items = 1000
		k := kinds[kind]
		s := &server{allow: k.allow(fifty), wish: wish}
		took := work(t, new(pace.Pacer), s, workers, items)
		ideal := (items - k.burst) / 50
		t.Logf("%.2f of the ideal, %d objections", took.Seconds()/ideal, s.refused)
		require.Equal(t, items, s.passed)
		require.LessOrEqual(t, took.Seconds(), k.most*ideal)
		require.LessOrEqual(t, s.refused, workers+15)
	})
}

// Requests that take unequally long on their way come too close to each other now and
// then, and a bucket of one refuses them. That costs a hold, which cannot be helped,
// but it must not lower the pace for long.
func TestUnevenWays(t *testing.T) {
	t.Parallel()
	upTo := func(bound time.Duration) func(*rand.Rand) time.Duration {
		return func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(bound))) }
	}
	ways := map[string]struct {
		delayed func(*rand.Rand) time.Duration
		// most is as in kinds, where the server asks for a second, and where it does not.
		most, mostOwn float64
	}{
		"up to a millisecond": {upTo(time.Millisecond), 1.35, 1.25},
		"up to three":         {upTo(3 * time.Millisecond), 1.5, 1.35},
		"a few much later": {func(r *rand.Rand) time.Duration {
			if r.IntN(300) == 0 {
				return time.Duration(5+r.IntN(25)) * time.Millisecond
			}
			return time.Duration(r.Int64N(int64(time.Millisecond)))
		}, 1.6, 1.35},
	}
	for way, w := range ways {
		eachServer(t, func(t *testing.T, kind string, wish time.Duration, workers int) {
			const items = 1000
			k := kinds[kind]
			most := max(w.most, k.most)
			if wish == 0 {
				most = max(w.mostOwn, k.most)
			}
			for seed := range uint64(3) {
				s := &server{allow: k.allow(fifty), wish: wish, delayed: w.delayed, random: rand.New(rand.NewPCG(seed, 1))}
				took := work(t, new(pace.Pacer), s, workers, items)
				ideal := (items - k.burst) / 50
				t.Logf("%s: %.2f of the ideal, %d objections", way, took.Seconds()/ideal, s.refused)
				require.Equal(t, items, s.passed)
				require.LessOrEqual(t, took.Seconds(), most*ideal, "%s, seed %d", way, seed)
				require.LessOrEqual(t, s.refused, workers+15)
			}
		})
	}
}

// The pace follows a limit that falls to less than half and then rises to four times
// that.
func TestLimitsThatChange(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string, wish time.Duration, workers int) {
		const items = 3000
		k := kinds[kind]
		s := &server{allow: k.allow(changing), wish: wish}
		took := work(t, new(pace.Pacer), s, workers, items)
		// 20 seconds of each lower limit.
		ideal := 40 + (items-20*50-20*20-k.burst)/80
		t.Logf("%.2f of the ideal, %d objections", took.Seconds()/ideal, s.refused)
		require.Equal(t, items, s.passed)
		require.LessOrEqual(t, took.Seconds(), k.mostChanging*ideal)
		require.LessOrEqual(t, s.refused, workers+40)
	})
}

// A hold is for all, lasts as long as the server asks for but not longer than the
// bound, and grows if the server asks for nothing.
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

// A deadline that leaves enough time changes nothing.
func TestWaitsWithinTheDeadline(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		p := new(pace.Pacer)
		require.True(t, p.Idle())
		p.Limited(time.Now(), 5*time.Second, time.Minute)
		require.False(t, p.Idle())
		for range 3 {
			_, err := p.Wait(t.Context(), time.Now().Add(10*time.Second))
			require.NoError(t, err)
		}
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
