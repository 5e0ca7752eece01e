package salebot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/exchange"
	"github.com/salebot-go/salebot/internal/secret"
	"github.com/salebot-go/salebot/internal/text"
)

// Outcome is what became of a request. The zero value is OutcomeUnknown:
// anything else needs proof.
type Outcome uint8

const (
	// OutcomeUnknown requests may have been executed: the connection broke, the
	// time ran out, the server answered 5xx or something unreadable.
	OutcomeUnknown = Outcome(attempt.Unknown)
	// OutcomeNotSent requests never left this process, so they can be made again once
	// the cause is mended.
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

const (
	maxErrorBody = 64 << 10
	maxSnapshot  = 4 << 10
	// maxMessage bounds a text of the answer in an error, in characters.
	maxMessage = 300
)

// refusal makes an error of an answer that is a refusal or a server's failure.
func refusal(row *action.Row, reply *exchange.Reply, v answer.Verdict, scrub secret.Scrubber) *APIError {
	e := &APIError{
		Status:  reply.Status,
		Code:    text.Shorten(scrub.Text(v.Code), maxMessage),
		Message: text.Shorten(scrub.Text(v.Message), maxMessage),
		Body:    scrub.Beginning(reply.Body, maxErrorBody),
		plain:   v.Plain,
		classes: classes(row, reply.Status, v),
	}
	if after, ok := attempt.RetryAfter(reply.Header, time.Now()); ok {
		e.RetryAfter = after
	}
	return e
}

// classes lists what an answer amounts to, the most telling first.
func classes(row *action.Row, status int, v answer.Verdict) []error {
	switch {
	case status >= http.StatusInternalServerError:
		return []error{ErrServer}
	case saysNothing(status, v):
		return []error{ErrUnexpectedResponse}
	}
	if class := class(row, status, v); class != nil {
		return []error{class, ErrRejected}
	}
	return []error{ErrRejected}
}

// saysNothing reports whether a status of 4xx leaves open whether the request was
// executed: the server or a gateway gave up waiting, or the body says success.
func saysNothing(status int, v answer.Verdict) bool {
	return status == http.StatusRequestTimeout || status == statusClientClosedRequest ||
		v.Kind == answer.Accepted && status != http.StatusTooManyRequests
}

// statusClientClosedRequest is a status of the web server nginx.
const statusClientClosedRequest = 499

// class is the most telling class of a refusal, nil if it has none of its own.
func class(row *action.Row, status int, v answer.Verdict) error {
	switch {
	case answer.IsClientNotFound(v.Code):
		return ErrClientNotFound
	case answer.IsOrderNotFound(v.Code):
		return ErrOrderNotFound
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusForbidden || answer.IsWrongAction(v.Code):
		return ErrForbidden
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case answer.IsNotFound(v.Code):
		return notFound(row)
	case status == http.StatusNotFound && row.PlainNotFound && !v.Page && v.Message == "":
		return ErrClientNotFound
	case status == http.StatusNotFound:
		return ErrUnexpectedResponse
	}
	return nil
}

// notFound is what an action did not find.
func notFound(row *action.Row) error {
	if row.Subject == action.NoSubject {
		return ErrNotFound
	}
	return ErrClientNotFound
}

// unreadable makes an error of a 2xx or 3xx answer that cannot be used.
func unreadable(reply *exchange.Reply, cause error, scrub secret.Scrubber) *DecodeError {
	// net/http takes the header off with the compression that it asked for.
	if encoding := reply.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		cause = errCompressed
	}
	return &DecodeError{
		Status:      reply.Status,
		ContentType: scrub.Text(reply.Header.Get("Content-Type")),
		Snapshot:    scrub.Beginning(reply.Body, maxSnapshot),
		Err:         unreadableCause(cause, scrub),
	}
}

var errCompressed = errors.New("the body is compressed, which was not asked for; check the transport (DisableCompression) and what stands between")

