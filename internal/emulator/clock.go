package emulator

import (
	"math"
	"sync/atomic"
	"time"
)

// Clock is where an emulator has its time from. The default is that of package
// time, which is virtual inside a testing/synctest bubble; WithClock replaces
// it.
type Clock interface {
	// Now returns the time.
	Now() time.Time
	// AfterFunc calls f in a goroutine of its own once a time has passed, unless
	// the Timer that it returns is stopped before.
	AfterFunc(wait time.Duration, f func()) Timer
}

// Timer is a call that waits for its time. *time.Timer is one.
type Timer interface {
	// Stop prevents the call; it returns false if it was too late for that.
	Stop() bool
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) AfterFunc(wait time.Duration, f func()) Timer { return time.AfterFunc(wait, f) }

// movableClock is a clock that a person can put forward. The offset changes with
// the lock of the emulator held, because it is part of the state.
type movableClock struct {
	Clock
	offset atomic.Int64
}

func (c *movableClock) now() time.Time { return c.Now().Add(time.Duration(c.offset.Load())) }

// Now returns the time of the emulator: that of its clock, and what Advance
// added.
func (e *Emulator) Now() time.Time { return e.clock.now() }

// Advance puts the emulator's clock forward and carries out what has become due,
// each at its own time, before it returns. A negative time is ignored: what has
// happened stays happened. Inside a testing/synctest bubble there is no need for
// it, because time.Sleep does the same for the program under test too.
func (e *Emulator) Advance(by time.Duration) {
	if by > 0 {
		e.mu.Lock()
		// A sum that runs over would put the clock back.
		offset := e.clock.offset.Load()
		e.clock.offset.Store(offset + min(int64(by), math.MaxInt64-offset))
		e.tell()
		// The timer counts in the time before.
		e.stopTimer()
		e.mu.Unlock()
		defer e.changes.notify()
	}
	e.runDue()
}

// micro is how the emulator keeps moments: in microseconds, as Salebot prints
// them.
func micro(at time.Time) int64 { return at.UnixMicro() }
