// Package attempt decides whether and when a call is tried again. It knows
// nothing of HTTP: its callers tell what became of each attempt.
package attempt

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/wait"
)

// Outcome is what became of an attempt, and so of a call.
type Outcome uint8

const (
	// Unknown attempts may have been executed. It is the zero value: anything
	// else needs proof.
	Unknown Outcome = iota
	// NotSent attempts never left this process.
	NotSent
	// Rejected attempts were refused by the server.
	Rejected
	// Accepted attempts were executed.
	Accepted
)

// Result is what one attempt tells the loop.
type Result struct {
	Outcome Outcome
	// Err is the failure of the attempt, or why it was given up.
	Err error
	// Skipped says that the attempt was given up before it began.
	Skipped bool
	// Done ends the call: it succeeded, or trying again would not help.
	Done bool
	// RateLimited says that the server asked for a slower pace, and Hold for how long
	// no attempt begins. Whoever makes the attempts waits for that.
	RateLimited bool
	Hold        time.Duration
	// RetryAfter is the wait that the server asked for; HasRetryAfter says
	// that it asked at all.
	RetryAfter    time.Duration
	HasRetryAfter bool
}

// Policy bounds the repetition of calls. All fields are set.
type Policy struct {
	MaxAttempts          int
	BaseDelay, MaxDelay  time.Duration
	MaxRetryAfter        time.Duration
	MaxHold              time.Duration
	NeverAfterRateLimits bool
}

// Stop says why a call was not tried again.
type Stop uint8

const (
	// StopDone means that another attempt would not help.
	StopDone Stop = iota
	// StopUnsafe means that another attempt might execute the action twice.
	StopUnsafe
	// StopAttempts means that the policy allows no further attempt.
	StopAttempts
	// StopBudget means that the client's retry budget is empty.
	StopBudget
	// StopRetryAfter means that the server asked for a longer wait than the
	// policy allows.
	StopRetryAfter
	// StopDeadline means that the wait would have passed the deadline.
	StopDeadline
	// StopContext means that the context ended.
	StopContext
)

func (s Stop) String() string {
	switch s {
	case StopUnsafe:
		return "another attempt might execute the action twice"
	case StopAttempts:
		return "no attempts left"
	case StopBudget:
		return "the client's retry budget is empty"
	case StopRetryAfter:
		return "the server asks for a longer wait than the retry policy allows"
	case StopDeadline:
		return "the next attempt would come after the deadline"
	case StopContext:
		return "the context ended"
	default:
		return ""
	}
}

// Summary is what became of a call.
type Summary struct {
	Attempts int
	// Outcome is Unknown as soon as one attempt was.
	Outcome Outcome
	Stop    Stop
	// Err is the failure of the last attempt that was made, Skipped that of one that
	// was given up after it.
	Err, Skipped error
	// Before is the failure of the attempt before the last.
	Before error
}

// Loop repeats the attempts of one call.
type Loop struct {
	Policy Policy
	Class  action.Class
	// Budget is shared by the calls of a client; nil means no bound.
	Budget *Budget
	// Deadline ends the call; zero means that only the context does.
	Deadline time.Time
}

// Run calls try until it succeeds or must not be called again. A wait before
// attempt n is handed to try as waited.
func (l *Loop) Run(ctx context.Context, try func(number int, waited time.Duration) Result) Summary {
	var (
		summary = Summary{Outcome: NotSent}
		waited  time.Duration
		// failures are the attempts that count: a slower pace is not a failure.
		failures int
	)
	for {
		result := try(summary.Attempts+1, waited)
		if result.Skipped {
			summary.Skipped = result.Err
			return summary
		}
		summary.Attempts++
		summary.Before, summary.Err = summary.Err, result.Err
		summary.Outcome = l.combine(summary, result.Outcome)
		if result.Outcome == Accepted || result.Outcome == Rejected && !result.RateLimited {
			// A definite answer shows a healthy server.
			l.Budget.Refund()
		}
		if !result.RateLimited {
			failures++
		}
		delay, stop, again := l.next(ctx, failures, result)
		if !again {
			summary.Stop = stop
			return summary
		}
		if !wait.For(ctx, delay) {
			summary.Stop = StopContext
			return summary
		}
		waited = delay
	}
}

// combine sums up the attempts of a call: what is unknown stays unknown, unless
// a later attempt was accepted. Of a read the latest answer tells all.
func (l *Loop) combine(before Summary, latest Outcome) Outcome {
	switch {
	case before.Attempts > 1 && latest == NotSent:
		// One that came before did leave.
		return before.Outcome
	case l.Class != action.Read && before.Attempts > 1 && before.Outcome == Unknown && latest != Accepted:
		return Unknown
	}
	return latest
}

// next reports whether there is another attempt, and after what delay.
func (l *Loop) next(ctx context.Context, failures int, result Result) (time.Duration, Stop, bool) {
	switch {
	case result.Done:
		return 0, StopDone, false
	case ctx.Err() != nil:
		return 0, StopContext, false
	case !l.repeatable(result):
		return 0, StopUnsafe, false
	case failures >= l.Policy.MaxAttempts, result.RateLimited && l.Policy.MaxAttempts == 1:
		return 0, StopAttempts, false
	case result.RateLimited && l.passesDeadline(ctx, result.Hold):
		return 0, StopDeadline, false
	case result.RateLimited:
		// The pace waits, and 429s take nothing from the budget.
		return 0, StopDone, true
	}
	delay := l.Policy.backoff(failures)
	if result.HasRetryAfter {
		if result.RetryAfter > l.Policy.MaxRetryAfter {
			return 0, StopRetryAfter, false
		}
		delay = result.RetryAfter
	}
	if l.passesDeadline(ctx, delay) {
		return 0, StopDeadline, false
	}
	if !l.Budget.Take() {
		return 0, StopBudget, false
	}
	return delay, StopDone, true
}

func (l *Loop) repeatable(result Result) bool {
	switch {
	case l.Class != action.Once:
		return true
	case result.RateLimited:
		return !l.Policy.NeverAfterRateLimits
	default:
		return result.Outcome == NotSent
	}
}

func (l *Loop) passesDeadline(ctx context.Context, delay time.Duration) bool {
	deadline := l.Deadline
	if d, ok := ctx.Deadline(); ok && (deadline.IsZero() || d.Before(deadline)) {
		deadline = d
	}
	return !deadline.IsZero() && !time.Now().Add(delay).Before(deadline)
}

// backoff is the full-jitter wait after a number of attempts: anything up to a
// bound that doubles each time.
func (p *Policy) backoff(attempts int) time.Duration {
	bound := p.BaseDelay
	for range attempts - 1 {
		if bound > p.MaxDelay/2 {
			bound = p.MaxDelay
			break
		}
		bound *= 2
	}
	return rand.N(min(bound, p.MaxDelay)) + 1 //nolint:gosec // jitter needs no secrecy
}
