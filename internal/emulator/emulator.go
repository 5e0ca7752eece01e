package emulator

import (
	"context"
	"errors"
	"sync"

	"github.com/salebot-go/salebot/internal/emulator/faults"
)

// Emulator is a Salebot project that answers API requests. It is an http.Handler
// for addresses of the form /api/{api_key}/{action}, and has its state in memory.
// Make it with Open; all methods are safe for concurrent use.
type Emulator struct {
	clock       movableClock
	keys        keyring
	bodyLimit   int64
	allowOrigin string
	faults      faults.Plan
	limits      limiter
	log         requestLog
	changes     notifier
	network     network
	webhook     sender

	// mu guards what follows.
	mu      sync.RWMutex
	project *project
	journal Journal // nil if there is none
	alarm   alarm
	closed  bool
	// seed is the state to which Reset returns.
	seed func() (*project, error)
}

// Open returns an emulator. Close it at the end. It returns an error if an option
// cannot work.
func Open(opts ...Option) (*Emulator, error) {
	c := defaultConfiguration()
	for _, option := range opts {
		if option != nil {
			option(c)
		}
	}
	if err := errors.Join(c.problems...); err != nil {
		return nil, err
	}
	if len(c.keys) == 0 {
		c.keys = []Key{{Value: DefaultKey, Name: "main"}}
	}
	e := &Emulator{
		keys:        newKeyring(c.keys),
		bodyLimit:   c.bodyLimit,
		allowOrigin: c.allowOrigin,
		seed:        c.project,
	}
	e.clock.Clock = c.clock
	e.log.limit = c.logLimit
	e.network.serve = e
	e.webhook.log.limit = c.logLimit
	e.webhook.now, e.webhook.changed = e.Now, e.changes.notify
	if err := e.Reset(); err != nil {
		return nil, err
	}
	if err := e.SetWebhook(c.webhook); err != nil {
		return nil, err
	}
	return e, nil
}

// Reset returns the project to the state that the options described, and the
// clock to the real time, or to the offset of a state that WithProject set. Logs
// and faults are emptied, and deliveries to the webhook that wait or are under way
// are given up: when Reset returns, nothing from before is sent any more. Keys,
// answers and the webhook stay as they are.
//
// Reset ends the contexts of such requests and waits, as Close does, until a
// Webhook.Handler that has one returns; so a handler must not call Reset itself.
func (e *Emulator) Reset() error {
	before, err := e.beginAnew()
	if err != nil {
		return err
	}
	e.changes.notify()
	// A receiver that has a request may need the lock to answer it.
	before.end()
	return nil
}

// beginAnew resets all but the deliveries that are under way, which it returns.
func (e *Emulator) beginAnew() (*round, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fresh, err := e.seed()
	if err != nil {
		return nil, err
	}
	e.replace(fresh)
	e.faults.Clear()
	e.limits.clear()
	e.log.clear()
	return e.webhook.clear(), nil
}

// replace puts another state and its clock in the place of the present ones, but
// keeps the settings. The lock is held.
func (e *Emulator) replace(fresh *project) {
	if e.project != nil {
		fresh.revision += e.project.revision // it never falls
		fresh.answers, fresh.location, fresh.outbox = e.project.answers, e.project.location, e.project.outbox
	}
	// It tells what was before from what is now.
	fresh.revision++
	fresh.begun = fresh.revision
	fresh.request = e.webhook.request
	e.project = fresh
	e.clock.offset.Store(int64(fresh.clockOffset))
	e.tellAll()
	// The timer counts in the time before.
	e.stopTimer()
	e.setTimer()
}

// Close ends everything that the emulator has running: the in-memory connections,
// the timer of scheduled sends, the deliveries to the webhook. Its state stays
// readable. Close waits until all goroutines have ended; it may be called twice.
func (e *Emulator) Close() {
	e.mu.Lock()
	e.closed = true
	e.stopTimer()
	e.mu.Unlock()
	e.network.close()
	e.webhook.close()
	e.changes.notify()
}

// read looks at the state.
func (e *Emulator) read(look func(*project)) {
	e.catchUp()
	e.mu.RLock()
	defer e.mu.RUnlock()
	look(e.project)
}

// catchUp carries out what is due and was not yet, because the timer has not
// fired or because the clock has none.
func (e *Emulator) catchUp() {
	e.mu.RLock()
	late := len(e.project.schedule) > 0 && e.project.schedule[0].due <= micro(e.Now())
	e.mu.RUnlock()
	if late {
		e.runDue()
	}
}

// change alters the state at a moment.
func (e *Emulator) change(alter func(p *project, now int64) error) error {
	e.mu.Lock()
	now := micro(e.Now())
	e.project.performDue(now)
	err := alter(e.project, now)
	e.tell()
	e.setTimer()
	e.mu.Unlock()
	e.changes.notify()
	return err
}

// Answers returns the settings by which the emulator answers.
func (e *Emulator) Answers() Answers {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return *e.project.answers
}

// SetAnswers replaces the settings by which the emulator answers.
func (e *Emulator) SetAnswers(answers Answers) error {
	if err := answers.Validate(); err != nil {
		return err
	}
	e.mu.Lock()
	e.project.answers = &answers
	e.mu.Unlock()
	e.changes.notify()
	return nil
}

// Changed returns a channel that is closed at the next change of the state, the
// logs, the faults, the settings or the clock.
func (e *Emulator) Changed() <-chan struct{} { return e.changes.watch() }

// notifier tells those who wait that something happened.
type notifier struct {
	mu sync.Mutex
	ch chan struct{}
}

func (n *notifier) watch() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch == nil {
		n.ch = make(chan struct{})
	}
	return n.ch
}

func (n *notifier) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
}

// Wait returns when reached does, or when the context ends.
func (e *Emulator) Wait(ctx context.Context, reached func() bool) error {
	for {
		changed := e.changes.watch()
		if reached() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
