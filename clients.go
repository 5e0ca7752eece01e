package salebot

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/record"
	"github.com/salebot-go/salebot/internal/wire"
)

// ClientRecord is what Salebot says about a client. Which fields it has depends on the
// action; the others are zero.
type ClientRecord struct {
	// ID is the client.
	ID ClientID
	// PlatformID is the person's id in the messenger.
	PlatformID PlatformID
	// ClientType is the messenger; ClientTypeUnrecognized if the answer does not say.
	ClientType ClientType
	// Name is the person's name; "" if it is not known.
	Name string
	// Avatar is the address of a picture; "" if there is none.
	Avatar string
	// BlockID is the flow block that the client is in; 0 if none. The API calls it
	// message_id.
	BlockID BlockID
	// ProjectID is the project.
	ProjectID ProjectID
	// CreatedAt is when the client was created.
	CreatedAt Timestamp
	// UpdatedAt is when the client was changed last.
	UpdatedAt Timestamp
	// CustomAnswer is not documented; it is kept as it came.
	CustomAnswer string
	// Tag is the subscription key, such as the parameter of a Telegram start link.
	Tag string
	// GroupID is the bot that the client belongs to. The API calls it group.
	GroupID GroupID
	// OperatorStartDialog is not documented; it is kept as it came.
	OperatorStartDialog string
	// Variables are the client's variables, if the answer has them.
	Variables Variables
	// Unread names the fields, as Salebot calls them, that came in a form which this
	// package does not understand. They are zero here; Raw has them as they came.
	Unread []string
	// Raw is the record as it came, with fields that this package does not know.
	// It is nil unless the call was made with WithRawItems.
	Raw json.RawMessage
}

// clientRecord is how a ClientRecord travels. Which names come depends on the action.
var clientRecord = record.New(
	record.Meta[ClientRecord]{
		Unread: func(r *ClientRecord) *[]string { return &r.Unread },
		Raw:    func(r *ClientRecord) *json.RawMessage { return &r.Raw },
		Start:  func(r *ClientRecord) { r.ClientType = ClientTypeUnrecognized },
		Finish: (*ClientRecord).finish,
	},
	record.Required(record.OwnID(func(r *ClientRecord) *ClientID { return &r.ID }, "id", "client_id")),
	record.Identifier(func(r *ClientRecord) *PlatformID { return &r.PlatformID }, "platform_id", "tg_id", "vk_id"),
	record.Value(func(r *ClientRecord, value []byte) error { return readClientType(&r.ClientType, value) }, "client_type"),
	record.Text(func(r *ClientRecord) *string { return &r.Name }, "name"),
	record.Text(func(r *ClientRecord) *string { return &r.Avatar }, "avatar"),
	record.ID(func(r *ClientRecord) *BlockID { return &r.BlockID }, "message_id"),
	record.ID(func(r *ClientRecord) *ProjectID { return &r.ProjectID }, "project_id"),
	record.Kept(record.Value(func(r *ClientRecord, value []byte) error { return readTimestamp(&r.CreatedAt, value) }, "created_at")),
	record.Kept(record.Value(func(r *ClientRecord, value []byte) error { return readTimestamp(&r.UpdatedAt, value) }, "updated_at")),
	record.Loose(func(r *ClientRecord) *string { return &r.CustomAnswer }, "custom_answer"),
	record.Text(func(r *ClientRecord) *string { return &r.Tag }, "tag"),
	record.Identifier(func(r *ClientRecord) *GroupID { return &r.GroupID }, "group", "group_id"),
	record.Loose(func(r *ClientRecord) *string { return &r.OperatorStartDialog }, "operator_start_dialog"),
	record.Value(func(r *ClientRecord, value []byte) error { return readVariables(&r.Variables, value) }, "variables"),
)

func (r *ClientRecord) finish() error {
	if strings.Contains(r.Avatar, `\/`) {
		// The reference shows addresses whose slashes are escaped twice.
		r.Avatar = strings.ReplaceAll(r.Avatar, `\/`, "/")
	}
	return nil
}

// readClientType reads a messenger as a part of a record: unlike the type alone it
// refuses a name that this package does not know.
func readClientType(target *ClientType, value []byte) error {
	var read ClientType
	if err := read.UnmarshalJSON(value); err != nil {
		return err
	}
	if name, err := wire.Identifier(value); read == ClientTypeUnrecognized && (err != nil || name != "") {
		return errNoMessenger
	}
	*target = read
	return nil
}

var errNoMessenger = errors.New("not the name or the number of a messenger")

// readVariables reads variables as a part of a record, where they may also be an
// empty text, or an object in a text.
func readVariables(target *Variables, value []byte) error {
	if value[0] == '"' {
		text, err := wire.Text(value)
		if err != nil {
			return err
		}
		value = wire.Trim([]byte(text))
		if wire.IsUnset(string(value)) {
			value = nil
		} else if err := wire.Check(value, wire.MaxDepth); err != nil {
			return errNotObject
		}
	}
	return target.UnmarshalJSON(value)
}

// UnmarshalJSON reads a record in any of the forms that Salebot uses. What is odd in
// it is listed in Unread.
func (r *ClientRecord) UnmarshalJSON(value []byte) error {
	return unmarshalRecord(r, clientRecord, value)
}

// MaxClientsPage is the max number of clients that one request returns.
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
	// OldestFirst reverses the order. It does not go with List. The API calls it
	// reverse.
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
	if !r.To.IsZero() && r.To.Before(r.From) {
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

// DeleteClients deletes clients permanently, at most 500. The key needs a separate
// permission for it.
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
