package emulator

import (
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/wire"
)

// Replay makes a state of records, in the order in which Records and a journal
// gave them. Make it with NewReplay.
type Replay struct {
	emulator *Emulator
	project  *project
	gone     bool
	waiting  map[int64]*send
}

// NewReplay begins with a state that is empty.
func (e *Emulator) NewReplay() *Replay {
	return &Replay{emulator: e, project: newProject(), waiting: map[int64]*send{}}
}

// End gives the emulator the state that the records described. A journal is told
// what changes from then on; it may be nil.
func (r *Replay) End(journal Journal) {
	e, p := r.emulator, r.project
	if r.gone {
		p.roll = slices.DeleteFunc(p.roll, func(c *client) bool { return p.clients[c.id] != c })
	}
	for _, c := range p.roll {
		p.persons[c.person] = c
		p.platforms[c.platform] = append(p.platforms[c.platform], c)
		for _, o := range c.orders {
			p.orders[o.id] = o
		}
	}
	for _, s := range r.waiting {
		p.schedule = append(p.schedule, s)
	}
	heap.Init(&p.schedule)
	e.mu.Lock()
	defer e.mu.Unlock()
	p.pace, p.maxMessages = e.project.pace, e.project.maxMessages
	for _, c := range p.roll {
		c.forget(p.maxMessages)
	}
	e.journal = nil
	e.replace(p)
	if journal != nil {
		e.follow(journal)
	}
	e.changes.notify()
}

var errRecord = errors.New("a record that is not understood")

// Take carries out a record.
func (r *Replay) Take(record []byte) error {
	var parts [][]byte
	err := wire.Elements(record, func(part []byte) error {
		parts = append(parts, part)
		return nil
	})
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		return errRecord
	}
	word, err := wire.Text(parts[0])
	if err != nil {
		return err
	}
	if err := r.take(word, parts[1:]); err != nil {
		return fmt.Errorf("%s: %w", word, err)
	}
	return nil
}

func (r *Replay) take(word string, parts [][]byte) error {
	if word == wordChange { // which may be empty
		for _, part := range parts {
			if err := r.Take(part); err != nil {
				return err
			}
		}
		return nil
	}
	if len(parts) == 0 {
		return errRecord
	}
	switch word {
	case wordHistory:
		return r.history(parts[0], parts[1:])
	case wordSaid:
		return r.said(parts[0], parts[1:])
	case wordProject:
		return r.frame(parts[0])
	case wordClient:
		return r.client(parts[0])
	case wordWaiting:
		var waiting Scheduled
		if err := json.Unmarshal(parts[0], &waiting); err != nil {
			return err
		}
		r.waiting[waiting.ID] = waiting.send()
		return nil
	}
	numbers := make([]int64, len(parts))
	for i, part := range parts {
		var err error
		if numbers[i], err = wire.Int(part); err != nil {
			return err
		}
	}
	return r.event(word, numbers)
}

// event carries out a record that is all numbers, at least one.
func (r *Replay) event(word string, numbers []int64) error {
	p := r.project
	switch word {
	case wordCleared:
		if c := p.clients[numbers[0]]; c != nil {
			c.history = nil
		}
	case wordGone:
		r.gone = true
		ids := setOf(numbers)
		for id := range ids {
			delete(p.clients, id)
		}
		for _, l := range p.lists {
			l.remove(ids)
		}
	case wordList:
		delete(p.lists, numbers[0])
		r.join(numbers[0], numbers[1:])
	case wordJoined:
		r.join(numbers[0], numbers[1:])
	case wordLeft:
		p.list(numbers[0]).remove(setOf(numbers[1:]))
	case wordSent:
		delete(r.waiting, numbers[0])
	case wordNext:
		if len(numbers) != 4 {
			return errRecord
		}
		p.next = counters{client: numbers[0], message: numbers[1], order: numbers[2], scheduled: numbers[3]}
	case wordClock:
		p.clockOffset = timeOf(numbers[0]).Sub(timeOf(0))
	default:
		return errRecord
	}
	return nil
}

