package schedule_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/webhook/schedule"
)

// taken takes up to limit entries and returns their numbers along with the leases.
func taken(t *testing.T, s *schedule.Schedule, limit int) (sequences []int64, leases map[int64]schedule.Lease) {
	t.Helper()
	list, err := s.Take(t.Context(), "e", limit, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	leases = map[int64]schedule.Lease{}
	for _, lease := range list {
		sequences = append(sequences, lease.Sequence)
		leases[lease.Sequence] = lease
	}
	return sequences, leases
}

// The oldest of all lanes come first, no more than were asked for, one of each lane;
// entries without a lane wait for no other.
func TestOrder(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := schedule.New()
		for _, e := range [][2]int64{{9, 3}, {8, 1}, {8, 2}, {7, 6}, {0, 5}, {0, 4}, {0, 7}} {
			s.Add(schedule.Entry{Endpoint: "e", Lane: e[0], Sequence: e[1]})
		}
		for _, want := range [][]int64{{1, 3, 4}, {5, 6, 7}} {
			if got, _ := taken(t, s, 3); !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		}
		if c := s.Counts("e"); c != (schedule.Counts{Leased: 6, Waiting: 1, Oldest: 1}) {
			t.Errorf("%+v", c)
		}
	})
}

// What is added late goes in the order of the numbers, after the entry that is under
// way, and before it if that is put back.
func TestOrderOfALane(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(*schedule.Schedule)
		want []int64
	}{
		"finished": {func(s *schedule.Schedule) { s.Finish(5) }, []int64{2, 3, 7, 9}},
		"put back": {func(s *schedule.Schedule) { s.Delay(5, time.Now()) }, []int64{2, 3, 5, 7, 9}},
		"undone":   {func(s *schedule.Schedule) { s.Undo(5) }, []int64{2, 3, 5, 7, 9}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := schedule.New()
				add := func(sequence int64) { s.Add(schedule.Entry{Endpoint: "e", Lane: 1, Sequence: sequence}) }
				add(5)
				_, leases := taken(t, s, 1)
				for _, sequence := range []int64{9, 3, 7, 2} {
					add(sequence)
				}
				if err := s.Settle(5, leases[5].Token); err != nil {
					t.Fatal(err)
				}
				c.end(s)
				var got []int64
				for s.Pending() > 0 {
					sequences, leases := taken(t, s, 10)
					got = append(got, sequences...)
					for _, lease := range leases {
						if err := s.Settle(lease.Sequence, lease.Token); err != nil {
							t.Fatal(err)
						}
						s.Finish(lease.Sequence)
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%v, want %v", got, c.want)
				}
			})
		})
	}
}

// Only who has the lease can end it.
func TestTokens(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := schedule.New()
		for i := range int64(2) {
			s.Add(schedule.Entry{Endpoint: "e", Lane: i + 1, Sequence: i + 1})
		}
		_, first := taken(t, s, 2)
		<-time.After(2 * time.Minute)
		_, second := taken(t, s, 2)
		lost := func(sequence int64, token uint64) {
			t.Helper()
			if err := s.Settle(sequence, token); !errors.Is(err, schedule.ErrLeaseLost) {
				t.Errorf("%d with %d: %v, want ErrLeaseLost", sequence, token, err)
			}
		}
		lost(1, first[1].Token)
		lost(1, second[2].Token)
		lost(3, second[1].Token)
		lost(1, 0)
		if err := s.Settle(1, second[1].Token); err != nil {
			t.Error(err)
		}
		s.Finish(1)
		lost(1, second[1].Token)
		// Nothing of this ends a lease that nobody is ending.
		s.Resume(2)
		s.Finish(2)
		if c := s.Counts("e"); c != (schedule.Counts{Leased: 1, Oldest: 2}) {
			t.Errorf("%+v", c)
		}
	})
}

// Delayed entries come when their time has come, the earliest first.
func TestDelays(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := schedule.New()
		start := time.Now()
		for i, delay := range []time.Duration{3 * time.Minute, time.Minute, 2 * time.Minute} {
			s.Add(schedule.Entry{Endpoint: "e", Lane: int64(i) + 1, Sequence: int64(i) + 1, Due: start.Add(delay)})
		}
		if c := s.Counts("e"); c.Delayed != 3 {
			t.Errorf("%+v", c)
		}
		for minutes, want := range []int64{2, 3, 1} {
			got, leases := taken(t, s, 1)
			if passed := time.Since(start); !slices.Equal(got, []int64{want}) || passed != time.Duration(minutes+1)*time.Minute {
				t.Errorf("%v after %v, want %d", got, passed, want)
			}
			if err := s.Settle(want, leases[want].Token); err != nil {
				t.Fatal(err)
			}
			s.Finish(want)
		}
	})
}
