package emulator

import (
	"cmp"
	"container/heap"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/salebot-go/salebot"
)

// ProjectVersion is the version of the form of Project.
const ProjectVersion = 1

// Project is the whole state of an emulated project, for snapshots and for files
// to begin with. Keys, answers, the webhook and the time zone are settings and
// no part of it.
type Project struct {
	// Version is ProjectVersion; zero means the same.
	Version int `json:"version,omitempty"`
	// ID is the number of the project. Zero means DefaultProjectID.
	ID salebot.ProjectID `json:"id,omitempty"`
	// Channels are the connected messengers; nil means DefaultChannels.
	Channels []Channel `json:"channels"`
	// Blocks are the flow.
	Blocks []Block `json:"blocks,omitempty"`
	// Employees are who works with the project; nil means DefaultEmployees.
	Employees []Employee `json:"employees"`
	// States are the states of deals in their order; nil means DefaultStates.
	States []State `json:"states"`
	// Clients are the clients and their conversations, in the order of creation.
	Clients []PersonState `json:"clients,omitempty"`
	// Lists are the client lists.
	Lists []List `json:"lists,omitempty"`
	// Orders are the deals, in the order of creation.
	Orders []Order `json:"orders,omitempty"`
	// Scheduled is what waits for its time.
	Scheduled []Scheduled `json:"scheduled,omitempty"`
	// WithoutWhatsApp are phone numbers that have no WhatsApp.
	WithoutWhatsApp []string `json:"without_whatsapp,omitempty"`
	// InstagramFollowers are the accounts that follow the project's page.
	InstagramFollowers []string `json:"instagram_followers,omitempty"`
	// Next are the numbers to give next.
	Next FirstIDs `json:"next,omitzero"`
	// ClockOffset is how far Advance has put the clock forward. Zero, as in states
	// that were saved without it, means the real time.
	ClockOffset Duration `json:"clock_offset,omitzero"`
}

// PersonState is a client and its conversation.
type PersonState struct {
	Person
	// History is the conversation, the oldest message first.
	History []Message `json:"history,omitempty"`
}

// List is a client list.
type List struct {
	// ID is the number of the list.
	ID salebot.ListID `json:"id"`
	// Clients are its members, in the order in which they were added.
	Clients []salebot.ClientID `json:"clients"`
}

// Snapshot returns the whole state.
func (e *Emulator) Snapshot() Project {
	var state Project
	e.read(func(p *project) {
		state = p.export()
		state.ClockOffset = Duration(e.clock.offset.Load())
	})
	return state
}

// Restore replaces the whole state, and puts the clock where it was then: what is
// scheduled is as far away as it was. If the new state is not sound the error
// says why and everything stays as it is.
func (e *Emulator) Restore(state Project) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	fresh, err := state.build(e.clock.Now())
	if err != nil {
		return err
	}
	fresh.pace, fresh.maxMessages = e.project.pace, e.project.maxMessages
	e.replace(fresh)
	e.changes.notify()
	return nil
}

// exportFrame is the state without clients and what is theirs.
func (p *project) exportFrame() Project {
	return Project{
		Version: ProjectVersion, ID: salebot.ProjectID(p.id),
		Channels: append([]Channel{}, p.channels...), Blocks: slices.Clone(p.blocks),
		Employees: append([]Employee{}, p.employees...), States: append([]State{}, p.states...),
		WithoutWhatsApp:    slices.Sorted(maps.Keys(p.absent)),
		InstagramFollowers: slices.Sorted(maps.Keys(p.followers)),
		Next: FirstIDs{
			Client: salebot.ClientID(p.next.client), Message: salebot.MessageID(p.next.message), Order: salebot.OrderID(p.next.order),
		},
	}
}

