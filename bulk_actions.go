package salebot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/wait"
)

func clientItem(client ClientID) BulkItem { return keyed(client) }

func checkClient(client ClientID) error { return requireClient("ClientID", client) }

// checkRequest refuses, before anything is read, what would be refused for every
// batch: encode is that of a request for an item that is right; nil checks the
// options only. It returns that request.
func (c *Client) checkRequest(name string, call []CallOption, encode encoder) (request payload, err error) {
	if !c.ready() {
		return request, notSent(name, ErrNotInitialized)
	}
	if encode != nil {
		_, request, err = c.core.config.encoded(action.MustLookup(name), call, encode)
	} else {
		_, err = c.core.config.forCall(call)
	}
	if err != nil {
		return request, notSent(name, err)
	}
	return request, nil
}

// anyone stands for the items in a request that is only checked.
const anyone ClientID = 1

// manyClients is a run that hands batches of clients to one action.
func (c *Client) manyClients(
	ctx context.Context, name string, model payload, clients iter.Seq2[ClientID, error], options BulkOptions,
	send func(context.Context, []ClientID) error,
) (*BulkReport, error) {
	return runBulk(ctx, bulk[ClientID]{
		client: c, name: name, model: model, items: clients, options: options, key: clientItem, check: checkClient,
		standardBatch: DefaultBatchSize, maxBatch: action.MustLookup(name).BatchLimit,
		send: func(ctx context.Context, batch []ClientID) ([]BulkItem, error) { return nil, send(ctx, batch) },
	})
}

// ClientIDs turns records into their ids, for the bulk functions:
//
//	client.BulkAddToList(ctx, list, salebot.ClientIDs(client.Clients(ctx, request)), options)
func ClientIDs(records iter.Seq2[ClientRecord, error]) iter.Seq2[ClientID, error] {
	return func(yield func(ClientID, error) bool) {
		for record, err := range records {
			if !yield(record.ID, err) {
				return
			}
		}
	}
}

