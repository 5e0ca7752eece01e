package salebot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"
)

// The defaults and bounds of bulk runs.
const (
	// DefaultBulkWorkers is the number of requests that a bulk run has under way
	// (BulkOptions.Workers).
	DefaultBulkWorkers = 4
	// DefaultDrainTimeout is how long requests under way may go on when the context
	// of a bulk run ends (BulkOptions.DrainTimeout).
	DefaultDrainTimeout = 10 * time.Second
	// DefaultBatchSize is the number of items of a request where Salebot states no
	// limit (BulkOptions.BatchSize).
	DefaultBatchSize = 100
	// mostBulkWorkers bounds the requests under way.
	mostBulkWorkers = 256
	// mostProblems bounds the items that a report lists.
	mostProblems = 1000
)

// BulkOptions say how a bulk run goes. The zero value is ready to use.
type BulkOptions struct {
	// Workers is the number of requests under way at once; zero means
	// DefaultBulkWorkers. The pace is the client's: see WithRateLimit.
	Workers int
	// BatchSize is the number of items of a request; zero means the limit that
	// Salebot states for the action, or DefaultBatchSize where it states none.
	BatchSize int
	// Journal remembers what became of the items, so that a run which was killed
	// can go on: start it again with the same items and journal. An item whose key
	// came before is then not sent a second time. nil means that nothing is
	// remembered.
	Journal Journal
	// RepeatUnknown sends items again whose outcome an earlier run left unknown.
	// They may then be executed twice.
	RepeatUnknown bool
	// Resolve is asked about each item whose outcome an earlier run left unknown,
	// before anything is sent for it; FindSent can often tell. Where it returns
	// OutcomeAccepted the item is done, with OutcomeNotTried or OutcomeRejected it is
	// sent again, and with OutcomeUnknown, or an error, it stays unknown. It is
	// called for one item at a time.
	Resolve func(ctx context.Context, key string) (Outcome, error)
	// DrainTimeout is how long requests under way may go on when the context of the
	// run ends, so that their outcome becomes known; zero means
	// DefaultDrainTimeout, and a negative one cuts them off at once.
	DrainTimeout time.Duration
	// DryRun reads and checks the items and sends nothing.
	DryRun bool
	// OnItem is called for each item once its outcome is known, one call at a
	// time. It must not call the run's own functions.
	OnItem func(BulkItem)
	// OnProgress is called after each request, one call at a time.
	OnProgress func(BulkReport)
}

// BulkItem is what became of one item of a bulk run.
type BulkItem struct {
	// Key is the item's own key: its client, its id in the messenger, or what the
	// caller made of it.
	Key string
	// Outcome is OutcomeAccepted, OutcomeRejected, OutcomeUnknown or
	// OutcomeNotTried.
	Outcome Outcome
	// Earlier says that an earlier run decided it and that it was not sent now.
	Earlier bool
	// ClientID is the client, where the run loaded it.
	ClientID ClientID
	// Err is why the item was not accepted; nil if it was, and for items that an
	// earlier run or a dry run decided.
	Err error
}

// BulkReport sums up a bulk run.
type BulkReport struct {
	// Accepted, Rejected, Unknown and NotTried count the items by outcome. Those
	// that an earlier run decided are included. Items that were never read,
	// because the run ended before, are not counted.
	Accepted, Rejected, Unknown, NotTried int
	// Earlier counts the items among them that an earlier run decided.
	Earlier int
	// Requests counts the calls; of a dry run, those that it would have made.
	Requests int
	// Problems lists items that were not accepted, the first 1000 of them; all of
	// them go through BulkOptions.OnItem.
	Problems []BulkItem
}

// Total counts all items.
func (r *BulkReport) Total() int { return r.Accepted + r.Rejected + r.Unknown + r.NotTried }

// ErrNotAllAccepted says that a bulk run came to its end, but that some items
// were not accepted; the report tells which.
var ErrNotAllAccepted = errors.New("salebot: bulk: not all items were accepted")

func (o *BulkOptions) check(standardBatch, largestBatch int) error {
	switch {
	case o.Workers < 0 || o.Workers > mostBulkWorkers:
		return invalid("Workers", fmt.Sprintf("must be between 1 and %d, or 0", mostBulkWorkers))
	case o.BatchSize < 0:
		return invalid("BatchSize", "is negative")
	case largestBatch > 0 && o.BatchSize > largestBatch:
		return invalid("BatchSize", fmt.Sprintf("must be between 1 and %d, or 0", largestBatch))
	}
	o.Workers = firstSet(o.Workers, DefaultBulkWorkers)
	o.DrainTimeout = max(firstSet(o.DrainTimeout, DefaultDrainTimeout), 0)
	o.BatchSize = firstSet(o.BatchSize, largestBatch, standardBatch)
	return nil
}

