package emulator

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
)

// Chat is a client as a list of chats shows it.
type Chat struct {
	// ClientID is Salebot's number of the client.
	ClientID salebot.ClientID
	// PlatformID, GroupID and ClientType say who the client is in which messenger.
	PlatformID salebot.PlatformID
	GroupID    salebot.GroupID
	ClientType salebot.ClientType
	// Name is the person's name.
	Name string
	// Paused and Unreachable are those of Client.
	Paused      bool
	Unreachable string
	// Messages is the length of the conversation, callbacks included.
	Messages int
	// Last is the latest message; nil if there is none.
	Last *Message
	// Active is the time of the latest message, or that of the client's creation.
	Active time.Time
}

// ChatQuery says which chats are wanted.
type ChatQuery struct {
	// Text is looked for in the names and numbers of the clients, in any case of
	// letters; empty finds all.
	Text string
	// ClientType is the messenger; nil means all of them.
	ClientType *salebot.ClientType
	// Offset is the number of chats to leave out, Limit the number of chats to
	// return.
	Offset, Limit int
}

// Chats returns a part of the chats, the latest active one first, and the number
// of all that match.
func (e *Emulator) Chats(query ChatQuery) (chats []Chat, total int) {
	text := strings.ToLower(strings.TrimSpace(query.Text))
	e.read(func(p *project) {
		found := make([]place, 0, len(p.roll))
		for i, c := range p.roll {
			if query.ClientType != nil && *query.ClientType != c.kind || !c.contains(text) {
				continue
			}
			found = append(found, place{active: c.active(), index: i})
		}
		total = len(found)
		slices.SortFunc(found, func(a, b place) int {
			return cmp.Or(cmp.Compare(b.active, a.active), cmp.Compare(b.index, a.index))
		})
		first := min(max(query.Offset, 0), total)
		last := min(first+max(query.Limit, 0), total)
		for _, at := range found[first:last] {
			chats = append(chats, p.roll[at.index].chat())
		}
	})
	return chats, total
}

// place is where a client stands in the list of chats.
type place struct {
	active int64
	index  int
}

func (c *client) active() int64 {
	if len(c.history) > 0 {
		return c.history[len(c.history)-1].at
	}
	return c.createdAt
}

// contains reports whether a text, in lower case, is in what names the client.
func (c *client) contains(text string) bool {
	return text == "" ||
		strings.Contains(strings.ToLower(c.name), text) ||
		strings.Contains(strings.ToLower(c.platform), text) ||
		strings.Contains(strconv.FormatInt(c.id, 10), text) ||
		strings.Contains(strings.ToLower(c.group), text)
}

func (c *client) chat() Chat {
	chat := Chat{
		ClientID: salebot.ClientID(c.id), PlatformID: salebot.PlatformID(c.platform), GroupID: salebot.GroupID(c.group),
		ClientType: c.kind, Name: c.name, Paused: c.paused, Unreachable: c.unreachable,
		Messages: len(c.history), Active: timeOf(c.active()),
	}
	if len(c.history) > 0 {
		chat.Last = new(c.export(&c.history[len(c.history)-1]))
	}
	return chat
}

// Conversation is a part of a conversation.
type Conversation struct {
	// Messages are the oldest first, callbacks included.
	Messages []Message
	// Before and After are how many messages of the conversation stand before and
	// after them.
	Before, After int
}

// ConversationQuery says which part of a conversation is wanted. The zero values
// of Before and After mean its end.
type ConversationQuery struct {
	// Before and After are the messages next to the part, of which one at most may
	// be given. If such a message is no longer there, the end of the
	// conversation is returned.
	Before, After salebot.MessageID
	// Limit is the number of messages to return.
	Limit int
}

// Conversation returns a part of a conversation; ok is false if there is no
// such client.
func (e *Emulator) Conversation(id salebot.ClientID, query ConversationQuery) (part Conversation, ok bool) {
	e.read(func(p *project) {
		c := p.clients[int64(id)]
		if c == nil {
			return
		}
		ok = true
		last := len(c.history)
		first := max(last-max(query.Limit, 0), 0)
		if at := c.position(query.After); at >= 0 {
			first = at + 1
			last = min(first+max(query.Limit, 0), last)
		} else if at := c.position(query.Before); at >= 0 {
			last = at
			first = max(last-max(query.Limit, 0), 0)
		}
		part.Before, part.After = first, len(c.history)-last
		part.Messages = make([]Message, 0, last-first)
		for i := first; i < last; i++ {
			part.Messages = append(part.Messages, c.export(&c.history[i]))
		}
	})
	return part, ok
}

// position finds a message from the end, since the wanted ones are mostly there.
func (c *client) position(id salebot.MessageID) int {
	if id == 0 {
		return -1
	}
	for i, m := range slices.Backward(c.history) {
		if m.id == int64(id) {
			return i
		}
	}
	return -1
}

var errNoButton = errors.New("there is no such button")

// PressUnder is Press for the button of one message, given by the number of the
// message and the place of the button in it, counted from 0.
func (e *Emulator) PressUnder(id salebot.ClientID, under salebot.MessageID, button int) (Message, error) {
	return e.speak(id, func(p *project, c *client, at int64) (*message, error) {
		place := c.position(under)
		if place < 0 || c.history[place].more == nil || button < 0 || button >= len(c.history[place].more.buttons) {
			return nil, errNoButton
		}
		return p.press(c, c.history[place].more.buttons[button], at)
	})
}

// SetReachable lets messages to a client arrive again, or fail with the text of
// an error. It reports whether there is such a client.
func (e *Emulator) SetReachable(id salebot.ClientID, failure string) bool {
	return e.alterClient(id, func(c *client) { c.unreachable = failure })
}

// SetPaused makes the bot keep quiet for a client, as when an employee takes
// over, or ends that. It reports whether there is such a client.
func (e *Emulator) SetPaused(id salebot.ClientID, paused bool) bool {
	return e.alterClient(id, func(c *client) { c.paused = paused })
}

func (e *Emulator) alterClient(id salebot.ClientID, alter func(*client)) bool {
	found := false
	_ = e.change(func(p *project, _ int64) error {
		if c := p.clients[int64(id)]; c != nil {
			alter(c)
			p.touch(c)
			found = true
		}
		return nil
	})
	return found
}

// States returns the states of deals, in their order.
func (e *Emulator) States() []State {
	var states []State
	e.read(func(p *project) { states = slices.Clone(p.states) })
	return states
}

// ChangedClients returns who has changed since a revision, and the present revision.
// all says that it may be anybody: there are more than limit, or the state is another
// one. The first revision to ask for is 0.
func (e *Emulator) ChangedClients(since int64, limit int) (ids []salebot.ClientID, now int64, all bool) {
	e.read(func(p *project) {
		now = p.revision
		if since == now {
			return
		}
		if all = since < p.begun; all {
			return
		}
		for _, c := range p.roll {
			if c.revision <= since {
				continue
			}
			if all = len(ids) == limit; all {
				ids = nil
				return
			}
			ids = append(ids, salebot.ClientID(c.id))
		}
	})
	return ids, now, all
}
