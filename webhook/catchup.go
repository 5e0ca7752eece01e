package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/wire"
)

// HistoryReader reads the history of a client; *salebot.Client is one.
type HistoryReader interface {
	GetHistory(ctx context.Context, request salebot.GetHistoryRequest, opts ...salebot.CallOption) ([]salebot.HistoryItem, error)
}

// CatchUp says what to fetch of what was missed while no receiver ran.
type CatchUp struct {
	// History reads the history; required.
	History HistoryReader
	// Clients are the clients to ask for. Without them it is those that the inbox
	// knows; it has to be a SeenLister then.
	Clients iter.Seq2[salebot.ClientID, error]
	// Since is the time from which on messages were missed. Without it each client
	// is read from the last message on that the inbox had accepted before it was
	// opened; a client of which it had none is left out.
	Since time.Time
	// Location is the time zone in which the history tells its times, which is
	// needed with Since if it tells them without a zone.
	Location *time.Location
	// Concurrency is the number of clients that are read at once; zero means 4.
	Concurrency int
	// SameNumbers says that the history numbers the messages as the webhook does, so that
	// it need not be confirmed; see CatchUpReport.Unconfirmed.
	SameNumbers bool
}

// defaultCatchUpConcurrency is moderate, because the pace that the API allows is
// not published.
const defaultCatchUpConcurrency = 4

// CatchUpReport says what CatchUp found.
type CatchUpReport struct {
	// Clients is the number of clients whose history was read.
	Clients int
	// Recovered is the number of events that had been missed and are in the inbox
	// now.
	Recovered int
	// Duplicates is the number of events that the inbox had already.
	Duplicates int
	// Unwanted is the number of events that the handler's function is not to see,
	// such as messages of the bot's side.
	Unwanted int
	// Incomplete are the clients of which more messages were missed than the
	// history returns at once: the older ones of them were not fetched.
	Incomplete []salebot.ClientID
	// Unconfirmed are the clients of which nothing was taken, because neither their
	// history nor that of any other client has the last message that the inbox had
	// accepted of them. It may have been deleted, or the history numbers the messages
	// in another way than the webhook, so that old ones would be taken for new.
	Unconfirmed []salebot.ClientID
	// Failed are the clients whose history could not be read, or whose events could
	// not be kept. Asking for them again repeats nothing.
	Failed []CatchUpFailure
}

// Err says for how many clients messages may still be missing, because CatchUp failed
// for them, could not reach far enough, or took nothing; nil if there is none. Run
// CatchUp once more for those that failed, before new requests come in: after a newer
// message of a client was accepted, it begins behind that one, unless Since is set.
func (r *CatchUpReport) Err() error {
	if len(r.Failed)+len(r.Incomplete)+len(r.Unconfirmed) == 0 {
		return nil
	}
	failures := make([]error, 0, 4)
	failures = append(failures, fmt.Errorf("webhook: not caught up: %d clients failed, %d incomplete, %d unconfirmed", len(r.Failed), len(r.Incomplete), len(r.Unconfirmed)))
	for _, failed := range r.Failed[:min(len(r.Failed), 3)] {
		failures = append(failures, fmt.Errorf("client %d: %w", failed.ClientID, failed.Err))
	}
	return errors.Join(failures...)
}

// CatchUpFailure is a client for which CatchUp failed.
type CatchUpFailure struct {
	ClientID salebot.ClientID
	Err      error
}

