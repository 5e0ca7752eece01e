package salebot

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/secret"
	"github.com/salebot-go/salebot/internal/text"
)

// Class sentinels. They survive any wrapping: ask with errors.Is.
var (
	// ErrNotInitialized says that the client was not made by New.
	ErrNotInitialized = errors.New(prefix + "the client is not initialized: make it with salebot.New")
	// ErrInvalidRequest says that the call was refused before anything was sent;
	// see InvalidRequestError.
	ErrInvalidRequest = errors.New(prefix + "invalid request")
	// ErrOutcomeUnknown says that a request that changes something may have been
	// executed although the call failed. Do not repeat a send after it without
	// looking first, for example into the client's history. A failed read is never
	// ErrOutcomeUnknown: it does not matter whether it was executed.
	ErrOutcomeUnknown = errors.New(prefix + "outcome unknown")
	// ErrRejected says that Salebot refused the request: it was not executed.
	ErrRejected = errors.New(prefix + "rejected")
	// ErrNotFound says that a client or a deal does not exist.
	ErrNotFound = errors.New(prefix + "not found")
	// ErrClientNotFound says that no such client exists. It is also ErrNotFound.
	ErrClientNotFound error = chain(prefix+"client not found", ErrNotFound)
	// ErrOrderNotFound says that no such deal exists. It is also ErrNotFound.
	ErrOrderNotFound error = chain(prefix+"order not found", ErrNotFound)
	// ErrUnauthorized says that Salebot does not know the key (HTTP 401).
	ErrUnauthorized = errors.New(prefix + "unauthorized")
	// ErrForbidden says that the key lacks the permission for the action (HTTP
	// 403, or the text WRONG_ACTION).
	ErrForbidden = errors.New(prefix + "forbidden")
	// ErrRateLimited says that the pace is too high (HTTP 429).
	ErrRateLimited = errors.New(prefix + "rate limited")
	// ErrServer says that Salebot or its gateway failed (HTTP 5xx).
	ErrServer = errors.New(prefix + "server error")
	// ErrUnexpectedResponse says that the answer is not one of Salebot's API: an
	// HTML page, a redirect, an empty or truncated body.
	ErrUnexpectedResponse = errors.New(prefix + "unexpected response")
	// ErrTruncated says that an answer reached the largest size the API gives
	// and that more may exist; what came is returned along with the error.
	ErrTruncated = errors.New(prefix + "truncated")
)

// OpError is the error of every method of the client. It says which action
// failed, after how many attempts and what became of the request; the cause is
// one of APIError, TransportError, DecodeError, InvalidRequestError and
// PartialError.
type OpError struct {
	// Action is Salebot's name of the action. What is not one action has a name of its
	// own: "run_once" is a piece of work that did not begin (RunOnce, ForgetWork, ForEach),
	// "do" and "with" are methods of a client that was not made by New, and "universal
	// webhook" is UniversalWebhookURL.
	Action string
	// Class is the safety class of the call.
	Class SafetyClass
	// Attempts counts the requests that were tried; 0 if the call was refused locally.
	Attempts int
	// Outcome is what became of the request, over all attempts.
	Outcome Outcome
	// Stopped says why the call was not tried again; "" if there is nothing to add to
	// the cause.
	Stopped string
	// Err is the cause.
	Err error
}

