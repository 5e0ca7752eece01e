// Package pace finds out how fast a server lets its callers be, from the answers
// by which it says "too fast". It knows nothing of HTTP.
//
// There is no pace until the first such answer. It holds back all starts for a
// while and sets a pace at which they follow then, one after the other. The pace
// grows while nothing happens and falls with each further answer of the kind:
// additive increase and multiplicative decrease, as in the control of congestion.
package pace

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot/internal/wait"
)

const (
	// minHold and maxBackoff bound the hold after an answer that names no wait. It
	// doubles with each one that follows without a success between.
	minHold    = 250 * time.Millisecond
	maxBackoff = 8 * time.Second
	// jitter keeps those who waited from starting in step with other machines.
	jitter = 20 * time.Millisecond
	// window is the time over which starts are counted while there is no pace.
	window = time.Second
	// late is how much of a start's lateness is made up for.
	late = 2 * time.Millisecond
	// look is how often a waiting start looks at the pace again.
	look = 250 * time.Millisecond
	// firstRate is the least pace that a first answer leads to, in starts a second:
	// it may come before anything was counted. minRate and maxRate bound the pace
	// later; one that has grown beyond maxRate is none.
	firstRate = 1
	minRate   = 0.1
	maxRate   = 10_000
)

// How the pace changes: down to lessened of what it was, or to what got through if
// that is less, but never below halved; up by a part of itself each second.
const (
	lessened     = 0.95
	halved       = 0.5
	catchUp      = 0.5
	careful      = 0.001
	maxGrowth    = 0.5
	calm         = 10 // seconds after which the growth doubles each second
	firstCeiling = 1.5
	// While nothing is known of the server's pace, it is looked for in large steps.
	firstGrowth = 9
	// evidence is the number of answers that say something about the pace.
	evidence = 4
)

// ErrTooLate says that the pace leaves no time before the deadline.
var ErrTooLate = errors.New("the server asks for a slower pace, which leaves no time before the deadline")

// Pacer is the pace of all who share it. The zero value is ready to use.
type Pacer struct {
	// active says that there is a pace or a hold.
	active atomic.Bool

	mutex sync.Mutex
	// turn lets one goroutine at a time wait for the next start: who reserves ahead
	// gets a slot that a hold has made wrong. It is made when it is needed.
	turn chan struct{}
	// rate is the pace in starts a second; 0 means none.
	rate float64
	// unknown says that too little was counted to guess the server's pace.
	unknown bool
	// ceiling is the pace at which the server objected last.
	ceiling float64
	// last is the moment of the latest start, or when it should have been.
	last time.Time
	// began and until bound the latest hold.
	began, until time.Time
	// grown is the moment up to which the growth is in the rate.
	grown time.Time
	// backoff is the latest hold that was not the server's wish.
	backoff time.Duration
	// counted is the number of answers since the moment since, before those of the
	// window before.
	counted, countedBefore int
	since, sinceBefore     time.Time
}

// Wait waits until a request may start and returns for how long it waited. It fails
// if ctx ends, or with ErrTooLate if the start would come after the deadline; a zero
// deadline is none.
func (p *Pacer) Wait(ctx context.Context, deadline time.Time) (time.Duration, error) {
	if !p.active.Load() {
		return 0, nil
	}
	start := time.Now()
	err := p.wait(ctx, deadline)
	return time.Since(start), err
}

func (p *Pacer) wait(ctx context.Context, deadline time.Time) error {
	if !deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, deadline, ErrTooLate)
		defer cancel()
	}
	turn := p.queue()
	select {
	case <-turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { turn <- struct{}{} }()
	for {
		now := time.Now()
		delay := p.start(now)
		switch {
		case delay <= 0:
			return nil
		case !deadline.IsZero() && !now.Add(delay).Before(deadline):
			return ErrTooLate
		case !wait.For(ctx, delay):
			return context.Cause(ctx)
		}
	}
}

// queue is where those wait who may not start yet, in the order of their coming.
func (p *Pacer) queue() chan struct{} {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.turn == nil {
		p.turn = make(chan struct{}, 1)
		p.turn <- struct{}{}
	}
	return p.turn
}

