package salebot

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/exchange"
	"github.com/salebot-go/salebot/internal/once"
	"github.com/salebot-go/salebot/internal/secret"
	"github.com/salebot-go/salebot/ledger"
)

// payload is the encoded request of a call.
type payload struct {
	query url.Values
	body  []byte
}

// encoder checks a request and encodes it. It does no I/O.
type encoder func(*settings) (payload, error)

// decoder reads the body of a 2xx answer, which it must not keep. It returns an
// answer.Verdict as its error where the body is a refusal or unreadable.
type decoder[T any] func(body []byte, s *settings) (T, error)

// call is the journey of every call: check and encode the request, try until it
// is done, decode the answer.
func call[T any](ctx context.Context, c *Client, name string, options []CallOption, encode encoder, decode decoder[T]) (T, error) {
	row := action.MustLookup(name)
	return callRow(ctx, c, row, options, encode, decode)
}

func callRow[T any](ctx context.Context, c *Client, row *action.Row, options []CallOption, encode encoder, decode decoder[T]) (result T, err error) {
	if !c.ready() {
		return result, notSent(row.Name, ErrNotInitialized)
	}
	if ctx == nil {
		return result, notSent(row.Name, invalid("ctx", "is nil"))
	}
	s, err := c.core.config.forCall(options)
	if err != nil {
		return result, notSent(row.Name, err)
	}
	request, err := encode(s)
	if err != nil {
		return result, notSent(row.Name, err)
	}
	if run := once.From(ctx); run != nil && run.Ended() {
		return result, notSent(row.Name, ErrWorkEnded)
	}
	if row.Class != action.Read && rehearsing(ctx) {
		return rehearsed[T](&request), nil
	}
	j := journey{core: c.core, settings: s, row: row, body: request.body, address: row.Name}
	if len(request.query) > 0 {
		j.address += "?" + request.query.Encode()
	}
	if _, ok := ctx.Deadline(); !ok || s.timeoutGiven {
		j.deadline = time.Now().Add(s.timeout)
	}
	var guard *once.Guard
	if row.Class == action.Once || once.ItemsFrom(ctx) != nil {
		guard, err = c.guard(ctx, row, s, &request)
		if err != nil {
			return result, guardFailure(row.Name, err)
		}
		if guard != nil {
			defer guard.Release()
		}
	}
	for {
		if guard != nil {
			answer, replay, err := j.enter(ctx, guard)
			if err != nil {
				countOutcome(ctx, err)
				return result, err
			}
			if replay {
				once.From(ctx).Count(once.Tally{Accepted: 1})
				return replayed[T](answer), nil
			}
			j.guard = guard
			j.ids = func() []int64 { return recordedIDs(result) }
		}
		if c.core.config.observed() {
			j.unread = func() int { return countUnread(result) }
		}
		err = j.run(ctx, func(body []byte) error {
			result, err = decode(body, s)
			return err
		})
		if err == nil || !once.IsAgain(err) {
			break
		}
		j.failure = nil
	}
	if guard != nil {
		c.logUnwritten(ctx, row.Name, j.unwritten)
		if failure, ok := errors.AsType[*OpError](err); ok && guard.Doubtful() {
			failure.Outcome = OutcomeUnknown
		}
	}
	if row.Class == action.Once {
		countOutcome(ctx, err)
	}
	if failure, ok := errors.AsType[*OpError](err); ok && failure.Outcome != OutcomeAccepted {
		// What was decoded before the failure is no answer.
		var none T
		return none, err
	}
	return result, err
}

// callAck is call for the actions that return nothing but their success.
func callAck(ctx context.Context, c *Client, name string, options []CallOption, encode encoder) (*Ack, error) {
	row := action.MustLookup(name)
	return callRow(ctx, c, row, options, encode, func(body []byte, _ *settings) (*Ack, error) {
		if verdict := answer.Success(body, row.Answer); verdict.Kind != answer.Accepted {
			return nil, verdict
		}
		return &Ack{Raw: bytes.Clone(body)}, nil
	})
}

// notSent is the error of a call that was given up before anything was sent.
func notSent(name string, err error) *OpError {
	e := &OpError{Action: name, Outcome: OutcomeNotSent, Err: err}
	if row := action.Lookup(name); row != nil {
		e.Class = SafetyClass(row.Class)
	}
	return e
}

// forCall returns the settings of the client with the options of one call.
func (c *config) forCall(options []CallOption) (*settings, error) {
	if len(options) == 0 {
		return &c.settings, nil
	}
	s := c.settings
	for _, option := range options {
		if option == nil {
			continue
		}
		if err := option.applyToCall(&s); err != nil {
			return nil, asInvalidRequest(err)
		}
	}
	return &s, nil
}

