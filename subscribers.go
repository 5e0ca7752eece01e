package salebot

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"time"
)

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
