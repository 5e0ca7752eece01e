package salebot

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"time"
)

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
	// means 1: the next period comes while the current one is worked on. With
	// several, a few periods more may have come and wait for their turn.
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
		whole.StartDate = firstHistoryDay
		if whole.StopDate.Before(firstHistoryDay) {
			whole.StartDate = whole.StopDate
		}
		whole.DaysPerRequest = firstSet(whole.DaysPerRequest, math.MaxInt32)
	}
	return whole
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
// messages. Nothing is read before the first message is asked for, and each range starts again. A
// period whose answer has the largest possible length is cut in two and read again; a
// single day that is too full ends the iteration with ErrTruncated. An error is yielded
// once, as the last element, and is a PageError.
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
		if day, ok := w.dayOf(&items[i]); ok && day.Before(w.request.StopDate) {
			w.request.StopDate = day
		}
		if !w.yield(items[i], nil) {
			return false
		}
	}
	return more && !w.request.StopDate.Before(w.request.StartDate)
}

// dayOf is the day of a message in the project, or the day behind it if that is not known
// for certain.
func (w *historyWalk) dayOf(item *HistoryItem) (Date, bool) {
	location, later := w.location, 0
	if location == nil {
		location = time.UTC
		if _, absolute := item.CreatedAt.Moment(); absolute {
			later = 1
		}
	}
	at, err := item.CreatedAt.In(location)
	if err != nil || at.IsZero() {
		return Date{}, false
	}
	return DateOf(at).AddDays(later), true
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
			w.yield(HistoryItem{}, &PageError{StopDate: w.resumeDate(current), Err: err})
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

// resumeDate is the StopDate with which the period is asked for again.
func (w *historyWalk) resumeDate(p period) Date {
	if w.request.StopDate.Before(p.stop) {
		return w.request.StopDate
	}
	return p.stop
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
	if _, absolute := item.CreatedAt.Moment(); absolute && w.location == nil {
		return false
	}
	location := w.location
	if location == nil {
		location = time.UTC
	}
	at, err := item.CreatedAt.In(location)
	return err == nil && !at.IsZero() && w.request.StopDate.Before(DateOf(at))
}
