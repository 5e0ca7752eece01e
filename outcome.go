package salebot

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/attempt"
)

// Outcome is what became of a request. The zero value is OutcomeUnknown:
// anything else needs proof.
type Outcome uint8

const (
	// OutcomeUnknown requests may have been executed: the connection broke, the
	// time ran out, the server answered 5xx or something unreadable.
	OutcomeUnknown = Outcome(attempt.Unknown)
	// OutcomeNotSent requests never left this process, so they can be repeated.
	OutcomeNotSent = Outcome(attempt.NotSent)
	// OutcomeRejected requests were refused by Salebot and not executed.
	OutcomeRejected = Outcome(attempt.Rejected)
	// OutcomeAccepted requests were executed. An error carries it if only a part of the
	// request was refused; see PartialError.
	OutcomeAccepted = Outcome(attempt.Accepted)
	// OutcomeNotTried items of a bulk run were not sent, because the run had ended, or
	// provably never left.
	OutcomeNotTried = Outcome(attempt.Accepted + 1)
	// OutcomeIncomplete means that a piece of work was executed in part: some of its
	// calls were accepted, and then one failed.
	OutcomeIncomplete = Outcome(attempt.Accepted + 2)
	// OutcomeFailed reads brought no answer that can be used. A read that failed is
	// never OutcomeUnknown, since it changes nothing.
	OutcomeFailed = Outcome(attempt.Accepted + 3)
)

// String returns the outcome in words.
func (o Outcome) String() string {
	switch o {
	case OutcomeNotSent:
		return "not sent"
	case OutcomeRejected:
		return "rejected"
	case OutcomeAccepted:
		return "accepted"
	case OutcomeNotTried:
		return "not tried"
	case OutcomeIncomplete:
		return "incomplete"
	case OutcomeFailed:
		return "failed"
	case OutcomeUnknown:
		return "unknown"
	}
	return "outcome " + strconv.Itoa(int(o))
}

// MarshalText is String.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

const nilError = "<nil>"

// prefix begins the text of each sentinel and of each error of a method. A text that
// is made of others has it once.
const prefix = "salebot: "

// bare is the text of an error inside another one.
func bare(err error) string { return strings.ReplaceAll(errorText(err), prefix, "") }

// errorText is the text of an error that may be missing if a user made the one around
// it.
func errorText(err error) string {
	if err == nil {
		return nilError
	}
	return err.Error()
}

// formatError keeps %+v and %#v from walking through the fields, which hold
// bodies and the errors of others.
func formatError(f fmt.State, verb rune, err error) {
	if verb == 'q' {
		_, _ = io.WriteString(f, strconv.Quote(err.Error()))
		return
	}
	_, _ = io.WriteString(f, err.Error())
}
