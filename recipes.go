package salebot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/wire"
)

// ErrNotReadBack says that variables were saved but could not be read back in
// time, so the bot was not started by this call.
var ErrNotReadBack = errors.New(prefix + notStartedBecause + "saved variables could not be read back")

// The waits of SaveVariablesAndCallback.
const (
	// DefaultReadBackTimeout bounds the wait for saved variables to be readable.
	DefaultReadBackTimeout = 10 * time.Second
	firstReadBackDelay     = 200 * time.Millisecond
	longestReadBackDelay   = 2 * time.Second
)

// SaveVariablesAndCallbackRequest saves variables of a client and then starts the
// bot.
type SaveVariablesAndCallbackRequest struct {
	// Callback is the callback; its ClientID is required.
	Callback CallbackRequest
	// Variables are the variables to save first; required. Unlike those of
	// the callback they can have names with the prefix "client.".
	Variables map[string]any
	// ReadBack lists names that must be readable by GetVariables before the bot is
	// started, written as in Variables: with the prefix "client." if they have it
	// there. Whether GetVariables returns variables of the deal is not documented, so
	// only those with the prefix are safe to list.
	ReadBack []string
	// ReadBackTimeout bounds the wait for them; zero means
	// DefaultReadBackTimeout.
	ReadBackTimeout time.Duration
}

func (r *SaveVariablesAndCallbackRequest) check() error {
	if err := requireClient("Callback.ClientID", r.Callback.ClientID); err != nil {
		return err
	}
	if r.ReadBackTimeout < 0 {
		return invalid("ReadBackTimeout", "is negative")
	}
	for i, name := range r.ReadBack {
		if _, ok := r.Variables[name]; !ok {
			return invalid(fmt.Sprintf("ReadBack[%d]", i), "is not among Variables")
		}
	}
	return nil
}

func (r *SaveVariablesAndCallbackRequest) readBackTimeout() time.Duration {
	return firstSet(r.ReadBackTimeout, DefaultReadBackTimeout)
}

// SaveVariablesAndCallback saves variables and, once that is done, starts the bot, so
// that the flow finds them. The OpError is about the callback. If an earlier step
// fails, its Outcome is OutcomeNotSent: the bot was not started, and the text says
// which step failed.
//
// With an idempotency key or in a piece of work the ledger is asked first: if the bot was
// started before, or may have been, nothing is saved, so that newer values stay. The
// variables are part of the call: with others it is ErrKeyReused or ErrWorkChanged. If a
// step fails in a call that BulkOptions.RepeatUnknown repeats, its Outcome is
// OutcomeUnknown.
//
// Salebot actions: save_variables, get_variables, callback. Class: Once. Answer:
// observed. Errors: ErrInvalidRequest, ErrClientNotFound, ErrNotReadBack and those
// of every call.
func (c *Client) SaveVariablesAndCallback(ctx context.Context, request SaveVariablesAndCallbackRequest, opts ...CallOption) (*Ack, error) {
	if !c.ready() {
		return nil, notSent("save_variables", ErrNotInitialized)
	}
	if err := request.check(); err != nil {
		return nil, notSent("save_variables", err)
	}
	// A callback that cannot be sent should not leave variables behind.
	row := action.MustLookup("callback")
	s, err := c.core.config.forCall(opts)
	if err == nil {
		_, err = request.Callback.encode(s)
	}
	if err == nil {
		row, err = s.repeatable(row)
	}
	if err != nil {
		return nil, notSent(row.Name, err)
	}
	save := SaveVariablesRequest{ClientID: request.Callback.ClientID, Variables: request.Variables}
	step := &firstStep{
		run: func(ctx context.Context, doubtful bool) error {
			_, failure := c.SaveVariables(ctx, save, opts...)
			if failure == nil {
				failure = c.readBack(ctx, &request, opts)
			}
			return notStarted(failure, doubtful)
		},
		longest: s.timeout,
	}
	if ctx == nil || rehearsing(ctx) || !c.guards(ctx, row, s) {
		// There is no ledger to ask first.
		if err = step.run(ctx, false); err != nil {
			return nil, err
		}
		return c.Callback(ctx, request.Callback, opts...)
	}
	saved, err := save.encode(s)
	if err != nil {
		return nil, refused(ctx, c, "save_variables", err)
	}
	step.content = saved.body
	if len(request.ReadBack) > 0 {
		step.longest += s.timeout + request.readBackTimeout()
	}
	return c.Callback(ctx, request.Callback, append(slices.Clip(opts), withFirst(step))...)
}

// notStarted makes an error of the callback of one of an earlier step, if there is one.
// The outcome of that step is left out of it: variables can be saved again. doubtful says
// that the callback may have been executed before.
func notStarted(err error, doubtful bool) error {
	step, ok := errors.AsType[*OpError](err)
	switch {
	case !ok || !doubtful && errors.Is(err, ErrInvalidRequest):
		return err
	case step.Action != "callback":
		step = notSent("callback", &stepError{step.Action + " failed: " + bare(step.Err), step.Err, doubtful})
	case doubtful && errors.Is(err, ErrNotReadBack):
		reason := strings.TrimPrefix(bare(step.Err), notStartedBecause)
		step = notSent("callback", &stepError{reason, step.Err, true})
	}
	return step
}

