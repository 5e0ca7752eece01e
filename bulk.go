package salebot

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"sync"
	"sync/atomic"
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
	// DefaultBatchSize is the number of items of a request if Salebot states no limit
	// (BulkOptions.BatchSize).
	DefaultBatchSize = 100
	// maxBulkWorkers bounds the requests under way.
	maxBulkWorkers = 256
	// maxProblems bounds the items that a report lists.
	maxProblems = 1000
)

// BulkOptions say how a bulk run goes. The zero value is ready to use for a client
// without a ledger.
type BulkOptions struct {
	// Name is the name of the run, such as "spring campaign". It is required if the
	// client has a ledger, and refused if it has none, unless it is a dry run. A run that
	// was killed goes on when it is started again with this name and the same items. What
	// was done is not done again for as long as the ledger remembers it (90 days, see
	// ledger.WithRetention). Two runs with different names do not know of each other. A
	// name that was used for another action or request is ErrNameReused.
	Name string
	// Workers is the number of requests under way at once; zero means
	// DefaultBulkWorkers. The pace is the client's: see WithRateLimit.
	Workers int
	// BatchSize is the number of items of a request; zero means the limit that
	// Salebot states for the action, or DefaultBatchSize if it states none.
	BatchSize int
	// RepeatUnknown sends items again whose outcome an earlier run left unknown. They
	// may then be executed twice.
	RepeatUnknown bool
	// DrainTimeout is how long requests under way may go on when the context of the run
	// ends, so that their outcome becomes known. Zero means DefaultDrainTimeout; a
	// negative value cuts them off at once.
	DrainTimeout time.Duration
	// MaxPaceWait bounds the time that a request waits for the pace that Salebot
	// allows, after answers of 429; zero means as long as the context of the run
	// allows.
	MaxPaceWait time.Duration
	// DryRun reads and checks the items, and sends nothing. The function of ForEach is
	// not called.
	DryRun bool
	// Rehearse calls the function of ForEach for each item that an earlier run did not
	// decide, with a context in which reads are made and everything else is checked and
	// not sent; see Rehearse. The function's other side effects are real. An item that
	// would be sent is not tried and has no error. Other bulk functions have DryRun.
	Rehearse bool
	// OnItem is called for each item once its outcome is known, one call at a time, but
	// while other items are read and worked on: what it shares with them needs a lock.
	// It must not call the run's own functions.
	OnItem func(BulkItem)
	// OnProgress is called after each request, one call at a time.
	OnProgress func(BulkReport)
}

// ErrNotAllAccepted says that a bulk run came to its end, but that some items
// were not accepted; the report tells which. If one of them may have been executed, the
// error is ErrOutcomeUnknown, too.
var ErrNotAllAccepted = errors.New(prefix + "bulk: not all items were accepted")

var errSomeInDoubt = chain(ErrNotAllAccepted.Error()+"; some that were not may have been executed", ErrNotAllAccepted, ErrOutcomeUnknown)

func (o *BulkOptions) check(c *Client, standardBatch, maxBatch int) error {
	switch {
	case o.Workers < 0 || o.Workers > maxBulkWorkers:
		return invalid("Workers", fmt.Sprintf("must be between 1 and %d, or 0", maxBulkWorkers))
	case o.BatchSize < 0:
		return invalid("BatchSize", "is negative")
	case maxBatch > 0 && o.BatchSize > maxBatch:
		return invalid("BatchSize", fmt.Sprintf("must be between 1 and %d, or 0", maxBatch))
	case o.MaxPaceWait < 0:
		return invalid("MaxPaceWait", "is negative")
	case o.Name == "" && c.core.keeper != nil:
		return invalid("Name", "is required, because the client has a ledger")
	case o.Name != "" && c.core.keeper == nil && !o.DryRun:
		return invalid("Name", "does nothing, because the client has no ledger: see WithLedger")
	case o.DryRun && o.Rehearse:
		return invalid("Rehearse", "cannot be combined with DryRun")
	}
	o.Workers = firstSet(o.Workers, DefaultBulkWorkers)
	o.DrainTimeout = max(firstSet(o.DrainTimeout, DefaultDrainTimeout), 0)
	o.BatchSize = firstSet(o.BatchSize, maxBatch, standardBatch)
	return nil
}