// Items makes a sequence for the bulk functions of a slice.
func Items[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// BulkAddToList is AddToList for any number of clients; see ForEach for what it
// returns. The key of an item is its ClientID.
func (c *Client) BulkAddToList(ctx context.Context, list ListID, clients iter.Seq2[ClientID, error], options BulkOptions, opts ...CallOption) (*BulkReport, error) {
	model, err := c.checkRequest("add_to_list", opts, (&listChange{ListID: list, Clients: []ClientID{anyone}}).encode)
	if err != nil {
		return &BulkReport{}, err
	}
	return c.manyClients(ctx, "add_to_list", model, clients, options, func(ctx context.Context, batch []ClientID) error {
		_, err := c.AddToList(ctx, AddToListRequest{ListID: list, Clients: batch}, opts...)
		return err
	})
}

// BulkRemoveFromList is RemoveFromList for any number of clients; see ForEach
// for what it returns. The key of an item is its ClientID.
func (c *Client) BulkRemoveFromList(ctx context.Context, list ListID, clients iter.Seq2[ClientID, error], options BulkOptions, opts ...CallOption) (*BulkReport, error) {
	model, err := c.checkRequest("remove_from_list", opts, (&listChange{ListID: list, Clients: []ClientID{anyone}}).encode)
	if err != nil {
		return &BulkReport{}, err
	}
	return c.manyClients(ctx, "remove_from_list", model, clients, options, func(ctx context.Context, batch []ClientID) error {
		_, err := c.RemoveFromList(ctx, RemoveFromListRequest{ListID: list, Clients: batch}, opts...)
		return err
	})
}

// BulkDeleteClients is DeleteClients for any number of clients; see ForEach for
// what it returns. The key of an item is its ClientID.
func (c *Client) BulkDeleteClients(ctx context.Context, clients iter.Seq2[ClientID, error], options BulkOptions, opts ...CallOption) (*BulkReport, error) {
	model, err := c.checkRequest("delete_clients", opts, nil)
	if err != nil {
		return &BulkReport{}, err
	}
	return c.manyClients(ctx, "delete_clients", model, clients, options, func(ctx context.Context, batch []ClientID) error {
		_, err := c.DeleteClients(ctx, batch, opts...)
		return err
	})
}

// BulkSaveVariables writes the same variables for any number of clients; see ForEach
// for what it returns, and use ForEach with SaveVariables for variables that differ.
// The key of an item is its ClientID.
func (c *Client) BulkSaveVariables(ctx context.Context, variables map[string]any, clients iter.Seq2[ClientID, error], options BulkOptions, opts ...CallOption) (*BulkReport, error) {
	model, err := c.checkRequest("save_variables", opts, (&SaveVariablesRequest{ClientID: anyone, Variables: variables}).encode)
	if err != nil {
		return &BulkReport{}, err
	}
	return c.manyClients(ctx, "save_variables", model, clients, options, func(ctx context.Context, batch []ClientID) error {
		_, err := c.SaveVariables(ctx, SaveVariablesRequest{Clients: batch, Variables: variables}, opts...)
		return err
	})
}

// BulkLoadClients is LoadClients for any number of people; see ForEach for what it
// returns. The key of an item is its messenger, bot and PlatformID; the BulkItem of a
// person who was accepted has the ClientID.
func (c *Client) BulkLoadClients(ctx context.Context, clients iter.Seq2[ClientToLoad, error], options BulkOptions, opts ...CallOption) (*BulkReport, error) {
	model, err := c.checkRequest("load_clients", opts, nil)
	if err != nil {
		return &BulkReport{}, err
	}
	key := func(person ClientToLoad) BulkItem {
		return BulkItem{Key: strconv.Itoa(int(person.ClientType())) + "/" + string(person.GroupID) + "/" + string(person.PlatformID)}
	}
	return runBulk(ctx, bulk[ClientToLoad]{
		client: c, name: "load_clients", model: model, items: clients, options: options, key: key, standardBatch: DefaultBatchSize,
		check: func(person ClientToLoad) error {
			_, err := encodeClientsToLoad([]ClientToLoad{person})
			return err
		},
		send: func(ctx context.Context, batch []ClientToLoad) ([]BulkItem, error) {
			loaded, err := c.LoadClients(ctx, batch, opts...)
			if err != nil && !errors.As(err, new(*PartialError)) {
				return nil, err
			}
			items := make([]BulkItem, len(batch))
			for i, client := range loaded {
				items[i] = key(batch[i])
				items[i].Outcome, items[i].ClientID = OutcomeAccepted, client.ID
				if !client.Accepted() {
					items[i].Outcome = client.outcome()
					items[i].Err = &PartialError{Refused: []RefusedElement{{Index: i, Status: client.Status}}, Total: len(batch)}
				}
			}
			return items, nil
		},
	})
}

// BulkSendCallbackByPlatformID is SendCallbackByPlatformID for any number of people,
// whose ids replace those of the request; see ForEach for what it returns. The key of
// an item is its PlatformID. If Salebot says that it started none of the callbacks of a
// request, all of its items are Rejected. If it started a different number than there
// are ids, or none yet of those that are due later, all are Unknown: nothing says which
// were started.
func (c *Client) BulkSendCallbackByPlatformID(ctx context.Context, request SendCallbackByPlatformIDRequest, persons iter.Seq2[PlatformID, error], options BulkOptions, opts ...CallOption) (*BulkReport, error) {
	const name = "send_callback_by_platform_id"
	if len(request.PlatformIDs) > 0 {
		return &BulkReport{}, notSent(name, invalid("PlatformIDs", "must be empty: the ids come from the sequence"))
	}
	whole := request
	whole.PlatformIDs = []PlatformID{"1"}
	model, err := c.checkRequest(name, opts, whole.encode)
	if err != nil {
		return &BulkReport{}, err
	}
	return runBulk(ctx, bulk[PlatformID]{
		client: c, name: name, model: model, items: persons, options: options, key: func(id PlatformID) BulkItem { return BulkItem{Key: string(id)} },
		standardBatch: DefaultBatchSize, maxBatch: action.MustLookup(name).BatchLimit,
		check: func(id PlatformID) error { return requireText("PlatformID", string(id)) },
		send: func(ctx context.Context, batch []PlatformID) ([]BulkItem, error) {
			part := request
			part.PlatformIDs = batch
			sent, err := c.SendCallbackByPlatformID(ctx, part, opts...)
			switch {
			case err != nil:
				return nil, err
			case len(sent.Unread) > 0:
				return calledBack(batch, OutcomeUnknown, fmt.Errorf("%w: how many callbacks Salebot started cannot be read", ErrOutcomeUnknown)), nil
			case sent.Started == nil, *sent.Started == len(batch):
				return nil, nil
			}
			return uncounted(batch, *sent.Started, request.After > 0 || !request.At.IsZero()), nil
		},
	})
}

// uncounted is what became of ids of which not all were called back.
func uncounted(batch []PlatformID, started int, later bool) []BulkItem {
	outcome := OutcomeUnknown
	err := fmt.Errorf("%w: Salebot started %d callbacks for %d ids and does not say which", ErrOutcomeUnknown, started, len(batch))
	if started == 0 && !later {
		outcome = OutcomeRejected
		err = fmt.Errorf("%w: Salebot started no callback for %d ids, which it may not know", ErrRejected, len(batch))
	}
	return calledBack(batch, outcome, err)
}

// calledBack are ids that all came to the same.
func calledBack(batch []PlatformID, outcome Outcome, err error) []BulkItem {
	items := make([]BulkItem, len(batch))
	for i, id := range batch {
		items[i] = BulkItem{Key: string(id), Outcome: outcome, Err: err}
	}
	return items
}

// Audience is the clients of a broadcast, each once. Make it with
// CollectAudience.
type Audience struct{ clients []ClientID }

// CollectAudience reads the clients of a broadcast to their end and leaves
// repetitions out. An audience takes 8 bytes of memory for each client, and about
// 20 while it is collected.
func CollectAudience(clients iter.Seq2[ClientID, error]) (*Audience, error) {
	var all []ClientID
	for client, err := range clients {
		if err != nil {
			return nil, err
		}
		if err := checkClient(client); err != nil {
			return nil, err
		}
		all = append(all, client)
	}
	return &Audience{clients: distinct(all)}, nil
}

// distinct returns the clients without repetitions, in their order and in a slice
// of just their length. A set of all of them would take much more memory than a
// sorted copy.
func distinct(clients []ClientID) []ClientID {
	sorted := slices.Clone(clients)
	slices.Sort(sorted)
	repeated := map[ClientID]bool{} // whether it was met yet
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			repeated[sorted[i]] = false
		}
	}
	kept := sorted[:0]
	for _, client := range clients {
		met, again := repeated[client]
		if again {
			repeated[client] = true
		}
		if !met {
			kept = append(kept, client)
		}
	}
	return slices.Clip(kept)
}

