package salebot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/once"
	"github.com/salebot-go/salebot/internal/pace"
	"github.com/salebot-go/salebot/ledger"
)

// onLedger is run for a call that may not be executed twice: the ledger is asked
// before and told afterwards.
func (j *journey[T]) onLedger(ctx context.Context, p *preparedCall[T]) (none T, err error) {
	var guard *once.Guard
	if p.items != nil || p.client.guards(ctx, j.row, j.settings) {
		j.within, j.release = until(ctx, j.deadline)
		defer func() { j.release() }()
		if p.items != nil {
			guard, err = p.items.Guard(j.core.keeper)
		} else {
			guard, err = p.client.guard(j.within, j.row, j.settings, &p.request) //nolint:contextcheck // it is made of ctx
		}
		if err != nil {
			return none, guardFailure(j.row.Name, err)
		}
		defer guard.Release()
	}
	result, err := j.guarded(ctx, guard)
	if guard != nil {
		p.client.logUnwritten(ctx, j.row.Name, j.unwritten)
		if failure, ok := errors.AsType[*OpError](err); ok && guard.Doubtful() && failure.Outcome != OutcomeAccepted {
			failure.Outcome = OutcomeUnknown
			result = none
		}
	}
	if j.row.Class == action.Once {
		var identity any
		if guard != nil {
			identity = guard.Identity()
		}
		once.From(ctx).Count(identity, stateAfter(err))
	}
	return result, err
}

// until returns a context that ends at a deadline, if there is one.
func until(ctx context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	if deadline.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline)
}

// guarded runs the journey as often as the ledger says that it has to begin again.
func (j *journey[T]) guarded(ctx context.Context, guard *once.Guard) (none T, err error) {
	if guard == nil {
		return j.run(ctx)
	}
	for {
		answer, replay, err := j.enter(guard)
		if err != nil {
			return none, err
		}
		if replay {
			j.watch.recorded()
			once.From(ctx).CountRecorded()
			if j.answer != nil {
				*j.answer = Response{Status: http.StatusOK, Header: http.Header{}}
			}
			return replayed[T](answer), nil
		}
		j.guard = guard
		result, err := j.run(ctx)
		if err == nil || !once.IsAgain(err) {
			return result, err
		}
	}
}

// firstStep is what a call writes before it is sent, which a call that was executed
// before must not write again: it could overwrite newer values.
type firstStep struct {
	// content is what it writes, which must be the same when the call is made again.
	content []byte
	// run is the step. doubtful says that the call may have been executed before.
	run func(ctx context.Context, doubtful bool) error
	// longest is how long it may take, besides the time of the call.
	longest time.Duration
}

// withFirst is for recipes.
func withFirst(step *firstStep) CallOption {
	return callOption(func(s *settings) error {
		s.first = step
		return nil
	})
}

// takeFirstStep runs the first step of a call that is about to be sent. The time that it
// takes is not that of the call.
func (j *journey[T]) takeFirstStep(ctx context.Context) error {
	began := time.Now()
	if err := j.settings.first.run(ctx, j.guard != nil && j.guard.Doubtful()); err != nil {
		return err
	}
	if j.deadline.IsZero() {
		return nil
	}
	j.deadline = j.deadline.Add(time.Since(began))
	if j.guard != nil {
		j.release()
		j.within, j.release = until(ctx, j.deadline)
	}
	return nil
}

// recorded is an attempt between two records of the ledger.
func (j *journey[T]) recorded(ctx context.Context, a *Attempt) attempt.Result {
	if j.guard == nil {
		return j.observed(ctx, a)
	}
	writeBy, err := j.guard.Begin(j.within, j.deadline) //nolint:contextcheck // it is made of ctx
	if err != nil {
		return attempt.Result{Skipped: true, Err: err}
	}
	j.writeBy = writeBy
	returned := false
	defer func() {
		if !returned {
			// A hook or the transport panics: no call must wait for this one.
			_ = j.guard.End(ctx, ledger.Unknown, ledger.Answer{})
		}
	}()
	result := j.observed(ctx, a)
	returned = true
	state := ledger.Unknown
	switch result.Outcome {
	case attempt.Accepted:
		state = ledger.Accepted
	case attempt.Rejected, attempt.NotSent:
		state = ledger.Refused
	case attempt.Unknown:
	}
	if err := j.guard.End(ctx, state, ledger.Answer{Status: a.Status, IDs: recordedIDs(j.result)}); result.Err == nil {
		j.unwritten = err
	}
	return result
}

