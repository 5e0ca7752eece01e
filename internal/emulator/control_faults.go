package emulator

import "slices"

// RemoveFaults takes the faults that match out of the plan and returns their
// number. The others go on with what is left of their counts.
func (e *Emulator) RemoveFaults(match func(Fault) bool) int {
	plan := &e.faults
	plan.mu.Lock()
	before := len(plan.faults)
	plan.faults = slices.DeleteFunc(plan.faults, func(fault *Fault) bool { return match(*fault) })
	plan.some.Store(len(plan.faults) > 0)
	removed := before - len(plan.faults)
	plan.mu.Unlock()
	if removed > 0 {
		e.changes.notify()
	}
	return removed
}