// ForEach calls send for each item, several at once, and reports what became of
// each by its key: for sends that have no form for many clients, such as Message
// and Callback.
//
//	report, err := salebot.ForEach(ctx, client.Clients(ctx, salebot.ClientsRequest{}), salebot.BulkOptions{},
//		func(c salebot.ClientRecord) string { return fmt.Sprint(c.ID) },
//		func(ctx context.Context, c salebot.ClientRecord) error {
//			_, err := client.Message(ctx, salebot.MessageRequest{ClientID: c.ID, Message: "Hello"})
//			return err
//		})
//
// An error of send that is an OpError tells the outcome of the item by itself. Any
// other leaves it unknown, because send may have sent something before: wrap the
// error in NotTried where it did not, for example where a look-up before the send
// failed. A panic of send is not caught.
//
// The error is the one with which reading the items ended, or the context, or
// the journal; ErrNotAllAccepted where the run came to its end. A run stops at
// ErrUnauthorized and ErrForbidden, which every further item would meet too. The
// report is never nil.
func ForEach[T any](
	ctx context.Context, items iter.Seq2[T, error], options BulkOptions,
	key func(T) string, send func(context.Context, T) error,
) (*BulkReport, error) {
	options.BatchSize = 1
	b := bulk[T]{items: items, options: options, standardBatch: 1, largestBatch: 1, key: key}
	if send != nil {
		b.send = func(ctx context.Context, batch []T) ([]BulkItem, error) { return nil, send(ctx, batch[0]) }
	}
	return runBulk(ctx, b)
}

// NotTried wraps an error of the function given to ForEach: nothing was sent for the
// item, so that a later run may try it again. NotTried of nil is nil.
func NotTried(err error) error {
	if err == nil {
		return nil
	}
	return &notTriedError{err}
}

type notTriedError struct{ err error }

func (e *notTriedError) Error() string { return "not tried: " + e.err.Error() }
func (e *notTriedError) Unwrap() error { return e.err }

// bulk describes a run.
type bulk[T any] struct {
	items                       iter.Seq2[T, error]
	options                     BulkOptions
	standardBatch, largestBatch int
	key                         func(T) string
	// check refuses an item locally; nil accepts all.
	check func(T) error
	// pause waits until a batch may be sent, before the journal has it; nil waits
	// for nothing.
	pause func(context.Context) error
	// send returns what became of each item, in their order; nil where the error
	// holds for all of them.
	send func(context.Context, []T) ([]BulkItem, error)
}

// bulkRun is a run under way.
type bulkRun[T any] struct {
	bulk[T]
	stop context.CancelCauseFunc
	// taken are the keys that this run has read, where it has a journal.
	taken map[journalKey]struct{}

	mutex sync.Mutex
	// doubtful are the keys of items that are sent although an earlier run left
	// them unknown: unless they are accepted now, they stay so.
	doubtful map[journalKey]struct{}
	report   BulkReport
}

// errRepeatedKey protects an item from being sent twice by one run.
var errRepeatedKey = errors.New("the run had an item with this key before")

func runBulk[T any](ctx context.Context, b bulk[T]) (*BulkReport, error) {
	r := &bulkRun[T]{bulk: b, taken: map[journalKey]struct{}{}, doubtful: map[journalKey]struct{}{}}
	if ctx == nil || b.items == nil || b.key == nil || b.send == nil {
		return &r.report, fmt.Errorf("salebot: bulk: %w", invalid("ctx, items, key and send", "must not be nil"))
	}
	if err := r.options.check(b.standardBatch, b.largestBatch); err != nil {
		return &r.report, fmt.Errorf("salebot: bulk: %w", err)
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.stop = stop
	sending, drained := drain(ctx, r.options.DrainTimeout)
	defer drained()
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
		// Also where the sequence of the items panics.
		defer workers.Wait()
		defer close(batches)
		return r.read(running, batches)
	}()
	return &r.report, r.result(ctx, running, readError)
}

