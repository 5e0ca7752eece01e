package salebot

import (
	"context"
	"strconv"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/wire"
)

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
