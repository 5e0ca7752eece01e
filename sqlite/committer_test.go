package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot/webhook"
)

const testFlush = 10 * time.Millisecond

// slowWriter notes the sizes of the groups that it is given.
type slowWriter struct{ groups []int }

func (s *slowWriter) write(group []*operation) bool {
	s.groups = append(s.groups, len(group))
	<-time.After(testFlush)
	return false
}

// TestLoneCallerIsNotDelayed checks that nobody waits for others who were not there
// the last time.
func TestLoneCallerIsNotDelayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w slowWriter
		c := newCommitter(w.write, nil)
		for range 50 {
			start := time.Now()
			if err := c.do(t.Context(), &operation{flush: true}); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); waited != testFlush {
				t.Fatalf("waited %v, want the flush alone, which takes %v", waited, testFlush)
			}
			<-time.After(time.Millisecond)
		}
		c.close()
	})
}

// TestCallersShareFlushes checks that callers who come back soon after they were
// answered share one flush, and do not wait for two.
func TestCallersShareFlushes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w slowWriter
		c := newCommitter(w.write, nil)
		const callers, rounds = 16, 40
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for range rounds {
					if err := c.do(t.Context(), &operation{flush: true}); err != nil {
						t.Error(err)
					}
					<-time.After(time.Millisecond)
				}
			})
		}
		group.Wait()
		c.close()
		if least := callers * rounds / len(w.groups); least < callers*3/4 {
			t.Errorf("%d operations took %d groups: %v", callers*rounds, len(w.groups), w.groups)
		}
	})
}

// TestGatheringIsBounded checks that callers who stay away are not waited for longer
// than a flush takes, and not twice.
func TestGatheringIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w slowWriter
		c := newCommitter(w.write, nil)
		// Many at once, who never come back.
		for range 4 {
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() { _ = c.do(t.Context(), &operation{flush: true}) })
			}
			group.Wait()
		}
		for i, most := range []time.Duration{testFlush + longestGathering, testFlush} {
			start := time.Now()
			if err := c.do(t.Context(), &operation{flush: true}); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); waited > most {
				t.Errorf("operation %d waited %v, want at most %v", i, waited, most)
			}
		}
		// What needs no flush waits for nobody.
		start := time.Now()
		if err := c.do(t.Context(), &operation{}); err != nil || time.Since(start) > testFlush {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		c.close()
	})
}

// TestPromptLeader checks that nobody is waited for where those who came before are
// elsewhere, as callers of a ledger are.
func TestPromptLeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w slowWriter
		c := newCommitter(w.write, nil)
		c.prompt = true
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { _ = c.do(t.Context(), &operation{flush: true}) })
		}
		group.Wait()
		start := time.Now()
		if err := c.do(t.Context(), &operation{flush: true}); err != nil || time.Since(start) > testFlush {
			t.Errorf("%v after %v, want the time of a flush", err, time.Since(start))
		}
		c.close()
	})
}

// TestLedgerIsPrompt checks that a ledger's leaders are.
func TestLedgerIsPrompt(t *testing.T) {
	t.Parallel()
	l, err := OpenLedger(filepath.Join(t.TempDir(), "once.ledger"))
	if err != nil {
		t.Fatal(err)
	}
	if !l.file.committer.prompt {
		t.Error("a ledger waits for calls that are being sent")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestLeavingTheQueue checks that an operation whose caller gives up before it was
// begun is not written, and that the others do not notice.
func TestLeavingTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		written := map[*operation]bool{}
		c := newCommitter(func(group []*operation) bool {
			for _, o := range group {
				written[o] = true
			}
			<-time.After(testFlush)
			return false
		}, nil)
		impatient, cancel := context.WithTimeout(t.Context(), testFlush/2)
		defer cancel()
		var ended []error
		first, third := &operation{flush: true}, &operation{flush: true}
		second := &operation{flush: true, ended: func(err error) { ended = append(ended, err) }}
		results := make(chan error, 3)
		go func() { results <- c.do(t.Context(), first) }()
		synctest.Wait()
		go func() { results <- c.do(impatient, second) }()
		synctest.Wait()
		go func() { results <- c.do(t.Context(), third) }()
		if err := <-results; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the impatient caller got %v", err)
		}
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if len(ended) != 1 || !errors.Is(ended[0], context.DeadlineExceeded) {
			t.Errorf("the second ended with %v", ended)
		}
		if !written[first] || written[second] || !written[third] {
			t.Errorf("written: %v, %v, %v; want all but the second", written[first], written[second], written[third])
		}
		c.close()
		if err := c.do(t.Context(), &operation{}); !errors.Is(err, webhook.ErrClosed) {
			t.Errorf("after close: %v", err)
		}
	})
}

