package webhook

import "sync/atomic"

// Stats counts the events and requests of a Handler since New. An inbox that lasts has
// older events as well; Inbox.Counts tells what it has now.
type Stats struct {
	// Kept events were put into the inbox, those of CatchUp included.
	Kept int64 `json:"kept"`
	// Duplicates were in the inbox already.
	Duplicates int64 `json:"duplicates"`
	// Unwanted events were acknowledged and forgotten, since the options say that the
	// function is not to get them.
	Unwanted int64 `json:"unwanted"`
	// NotUnderstood events say in no known way who wrote them. They are counted in
	// Kept, too, and become dead letters; see ErrNotUnderstood.
	NotUnderstood int64 `json:"not_understood"`
	// WithUnread events had a known field in an unknown form, whatever became of them;
	// see Event.Unread.
	WithUnread int64 `json:"with_unread"`
	// Refused requests were not answered by 200.
	Refused int64 `json:"refused"`
	// DeadLetters is the number of events that became dead letters.
	DeadLetters int64 `json:"dead_letters"`
}

// counters is what Stats is made of.
type counters struct {
	kept, duplicates, unwanted, notUnderstood, withUnread, refused, deadLetters atomic.Int64
}

// Stats returns the numbers so far.
func (h *Handler) Stats() Stats {
	c := &h.counters
	return Stats{
		Kept: c.kept.Load(), Duplicates: c.duplicates.Load(), Unwanted: c.unwanted.Load(), NotUnderstood: c.notUnderstood.Load(),
		WithUnread: c.withUnread.Load(), Refused: c.refused.Load(), DeadLetters: c.deadLetters.Load(),
	}
}

// count notes what became of an event.
func (c *counters) count(result Result, event *Event) {
	switch result {
	case ResultNotUnderstood:
		c.kept.Add(1)
		c.notUnderstood.Add(1)
	case ResultKept:
		c.kept.Add(1)
	case ResultDuplicate:
		c.duplicates.Add(1)
	case ResultUnwanted:
		c.unwanted.Add(1)
	default:
		// The event was not kept.
	}
	if len(event.Unread) > 0 {
		c.withUnread.Add(1)
	}
}
