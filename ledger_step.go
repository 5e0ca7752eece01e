package salebot

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/once"
	"github.com/salebot-go/salebot/ledger"
)

// onLedger is run for a call that may not be executed twice: the ledger is asked
// before and told afterwards.
func (j *journey[T]) onLedger(ctx context.Context, c *Client, items *once.Items, request *payload) (none T, err error) {
	var guard *once.Guard
	if items != nil {
		guard, err = items.Guard(c.core.keeper)
	} else {
		guard, err = c.guard(ctx, j.row, j.settings, request)
	}
	if err != nil {
		return none, guardFailure(j.row.Name, err)
	}
	if guard != nil {
		defer guard.Release()
	}
	result, err := j.guarded(ctx, guard)
	if guard != nil {
		c.logUnwritten(ctx, j.row.Name, j.unwritten)
		if failure, ok := errors.AsType[*OpError](err); ok && guard.Doubtful() && failure.Outcome != OutcomeAccepted {
			failure.Outcome = OutcomeUnknown
			result = none
		}
	}
	if j.row.Class == action.Once && !j.replayed {
		countOutcome(ctx, err)
	}
	return result, err
}

// guarded runs the journey as often as the ledger says that it has to begin again.
func (j *journey[T]) guarded(ctx context.Context, guard *once.Guard) (none T, err error) {
	if guard == nil {
		return j.run(ctx)
	}
	for {
		answer, replay, err := j.enter(ctx, guard)
		if err != nil {
			return none, err
		}
		if replay {
			j.replayed = true
			j.watch.recorded()
			once.From(ctx).Count(once.Tally{Accepted: 1})
			return replayed[T](answer), nil
		}
		j.guard = guard
		result, err := j.run(ctx)
		if err == nil || !once.IsAgain(err) {
			return result, err
		}
	}
}

// recorded is an attempt between two records of the ledger.
func (j *journey[T]) recorded(ctx context.Context, a *Attempt) attempt.Result {
	if j.guard == nil {
		return j.observed(ctx, a)
	}
	until, err := j.begin(ctx)
	if err != nil {
		return attempt.Result{Skipped: true, Err: err}
	}
	j.writeBy = until
	returned := false
	defer func() {
		if !returned {
			// A hook or the transport panics: nobody shall wait for this call.
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
	if err := j.guard.End(ctx, state, ledger.Answer{Status: a.Status, IDs: recordedIDs(j.result)}); err != nil && result.Err == nil {
		j.unwritten = err
	}
	return result
}

// begin records the attempt, within the time that the call has.
func (j *journey[T]) begin(ctx context.Context) (time.Time, error) {
	if !j.deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, j.deadline)
		defer cancel()
	}
	return j.guard.Begin(ctx, j.deadline)
}

// enter asks the ledger what to do with the call.
func (j *journey[T]) enter(ctx context.Context, guard *once.Guard) (ledger.Answer, bool, error) {
	if !j.deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, j.deadline)
		defer cancel()
	}
	decision, answer, err := guard.Enter(ctx)
	switch {
	case err != nil:
		if guard.MayBeExecuted() && !errors.Is(err, ErrInProgress) {
			err = &unresolvedError{err}
		}
		return answer, false, guardFailure(j.row.Name, err)
	case decision == once.Leave:
		e := notSent(j.row.Name, errUnresolved)
		e.Outcome = OutcomeUnknown
		return answer, false, e
	}
	return answer, decision == once.Replay, nil
}

var errUnresolved = errors.New("an earlier request with this key or in this piece of work may have been executed; nothing was sent now")

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
