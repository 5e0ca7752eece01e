package emulator

import (
	"fmt"
	"slices"

	"github.com/salebot-go/salebot"
)

// What a person changes by hand.

// DeleteClient takes a client out of the project. It reports whether there was one.
func (e *Emulator) DeleteClient(id salebot.ClientID) bool {
	found := false
	_ = e.change(func(p *project, _ int64) error {
		if found = p.clients[int64(id)] != nil; found {
			p.removeClients(map[int64]bool{int64(id): true})
		}
		return nil
	})
	return found
}

// SetVariables changes variables of a client, under the names that save_variables
// takes. A value of nil removes a variable.
func (e *Emulator) SetVariables(id salebot.ClientID, values map[string]*string) error {
	return e.change(func(p *project, now int64) error {
		c := p.clients[int64(id)]
		if c == nil {
			return noClient(id)
		}
		for name, value := range values {
			if value == nil {
				c.unset(name)
				continue
			}
			encoded, err := encodedVariable(*value)
			if err != nil {
				return fmt.Errorf("variable %q: %w", name, err)
			}
			c.save(name, encoded)
		}
		c.updatedAt = now
		p.touch(c)
		return nil
	})
}

// OrderChange is what is to change of a deal; nil leaves something as it is.
type OrderChange struct {
	Name, Description *string
	Budget            *float64
	StateID           *salebot.StateID
	Status            *salebot.OrderStatus
	// Variables are new values; nil removes a variable.
	Variables map[string]*string
}

// ChangeOrder changes a deal.
func (e *Emulator) ChangeOrder(id salebot.OrderID, wanted OrderChange) error {
	return e.change(func(p *project, _ int64) error {
		o := p.orders[int64(id)]
		if o == nil {
			return fmt.Errorf("there is no deal %d", id)
		}
		if wanted.StateID != nil && !slices.ContainsFunc(p.states, func(s State) bool { return s.ID == *wanted.StateID }) {
			return fmt.Errorf("there is no state %d", *wanted.StateID)
		}
		set(&o.name, wanted.Name)
		set(&o.description, wanted.Description)
		set(&o.budget, wanted.Budget)
		set(&o.status, wanted.Status)
		if wanted.StateID != nil {
			o.state = int64(*wanted.StateID)
		}
		for name, value := range wanted.Variables {
			if value == nil {
				delete(o.variables, name)
				continue
			}
			encoded, err := encodedVariable(*value)
			if err != nil {
				return fmt.Errorf("variable %q: %w", name, err)
			}
			if o.variables == nil {
				o.variables = variables{}
			}
			o.variables[name] = encoded
		}
		c := p.clients[o.client]
		c.adoptLoose()
		p.touch(c)
		return nil
	})
}

func set[T any](target, value *T) {
	if value != nil {
		*target = *value
	}
}

// AddOrder puts a deal into the project and returns its number.
func (e *Emulator) AddOrder(wanted Order) (salebot.OrderID, error) {
	var id salebot.OrderID
	err := e.change(func(p *project, now int64) error {
		c := p.clients[int64(wanted.ClientID)]
		if c == nil {
			return noClient(wanted.ClientID)
		}
		o := &order{name: wanted.Name, description: wanted.Description, budget: wanted.Budget, state: int64(wanted.StateID), createdAt: now}
		p.addOrder(c, o)
		id = salebot.OrderID(o.id)
		return nil
	})
	return id, err
}

// Blocks returns the flow.
func (e *Emulator) Blocks() []Block {
	var blocks []Block
	e.read(func(p *project) { blocks = slices.Clone(p.blocks) })
	return blocks
}

// Employees returns who works with the project.
func (e *Emulator) Employees() []Employee {
	var employees []Employee
	e.read(func(p *project) { employees = slices.Clone(p.employees) })
	return employees
}

// LookupMessage returns a message by its number; ok is false if no conversation has
// it.
func (e *Emulator) LookupMessage(id salebot.MessageID) (found Message, ok bool) {
	e.read(func(p *project) {
		for _, c := range p.roll {
			if at := c.position(id); at >= 0 {
				found, ok = c.export(&c.history[at]), true
				return
			}
		}
	})
	return found, ok
}
