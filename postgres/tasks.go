package postgres

import "sync"

// tasks are goroutines in the background. Unlike a sync.WaitGroup it can be told to wait
// while others still come.
type tasks struct {
	mutex  sync.Mutex
	closed bool
	group  sync.WaitGroup
}

// start runs a task. It returns false, and does not, if wait was called before.
func (t *tasks) start(task func()) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if !t.closed {
		t.group.Go(task)
	}
	return !t.closed
}

// wait takes no more tasks and waits for the end of those that were started.
func (t *tasks) wait() {
	t.mutex.Lock()
	t.closed = true
	t.mutex.Unlock()
	t.group.Wait()
}
