package salebot

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/wire"
)

// ClientToLoad is a person to load into the project.
type ClientToLoad struct {
	// PlatformID is the person's id in the messenger; for WhatsApp and telephony
	// the phone number. Required.
	PlatformID PlatformID
	// GroupID is the bot, as GetConnectedChannels tells it. Required, except for
	// telephony, which has none.
	GroupID GroupID
	// ClientType is the messenger. Beware that the zero value is VK.
	ClientType ClientType
}

// LoadedClient is what became of one ClientToLoad.
type LoadedClient struct {
	// ID is the client; 0 where it was not accepted.
	ID ClientID
	// PlatformID is the person's id as Salebot keeps it, which may differ from
	// the one that was sent.
	PlatformID PlatformID
	// GroupID is the bot.
	GroupID GroupID
	// ClientType is the messenger.
	ClientType ClientType
	// Status is Salebot's word for what happened, "success" if it was accepted.
	Status string
}

// Accepted says whether the client is in the project now.
func (l LoadedClient) Accepted() bool {
	return l.ID != 0 && (l.Status == "" || answer.IsSuccessWord(l.Status))
}

type wireLoadedClient struct {
	ID         ClientID    `json:"id"`
	PlatformID PlatformID  `json:"platform_id"`
	GroupID    GroupID     `json:"group_id"`
	ClientType ClientType  `json:"client_type"`
	Status     wire.String `json:"status"`
}

func (w *wireLoadedClient) item(json.RawMessage) (LoadedClient, error) { //nolint:unparam // it is a wireItem
	return LoadedClient{
		ID: w.ID, PlatformID: w.PlatformID, GroupID: w.GroupID, ClientType: w.ClientType, Status: string(w.Status),
	}, nil
}

// LoadClients gets the clients of persons, and creates those that the project
// does not have. The result is aligned with the request: the element at an index
// is about the person at the same index. Where Salebot did not accept all of
// them the error is a PartialError, and the whole result is returned along with
// it.
//
// Salebot action: load_clients. Class: Idempotent. Answer: observed. Errors:
// ErrInvalidRequest, PartialError and those of every call. The largest number of
// persons is not documented.
func (c *Client) LoadClients(ctx context.Context, clients []ClientToLoad, opts ...CallOption) ([]LoadedClient, error) {
	encode := func(*settings) (payload, error) { return encodeClientsToLoad(clients) }
	return call(ctx, c, "load_clients", opts, encode, func(body []byte, s *settings) ([]LoadedClient, error) {
		loaded, err := decodeItems[LoadedClient, wireLoadedClient](body, s, "items")
		if err != nil {
			return nil, err
		}
		if len(loaded) != len(clients) {
			return nil, fmt.Errorf("%d clients were sent and %d came back", len(clients), len(loaded))
		}
		var refused []RefusedElement
		for i, client := range loaded {
			if !client.Accepted() {
				refused = append(refused, RefusedElement{Index: i, Status: client.Status})
			}
		}
		if len(refused) > 0 {
			return loaded, &PartialError{Refused: refused, Total: len(loaded)}
		}
		return loaded, nil
	})
}

func encodeClientsToLoad(clients []ClientToLoad) (payload, error) {
	if len(clients) == 0 {
		return payload{}, invalid("clients", "is empty")
	}
	list := []byte{'['}
	for i, client := range clients {
		field := "clients[" + strconv.Itoa(i) + "]."
		if err := requireText(field+"PlatformID", string(client.PlatformID)); err != nil {
			return payload{}, err
		}
		switch {
		case client.ClientType < 0:
			return payload{}, invalid(field+"ClientType", "is no messenger")
		case client.ClientType == ClientTypeTelephony && client.GroupID != "":
			return payload{}, invalid(field+"GroupID", "must be empty for telephony")
		case client.ClientType != ClientTypeTelephony && client.GroupID == "":
			return payload{}, invalid(field+"GroupID", "is required; GetConnectedChannels tells it")
		}
		if i > 0 {
			list = append(list, ',')
		}
		var o wire.Object
		o.Text("platform_id", string(client.PlatformID))
		o.Text("group_id", string(client.GroupID))
		o.Int("client_type", int64(client.ClientType))
		list = append(list, o.Bytes()...)
	}
	return payload{body: append(list, ']')}, nil
}

