package salebot

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/salebot-go/salebot/internal/record"
)

// MaxHistory is the max number of messages that one request for the history returns.
const MaxHistory = 2000

// GetHistoryRequest says which messages of a client to read.
type GetHistoryRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// Limit is the number of messages, at most MaxHistory; zero means MaxHistory.
	Limit int
	// StartDate and StopDate bound the period, in days of the project's time
	// zone; both or neither. Whether the last day is included is not documented.
	StartDate, StopDate Date
}

func (r *GetHistoryRequest) encode(*settings) (payload, error) {
	if err := requireClient("ClientID", r.ClientID); err != nil {
		return payload{}, err
	}
	query := url.Values{"client_id": {strconv.FormatInt(int64(r.ClientID), 10)}}
	switch {
	case r.Limit < 0 || r.Limit > MaxHistory:
		return payload{}, invalid("Limit", "must be between 1 and "+strconv.Itoa(MaxHistory)+", or 0")
	case r.Limit > 0:
		query.Set("limit", strconv.Itoa(r.Limit))
	}
	switch {
	case r.StartDate.IsZero() && r.StopDate.IsZero():
		return payload{query: query}, nil
	case r.StartDate.IsZero():
		return payload{}, invalid("StartDate", "is required with StopDate")
	case r.StopDate.IsZero():
		return payload{}, invalid("StopDate", "is required with StartDate")
	case !r.StartDate.valid():
		return payload{}, invalid("StartDate", "is not a day of the calendar")
	case !r.StopDate.valid():
		return payload{}, invalid("StopDate", "is not a day of the calendar")
	case r.StopDate.Before(r.StartDate):
		return payload{}, invalid("StopDate", "comes before StartDate")
	}
	query.Set("start_date", r.StartDate.String())
	query.Set("stop_date", r.StopDate.String())
	return payload{query: query}, nil
}

// full reports whether so many messages may be only a part of what was asked for.
func (r *GetHistoryRequest) full(messages int) bool {
	if r.Limit != 0 && r.StartDate.IsZero() {
		// The caller asked for the latest few.
		return false
	}
	return messages >= MaxHistory || r.Limit != 0 && messages >= r.Limit
}

// HistoryItem is one message of a client's history.
type HistoryItem struct {
	// ID is the number of the message.
	ID MessageID
	// Text is the text; for a callback its text.
	Text string
	// Answered reports whether the message was answered.
	Answered bool
	// ClientReplica says that the message is from the client; true for callbacks
	// too, see Origin.
	ClientReplica bool
	// Origin says where the message came from; the API calls it
	// message_from_outside.
	Origin HistoryOrigin
	// BlockID is the flow block that sent the message; 0 if none did. The API calls it
	// message_id.
	BlockID BlockID
	// CreatedAt is the time of the message.
	CreatedAt Timestamp
	// Attachments are the files of the message.
	Attachments Attachments
	// Delivered reports whether the message reached the messenger; a message without
	// that mark counts as delivered.
	Delivered bool
	// ErrorMessage is the text of a failed delivery, as it came. It may be "true" or
	// "false" for a delivered message: Delivered decides.
	ErrorMessage string
	// EmployeeID is the employee who wrote the message; 0 if none did. The API calls it
	// manager_id.
	EmployeeID EmployeeID
	// EmployeeEmail is the employee's address. The API calls it manager_email.
	EmployeeEmail string
	// Unread names the fields, as Salebot calls them, that came in a form which this
	// package does not understand. They are as if they had not come; Raw has them.
	Unread []string
	// Raw is the message as it came, with fields that this package does not know.
	// It is nil unless the call was made with WithRawItems.
	Raw json.RawMessage
}

// historyItem is how a HistoryItem travels.
var historyItem = record.New(
	record.Meta[HistoryItem]{
		Unread: func(h *HistoryItem) *[]string { return &h.Unread },
		Raw:    func(h *HistoryItem) *json.RawMessage { return &h.Raw },
		Start:  func(h *HistoryItem) { h.Delivered = true },
	},
	record.Required(record.OwnID(func(h *HistoryItem) *MessageID { return &h.ID }, "id")),
	record.Loose(func(h *HistoryItem) *string { return &h.Text }, "text"),
	record.Flag(func(h *HistoryItem, flag, _ bool) { h.Answered = flag }, "answered"),
	record.Flag(func(h *HistoryItem, flag, _ bool) { h.ClientReplica = flag }, "client_replica"),
	record.Number(func(h *HistoryItem) *HistoryOrigin { return &h.Origin }, "message_from_outside"),
	record.ID(func(h *HistoryItem) *BlockID { return &h.BlockID }, "message_id"),
	record.Kept(record.Value(func(h *HistoryItem, value []byte) error { return readTimestamp(&h.CreatedAt, value) }, "created_at")),
	record.Value(func(h *HistoryItem, value []byte) error { return h.Attachments.UnmarshalJSON(value) }, "attachments"),
	record.Flag(func(h *HistoryItem, flag, known bool) { h.Delivered = flag || !known }, "delivered"),
	record.Loose(func(h *HistoryItem) *string { return &h.ErrorMessage }, "error_message"),
	record.ID(func(h *HistoryItem) *EmployeeID { return &h.EmployeeID }, "manager_id"),
	record.Text(func(h *HistoryItem) *string { return &h.EmployeeEmail }, "manager_email"),
)