func (r *bulkRun[T]) result(ctx, running context.Context, readError error) error {
	switch {
	case readError != nil:
		return fmt.Errorf("salebot: bulk: reading the items: %w", readError)
	case ctx.Err() != nil:
		return fmt.Errorf("salebot: bulk: %w", withCause(context.Cause(running), ctx.Err()))
	case running.Err() != nil:
		return fmt.Errorf("salebot: bulk: %w", context.Cause(running))
	case r.options.DryRun && r.report.Rejected == 0:
		return nil
	case r.report.Accepted != r.report.Total():
		return ErrNotAllAccepted
	}
	return nil
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
		if r.decided(ctx, item) {
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

// decided deals with an item that need not be sent: one that is wrong, or that
// the journal knows.
func (r *bulkRun[T]) decided(ctx context.Context, item T) bool {
	if r.check != nil {
		if err := r.check(item); err != nil {
			r.record(r.all([]T{item}, OutcomeRejected, err), false)
			return true
		}
	}
	if r.options.Journal == nil {
		return false
	}
	if r.key(item) == "" {
		r.record(r.all([]T{item}, OutcomeRejected, invalid("key", "is empty")), false)
		return true
	}
	key := keyOf(r.key(item))
	if _, again := r.taken[key]; again {
		r.record(r.all([]T{item}, OutcomeNotTried, errRepeatedKey), false)
		return true
	}
	r.taken[key] = struct{}{}
	state, err := r.options.Journal.State(ctx, r.key(item))
	if err != nil {
		r.stop(fmt.Errorf("the journal: %w", err))
		return false
	}
	earlier := BulkItem{Key: r.key(item), Earlier: true}
	switch {
	case state == JournalAccepted:
		earlier.Outcome = OutcomeAccepted
	case state != JournalBegun:
		return false
	case r.options.Resolve != nil:
		earlier.Outcome, earlier.Err = r.resolve(ctx, earlier.Key)
		if earlier.Outcome != OutcomeAccepted && earlier.Outcome != OutcomeUnknown {
			return false
		}
	case r.options.RepeatUnknown:
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.doubtful[key] = struct{}{}
		return false
	}
	r.record([]BulkItem{earlier}, false)
	return true
}

// resolve asks the caller about an item that may have been executed.
func (r *bulkRun[T]) resolve(ctx context.Context, key string) (Outcome, error) {
	outcome, err := r.options.Resolve(ctx, key)
	if err != nil {
		return OutcomeUnknown, err
	}
	if outcome == OutcomeAccepted && !r.options.DryRun {
		if err := r.options.Journal.End(ctx, []JournalEntry{{Key: key, State: JournalAccepted}}); err != nil {
			r.stop(fmt.Errorf("the journal: %w", err))
		}
	}
	return outcome, nil
}

// drain returns a context that ends a while after ctx does.
func drain(ctx context.Context, timeout time.Duration) (sending context.Context, end func()) {
	sending, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-over:
			return
		case <-ctx.Done():
		}
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		select {
		case <-over:
		case <-timer.C:
			cut(context.Cause(ctx))
		}
	})
	return sending, func() {
		close(over)
		watching.Wait()
		cut(nil)
	}
}

// work sends one batch. A request that has begun is not cut off when the run
// stops, only a while after the caller's own context has ended.
func (r *bulkRun[T]) work(running, ctx context.Context, batch []T) {
	if running.Err() != nil {
		r.record(r.all(batch, OutcomeNotTried, context.Cause(running)), false)
		return
	}
	if r.options.DryRun {
		r.record(r.all(batch, OutcomeNotTried, nil), true)
		return
	}
	if r.pause != nil {
		if err := r.pause(running); err != nil {
			r.record(r.all(batch, OutcomeNotTried, context.Cause(running)), false)
			return
		}
	}
	keys := make([]string, len(batch))
	for i, item := range batch {
		keys[i] = r.key(item)
	}
	if journal := r.options.Journal; journal != nil {
		if err := journal.Begin(ctx, keys); err != nil {
			r.stop(fmt.Errorf("the journal: %w", err))
			r.record(r.all(batch, OutcomeNotTried, err), false)
			return
		}
	}
	items, err := r.send(ctx, batch)
	if items == nil {
		items = r.all(batch, itemOutcome(err), err)
	}
	if journal := r.options.Journal; journal != nil {
		r.keepDoubts(items, keys)
		entries := make([]JournalEntry, len(items))
		for i, item := range items {
			entries[i] = JournalEntry{Key: keys[i], State: journalState(item.Outcome)}
		}
		// What happened has to be written down even if the caller gave up.
		if unwritten := journal.End(context.WithoutCancel(ctx), entries); unwritten != nil {
			r.stop(fmt.Errorf("the journal: %w", unwritten))
		}
	}
	r.record(items, true)
	if errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden) {
		r.stop(err)
	}
}

// keepDoubts makes unknown again what was so before and was not accepted now.
func (r *bulkRun[T]) keepDoubts(items []BulkItem, keys []string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for i := range items {
		if _, doubtful := r.doubtful[keyOf(keys[i])]; doubtful && items[i].Outcome != OutcomeAccepted {
			items[i].Outcome = OutcomeUnknown
		}
	}
}

// all gives every item of a batch the same outcome.
func (r *bulkRun[T]) all(batch []T, outcome Outcome, err error) []BulkItem {
	items := make([]BulkItem, len(batch))
	for i, item := range batch {
		items[i] = BulkItem{Key: r.key(item), Outcome: outcome, Err: err}
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

func (r *BulkReport) add(item BulkItem) {
	switch item.Outcome {
	case OutcomeAccepted:
		r.Accepted++
	case OutcomeRejected:
		r.Rejected++
	case OutcomeNotTried, OutcomeNotSent:
		r.NotTried++
	case OutcomeUnknown:
		r.Unknown++
	}
	if item.Earlier {
		r.Earlier++
	}
	if item.Outcome != OutcomeAccepted && len(r.Problems) < mostProblems {
		r.Problems = append(r.Problems, item)
	}
}

// itemOutcome is what an error says about an item.
func itemOutcome(err error) Outcome {
	var op *OpError
	switch {
	case err == nil:
		return OutcomeAccepted
	case errors.As(err, new(*notTriedError)):
		return OutcomeNotTried
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

func journalState(outcome Outcome) JournalState {
	switch outcome {
	case OutcomeAccepted:
		return JournalAccepted
	case OutcomeUnknown:
		return JournalBegun
	case OutcomeRejected, OutcomeNotTried, OutcomeNotSent:
	}
	return JournalNotExecuted
}