// journey is one call on its way through its attempts.
type journey struct {
	core     *core
	settings *settings
	row      *action.Row
	// address is the last part of the URL: action and query.
	address string
	body    []byte
	// deadline ends the call; zero leaves that to its context.
	deadline time.Time
	// failure is the error of the last attempt.
	failure error
	// guard keeps the request from being executed twice; nil if nothing does.
	guard *once.Guard
	// ids are the numbers of the result, unread counts the odd fields in it.
	ids       func() []int64
	unread    func() int
	writeBy   time.Time
	status    int
	unwritten error
}

// enter asks the ledger what to do with the call.
func (j *journey) enter(ctx context.Context, guard *once.Guard) (ledger.Answer, bool, error) {
	if !j.deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, j.deadline)
		defer cancel()
	}
	decision, answer, err := guard.Enter(ctx)
	switch {
	case err != nil:
		return answer, false, guardFailure(j.row.Name, err)
	case decision == once.Leave:
		e := notSent(j.row.Name, errUnresolved)
		e.Outcome = OutcomeUnknown
		return answer, false, e
	}
	return answer, decision == once.Replay, nil
}

var errUnresolved = errors.New("an earlier request with this key or in this piece of work may have been executed; nothing was sent now")

// guardFailure is the error of a call that the ledger did not let through.
func guardFailure(name string, err error) *OpError {
	e := notSent(name, err)
	if errors.Is(err, ErrInProgress) {
		e.Outcome = OutcomeUnknown
	}
	return e
}

// countOutcome tells the piece of work what became of a call.
func countOutcome(ctx context.Context, err error) {
	run := once.From(ctx)
	if run == nil {
		return
	}
	var op *OpError
	switch {
	case err == nil, errors.As(err, &op) && op.Outcome == OutcomeAccepted:
		run.Count(once.Tally{Accepted: 1})
	case op != nil && op.Outcome == OutcomeUnknown:
		run.Count(once.Tally{Unknown: 1})
	case op != nil && op.Outcome == OutcomeRejected:
		run.Count(once.Tally{Refused: 1})
	}
}

func (j *journey) run(ctx context.Context, decode func([]byte) error) error {
	loop := attempt.Loop{
		Policy:   j.settings.retry,
		Class:    j.row.Class,
		Budget:   j.core.budget,
		Deadline: j.deadline,
	}
	summary := loop.Run(ctx, func(number int, waited time.Duration) attempt.Result {
		return j.try(ctx, number, waited, decode)
	})
	if j.failure == nil {
		return nil
	}
	if summary.Stop == attempt.StopContext && !errors.Is(j.failure, ctx.Err()) {
		j.fail(endedContext(ctx, j.core.scrub))
	}
	return &OpError{
		Action:   j.row.Name,
		Class:    SafetyClass(j.row.Class),
		Attempts: summary.Attempts,
		Outcome:  Outcome(summary.Outcome),
		Stopped:  summary.Stop.String(),
		Err:      j.failure,
	}
}

// try is one attempt with everything around it.
func (j *journey) try(ctx context.Context, number int, waited time.Duration, decode func([]byte) error) attempt.Result {
	if result, ok := j.pace(ctx); !ok {
		return result
	}
	if j.guard != nil {
		until, err := j.guard.Begin(ctx, j.deadline)
		if err != nil {
			j.fail(err)
			return attempt.Result{Skipped: true}
		}
		j.writeBy = until
		result := j.observed(ctx, number, waited, decode)
		state := ledger.Unknown
		switch result.Outcome {
		case attempt.Accepted:
			state = ledger.Accepted
		case attempt.Rejected, attempt.NotSent:
			state = ledger.Refused
		}
		if err := j.guard.End(ctx, state, ledger.Answer{Status: j.status, IDs: j.ids()}); err != nil && j.failure == nil {
			j.unwritten = err
		}
		return result
	}
	return j.observed(ctx, number, waited, decode)
}

func (j *journey) observed(ctx context.Context, number int, waited time.Duration, decode func([]byte) error) attempt.Result {
	if !j.core.config.observed() {
		var a Attempt
		return j.exchange(ctx, &a, decode)
	}
	a := Attempt{
		Action: j.row.Name, Class: SafetyClass(j.row.Class), Number: number, Waited: waited, RequestBytes: len(j.body),
	}
	contexts := make([]context.Context, len(j.core.config.hooks))
	for i, hook := range j.core.config.hooks {
		if hook.Before != nil {
			if inner := hook.Before(ctx, a); inner != nil {
				ctx = inner
			}
		}
		contexts[i] = ctx
	}
	start := time.Now()
	result := j.exchange(ctx, &a, decode)
	a.Duration, a.Outcome, a.Err = time.Since(start), Outcome(result.Outcome), j.failure
	if result.Outcome == attempt.Accepted {
		a.UnreadFields = j.unread()
	}
	for i, inner := range slices.Backward(contexts) {
		if after := j.core.config.hooks[i].After; after != nil {
			after(inner, a)
		}
	}
	j.log(ctx, a)
	return result
}