// UnmarshalJSON reads a message in any of the forms that Salebot uses. What is odd in
// it is listed in Unread.
func (h *HistoryItem) UnmarshalJSON(value []byte) error {
	return unmarshalRecord(h, historyItem, value)
}

// GetHistory reads the messages of a client, the newest first: programs in production
// rely on this order, although the reference does not state it. Without a limit, or
// within a period, an answer of the max length may lack messages. The error is then
// ErrTruncated, and the messages that came are returned with it.
//
// Salebot action: get_history. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest, ErrClientNotFound, ErrTruncated and those of every call.
func (c *Client) GetHistory(ctx context.Context, request GetHistoryRequest, opts ...CallOption) ([]HistoryItem, error) {
	return call(ctx, c, "get_history", opts, request.encode, func(body []byte, s *settings) ([]HistoryItem, error) {
		items, err := decodeList(body, s, historyItem, "result")
		if err == nil && request.full(len(items)) {
			err = &truncatedError{problem: "the history has as many messages as one answer can hold; ask for shorter periods"}
		}
		return items, err
	})
}

// ClearHistory deletes the messages of a client.
//
// Salebot action: clear_history. Class: Once, although a GET. Answer: assumed
// (any acknowledgement, an empty one too). Errors: ErrInvalidRequest,
// ErrClientNotFound and those of every call.
func (c *Client) ClearHistory(ctx context.Context, client ClientID, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "clear_history", opts, clientQuery(client))
}

// HistoryRequest says which messages of a client to iterate over.
type HistoryRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// StartDate is the first day, in the project's time zone; zero means that of the
	// first message.
	StartDate Date
	// StopDate is the last day; zero means today.
	StopDate Date
	// DaysPerRequest is the length of the periods that are asked for; zero means 30, or
	// the whole time if there is no StartDate. A period with too many messages for one
	// answer is cut by itself.
	DaysPerRequest int
	// PagesInFlight is the number of requests under way at once, at most 64; zero
	// means 1: the next period comes while the current one is worked on.
	PagesInFlight int
}

// historyDays is the length of a period if the caller does not say.
const historyDays = 30

// firstHistoryDay is earlier than any message.
var firstHistoryDay = Date{Year: 2010, Month: time.January, Day: 1}

// bounded returns the request with both days. Where it is today is not known, so the last
// day may be that of tomorrow.
func (r *HistoryRequest) bounded() HistoryRequest {
	whole := *r
	if whole.StopDate.IsZero() {
		whole.StopDate = DateOf(time.Now().UTC()).AddDays(1)
	}
	if whole.StartDate.IsZero() {
		whole.StartDate = earlierDay(firstHistoryDay, whole.StopDate)
		whole.DaysPerRequest = firstSet(whole.DaysPerRequest, math.MaxInt32)
	}
	return whole
}

func earlierDay(a, b Date) Date {
	if b.Before(a) {
		return b
	}
	return a
}

func (r *HistoryRequest) check() error {
	whole := r.bounded()
	if !r.StartDate.IsZero() && r.StopDate.IsZero() && whole.StopDate.Before(r.StartDate) {
		return invalid("StartDate", "is in the future")
	}
	period := GetHistoryRequest{ClientID: r.ClientID, StartDate: whole.StartDate, StopDate: whole.StopDate}
	if _, err := period.encode(nil); err != nil {
		return err
	}
	if r.DaysPerRequest < 0 {
		return invalid("DaysPerRequest", "is negative")
	}
	return nil
}

// period is a stretch of days. Whether Salebot counts the last day in is not
// known: periods therefore overlap by a day, and each has two days at least.
type period struct{ start, stop Date }

// periods cuts the request into periods, the newest first.
func (r *HistoryRequest) periods() []period {
	// More days than there are would lead out of the calendar.
	whole := int(r.StopDate.utc().Sub(r.StartDate.utc())/(24*time.Hour)) + 1
	days := min(firstSet(r.DaysPerRequest, historyDays), whole)
	var periods []period
	for stop := r.StopDate.AddDays(1); r.StartDate.Before(stop); {
		start := stop.AddDays(-days)
		if start.Before(r.StartDate) {
			start = r.StartDate
		}
		periods = append(periods, period{start, stop})
		stop = start
	}
	return periods
}

// halves cuts a period in two, the newest first; ok is false for the shortest.
func (p period) halves() (newer, older period, ok bool) {
	days := int(p.stop.utc().Sub(p.start.utc()) / (24 * time.Hour))
	if days < 2 {
		return p, p, false
	}
	middle := p.start.AddDays(days / 2)
	return period{middle, p.stop}, period{p.start, middle}, true
}

