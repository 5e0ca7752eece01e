package salebot

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/exchange"
	"github.com/salebot-go/salebot/internal/secret"
)

const (
	largestErrorBody = 64 << 10
	largestSnapshot  = 4 << 10
)

// refusal makes an error of an answer that is a refusal or a server's failure.
func refusal(row *action.Row, status int, header http.Header, body []byte, v answer.Verdict, scrub secret.Scrubber) *APIError {
	e := &APIError{
		Status:  status,
		Code:    answer.Shorten(scrub.Text(v.Code)),
		Message: answer.Shorten(scrub.Text(v.Message)),
		Body:    scrub.Beginning(body, largestErrorBody),
		page:    v.Page,
		classes: classes(row, status, v),
	}
	if after, ok := attempt.RetryAfter(header.Get("Retry-After"), time.Now()); ok {
		e.RetryAfter = after
	}
	return e
}

// classes lists what an answer amounts to, the most telling first.
func classes(row *action.Row, status int, v answer.Verdict) []error {
	if status >= 500 {
		return []error{ErrServer}
	}
	var found []error
	switch {
	case answer.IsClientNotFound(v.Code):
		found = append(found, ErrClientNotFound)
	case answer.IsOrderNotFound(v.Code):
		found = append(found, ErrOrderNotFound)
	case status == http.StatusNotFound && v.Page:
		found = append(found, ErrUnexpectedResponse)
	case status == http.StatusUnauthorized:
		found = append(found, ErrUnauthorized)
	case status == http.StatusForbidden || answer.IsWrongAction(v.Code):
		found = append(found, ErrForbidden)
	case status == http.StatusTooManyRequests:
		found = append(found, ErrRateLimited)
	case status == http.StatusNotFound || answer.IsNotFound(v.Code):
		switch {
		case row.Subject == action.Client, row.Subject == action.Clients && answer.IsNotFound(v.Code):
			found = append(found, ErrClientNotFound)
		case answer.IsNotFound(v.Code):
			found = append(found, ErrNotFound)
		}
	}
	return append(found, ErrRejected)
}

// unreadable makes an error of a 2xx or 3xx answer that cannot be used.
func unreadable(reply *exchange.Reply, cause error, scrub secret.Scrubber) *DecodeError {
	return &DecodeError{
		Status:      reply.Status,
		ContentType: scrub.Text(reply.Header.Get("Content-Type")),
		Snapshot:    scrub.Beginning(reply.Body, largestSnapshot),
		Err:         cleanError(cause, scrub),
	}
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