// Error describes the failure in one line, without the key, the URL or the body.
func (e *OpError) Error() string {
	if e == nil {
		return nilError
	}
	var b strings.Builder
	fmt.Fprintf(&b, prefix+"%s: %s", e.Action, bare(e.Err))
	var notes []string
	if e.Attempts > 1 {
		notes = append(notes, strconv.Itoa(e.Attempts)+" attempts")
	}
	if e.Attempts > 0 || e.Outcome != OutcomeNotSent {
		notes = append(notes, "outcome "+e.Outcome.String())
	}
	if e.Stopped != "" {
		notes = append(notes, e.Stopped)
	}
	if len(notes) > 0 {
		b.WriteString(" (" + strings.Join(notes, "; ") + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Is reports ErrOutcomeUnknown if the outcome is unknown, unless the call is a read.
func (e *OpError) Is(target error) bool {
	return target == ErrOutcomeUnknown && e.Outcome == OutcomeUnknown && e.Class != Read
}

// LogValue returns the parts of the error as attributes, without those that are empty.
func (e *OpError) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue(nilError)
	}
	attrs := []slog.Attr{slog.String("action", e.Action), slog.Int("attempts", e.Attempts), slog.String("outcome", e.Outcome.String())}
	attrs = appendText(attrs, "stopped", e.Stopped)
	return slog.GroupValue(append(attrs, slog.Any("cause", e.Err))...)
}

// appendText adds an attribute, unless it is empty.
func appendText(attrs []slog.Attr, name, value string) []slog.Attr {
	if value == "" {
		return attrs
	}
	return append(attrs, slog.String(name, value))
}

// Format prints the text of Error for every verb.
func (e *OpError) Format(f fmt.State, verb rune) { formatError(f, verb, e) }

// APIError is a refusal by Salebot, or a failure of the server: an answer that
// is not 2xx, or a 2xx answer that says that the action failed.
type APIError struct {
	// Status is the HTTP status.
	Status int
	// Code is Salebot's word for the failure, such as "client_not_found"; "" if
	// the answer has none.
	Code string
	// Message is the text for people; "" if the answer has none. If the whole answer
	// is a plain text, it is here but not in the text of the error.
	Message string
	// RetryAfter is the wait that the server asked for; 0 if it did not ask.
	RetryAfter time.Duration
	// Body is the beginning of the answer, at most 64 KiB, without the key.
	Body []byte

	// plain says that the message is the whole body, which no text quotes.
	plain   bool
	classes []error
}

// Error describes the answer in one line.
func (e *APIError) Error() string {
	if e == nil {
		return nilError
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d", e.Status)
	if class := e.class(); class != nil {
		b.WriteString(" " + bare(class))
	}
	if e.Code != "" {
		b.WriteString(": " + strconv.Quote(e.Code))
	}
	if message := e.quotable(); message != "" {
		b.WriteString(": " + strconv.Quote(message))
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ", retry after %v", e.RetryAfter)
	}
	switch {
	case e.Status == http.StatusNotFound && e.Is(ErrUnexpectedResponse):
		b.WriteString(": Salebot does not answer so; check the base URL and what stands between")
	case e.Is(ErrForbidden):
		b.WriteString(": the key may lack the permission for this action")
	}
	return b.String()
}

// quotable is the message if it is a part of the answer rather than all of it.
func (e *APIError) quotable() string {
	if e.plain {
		return ""
	}
	return e.Message
}

// class is the most telling class.
func (e *APIError) class() error {
	if len(e.classes) == 0 {
		return nil
	}
	return e.classes[0]
}

// Is reports the classes of the answer; see the sentinels.
func (e *APIError) Is(target error) bool {
	for _, class := range e.classes {
		if errors.Is(class, target) {
			return true
		}
	}
	return false
}

// LogValue returns the parts of the error as attributes, without the body and without
// those that are empty.
func (e *APIError) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue(nilError)
	}
	attrs := []slog.Attr{slog.Int("status", e.Status)}
	attrs = appendText(attrs, "code", e.Code)
	attrs = appendText(attrs, "message", e.quotable())
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	return slog.GroupValue(attrs...)
}

// Format prints the text of Error for every verb.
func (e *APIError) Format(f fmt.State, verb rune) { formatError(f, verb, e) }

// TransportError says that no whole answer came: the connection could not be made or
// broke, or the time ran out. The outcome in the OpError around it says whether the
// request may have been executed.
type TransportError struct {
	// Timeout says that a time limit ran out.
	Timeout bool
	// Err is the cause, without the URL.
	Err error
}

// Error describes the cause.
func (e *TransportError) Error() string {
	if e == nil {
		return nilError
	}
	if e.Timeout {
		return "timed out: " + errorText(e.Err)
	}
	return "transport: " + errorText(e.Err)
}

// Unwrap returns the cause.
func (e *TransportError) Unwrap() error { return e.Err }

// LogValue returns the parts of the error as attributes.
func (e *TransportError) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue(nilError)
	}
	return slog.GroupValue(slog.Bool("timeout", e.Timeout), slog.String("error", errorText(e.Err)))
}

// Format prints the text of Error for every verb.
func (e *TransportError) Format(f fmt.State, verb rune) { formatError(f, verb, e) }

