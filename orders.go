package salebot

import (
	"context"
	"errors"
	"math"
	"strconv"

	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/wire"
)

// OrderID is the number of a deal of SalebotCRM, which the API calls order. The
// zero value means "none".
type OrderID int64

// String returns the number.
func (id OrderID) String() string { return idText(id) }

// UnmarshalJSON reads a number, text or null.
func (id *OrderID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// StateID is the number of a state of SalebotCRM's funnel. The zero value means
// "none".
type StateID int64

// String returns the number.
func (id StateID) String() string { return idText(id) }

// UnmarshalJSON reads a number, text or null.
func (id *StateID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// OrderStatus says how a deal stands. The enumeration is open: unknown values
// are kept.
type OrderStatus int

// The statuses that the reference names.
const (
	OrderStatusActive     OrderStatus = 0
	OrderStatusSuccessful OrderStatus = 1
	OrderStatusFailed     OrderStatus = 2
)

var orderStatusNames = map[OrderStatus]string{
	OrderStatusActive:     "active",
	OrderStatusSuccessful: "successful",
	OrderStatusFailed:     "failed",
}

// Known reports whether the value has a name.
func (s OrderStatus) Known() bool { return orderStatusNames[s] != "" }

// String returns the name of the status, or its number.
func (s OrderStatus) String() string { return nameOf(s, orderStatusNames, "order status") }

// UnmarshalJSON reads a number, a number as text, or null.
func (s *OrderStatus) UnmarshalJSON(value []byte) error { return unmarshalEnumeration(s, value) }

// GetCurrentOrderID returns the active deal of a client. If there is none, the answer
// is not documented; one without a number gives ErrOrderNotFound.
//
// Salebot action: get_current_order_id. Class: Read. Answer: documented. Errors:
// ErrInvalidRequest, ErrClientNotFound, ErrOrderNotFound and those of every call.
func (c *Client) GetCurrentOrderID(ctx context.Context, client ClientID, opts ...CallOption) (OrderID, error) {
	return call(ctx, c, "get_current_order_id", opts, clientQuery(client), decodeOrderID)
}

// GetOrdersRequest says which deals of a client to list.
type GetOrdersRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// Status restricts the answer to deals with this status; nil leaves it to Salebot.
	Status *OrderStatus
}

func (r *GetOrdersRequest) encode(*settings) (payload, error) {
	p, err := clientQueryOf("ClientID", r.ClientID)
	if err == nil && r.Status != nil {
		p.query.Set("order_status", strconv.Itoa(int(*r.Status)))
	}
	return p, err
}

// GetOrders lists the deals of a client.
//
// Salebot action: get_orders. Class: Read. Answer: observed (the list comes under
// the key order_id or result). Errors: ErrInvalidRequest, ErrClientNotFound and
// those of every call.
func (c *Client) GetOrders(ctx context.Context, request GetOrdersRequest, opts ...CallOption) ([]OrderID, error) {
	return call(ctx, c, "get_orders", opts, request.encode, func(body []byte, _ *settings) ([]OrderID, error) {
		orders, err := decodeNumbers[OrderID](body, "order_id", "order_ids", "orders", "result")
		if err == nil && orders == nil {
			orders = []OrderID{}
		}
		return orders, err
	})
}

// GetOrderStateRequest says which deal to look at.
type GetOrderStateRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// OrderID is the deal; zero means the current one.
	OrderID OrderID
}

// MoveOrderToNextStateRequest says which deal to move.
type MoveOrderToNextStateRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// OrderID is the deal; zero means the current one.
	OrderID OrderID
}

// orderOf names a deal of a client, as several requests do.
type orderOf GetOrderStateRequest

func (r *orderOf) check() error {
	if err := requireClient("ClientID", r.ClientID); err != nil {
		return err
	}
	if r.OrderID < 0 {
		return invalid("OrderID", "must be positive")
	}
	return nil
}

func (r *orderOf) put(o *wire.Object) error {
	if err := r.check(); err != nil {
		return err
	}
	o.Int("client_id", int64(r.ClientID))
	if r.OrderID != 0 {
		o.Int("order_id", int64(r.OrderID))
	}
	return nil
}

