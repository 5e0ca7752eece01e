package sqlite

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errTest = errors.New("failing as wanted")

// failAll is what a writer does that can't write.
func failAll(group []*operation) {
	for _, o := range group {
		o.err = errTest
	}
}

// TestFailureOfASlowGroup checks that a caller is told of a failure also where its group
// was left to a goroutine, because the last one took long.
func TestFailureOfASlowGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fails := false
		c := newCommitter(func(group []*operation) bool {
			<-time.After(slowGroup)
			if fails {
				failAll(group)
			}
			return false
		}, nil)
		if err := c.do(t.Context(), &operation{flush: true}); err != nil {
			t.Fatal(err)
		}
		fails = true
		ctx, cancel := context.WithTimeout(t.Context(), slowGroup/2)
		defer cancel()
		start := time.Now()
		if err := c.do(ctx, &operation{flush: true}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != slowGroup/2 {
			t.Errorf("%v after %v, want the end of the context", err, time.Since(start))
		}
		if err := c.do(t.Context(), &operation{flush: true}); !errors.Is(err, errTest) {
			t.Errorf("%v, want the failure", err)
		}
		c.close()
	})
}

// TestFileIsLockedForLong checks that callers are told of another process that does not let
// the file go, and that those who come later are not held up by that.
func TestFileIsLockedForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		locked := true
		c := newCommitter(func(group []*operation) bool {
			if locked {
				<-time.After(lockPatience)
				failAll(group)
				return true
			}
			for _, o := range group {
				o.err = nil
			}
			return false
		}, nil)
		start := time.Now()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if err := c.do(t.Context(), &operation{flush: true}); !errors.Is(err, errTest) {
					t.Errorf("%v, want the failure", err)
				}
				if waited := time.Since(start); waited < longestLock || waited > 3*longestLock {
					t.Errorf("waited %v", waited)
				}
			})
		}
		group.Wait()
		locked = false
		if err := c.do(t.Context(), &operation{flush: true}); err != nil {
			t.Error(err)
		}
		c.close()
	})
}

// TestPanicInAGroup checks that everybody in a group is told of a panic, and that it does
// not end the program where no caller could catch it.
func TestPanicInAGroup(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]bool{"of a caller": false, "of a goroutine": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				c := newCommitter(func([]*operation) bool {
					calls++
					<-time.After(testFlush)
					if calls == 2 {
						panic("as wanted")
					}
					return false
				}, func(any) error { return errTest })
				results := make(chan error, 4)
				do := func() {
					go func() {
						defer func() {
							if recover() != nil {
								results <- errTest
							}
						}()
						results <- c.do(t.Context(), &operation{flush: true})
					}()
					synctest.Wait()
				}
				do()
				c.mu.Lock()
				c.flushTime = 0 // the next leader waits for nobody
				c.mu.Unlock()
				for range 3 {
					do()
				}
				if err := <-results; err != nil {
					t.Fatal(err)
				}
				c.mu.Lock()
				c.slow = slow
				c.mu.Unlock()
				for range 3 {
					if err := <-results; !errors.Is(err, errTest) {
						t.Errorf("%v, want the panic", err)
					}
				}
				if err := c.do(t.Context(), &operation{flush: true}); err != nil {
					t.Errorf("the next one: %v", err)
				}
				c.close()
			})
		})
	}
}

// TestPanicOfOneThatIsTold checks that what a caller does when its operation has ended
// concerns nobody else.
func TestPanicOfOneThatIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w slowWriter
		c := newCommitter(w.write, func(any) error { return errTest })
		var group sync.WaitGroup
		for n := range 4 {
			group.Go(func() {
				o := &operation{flush: true}
				if n == 2 {
					o.ended = func(error) { panic("as wanted") }
				}
				if err := c.do(t.Context(), o); errors.Is(err, errTest) != (n == 2) {
					t.Errorf("operation %d: %v", n, err)
				}
			})
			synctest.Wait()
		}
		group.Wait()
		c.close()
	})
}

// TestLeavingWhileItIsWritten checks that an operation whose caller gives up while it is
// written ends once, with what became of it.
func TestLeavingWhileItIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w slowWriter
		c := newCommitter(w.write, nil)
		var ended []error
		ctx, cancel := context.WithTimeout(t.Context(), testFlush+testFlush/2)
		defer cancel()
		var group sync.WaitGroup
		do := func(ctx context.Context, o *operation, want error) {
			group.Go(func() {
				if err := c.do(ctx, o); !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			})
			synctest.Wait()
		}
		do(t.Context(), &operation{flush: true}, nil)
		do(t.Context(), &operation{flush: true}, nil)
		do(ctx, &operation{flush: true, ended: func(err error) { ended = append(ended, err) }}, context.DeadlineExceeded)
		group.Wait()
		c.close()
		if len(ended) != 1 || ended[0] != nil {
			t.Errorf("it ended with %v, want once without an error", ended)
		}
	})
}

// TestMoreThanWereExpected checks that those who come before a leader has noticed that
// everybody is there are no trouble.
func TestMoreThanWereExpected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w slowWriter
		c := newCommitter(w.write, nil)
		c.leading, c.expected, c.gathered = true, 1, make(chan struct{})
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if err := c.do(t.Context(), &operation{flush: true}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		// Now the leader has come.
		c.conclude(nil, 0, time.Now(), nil)
		group.Wait()
		c.close()
	})
}

// TestLargestGroup checks that more operations than fit into a group are each written once.
func TestLargestGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers = 2*largestGroup + 100
		var written atomic.Int64
		largest := 0
		c := newCommitter(func(group []*operation) bool {
			largest = max(largest, len(group))
			written.Add(int64(len(group)))
			<-time.After(testFlush)
			return false
		}, nil)
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				if err := c.do(t.Context(), &operation{flush: true}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		c.close()
		if n := written.Load(); n != callers || largest != largestGroup {
			t.Errorf("%d operations were written, want %d; %d at once, want %d", n, callers, largest, largestGroup)
		}
	})
}

// momentaryContext ends when somebody looks whether it has.
type momentaryContext struct {
	context.Context
	once sync.Once
	then func()
}

func (m *momentaryContext) Done() <-chan struct{} {
	m.once.Do(m.then)
	ended := make(chan struct{})
	close(ended)
	return ended
}

// TestChosenWhenItsContextEnds checks that a caller which gives up at the moment when it is
// chosen to lead still does.
func TestChosenWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	for range 64 { // each time it is left to chance which of the two it notices first
		synctest.Test(t, func(t *testing.T) {
			written := 0
			c := newCommitter(func(group []*operation) bool { written += len(group); return false }, nil)
			c.leading = true
			ctx := &momentaryContext{Context: t.Context(), then: func() { c.conclude(nil, 0, time.Now(), nil) }}
			_ = c.do(ctx, &operation{flush: true})
			c.close()
			if written != 1 {
				t.Fatalf("%d operations were written, want that of the leader", written)
			}
		})
	}
}
