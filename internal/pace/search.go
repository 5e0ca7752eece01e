package pace

import (
	"math"
	"time"
)

const (
	// evidence is the number of answers from which a first pace can be told. With fewer
	// it is searched for.
	evidence = 24
	// searching is the growth of the pace in a search.
	searching = 11
	// closest is the distance that the pace keeps from what a search came to, since
	// requests take unequally long on their way.
	closest = 0.95
)

// search looks for the pace of a server that let only a few requests through before it
// objected. They may have been the burst that it allows, which tells nothing about its
// pace. So the pace grows in large steps up to the next objection.
type search struct {
	active bool
	// found says that the pace is what the latest search came to.
	found bool
	// burst is how many requests got through before the search, in the time took.
	burst int
	took  time.Duration
	// starts are the moments of the starts in the search. The growth of the pace bounds
	// their number to a few thousand.
	starts []time.Time
	// reached is the pace that the search came to; 0 if too few starts tell it.
	reached float64
}

// started notes a start.
func (s *search) started(now time.Time) {
	if s.active {
		s.starts = append(s.starts, now)
	}
}

// objected notes an objection to a request that started at a moment, while the pace was
// rate. It returns the pace at which the one before started.
func (s *search) objected(now, started time.Time, rate float64) float64 {
	through := s.starts
	for len(through) > 0 && through[len(through)-1].After(started) {
		through = through[:len(through)-1]
	}
	if lower := s.pace(through[:max(len(through)-1, 0)]); lower > 0 {
		s.reached = (lower + s.pace(through)) / 2
	}
	age := now.Sub(started).Seconds() + 1/rate
	return rate * math.Pow(1+searching, -age)
}

// pace is the least that a server allows that let all these requests through. In any
// time it lets through what it allows for that time, and the burst besides. The burst
// is at most what got through before the search. It is less by what the server allowed
// meanwhile, which is counted if the time is short beside that of these requests.
func (s *search) pace(through []time.Time) float64 {
	least := 0.0
	for i, first := range through {
		count, took := len(through)-i, through[len(through)-1].Sub(first)
		if took <= 0 {
			break
		}
		least = max(least, float64(count-s.burst)/took.Seconds())
		if took >= s.took*3/2 {
			least = max(least, float64(count-s.burst-1)/(took-s.took).Seconds())
		}
	}
	return least
}

// end ends a search and reports whether it found a pace.
func (s *search) end() bool {
	*s = search{found: s.reached > 0, reached: s.reached}
	return s.found
}
