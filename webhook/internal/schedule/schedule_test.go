package schedule_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot/webhook/internal/schedule"
)

// TestWaitersSeeLeasesOfOthers checks that whoever waits is woken by the end of a
// lease that another one took meanwhile.
func TestWaitersSeeLeasesOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
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
	synctest.Test(t, func(t *testing.T) {
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
		if c := s.Counts("e"); c != (schedule.Counts{Leased: 1}) || s.Pending() != 1 {
			t.Errorf("%+v, %d pending", c, s.Pending())
		}
		if c := s.Counts("another"); c != (schedule.Counts{}) {
			t.Errorf("%+v", c)
		}
	})
}