// History iterates over the messages of a client, all of them or those of a period, the
// newest first. Without dates it takes one request if the client has fewer than MaxHistory
// messages. Nothing is read before the first message is asked for, and each range starts
// again. A period whose answer has the max length is cut in two and read again; a single
// day that is too full ends the iteration with ErrTruncated. An error is yielded once, as
// the last element, and is a PageError.
//
// It is not documented whether Salebot includes the last day of a period, so one more
// day is asked for. Messages of that day are left out if their time says so, which for
// unix times needs WithProjectLocation.
//
// Salebot action: get_history. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest, ErrClientNotFound, ErrTruncated and those of every call.
func (c *Client) History(ctx context.Context, request HistoryRequest, opts ...CallOption) iter.Seq2[HistoryItem, error] {
	const name = "get_history"
	inFlight, err := checkPagesInFlight(request.PagesInFlight)
	if err == nil {
		err = request.check()
	}
	if err == nil {
		err = checkContext(ctx)
	}
	var s *settings
	if !c.ready() {
		err = ErrNotInitialized
	} else if err == nil {
		s, err = c.core.config.forCall(opts)
	}
	if err != nil {
		return failedPages[HistoryItem](PageError{StopDate: request.StopDate}, name, err)
	}
	w := historyWalk{client: c, request: request, options: opts, location: s.location}
	return func(yield func(HistoryItem, error) bool) {
		w := w
		w.yield, w.request = yield, request.bounded()
		if request.StartDate.IsZero() && request.StopDate.IsZero() && !w.newestFirst(ctx) {
			return
		}
		for periods := w.request.periods(); len(periods) > 0; {
			periods = w.walk(ctx, inFlight, periods)
		}
	}
}

// historyWalk is one range over a history.
type historyWalk struct {
	client   *Client
	request  HistoryRequest
	options  []CallOption
	location *time.Location
	yield    func(HistoryItem, error) bool
	// seen are the messages of the period before, which overlaps with this one, and
	// newest those that were read without a period.
	seen, newest map[MessageID]struct{}
}

// newestFirst reads the newest messages, for which no dates are needed. It reports whether
// there are more, and leaves the days of those in the request.
func (w *historyWalk) newestFirst(ctx context.Context) (more bool) {
	items, err := w.client.GetHistory(ctx, GetHistoryRequest{ClientID: w.request.ClientID}, w.options...)
	more = errors.Is(err, ErrTruncated)
	if err != nil && !more {
		w.yield(HistoryItem{}, &PageError{Err: err})
		return false
	}
	w.newest = make(map[MessageID]struct{}, len(items))
	for i := range items {
		w.newest[items[i].ID] = struct{}{}
		day, certain, ok := w.dayOf(&items[i])
		if !certain {
			// It may be later in the project.
			day = day.AddDays(1)
		}
		if ok && day.Before(w.request.StopDate) {
			w.request.StopDate = day
		}
		if !w.yield(items[i], nil) {
			return false
		}
	}
	return more
}

// dayOf is the day of a message in the project; ok is false if it has no time. If the
// location is not known, neither is that of a moment: it is the day of UTC then.
func (w *historyWalk) dayOf(item *HistoryItem) (day Date, certain, ok bool) {
	_, absolute := item.CreatedAt.Moment()
	location := firstSet(w.location, time.UTC)
	at, err := item.CreatedAt.In(location)
	return DateOf(at), w.location != nil || !absolute, err == nil && !at.IsZero()
}

// walk reads periods until one of them is too full, and returns what is left to
// read: nothing at the end, and none after an error or a break.
func (w *historyWalk) walk(ctx context.Context, inFlight int, periods []period) (left []period) {
	pages := inOrder(ctx, min(inFlight, len(periods)), func(ctx context.Context, number int, received func()) ([]HistoryItem, error) {
		if number >= len(periods) {
			return nil, nil
		}
		return w.client.GetHistory(ctx, GetHistoryRequest{
			ClientID: w.request.ClientID, StartDate: periods[number].start, StopDate: periods[number].stop,
		}, append(slices.Clip(w.options), withReceived(received))...)
	}, func([]HistoryItem) bool { return false })
	number := 0
	for page, err := range pages {
		current := periods[number]
		if newer, older, ok := current.halves(); ok && errors.Is(err, ErrTruncated) {
			return append([]period{newer, older}, periods[number+1:]...)
		}
		if err != nil {
			w.yield(HistoryItem{}, &PageError{StopDate: earlierDay(w.request.StopDate, current.stop), Err: err})
			return nil
		}
		if !w.emit(page) {
			return nil
		}
		if number++; number == len(periods) {
			return nil
		}
	}
	return nil
}

// emit yields the messages of a period that the period before did not have.
func (w *historyWalk) emit(page []HistoryItem) bool {
	seen := make(map[MessageID]struct{}, len(page))
	for _, item := range page {
		seen[item.ID] = struct{}{}
		_, again := w.seen[item.ID]
		_, newest := w.newest[item.ID]
		if again || newest || w.after(item) {
			continue
		}
		if !w.yield(item, nil) {
			return false
		}
	}
	w.seen = seen
	return true
}

// after reports whether a message is known to be of a day behind the last one.
func (w *historyWalk) after(item HistoryItem) bool {
	day, certain, ok := w.dayOf(&item)
	return ok && certain && w.request.StopDate.Before(day)
}
