package salebot

import (
	"context"
	"net/url"
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
func (c *Client) GetSubscribers(ctx context.Context, request GetSubscribersRequest, options ...CallOption) ([]ClientRecord, error) {
	return call(ctx, c, "subscribers", options, request.encode, decodeSubscribers)
}

func decodeSubscribers(body []byte, s *settings) ([]ClientRecord, error) {
	return decodeItems[ClientRecord, wireClientRecord](body, s, "clients", "subscribers", "result")
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
func (c *Client) GetVKSubscribers(ctx context.Context, request GetVKSubscribersRequest, options ...CallOption) ([]ClientRecord, error) {
	return call(ctx, c, "vk_subscribers", options, request.encode, decodeSubscribers)
}
