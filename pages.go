package salebot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"sync"
)

// mostPagesInFlight bounds the memory of an iterator.
const mostPagesInFlight = 64

// PageError is the error of an iterator: a page could not be read. What was yielded
// before it is good. To go on, start again at its position.
type PageError struct {
	// Position is where the page that failed begins: for Clients the Offset, for
	// Subscribers the StartPage to go on with.
	Position int
	// StopDate is, for History only, the StopDate to go on with; messages of that
	// day may then come a second time.
	StopDate Date
	// Err is the cause.
	Err error
}

// Error names the position and the cause.
func (e *PageError) Error() string {
	if !e.StopDate.IsZero() {
		return fmt.Sprintf(prefix+"page up to %v: %s", e.StopDate, bare(e.Err))
	}
	return fmt.Sprintf(prefix+"page at %d: %s", e.Position, bare(e.Err))
}

// Unwrap returns the cause.
func (e *PageError) Unwrap() error { return e.Err }

// checkPagesInFlight reads the number of pages to have under way: zero means
// one, so that the next page comes while the current one is worked on.
func checkPagesInFlight(pages int) (int, error) {
	if pages < 0 || pages > mostPagesInFlight {
		return 0, invalid("PagesInFlight", fmt.Sprintf("must be between 1 and %d, or 0", mostPagesInFlight))
	}
	return max(pages, 1), nil
}

// inOrder calls fetch for 0, 1, 2, … with at most inFlight requests under way, and
// yields what they return in that order. It stops at the first error, or at the page
// that last takes for the end. It fetches nothing before the first value is asked for,
// and when it returns no call is left.
func inOrder[P any](
	ctx context.Context, inFlight int, fetch pageFetcher[P], last func(P) bool,
) iter.Seq2[P, error] {
	type result struct {
		page P
		err  error
	}
	// A page that has come and is being decoded is not under way any more: the next
	// request need not wait for the processor.
	outstanding := inFlight + min(inFlight-1, runtime.GOMAXPROCS(0))
	return func(yield func(P, error) bool) {
		fetching, cancel := context.WithCancel(ctx)
		stopped := make(chan struct{})
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		defer close(stopped)
		requests := make(chan struct{}, inFlight)
		pages := make(chan struct{}, outstanding)
		queue := make(chan chan result, outstanding)
		take := func(places chan<- struct{}) bool {
			select {
			case places <- struct{}{}:
				return true
			case <-stopped:
				return false
			}
		}
		running.Go(func() {
			for number := 0; take(pages) && take(requests); number++ {
				slot := make(chan result, 1)
				queue <- slot
				running.Go(func() {
					received := sync.OnceFunc(func() { <-requests })
					r := result{err: errGoexit}
					defer func() {
						received()
						slot <- r
					}()
					r.page, r.err = fetch(fetching, number, received)
				})
			}
		})
		for {
			r := <-<-queue
			end := r.err != nil || last(r.page)
			if !end {
				<-pages
			}
			if !yield(r.page, r.err) || end {
				return
			}
		}
	}
}

// eachInOrder calls work for each item of a source, at most inFlight at once, and yields
// what it returns in the order of the source, up to the first error. It asks the source
// for nothing before the first value is asked for, and when it returns no call is left.
func eachInOrder[T, U any](
	ctx context.Context, inFlight int, source func(context.Context) iter.Seq2[T, error], work func(context.Context, T) (U, error),
) iter.Seq2[U, error] {
	type result struct {
		value U
		err   error
	}
	return func(yield func(U, error) bool) {
		working, cancel := context.WithCancel(ctx)
		stopped := make(chan struct{})
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		defer close(stopped)
		// One more is with the consumer.
		queue := make(chan chan result, inFlight-1)
		running.Go(func() {
			defer close(queue)
			for item, err := range source(working) {
				slot := make(chan result, 1)
				select {
				case queue <- slot:
				case <-stopped:
					return
				}
				if err != nil {
					slot <- result{err: err}
					return
				}
				running.Go(func() {
					r := result{err: errGoexit}
					defer func() { slot <- r }()
					r.value, r.err = work(working, item)
				})
			}
		})
		for slot := range queue {
			if r := <-slot; !yield(r.value, r.err) || r.err != nil {
				return
			}
		}
	}
}

