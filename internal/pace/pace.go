// Package pace finds out how fast a server lets its callers be, from the answers
// by which it says "too fast". It knows nothing of HTTP.
//
// There is no pace until the first such answer. It holds back all starts for a
// while; then they follow one after the other, at a pace that was learned from what
// got through. The pace grows while nothing happens, slowly near the one that the
// server objected to last, and falls with each further objection: additive increase
// and multiplicative decrease, as in the control of congestion.
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
	// window is the time over which answers are counted while there is no pace.
	window = time.Second
	// shortest is the least time that what got through before the first objection is
	// spread over: it may all have come at once.
	shortest = 500 * time.Millisecond
	// look is how often a waiting start looks at the pace again.
	look = 250 * time.Millisecond
	// minRate and maxRate bound the pace, in starts a second; one that has grown beyond
	// maxRate is none. firstRate is the least pace after the first objection.
	minRate   = 0.1
	maxRate   = 10_000
	firstRate = 8
)

// The growth of the pace in a second, as a part of itself.
const (
	// Below the pace that is hoped for, and while nothing is known about that.
	quick = 0.4
	// Above it, since each objection costs a hold. After a while without one it grows
	// bolder times as much each second, because the server may allow more by now.
	careful = 0.001
	bolder  = 4
	boldest = 0.3
	// fast is a growth at which the pace may be well beyond what the server allows
	// before that shows.
	fast = 0.05
	// calm is this while, in holds, so that these take less than a tenth of the
	// time; minCalm is the least. It is longer after a search, which found the pace
	// closely.
	calm       = 14
	calmSearch = 28
	minCalm    = 2 * time.Second
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
	// hoped is the pace up to which it grows quickly; 0 if there is no bound.
	hoped  float64
	search search
	// last is the moment of the latest start, and answered that of its answer.
	last, answered time.Time
	// usual is how long an answer takes if nothing delays it.
	usual time.Duration
	// met is what the latest objection met, and excuses is how many more of those that
	// met a steady pace lower it only a little.
	met     meeting
	excuses int
	// began and until bound the latest hold.
	began, until time.Time
	// unsettled says that the pace does not yet follow from the latest hold. It does so
	// when the hold is over: by then all who were under way have their answers.
	unsettled bool
	// grown is the moment up to which the growth is in the rate.
	grown time.Time
	// backoff is the latest hold that was not the server's wish.
	backoff time.Duration
	// counted is the number of answers since the moment since, countedBefore that of
	// the window before, which began at sinceBefore.
	counted, countedBefore int
	since, sinceBefore     time.Time
}

// Idle reports whether there is neither a pace nor a hold, so that Wait would not wait.
func (p *Pacer) Idle() bool { return !p.active.Load() }

// Wait waits until a request may start and returns for how long it waited. It fails
// if ctx ends, or with ErrTooLate if the start would come after the deadline; a zero
// deadline is none.
func (p *Pacer) Wait(ctx context.Context, deadline time.Time) (time.Duration, error) {
	if p.Idle() {
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
	if hold := p.until.Sub(now); hold > 0 {
		return hold
	}
	p.grow(now)
	if p.rate == 0 {
		return 0
	}
	interval := time.Duration(float64(time.Second) / p.rate)
	if delay := p.last.Add(interval + p.lateness(now, interval)).Sub(now); delay > 0 {
		// By then the pace may have grown.
		return min(delay, look)
	}
	p.last = now
	p.search.started(now)
	return 0
}

// lateness is by how much the latest request may have come to the server later than
// usual, as its answer tells or that there is none yet. The next one keeps its distance
// from that moment. Nothing can be told where answers take longer than the interval.
func (p *Pacer) lateness(now time.Time, interval time.Duration) time.Duration {
	if p.usual == 0 || p.usual >= interval {
		return 0
	}
	if p.answered.After(p.last) {
		now = p.answered
	}
	return min(max(now.Sub(p.last)-p.usual, 0), interval)
}

// note notes how long an answer took.
func (p *Pacer) note(started, now time.Time) {
	// The least that was seen, which is slowly forgotten.
	const memory = 64
	took := now.Sub(started)
	if p.usual == 0 || took < p.usual {
		p.usual = took
	} else {
		p.usual += (took - p.usual) / memory
	}
	if !started.Before(p.last) && !p.answered.After(p.last) {
		p.answered = now
	}
}

// grow brings the pace up to date.
func (p *Pacer) grow(now time.Time) {
	p.settle(now)
	for p.rate > 0 && p.grown.Before(now) {
		step := min(now.Sub(p.grown), 100*time.Millisecond)
		p.rate *= math.Pow(1+p.growth(p.grown.Sub(p.until)), step.Seconds())
		p.grown = p.grown.Add(step)
		if p.rate > maxRate {
			p.rate, p.search = 0, search{}
		}
	}
	if p.rate == 0 && now.After(p.until) {
		p.active.Store(false)
	}
}

// growth is the part of itself by which the pace grows in a second, when so much
// time has passed since the hold.
func (p *Pacer) growth(quiet time.Duration) float64 {
	switch {
	case p.search.active:
		return searching
	case p.hoped == 0, p.rate < p.hoped:
		return quick
	}
	quietFor := calm * p.until.Sub(p.began)
	if p.search.found {
		quietFor = calmSearch * p.until.Sub(p.began)
	}
	beyond := quiet - max(quietFor, minCalm)
	return min(careful*math.Pow(bolder, max(beyond.Seconds(), 0)), boldest)
}

// Answered notes that the server answered a request that started at a moment, and
// did not object to the pace.
func (p *Pacer) Answered(started time.Time) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	now := time.Now()
	p.roll(now)
	p.note(started, now)
	p.counted++
	if !started.Before(p.until) {
		p.backoff = 0
	}
}

// roll begins a new window of counting if there is no pace and the present window is
// over.
func (p *Pacer) roll(now time.Time) {
	if p.rate > 0 || p.unsettled {
		return
	}
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
	hold := min(wish, maxHold)
	// One that started before the hold says nothing new about the pace.
	if !started.Before(p.until) {
		p.grow(now)
		p.roll(now)
		switch {
		case p.rate == 0:
			p.search = search{burst: max(p.counted, 1), took: now.Sub(p.since)}
		case p.search.active:
			p.rate = p.search.objected(now, started, p.rate)
		}
		if hold <= 0 {
			p.backoff = min(max(2*p.backoff, minHold), maxBackoff)
			hold = min(p.backoff, maxHold)
		}
		p.met = p.meets(now)
		p.began, p.unsettled = now, true
	}
	if until := now.Add(hold); hold > 0 && until.After(p.until) {
		p.until = until.Add(rand.N(jitter)) //nolint:gosec // jitter needs no secrecy
		p.grown = p.until
	}
	p.active.Store(true)
	return max(p.until.Sub(now), 0)
}
