package salebot

import (
	"context"
	"strconv"
	"time"

	"github.com/salebot-go/salebot/internal/action"
)

// SafetyClass says what a second execution of an action does, and so whether a
// failed call may be repeated. The zero value is Once, the most careful class.
type SafetyClass uint8

const (
	// Once actions may reach a person twice or fire a flow again: they are
	// repeated only where the request provably was not executed.
	Once = SafetyClass(action.Once)
	// Idempotent actions write, but a repetition changes nothing.
	Idempotent = SafetyClass(action.Idempotent)
	// Read actions change nothing.
	Read = SafetyClass(action.Read)
)

// String returns the name of the class in lower case.
func (c SafetyClass) String() string {
	if c > Read {
		return "class " + strconv.Itoa(int(c))
	}
	return action.Class(c).String()
}

// MarshalText is String.
func (c SafetyClass) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Attempt describes one HTTP request of a call. It never holds the key, a URL
// or a body.
type Attempt struct {
	// Action is Salebot's name of the action.
	Action string
	// Class is the safety class of the call.
	Class SafetyClass
	// Number counts the attempts of the call from 1.
	Number int
	// Waited is the time spent before this attempt because of the one before.
	Waited time.Duration
	// RequestBytes is the size of the body that is sent.
	RequestBytes int

	// The rest is known after the attempt.

	// Status is the HTTP status; 0 where no answer came.
	Status int
	// Outcome is what became of this attempt.
	Outcome Outcome
	// Duration is the time from the first byte to the last.
	Duration time.Duration
	// ResponseBytes is the size of the body that came.
	ResponseBytes int
	// UnreadFields counts the fields of the answer that came in a form which this
	// package does not understand; the records of the result list them in Unread.
	UnreadFields int
	// Err is the failure of this attempt; nil if it succeeded.
	Err error
}

// Hook observes the attempts of a client. Either function may be nil; both may
// be called from many goroutines at once.
type Hook struct {
	// Before is called before each attempt and returns the context to use for
	// it, for example with a span. Returning nil leaves the context as it is.
	Before func(ctx context.Context, attempt Attempt) context.Context
	// After is called after each attempt, with the context of Before.
	After func(ctx context.Context, attempt Attempt)
}

// observed reports whether anybody looks at the attempts.
func (c *config) observed() bool { return len(c.hooks) > 0 || c.logger != nil }