// CatchUp fetches the messages that were sent while no receiver ran, from the histories
// of the clients. It puts those into the inbox that the inbox does not have, as if they
// had just come: the oldest of a client first, through the same filter. Event.Recovered
// marks them. Run it after the inbox was opened and before new requests come in, so
// that what was missed comes before what is new. Call net.Listen first, so that
// requests wait, then CatchUp, then http.Server.Serve.
//
// Nothing else can bring missed messages back, and this cannot bring all of them. It
// misses those of clients that are not asked for, such as people who wrote for the
// first time, and what goes beyond salebot.MaxHistory messages of a client. It misses a
// single message that was lost before a later one was accepted, unless Since reaches
// back to it. Of a recovered event there is only what the history has (of Event.Client
// only the ID). What the inbox has forgotten, because the time for which it remembers
// is over, comes again: let Since not reach back further than that. Clients that were
// silent for as long are not known any more either: name them by Clients.
//
// What is new is known by the number of a message. That the history has the same
// numbers as the webhook is likely but not documented, so it has to be confirmed: one
// message that the webhook brought must be found in a history, whichever client's.
//
// The error is that of the list of clients, or of the context; what failed for a
// single client is in the report, see CatchUpReport.Err.
func (h *Handler) CatchUp(ctx context.Context, request CatchUp) (CatchUpReport, error) {
	if request.History == nil {
		return CatchUpReport{}, badOption("CatchUp.History", "is required")
	}
	if request.Concurrency < 0 {
		return CatchUpReport{}, badOption("CatchUp.Concurrency", "is negative")
	}
	marks, err := h.catchUpMarks(ctx, request)
	if err != nil {
		return CatchUpReport{}, err
	}
	c := catchUp{handler: h, request: request}
	c.confirmed.Store(request.SameNumbers)
	clients := make(chan Seen)
	var group sync.WaitGroup
	for range min(cmp.Or(request.Concurrency, defaultCatchUpConcurrency), max(len(marks), 1)) {
		group.Go(func() {
			for mark := range clients {
				c.client(ctx, mark)
			}
		})
	}
feeding:
	for _, mark := range marks {
		select {
		case clients <- mark:
		case <-ctx.Done():
			break feeding
		}
	}
	close(clients)
	group.Wait()
	for _, mark := range c.unconfirmed {
		if c.confirmed.Load() {
			c.client(ctx, mark)
			continue
		}
		c.report.Unconfirmed = append(c.report.Unconfirmed, mark.ClientID)
	}
	slices.Sort(c.report.Unconfirmed)
	return c.report, ctx.Err()
}

// catchUpMarks lists the clients and where to begin with each.
func (h *Handler) catchUpMarks(ctx context.Context, request CatchUp) ([]Seen, error) {
	known := map[salebot.ClientID]salebot.MessageID{}
	lister, remembers := h.inbox.(SeenLister)
	switch {
	case remembers:
		for seen, err := range lister.Seen(ctx, h.endpoint) {
			if err != nil {
				return nil, err
			}
			known[seen.ClientID] = seen.MessageID
		}
	case request.Clients == nil:
		return nil, badOption("CatchUp.Clients", "is required, because the inbox does not remember whose events it had")
	}
	if !remembers && request.Since.IsZero() {
		return nil, badOption("CatchUp.Since", "is required, because the inbox does not remember which events it had")
	}
	var marks []Seen
	if request.Clients == nil {
		for client, message := range known {
			marks = append(marks, Seen{client, message})
		}
		slices.SortFunc(marks, func(a, b Seen) int { return cmp.Compare(a.ClientID, b.ClientID) })
		return marks, nil
	}
	listed := map[salebot.ClientID]bool{}
	for client, err := range request.Clients {
		if err != nil {
			return nil, err
		}
		message, ok := known[client]
		if client == 0 || listed[client] || !ok && request.Since.IsZero() {
			continue
		}
		listed[client] = true
		marks = append(marks, Seen{client, message})
	}
	return marks, nil
}

// catchUp is one run.
type catchUp struct {
	handler *Handler
	request CatchUp
	// confirmed says that the history and the webhook number the messages alike.
	confirmed atomic.Bool

	mu     sync.Mutex
	report CatchUpReport
	// unconfirmed are the clients that wait until another one confirms it.
	unconfirmed []Seen
}

// firstHistoryLimit is the number of messages that is asked for at first; most
// clients have missed fewer.
const firstHistoryLimit = 100

