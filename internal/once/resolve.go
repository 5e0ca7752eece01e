package once

import (
	"context"
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
func (g *Guard) resolve(ctx context.Context, record *ledger.Record) (Decision, error) {
	sent := g.call.Sent
	if sent == nil || g.history == nil || record.Anchor.IsZero() {
		return Leave, nil
	}
	decision, err := g.look(ctx, record, sent)
	if err != nil || decision == Replay {
		return decision, err
	}
	// That it is not there says something only after the time that Salebot takes.
	rewritten := strings.Contains(sent.Text, "#{")
	if g.keeper.HistoryDelay == 0 || record.Scheduled || rewritten {
		return Leave, nil
	}
	if wait := time.Until(record.WriteBy.Add(g.keeper.HistoryDelay)); wait > 0 {
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
	items, whole, err := g.history.Since(ctx, sent, record.Anchor)
	if err != nil || !whole {
		return Leave, err
	}
	equal, err := g.keeper.Ledger.FindEqual(ctx, record.Content)
	if err != nil {
		return Leave, err
	}
	claims := g.keeper.claims(record, equal)
	certain, possible := 0, 0
	for _, item := range items {
		if !item.Matches {
			continue
		}
		switch position(item, record.Anchor) {
		case unclear:
			return Leave, nil
		case after:
			if item.FromAPI {
				certain++
			}
			possible++
		case perhaps:
			possible++
		case before:
		}
	}
	switch {
	case certain-claims.most > claims.undecided:
		return Replay, nil
	case possible-claims.least <= 0:
		return Send, nil
	}
	return Leave, nil
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
func position(item Item, anchor ledger.Anchor) place {
	switch {
	case anchor.Known:
		if item.ID <= anchor.MessageID {
			return before
		}
		return after
	case item.At.IsZero():
		return unclear
	case item.At.Before(anchor.Server.Add(-serverSlack)):
		return before
	case item.At.Before(anchor.Server.Truncate(time.Second)):
		return perhaps
	}
	return after
}

// claimed is how many messages of the history belong to other requests with the same
// content.
type claimed struct {
	// least belong to other requests for sure, most perhaps.
	least, most int
	// undecided is how many other requests may have left one or not.
	undecided int
}

// claims counts the other records with the content of a record.
func (k *Keeper) claims(record *ledger.Record, equal []ledger.Record) claimed {
	var c claimed
	// A request that was answered this long before may still show up after it.
	reach := max(k.HistoryDelay, time.Minute) + serverSlack
	begun := record.WriteBy.Add(-k.SendWindow)
	for _, other := range equal {
		if other.Key == record.Key && other.Number == record.Number || other.State == ledger.Refused {
			continue
		}
		over := other.EndedAt
		if other.WriteBy.After(over) {
			over = other.WriteBy
		}
		if over.Before(begun.Add(-reach)) {
			continue
		}
		if other.State != ledger.Accepted {
			c.undecided++
			continue
		}
		c.most++
		if isAfter(&other, record) {
			c.least++
		}
	}
	return c
}

// isAfter reports whether a request was sent after the anchor of another for sure.
func isAfter(other, record *ledger.Record) bool {
	if record.Anchor.Known {
		return other.Anchor.Known && other.Anchor.MessageID >= record.Anchor.MessageID
	}
	return !other.Anchor.Server.IsZero() && other.Anchor.Server.After(record.Anchor.Server)
}
