package once

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// Sent is what the history of a person shows of a request.
type Sent struct {
	// Client is the person.
	Client int64
	// Text is the text, as it was sent.
	Text string
	// Callback says that it is a callback.
	Callback bool
}

// Item is a message of a history.
type Item struct {
	ID   int64
	Text string
	// Matches says that the text is that of the request, and FromAPI that the message
	// has the origin of a call of its kind.
	Matches, FromAPI bool
	// FromPerson says that the person wrote it, for sure.
	FromPerson bool
	// At is when it was written; zero if that cannot be told.
	At time.Time
}

// History reads what a decision needs.
type History interface {
	// Newest returns the newest message of a person, 0 if there is none.
	Newest(ctx context.Context, client int64) (int64, error)
	// Since returns the messages of a person that are not older than the anchor. whole
	// is false if the history does not reach back so far.
	Since(ctx context.Context, sent *Sent, anchor ledger.Anchor) (items []Item, whole bool, err error)
	// ServerTime returns the time by Salebot's clock, as far as it is known.
	ServerTime() (time.Time, bool)
}

// serverSlack is how far the clocks of Salebot's machines may be apart.
const serverSlack = 3 * time.Second

// anchor finds what came before a request: Salebot's clock, if an answer told it, and
// the newest message, if the user wants decisions that only this one allows.
func (g *Guard) anchor(ctx context.Context) ledger.Anchor {
	var anchor ledger.Anchor
	if g.call.Sent == nil || g.history == nil {
		return anchor
	}
	if g.keeper.HistoryDelay > 0 {
		if newest, err := g.history.Newest(ctx, g.call.Sent.Client); err == nil {
			anchor.MessageID, anchor.Known = newest, true
		}
	}
	if now, known := g.history.ServerTime(); known {
		anchor.Server = now
	}
	return anchor
}

// resolve looks for a request in the history: Replay if it was executed, Send if it
// was not, Leave if that cannot be told.
//
// last is the moment after which it cannot have been written.
func (g *Guard) resolve(ctx context.Context, record *ledger.Record, last time.Time) (Decision, error) {
	sent := g.call.Sent
	if sent == nil || g.history == nil || record.Anchor.IsZero() {
		return Leave, nil
	}
	due := last.Add(g.keeper.HistoryDelay)
	early := time.Now().Before(due)
	decision, err := g.look(ctx, record, sent)
	if err != nil || decision == Replay {
		return decision, err
	}
	// That it is not there says something only after the time that Salebot takes.
	rewritten := strings.Contains(sent.Text, "#{") && record.Content == g.content
	if g.keeper.HistoryDelay == 0 || record.Scheduled || rewritten {
		return Leave, nil
	}
	if early {
		wait := time.Until(due)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return Leave, nil
		}
		if err := sleep(ctx, wait); err != nil {
			return Leave, err
		}
		return g.look(ctx, record, sent)
	}
	return decision, nil
}

// look reads the history once.
func (g *Guard) look(ctx context.Context, record *ledger.Record, sent *Sent) (Decision, error) {
	read := time.Now()
	items, whole, err := g.history.Since(ctx, sent, record.Anchor)
	if err != nil || !whole {
		return Leave, err
	}
	if record.Content != g.content {
		return g.lookForAny(record, items), nil
	}
	equal, err := g.keeper.Ledger.FindEqual(ctx, record.Content)
	if err != nil {
		return Leave, err
	}
	var certain, possible []Item
	for _, item := range items {
		if !item.Matches {
			continue
		}
		switch position(item, record.Anchor) {
		case unclear:
			return Leave, nil
		case after:
			if item.FromAPI {
				certain = append(certain, item)
			}
			possible = append(possible, item)
		case perhaps:
			possible = append(possible, item)
		case before:
		}
	}
	others := g.keeper.others(record, equal)
	switch {
	case len(certain) > claimable(certain, others):
		return Replay, nil
	case len(possible) <= claimedAfter(record, others, read.Add(-g.keeper.HistoryDelay)) && !g.tooSoon(record):
		return Send, nil
	}
	return Leave, nil
}

