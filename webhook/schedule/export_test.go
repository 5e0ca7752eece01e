package schedule

import "time"

// SetClock lets a schedule that is not in use yet go by another clock.
func (s *Schedule) SetClock(now func() time.Time) { s.now, s.began = now, now() }
