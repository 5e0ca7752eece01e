package emulator

import "slices"

// RequestsBefore returns requests, the newest first: those with numbers below
// before, or the newest ones if before is 0, and no more than limit.
func (e *Emulator) RequestsBefore(before int64, limit int) []Request {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	return e.log.ring.before(before, limit)
}

// LookupRequest returns a request by its number; ok is false if it is not
// remembered.
func (e *Emulator) LookupRequest(number int64) (found Request, ok bool) {
	if number > 0 {
		for _, r := range e.RequestsBefore(number+1, 1) {
			found, ok = r, r.Number == number
		}
	}
	return found, ok
}

// DeliveriesBefore returns deliveries, the newest first: those with numbers below
// before, or the newest ones if before is 0, and no more than limit.
func (e *Emulator) DeliveriesBefore(before int64, limit int) []Delivery {
	e.webhook.mu.Lock()
	defer e.webhook.mu.Unlock()
	some := e.webhook.log.before(before, limit)
	copies := make([]Delivery, len(some))
	for i, d := range some {
		copies[i] = *d
		copies[i].Attempts = slices.Clone(d.Attempts)
	}
	return copies
}

// LookupDelivery returns a delivery by its number; ok is false if it is not
// remembered.
func (e *Emulator) LookupDelivery(number int64) (found Delivery, ok bool) {
	if number > 0 {
		for _, d := range e.DeliveriesBefore(number+1, 1) {
			found, ok = d, d.Number == number
		}
	}
	return found, ok
}

// before returns elements by their numbers, which are counted from 1, the newest
// first.
func (r *ring[T]) before(number int64, limit int) []T {
	if number <= 0 || number > r.total {
		number = r.total + 1
	}
	count := int64(len(r.kept))
	oldest := r.total - count + 1
	var found []T
	for n := number - 1; n >= oldest && len(found) < limit; n-- {
		place := (int64(r.next) + n - oldest) % count
		found = append(found, r.kept[place])
	}
	return found
}