func (r *orderOf) encodeBody(*settings) (payload, error) {
	var o wire.Object
	err := r.put(&o)
	return payload{body: o.Bytes()}, err
}

func (r *orderOf) encodeQuery(*settings) (payload, error) {
	if err := r.check(); err != nil {
		return payload{}, err
	}
	p, err := clientQueryOf("ClientID", r.ClientID)
	if err == nil && r.OrderID != 0 {
		p.query.Set("order_id", strconv.FormatInt(int64(r.OrderID), 10))
	}
	return p, err
}

// GetOrderState returns the state that a deal is in.
//
// Salebot action: get_order_state. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest, ErrClientNotFound, ErrOrderNotFound and those of every call.
func (c *Client) GetOrderState(ctx context.Context, request GetOrderStateRequest, opts ...CallOption) (StateID, error) {
	return call(ctx, c, "get_order_state", opts, (*orderOf)(&request).encodeQuery, decodeStateID)
}

// SetOrderStateRequest moves the current deal of a client.
type SetOrderStateRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// StateID is the state to move to; required.
	StateID StateID
}

func (r *SetOrderStateRequest) encode(*settings) (payload, error) {
	if err := requireClient("ClientID", r.ClientID); err != nil {
		return payload{}, err
	}
	if r.StateID <= 0 {
		return payload{}, invalid("StateID", "is required and must be positive")
	}
	var o wire.Object
	o.Int("client_id", int64(r.ClientID))
	o.Int("state_id", int64(r.StateID))
	return payload{body: o.Bytes()}, nil
}

// SetOrderState moves the current deal of a client to a state.
//
// Salebot action: set_order_state. Class: Once. Answer: assumed (any
// acknowledgement, an empty one too). Errors: ErrInvalidRequest,
// ErrClientNotFound, ErrOrderNotFound and those of every call.
func (c *Client) SetOrderState(ctx context.Context, request SetOrderStateRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "set_order_state", opts, request.encode)
}

// MoveOrderToNextState moves a deal to the next state and returns that state.
// What happens in the last state is not documented.
//
// Salebot action: move_order_to_next_state. Class: Once. Answer: documented.
// Errors: ErrInvalidRequest, ErrClientNotFound, ErrOrderNotFound and those of
// every call.
func (c *Client) MoveOrderToNextState(ctx context.Context, request MoveOrderToNextStateRequest, opts ...CallOption) (StateID, error) {
	return call(ctx, c, "move_order_to_next_state", opts, (*orderOf)(&request).encodeBody, decodeStateID)
}

// GetOrderVariablesRequest says which variables of a deal to read.
type GetOrderVariablesRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// OrderID is the deal; zero means the current one.
	OrderID OrderID
	// Names are the names of the variables; empty leaves the choice to Salebot.
	Names []string
}

func (r *GetOrderVariablesRequest) encode(*settings) (payload, error) {
	var o wire.Object
	if err := (&orderOf{ClientID: r.ClientID, OrderID: r.OrderID}).put(&o); err != nil {
		return payload{}, err
	}
	for i, name := range r.Names {
		if err := requireText("Names["+strconv.Itoa(i)+"]", name); err != nil {
			return payload{}, err
		}
	}
	if len(r.Names) > 0 {
		if err := o.Any("variables", r.Names); err != nil {
			return payload{}, invalid("Names", "cannot be encoded as JSON")
		}
	}
	return payload{body: o.Bytes()}, nil
}

// GetOrderVariables reads variables of a deal.
//
// Salebot action: get_order_vars. Class: Read, although a POST. Answer:
// documented. Errors: ErrInvalidRequest, ErrClientNotFound, ErrOrderNotFound and
// those of every call.
func (c *Client) GetOrderVariables(ctx context.Context, request GetOrderVariablesRequest, opts ...CallOption) (Variables, error) {
	return call(ctx, c, "get_order_vars", opts, request.encode, func(body []byte, _ *settings) (variables Variables, err error) {
		err = answer.Data(body, []string{"result"}, func(value []byte) (bool, error) {
			if invalid := wire.Check(value, wire.MaxDepth); invalid != nil {
				return false, invalid
			}
			return true, variables.UnmarshalJSON(value)
		})
		if errors.Is(err, answer.ErrNull) {
			err = nil
		}
		return variables, err
	})
}