// start takes the next start, or returns how long it is away.
func (p *Pacer) start(now time.Time) time.Duration {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.grow(now)
	if hold := p.until.Sub(now); hold > 0 {
		return hold
	}
	if p.rate == 0 {
		return 0
	}
	interval := time.Duration(float64(time.Second) / p.rate)
	next := p.last.Add(interval)
	if delay := next.Sub(now); delay > 0 {
		// By then the pace may have grown.
		return min(delay, look)
	}
	// A start that comes a little late does not delay the ones after it.
	p.last = later(next, now.Add(-min(interval/10, late)))
	return 0
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// grow raises the pace by what it has grown since it was asked for last.
func (p *Pacer) grow(now time.Time) {
	for p.rate > 0 && p.grown.Before(now) {
		step := min(now.Sub(p.grown), 100*time.Millisecond)
		p.rate *= math.Pow(1+p.growth(p.grown.Sub(p.until).Seconds()), step.Seconds())
		p.grown = p.grown.Add(step)
		if p.rate > maxRate {
			p.rate = 0
		}
	}
	if p.rate == 0 && now.After(p.until) {
		p.active.Store(false)
	}
}

// growth is the part of itself by which the pace grows in a second, when so many
// seconds have passed since the hold. It is quick up to the pace at which the server
// objected, and careful there.
func (p *Pacer) growth(quiet float64) float64 {
	switch {
	case p.unknown:
		return firstGrowth
	case p.rate < lessened*p.ceiling:
		return catchUp
	}
	return min(careful*math.Exp2(max(quiet-calm, 0)), maxGrowth)
}

// Answered notes that the server answered a request that started at a moment, and
// did not object to the pace.
func (p *Pacer) Answered(started time.Time) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.rate == 0 {
		p.roll(time.Now())
	}
	p.counted++
	if started.After(p.began) {
		p.backoff = 0
	}
}

// roll begins a new window of counting if the present one is over.
func (p *Pacer) roll(now time.Time) {
	switch age := now.Sub(p.since); {
	case age < window:
	case age < 2*window:
		p.sinceBefore, p.countedBefore = p.since, p.counted
		p.since, p.counted = now, 0
	default:
		p.since, p.counted, p.countedBefore = now, 0, 0
	}
}

// Limited notes that the server objected to a request that started at a moment, and
// which wait it asked for; 0 means none. It returns how long all starts are held
// back, at most maxHold.
func (p *Pacer) Limited(started time.Time, wish, maxHold time.Duration) time.Duration {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	now := time.Now()
	known := !p.began.IsZero() && !started.After(p.began)
	if !known {
		p.grow(now)
	}
	hold := min(wish, maxHold)
	if hold <= 0 && !known {
		p.backoff = min(max(2*p.backoff, minHold), maxBackoff)
		hold = min(p.backoff, maxHold)
	}
	if !known {
		// One that started before the hold says nothing new about the pace.
		p.slow(now, hold)
		p.began = now
		p.counted, p.countedBefore, p.since = 0, 0, now
	}
	if until := now.Add(hold); hold > 0 && until.After(p.until) {
		p.until = until.Add(rand.N(jitter)) //nolint:gosec // jitter needs no secrecy
		p.grown = p.until
		if wish > 0 {
			// What the server asks for is no sign of its pace.
			p.since = p.until
		}
	}
	p.active.Store(true)
	return max(p.until.Sub(now), 0)
}

// slow lowers the pace to what got through of late.
func (p *Pacer) slow(now time.Time, hold time.Duration) {
	begin, count := p.since, p.counted
	if p.countedBefore > 0 {
		begin, count = p.sinceBefore, count+p.countedBefore
	}
	elapsed := now.Sub(begin)
	if p.rate == 0 {
		// What got through in a burst is what the server allows for the hold too.
		p.unknown = count < evidence
		p.rate = firstRate
		if !begin.IsZero() {
			p.rate = max(float64(count)/max(elapsed+hold, minHold).Seconds(), firstRate)
		}
		// It let more through at first.
		p.ceiling = firstCeiling * p.rate
		return
	}
	if p.unknown || count < evidence {
		// In steps so large the average says nothing; after so few answers the hold was
		// only too short.
		p.unknown = false
		p.ceiling, p.rate = p.rate, max(lessened*p.rate, minRate)
		return
	}
	through := float64(count) / max(elapsed, time.Millisecond).Seconds()
	p.ceiling = (p.rate + min(through, p.rate)) / 2
	p.rate = max(min(lessened*p.rate, max(through, halved*p.rate)), minRate)
}