// client recovers the events of one client.
func (c *catchUp) client(ctx context.Context, mark Seen) {
	missed, complete, err := c.missed(ctx, mark)
	if err == nil && mark.MessageID != 0 && !c.confirmed.Load() {
		c.mu.Lock()
		c.unconfirmed = append(c.unconfirmed, mark)
		c.mu.Unlock()
		return
	}
	c.count(func(r *CatchUpReport) {
		if err == nil {
			r.Clients++
		}
		if err == nil && !complete {
			r.Incomplete = append(r.Incomplete, mark.ClientID)
		}
	})
	if err == nil {
		for _, item := range slices.Backward(missed) {
			if err = c.recover(ctx, mark.ClientID, item); err != nil {
				break
			}
		}
	}
	if err != nil {
		c.count(func(r *CatchUpReport) { r.Failed = append(r.Failed, CatchUpFailure{mark.ClientID, err}) })
	}
}

// missed reads the messages after the mark, the newest first. complete is false if
// there may be more of them than the history returns.
func (c *catchUp) missed(ctx context.Context, mark Seen) (items []salebot.HistoryItem, complete bool, err error) {
	for limit := firstHistoryLimit; ; limit = min(limit*5, salebot.MaxHistory) {
		items, err = c.request.History.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: mark.ClientID, Limit: limit})
		if err != nil && !errors.Is(err, salebot.ErrTruncated) {
			return nil, false, err
		}
		// The newest come first, but nothing here depends on it.
		slices.SortStableFunc(items, func(a, b salebot.HistoryItem) int { return cmp.Compare(b.ID, a.ID) })
		if mark.MessageID != 0 && slices.ContainsFunc(items, func(item salebot.HistoryItem) bool { return item.ID == mark.MessageID }) {
			c.confirmed.Store(true)
		}
		all := len(items)
		for i, item := range items {
			after, err := c.after(item, mark)
			if err != nil {
				return nil, false, err
			}
			if !after {
				return items[:i], true, nil
			}
		}
		if all < limit || limit >= salebot.MaxHistory {
			return items, all < limit, nil
		}
	}
}

// after reports whether a message came after the mark.
func (c *catchUp) after(item salebot.HistoryItem, mark Seen) (bool, error) {
	if c.request.Since.IsZero() {
		return item.ID > mark.MessageID, nil
	}
	at, err := item.CreatedAt.In(c.request.Location)
	if err != nil {
		return false, fmt.Errorf("webhook: the time of message %d: %w", item.ID, err)
	}
	// Histories tell whole seconds.
	return !at.Before(c.request.Since.Truncate(time.Second)), nil
}

// recover puts a message of the history into the inbox.
func (c *catchUp) recover(ctx context.Context, client salebot.ClientID, item salebot.HistoryItem) error {
	body := recoveredBody(client, item)
	event, err := decode(body, deepestBody)
	if err != nil {
		return fmt.Errorf("webhook: message %d of the history: %w", item.ID, err)
	}
	event.Recovered = true
	result, err := c.handler.offer(ctx, event, string(body))
	if err != nil {
		return err
	}
	c.count(func(r *CatchUpReport) {
		switch result {
		case ResultUnwanted:
			r.Unwanted++
		case ResultDuplicate:
			r.Duplicates++
		default:
			r.Recovered++
		}
	})
	return nil
}

func (c *catchUp) count(change func(*CatchUpReport)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.report)
}

// recoveredBody writes a message of the history as the webhook would have sent it,
// with what only the history tells under the history's names.
func recoveredBody(client salebot.ClientID, item salebot.HistoryItem) []byte {
	var sender, o wire.Object
	sender.Int("id", int64(client))
	o.Int("id", int64(item.ID))
	o.Raw("client", sender.Bytes())
	o.Text("message", item.Text)
	if attachments := item.Attachments.Raw(); attachments != nil {
		o.Raw("attachments", attachments)
	}
	if item.BlockID != 0 {
		o.Int("message_id", int64(item.BlockID))
	}
	o.Int("is_input", flagNumber(item.ClientReplica))
	o.Int("delivered", flagNumber(item.Delivered))
	o.Text("error_message", item.ErrorMessage)
	o.Int("message_from_outside", int64(item.Origin))
	if created, err := item.CreatedAt.MarshalJSON(); err == nil && !item.CreatedAt.IsZero() {
		o.Raw("created_at", created)
	}
	return o.Bytes()
}

func flagNumber(flag bool) int64 {
	if flag {
		return 1
	}
	return 0
}