// ItemKey is the type of the keys that tell the items of a bulk run apart: a ClientID,
// a PlatformID, an OrderID, or any text or number of your own.
type ItemKey interface {
	~string | ~int | ~int64
}

// ForEach calls send for each item, several at once, and reports what became of each by
// its key. Use it for calls that have no form for many clients, such as Message and
// Callback, and for work that takes several calls.
//
//	report, err := salebot.ForEach(ctx, client, client.Clients(ctx, salebot.ClientsRequest{}),
//		salebot.BulkOptions{Name: "spring campaign"},
//		func(c salebot.ClientRecord) salebot.ClientID { return c.ID },
//		func(ctx context.Context, c salebot.ClientRecord) error {
//			_, err := client.Message(ctx, salebot.MessageRequest{ClientID: c.ID, Message: "Hello"})
//			return err
//		})
//
// send must pass its context on to its calls. The outcome of an item follows from these
// calls. It is unknown if it is not known whether a write was executed. It is incomplete
// if send failed after a Once call was accepted; variables that were saved do not count,
// since to save them again changes nothing. It is not tried if send failed before it made
// a Once call, for example in a look-up. If send returns nil the item is accepted, also if
// it sent nothing, so filter the items before. A panic of send is not caught.
//
// If the client has a ledger, each item is a piece of work, as with RunOnce. A run that
// was killed goes on when it is started again, and nothing is sent twice. An item with a
// key that the run had before is then not tried.
//
// The error says why the run stopped: it is that of reading the items, of the context,
// or of the ledger. If the run came to its end, it is nil, or ErrNotAllAccepted, and
// ErrOutcomeUnknown as well if an item is in doubt. A run stops at ErrUnauthorized and
// ErrForbidden, which every further item would meet too. The report is never nil.
func ForEach[T any, K ItemKey](
	ctx context.Context, client *Client, items iter.Seq2[T, error], options BulkOptions,
	key func(T) K, send func(context.Context, T) error,
) (*BulkReport, error) {
	options.BatchSize = 1
	b := bulk[T]{client: client, items: items, options: options, each: send}
	if key != nil {
		b.key = func(item T) BulkItem { return keyed(key(item)) }
	}
	return runBulk(ctx, b)
}

// keyed makes an item of its key.
func keyed[K ItemKey](key K) BulkItem {
	switch key := any(key).(type) {
	case ClientID:
		return BulkItem{Key: strconv.FormatInt(int64(key), 10), ClientID: key}
	case string:
		return BulkItem{Key: key}
	}
	return BulkItem{Key: fmt.Sprint(key)}
}

// BulkItem is what became of one item of a bulk run.
type BulkItem struct {
	// Key is the item's own key: its client, its id in the messenger, or what the
	// caller made of it.
	Key string
	// ClientID is the client, if the key is one or the run loaded it; otherwise 0.
	ClientID ClientID
	// Outcome is OutcomeAccepted, OutcomeRejected, OutcomeUnknown, OutcomeIncomplete
	// or OutcomeNotTried.
	Outcome Outcome
	// Earlier says that an earlier run decided it and that it was not sent now.
	Earlier bool
	// Err is why the item was not accepted; nil if it was, and for items that an
	// earlier run or a dry run decided.
	Err error
}

// bulkItemColumns are the columns of WriteCSV and the names of MarshalJSON.
var bulkItemColumns = [...]string{"key", "client_id", "outcome", "earlier", "error"}

// MarshalJSON writes the item with its outcome as a word and its error as a text.
func (i BulkItem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Key      string   `json:"key"`
		ClientID ClientID `json:"client_id,omitempty"`
		Outcome  Outcome  `json:"outcome"`
		Earlier  bool     `json:"earlier,omitempty"`
		Error    string   `json:"error,omitempty"`
	}{i.Key, i.ClientID, i.Outcome, i.Earlier, i.errorText()})
}

func (i BulkItem) errorText() string {
	if i.Err == nil {
		return ""
	}
	return i.Err.Error()
}

// CSVHeader returns the columns of CSVRecord.
func (BulkItem) CSVHeader() []string { return bulkItemColumns[:] }

