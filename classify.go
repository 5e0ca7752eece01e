package salebot

import (
	"bytes"
	"context"
	"errors"
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
	return &DecodeError{
		Status:      reply.Status,
		ContentType: scrub.Text(reply.Header.Get("Content-Type")),
		Snapshot:    scrub.Beginning(reply.Body, maxSnapshot),
		Err:         unreadableCause(cause, scrub),
	}
}

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

func (e *chained) Error() string   { return e.text }
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
