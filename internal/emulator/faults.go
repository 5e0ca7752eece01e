package emulator

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
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
// its answer, but for ResetBefore.
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

	// Status is the HTTP status of the answer. Where only Body or Page is set it is
	// 200 and 502, and 429 where only RetryAfter is.
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

// replaces says whether the fault has an answer of its own.
func (f *Fault) replaces() bool {
	return f != nil && (f.Status != 0 || f.Body != "" || f.Page || f.RetryAfter > 0)
}

// cuts says whether there is no whole answer.
func (f *Fault) cuts() bool { return f != nil && f.Reset != "" }

func (f *Fault) reply() reply {
	answer := reply{status: f.Status, contentType: f.ContentType, body: []byte(f.Body)}
	switch {
	case answer.status != 0:
	case f.Page:
		answer.status = http.StatusBadGateway
	case f.RetryAfter > 0:
		answer.status = http.StatusTooManyRequests
	default:
		answer.status = http.StatusOK
	}
	if f.Page && f.Body == "" {
		text := strconv.Itoa(answer.status) + " " + http.StatusText(answer.status)
		answer.body = []byte("<html>\n<head><title>" + text + "</title></head>\n<body><center><h1>" + text + "</h1></center></body>\n</html>\n")
	}
	if answer.contentType == "" {
		answer.contentType = contentTypeOf(answer.body)
	}
	return answer
}

// write gives the answer as the fault wants it. The time is the emulator's.
func (f *Fault) write(w http.ResponseWriter, answer reply, now time.Time) {
	if f.RetryAfter > 0 {
		wait := strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds())))
		if f.RetryAfterDate {
			wait = now.Add(f.RetryAfter + time.Second - 1).UTC().Format(http.TimeFormat)
		}
		w.Header().Set("Retry-After", wait)
	}
	if f.Truncate {
		answer.body = answer.body[:len(answer.body)/2]
	}
	switch f.Reset {
	case ResetBefore, ResetAfter:
		cut(w)
	case ResetDuring:
		// The length promises more than comes.
		header := w.Header()
		header.Set("Content-Type", answer.contentType)
		header.Set("Content-Length", strconv.Itoa(len(answer.body)+1))
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body[:len(answer.body)/2])
		_ = http.NewResponseController(w).Flush()
		cut(w)
	default:
		answer.write(w)
	}
}

// describe says in a few words what the fault does.
func (f *Fault) describe() string {
	var words []string
	if f.replaces() {
		words = append(words, "status "+strconv.Itoa(f.reply().status))
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
	case f.Action != "" && routes[f.Action].handle == nil:
		return "there is no action " + strconv.Quote(f.Action) + "; there are " + strings.Join(Actions(), ", ")
	case f.After < 0:
		return "the number of requests that still go well is negative"
	case f.Times < Always:
		return "the number of times is negative; there is only " + strconv.Itoa(Always) + ", which goes on until the fault is removed"
	case !(f.Probability >= 0 && f.Probability <= 1): // NaN too
		return "the probability must be between 0 and 1"
	}
	return ""
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
