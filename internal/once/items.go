package once

import (
	"context"
	"errors"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// Items are the records of items that one request is sent for.
type Items struct {
	keeper *Keeper
	guard  *Guard
	// records are those of the items, in their order, and doubts say which of them may
	// have been executed before.
	records []ledger.Record
	doubts  []bool
}

// Lookup returns the record of an item of a batch: its piece of work is the one
// request that it is part of. An empty action stands for a piece of work of several
// calls.
func (k *Keeper) Lookup(ctx context.Context, w Work, call Call) (ledger.Record, error) {
	binding, err := k.bind(ctx)
	if err != nil {
		return ledger.Record{}, err
	}
	key := k.workKey(binding, w.Kind, w.Name, w.Key)
	found, err := k.Ledger.Find(ctx, key)
	if err != nil {
		return ledger.Record{}, err
	}
	text, _, _ := call.content()
	content := binding.digest(kindContent, k.Project, call.Action, call.Query, text, w.Key)
	switch {
	case len(found) == 0 || found[0].Number != 0:
		return ledger.Record{Key: key, Content: content}, nil
	case found[0].IsWork() && call.Action == "":
		return found[0], nil
	case found[0].Content != content:
		return ledger.Record{}, ErrNameReused
	}
	return found[0], nil
}

// UnderWay reports whether another call or process may still act on a record. It waits
// for the last moment of one that is dead.
func (k *Keeper) UnderWay(ctx context.Context, record *ledger.Record) (bool, error) {
	if record.Version == 0 || record.State != ledger.Begun {
		return false, nil
	}
	alive, err := k.Ledger.Alive(ctx, record.Holder)
	if err != nil || alive {
		return alive, err
	}
	// Its process is dead, but nobody may act before its last moment has passed.
	if sleep(ctx, time.Until(k.lastMoment(record))) != nil {
		return true, nil //nolint:nilerr // it was not waited for
	}
	return false, nil
}

// NewItems joins the records of a batch. harmless says that the request may be
// executed twice.
func (k *Keeper) NewItems(records []ledger.Record, harmless bool) *Items {
	doubts := make([]bool, len(records))
	for i := range records {
		doubts[i] = !harmless && doubtful(&records[i])
	}
	return &Items{keeper: k, records: records, doubts: doubts}
}

// doubtful reports whether a request may have been executed. A refusal of a second
// one does not change that.
func doubtful(r *ledger.Record) bool {
	return r.Version != 0 && (r.State == ledger.Unknown || r.State == ledger.Begun)
}

type itemsKey struct{}

// WithItems returns a context in which the next call is for these items.
func WithItems(ctx context.Context, items *Items) context.Context {
	return context.WithValue(ctx, itemsKey{}, items)
}

// ItemsFrom returns the items of a context, or nil.
func ItemsFrom(ctx context.Context) *Items {
	items, _ := ctx.Value(itemsKey{}).(*Items)
	return items
}

// Guard returns the guard of the request. The keeper must be the client's own.
func (i *Items) Guard(k *Keeper) (*Guard, error) {
	if !i.keeper.same(k) {
		return nil, ErrOtherLedger
	}
	if i.guard == nil {
		i.guard = &Guard{keeper: k, records: i.records, doubts: i.doubts, batch: true}
	}
	return i.guard, nil
}

// Doubtful reports whether an item may have been executed before.
func (i *Items) Doubtful(n int) bool { return n < len(i.doubts) && i.doubts[n] }

// End records what became of each item, if that differs from what became of the
// request.
func (i *Items) End(ctx context.Context, states []ledger.State) error {
	if i.guard == nil || len(states) != len(i.guard.records) {
		return nil // nothing was begun
	}
	g := i.guard
	if g.unwritten != nil {
		return g.unwritten
	}
	var changed []ledger.Record
	for n, state := range states {
		state = g.stateOf(n, state)
		if g.records[n].Version != 0 && (g.unended || g.records[n].State != state) {
			record := g.records[n]
			record.State = state
			changed = append(changed, record)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	_, err := g.keeper.Ledger.End(context.WithoutCancel(ctx), changed...)
	if errors.Is(err, ledger.ErrTaken) {
		return nil
	}
	return err
}
