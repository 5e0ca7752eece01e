package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// Plan holds the faults in the order in which they were added. The zero value is
// an empty plan; all methods are safe for concurrent use.
type Plan struct {
	// some is false if there are none, so that requests need not look.
	some   atomic.Bool
	mu     sync.Mutex
	faults []*planned
}

// planned is a fault with what is left of its counts and the dice of its own.
type planned struct {
	Fault

	dice *rand.Rand
}

// acts reports whether the dice let the fault act.
func (f *planned) acts() bool {
	return f.dice == nil || f.dice.Float64() < f.Probability
}

// waits and ends are the two things that a fault can do to a request. Faults that
// do different things add up.
func (f *Fault) waits() bool { return f.Delay > 0 }

func (f *Fault) ends() bool { return f.Replaces() || f.Cuts() || f.Truncate }

// collides reports whether two faults cannot act on the same request.
func (f *Fault) collides(with *Fault) bool {
	return f.waits() && with.waits() || f.ends() && with.ends()
}

// and is what two faults do together that do not collide.
func (f *Fault) and(other *Fault) *Fault {
	ending, waiting := *f, other
	if f.waits() {
		ending, waiting = *other, f
	}
	ending.Delay = waiting.Delay
	return &ending
}

// Take returns what is to go wrong with a request for an action, nil if it goes
// well.
func (plan *Plan) Take(name string) *Fault {
	if !plan.some.Load() {
		return nil
	}
	plan.mu.Lock()
	defer plan.mu.Unlock()
	var taken *Fault
	for _, fault := range plan.faults {
		switch {
		case fault.Action != "" && fault.Action != name:
			continue
		case fault.After > 0:
			fault.After--
			continue
		case taken != nil && taken.collides(&fault.Fault), !fault.acts():
			continue
		case taken == nil:
			taken = new(fault.Fault)
		default:
			taken = taken.and(&fault.Fault)
		}
		if fault.Times > 0 {
			fault.Times--
		}
	}
	if taken != nil {
		plan.faults = slices.DeleteFunc(plan.faults, func(fault *planned) bool { return fault.Times == 0 })
		plan.some.Store(len(plan.faults) > 0)
	}
	return taken
}

// Clear lets everything go well again.
func (plan *Plan) Clear() {
	plan.mu.Lock()
	defer plan.mu.Unlock()
	plan.faults = nil
	plan.some.Store(false)
}

// Planned returns the fault as it is planned: with the number of times and the
// seed that it gets if it names none.
func (f *Fault) Planned() Fault {
	planned := *f
	if planned.Times == 0 {
		planned.Times = 1
	}
	if f.Probability > 0 && f.Probability < 1 && f.Seed == 0 {
		// JavaScript reads it exactly.
		planned.Seed = 1 + rand.Uint64N(1<<53-1) //nolint:gosec // a choice for tests needs no secrecy
	}
	return planned
}

// Add adds faults to the plan. It adds none if one of them can never happen.
func (plan *Plan) Add(faults ...Fault) error {
	for _, fault := range faults {
		if err := fault.Validate(); err != nil {
			return fmt.Errorf("fault: %w", err)
		}
	}
	plan.mu.Lock()
	defer plan.mu.Unlock()
	for _, fault := range faults {
		added := &planned{Fault: fault.Planned()}
		if fault.Probability > 0 && fault.Probability < 1 {
			added.dice = rand.New(rand.NewPCG(added.Seed, added.Seed)) //nolint:gosec // see Planned
		}
		plan.faults = append(plan.faults, added)
	}
	plan.some.Store(len(plan.faults) > 0)
	return nil
}

// Left returns the faults that are still to come, with what is left of their
// counts.
func (plan *Plan) Left() []Fault {
	plan.mu.Lock()
	defer plan.mu.Unlock()
	left := make([]Fault, len(plan.faults))
	for i, fault := range plan.faults {
		left[i] = fault.Fault
	}
	return left
}

// Len returns the number of faults that are still to come.
func (plan *Plan) Len() int {
	plan.mu.Lock()
	defer plan.mu.Unlock()
	return len(plan.faults)
}

// Remove takes the faults that match out of the plan and returns their number. The
// others go on with what is left of their counts.
func (plan *Plan) Remove(match func(Fault) bool) int {
	plan.mu.Lock()
	defer plan.mu.Unlock()
	before := len(plan.faults)
	plan.faults = slices.DeleteFunc(plan.faults, func(fault *planned) bool { return match(fault.Fault) })
	plan.some.Store(len(plan.faults) > 0)
	return before - len(plan.faults)
}

// ActsNext reports whether a fault can act on the next request that it concerns.
// One that still lets requests pass cannot, nor one that waits until another is
// used up.
func ActsNext(faults []Fault, at int) bool {
	f := &faults[at]
	if f.After > 0 {
		return false
	}
	return !slices.ContainsFunc(faults[:at], func(before Fault) bool {
		certain := before.After == 0 && (before.Probability == 0 || before.Probability == 1)
		return certain && (before.Action == "" || before.Action == f.Action) && before.collides(f)
	})
}