// notStartedBecause begins the errors of a callback that was not sent, and of which it is
// known that it was not sent before either.
const notStartedBecause = "the bot was not started, because "

// stepError is the failure of a step before the one that matters.
type stepError struct {
	reason   string
	err      error
	doubtful bool
}

func (e *stepError) Error() string {
	if e.doubtful {
		return errUnresolved.Error() + ", because " + e.reason
	}
	return notStartedBecause + e.reason
}

func (e *stepError) Unwrap() error { return e.err }

// readBack waits until the variables can be read.
func (c *Client) readBack(ctx context.Context, request *SaveVariablesAndCallbackRequest, opts []CallOption) error {
	if len(request.ReadBack) == 0 || rehearsing(ctx) {
		// What is only rehearsed cannot be read.
		return nil
	}
	deadline := time.Now().Add(request.readBackTimeout())
	for delay := firstReadBackDelay; ; delay = min(2*delay, longestReadBackDelay) {
		variables, err := c.GetVariables(ctx, request.Callback.ClientID, opts...)
		if err != nil {
			return err
		}
		missing := slices.IndexFunc(request.ReadBack, func(name string) bool {
			value, _ := variables.Get(strings.TrimPrefix(name, ClientPrefix))
			return !sameValue(value, request.Variables[name])
		})
		if missing < 0 {
			return nil
		}
		next := time.Now().Add(delay)
		if next.After(deadline) {
			return notSent("callback", fmt.Errorf("%w: %q", ErrNotReadBack, request.ReadBack[missing]))
		}
		if err := sleepUntil(ctx, next); err != nil {
			return notSent("callback", endedContext(ctx, c.core.scrub))
		}
	}
}

// sameValue compares what was read with what was saved, as text.
func sameValue(read Value, saved any) bool {
	encoded, err := wire.Marshal(saved)
	if err != nil {
		return false
	}
	want := Value{raw: encoded}
	if want.IsUnset() {
		return read.IsUnset()
	}
	return strings.EqualFold(read.Text(), want.Text())
}

// FindSentRequest describes a message or a callback that may have been sent.
type FindSentRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// Message is the text of the message or callback; required.
	Message string
	// After is the newest message of the history before the send, as
	// LatestMessageID returned it; zero looks at the latest 100 messages.
	After MessageID
	// Callback says that it was a callback.
	Callback bool
}

// sentSearchDepth is the number of messages that FindSent looks at at first.
const sentSearchDepth = 100

// LatestMessageID returns the id of the newest message in a client's history, 0 if it
// is empty. Ask for it before a send that you may have to look for; see FindSent.
//
// Salebot action: get_history. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) LatestMessageID(ctx context.Context, client ClientID, opts ...CallOption) (MessageID, error) {
	items, err := c.GetHistory(ctx, GetHistoryRequest{ClientID: client, Limit: 1}, opts...)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	return items[0].ID, nil
}

// FindSent looks in the history for a send whose outcome is unknown, among the messages
// after FindSentRequest.After, and returns nil if it is not there. If it is found, it was
// sent. If it is not found, that proves something only after Salebot has had time to
// record it, which takes a moment. It proves nothing if the text contains variables,
// because the history shows their values. If the history does not reach back to After, the
// error is ErrTruncated.
//
// Salebot action: get_history. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest, ErrClientNotFound, ErrTruncated and those of every call.
func (c *Client) FindSent(ctx context.Context, request FindSentRequest, opts ...CallOption) (*HistoryItem, error) {
	if !c.ready() {
		return nil, notSent("get_history", ErrNotInitialized)
	}
	if err := requireText("Message", request.Message); err != nil {
		return nil, notSent("get_history", err)
	}
	for limit := sentSearchDepth; ; limit = MaxHistory {
		items, err := c.GetHistory(ctx, GetHistoryRequest{ClientID: request.ClientID, Limit: limit}, opts...)
		if err != nil {
			return nil, err
		}
		reached := request.After == 0 || len(items) < limit
		for i := range items {
			if items[i].ID <= request.After {
				reached = true
			} else if request.matches(&items[i]) {
				return &items[i], nil
			}
		}
		switch {
		case reached:
			return nil, nil //nolint:nilnil // not finding it is an answer, not a failure
		case limit == MaxHistory:
			problem := &truncatedError{problem: "more was written since than the history tells at once"}
			return nil, &OpError{Action: "get_history", Class: Read, Attempts: 1, Outcome: OutcomeAccepted, Err: problem}
		}
	}
}

func (m *FindSentRequest) matches(item *HistoryItem) bool {
	text := strings.TrimSpace(item.Text)
	want := strings.TrimSpace(m.Message)
	if m.Callback {
		// A callback's notice was seen with and without the word before its text.
		return item.Origin == HistoryOriginCallback && (text == want || strings.TrimSpace(strings.TrimPrefix(text, "callback ")) == want)
	}
	return !item.ClientReplica && text == want
}

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
// are under way at once. A deal that is deleted in between is left out. If one cannot be
// read, those before it are returned along with the error.
//
// Salebot actions: get_orders, get_order_state, get_order_vars. Class: Read. Answer:
// documented. Errors: ErrInvalidRequest, ErrClientNotFound and those of every call.
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
// in the order of the clients. If a client is deleted in between, its record comes without
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