// CSVRecord returns the item as a line for a csv.Writer; use it in OnItem to keep what
// became of every item.
func (i BulkItem) CSVRecord() []string {
	client := ""
	if i.ClientID != 0 {
		client = strconv.FormatInt(int64(i.ClientID), 10)
	}
	return []string{i.Key, client, i.Outcome.String(), strconv.FormatBool(i.Earlier), i.errorText()}
}

// BulkReport sums up a bulk run. In JSON its outcomes are words.
type BulkReport struct {
	// Accepted, Rejected, Unknown, Incomplete and NotTried count the items by outcome.
	// Those that an earlier run decided are included. Items that were never read,
	// because the run ended before, are not counted.
	Accepted   int `json:"accepted"`
	Rejected   int `json:"rejected"`
	Unknown    int `json:"unknown"`
	Incomplete int `json:"incomplete"`
	NotTried   int `json:"not_tried"`
	// Earlier counts the items among them that an earlier run decided.
	Earlier int `json:"earlier"`
	// Requests counts the calls, or the items of ForEach that were worked on; of a dry
	// run, those that it would have made.
	Requests int `json:"requests"`
	// PaceWait is the time that requests waited for the pace that Salebot allows,
	// after answers of 429, added up over the workers. In JSON it is in nanoseconds.
	PaceWait time.Duration `json:"pace_wait"`
	// Problems lists items that were not accepted, the first 1000 of them; all of
	// them go through BulkOptions.OnItem. What a dry run or a rehearsal would send is
	// not among them.
	Problems []BulkItem `json:"problems"`
}

// Total counts all items.
func (r *BulkReport) Total() int {
	return r.Accepted + r.Rejected + r.Unknown + r.Incomplete + r.NotTried
}

// WriteCSV writes the problems of the report with a line of column names. Outcomes are
// words.
func (r *BulkReport) WriteCSV(w io.Writer) error {
	lines := csv.NewWriter(w)
	if err := lines.Write(bulkItemColumns[:]); err != nil {
		return err
	}
	for _, item := range r.Problems {
		if err := lines.Write(item.CSVRecord()); err != nil {
			return err
		}
	}
	lines.Flush()
	return lines.Error()
}

func (r *BulkReport) add(item BulkItem) {
	switch item.Outcome {
	case OutcomeAccepted:
		r.Accepted++
	case OutcomeRejected:
		r.Rejected++
	case OutcomeNotTried, OutcomeNotSent, OutcomeFailed:
		r.NotTried++
	case OutcomeUnknown:
		r.Unknown++
	case OutcomeIncomplete:
		r.Incomplete++
	}
	if item.Earlier {
		r.Earlier++
	}
	wouldBeSent := item.Outcome == OutcomeNotTried && item.Err == nil
	if item.Outcome != OutcomeAccepted && !wouldBeSent && len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, item)
	}
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

// patience lets the calls of a bulk run wait for the server's pace as long as the
// run goes on, and counts for how long they did.
type patience struct {
	// running ends the waits; what is under way goes on.
	running context.Context //nolint:containedctx // it is another context than that of a call
	// bound is the longest wait of a call; zero is none.
	bound time.Duration
	// waited is the time of all waits, in nanoseconds.
	waited atomic.Int64
}

type patienceKey struct{}

// withPatience returns a context for the calls of a run, and a function that tells
// for how long they waited for the server's pace, added up.
func withPatience(ctx, running context.Context, bound time.Duration) (context.Context, func() time.Duration) {
	p := &patience{running: running, bound: bound}
	return context.WithValue(ctx, patienceKey{}, p), func() time.Duration { return time.Duration(p.waited.Load()) }
}

// patienceOf is the patience of a call; nil if it has none beyond its own deadline.
func patienceOf(ctx context.Context) *patience {
	p, _ := ctx.Value(patienceKey{}).(*patience)
	return p
}

// within is ctx, but ends with the run too.
func (p *patience) within(ctx context.Context) (waiting context.Context, end func()) {
	waiting, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.running, func() { cancel(context.Cause(p.running)) })
	return waiting, func() {
		stop()
		cancel(nil)
	}
}
