package salebot

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/dump"
	"github.com/salebot-go/salebot/internal/exchange"
)

// exchange sends the request once and reads the answer.
func (j *journey[T]) exchange(ctx context.Context, a *Attempt) attempt.Result {
	limit := j.settings.attemptTimeout
	if timeout := j.core.source.Timeout(); timeout > 0 {
		limit = min(limit, timeout)
	}
	started := time.Now()
	deadline := started.Add(limit)
	if !j.deadline.IsZero() && j.deadline.Before(deadline) {
		deadline = j.deadline
	}
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()

	var (
		reply  exchange.Reply
		became attempt.Outcome
		err    error
	)
	if len(j.core.config.attemptMiddlewares) > 0 {
		reply, became, err = j.sendThrough(limited, cancel, a.Number)
	} else {
		reply, became, err = j.send(limited, cancel, a.Number)
	}
	defer reply.Release()
	a.Status, a.ResponseBytes = reply.Status, len(reply.Body)
	if err != nil {
		j.capture(nil)
		return j.failed(ctx, limited, &reply, became, err)
	}
	j.capture(&reply)
	keep(j.settings.responses, &reply, j.core.scrub)
	if reply.Status == http.StatusTooManyRequests {
		return j.limited(&reply, started)
	}
	j.core.pacer.Answered(started)
	return j.sorted(&reply)
}

// send sends the request and reads the answer, within ctx, which cancel ends. If that
// fails, became is what is known of the request.
func (j *journey[T]) send(ctx context.Context, cancel context.CancelFunc, number int) (reply exchange.Reply, became attempt.Outcome, err error) {
	request := exchange.Request{
		Method:          j.row.Method(),
		URL:             j.core.address(j.address),
		Body:            j.body,
		Header:          j.header,
		FreshConnection: j.settings.freshConnection(j.row),
		Limit:           j.settings.maxResponseSize,
		WriteBy:         j.writeBy,
		Cancel:          cancel,
	}
	dumper := j.core.config.dumper
	if dumper != nil && !dumper.Wanted(ctx) {
		dumper = nil
	}
	if dumper != nil {
		dumper.Request(ctx, j.dumped(number))
	}
	started := time.Now()
	reply, notSent, err := j.core.exchanger.Do(ctx, j.core.config.userAgent, &request)
	if dumper != nil {
		dumper.Answer(ctx, j.dumpedAnswer(number, &reply, time.Since(started), err))
	}
	if err == nil && j.core.keeper != nil {
		j.core.clock.set(reply.Header.Get("Date"))
	}
	if notSent {
		became = attempt.NotSent
	}
	return reply, became, err
}

// dumped is what is shown of the request at hand.
func (j *journey[T]) dumped(number int) dump.Request {
	scrub := j.core.scrub
	address := j.core.config.baseURL.String() + "/{api_key}/" + j.row.Name
	if len(j.query) > 0 {
		address += "?" + scrub.Text(dump.Query(j.query))
	}
	header := j.core.exchanger.Header(j.core.config.userAgent, j.body != nil)
	maps.Copy(header, j.header)
	return dump.Request{
		Action: j.row.Name, Attempt: number, Method: j.row.Method(), URL: address,
		Header: dump.Header(header, scrub), Body: dump.Body(j.body, MaxDumpedBody, scrub),
	}
}

// dumpedAnswer is what is shown of an answer, or of a failure.
func (j *journey[T]) dumpedAnswer(number int, reply *exchange.Reply, took time.Duration, err error) dump.Answer {
	scrub := j.core.scrub
	if err != nil {
		err = cleanError(err, scrub)
	}
	return dump.Answer{
		Action: j.row.Name, Attempt: number, Duration: took, Status: reply.Status,
		Header: dump.Header(reply.Header, scrub), Body: dump.Body(reply.Body, MaxDumpedBody, scrub), Err: err,
	}
}

// capture keeps the answer for a middleware around the call; nil if none came.
func (j *journey[T]) capture(reply *exchange.Reply) {
	switch {
	case j.answer == nil:
	case reply == nil:
		*j.answer = Response{}
	default:
		*j.answer = kept(reply, j.core.scrub)
	}
}

// sorted sorts a whole answer by its status.
func (j *journey[T]) sorted(reply *exchange.Reply) attempt.Result {
	switch {
	case reply.Status < http.StatusOK:
		return unproven(unreadable(reply, errInformational, j.core.scrub))
	case reply.Status < http.StatusMultipleChoices:
		if j.settings.received != nil {
			j.settings.received()
		}
		result, err := j.decode(reply.Body, j.settings)
		j.result = result
		return j.decoded(reply, err)
	case reply.Status < http.StatusBadRequest:
		return unproven(unreadable(reply, errRedirect, j.core.scrub))
	default:
		return j.refused(reply)
	}
}

