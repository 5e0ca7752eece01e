// Package faults is what can go wrong with requests to the emulator, and the plan
// of what is to go wrong next.
package faults

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/action"
)

// Reset says at what moment a connection is cut.
type Reset string

// The moments.
const (
	// ResetBefore cuts the connection when the request has come and before the
	// action is carried out.
	ResetBefore Reset = "before"
	// ResetAfter cuts it when the action was carried out, without an answer.
	ResetAfter Reset = "after"
	// ResetDuring cuts it in the middle of the answer.
	ResetDuring Reset = "during"
)

// Always is the Times of a Fault that goes on until the faults are cleared.
const Always = -1

// Fault is something that goes wrong with requests. A fault with a Status, a
// Body, a Page or a RetryAfter replaces the answer, and the action is not carried
// out unless Execute says so. All others let the action be carried out and spoil
// its answer, except ResetBefore.
type Fault struct {
	// Action is the action that it concerns; empty for all of them.
	Action string
	// After is the number of requests that still go well.
	After int
	// Times is the number of requests that go wrong. Zero means one; Always goes
	// on.
	Times int

	// Probability is how likely the fault acts on a request that it concerns, between
	// 0 and 1. Zero means always.
	Probability float64
	// Seed makes the choice repeatable: the same seed chooses the same requests, if
	// they come in the same order. Zero asks for a seed that is made up.
	Seed uint64

	// Status is the HTTP status of the answer. It is 200 if only Body is set, 502 if
	// only Page is, and 429 if only RetryAfter is.
	Status int
	// Body is the body of the answer.
	Body string
	// ContentType is its declared type; empty means what the body looks like.
	ContentType string
	// Page makes the body an HTML page, such as a gateway's.
	Page bool
	// RetryAfter asks the client to wait, in whole seconds, rounded up.
	RetryAfter time.Duration
	// RetryAfterDate gives RetryAfter as a date instead of as seconds.
	RetryAfterDate bool
	// Execute carries the action out although the answer is replaced.
	Execute bool

	// Delay is waited before the answer, or before the connection is cut. Unless
	// the fault says otherwise the action was carried out by then, as it would be
	// by a slow server.
	Delay time.Duration
	// Reset cuts the connection.
	Reset Reset
	// Truncate answers with the first half of the body, as if it were all.
	Truncate bool
}

// Replaces reports whether the fault has an answer of its own.
func (f *Fault) Replaces() bool {
	return f != nil && (f.Status != 0 || f.Body != "" || f.Page || f.RetryAfter > 0)
}

// Cuts reports whether the connection is cut before the answer is whole.
func (f *Fault) Cuts() bool { return f != nil && f.Reset != "" }

// Answer returns the answer of a fault that replaces it. The type may be empty.
func (f *Fault) Answer() (status int, contentType string, body []byte) {
	status, body = f.Status, []byte(f.Body)
	switch {
	case status != 0:
	case f.Page:
		status = http.StatusBadGateway
	case f.RetryAfter > 0:
		status = http.StatusTooManyRequests
	default:
		status = http.StatusOK
	}
	if f.Page && f.Body == "" {
		text := strconv.Itoa(status) + " " + http.StatusText(status)
		body = []byte("<html>\n<head><title>" + text + "</title></head>\n<body><center><h1>" + text + "</h1></center></body>\n</html>\n")
	}
	return status, f.ContentType, body
}

// RetryAfterText returns the header Retry-After at a time of the emulator, "" for
// none.
func (f *Fault) RetryAfterText(now time.Time) string {
	switch {
	case f.RetryAfter <= 0:
		return ""
	case f.RetryAfterDate:
		return now.Add(f.RetryAfter + time.Second - 1).UTC().Format(http.TimeFormat)
	}
	return strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds())))
}

// Describe says in a few words what the fault does.
func (f *Fault) Describe() string {
	var words []string
	if f.Replaces() {
		status, _, _ := f.Answer()
		words = append(words, "status "+strconv.Itoa(status))
	}
	if f.RetryAfter > 0 {
		words = append(words, "retry after "+f.RetryAfter.String())
	}
	if f.Delay > 0 {
		words = append(words, "delay "+f.Delay.String())
	}
	if f.Reset != "" {
		words = append(words, "reset "+string(f.Reset))
	}
	if f.Truncate {
		words = append(words, "truncated")
	}
	return strings.Join(words, ", ")
}

// Validate says what is wrong with a fault that cannot happen or would do
// nothing. Its texts are for people, and say nothing of where the fault came from.
func (f *Fault) Validate() error {
	for _, problem := range []string{f.wrongCondition(), f.wrongAnswer(), f.wrongReset()} {
		if problem != "" {
			return errors.New(problem)
		}
	}
	if !f.ends() && !f.waits() {
		return errors.New("the fault does nothing: give it a status, a body, a page, a time to retry after, a delay, a reset or a truncation")
	}
	return nil
}

// wrongCondition says what is wrong with the conditions under which the fault
// acts.
func (f *Fault) wrongCondition() string {
	switch {
	case f.Action != "" && action.Lookup(f.Action) == nil:
		return "there is no action " + strconv.Quote(f.Action) + "; there are " + strings.Join(actions(), ", ")
	case f.After < 0:
		return "the number of requests that still go well is negative"
	case f.Times < Always:
		return "the number of times is negative; there is only " + strconv.Itoa(Always) + ", which goes on until the fault is removed"
	case !(f.Probability >= 0 && f.Probability <= 1): // NaN too
		return "the probability must be between 0 and 1"
	}
	return ""
}

// actions returns the names of all actions, in the order of the alphabet.
func actions() []string {
	var names []string
	for _, row := range action.All() {
		names = append(names, row.Name)
	}
	slices.Sort(names)
	return names
}

// wrongAnswer says what is wrong with the answer and its times.
func (f *Fault) wrongAnswer() string {
	switch {
	case f.Delay < 0 || f.RetryAfter < 0:
		return "a time is negative"
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return strconv.Itoa(f.Status) + " is not the HTTP status of an answer, which is from 200 to 599"
	}
	return ""
}

// wrongReset says what is wrong with the moment of the reset.
func (f *Fault) wrongReset() string {
	switch f.Reset {
	case "", ResetBefore, ResetAfter, ResetDuring:
		return ""
	}
	return strconv.Quote(string(f.Reset)) + " is not a moment of a reset; there are before, after and during"
}