// errGoexit is the error of a page whose goroutine was ended in the middle: a test
// does that when it fails in the answer of a mock.
var errGoexit = errors.New(prefix + "the request was given up by runtime.Goexit")

// pageFetcher reads a page. It calls received once the answer has come whole and is
// still to be decoded; it may leave that out.
type pageFetcher[P any] func(ctx context.Context, number int, received func()) (P, error)

// failedPages is an iterator that ends at once with the error of a page, because
// the call of an action was refused before it was sent.
func failedPages[T any](page PageError, name string, err error) iter.Seq2[T, error] {
	page.Err = notSent(name, err)
	return func(yield func(T, error) bool) {
		var zero T
		yield(zero, &page)
	}
}

// ClientsRequest says which clients to iterate over. The zero value asks for all
// clients of the project, the oldest first.
type ClientsRequest struct {
	// Offset is the number of clients to leave out: to go on after a PageError,
	// give its Position.
	Offset int
	// PageSize is the number of clients of a request, at most MaxClientsPage;
	// zero means MaxClientsPage.
	PageSize int
	// PagesInFlight is the number of requests under way at once, at most 64; zero
	// means 1: the next page comes while the current one is worked on. With several,
	// a few pages more may have come and wait for their turn.
	PagesInFlight int
	// List restricts the answer to a client list, whose order Salebot chooses;
	// zero means all clients.
	List ListID
	// NewestFirst reverses the order. Clients who arrive during it then shift the
	// pages, so that some are yielded twice.
	NewestFirst bool
}

// Clients iterates over the clients of the project, or of a list. Nothing is read
// before the first client is asked for, and each range starts again. The iteration
// ends after an empty page; an error is yielded once, as the last element, and is
// a PageError.
//
// Pages are addressed by offset. In the default order, the oldest first, clients who
// arrive during the iteration are at its end and are read too. If clients are deleted
// during it, others move up and may be missed. In the other orders, new clients may
// cause others to be yielded twice.
//
// Salebot action: get_clients. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) Clients(ctx context.Context, request ClientsRequest, opts ...CallOption) iter.Seq2[ClientRecord, error] {
	first := GetClientsRequest{
		Offset: request.Offset, Limit: firstSet(request.PageSize, MaxClientsPage), List: request.List,
		OldestFirst: request.List == 0 && !request.NewestFirst,
	}
	inFlight, err := checkPagesInFlight(request.PagesInFlight)
	if err == nil {
		err = checkContext(ctx)
	}
	if request.PageSize < 0 || request.PageSize > MaxClientsPage {
		err = invalid("PageSize", "must be between 1 and "+strconv.Itoa(MaxClientsPage)+", or 0")
	}
	if err != nil {
		return failedPages[ClientRecord](PageError{Position: request.Offset}, "get_clients", err)
	}
	return offsetPages[ClientRecord, ClientID]{
		action: "get_clients", offset: first.Offset, limit: first.Limit, inFlight: inFlight,
		key: func(record ClientRecord) ClientID { return record.ID },
		fetch: func(ctx context.Context, offset, limit int, received func()) ([]ClientRecord, error) {
			page := first
			page.Offset, page.Limit = offset, limit
			return c.GetClients(ctx, page, append(slices.Clip(opts), withReceived(received))...)
		},
	}.all(ctx)
}

// SubscribersRequest says which subscribers to iterate over. The zero value asks
// for all of them.
type SubscribersRequest struct {
	// StartPage is the page to begin with: to go on after a PageError, give its
	// Position. Zero means the first page.
	StartPage int
	// PagesInFlight is the number of requests under way at once, at most 64; zero
	// means 1: the next page comes while the current one is worked on. With several,
	// a few pages more may have come and wait for their turn.
	PagesInFlight int
	// GroupID restricts the answer to a bot; optional. The API calls it group.
	GroupID GroupID
}