// unreadableCause is what is wrong with an answer, with what it says for itself.
func unreadableCause(cause error, scrub secret.Scrubber) error {
	verdict, ok := errors.AsType[answer.Verdict](cause)
	if !ok {
		return cleanError(cause, scrub)
	}
	problem := []string{verdict.Problem}
	for _, said := range []string{verdict.Code, verdict.Message} {
		if said != "" {
			problem = append(problem, strconv.Quote(text.Shorten(scrub.Text(said), maxMessage)))
		}
	}
	return errors.New(strings.Join(problem, ": "))
}

// transportFailure makes an error of a failed attempt.
func transportFailure(err error, timeout bool, scrub secret.Scrubber) *TransportError {
	err = cleanError(err, scrub)
	return &TransportError{Timeout: timeout, Err: chain(err.Error(), err)}
}

// cleanError returns err without the secret, at any depth. What is clean stays
// as it is, so that errors.Is and errors.As find it.
func cleanError(err error, scrub secret.Scrubber) error {
	// A url.Error holds the whole address and adds nothing else.
	for {
		wrapped, ok := err.(*url.Error) //nolint:errorlint // this very layer is to be taken off
		if !ok {
			break
		}
		if err = wrapped.Err; err == nil {
			err = errNoReason
		}
	}
	if !holdsSecret(err, scrub) {
		return err
	}
	var inner []error
	switch wrapper := err.(type) { //nolint:errorlint // the layers are cleaned one by one
	case interface{ Unwrap() error }:
		if cause := wrapper.Unwrap(); cause != nil {
			inner = append(inner, cleanError(cause, scrub))
		}
	case interface{ Unwrap() []error }:
		for _, cause := range wrapper.Unwrap() {
			if cause != nil {
				inner = append(inner, cleanError(cause, scrub))
			}
		}
	}
	return chain(scrub.Text(err.Error()), inner...)
}

var errNoReason = errors.New("no reason was given")

// holdsSecret looks through the texts and the printed fields of all layers.
func holdsSecret(err error, scrub secret.Scrubber) bool {
	if err == nil {
		return false
	}
	if scrub.FoundInValue(err) {
		return true
	}
	if wrapped := new(url.Error); errors.As(err, &wrapped) {
		return true
	}
	switch wrapper := err.(type) { //nolint:errorlint // the layers are inspected one by one
	case interface{ Unwrap() error }:
		return holdsSecret(wrapper.Unwrap(), scrub)
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			if holdsSecret(inner, scrub) {
				return true
			}
		}
	}
	return false
}

// endedContext is the failure of a call whose context ended between attempts.
func endedContext(ctx context.Context, scrub secret.Scrubber) *TransportError {
	err := ctx.Err()
	return transportFailure(withCause(context.Cause(ctx), err), errors.Is(err, context.DeadlineExceeded), scrub)
}

// withCause makes sure that errors.Is finds target in err.
func withCause(err, target error) error {
	if errors.Is(err, target) {
		return err
	}
	return chain(err.Error(), err, target)
}

// chained is an error that is several at once. They are hidden from those who
// print fields, because the errors of a user's transport may hold an address.
type chained struct {
	text  string
	inner secret.Hidden[[]error]
}

func chain(said string, inner ...error) *chained {
	return &chained{text: said, inner: secret.Hide(inner)}
}

// then is a failure after an earlier one, which it does not replace.
func then(before, after error) error {
	if before == nil {
		return after
	}
	return chain(before.Error()+"; then "+after.Error(), before, after)
}

func (e *chained) Error() string { return e.text }

func (e *chained) Unwrap() []error { return e.inner.Reveal() }

// keep stores the raw answer if the caller asked for it.
func keep(targets []*Response, reply *exchange.Reply, scrub secret.Scrubber) {
	for _, target := range targets {
		*target = kept(reply, scrub)
	}
}

// kept is a copy of an answer, whose header does not hold the key.
func kept(reply *exchange.Reply, scrub secret.Scrubber) Response {
	header := reply.Header.Clone()
	for _, values := range header {
		for i := range values {
			values[i] = scrub.Text(values[i])
		}
	}
	return Response{Status: reply.Status, Header: header, Body: bytes.Clone(reply.Body)}
}

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
