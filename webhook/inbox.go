package webhook

import (
	"context"
	"iter"
	"time"

	"github.com/salebot-go/salebot"
)

// Inbox keeps the events that were accepted until they are handled. It is the
// difference between a 200 that is a promise and one that is a hope: a Handler
// answers 2xx only after Put.
//
// Every inbox keeps these laws, which the package inboxtest checks:
//
//   - Put returns without error only when the entry is kept as well as this inbox
//     can keep it, or when it is a duplicate of one that is.
//   - Entries of one endpoint with the same MessageID (unless it is 0) and the same
//     Failed are duplicates, for at least the time that the inbox states. An entry
//     without a MessageID is never a duplicate: nothing in it proves that it is not
//     the same words said twice.
//   - An entry is handed out by Lease, again and again, until it is committed,
//     discarded or made a dead letter: at least once. A committed one never is
//     again.
//   - Entries of one endpoint and one ClientID are handed out in the order in which Put
//     took them, one at a time. The next one follows only after the one before was
//     committed or made a dead letter. Entries without a ClientID wait for no other.
//   - A lease that runs out, and one whose holder died, comes back.
//
// All methods are safe for concurrent use. After Close they return ErrClosed.
type Inbox interface {
	// Put keeps an entry. The error is ErrFull if the inbox keeps as much as it
	// may. If the context ends the entry may have been kept or not.
	Put(ctx context.Context, entry Entry) (Receipt, error)
	// Lease hands out entries, at most request.Max, each of another client, the
	// oldest first. It waits until there is one or the context ends.
	Lease(ctx context.Context, request LeaseRequest) ([]Delivery, error)
	// Commit ends the work on an entry for good. The error is ErrLeaseLost if
	// the lease has run out and the entry was handed out again or settled.
	Commit(ctx context.Context, delivery Delivery) error
	// Release gives an entry back, to be handed out again after a delay. Later
	// entries of its client wait for it. The reason is kept for people to read. A
	// Handler gives one line of valid UTF-8, of about 1000 characters at most. The
	// error is that of Commit.
	Release(ctx context.Context, delivery Delivery, delay time.Duration, reason string) error
	// Bury makes an entry a dead letter: it is not handed out any more, and the next
	// of its client follows. The error is that of Commit.
	Bury(ctx context.Context, delivery Delivery, reason string) error
	// DeadLetters yields the dead letters of an endpoint, the oldest first.
	DeadLetters(ctx context.Context, endpoint string) iter.Seq2[DeadLetter, error]
	// Redrive puts the dead letters with these numbers back, with no attempts
	// counted; AllDeadLetters stands for all of them, and without a number it does
	// nothing. They keep their place in the order: they are handed out before what
	// was accepted later and still waits. It returns how many.
	Redrive(ctx context.Context, endpoint string, sequences ...int64) (int, error)
	// Discard deletes the dead letters with these numbers, as Redrive takes them. It
	// returns how many.
	Discard(ctx context.Context, endpoint string, sequences ...int64) (int, error)
	// Counts says how much of what the inbox has for an endpoint.
	Counts(ctx context.Context, endpoint string) (Counts, error)
	// Close ends all waiting and gives up what the inbox holds. What a durable inbox
	// keeps is there again when it is opened the next time.
	Close() error
}

// AllDeadLetters stands for the numbers of all dead letters in Inbox.Redrive and
// Inbox.Discard, so that a selection which turned out empty is not taken for all.
const AllDeadLetters int64 = -1

// Entry is an event as an inbox keeps it.
type Entry struct {
	// Endpoint is the receiver that accepted the event. Different endpoints have
	// nothing to do with each other.
	Endpoint string
	// ClientID is the client whose events are kept in order; 0 if it is not known.
	ClientID salebot.ClientID
	// MessageID and Failed are what duplicates are known by; 0 if there is none.
	MessageID salebot.MessageID
	Failed    bool
	// Recovered marks an event that was fetched from the history.
	Recovered bool
	// AcceptedAt is when the event came.
	AcceptedAt time.Time
	// Body is the body as it came. It may be any bytes.
	Body string
}