// SetOrderVariablesRequest says which variables of a deal to write.
type SetOrderVariablesRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// OrderID is the deal; zero means the current one.
	OrderID OrderID
	// Variables are the names and values; required. nil blanks a variable.
	Variables map[string]any
}

func (r *SetOrderVariablesRequest) encode(*settings) (payload, error) {
	var o wire.Object
	if err := (&orderOf{ClientID: r.ClientID, OrderID: r.OrderID}).put(&o); err != nil {
		return payload{}, err
	}
	if len(r.Variables) == 0 {
		return payload{}, invalid("Variables", "is empty")
	}
	var variables wire.Object
	if err := putVariables(&variables, nil, r.Variables); err != nil {
		return payload{}, err
	}
	o.Raw("variables", variables.Bytes())
	return payload{body: o.Bytes()}, nil
}

// SetOrderVariables writes variables of a deal.
//
// Salebot action: set_order_vars. Class: Idempotent. Answer: documented. Errors:
// ErrInvalidRequest, ErrClientNotFound, ErrOrderNotFound and those of every call.
func (c *Client) SetOrderVariables(ctx context.Context, request SetOrderVariablesRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "set_order_vars", opts, request.encode)
}

// CreateOrderRequest creates a deal for a client, who is known by at least one of
// ClientID, Phone and Email; Salebot looks at them in this order. A client is
// created for an unknown phone or address.
type CreateOrderRequest struct {
	// ClientID is the client.
	ClientID ClientID
	// Phone finds or creates the client.
	Phone string
	// Email finds or creates the client.
	Email string
	// Name is the name of the deal; optional.
	Name string
	// Description is the description of the deal; optional.
	Description string
	// Budget is the amount of the deal; zero leaves it out.
	Budget float64
	// StateID is the state to put the deal into; zero leaves it to Salebot.
	StateID StateID
}

func (r *CreateOrderRequest) encode(*settings) (payload, error) {
	switch {
	case r.ClientID < 0:
		return payload{}, invalid("ClientID", "must be positive")
	case r.ClientID == 0 && r.Phone == "" && r.Email == "":
		return payload{}, invalid("ClientID", "is required, unless Phone or Email is set")
	case math.IsNaN(r.Budget) || math.IsInf(r.Budget, 0):
		return payload{}, invalid("Budget", "is not an amount")
	case r.StateID < 0:
		return payload{}, invalid("StateID", "must be positive")
	}
	var o wire.Object
	if r.ClientID != 0 {
		o.Int("client_id", int64(r.ClientID))
	}
	putText(&o, "phone", r.Phone)
	putText(&o, "email", r.Email)
	putText(&o, "name", r.Name)
	putText(&o, "description", r.Description)
	if r.Budget != 0 {
		o.Raw("budget", strconv.AppendFloat(nil, r.Budget, 'f', -1, 64))
	}
	if r.StateID != 0 {
		o.Int("state_id", int64(r.StateID))
	}
	return payload{body: o.Bytes()}, nil
}

// CreateOrder creates a deal and returns its number.
//
// Salebot action: create_order. Class: Once. Answer: documented. Errors:
// ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) CreateOrder(ctx context.Context, request CreateOrderRequest, opts ...CallOption) (OrderID, error) {
	return call(ctx, c, "create_order", opts, request.encode, func(body []byte, _ *settings) (OrderID, error) {
		order, err := decodeNumber[OrderID](body, "order_id")
		if err == nil && order == 0 {
			// The deal may exist; only its number is missing.
			err = errNoID
		}
		return order, err
	})
}

// errNoOrder is the refusal that stands for an answer without a deal.
var errNoOrder = answer.Verdict{Kind: answer.Refused, Code: "order not found"}

func decodeOrderID(body []byte, _ *settings) (OrderID, error) {
	order, err := decodeNumber[OrderID](body, "order_id")
	if err == nil && order == 0 {
		err = errNoOrder
	}
	return order, err
}

func decodeStateID(body []byte, _ *settings) (StateID, error) {
	state, err := decodeNumber[StateID](body, "state_id")
	if err == nil && state == 0 {
		err = errNoID
	}
	return state, err
}