// unproven is an attempt of unknown outcome that would bring the same again.
func unproven(err error) attempt.Result {
	return attempt.Result{Outcome: attempt.Unknown, Done: true, Err: err}
}

// limited is an attempt that was refused for the pace, which slows all calls of the
// client down.
func (j *journey[T]) limited(reply *exchange.Reply, started time.Time) attempt.Result {
	wish, _ := attempt.RetryAfter(reply.Header, time.Now())
	hold := j.core.pacer.Limited(started, wish, j.settings.retry.MaxHold)
	if observer, ok := j.core.config.limiter.(HoldObserver); ok && hold > 0 {
		observer.Held(hold)
	}
	return attempt.Result{
		Outcome:     attempt.Rejected,
		RateLimited: true,
		Hold:        hold,
		Err:         refusal(j.row, reply, answer.Failure(reply.Body), j.core.scrub),
	}
}

var errInformational = errors.New("an answer that is only the announcement of another; check the base URL and what stands between")

var errRedirect = errors.New("a redirect, which is not followed because the address holds the key; check the base URL")

// failed sorts an attempt that brought no whole answer.
func (j *journey[T]) failed(ctx, limited context.Context, reply *exchange.Reply, became attempt.Outcome, err error) attempt.Result {
	if errors.Is(err, exchange.ErrTooLarge) {
		return unproven(unreadable(reply, err, j.core.scrub))
	}
	var netError net.Error
	timeout := errors.Is(limited.Err(), context.DeadlineExceeded) || errors.As(err, &netError) && netError.Timeout()
	err = cleanError(err, j.core.scrub)
	if ended := ctx.Err(); ended != nil {
		err = withCause(err, ended)
	} else if timeout {
		err = withCause(err, context.DeadlineExceeded)
	}
	result := attempt.Result{Outcome: became, Err: transportFailure(err, timeout, j.core.scrub)}
	result.Done = ctx.Err() != nil || hopeless(err) || became == attempt.Rejected || became == attempt.Accepted
	if !j.deadline.IsZero() && !time.Now().Before(j.deadline) {
		result.Done = true
	}
	return result
}

// hopeless reports whether a failure would only happen again.
func hopeless(err error) bool {
	var (
		unknownAuthority x509.UnknownAuthorityError
		invalidCert      x509.CertificateInvalidError
		hostname         x509.HostnameError
		verification     *tls.CertificateVerificationError
	)
	// A middleware that hands on a wrong request would do so again.
	return errors.Is(err, ErrInvalidRequest) || errors.As(err, &unknownAuthority) || errors.As(err, &invalidCert) ||
		errors.As(err, &hostname) || errors.As(err, &verification)
}

// decoded sorts a 2xx answer.
func (j *journey[T]) decoded(reply *exchange.Reply, err error) attempt.Result {
	if err == nil {
		return attempt.Result{Outcome: attempt.Accepted, Done: true}
	}
	var (
		verdict answer.Verdict
		partial *PartialError
		whole   *truncatedError
	)
	switch {
	case errors.As(err, &verdict) && verdict.Kind == answer.Refused:
		return attempt.Result{Outcome: attempt.Rejected, Done: true, Err: refusal(j.row, reply, verdict, j.core.scrub)}
	case errors.As(err, &partial):
		partial.scrub(j.core.scrub)
		return attempt.Result{Outcome: attempt.Accepted, Done: true, Err: err}
	case errors.As(err, &whole):
		return attempt.Result{Outcome: attempt.Accepted, Done: true, Err: err}
	default:
		return unproven(unreadable(reply, err, j.core.scrub))
	}
}

// refused sorts an answer of 400 and above.
func (j *journey[T]) refused(reply *exchange.Reply) attempt.Result {
	verdict := answer.Failure(reply.Body)
	after, asked := attempt.RetryAfter(reply.Header, time.Now())
	result := attempt.Result{
		Outcome: attempt.Rejected, RetryAfter: after, HasRetryAfter: asked, Err: refusal(j.row, reply, verdict, j.core.scrub),
	}
	switch {
	case reply.Status >= http.StatusInternalServerError, reply.Status == http.StatusRequestTimeout:
		result.Outcome = attempt.Unknown
	case saysNothing(reply.Status, verdict):
		result.Outcome, result.Done = attempt.Unknown, true
	default:
		result.Done = true
	}
	return result
}

// truncatedError wraps ErrTruncated with what was cut.
type truncatedError struct{ problem string }

func (e *truncatedError) Error() string { return prefix + bare(ErrTruncated) + ": " + e.problem }

func (*truncatedError) Is(target error) bool { return target == ErrTruncated }
