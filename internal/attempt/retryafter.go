package attempt

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what a header may ask for; no policy waits longer.
const maxRetryAfter = 365 * 24 * time.Hour

// RetryAfter reads the Retry-After header of an answer: seconds, or a date. A date is
// read against the answer's own Date if there is one, since the clocks of two machines
// differ. ok is false if the server names no wait that is still to come.
func RetryAfter(header http.Header, now time.Time) (wait time.Duration, ok bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return min(time.Duration(min(seconds, uint64(maxRetryAfter/time.Second)))*time.Second, maxRetryAfter), seconds > 0
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if theirs, err := http.ParseTime(header.Get("Date")); err == nil {
		now = theirs
	}
	wait = min(max(date.Sub(now), 0), maxRetryAfter)
	return wait, wait > 0
}