// DecodeError says that a 2xx or 3xx answer came that cannot be read: an HTML
// page, a redirect, an empty or truncated body, a value of an unexpected type.
// It is ErrUnexpectedResponse.
type DecodeError struct {
	// Status is the HTTP status.
	Status int
	// ContentType is the declared type of the answer.
	ContentType string
	// Snapshot is the beginning of the answer, at most 4 KiB, without the key.
	Snapshot []byte
	// Err says what is wrong with it.
	Err error
}

// Error describes the problem without the body.
func (e *DecodeError) Error() string {
	if e == nil {
		return nilError
	}
	return fmt.Sprintf("HTTP %d %s: %s", e.Status, bare(ErrUnexpectedResponse), bare(e.Err))
}

// Unwrap returns what is wrong with the answer.
func (e *DecodeError) Unwrap() error { return e.Err }

// Is reports ErrUnexpectedResponse.
func (*DecodeError) Is(target error) bool { return target == ErrUnexpectedResponse }

// LogValue returns the parts of the error as attributes, without the body and without
// those that are empty.
func (e *DecodeError) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue(nilError)
	}
	attrs := appendText([]slog.Attr{slog.Int("status", e.Status)}, "content_type", e.ContentType)
	return slog.GroupValue(append(attrs, slog.Int("snapshot_bytes", len(e.Snapshot)), slog.String("error", errorText(e.Err)))...)
}

// Format prints the text of Error for every verb.
func (e *DecodeError) Format(f fmt.State, verb rune) { formatError(f, verb, e) }

// InvalidRequestError says that a call was refused before anything was sent. It
// is ErrInvalidRequest.
type InvalidRequestError struct {
	// Field is the name of the field or argument, such as "ClientID" or
	// "Variables[\"name\"]".
	Field string
	// Problem says what is wrong with it. It does not quote the value.
	Problem string
}

// Error names the field and the problem.
func (e *InvalidRequestError) Error() string {
	if e == nil {
		return nilError
	}
	return bare(ErrInvalidRequest) + ": " + e.Field + " " + e.Problem
}

// Is reports ErrInvalidRequest.
func (*InvalidRequestError) Is(target error) bool { return target == ErrInvalidRequest }

// LogValue returns the parts of the error as attributes.
func (e *InvalidRequestError) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue(nilError)
	}
	return slog.GroupValue(slog.String("field", e.Field), slog.String("problem", e.Problem))
}

// Format prints the text of Error for every verb.
func (e *InvalidRequestError) Format(f fmt.State, verb rune) { formatError(f, verb, e) }

// PartialError says that Salebot executed a request for a part of its elements
// only. The results are returned along with it.
type PartialError struct {
	// Refused lists the elements that were not accepted, by their index.
	Refused []RefusedElement
	// Total is the number of elements of the request.
	Total int
}

// RefusedElement is one element of a request that Salebot did not accept.
type RefusedElement struct {
	// Index is the place of the element in the request, from 0.
	Index int
	// Status is Salebot's word for it; "" if the answer has none.
	Status string
}

// scrub makes the words of the server safe to show.
func (e *PartialError) scrub(scrub secret.Scrubber) {
	for i := range e.Refused {
		e.Refused[i].Status = text.Shorten(scrub.Text(e.Refused[i].Status), maxMessage)
	}
}

// Error counts the refused elements and describes the first.
func (e *PartialError) Error() string {
	if e == nil || len(e.Refused) == 0 {
		return nilError
	}
	first := e.Refused[0]
	return fmt.Sprintf("%d of %d elements were not accepted, the first at index %d: status %q",
		len(e.Refused), e.Total, first.Index, first.Status)
}

// Is reports ErrRejected, which is true of the refused elements.
func (*PartialError) Is(target error) bool { return target == ErrRejected }

// LogValue returns the parts of the error as attributes.
func (e *PartialError) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue(nilError)
	}
	return slog.GroupValue(slog.Int("refused", len(e.Refused)), slog.Int("total", e.Total))
}

// Format prints the text of Error for every verb.
func (e *PartialError) Format(f fmt.State, verb rune) { formatError(f, verb, e) }

func invalid(field, problem string) *InvalidRequestError {
	return &InvalidRequestError{Field: field, Problem: problem}
}
