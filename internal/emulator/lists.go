package emulator

import (
	"maps"
	"slices"

	"github.com/salebot-go/salebot"
)

// list is a client list. Lists come into being when a client is added: the API
// has no action that makes one.
type list struct {
	id      int64
	members []*client // in the order in which they were added
	has     map[int64]bool
}

// list returns a list, a new one if there was none.
func (p *project) list(id int64) *list {
	l := p.lists[id]
	if l == nil {
		l = &list{id: id, has: map[int64]bool{}}
		p.lists[id] = l
	}
	return l
}

// join adds a client to a list.
func (p *project) join(id int64, c *client) {
	p.list(id).add(c)
	p.seen(c)
	p.changed.about(wordJoined, id, c.id)
}

func (l *list) add(c *client) {
	if !l.has[c.id] {
		l.has[c.id] = true
		l.members = append(l.members, c)
	}
}

func (l *list) remove(ids map[int64]bool) {
	l.members = slices.DeleteFunc(l.members, func(c *client) bool { return ids[c.id] })
	for id := range ids {
		delete(l.has, id)
	}
}

func (p *project) listsOf(c *client) []salebot.ListID {
	var ids []salebot.ListID
	for _, id := range slices.Sorted(maps.Keys(p.lists)) {
		if p.lists[id].has[c.id] {
			ids = append(ids, salebot.ListID(id))
		}
	}
	return ids
}

// ListMembers returns the clients of a list, in the order in which they were
// added.
func (e *Emulator) ListMembers(id salebot.ListID) []salebot.ClientID {
	var members []salebot.ClientID
	e.read(func(p *project) {
		if l := p.lists[int64(id)]; l != nil {
			for _, c := range l.members {
				members = append(members, salebot.ClientID(c.id))
			}
		}
	})
	return members
}

// Actions.

func addToList(c *call) reply {
	id, ids, problem := c.membership()
	if problem != nil {
		return *problem
	}
	// Clients that do not exist are skipped; Salebot's answer is not known.
	for _, member := range c.known("clients", ids) {
		c.project.join(id, member)
	}
	return c.project.acknowledged()
}

func removeFromList(c *call) reply {
	id, ids, problem := c.membership()
	if problem != nil {
		return *problem
	}
	c.known("clients", ids)
	gone := make(map[int64]bool, len(ids))
	for _, member := range ids {
		gone[member] = true
	}
	if l := c.project.lists[id]; l != nil {
		l.remove(gone)
		c.project.changed.about(wordLeft, append([]int64{id}, ids...)...)
	}
	return c.project.acknowledged()
}

func (c *call) membership() (list int64, clients []int64, problem *reply) {
	if list, problem = c.positiveID("list_id"); problem == nil {
		clients, problem = c.ids("clients")
	}
	return list, clients, problem
}
