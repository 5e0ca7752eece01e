package salebot

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// MaxClientsPage is the largest number of clients that one request returns.
const MaxClientsPage = 500

// GetClientsRequest says which page of the project's clients to read. The zero
// value asks for the first page of all clients.
type GetClientsRequest struct {
	// Offset is the number of clients to leave out.
	Offset int
	// Limit is the number of clients, at most MaxClientsPage; zero means
	// MaxClientsPage.
	Limit int
	// List restricts the answer to a client list; zero means all clients.
	List ListID
	// OldestFirst turns the order round. It does not go with List. The API calls
	// it reverse.
	OldestFirst bool
}

func (r *GetClientsRequest) encode(*settings) (payload, error) {
	switch {
	case r.Offset < 0:
		return payload{}, invalid("Offset", "is negative")
	case r.Limit < 0 || r.Limit > MaxClientsPage:
		return payload{}, invalid("Limit", "must be between 1 and "+strconv.Itoa(MaxClientsPage)+", or 0")
	case r.List < 0:
		return payload{}, invalid("List", "must be positive")
	case r.List != 0 && r.OldestFirst:
		return payload{}, invalid("OldestFirst", "cannot be combined with List")
	}
	query := url.Values{
		"offset": {strconv.Itoa(r.Offset)},
		"limit":  {strconv.Itoa(firstSet(r.Limit, MaxClientsPage))},
	}
	if r.List != 0 {
		query.Set("list", strconv.FormatInt(int64(r.List), 10))
	}
	if r.OldestFirst {
		query.Set("reverse", "1")
	}
	return payload{query: query}, nil
}

// GetClients reads one page of the project's clients; Clients reads them all.
//
// Salebot action: get_clients. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) GetClients(ctx context.Context, request GetClientsRequest, opts ...CallOption) ([]ClientRecord, error) {
	return call(ctx, c, "get_clients", opts, request.encode, func(body []byte, s *settings) ([]ClientRecord, error) {
		return decodeList(body, s, clientRecord, "clients")
	})
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
	// NewestFirst turns the order round. Clients who arrive during it then shift
	// the pages, so that some are yielded twice.
	NewestFirst bool
}

// Clients iterates over the clients of the project, or of a list. Nothing is read
// before the first client is asked for, and each range starts again. The iteration
// ends after an empty page; an error is yielded once, as the last element, and is
// a PageError.
//
// Pages are addressed by offset. In the default order, the oldest first, clients
// who arrive during it are at the end and are read too; clients who are deleted
// during it let others move up, who may then be missed. In the other orders
// arrivals may let clients be yielded twice.
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

// firstSet returns the first value that is not zero.
func firstSet[T comparable](values ...T) T {
	var zero T
	for _, value := range values {
		if value != zero {
			return value
		}
	}
	return zero
}

// GetSubscribersRequest says which page of subscribers to read. The zero value
// asks for the first page.
type GetSubscribersRequest struct {
	// Page is the number of the page; nil leaves it out, which is the first page.
	// Whether pages are counted from 0 or from 1 is not documented.
	Page *int
	// GroupID restricts the answer to a bot; optional. The API calls it group.
	GroupID GroupID
}

func (r *GetSubscribersRequest) encode(*settings) (payload, error) {
	query := url.Values{}
	if err := putPage(query, r.Page); err != nil {
		return payload{}, err
	}
	if r.GroupID != "" {
		query.Set("group", string(r.GroupID))
	}
	return payload{query: query}, nil
}

func putPage(query url.Values, page *int) error {
	switch {
	case page == nil:
	case *page < 0:
		return invalid("Page", "is negative")
	default:
		query.Set("page", strconv.Itoa(*page))
	}
	return nil
}

// GetSubscribers reads one page of the subscribers of a messenger. The current
// reference no longer has this action, and whether it still works is not known;
// GetClients is its successor.
//
// Salebot action: subscribers (legacy). Class: Read. Answer: documented. Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) GetSubscribers(ctx context.Context, request GetSubscribersRequest, opts ...CallOption) ([]ClientRecord, error) {
	return call(ctx, c, "subscribers", opts, request.encode, decodeSubscribers)
}

func decodeSubscribers(body []byte, s *settings) ([]ClientRecord, error) {
	return decodeList(body, s, clientRecord, "clients", "subscribers", "result")
}

// GetVKSubscribersRequest says which VK subscribers to read. The zero value asks
// for the first page of all of them.
type GetVKSubscribersRequest struct {
	// Page is the number of the page, from 0; nil leaves it out.
	Page *int
	// Tag restricts the answer to a tag; optional.
	Tag string
	// GroupID restricts the answer to a VK community; optional. The API calls it
	// group.
	GroupID GroupID
	// From and To bound the period; zero means no bound.
	From, To time.Time
}

func (r *GetVKSubscribersRequest) encode(*settings) (payload, error) {
	query := url.Values{}
	if err := putPage(query, r.Page); err != nil {
		return payload{}, err
	}
	if !r.From.IsZero() && !r.To.IsZero() && r.To.Before(r.From) {
		return payload{}, invalid("To", "comes before From")
	}
	if r.Tag != "" {
		query.Set("tag", r.Tag)
	}
	if r.GroupID != "" {
		query.Set("group", string(r.GroupID))
	}
	if !r.From.IsZero() {
		query.Set("date_from", strconv.FormatInt(r.From.Unix(), 10))
	}
	if !r.To.IsZero() {
		query.Set("date_to", strconv.FormatInt(r.To.Unix(), 10))
	}
	return payload{query: query}, nil
}

// GetVKSubscribers reads one page of the subscribers of a VK community. No
// reference has this action; public code uses it.
//
// Salebot action: vk_subscribers (legacy). Class: Read. Answer: assumed (as for
// GetSubscribers). Errors: ErrInvalidRequest and those of every call.
func (c *Client) GetVKSubscribers(ctx context.Context, request GetVKSubscribersRequest, opts ...CallOption) ([]ClientRecord, error) {
	return call(ctx, c, "vk_subscribers", opts, request.encode, decodeSubscribers)
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

// Subscribers iterates over the subscribers of a messenger, like Clients. Whether
// Salebot counts pages from 0 or from 1 is not documented: where the pages 0 and
// 1 begin with the same subscriber, the second is taken for the first once more
// and left out.
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
