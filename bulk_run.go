package salebot

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/once"
	"github.com/salebot-go/salebot/ledger"
)

// bulk describes a run.
type bulk[T any] struct {
	client                  *Client
	items                   iter.Seq2[T, error]
	options                 BulkOptions
	standardBatch, maxBatch int
	// key returns an item with its key.
	key func(T) BulkItem
	// check refuses an item locally; nil accepts all.
	check func(T) error
	// pause waits until a batch may be sent; nil waits for nothing.
	pause func(context.Context) error
	// each does the work of one item; nil if batches are sent.
	each func(context.Context, T) error
	// name is the action that batches are sent with, and send sends one. It returns
	// what became of each item, in their order; nil if the error holds for all.
	name string
	// model is the request for an item, which tells this run from others of its name.
	model payload
	send  func(context.Context, []T) ([]BulkItem, error)
}

// bulkRun is a run under way.
type bulkRun[T any] struct {
	bulk[T]
	keeper *once.Keeper
	stop   context.CancelCauseFunc
	// taken are the keys that this run has read, if there is a ledger.
	taken map[string]struct{}

	mutex  sync.Mutex
	report BulkReport
	// failed says that an item would not be sent, or its function failed.
	failed bool
}

// errRepeatedKey protects an item from being sent twice by one run.
var errRepeatedKey = errors.New("the run had an item with this key before")

func runBulk[T any](ctx context.Context, b bulk[T]) (*BulkReport, error) {
	r := &bulkRun[T]{bulk: b, taken: map[string]struct{}{}}
	switch {
	case !b.client.ready():
		return &r.report, bulkFailure("", ErrNotInitialized)
	case ctx == nil || b.items == nil || b.key == nil || b.send == nil && b.each == nil:
		return &r.report, bulkFailure("", invalid("ctx, items, key and send", "must not be nil"))
	}
	r.keeper = b.client.core.keeper
	if err := r.options.check(b.client, b.standardBatch, b.maxBatch); err != nil {
		return &r.report, bulkFailure("", err)
	}
	if r.options.Rehearse && r.each == nil {
		return &r.report, bulkFailure("", invalid("Rehearse", "is for ForEach; use DryRun"))
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.stop = stop
	sending, drained := drain(ctx, r.options.DrainTimeout)
	defer drained()
	sending, waited := withPatience(sending, running, r.options.MaxPaceWait)
	batches := make(chan []T)
	var workers sync.WaitGroup
	for range r.options.Workers {
		workers.Go(func() {
			for batch := range batches {
				r.work(running, sending, batch)
			}
		})
	}
	readError := func() error {
		// Also if the sequence of the items panics.
		defer workers.Wait()
		defer close(batches)
		return r.read(running, batches)
	}()
	r.report.PaceWait = waited()
	return &r.report, r.result(ctx, running, readError)
}

func (r *bulkRun[T]) result(ctx, running context.Context, readError error) error {
	switch {
	case readError != nil:
		return bulkFailure("reading the items: ", readError)
	case ctx.Err() != nil:
		return bulkFailure("", withCause(context.Cause(running), ctx.Err()))
	case running.Err() != nil:
		return bulkFailure("", context.Cause(running))
	case (r.options.DryRun || r.options.Rehearse) && !r.failed:
		return nil
	case r.report.Unknown > 0:
		return errSomeInDoubt
	case r.report.Accepted != r.report.Total():
		return ErrNotAllAccepted
	}
	return nil
}

// bulkFailure is the error of a run.
func bulkFailure(what string, err error) error {
	return chain(prefix+"bulk: "+what+bare(err), err)
}

// read hands the items to the workers, batch by batch.
func (r *bulkRun[T]) read(ctx context.Context, batches chan<- []T) error {
	batch := make([]T, 0, r.options.BatchSize)
	hand := func() {
		if len(batch) == 0 {
			return
		}
		select {
		case batches <- batch:
		case <-ctx.Done():
			r.record(r.all(batch, OutcomeNotTried, context.Cause(ctx)), false)
		}
		batch = make([]T, 0, r.options.BatchSize)
	}
	for item, err := range r.items {
		if err != nil {
			hand()
			return err
		}
		if ctx.Err() != nil {
			r.record(r.all([]T{item}, OutcomeNotTried, context.Cause(ctx)), false)
			break
		}
		if r.refused(item) {
			continue
		}
		batch = append(batch, item)
		if len(batch) == r.options.BatchSize {
			hand()
		}
	}
	hand()
	return nil
}

// refused deals with an item that cannot be sent.
func (r *bulkRun[T]) refused(item T) bool {
	if r.check != nil {
		if err := r.check(item); err != nil {
			r.record(r.all([]T{item}, OutcomeRejected, err), false)
			return true
		}
	}
	if r.keeper == nil {
		return false
	}
	key := r.key(item).Key
	if key == "" {
		r.record(r.all([]T{item}, OutcomeRejected, invalid("key", "is empty")), false)
		return true
	}
	if _, again := r.taken[key]; again {
		r.record(r.all([]T{item}, OutcomeNotTried, errRepeatedKey), false)
		return true
	}
	r.taken[key] = struct{}{}
	return false
}

// work does one batch. A request that has begun is not cut off when the run stops,
// only a while after the caller's own context has ended.
func (r *bulkRun[T]) work(running, ctx context.Context, batch []T) {
	if running.Err() != nil {
		r.record(r.all(batch, OutcomeNotTried, context.Cause(running)), false)
		return
	}
	if r.options.DryRun || r.options.Rehearse {
		r.workDry(ctx, batch)
		return
	}
	if r.pause != nil {
		if err := r.pause(running); err != nil {
			r.record(r.all(batch, OutcomeNotTried, context.Cause(running)), false)
			return
		}
	}
	var err error
	if r.each != nil {
		err = r.workEach(ctx, batch[0])
	} else {
		err = r.workBatch(ctx, batch)
	}
	if errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden) || isLedgerFailure(err) {
		r.stop(err)
	}
}