func (p *project) export() Project {
	state := p.exportFrame()
	state.Scheduled = p.exportSchedule()
	for _, c := range p.roll {
		exported := PersonState{Person: p.exportClient(c)}
		// Lists and deals have a place of their own.
		exported.Lists, exported.Variables = nil, nil
		if len(c.variables)+len(c.loose) > 0 {
			exported.Variables = map[string]any{}
			for name, value := range c.variables {
				exported.Variables[ownPrefix+name] = value
			}
			for name, value := range c.loose {
				exported.Variables[name] = value
			}
		}
		exported.History = make([]Message, len(c.history))
		for i := range c.history {
			exported.History[i] = c.export(&c.history[i])
		}
		state.Clients = append(state.Clients, exported)
	}
	for _, id := range slices.Sorted(maps.Keys(p.lists)) {
		exported := List{ID: salebot.ListID(id), Clients: []salebot.ClientID{}}
		for _, c := range p.lists[id].members {
			exported.Clients = append(exported.Clients, salebot.ClientID(c.id))
		}
		state.Lists = append(state.Lists, exported)
	}
	for _, id := range slices.Sorted(maps.Keys(p.orders)) {
		state.Orders = append(state.Orders, p.orders[id].export())
	}
	return state
}

// add puts what options describe on top of a state.
func (state *Project) add(given *Project) {
	state.ID = cmp.Or(given.ID, state.ID)
	state.Next.Client = cmp.Or(given.Next.Client, state.Next.Client)
	state.Next.Message = cmp.Or(given.Next.Message, state.Next.Message)
	state.Next.Order = cmp.Or(given.Next.Order, state.Next.Order)
	if given.Channels != nil {
		state.Channels = given.Channels
	}
	if given.Employees != nil {
		state.Employees = given.Employees
	}
	if given.States != nil {
		state.States = given.States
	}
	state.Blocks = slices.Concat(state.Blocks, given.Blocks)
	state.Clients = slices.Concat(state.Clients, given.Clients)
	state.Orders = slices.Concat(state.Orders, given.Orders)
}

// build makes a state of its description. The time is that of the clock without
// the offset of the state.
func (state *Project) build(clock time.Time) (*project, error) {
	var found mistakes
	if state.Version != 0 && state.Version != ProjectVersion {
		found.add("version", "a project of version %d, but only version %d can be read", state.Version, ProjectVersion)
		return nil, errors.Join(found...)
	}
	if state.ClockOffset < 0 {
		found.add("clock_offset", "it must not be negative")
	}
	p := newProject()
	p.clockOffset = time.Duration(state.ClockOffset)
	now := micro(clock.Add(p.clockOffset))
	p.id = cmp.Or(int64(state.ID), p.id)
	p.next.client = cmp.Or(int64(state.Next.Client), p.next.client)
	p.next.message = cmp.Or(int64(state.Next.Message), p.next.message)
	p.next.order = cmp.Or(int64(state.Next.Order), p.next.order)
	p.channels, p.employees, p.states = DefaultChannels(), DefaultEmployees(), DefaultStates()
	if state.Channels != nil {
		p.channels = slices.Clone(state.Channels)
	}
	if state.Employees != nil {
		p.employees = slices.Clone(state.Employees)
	}
	if state.States != nil {
		p.states = slices.Clone(state.States)
	}
	for i := range p.channels {
		if p.channels[i].ID == 0 {
			p.channels[i].ID = salebot.ChannelID(i + 1)
		}
	}
	for _, phone := range state.WithoutWhatsApp {
		p.absent[digitsOf(phone)] = true
	}
	for _, account := range state.InstagramFollowers {
		p.followers[accountName(account)] = true
	}
	p.buildBlocks(state, &found)
	p.buildClients(state, now, &found)
	p.buildLists(state, &found)
	p.buildOrders(state, now, &found)
	p.buildSchedule(state)
	if len(found) > 0 {
		return nil, errors.Join(found...)
	}
	return p, nil
}

