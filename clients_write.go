package salebot

import (
	"context"
	"encoding/json"
	"fmt"
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
		for i := range loaded {
			if client := &loaded[i]; !client.Accepted() {
				client.Status = s.scrub.Text(client.Status)
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