// Subscribers iterates over the subscribers of a messenger, like Clients. It is not
// documented whether Salebot counts pages from 0 or from 1. If pages 0 and 1 begin with
// the same subscriber, they count as the same page, and the second is left out.
//
// Salebot action: subscribers (legacy). Class: Read. Answer: documented. Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) Subscribers(ctx context.Context, request SubscribersRequest, opts ...CallOption) iter.Seq2[ClientRecord, error] {
	inFlight, err := checkPagesInFlight(request.PagesInFlight)
	if err == nil {
		err = checkContext(ctx)
	}
	if request.StartPage < 0 {
		err = invalid("StartPage", "is negative")
	}
	if err != nil {
		return failedPages[ClientRecord](PageError{Position: request.StartPage}, "subscribers", err)
	}
	return func(yield func(ClientRecord, error) bool) {
		pages := inOrder(ctx, inFlight, func(ctx context.Context, number int, received func()) ([]ClientRecord, error) {
			return c.GetSubscribers(ctx, GetSubscribersRequest{
				Page: new(request.StartPage + number), GroupID: request.GroupID,
			}, append(slices.Clip(opts), withReceived(received))...)
		}, func(page []ClientRecord) bool { return len(page) == 0 })
		position := request.StartPage
		var first ClientID
		for page, err := range pages {
			repeated := err == nil && len(page) > 0 && page[0].ID == first
			switch {
			case repeated && position == 1:
				position++
				continue
			case repeated:
				err = repeatedPage("subscribers")
			}
			if err != nil {
				yield(ClientRecord{}, &PageError{Position: position, Err: err})
				return
			}
			if len(page) == 0 {
				return
			}
			first = page[0].ID
			position++
			for _, record := range page {
				if !yield(record, nil) {
					return
				}
			}
		}
	}
}

// checkContext refuses what no iterator can work with.
func checkContext(ctx context.Context) error {
	if ctx == nil {
		return invalid("ctx", "is nil")
	}
	return nil
}

// repeatedPage protects from reading forever if a server, or a mock, gives the same
// page whatever it is asked for.
func repeatedPage(name string) error {
	return &OpError{
		Action: name, Class: Read, Attempts: 1, Outcome: OutcomeFailed,
		Err: fmt.Errorf("%w: the page is the same as the one before", ErrUnexpectedResponse),
	}
}

// offsetPages iterates over a list that is read by offset and limit.
type offsetPages[T any, K comparable] struct {
	// action is the action that reads a page.
	action                  string
	offset, limit, inFlight int
	// key tells items apart.
	key   func(T) K
	fetch func(ctx context.Context, offset, limit int, received func()) ([]T, error)
}

// all ends only with an empty page. After a page of another length than the one before,
// the pages that were asked for ahead begin at the wrong places. They are given up, and
// it goes on with the new length, one page at a time until a second page has it too. So
// a last, short page is confirmed by an empty one, and a server whose pages are smaller
// than was asked for is read whole.
func (p offsetPages[T, K]) all(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		run := pageRun[K]{at: p.offset, length: p.limit, inFlight: p.inFlight}
		for run.again = true; run.again; {
			p.steadily(ctx, &run, yield)
		}
	}
}

// pageRun is a stretch of pages of one length.
type pageRun[K comparable] struct {
	// at is the offset of the next item.
	at int
	// length is the length of its pages.
	length, inFlight int
	// again says that another stretch follows.
	again bool
	// first is the key of the first item of the page before, which had before
	// items.
	first  K
	before int
}

// steadily reads pages as long as they have the length of the run.
func (p offsetPages[T, K]) steadily(ctx context.Context, run *pageRun[K], yield func(T, error) bool) {
	from, length, confirmed := run.at, run.length, run.inFlight == p.inFlight
	pages := inOrder(ctx, run.inFlight, func(ctx context.Context, number int, received func()) ([]T, error) {
		return p.fetch(ctx, from+number*length, p.limit, received)
	}, func(page []T) bool { return len(page) != length || !confirmed })
	run.again = false
	for page, err := range pages {
		switch {
		case err != nil:
		case len(page) == 0:
			return
		case len(page) == run.before && p.key(page[0]) == run.first:
			err = repeatedPage(p.action)
		}
		if err != nil {
			var zero T
			yield(zero, &PageError{Position: run.at, Err: err})
			return
		}
		run.at += len(page)
		run.before, run.first = len(page), p.key(page[0])
		for _, item := range page {
			if !yield(item, nil) {
				return
			}
		}
		switch {
		case len(page) != length:
			run.length, run.inFlight, run.again = len(page), 1, true
			return
		case !confirmed:
			run.inFlight, run.again = p.inFlight, true
			return
		}
	}
}