func (p *project) buildBlocks(state *Project, found *mistakes) {
	for i, block := range state.Blocks {
		switch {
		case block.ID <= 0:
			found.add(placed("blocks", i, ".id"), "the number must be positive")
		case p.blockByID(int64(block.ID)) != nil:
			found.add(placed("blocks", i, ".id"), "there are two blocks %d", block.ID)
		}
		block.Buttons = slices.Clone(block.Buttons)
		for i := range block.Buttons {
			if block.Buttons[i].Type == "" {
				block.Buttons[i].Type = "reply"
			}
		}
		p.blocks = append(p.blocks, block)
	}
}

func (p *project) buildClients(state *Project, now int64, found *mistakes) {
	for i := range state.Clients {
		seed := &state.Clients[i]
		c, err := p.seedClient(seed.Person, now)
		if err != nil {
			found.add(placed("clients", i, ""), "%v", err)
			continue
		}
		c.history = make([]message, len(seed.History))
		for i := range seed.History {
			c.history[i] = p.keep(&seed.History[i], now)
		}
		slices.SortStableFunc(c.history, func(a, b message) int { return cmp.Compare(a.at, b.at) })
	}
}

// keep makes a message of its description.
func (p *project) keep(m *Message, now int64) message {
	kept := message{
		id: int64(m.ID), at: microOr(m.Time, now), text: m.Text, block: int64(m.BlockID), origin: m.Origin, fromClient: m.FromClient,
	}
	if kept.id == 0 {
		kept.id = p.next.message
	}
	p.next.message = max(p.next.message, kept.id+1)
	if m.Hint != "" || len(m.Buttons) > 0 || len(m.Attachments) > 0 || m.Error != "" || m.Employee != nil || len(m.Variables) > 0 {
		kept.more = &details{
			hint: m.Hint, buttons: slices.Clone(m.Buttons), attachments: slices.Clone(m.Attachments), failure: m.Error,
			variables: maps.Clone(m.Variables),
		}
		if m.Employee != nil {
			kept.more.employee = new(*m.Employee)
		}
	}
	return kept
}

func (p *project) buildLists(state *Project, found *mistakes) {
	for i, seed := range state.Lists {
		l := p.list(int64(seed.ID))
		for j, id := range seed.Clients {
			if c := p.clients[int64(id)]; c != nil {
				l.add(c)
			} else {
				found.add(placed("lists", i, placed(".clients", j, "")), "there is no client %d", id)
			}
		}
	}
}

func (p *project) buildOrders(state *Project, now int64, found *mistakes) {
	for i, seed := range state.Orders {
		c := p.clients[int64(seed.ClientID)]
		switch {
		case c == nil:
			found.add(placed("orders", i, ".client_id"), "there is no client %d", seed.ClientID)
			continue
		case p.orders[int64(seed.ID)] != nil:
			found.add(placed("orders", i, ".id"), "there are two orders %d", seed.ID)
			continue
		}
		o := &order{
			id: int64(seed.ID), name: seed.Name, description: seed.Description, budget: seed.Budget,
			state: int64(seed.StateID), status: seed.Status, createdAt: microOr(seed.CreatedAt, now),
		}
		for name, value := range seed.Variables {
			encoded, err := encodedVariable(value)
			if err != nil {
				found.add(placed("orders", i, ".variables"), "variable %q: %v", name, err)
				continue
			}
			if o.variables == nil {
				o.variables = variables{}
			}
			o.variables[name] = encoded
		}
		p.addOrder(c, o)
	}
}

func (p *project) buildSchedule(state *Project) {
	for _, seed := range state.Scheduled {
		p.next.scheduled = max(p.next.scheduled, seed.ID+1)
		p.schedule = append(p.schedule, seed.send())
	}
	heap.Init(&p.schedule)
}

// timeOf is a moment in the form in which it is shown to users of the package.
func timeOf(at int64) time.Time { return time.UnixMicro(at).UTC() }
