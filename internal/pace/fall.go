package pace

import "time"

// An objection tells two bounds of what the server allows: the pace that it met, and
// what got through on average, the hold included. A server that saves up what is not
// used in a hold allows the lower one, one that saves nothing nearly the upper one.
// The pace falls to a part of the way between the two, which is larger if it fell
// already, and may quickly grow again to what is a quarter of the way below the upper
// one. Both fall to lessened of what was at least.
const (
	middle   = 0.5
	lower    = 0.65
	quarter  = 0.25
	lessened = 0.95
)

// What the pace falls to, as a part of itself, where the two bounds say little.
const (
	// While it grew fast it may have passed by far what the server allows, or just now.
	passed = 0.85
)

// A request that takes longer on its way than the one after it comes too close before
// that one, and a server that allows no burst objects although the pace was right. So
// an objection after a long time at the same pace lowers it only a little, and so does
// the next one. A third would say that the server allows less by now.
const (
	forgiven = 2
	// A long time is this, in which so many answers came.
	longTime    = 2 * time.Second
	longAnswers = 32
	// enough is the number of answers from which the average can be told at all.
	enough = 10
)

// meeting is what an objection met.
type meeting int

const (
	// unsteady is a pace that was only growing to where it is hoped to be.
	unsteady meeting = iota
	// steady is one that did not change much for a while.
	steady
	// rising is one that grew fast, because the server may allow more by now.
	rising
)

// meets says what an objection meets now.
func (p *Pacer) meets(now time.Time) meeting {
	switch {
	case p.rate == 0, p.search.active, p.hoped == 0, p.rate < p.hoped:
		return unsteady
	case p.growth(now.Sub(p.until)) >= fast:
		return rising
	}
	return steady
}

// settle sets the pace after a hold that is over.
func (p *Pacer) settle(now time.Time) {
	if !p.unsettled || now.Before(p.until) {
		return
	}
	begin, count := p.since, p.counted
	if p.countedBefore > 0 {
		begin, count = p.sinceBefore, count+p.countedBefore
	}
	p.unsettled = false
	p.since, p.counted, p.countedBefore = p.until, 0, 0
	elapsed := p.until.Sub(begin)
	if active := p.began.Sub(begin); active > longTime && count > longAnswers {
		p.excuses = forgiven
	}
	p.search.found = false
	switch {
	case p.rate == 0:
		p.hoped, p.search.active = 0, count < evidence
		p.rate = max(float64(count)/max(elapsed, shortest).Seconds(), firstRate)
	case p.search.active && p.search.end():
		p.excuses = forgiven
		p.hoped = max(closest*min(p.search.reached, p.rate), minRate)
		p.rate = p.hoped
	case p.met == rising:
		p.excuses = 0
		p.hoped = max(lessened*p.rate, minRate)
		p.rate = max(passed*p.rate, minRate)
	case p.met == steady && p.excuses > 0:
		p.excuses--
		p.hoped = max(lessened*p.rate, minRate)
		p.rate = p.hoped
	default:
		p.fall(count, elapsed)
	}
}

// fall lowers the pace after so many answers in a time, the hold included.
func (p *Pacer) fall(count int, elapsed time.Duration) {
	met, through := p.rate, min(float64(count)/elapsed.Seconds(), p.rate)
	between := func(part float64) float64 {
		return max(min(met-part*(met-through), lessened*met), minRate)
	}
	part := middle
	if p.met == steady {
		p.excuses--
		if p.excuses < -1 && count >= enough {
			part = lower
		}
	}
	p.rate, p.hoped = between(part), between(quarter)
	if count == 0 {
		// The hold was too short, which says nothing about the pace.
		p.hoped = max(lessened*met, minRate)
	}
}
