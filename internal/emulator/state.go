package emulator

import (
	"maps"
	"slices"
	"time"

	"github.com/salebot-go/salebot"
)

// project is the state of the emulated project. It knows nothing of HTTP, of
// locks and of goroutines: whoever uses it holds the emulator's lock.
type project struct {
	// answers and location are settings; they are replaced, never changed.
	answers  *Answers
	location *time.Location
	// changed collects what the journal has to be told; nil while there is none.
	changed *changeRecord
	// revision rises with each change of a client, who has that of its latest one.
	revision int64
	// begun is the revision with which this state began.
	begun int64
	// outbox takes each message for the webhook; nil while there is none.
	outbox func(*client, *message)
	// request takes the request of a block; nil while nothing may be sent.
	request func(*Delivery)

	id        int64
	next      counters
	clients   map[int64]*client
	roll      []*client // in the order of creation
	persons   map[person]*client
	platforms map[string][]*client
	lists     map[int64]*list
	orders    map[int64]*order

	channels  []Channel
	blocks    []Block
	employees []Employee
	states    []State
	absent    map[string]bool // phones without WhatsApp
	followers map[string]bool // accounts that follow the Instagram page

	// clockOffset is where the clock of the emulator begins with this state.
	clockOffset time.Duration

	schedule schedule
	pace     time.Duration // between two messages of a broadcast
	// maxMessages bounds the history of a client; 0 keeps all.
	maxMessages int
}

// counters are the next numbers to give.
type counters struct {
	client, message, order, scheduled int64
}

// The first numbers are as large as those of live projects: messages are beyond
// 32 bits there.
const (
	firstClient  = 836_000_001
	firstMessage = 22_560_000_001
	firstOrder   = 7_000_001

	// DefaultProjectID is the number of an emulated project.
	DefaultProjectID salebot.ProjectID = 424_000
	// DefaultBroadcastPace is the time between two messages of a broadcast that
	// does not say its own, as documented.
	DefaultBroadcastPace = 200 * time.Millisecond
)

func newProject() *project {
	return &project{
		answers:   &Answers{},
		location:  time.UTC,
		id:        int64(DefaultProjectID),
		next:      counters{client: firstClient, message: firstMessage, order: firstOrder, scheduled: 1},
		clients:   map[int64]*client{},
		persons:   map[person]*client{},
		platforms: map[string][]*client{},
		lists:     map[int64]*list{},
		orders:    map[int64]*order{},
		absent:    map[string]bool{},
		followers: map[string]bool{},
		pace:      DefaultBroadcastPace,
	}
}

// person is who a client is in a messenger. A person who writes to two bots is
// two clients.
type person struct {
	kind            salebot.ClientType
	platform, group string
}

// client is a person in the project.
type client struct {
	person
	id                   int64
	name, avatar, tag    string
	createdAt, updatedAt int64
	// block is where the client stands in the flow; 0 at its beginning.
	block int64
	// paused says that the bot keeps quiet, because an employee took over.
	paused bool
	// unreachable is the error of every message to the client; "" for none.
	unreachable string
	employee    string
	variables   variables
	// loose are the variables of the deal while there is no deal.
	loose  variables
	orders []*order
	// history is in the order of time.
	history  []message
	revision int64
}

// touch notes that a client or a deal of it has changed.
func (p *project) touch(c *client) {
	p.seen(c)
	p.changed.touch(c)
}

// seen is touch for what the journal is told in another way.
func (p *project) seen(c *client) {
	p.revision++
	c.revision = p.revision
}

// addClient puts a client into the project. Its person must be new.
func (p *project) addClient(c *client) {
	if c.id == 0 {
		c.id = p.next.client
	}
	p.next.client = max(p.next.client, c.id+1)
	p.clients[c.id] = c
	p.roll = append(p.roll, c)
	p.persons[c.person] = c
	p.platforms[c.platform] = append(p.platforms[c.platform], c)
	p.touch(c)
}

// getOrCreate returns the client of a person.
func (p *project) getOrCreate(who person, at int64) *client {
	if c := p.persons[who]; c != nil {
		return c
	}
	c := &client{person: who, createdAt: at, updatedAt: at}
	p.addClient(c)
	return c
}

// removeClients takes clients out of the project, with all that is theirs.
func (p *project) removeClients(ids map[int64]bool) {
	gone := func(c *client) bool { return ids[c.id] }
	for id := range ids {
		c := p.clients[id]
		if c == nil {
			continue
		}
		delete(p.clients, id)
		delete(p.persons, c.person)
		p.platforms[c.platform] = slices.DeleteFunc(p.platforms[c.platform], gone)
		if len(p.platforms[c.platform]) == 0 {
			delete(p.platforms, c.platform)
		}
		for _, o := range c.orders {
			delete(p.orders, o.id)
		}
	}
	p.revision++
	p.begun = p.revision // anybody may have been in view
	p.changed.about(wordGone, slices.Sorted(maps.Keys(ids))...)
	p.roll = slices.DeleteFunc(p.roll, gone)
	for _, l := range p.lists {
		l.remove(ids)
	}
}

// heard is what a message says of its client.
func (c *client) heard(m *message) {
	c.updatedAt = max(c.updatedAt, m.at)
	if m.block != 0 && !m.fromClient {
		c.block = m.block
	}
}

// forget leaves a conversation its latest messages; 0 leaves all.
func (c *client) forget(most int) {
	if surplus := len(c.history) - most; most > 0 && surplus > 0 {
		c.history = slices.Delete(c.history, 0, surplus)
	}
}
