package schedule_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/webhook/schedule"
)

// TestWaitersSeeLeasesOfOthers checks that whoever waits is woken by the end of a lease
// that another one took in between.
func TestWaitersSeeLeasesOfOthers(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := schedule.New()
		waited := make(chan time.Duration, 2)
		start := time.Now()
		for range 2 {
			go func() {
				leases, err := s.Take(t.Context(), "e", 1, time.Minute)
				if err != nil || len(leases) != 1 {
					t.Errorf("%v, %v", leases, err)
				}
				waited <- time.Since(start)
			}()
		}
		synctest.Wait()
		s.Add(schedule.Entry{Endpoint: "e", Lane: 1, Sequence: 1})
		if first, second := <-waited, <-waited; first != 0 || second != time.Minute {
			t.Errorf("waited %v and %v, want 0 and a minute", first, second)
		}
	})
}

// TestSettlingOutlastsTheLease checks that a lease which is being ended does not run
// out, and goes on where it was if its end fails.
func TestSettlingOutlastsTheLease(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := schedule.New()
		s.Add(schedule.Entry{Endpoint: "e", Lane: 1, Sequence: 1})
		take := func() (schedule.Lease, error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			leases, err := s.Take(ctx, "e", 1, time.Minute)
			if err != nil {
				return schedule.Lease{}, err
			}
			return leases[0], nil
		}
		lease, err := take()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Settle(1, lease.Token); err != nil {
			t.Fatal(err)
		}
		if err := s.Settle(1, lease.Token); !errors.Is(err, schedule.ErrLeaseLost) {
			t.Errorf("settling twice: %v", err)
		}
		<-time.After(time.Hour)
		if _, err := take(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an entry that is being settled was handed out: %v", err)
		}
		s.Resume(1)
		again, err := take()
		if err != nil || again.Attempt != 2 {
			t.Fatalf("%+v, %v; want the second attempt", again, err)
		}
		if err := s.Settle(1, again.Token); err != nil {
			t.Fatal(err)
		}
		s.Undo(1)
		if third, err := take(); err != nil || third.Attempt != 2 {
			t.Errorf("%+v, %v; want the second attempt again", third, err)
		}
		// Nothing of this concerns an entry that is not being settled.
		s.Finish(1)
		s.Delay(1, time.Now())
		s.Undo(7)
		s.Resume(7)
		if c := s.Counts("e"); c != (schedule.Counts{Leased: 1, Oldest: 1}) || s.Pending() != 1 {
			t.Errorf("%+v, %d pending", c, s.Pending())
		}
		if c := s.Counts("another"); c != (schedule.Counts{}) {
			t.Errorf("%+v", c)
		}
	})
}

// TestClockSetBack checks that a delay lasts as long as it should when the clock is set
// back in between.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var passed, setBack time.Duration
	now := func() time.Time { return wallSetBack(start.Add(passed), setBack) }
	s := schedule.New()
	s.SetClock(now)
	s.Add(schedule.Entry{Endpoint: "e", Lane: 1, Sequence: 1})
	leases, err := s.Take(t.Context(), "e", 1, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(1, leases[0].Token); err != nil {
		t.Fatal(err)
	}
	s.Delay(1, now().Add(time.Minute))
	// This is the time that a file has.
	s.Add(schedule.Entry{Endpoint: "e", Lane: 2, Sequence: 2, Due: now().Round(0).Add(time.Minute)})
	setBack = time.Hour
	if wall := now().Round(0).Sub(start.Round(0)); wall != -time.Hour {
		t.Fatalf("the clock is off by %v, want an hour", wall)
	}
	passed = time.Minute - 1
	if c := s.Counts("e"); c != (schedule.Counts{Delayed: 2, Oldest: 1}) {
		t.Errorf("%+v just before a minute has passed, want both delayed", c)
	}
	passed = time.Minute
	if c := s.Counts("e"); c != (schedule.Counts{Waiting: 2, Oldest: 1}) {
		t.Errorf("%+v when a minute has passed, want both waiting", c)
	}
}