// Len counts the clients.
func (a *Audience) Len() int { return len(a.clients) }

// defaultShift is the pause between two messages of a broadcast if the request does not
// say.
const defaultShift = 200 * time.Millisecond

// BulkBroadcast is Broadcast in parts to an audience of any size. The argument
// confirmed is the number of clients that the caller means to reach; if the audience
// has another size, nothing is sent. The parts follow each other at the pace of the
// broadcast, so that no two of them are under way at once; BulkOptions.Workers is
// therefore ignored. If the request has a moment (At), each part is due later by the
// time that the parts before it take. See ForEach for what it returns. The key of an
// item is its ClientID.
func (c *Client) BulkBroadcast(ctx context.Context, request BroadcastRequest, audience *Audience, confirmed int, options BulkOptions, opts ...CallOption) (*BulkReport, error) {
	const name = "broadcast"
	switch {
	case !c.ready():
		return &BulkReport{}, notSent(name, ErrNotInitialized)
	case audience == nil || audience.Len() == 0:
		return &BulkReport{}, notSent(name, invalid("audience", "is empty"))
	case audience.Len() != confirmed:
		return &BulkReport{}, notSent(name, invalid("confirmed",
			"is not the size of the audience, which has "+strconv.Itoa(audience.Len())+" clients"))
	case request.List != 0 || len(request.Clients) > 0 || len(request.PlatformIDs) > 0 || request.GroupID != "":
		return &BulkReport{}, notSent(name, invalid("request", "has an audience of its own"))
	}
	whole := request
	whole.Clients = []ClientID{anyone}
	model, err := c.checkRequest(name, opts, whole.encode)
	if err != nil {
		return &BulkReport{}, err
	}
	options.Workers = 1
	// Only the one worker uses these.
	var (
		next    time.Time
		elapsed time.Duration
	)
	return runBulk(ctx, bulk[ClientID]{
		client: c, name: name, model: model, items: Items(audience.clients), options: options, key: clientItem, check: checkClient,
		standardBatch: DefaultBatchSize, maxBatch: action.MustLookup(name).BatchLimit,
		pause: func(ctx context.Context) error { return sleepUntil(ctx, next) },
		send: func(ctx context.Context, batch []ClientID) ([]BulkItem, error) {
			part := request
			part.Clients = batch
			if !part.At.IsZero() {
				part.At = part.At.Add(elapsed)
			}
			_, err := c.Broadcast(ctx, part, opts...)
			length := time.Duration(len(batch)) * firstSet(request.Shift, defaultShift)
			next, elapsed = time.Now().Add(length), elapsed+length
			return nil, err
		},
	})
}

func sleepUntil(ctx context.Context, moment time.Time) error {
	if !wait.Until(ctx, moment) {
		return ctx.Err()
	}
	return nil
}
