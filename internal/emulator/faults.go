package emulator

import (
	"net/http"
	"strconv"
	"time"

	"github.com/salebot-go/salebot/internal/emulator/faults"
)

// Fail adds faults to the plan. It adds none if one of them can never happen.
func (e *Emulator) Fail(planned ...faults.Fault) error {
	if err := e.faults.Add(planned...); err != nil {
		return err
	}
	e.changes.notify()
	return nil
}

// Faults returns the faults that are still to come, with what is left of their
// counts.
func (e *Emulator) Faults() []faults.Fault { return e.faults.Left() }

// ClearFaults lets everything go well again.
func (e *Emulator) ClearFaults() {
	e.faults.Clear()
	e.changes.notify()
}

// RemoveFaults takes the faults that match out of the plan and returns their
// number. The others go on with what is left of their counts.
func (e *Emulator) RemoveFaults(match func(faults.Fault) bool) int {
	removed := e.faults.Remove(match)
	if removed > 0 {
		e.changes.notify()
	}
	return removed
}

// replyOf is the answer of a fault that replaces it.
func replyOf(fault *faults.Fault) reply {
	var answer reply
	answer.status, answer.contentType, answer.body = fault.Answer()
	if answer.contentType == "" {
		answer.contentType = contentTypeOf(answer.body)
	}
	return answer
}

// spoil gives an answer as a fault wants it. The time is the emulator's.
func spoil(w http.ResponseWriter, fault *faults.Fault, answer reply, now time.Time) {
	if wait := fault.RetryAfterText(now); wait != "" {
		answer.retryAfter = wait
	}
	if fault.Truncate {
		answer.body = answer.body[:len(answer.body)/2]
	}
	switch fault.Reset {
	case faults.ResetBefore, faults.ResetAfter:
		cut(w)
	case faults.ResetDuring:
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
