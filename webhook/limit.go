package webhook

import (
	"context"
	"sync"
	"time"
)

// limit is a context that ends after a time, and not with the one whose values it
// has. Other than that of context.WithTimeout its timer only runs once somebody waits
// for its end, which an inbox that takes an event at once does not.
type limit struct {
	context.Context
	until time.Time

	mu    sync.Mutex
	err   error
	done  chan struct{}
	timer *time.Timer
}

func (l *limit) Deadline() (time.Time, bool) { return l.until, true }

func (l *limit) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = make(chan struct{})
		if l.err != nil {
			close(l.done)
		} else {
			l.timer = time.AfterFunc(time.Until(l.until), func() { l.end(context.DeadlineExceeded) })
		}
	}
	return l.done
}

func (l *limit) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil && !time.Now().Before(l.until) {
		l.close(context.DeadlineExceeded)
	}
	return l.err
}

// end ends the context unless it has ended.
func (l *limit) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.close(err)
	}
}

// close ends the context; the lock is held.
func (l *limit) close(err error) {
	l.err = err
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.done != nil {
		close(l.done)
	}
}