// enter asks the ledger what to do with the call.
func (j *journey[T]) enter(guard *once.Guard) (ledger.Answer, bool, error) {
	decision, answer, err := guard.Enter(j.within)
	switch {
	case err != nil:
		if guard.MayBeExecuted() && !errors.Is(err, ErrInProgress) {
			err = &unresolvedError{err}
		}
		return answer, false, guardFailure(j.row.Name, err)
	case decision == once.Leave:
		unresolved := errUnresolved
		if j.core.config.ledger.historyDelay == 0 && sentBy(j.row, &payload{body: j.body}) != nil {
			unresolved = errUnsearched
		}
		e := notSent(j.row.Name, unresolved)
		e.Outcome = OutcomeUnknown
		return answer, false, e
	}
	return answer, decision == once.Replay, nil
}

var errUnresolved = errors.New("an earlier request with this key or in this piece of work may have been executed; nothing was sent now")

// errUnsearched is errUnresolved for a request that the history could have told of.
var errUnsearched = fmt.Errorf("%w; with WithHistoryDelay the client could find out from the history", errUnresolved)

// unresolvedError says that a call may have been executed, and why that was not found
// out.
type unresolvedError struct{ err error }

func (e *unresolvedError) Error() string {
	return errUnresolved.Error() + "; looking for it failed: " + strings.TrimPrefix(e.err.Error(), "salebot: ")
}

func (e *unresolvedError) Unwrap() error { return e.err }

// guardFailure is the error of a call that the ledger did not let through.
func guardFailure(name string, err error) *OpError {
	e := notSent(name, err)
	if errors.Is(err, ErrInProgress) || errors.As(err, new(*unresolvedError)) {
		e.Outcome = OutcomeUnknown
	}
	return e
}

// stateAfter is what a call came to; ledger.Begun if it was provably not sent.
func stateAfter(err error) ledger.State {
	if err == nil {
		return ledger.Accepted
	}
	op, ok := errors.AsType[*OpError](err)
	if !ok {
		return ledger.Begun
	}
	switch op.Outcome {
	case OutcomeAccepted:
		return ledger.Accepted
	case OutcomeRejected:
		return ledger.Refused
	case OutcomeUnknown:
		return ledger.Unknown
	case OutcomeNotSent, OutcomeNotTried, OutcomeIncomplete, OutcomeFailed:
	}
	return ledger.Begun
}

// pace waits until the attempt may begin.
func (j *journey[T]) pace(ctx context.Context) error {
	if ctx.Err() != nil {
		return endedContext(ctx, j.core.scrub)
	}
	if limiter := j.core.config.limiter; limiter != nil {
		if err := j.limit(ctx, limiter); err != nil {
			return err
		}
	}
	if err := j.keepPace(ctx); err != nil {
		return err
	}
	if !j.deadline.IsZero() && !time.Now().Before(j.deadline) {
		// An attempt without any time could only end as unknown.
		return transportFailure(context.DeadlineExceeded, true, j.core.scrub)
	}
	return nil
}

// limit waits for the user's own limiter.
func (j *journey[T]) limit(ctx context.Context, limiter Limiter) error {
	if standard, ok := limiter.(*rate.Limiter); ok && standard.Allow() {
		// There is nothing to wait for, and so nothing to bound.
		return nil
	}
	waiting := ctx
	if !j.deadline.IsZero() {
		var cancel context.CancelFunc
		waiting, cancel = context.WithDeadline(ctx, j.deadline)
		defer cancel()
	}
	err := limiter.Wait(waiting)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = withCause(withCause(err, ctx.Err()), context.Cause(ctx))
	}
	timeout := errors.Is(err, context.DeadlineExceeded) || errors.Is(waiting.Err(), context.DeadlineExceeded) || tooLate(err)
	if timeout {
		err = withCause(err, context.DeadlineExceeded)
	}
	return transportFailure(err, timeout, j.core.scrub)
}

// tooLate reports whether a rate.Limiter refused to wait beyond the deadline, which it
// only says in words.
func tooLate(err error) bool { return strings.Contains(err.Error(), "would exceed context deadline") }

// keepPace waits for the pace that the server allows.
func (j *journey[T]) keepPace(ctx context.Context) error {
	if j.core.pacer.Idle() {
		return nil
	}
	waiting, deadline := ctx, j.deadline
	if p := j.patience; p != nil {
		var end func()
		waiting, end = p.within(ctx)
		defer end()
		if p.bound > 0 {
			deadline = earlier(deadline, time.Now().Add(p.bound-j.paceWait))
		}
	}
	if d, ok := ctx.Deadline(); ok {
		deadline = earlier(deadline, d)
	}
	waited, err := j.core.pacer.Wait(waiting, deadline)
	if waited > 0 {
		j.paceWait += waited
		if j.patience != nil {
			j.patience.waited.Add(int64(waited))
		}
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, pace.ErrTooLate) {
		err = withCause(err, context.DeadlineExceeded)
	} else if ended := waiting.Err(); ended != nil {
		err = withCause(err, ended)
	}
	late := errors.Is(err, context.DeadlineExceeded)
	if late {
		err = withCause(err, ErrRateLimited)
	}
	return transportFailure(err, late, j.core.scrub)
}

// earlier is the earlier of two moments; a zero a is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
