package salebot

import (
	"context"
	"errors"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/once"
	"github.com/salebot-go/salebot/ledger"
)

// workEach does the work of one item.
func (r *bulkRun[T]) workEach(ctx context.Context, item T) error {
	done := r.key(item)
	send := func(ctx context.Context) error { return r.each(ctx, item) }
	var result workResult
	switch {
	case r.options.Rehearse:
		done.Err = send(Rehearse(ctx))
		done.Outcome = OutcomeNotTried
		if done.Err != nil {
			done.Outcome = OutcomeRejected
		}
		r.record([]BulkItem{done}, true)
		return nil
	case r.keeper == nil:
		result, done.Err = runTallied(ctx, once.Counting(ctx), send)
	default:
		result, done.Err = r.client.runWork(ctx, r.campaign(done.Key), r.options.RepeatUnknown, send)
	}
	done.Outcome, done.Earlier = result.outcome(done.Err), result.earlier
	r.record([]BulkItem{done}, !result.earlier)
	return errors.Join(done.Err, result.unwritten)
}

func (r *bulkRun[T]) campaign(key string) once.Work {
	return once.Work{Kind: workCampaign, Name: r.options.Name, Key: key}
}

// outcome is what a piece of work came to.
func (w *workResult) outcome(err error) Outcome {
	var op *OpError
	switch {
	case err == nil:
		return OutcomeAccepted
	case w.tally.Unknown > 0, errors.Is(err, ErrOutcomeUnknown), errors.Is(err, ErrInProgress):
		return OutcomeUnknown
	case w.tally.Accepted > 0:
		return OutcomeIncomplete
	case w.tally.Refused > 0, errors.Is(err, ErrInvalidRequest):
		return OutcomeRejected
	case errors.As(err, &op) && op.Class != Read && (op.Outcome == OutcomeRejected || op.Outcome == OutcomeAccepted):
		return OutcomeRejected
	}
	return OutcomeNotTried
}

// workBatch sends one request for many items.
func (r *bulkRun[T]) workBatch(ctx context.Context, batch []T) error {
	var items *once.Items
	if r.keeper != nil {
		var err error
		if batch, items, err = r.undone(ctx, batch); err != nil {
			r.record(r.all(batch, OutcomeNotTried, err), false)
			return err
		}
		if len(batch) == 0 {
			return nil
		}
		ctx = once.WithItems(ctx, items)
	}
	done, err := r.send(ctx, batch)
	if done == nil {
		done = r.all(batch, batchOutcome(err), err)
	}
	if items != nil {
		states := make([]ledger.State, len(done))
		for i := range done {
			if items.Doubtful(i) && done[i].Outcome != OutcomeAccepted {
				done[i].Outcome = OutcomeUnknown
			}
			states[i] = itemState(done[i].Outcome)
		}
		if unwritten := items.End(ctx, states); unwritten != nil {
			r.stop(unwritten)
		}
	}
	r.record(done, true)
	return err
}

// undone reports the items of a batch that the ledger knows, and returns the others
// with their records.
func (r *bulkRun[T]) undone(ctx context.Context, batch []T) ([]T, *once.Items, error) {
	// The calls of an item of ForEach have records of their own.
	harmless := r.each != nil || action.MustLookup(r.name).Class != action.Once
	free := harmless || r.options.RepeatUnknown
	var left []T
	var records []ledger.Record
	for _, item := range batch {
		earlier := r.key(item)
		earlier.Earlier = true
		record, err := r.keeper.Lookup(ctx, r.campaign(earlier.Key), once.Call{Action: r.name, Query: r.model.query.Encode(), Body: r.model.body})
		if err != nil {
			return batch, nil, notSent(r.name, err)
		}
		underWay, err := r.keeper.UnderWay(ctx, &record)
		switch {
		case err != nil:
			return batch, nil, notSent(r.name, err)
		case underWay:
			earlier.Outcome, earlier.Err = OutcomeUnknown, ErrInProgress
		case record.Version == 0, record.State == ledger.Refused, record.State != ledger.Accepted && free:
			left, records = append(left, item), append(records, record)
			continue
		case record.State == ledger.Accepted:
			earlier.Outcome = OutcomeAccepted
		default:
			earlier.Outcome = OutcomeUnknown
		}
		r.record([]BulkItem{earlier}, false)
	}
	return left, r.keeper.NewItems(records, harmless), nil
}

func itemState(outcome Outcome) ledger.State {
	switch outcome {
	case OutcomeAccepted:
		return ledger.Accepted
	case OutcomeUnknown, OutcomeIncomplete:
		return ledger.Unknown
	case OutcomeRejected, OutcomeNotTried, OutcomeNotSent, OutcomeFailed:
	}
	return ledger.Refused
}

// batchOutcome is what an error says about the items of a request.
func batchOutcome(err error) Outcome {
	var op *OpError
	switch {
	case err == nil:
		return OutcomeAccepted
	case errors.Is(err, ErrInvalidRequest):
		return OutcomeRejected
	case !errors.As(err, &op):
		return OutcomeUnknown
	case op.Outcome == OutcomeNotSent:
		return OutcomeNotTried
	case op.Outcome == OutcomeAccepted:
		// It was executed for a part only; see PartialError.
		return OutcomeRejected
	}
	return op.Outcome
}