// wallSetBack is a time as the clock of a system gives it that was set back: the wall
// time changes and the monotonic reading does not.
func wallSetBack(t time.Time, by time.Duration) time.Time {
	// A time with a monotonic reading has its seconds above the 30 bits of its
	// nanoseconds.
	*(*uint64)(unsafe.Pointer(&t)) -= uint64(by/time.Second) << 30
	return t
}

// TestPostponing checks that a postponed entry comes back later, with no attempt
// counted.
func TestPostponing(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := schedule.New()
		s.Add(schedule.Entry{Endpoint: "e", Lane: 1, Sequence: 1})
		leases, err := s.Take(t.Context(), "e", 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Settle(1, leases[0].Token); err != nil {
			t.Fatal(err)
		}
		s.Postpone(1, time.Now().Add(time.Second))
		start := time.Now()
		leases, err = s.Take(t.Context(), "e", 1, time.Hour)
		if err != nil || leases[0].Attempt != 1 || time.Since(start) != time.Second {
			t.Errorf("%+v, %v after %v; want the first attempt after a second", leases, err, time.Since(start))
		}
	})
}

// TestAddingTwice checks that an entry that is in the schedule is not taken up again,
// whether someone works on it or not.
func TestAddingTwice(t *testing.T) {
	t.Parallel()
	s := schedule.New()
	for _, sequence := range []int64{1, 2, 3, 2, 1} {
		s.Add(schedule.Entry{Endpoint: "e", Lane: 1, Sequence: sequence})
	}
	for want := int64(1); want <= 3; want++ {
		leases, err := s.Take(t.Context(), "e", 9, time.Hour)
		if err != nil || len(leases) != 1 || leases[0].Sequence != want {
			t.Fatalf("%+v, %v; want %d", leases, err, want)
		}
		s.Add(schedule.Entry{Endpoint: "e", Lane: 1, Sequence: want})
		if err := s.Settle(want, leases[0].Token); err != nil {
			t.Fatal(err)
		}
		s.Finish(want)
	}
	if s.Pending() != 0 || s.Counts("e") != (schedule.Counts{}) {
		t.Errorf("%d pending, %+v", s.Pending(), s.Counts("e"))
	}
}

// TestEnding checks that whoever waits is told why nothing comes any more.
func TestEnding(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := schedule.New()
		reason := errors.New("a reason")
		waited := make(chan error)
		go func() {
			_, err := s.Take(t.Context(), "e", 1, time.Hour)
			waited <- err
		}()
		synctest.Wait()
		s.End(reason)
		if err := <-waited; !errors.Is(err, reason) {
			t.Errorf("%v, want the reason", err)
		}
		s.Close()
		if _, err := s.Take(t.Context(), "e", 1, time.Hour); !errors.Is(err, schedule.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// TestOldest checks that the lowest number is found in every state of its lane.
func TestOldest(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := schedule.New()
		oldest := func(when string, want int64) {
			t.Helper()
			if got := s.Counts("e").Oldest; got != want {
				t.Errorf("%s: the oldest is %d, want %d", when, got, want)
			}
		}
		oldest("nothing was added", 0)
		s.Add(schedule.Entry{Endpoint: "e", Lane: 2, Sequence: 3})
		s.Add(schedule.Entry{Endpoint: "e", Lane: 1, Sequence: 2})
		s.Add(schedule.Entry{Endpoint: "other", Lane: 1, Sequence: 1})
		oldest("two are ready", 2)
		leases, err := s.Take(t.Context(), "e", 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		oldest("it is leased", 2)
		s.Add(schedule.Entry{Endpoint: "e", Lane: 1, Sequence: 1})
		oldest("an older one came behind it", 1)
		if err := s.Settle(2, leases[0].Token); err != nil {
			t.Fatal(err)
		}
		oldest("it is being settled", 1)
		s.Finish(2)
		oldest("the older one is left", 1)
		leases, err = s.Take(t.Context(), "e", 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Settle(1, leases[0].Token); err != nil {
			t.Fatal(err)
		}
		s.Delay(1, time.Now().Add(time.Minute))
		oldest("it is delayed", 1)
	})
}
