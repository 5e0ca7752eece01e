package emulator

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/wire"
)

// Order is a deal of the emulated project.
type Order struct {
	// ID is the number of the deal. Zero asks for the next free one.
	ID salebot.OrderID `json:"id,omitempty"`
	// ClientID is the client whose deal it is; required.
	ClientID salebot.ClientID `json:"client_id"`
	// Name is the name of the deal.
	Name string `json:"name,omitempty"`
	// Description is the description of the deal.
	Description string `json:"description,omitempty"`
	// Budget is the amount of the deal.
	Budget float64 `json:"budget,omitempty"`
	// StateID is where the deal stands. Zero means the first state.
	StateID salebot.StateID `json:"state_id,omitempty"`
	// Status reports whether the deal is active, which is the zero value, or how it
	// ended.
	Status salebot.OrderStatus `json:"status,omitempty"`
	// Variables are the variables of the deal.
	Variables map[string]any `json:"variables,omitempty"`
	// CreatedAt is the time at which the deal was created. Zero means now.
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// State is a state of a deal, a column of the CRM. Deals go through the states
// in their order.
type State struct {
	// ID is the number of the state.
	ID salebot.StateID `json:"id"`
	// Name is its name.
	Name string `json:"name,omitempty"`
}

// DefaultStates are the states of deals if WithStates names none.
func DefaultStates() []State {
	return []State{{ID: 36, Name: "New"}, {ID: 37, Name: "In progress"}, {ID: 38, Name: "Done"}}
}

type order struct {
	id, client        int64
	name, description string
	budget            float64
	state             int64
	status            salebot.OrderStatus
	variables         variables
	createdAt         int64
}

// currentOrder is the latest active deal.
func (c *client) currentOrder() *order {
	for _, o := range slices.Backward(c.orders) {
		if o.status == salebot.OrderStatusActive {
			return o
		}
	}
	return nil
}

// Orders returns the deals of a client, the oldest first.
func (e *Emulator) Orders(id salebot.ClientID) []Order {
	var orders []Order
	e.read(func(p *project) {
		if c := p.clients[int64(id)]; c != nil {
			for _, o := range c.orders {
				orders = append(orders, o.export())
			}
		}
	})
	return orders
}

// SetOrderStatus ends a deal or makes it active again, as an employee does in the
// CRM. It reports whether there is such a deal.
func (e *Emulator) SetOrderStatus(id salebot.OrderID, status salebot.OrderStatus) bool {
	found := false
	_ = e.change(func(p *project, _ int64) error {
		if o := p.orders[int64(id)]; o != nil {
			o.status, found = status, true
			p.clients[o.client].adoptLoose()
			p.touch(p.clients[o.client])
		}
		return nil
	})
	return found
}

func (o *order) export() Order {
	exported := Order{
		ID: salebot.OrderID(o.id), ClientID: salebot.ClientID(o.client), Name: o.name, Description: o.description,
		Budget: o.budget, StateID: salebot.StateID(o.state), Status: o.status, CreatedAt: timeOf(o.createdAt),
	}
	if len(o.variables) > 0 {
		exported.Variables = make(map[string]any, len(o.variables))
		for name, value := range o.variables {
			exported.Variables[name] = value
		}
	}
	return exported
}

func (p *project) addOrder(c *client, o *order) {
	if o.id == 0 {
		o.id = p.next.order
	}
	p.next.order = max(p.next.order, o.id+1)
	o.client = c.id
	if o.state == 0 && len(p.states) > 0 {
		o.state = int64(p.states[0].ID)
	}
	c.orders = append(c.orders, o)
	p.orders[o.id] = o
	c.adoptLoose()
	p.touch(c)
}

// adoptLoose gives what was saved while there was no deal to the current one.
func (c *client) adoptLoose() {
	current := c.currentOrder()
	if current == nil || c.loose == nil {
		return
	}
	merged := maps.Clone(c.loose)
	maps.Copy(merged, current.variables)
	current.variables, c.loose = merged, nil
}

// Actions.

func createOrder(c *call) reply {
	p := &c.parameters
	state, problem := c.optionalID("state_id")
	if problem != nil {
		return *problem
	}
	o := &order{name: p.Text("name"), description: p.Text("description"), state: state, createdAt: c.at}
	if value := p.Raw("budget"); value != nil {
		text, _ := wire.Text(value)
		budget, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsNaN(budget) || math.IsInf(budget, 0) {
			return c.project.invalid("budget must be a number")
		}
		o.budget = budget
	}
	target, refused := c.buyer()
	if target == nil {
		return refused
	}
	c.noteState(state)
	c.meets(target)
	c.project.addOrder(target, o)
	answer := c.project.success()
	answer.id("order_id", o.id)
	return inJSON(answer.Bytes())
}

// buyer is the client of a new deal: the number counts more than the phone, and
// that more than the address. An unknown phone or address makes a new client.
func (c *call) buyer() (*client, reply) {
	p := &c.parameters
	switch {
	case p.Raw("client_id") != nil:
		return c.client(c.project.noClientToRead)
	case p.Text("phone") != "":
		if known := c.project.byPhone(p.Identifier("phone")); known != nil {
			return known, reply{}
		}
		return c.project.getOrCreate(person{
			kind:     salebot.ClientTypeTelephony,
			platform: keptPlatformID(salebot.ClientTypeTelephony, p.Identifier("phone")),
		}, c.at), reply{}
	case p.Text("email") != "":
		if known := c.project.byEmail(p.Text("email")); known != nil {
			return known, reply{}
		}
		return c.project.getOrCreate(person{
			kind:     salebot.ClientTypeEmail,
			platform: keptPlatformID(salebot.ClientTypeEmail, p.Text("email")),
			group:    c.project.firstGroup(salebot.ClientTypeEmail),
		}, c.at), reply{}
	}
	return nil, c.project.required("client_id, phone or email")
}

// order finds the deal that an action is about, the current one if it names
// none.
func (c *call) order() (*order, reply) {
	target, refused := c.client(c.project.noClientToRead)
	if target == nil {
		return nil, refused
	}
	if !c.row.Takes("order_id") || c.parameters.Raw("order_id") == nil {
		if current := target.currentOrder(); current != nil {
			return current, reply{}
		}
		return nil, refusal("order not found")
	}
	id, problem := c.id("order_id")
	if problem != nil {
		return nil, *problem
	}
	o := c.project.orders[id]
	if o == nil || o.client != target.id {
		if c.row.Name == "get_order_state" {
			return nil, refusal("order not found")
		}
		return nil, refusal("order " + c.parameters.Text("order_id") + " not found")
	}
	return o, reply{}
}

func getCurrentOrderID(c *call) reply {
	o, refused := c.order()
	if o == nil {
		return refused
	}
	answer := c.project.success()
	answer.id("order_id", o.id)
	return inJSON(answer.Bytes())
}

func getOrders(c *call) reply {
	target, refused := c.client(c.project.noClientToRead)
	if target == nil {
		return refused
	}
	status, err := c.parameters.Number("order_status", -1)
	if err != nil {
		return c.project.invalid(err.Error())
	}
	var ids []int64
	for _, o := range target.orders {
		if status < 0 || int64(o.status) == status {
			ids = append(ids, o.id)
		}
	}
	list := c.project.appendIDs(nil, ids)
	answer := c.project.success()
	key := c.project.answers.OrderList
	if key == "" || key == OrderListResult || key == OrderListBoth {
		answer.Raw("result", list)
	}
	if key == OrderListOrderID || key == OrderListBoth {
		answer.Raw("order_id", list)
	}
	return inJSON(answer.Bytes())
}

func getOrderState(c *call) reply {
	o, refused := c.order()
	if o == nil {
		return refused
	}
	return c.stateOf(o)
}

func (c *call) stateOf(o *order) reply {
	answer := c.project.success()
	answer.id("state_id", o.state)
	return inJSON(answer.Bytes())
}

func setOrderState(c *call) reply {
	state, problem := c.positiveID("state_id")
	if problem != nil {
		return *problem
	}
	o, refused := c.order()
	if o == nil {
		return refused
	}
	c.noteState(state)
	o.state = state
	c.project.touch(c.project.clients[o.client])
	return c.project.acknowledged()
}

// noteState tells of a state that the project does not have. It is taken all the
// same: what Salebot does is not known.
func (c *call) noteState(state int64) {
	has := func(s State) bool { return int64(s.ID) == state }
	if state == 0 || slices.ContainsFunc(c.project.states, has) {
		return
	}
	known := make([]string, len(c.project.states))
	for i, s := range c.project.states {
		known[i] = strconv.FormatInt(int64(s.ID), 10)
	}
	c.parameters.Notef("state_id %d is no state of the project; its states are %s", state, strings.Join(known, ", "))
}

// moveOrderToNextState leaves a deal that is in the last state where it is; what
// Salebot does there is not known.
func moveOrderToNextState(c *call) reply {
	o, refused := c.order()
	if o == nil {
		return refused
	}
	at := slices.IndexFunc(c.project.states, func(s State) bool { return int64(s.ID) == o.state })
	if at+1 < len(c.project.states) {
		o.state = int64(c.project.states[at+1].ID)
		c.project.touch(c.project.clients[o.client])
	}
	return c.stateOf(o)
}

func getOrderVariables(c *call) reply {
	o, refused := c.order()
	if o == nil {
		return refused
	}
	all := o.listed(c.project.answers)
	wanted := all
	if names := c.parameters.Values("variables"); len(names) > 0 {
		wanted = variables{}
		for _, value := range names {
			name, _ := wire.LooseText(value)
			if value, ok := all[name]; ok {
				wanted[name] = value
			}
		}
	}
	var result wire.Object
	c.project.put(&result, wanted)
	answer := c.project.success()
	answer.Raw("result", result.Bytes())
	return inJSON(answer.Bytes())
}

// listed are the variables of the deal, and what it has without any being saved.
// What was saved counts more.
func (o *order) listed(answers *Answers) variables {
	if answers.HideOrderFields {
		return o.variables
	}
	all := variables{}
	if o.name != "" {
		all["order_name"] = wire.AppendText(nil, o.name)
	}
	if o.budget != 0 {
		all["budget"] = strconv.AppendFloat(nil, o.budget, 'f', -1, 64)
	}
	maps.Copy(all, o.variables)
	return all
}

func setOrderVariables(c *call) reply {
	o, refused := c.order()
	if o == nil {
		return refused
	}
	values, err := c.parameters.Object("variables")
	switch {
	case err != nil:
		return c.project.invalid(err.Error())
	case len(values) == 0:
		return c.project.required("variables")
	}
	if o.variables == nil {
		o.variables = variables{}
	}
	for _, m := range values {
		o.variables[m.Name] = slices.Clone(m.Value)
	}
	c.project.touch(c.project.clients[o.client])
	return inJSONText(`{"status":"success"}`)
}