// TestLeaderOfSlowGroup checks that a leader whose context ends does not wait for a
// disk that was slow the last time, nor for another process.
func TestLeaderOfSlowGroup(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		time   time.Duration
		locked int
	}{
		"slow disk": {time.Minute, 0},
		"locked":    {lockPatience, 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				written := 0
				c := newCommitter(func(group []*operation) bool {
					<-time.After(test.time)
					test.locked--
					if test.locked >= 0 {
						return true
					}
					written += len(group)
					return false
				}, nil)
				c.slow = test.time > slowGroup
				ended := make(chan error, 1)
				ctx, cancel := context.WithTimeout(t.Context(), 10*testFlush)
				defer cancel()
				start := time.Now()
				err := c.do(ctx, &operation{flush: true, ended: func(err error) { ended <- err }})
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 11*testFlush {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				// It is written nevertheless, and the next after it.
				if err := c.do(t.Context(), &operation{flush: true}); err != nil {
					t.Error(err)
				}
				if err := <-ended; err != nil || written != 2 {
					t.Errorf("%v, %d written; want both", err, written)
				}
				c.close()
			})
		})
	}
}

// TestChosenLeaderLeads checks that a caller whose context ends when it has just been
// chosen to lead still does, so that those behind it are not stuck.
func TestChosenLeaderLeads(t *testing.T) {
	t.Parallel()
	for range 300 {
		c := newCommitter(func([]*operation) bool { return false }, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for i := range 12 {
			group.Go(func() {
				own := t.Context()
				if i%2 == 0 {
					own = ctx
				}
				if i == 5 {
					cancel()
				}
				_ = c.do(own, &operation{flush: true})
			})
		}
		group.Wait()
		cancel()
		c.close()
	}
}

// TestAsideOfAFlush checks that what need not be flushed does not wait for what must be,
// while two groups are never written at once.
func TestAsideOfAFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		writing := false
		write := func([]*operation) bool {
			if writing {
				t.Error("two groups are written at once")
			}
			writing = true
			<-time.After(time.Millisecond)
			writing = false
			return false
		}
		flushed := newCommitter(write, nil)
		flushed.flush = func([]*operation) { <-time.After(testFlush) }
		aside := newCommitter(write, nil)
		aside.turn = flushed.turn
		start := time.Now()
		var group sync.WaitGroup
		do := func(c *committer, o *operation, want time.Duration) {
			group.Go(func() {
				if err := c.do(t.Context(), o); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took != want {
					t.Errorf("flush %v: took %v, want %v", o.flush, took, want)
				}
			})
			synctest.Wait()
		}
		do(flushed, &operation{flush: true}, time.Millisecond+testFlush)
		do(aside, &operation{}, 2*time.Millisecond)
		group.Wait()
		flushed.close()
		aside.close()
	})
}

// TestTurnThatIsNotWaitedFor checks that a caller need not wait for the turn of another
// committer, and that what it asked for is done all the same.
func TestTurnThatIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w slowWriter
		c := newCommitter(w.write, nil)
		c.turn <- struct{}{}
		ctx, cancel := context.WithTimeout(t.Context(), testFlush)
		defer cancel()
		if err := c.do(ctx, &operation{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		<-c.turn
		c.close()
		if len(w.groups) != 1 {
			t.Errorf("groups %v, want one", w.groups)
		}
	})
}