// workDry reports what would be sent. In a rehearsal it works on it, too.
func (r *bulkRun[T]) workDry(ctx context.Context, batch []T) {
	if r.keeper != nil {
		left, _, err := r.undone(ctx, batch)
		if err != nil {
			r.record(r.all(batch, OutcomeNotTried, err), false)
			r.stop(err)
			return
		}
		batch = left
	}
	items := r.all(batch, OutcomeNotTried, nil)
	if r.options.Rehearse && len(batch) > 0 {
		if err := r.each(Rehearse(ctx), batch[0]); err != nil {
			items[0].Err, items[0].Outcome = err, new(workResult).outcome(err)
		}
	}
	r.record(items, len(batch) > 0)
}

// workEach does the work of one item.
func (r *bulkRun[T]) workEach(ctx context.Context, item T) error {
	done := r.key(item)
	send := func(ctx context.Context) error { return r.each(ctx, item) }
	var result workResult
	if r.keeper == nil {
		result, done.Err = runTallied(ctx, once.Counting(ctx), send)
	} else {
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

// isLedgerFailure reports whether the ledger failed, which would happen to every
// further item too.
func isLedgerFailure(err error) bool {
	for _, lasting := range []error{ledger.ErrClosed, ledger.ErrBroken, ledger.ErrDamaged, ledger.ErrOtherProject, ErrNameReused} {
		if errors.Is(err, lasting) {
			return true
		}
	}
	return false
}

// all gives every item of a batch the same outcome.
func (r *bulkRun[T]) all(batch []T, outcome Outcome, err error) []BulkItem {
	items := make([]BulkItem, len(batch))
	for i, item := range batch {
		items[i] = r.key(item)
		items[i].Outcome, items[i].Err = outcome, err
	}
	return items
}

// record adds items to the report.
func (r *bulkRun[T]) record(items []BulkItem, request bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if request {
		r.report.Requests++
	}
	for _, item := range items {
		r.failed = r.failed || item.Err != nil && !item.Earlier
		r.report.add(item)
		if r.options.OnItem != nil {
			r.options.OnItem(item)
		}
	}
	if request && r.options.OnProgress != nil {
		snapshot := r.report
		snapshot.Problems = slices.Clip(snapshot.Problems)
		r.options.OnProgress(snapshot)
	}
}