// Receipt is what became of an entry that was put.
type Receipt struct {
	// Sequence is the number of the entry, above 0 and rising; 0 for a duplicate.
	Sequence int64
	// Duplicate says that the inbox had the entry already.
	Duplicate bool
}

// LeaseRequest says what to hand out.
type LeaseRequest struct {
	// Endpoint is whose entries to hand out.
	Endpoint string
	// Max is the largest number of entries; at least 1.
	Max int
	// Duration is the time after which an entry is handed out again that was
	// neither committed nor released nor buried.
	Duration time.Duration
}

// Delivery is an entry that was handed out.
type Delivery struct {
	Entry
	// Sequence is the number of the entry.
	Sequence int64
	// Attempt counts how often the entry was handed out, from 1. A durable inbox
	// also counts the times at which the process died over it, of which it may miss
	// the first one.
	Attempt int
	// Lease tells this delivery from others of the same entry.
	Lease uint64
	// Until is when the lease runs out.
	Until time.Time
}

// DeadLetter is an entry that was given up.
type DeadLetter struct {
	Entry
	// Sequence is the number of the entry.
	Sequence int64
	// Attempts counts how often it was handed out.
	Attempts int
	// Reason is the failure of the last attempt.
	Reason string
	// BuriedAt is when it was given up.
	BuriedAt time.Time
}

// Counts says how many entries are in which state.
type Counts struct {
	// Waiting entries can be handed out, or follow one of their client that is
	// handed out first.
	Waiting int `json:"waiting"`
	// Delayed entries were released and have to wait.
	Delayed int `json:"delayed"`
	// Leased entries are handed out.
	Leased int `json:"leased"`
	// Dead entries are dead letters.
	Dead int `json:"dead"`
	// Damaged entries were found unreadable and set apart.
	Damaged int `json:"damaged"`
	// Oldest is when the first of the entries that are still to be handled was accepted. It is
	// zero if there is none, or if the inbox does not know.
	Oldest time.Time `json:"oldest,omitzero"`
}

// Event decodes the body, as a Handler did that gave the entry up.
func (l *DeadLetter) Event() (*Event, error) {
	event, err := decode([]byte(l.Body), deepestBody)
	if err != nil {
		return nil, err
	}
	event.Recovered, event.Sequence, event.Attempt, event.AcceptedAt = l.Recovered, l.Sequence, l.Attempts, l.AcceptedAt
	return event, nil
}

// Pending is the number of entries that are still to be handled.
func (c Counts) Pending() int { return c.Waiting + c.Delayed + c.Leased }

type deliveryKey struct{}

// handed is a delivery in the hands of a function.
type handed struct {
	inbox    Inbox
	delivery Delivery
}

// DeliveryFrom returns the delivery whose event a Handler's function is called with, and
// the inbox that it comes from, if the context is the function's. It is for inboxes that
// let a function end its event together with something of its own. Once the inbox has
// ended the delivery in such a way, its Commit has to return nil for it.
func DeliveryFrom(ctx context.Context) (inbox Inbox, delivery Delivery, ok bool) {
	h, ok := ctx.Value(deliveryKey{}).(*handed)
	if !ok {
		return nil, Delivery{}, false
	}
	return h.inbox, h.delivery, true
}

// SeenLister is implemented by inboxes that remember what they had accepted before
// this process opened them. Handler.CatchUp begins there.
type SeenLister interface {
	// Seen yields the clients of an endpoint and the last message of each that was
	// accepted before the inbox was opened. Clients without a number and messages
	// that the inbox has forgotten since are left out.
	Seen(ctx context.Context, endpoint string) iter.Seq2[Seen, error]
}

// Seen is the last that was accepted of a client.
type Seen struct {
	// ClientID is the client.
	ClientID salebot.ClientID
	// MessageID is the highest number of its messages.
	MessageID salebot.MessageID
}

// HealthReporter is implemented by inboxes that know whether they can take events.
// Handler.Health asks them.
type HealthReporter interface {
	// Health returns why the next Put would fail, or nil if nothing is known against it.
	// It must not wait for long. An error that is ErrInboxBroken will last until the
	// inbox is opened again.
	Health(ctx context.Context) error
}
