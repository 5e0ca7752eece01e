package salebot

import (
	"context"
	"errors"
	"iter"
)

// DefaultVariablesInFlight is how many clients' variables are read at once
// (ClientsWithVariablesRequest).
const DefaultVariablesInFlight = 4

// ClientsWithVariablesRequest says which clients to iterate over, with their variables.
// The zero value asks for all clients of the project, the oldest first.
type ClientsWithVariablesRequest struct {
	// Clients says which clients. To go on after a PageError, give its Position as
	// Offset.
	Clients ClientsRequest
	// VariablesInFlight is the number of requests for variables under way at once, at
	// most 64; zero means DefaultVariablesInFlight. Those for pages come on top.
	VariablesInFlight int
}

// ClientsWithVariables iterates over clients as Clients does, and reads the variables of
// each, which takes one request a client. The field Variables of the records has them,
// in the order of the clients. If a client is deleted meanwhile, its record comes without
// variables, and with "variables" in Unread. Any other failure ends the iteration with a
// PageError; its Position is the client to go on with, and no client before it is missing.
//
// Salebot actions: get_clients, get_variables. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) ClientsWithVariables(ctx context.Context, request ClientsWithVariablesRequest, opts ...CallOption) iter.Seq2[ClientRecord, error] {
	inFlight := firstSet(request.VariablesInFlight, DefaultVariablesInFlight)
	if inFlight < 0 || inFlight > mostPagesInFlight {
		err := invalid("VariablesInFlight", "must be between 1 and 64, or 0")
		return failedPages[ClientRecord](PageError{Position: request.Clients.Offset}, "get_variables", err)
	}
	type place struct {
		record   ClientRecord
		position int
	}
	source := func(ctx context.Context) iter.Seq2[place, error] {
		return func(yield func(place, error) bool) {
			position := request.Clients.Offset
			for record, err := range c.Clients(ctx, request.Clients, opts...) {
				if !yield(place{record, position}, err) {
					return
				}
				position++
			}
		}
	}
	if err := checkContext(ctx); err != nil {
		// The iterator over the clients says so.
		return c.Clients(ctx, request.Clients, opts...)
	}
	return eachInOrder(ctx, inFlight, source, func(ctx context.Context, p place) (ClientRecord, error) {
		variables, err := c.GetVariables(ctx, p.record.ID, opts...)
		switch {
		case errors.Is(err, ErrClientNotFound):
			p.record.Unread = append(p.record.Unread, "variables")
		case err != nil:
			return ClientRecord{}, &PageError{Position: p.position, Err: err}
		}
		p.record.Variables = variables
		return p.record, nil
	})
}