// ClientsPageLimit is the largest number of clients that one request returns.
const ClientsPageLimit = 500

// GetClientsRequest says which page of the project's clients to read. The zero
// value asks for the first page of all clients.
type GetClientsRequest struct {
	// Offset is the number of clients to leave out.
	Offset int
	// Limit is the number of clients, at most ClientsPageLimit; zero means
	// ClientsPageLimit.
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
	case r.Limit < 0 || r.Limit > ClientsPageLimit:
		return payload{}, invalid("Limit", "must be between 1 and "+strconv.Itoa(ClientsPageLimit)+", or 0")
	case r.List < 0:
		return payload{}, invalid("List", "must be positive")
	case r.List != 0 && r.OldestFirst:
		return payload{}, invalid("OldestFirst", "cannot be combined with List")
	}
	query := url.Values{
		"offset": {strconv.Itoa(r.Offset)},
		"limit":  {strconv.Itoa(firstSet(r.Limit, ClientsPageLimit))},
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
		return decodeItems[ClientRecord, wireClientRecord](body, s, "clients")
	})
}

// AddToListRequest says which clients to add to which client list.
type AddToListRequest struct {
	// ListID is the list; required.
	ListID ListID
	// Clients are the clients; required. The max number is not documented.
	Clients []ClientID
}

// RemoveFromListRequest says which clients to remove from which client list.
type RemoveFromListRequest struct {
	// ListID is the list; required.
	ListID ListID
	// Clients are the clients; required. The max number is not documented.
	Clients []ClientID
}

// listChange is what the two requests have in common, which is everything.
type listChange AddToListRequest

func (r *listChange) encode(*settings) (payload, error) {
	switch {
	case r.ListID == 0:
		return payload{}, invalid("ListID", "is required")
	case r.ListID < 0:
		return payload{}, invalid("ListID", "must be positive")
	case len(r.Clients) == 0:
		return payload{}, invalid("Clients", "is empty")
	}
	var o wire.Object
	o.Int("list_id", int64(r.ListID))
	if err := putClientIDs(&o, "clients", "Clients", r.Clients); err != nil {
		return payload{}, err
	}
	return payload{body: o.Bytes()}, nil
}

// AddToList adds clients to a client list. That may start flows, which is why it
// is not repeated by itself.
//
// Salebot action: add_to_list. Class: Once. Answer: assumed (any
// acknowledgement, an empty one too). Errors: ErrInvalidRequest and those of
// every call.
func (c *Client) AddToList(ctx context.Context, request AddToListRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "add_to_list", opts, (*listChange)(&request).encode)
}

// RemoveFromList removes clients from a client list. That may start flows, which
// is why it is not repeated by itself.
//
// Salebot action: remove_from_list. Class: Once. Answer: assumed (any
// acknowledgement, an empty one too). Errors: ErrInvalidRequest and those of
// every call.
func (c *Client) RemoveFromList(ctx context.Context, request RemoveFromListRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "remove_from_list", opts, (*listChange)(&request).encode)
}

// AssignToUserRequest hands a client to an employee.
type AssignToUserRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// Email is the employee's address; without it Salebot chooses one.
	Email string
}

func (r *AssignToUserRequest) encode(*settings) (payload, error) {
	if err := requireClient("ClientID", r.ClientID); err != nil {
		return payload{}, err
	}
	var o wire.Object
	o.Int("client_id", int64(r.ClientID))
	putText(&o, "email", r.Email)
	return payload{body: o.Bytes()}, nil
}

