package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

var errGroupClosed = errors.New("closed")

// numbersGroup is a group whose transactions take a second and return what they were
// given.
type numbersGroup struct {
	group[int, int]

	mutex sync.Mutex
	// batches are the sizes of the transactions.
	batches []int
	// fail returns the error of a transaction; nil for none.
	fail func(in []int) error
}

func newNumbersGroup(t *testing.T, workers int, fail func([]int) error) *numbersGroup {
	t.Helper()
	g := &numbersGroup{fail: fail}
	g.group = group[int, int]{most: 10, timeout: time.Minute, closedErr: errGroupClosed, write: g.write}
	g.start(t.Context(), workers)
	return g
}

func (g *numbersGroup) write(ctx context.Context, in []int) ([]int, error) {
	g.mutex.Lock()
	g.batches = append(g.batches, len(in))
	g.mutex.Unlock()
	if !sleep(ctx, time.Second) {
		return nil, ctx.Err()
	}
	if err := g.fail(in); err != nil {
		return nil, err
	}
	return slices.Clone(in), nil
}

// doAll makes a call with each number, one after another while the first transaction is
// under way, and closes the group when all have their results.
func (g *numbersGroup) doAll(t *testing.T, numbers []int) {
	t.Helper()
	var group sync.WaitGroup
	for _, n := range numbers {
		group.Go(func() {
			if out, err := g.do(t.Context(), n); out != n || err != nil {
				t.Errorf("%d: %d, %v", n, out, err)
			}
		})
		synctest.Wait()
	}
	group.Wait()
	g.close()
}

func succeed([]int) error { return nil }

// bubble runs a test in virtual time.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test) //nolint:forbidigo // its assertions use no panics
}

// TestGroupJoinsCalls checks that calls which come while a transaction is under way share
// the next one, up to the bound, and that each gets its own result.
func TestGroupJoinsCalls(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		g := newNumbersGroup(t, 1, succeed)
		numbers := make([]int, 25)
		for n := range numbers {
			numbers[n] = n
		}
		g.doAll(t, numbers)
		if want := []int{1, 10, 10, 4}; !slices.Equal(g.batches, want) {
			t.Errorf("transactions of %v, want %v", g.batches, want)
		}
	})
}

// TestGroupWorkersStay checks that a worker which finds nothing left, because another one
// took all, goes on waiting: so many transactions as at first still run at once.
func TestGroupWorkersStay(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const workers = 4
		g := newNumbersGroup(t, workers, succeed)
		call := func() {
			if _, err := g.do(t.Context(), 1); err != nil {
				t.Error(err)
			}
		}
		var group sync.WaitGroup
		// As many as there are workers at once, which one of them may take.
		for range 200 {
			for range workers {
				group.Go(call)
			}
			group.Wait()
		}
		began := time.Now()
		for range workers {
			group.Go(call)
			synctest.Wait()
		}
		group.Wait()
		if took := time.Since(began); took != time.Second {
			t.Errorf("%d calls at once took %v, want one second", workers, took)
		}
		g.close()
	})
}

// TestGroupFailsAlone checks that a call with values that the server does not take fails
// alone, and that others fail together.
func TestGroupFailsAlone(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		bad := &pgconn.PgError{Code: "22021"}
		g := newNumbersGroup(t, 1, func(in []int) error {
			if slices.Contains(in, 3) {
				return fmt.Errorf("wrapped: %w", bad)
			}
			return nil
		})
		var group sync.WaitGroup
		for n := range 6 {
			group.Go(func() {
				_, err := g.do(t.Context(), n)
				if failed := errors.Is(err, bad); failed != (n == 3) {
					t.Errorf("%d: %v", n, err)
				}
			})
			synctest.Wait()
		}
		group.Wait()
		g.close()
	})
}

// TestGroupRepeats checks that a transaction which another one was in the way of is
// repeated, a bounded number of times, and that one which failed otherwise is not.
func TestGroupRepeats(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		deadlock, other := &pgconn.PgError{Code: "40P01"}, errors.New("gone")
		failures := 2
		g := newNumbersGroup(t, 1, func(in []int) error {
			switch {
			case in[0] == 1 && failures > 0:
				failures--
				return deadlock
			case in[0] == 2:
				return deadlock
			case in[0] == 3:
				return other
			}
			return nil
		})
		for n, want := range map[int]struct {
			err   error
			tries int
		}{1: {nil, 3}, 2: {deadlock, repetitions}, 3: {other, 1}} {
			g.batches = nil
			if _, err := g.do(t.Context(), n); !errors.Is(err, want.err) || len(g.batches) != want.tries {
				t.Errorf("%d: %v after %d tries, want %v after %d", n, err, len(g.batches), want.err, want.tries)
			}
		}
		g.close()
	})
}

// TestGroupCloses checks that calls which came are done when the group is closed, that
// those after it are refused, and that nobody waits beyond his context.
func TestGroupCloses(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		g := newNumbersGroup(t, 2, succeed)
		var group sync.WaitGroup
		for n := range 8 {
			group.Go(func() {
				if _, err := g.do(t.Context(), n); err != nil {
					t.Errorf("%d: %v", n, err)
				}
			})
		}
		group.Go(func() {
			limited, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if _, err := g.do(limited, 8); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a context that ends: %v", err)
			}
		})
		synctest.Wait()
		g.close()
		group.Wait()
		if _, err := g.do(t.Context(), 9); !errors.Is(err, errGroupClosed) {
			t.Errorf("after close: %v", err)
		}
	})
}

// TestGroupForgetsTheImpatient checks that a call which nobody waits for any more leaves
// the queue: while the server hangs, more may come than are tried.
func TestGroupForgetsTheImpatient(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		g := newNumbersGroup(t, 1, succeed)
		var group sync.WaitGroup
		call := func(n int, patience time.Duration, begun bool, want error) {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := g.do(ctx, n)
				if !errors.Is(err, want) || err != nil && late(err) != begun {
					t.Errorf("%d: %v, want %v, which may have been begun: %t", n, err, want, begun)
				}
			})
			synctest.Wait()
		}
		call(0, 900*time.Millisecond, true, context.DeadlineExceeded)
		call(1, time.Hour, true, nil)
		for n := range 100 {
			call(2+n, time.Millisecond, false, context.DeadlineExceeded)
		}
		_ = sleep(t.Context(), 10*time.Millisecond)
		g.group.mutex.Lock()
		left := len(g.queue)
		g.group.mutex.Unlock()
		if left != 1 {
			t.Errorf("%d calls are in the queue, want the one that is waited for", left)
		}
		group.Wait()
		g.close()
		if want := []int{1, 1}; !slices.Equal(g.batches, want) {
			t.Errorf("transactions of %v, want %v", g.batches, want)
		}
	})
}

// TestGroupOfLargeCalls checks that calls which are too large together are done one after
// the other.
func TestGroupOfLargeCalls(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		g := newNumbersGroup(t, 1, succeed)
		g.size, g.mostBytes = func(n int) int { return n }, 100
		g.doAll(t, []int{1, 50, 50, 1, 500, 60, 40})
		if want := []int{1, 2, 1, 1, 2}; !slices.Equal(g.batches, want) {
			t.Errorf("transactions of %v, want %v", g.batches, want)
		}
	})
}
