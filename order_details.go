package salebot

import (
	"context"
	"errors"
	"iter"
)

// OrderDetails is a deal with what Salebot tells about it.
type OrderDetails struct {
	// ID is the deal.
	ID OrderID
	// StateID is the state that it is in.
	StateID StateID
	// Variables are those of the deal.
	Variables Variables
}

// ordersInFlight is how many deals of a client are read at once.
const ordersInFlight = 4

// GetOrderDetails lists the deals of a client with the state and the variables of each,
// in the order of GetOrders. It takes one request, and two for each deal, of which a few
// are under way at once. A deal that is deleted meanwhile is left out. If one cannot be
// read, those before it are returned along with the error.
//
// Salebot actions: get_orders, get_order_state, get_order_vars. Class: Read. Answer:
// observed. Errors: ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) GetOrderDetails(ctx context.Context, request GetOrdersRequest, opts ...CallOption) ([]OrderDetails, error) {
	orders, err := c.GetOrders(ctx, request, opts...)
	if err != nil {
		return nil, err
	}
	source := func(context.Context) iter.Seq2[OrderID, error] { return Items(orders) }
	details := make([]OrderDetails, 0, len(orders))
	for order, err := range eachInOrder(ctx, ordersInFlight, source, func(ctx context.Context, id OrderID) (*OrderDetails, error) {
		order, err := c.orderDetails(ctx, request.ClientID, id, opts)
		if errors.Is(err, ErrOrderNotFound) {
			return nil, nil //nolint:nilnil // it is gone
		}
		return order, err
	}) {
		switch {
		case err != nil:
			return details, err
		case order != nil:
			details = append(details, *order)
		}
	}
	return details, nil
}

func (c *Client) orderDetails(ctx context.Context, client ClientID, id OrderID, opts []CallOption) (*OrderDetails, error) {
	state, err := c.GetOrderState(ctx, GetOrderStateRequest{ClientID: client, OrderID: id}, opts...)
	if err != nil {
		return nil, err
	}
	variables, err := c.GetOrderVariables(ctx, GetOrderVariablesRequest{ClientID: client, OrderID: id}, opts...)
	if err != nil {
		return nil, err
	}
	return &OrderDetails{ID: id, StateID: state, Variables: variables}, nil
}
