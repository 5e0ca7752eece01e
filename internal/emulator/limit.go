package emulator

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limit is how many requests an API key may make. The zero value means that there is no limit. In
// files it is text: "50/1s" is 50 requests in each second, and "50/1s burst 10" a
// token bucket that holds 10 tokens and gets 50 in a second.
type Limit struct {
	// Requests is the number of requests in Per; 0 means no limit.
	Requests int
	// Per is the length of the window. Windows begin when the first request after
	// the former one comes.
	Per time.Duration
	// Burst makes the limit a token bucket with this many tokens, which fill up
	// evenly. 0 means a window.
	Burst int
}

const largestLimit = 1_000_000

var errLimit = errors.New(`write the limit as 50/1s, or as 50/1s burst 10 for a token bucket`)

// Validate says what is wrong with the limit, nil if nothing is.
func (l Limit) Validate() error {
	switch {
	case l == Limit{}:
		return nil
	case l.Requests < 1 || l.Requests > largestLimit || l.Burst < 0 || l.Burst > largestLimit:
		return fmt.Errorf("the numbers of a limit must be between 1 and %d", largestLimit)
	case l.Per <= 0:
		return errors.New("the time of a limit must be positive")
	}
	return nil
}

// MarshalText writes the limit as in files.
func (l Limit) MarshalText() ([]byte, error) {
	if l == (Limit{}) {
		return nil, nil
	}
	text := fmt.Sprintf("%d/%v", l.Requests, l.Per)
	if l.Burst > 0 {
		text += fmt.Sprintf(" burst %d", l.Burst)
	}
	return []byte(text), nil
}

// UnmarshalText reads what MarshalText writes; a bare number as the time is
// seconds.
func (l *Limit) UnmarshalText(text []byte) error {
	if strings.TrimSpace(string(text)) == "" {
		*l = Limit{}
		return nil
	}
	rate, burst, hasBurst := strings.Cut(string(text), "burst")
	requests, per, found := strings.Cut(rate, "/")
	var read Limit
	var err error
	if read.Requests, err = strconv.Atoi(strings.TrimSpace(requests)); err != nil || !found {
		return errLimit
	}
	if (*Duration)(&read.Per).UnmarshalText([]byte(strings.TrimSpace(per))) != nil {
		return errLimit
	}
	if hasBurst {
		if read.Burst, err = strconv.Atoi(strings.TrimSpace(burst)); err != nil || read.Burst < 1 {
			return errLimit
		}
	}
	if read == (Limit{}) {
		return errLimit
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*l = read
	return nil
}

// limiter counts the requests of each key.
type limiter struct {
	mu    sync.Mutex
	limit Limit
	keys  map[string]*allowance
}

// allowance is what a key has left.
type allowance struct {
	since  time.Time // of the window, or of the last change of tokens
	used   int
	tokens float64
}

// take counts a request. If it is one too many it returns the time until the
// next one may come.
func (l *limiter) take(limit Limit, key string, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit != limit {
		l.limit, l.keys = limit, nil
	}
	if limit.Requests == 0 {
		return 0, true
	}
	if l.keys == nil {
		l.keys = map[string]*allowance{}
	}
	a := l.keys[key]
	if a == nil {
		a = &allowance{since: now, tokens: float64(limit.Burst)}
		l.keys[key] = a
	}
	if limit.Burst > 0 {
		return a.takeToken(limit, now)
	}
	if now.Sub(a.since) >= limit.Per || now.Before(a.since) {
		a.since, a.used = now, 0
	}
	if a.used < limit.Requests {
		a.used++
		return 0, true
	}
	return a.since.Add(limit.Per).Sub(now), false
}

func (a *allowance) takeToken(limit Limit, now time.Time) (wait time.Duration, ok bool) {
	perToken := float64(limit.Per) / float64(limit.Requests)
	a.tokens = min(float64(limit.Burst), a.tokens+max(0, float64(now.Sub(a.since)))/perToken)
	a.since = now
	// What the division lost must not cost a whole token.
	const nearly = 1 - 1e-9
	if a.tokens >= nearly {
		a.tokens = max(0, a.tokens-1)
		return 0, true
	}
	return time.Duration(math.Ceil((1 - a.tokens) * perToken)), false
}

func (l *limiter) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = nil
}

// tooMany answers a request that is one too many.
func (a Answers) tooMany(wait time.Duration, now time.Time) reply {
	answer := a.TooManyRequests.or(http.StatusTooManyRequests, plainText, "too many requests")
	switch a.RetryAfter {
	case RetryAfterNone:
	case RetryAfterDate:
		answer.retryAfter = now.Add(wait + time.Second - 1).UTC().Format(http.TimeFormat)
	default:
		answer.retryAfter = strconv.FormatInt(int64(math.Ceil(wait.Seconds())), 10)
	}
	return answer
}