// fail adds a failure to one of an earlier attempt, which it does not replace.
func (j *journey) fail(err error) {
	if j.failure != nil {
		err = chain(j.failure.Error()+"; then "+err.Error(), j.failure, err)
	}
	j.failure = err
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

func chain(text string, inner ...error) *chained {
	return &chained{text: text, inner: secret.Hide(inner)}
}

func (e *chained) Error() string   { return e.text }
func (e *chained) Unwrap() []error { return e.inner.Reveal() }

// pace waits until the attempt may begin.
func (j *journey) pace(ctx context.Context) (attempt.Result, bool) {
	if ctx.Err() != nil {
		j.fail(endedContext(ctx, j.core.scrub))
		return attempt.Result{Skipped: true}, false
	}
	limiter := j.core.config.limiter
	if limiter == nil {
		return attempt.Result{}, true
	}
	if standard, ok := limiter.(*rate.Limiter); ok && standard.Allow() {
		// There is nothing to wait for, and so nothing to bound.
		return attempt.Result{}, true
	}
	waiting := ctx
	if !j.deadline.IsZero() {
		var cancel context.CancelFunc
		waiting, cancel = context.WithDeadline(ctx, j.deadline)
		defer cancel()
	}
	err := limiter.Wait(waiting)
	if err == nil {
		return attempt.Result{}, true
	}
	if ctx.Err() != nil {
		err = withCause(withCause(err, ctx.Err()), context.Cause(ctx))
	}
	timeout := errors.Is(err, context.DeadlineExceeded) || errors.Is(waiting.Err(), context.DeadlineExceeded) || tooLate(err)
	if timeout {
		err = withCause(err, context.DeadlineExceeded)
	}
	j.fail(transportFailure(err, timeout, j.core.scrub))
	return attempt.Result{Skipped: true}, false
}

// tooLate says whether a rate.Limiter refused to wait beyond the deadline, which
// it only says in words.
func tooLate(err error) bool { return strings.Contains(err.Error(), "would exceed context deadline") }

// exchange sends the request once and reads the answer.
func (j *journey) exchange(ctx context.Context, a *Attempt, decode func([]byte) error) attempt.Result {
	limit := j.settings.attemptTimeout
	if client := j.core.source.client.Reveal(); client != nil && client.Timeout > 0 {
		limit = min(limit, client.Timeout)
	}
	deadline := time.Now().Add(limit)
	if !j.deadline.IsZero() && j.deadline.Before(deadline) {
		deadline = j.deadline
	}
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()

	request := exchange.Request{
		Method:          j.row.Method(),
		URL:             j.core.address(j.address),
		Body:            j.body,
		FreshConnection: j.row.FreshConnection(),
		Limit:           j.settings.responseLimit,
		WriteBy:         j.writeBy,
		Cancel:          cancel,
	}
	reply, notSent, err := j.core.exchanger.Do(limited, j.core.config.userAgent, &request)
	defer reply.Release()
	a.Status, a.ResponseBytes = reply.Status, len(reply.Body)
	if err != nil {
		return j.failed(ctx, limited, &reply, notSent, err)
	}
	j.status = reply.Status
	if j.core.keeper != nil {
		j.core.clock.set(reply.Header.Get("Date"))
	}
	j.keep(&reply)
	switch {
	case reply.Status < 200:
		j.failure = unreadable(&reply, errInformational, j.core.scrub)
		return attempt.Result{Outcome: attempt.Unknown, Done: true}
	case reply.Status >= 200 && reply.Status < 300:
		if j.settings.received != nil {
			j.settings.received()
		}
		return j.decoded(&reply, decode(reply.Body))
	case reply.Status < 400:
		j.failure = unreadable(&reply, errRedirect, j.core.scrub)
		return attempt.Result{Outcome: attempt.Unknown, Done: true}
	default:
		return j.refused(&reply)
	}
}

var errInformational = errors.New("an answer that is only the announcement of another; check the base URL and what stands between")

var errRedirect = errors.New("a redirect, which is not followed because the address holds the key; check the base URL")

// failed sorts an attempt that brought no whole answer.
func (j *journey) failed(ctx, limited context.Context, reply *exchange.Reply, notSent bool, err error) attempt.Result {
	if errors.Is(err, exchange.ErrTooLarge) {
		j.failure = unreadable(reply, err, j.core.scrub)
		return attempt.Result{Outcome: attempt.Unknown, Done: true}
	}
	var netError net.Error
	timeout := errors.Is(limited.Err(), context.DeadlineExceeded) || errors.As(err, &netError) && netError.Timeout()
	err = cleanError(err, j.core.scrub)
	if ended := ctx.Err(); ended != nil {
		err = withCause(err, ended)
	} else if timeout {
		err = withCause(err, context.DeadlineExceeded)
	}
	j.failure = transportFailure(err, timeout, j.core.scrub)
	result := attempt.Result{Outcome: attempt.Unknown}
	if notSent {
		result.Outcome = attempt.NotSent
	}
	result.Done = ctx.Err() != nil || hopeless(err)
	if !j.deadline.IsZero() && !time.Now().Before(j.deadline) {
		result.Done = true
	}
	return result
}

// hopeless says whether a failure would only happen again.
func hopeless(err error) bool {
	var (
		unknownAuthority x509.UnknownAuthorityError
		invalidCert      x509.CertificateInvalidError
		hostname         x509.HostnameError
		verification     *tls.CertificateVerificationError
	)
	return errors.As(err, &unknownAuthority) || errors.As(err, &invalidCert) ||
		errors.As(err, &hostname) || errors.As(err, &verification)
}

// decoded sorts a 2xx answer.
func (j *journey) decoded(reply *exchange.Reply, err error) attempt.Result {
	if err == nil {
		j.failure = nil
		return attempt.Result{Outcome: attempt.Accepted, Done: true}
	}
	var (
		verdict answer.Verdict
		partial *PartialError
		whole   *truncatedError
	)
	switch {
	case errors.As(err, &verdict) && verdict.Kind == answer.Refused:
		j.failure = refusal(j.row, reply, verdict, j.core.scrub)
		return attempt.Result{Outcome: attempt.Rejected, Done: true}
	case errors.As(err, &partial):
		partial.scrub(j.core.scrub)
		j.failure = err
		return attempt.Result{Outcome: attempt.Accepted, Done: true}
	case errors.As(err, &whole):
		j.failure = err
		return attempt.Result{Outcome: attempt.Accepted, Done: true}
	default:
		j.failure = unreadable(reply, err, j.core.scrub)
		return attempt.Result{Outcome: attempt.Unknown, Done: true}
	}
}

// refused sorts an answer of 400 and above.
func (j *journey) refused(reply *exchange.Reply) attempt.Result {
	verdict := answer.Failure(reply.Body)
	j.failure = refusal(j.row, reply, verdict, j.core.scrub)
	after, asked := attempt.RetryAfter(reply.Header, time.Now())
	result := attempt.Result{Outcome: attempt.Rejected, RetryAfter: after, HasRetryAfter: asked}
	switch {
	case reply.Status == http.StatusTooManyRequests:
		result.RateLimited = true
	case reply.Status >= http.StatusInternalServerError, reply.Status == http.StatusRequestTimeout:
		result.Outcome = attempt.Unknown
	case saysNothing(reply.Status, verdict):
		result.Outcome, result.Done = attempt.Unknown, true
	default:
		result.Done = true
	}
	return result
}

// keep stores the raw answer where the caller asked for it.
func (j *journey) keep(reply *exchange.Reply) {
	if len(j.settings.responses) == 0 {
		return
	}
	header := reply.Header.Clone()
	for _, values := range header {
		for i := range values {
			values[i] = j.core.scrub.Text(values[i])
		}
	}
	for _, target := range j.settings.responses {
		*target = Response{Status: reply.Status, Header: header, Body: bytes.Clone(reply.Body)}
	}
}

func (j *journey) log(ctx context.Context, a Attempt) {
	logger := j.core.config.logger
	if logger == nil {
		return
	}
	level, text := slog.LevelDebug, "salebot call"
	switch {
	case a.Err != nil:
		level, text = slog.LevelWarn, "salebot call failed"
	case a.UnreadFields > 0:
		level, text = slog.LevelWarn, "salebot answer was not understood entirely"
	}
	if !logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("action", a.Action),
		slog.Int("attempt", a.Number),
		slog.Int("status", a.Status),
		slog.String("outcome", a.Outcome.String()),
		slog.Duration("duration", a.Duration),
	}
	if a.UnreadFields > 0 {
		attrs = append(attrs, slog.Int("unread_fields", a.UnreadFields))
	}
	if a.Err != nil {
		attrs = append(attrs, slog.Any("error", a.Err))
	}
	logger.LogAttrs(ctx, level, text, attrs...)
}

// truncatedError wraps ErrTruncated with what was cut.
type truncatedError struct{ problem string }

func (e *truncatedError) Error() string      { return ErrTruncated.Error() + ": " + e.problem }
func (*truncatedError) Is(target error) bool { return target == ErrTruncated }
