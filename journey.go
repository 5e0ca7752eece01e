package salebot

import (
	"context"
	"errors"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/once"
)

// journey is one call on its way through its attempts.
type journey[T any] struct {
	core     *core
	settings *settings
	row      *action.Row
	decode   decoder[T]
	// address is the last part of the URL: action and query.
	address string
	body    []byte
	// deadline ends the call; zero leaves that to its context.
	deadline time.Time
	// patience is there if the call waits for the server's pace beyond its deadline.
	patience *patience
	// paceWait is the time that the call has waited for the server's pace.
	paceWait time.Duration
	// result is what the answer was decoded to.
	result T

	// guard keeps the request from being executed twice; nil if nothing does. The
	// rest is what it needs; see ledger_step.go.
	guard     *once.Guard
	writeBy   time.Time
	unwritten error
	replayed  bool
}

func newJourney[T any](ctx context.Context, c *Client, row *action.Row, s *settings, request *payload, decode decoder[T]) *journey[T] {
	j := &journey[T]{core: c.core, settings: s, row: row, decode: decode, body: request.body, address: row.Name, patience: patienceOf(ctx)}
	if len(request.query) > 0 {
		j.address += "?" + request.query.Encode()
	}
	_, limited := ctx.Deadline()
	if s.timeoutGiven || !limited && j.patience == nil {
		j.deadline = time.Now().Add(s.timeout)
	}
	return j
}

// run makes attempts until the call is done.
func (j *journey[T]) run(ctx context.Context) (none T, err error) {
	loop := attempt.Loop{
		Policy:   j.settings.retry,
		Class:    j.row.Class,
		Budget:   j.core.budget,
		Deadline: j.deadline,
	}
	summary := loop.Run(ctx, func(number int, waited time.Duration) attempt.Result { return j.try(ctx, number, waited) })
	failure := summary.Err
	if summary.Stop == attempt.StopContext && !errors.Is(failure, ctx.Err()) {
		failure = then(failure, endedContext(ctx, j.core.scrub))
	}
	if summary.Skipped != nil {
		failure = then(failure, summary.Skipped)
	}
	if failure == nil {
		return j.result, nil
	}
	e := &OpError{
		Action:   j.row.Name,
		Class:    SafetyClass(j.row.Class),
		Attempts: summary.Attempts,
		Outcome:  outcomeOf(j.row.Class, summary.Outcome),
		Stopped:  summary.Stop.String(),
		Err:      failure,
	}
	if e.Outcome == OutcomeAccepted {
		return j.result, e
	}
	// What was decoded before the failure is no answer.
	return none, e
}

// try is one attempt, as soon as limiter and pace allow it.
func (j *journey[T]) try(ctx context.Context, number int, waited time.Duration) attempt.Result {
	before := j.paceWait
	if err := j.pace(ctx); err != nil {
		return attempt.Result{Skipped: true, Err: err}
	}
	a := Attempt{
		Action: j.row.Name, Class: SafetyClass(j.row.Class), Number: number, Waited: waited, PaceWait: j.paceWait - before,
		RequestBytes: len(j.body),
	}
	return j.recorded(ctx, &a)
}

// outcomeOf is what became of a request of a class: of a read there is nothing to
// know.
func outcomeOf(class action.Class, outcome attempt.Outcome) Outcome {
	if class == action.Read && outcome == attempt.Unknown {
		return OutcomeFailed
	}
	return Outcome(outcome)
}