// AssignToUser hands a client to an employee.
//
// Salebot action: assign_to_user. Class: Once. Answer: assumed (any
// acknowledgement, an empty one too). Errors: ErrInvalidRequest,
// ErrClientNotFound and those of every call.
func (c *Client) AssignToUser(ctx context.Context, request AssignToUserRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "assign_to_user", opts, request.encode)
}

// DeleteClients deletes clients for good, at most 500. The key needs a
// permission of its own for it.
//
// Salebot action: delete_clients. Class: Idempotent. Answer: assumed (any
// acknowledgement, an empty one too). Errors: ErrInvalidRequest, ErrForbidden and
// those of every call.
func (c *Client) DeleteClients(ctx context.Context, clients []ClientID, opts ...CallOption) (*Ack, error) {
	const name = "delete_clients"
	return callAck(ctx, c, name, opts, func(*settings) (payload, error) {
		limit := action.MustLookup(name).BatchLimit
		switch {
		case len(clients) == 0:
			return payload{}, invalid("clients", "is empty")
		case len(clients) > limit:
			return payload{}, invalid("clients", "has more than "+strconv.Itoa(limit)+" ids, which is the most for one request")
		}
		var o wire.Object
		err := putClientIDs(&o, "client_ids", "clients", clients)
		return payload{body: o.Bytes()}, err
	})
}

// ClientsRequest says which clients to iterate over. The zero value asks for all
// clients of the project, the oldest first.
type ClientsRequest struct {
	// Offset is the number of clients to leave out: to go on after a PageError,
	// give its Position.
	Offset int
	// PageSize is the number of clients of a request, at most ClientsPageLimit;
	// zero means ClientsPageLimit.
	PageSize int
	// PagesInFlight is the number of requests under way at once, at most 64; zero
	// means 1: the next page comes while the current one is worked on. With several,
	// a few pages more may have come and wait for their turn.
	PagesInFlight int
	// List restricts the answer to a client list, whose order Salebot chooses;
	// zero means all clients.
	List ListID
	// NewestFirst turns the order round. Clients who arrive meanwhile then shift
	// the pages, so that some are yielded twice.
	NewestFirst bool
}

// Clients iterates over the clients of the project, or of a list. Nothing is read
// before the first client is asked for, and each range begins anew. The iteration
// ends after an empty page; an error is yielded once, as the last element, and is
// a PageError.
//
// Pages are addressed by offset. In the default order, the oldest first, clients
// who arrive meanwhile are at the end and are read too; clients who are deleted
// meanwhile let others move up, who may then be missed. In the other orders
// arrivals may let clients be yielded twice.
//
// Salebot action: get_clients. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) Clients(ctx context.Context, request ClientsRequest, opts ...CallOption) iter.Seq2[ClientRecord, error] {
	first := GetClientsRequest{
		Offset: request.Offset, Limit: firstSet(request.PageSize, ClientsPageLimit), List: request.List,
		OldestFirst: request.List == 0 && !request.NewestFirst,
	}
	inFlight, err := checkPagesInFlight(request.PagesInFlight)
	switch {
	case err != nil:
		return failedSeq[ClientRecord](notSent("get_clients", err))
	case request.PageSize < 0 || request.PageSize > ClientsPageLimit:
		return failedSeq[ClientRecord](notSent("get_clients",
			invalid("PageSize", "must be between 1 and "+strconv.Itoa(ClientsPageLimit)+", or 0")))
	}
	return offsetPages[ClientRecord, ClientID]{
		offset: first.Offset, limit: first.Limit, inFlight: inFlight,
		key: func(record ClientRecord) ClientID { return record.ID },
		fetch: func(ctx context.Context, offset, limit int, received func()) ([]ClientRecord, error) {
			page := first
			page.Offset, page.Limit = offset, limit
			return c.GetClients(ctx, page, append(slices.Clip(opts), withReceived(received))...)
		},
	}.all(ctx)
}