func setOf(ids []int64) map[int64]bool {
	set := make(map[int64]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func (r *Replay) join(list int64, ids []int64) {
	l := r.project.list(list)
	for _, id := range ids {
		if c := r.project.clients[id]; c != nil {
			l.add(c)
		}
	}
}

// frame takes everything but clients and what is theirs.
func (r *Replay) frame(text []byte) error {
	var frame Project
	if err := frame.UnmarshalJSON(text); err != nil {
		return err
	}
	fresh, err := frame.build(r.emulator.clock.Now())
	if err != nil {
		return err
	}
	fresh.next.scheduled = r.project.next.scheduled
	r.project = fresh
	return nil
}

// client takes a client, a new one or one that is known.
func (r *Replay) client(text []byte) error {
	var given clientRecord
	if err := json.Unmarshal(text, &given); err != nil {
		return err
	}
	p, seed := r.project, &given.Person
	c := p.clients[int64(seed.ID)]
	if c == nil {
		c = &client{id: int64(seed.ID)}
		p.clients[c.id] = c
		p.roll = append(p.roll, c)
	}
	c.person = person{kind: seed.ClientType, platform: string(seed.PlatformID), group: string(seed.GroupID)}
	c.avatar, c.tag = seed.Avatar, seed.Tag
	c.createdAt, c.updatedAt = micro(seed.CreatedAt), micro(seed.UpdatedAt)
	c.block, c.paused, c.unreachable, c.employee = int64(seed.BlockID), seed.Paused, seed.Unreachable, seed.Employee
	c.orders, c.variables, c.loose = nil, nil, nil
	for name, value := range given.Variables {
		c.save(name, value)
	}
	c.name = seed.Name // it may be a later one than the variable
	for _, deal := range given.Deals {
		c.orders = append(c.orders, &order{
			id: int64(deal.ID), client: c.id, name: deal.Name, description: deal.Description, budget: deal.Budget,
			state: int64(deal.StateID), status: deal.Status, variables: deal.Variables, createdAt: micro(deal.CreatedAt),
		})
	}
	return nil
}

// history takes the whole conversation of a client.
func (r *Replay) history(of []byte, parts [][]byte) error {
	id, err := wire.Int(of)
	c := r.project.clients[id]
	if err != nil || c == nil {
		return err
	}
	c.history = make([]message, len(parts))
	for i, part := range parts {
		if c.history[i], err = readMessage(part); err != nil {
			return err
		}
	}
	return nil
}

// said takes one more message of a client. It may be there already, and the client
// may be gone.
func (r *Replay) said(to []byte, parts [][]byte) error {
	id, err := wire.Int(to)
	c := r.project.clients[id]
	switch {
	case err != nil || c == nil:
		return err
	case len(parts) != 1:
		return errRecord
	}
	m, err := readMessage(parts[0])
	if err != nil {
		return err
	}
	if n := len(c.history); n == 0 || c.history[n-1].id < m.id {
		c.history = append(c.history, m)
	}
	c.heard(&m)
	return nil
}

// readMessage reads what message.append wrote.
func readMessage(text []byte) (m message, err error) {
	at := 0
	err = wire.Elements(text, func(part []byte) (err error) {
		var n int64
		switch at++; at {
		case 1:
			m.id, err = wire.Int(part)
		case 2:
			m.at, err = wire.Int(part)
		case 3:
			m.fromClient = string(part) == `"`+directionIn+`"`
		case 4:
			m.text, err = wire.Text(part)
		case 5:
			m.block, err = wire.Int(part)
		case 6:
			n, err = wire.Int(part)
			m.origin = salebot.HistoryOrigin(n)
		case 7:
			m.more, err = readDetails(part)
		}
		return err
	})
	if err == nil && at < 4 {
		err = errRecord
	}
	return m, err
}

func readDetails(text []byte) (*details, error) {
	var read detailsRecord
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	return &details{
		hint: read.Hint, buttons: read.Buttons, attachments: read.Attachments, failure: read.Failure,
		employee: read.Employee, variables: read.Variables,
	}, nil
}