// lookForAny decides about a named call that had other words, which are not known any
// more. Where nothing at all was sent since, it was not executed.
func (g *Guard) lookForAny(record *ledger.Record, items []Item) Decision {
	silent := !slices.ContainsFunc(items, func(i Item) bool { return !i.FromPerson && position(i, record.Anchor) != before })
	if silent && !g.tooSoon(record) {
		return Send
	}
	return Leave
}

// tooSoon reports whether less time has passed by Salebot's clock than it takes to write
// a message down. The clock of this machine was changed then.
func (g *Guard) tooSoon(record *ledger.Record) bool {
	now, known := g.history.ServerTime()
	if !known || record.Anchor.Server.IsZero() {
		return false
	}
	// Both times are known to the second.
	const unsure = serverSlack + time.Second
	return now.Sub(record.Anchor.Server)+unsure < g.keeper.HistoryDelay
}

// place is where a message stands to an anchor.
type place uint8

const (
	before place = iota
	perhaps
	after
	// unclear is a message whose time cannot be told.
	unclear
)

// position compares a message with an anchor: by its number if the anchor knows one,
// and otherwise by Salebot's clock. The estimate of that clock is never ahead.
//
// A message with a later number and an earlier time was written before the anchor and
// was not shown yet when that was read.
func position(item Item, anchor ledger.Anchor) place {
	early := !item.At.IsZero() && item.At.Before(anchor.Server.Add(-serverSlack))
	switch {
	case anchor.Known && item.ID <= anchor.MessageID:
		return before
	case anchor.Known && !anchor.Server.IsZero() && early:
		return perhaps
	case anchor.Known:
		return after
	case item.At.IsZero():
		return unclear
	case early:
		return before
	case item.At.Before(anchor.Server.Truncate(time.Second)):
		return perhaps
	}
	return after
}

// others returns the other records with the content of a record that may have left a
// message after its anchor.
func (k *Keeper) others(record *ledger.Record, equal []ledger.Record) []ledger.Record {
	// A request that was answered this long before may still show up after it.
	reach := max(k.HistoryDelay, time.Minute) + serverSlack
	begun := record.WriteBy.Add(-k.SendWindow)
	if !record.BegunAt.IsZero() && record.BegunAt.Before(begun) {
		begun = record.BegunAt
	}
	return slices.DeleteFunc(equal, func(other ledger.Record) bool {
		over := other.EndedAt
		if other.WriteBy.After(over) {
			over = other.WriteBy
		}
		same := other.Key == record.Key && other.Number == record.Number
		early := !other.Scheduled && over.Before(begun.Add(-reach))
		return same || other.State == ledger.Refused || early
	})
}

// claimable is how many of the messages other requests may have left, at most. A
// request cannot have left one that is not after its own anchor.
func claimable(items []Item, others []ledger.Record) int {
	// Those with the fewest to choose from choose first, from the newest.
	slices.SortFunc(items, func(a, b Item) int { return cmp.Compare(b.ID, a.ID) })
	slices.SortFunc(others, func(a, b ledger.Record) int { return cmp.Compare(b.Anchor.MessageID, a.Anchor.MessageID) })
	taken := 0
	for _, other := range others {
		// One that knows of no message has the number 0.
		if taken < len(items) && items[taken].ID > other.Anchor.MessageID {
			taken++
		}
	}
	return taken
}

// claimedAfter is how many messages after the anchor of a record other requests have
// left for sure: those that were accepted early enough to be shown, and at once.
func claimedAfter(record *ledger.Record, others []ledger.Record, shown time.Time) int {
	n := 0
	for i := range others {
		other := &others[i]
		if other.State != ledger.Accepted || other.Scheduled || other.EndedAt.After(shown) {
			continue
		}
		switch {
		case record.Anchor.Known:
			if other.Anchor.Known && other.Anchor.MessageID >= record.Anchor.MessageID {
				n++
			}
		case !other.Anchor.Server.IsZero() && other.Anchor.Server.After(record.Anchor.Server):
			n++
		}
	}
	return n
}
