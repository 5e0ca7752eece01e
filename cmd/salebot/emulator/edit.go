package emulator

import (
	"net/http"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// What a person changes by hand: clients, deals, and where a client is in the flow.

func (c *control) changeClient(r *call) (any, error) {
	id, err := r.client()
	if err != nil {
		return nil, err
	}
	var wanted struct {
		Paused      *bool   `json:"paused"`
		Unreachable *string `json:"unreachable"`
		// Variables are new values; null removes a variable.
		Variables map[string]*string `json:"variables"`
	}
	if err := r.read(&wanted); err != nil {
		return nil, err
	}
	if wanted.Paused != nil {
		c.SetPaused(id, *wanted.Paused)
	}
	if wanted.Unreachable != nil {
		c.SetReachable(id, *wanted.Unreachable)
	}
	if _, named := wanted.Variables[""]; named {
		return nil, badRequest("the name of a variable is empty")
	}
	if len(wanted.Variables) > 0 {
		if err := c.known(id, c.SetVariables(id, wanted.Variables)); err != nil {
			return nil, err
		}
	}
	return c.shapeOfClient(id)
}

// known is an error about a client, or that there is no such client.
func (c *control) known(id salebot.ClientID, err error) error {
	if err == nil {
		return nil
	}
	if _, known := c.LookupPerson(id); !known {
		return noClient(id)
	}
	return err
}

func (c *control) deleteClient(r *call) (any, error) {
	id, err := r.client()
	if err != nil {
		return nil, err
	}
	if !c.DeleteClient(id) {
		return nil, noClient(id)
	}
	return c.getStatus(r)
}

// deal is a deal as a call describes it; what it does not name stays as it is.
type deal struct {
	Name        *string              `json:"name"`
	Description *string              `json:"description"`
	Budget      *float64             `json:"budget"`
	StateID     *salebot.StateID     `json:"state_id"`
	Status      *salebot.OrderStatus `json:"status"`
	// Variables are new values; null removes a variable.
	Variables map[string]*string `json:"variables"`
}

func (d *deal) change() engine.OrderChange {
	return engine.OrderChange{
		Name: d.Name, Description: d.Description, Budget: d.Budget, StateID: d.StateID, Status: d.Status, Variables: d.Variables,
	}
}

func (c *control) createOrder(r *call) (any, error) {
	id, err := r.client()
	if err != nil {
		return nil, err
	}
	var wanted deal
	if err = r.read(&wanted); err != nil {
		return nil, err
	}
	order, err := c.AddOrder(engine.Order{ClientID: id})
	if err == nil {
		err = c.ChangeOrder(order, wanted.change())
	}
	if err != nil {
		return nil, c.known(id, err)
	}
	return c.shapeOfClient(id)
}

func (c *control) changeOrder(r *call) (any, error) {
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	id, err := r.id("order_id")
	if err != nil {
		return nil, err
	}
	var wanted deal
	if err = r.read(&wanted); err != nil {
		return nil, err
	}
	if wanted.Status != nil && (*wanted.Status < 0 || *wanted.Status > salebot.OrderStatusFailed) {
		return nil, badRequest("status must be 0, 1 or 2")
	}
	for _, order := range c.Orders(client) {
		if int64(order.ID) == id {
			if err := c.ChangeOrder(order.ID, wanted.change()); err != nil {
				return nil, err
			}
			return c.shapeOfClient(client)
		}
	}
	return nil, c.known(client, notFound("client %d has no deal %d", client, id))
}

type blockShape struct {
	ID          salebot.BlockID      `json:"id,string"`
	Condition   string               `json:"condition"`
	Fallback    bool                 `json:"fallback"`
	Answer      string               `json:"answer"`
	Description string               `json:"description"`
	Buttons     []engine.Button      `json:"buttons"`
	Attachments []engine.Attachment  `json:"attachments"`
	Request     *engine.BlockRequest `json:"request"`
}

// listBlocks shows the flow, and what goes with it.
func (c *control) listBlocks(*call) (any, error) {
	shape := struct {
		Blocks []blockShape `json:"blocks"`
	}{Blocks: []blockShape{}}
	for _, b := range c.Blocks() {
		shape.Blocks = append(shape.Blocks, blockShape{
			ID: b.ID, Condition: b.Condition, Fallback: b.Fallback, Answer: b.Answer, Description: b.Description,
			Buttons: append([]engine.Button{}, b.Buttons...), Attachments: append([]engine.Attachment{}, b.Attachments...), Request: b.Request,
		})
	}
	return shape, nil
}

func (c *control) runBlock(r *call) (any, error) {
	id, err := r.client()
	if err != nil {
		return nil, err
	}
	block, err := r.id("block_id")
	if err != nil {
		return nil, err
	}
	if err := c.known(id, c.RunBlock(id, salebot.BlockID(block))); err != nil {
		return nil, err
	}
	return c.shapeOfClient(id)
}

// teamShape is who works with the project, and the states of its deals.
type teamShape struct {
	Employees []engine.Employee `json:"employees"`
	States    []stateShape      `json:"states"`
}

type stateShape struct {
	ID   salebot.StateID `json:"id,string"`
	Name string          `json:"name"`
}

func (c *control) getTeam(*call) (any, error) {
	shape := teamShape{Employees: append([]engine.Employee{}, c.Employees()...), States: []stateShape{}}
	for _, state := range c.States() {
		shape.States = append(shape.States, stateShape{ID: state.ID, Name: state.Name})
	}
	return shape, nil
}

// traceShape is what a message has to do with.
type traceShape struct {
	ClientID salebot.ClientID `json:"client_id,string"`
	// Request is the request to the API that made it; 0 if none did, or none that is
	// remembered.
	Request int64 `json:"request"`
	// Deliveries are those that told the webhook of it.
	Deliveries []int64 `json:"deliveries"`
}

// traceMessage finds what made a message, and who was told of it.
func (c *control) traceMessage(r *call) (any, error) {
	number, err := r.id("message_id")
	if err != nil {
		return nil, err
	}
	id := salebot.MessageID(number)
	message, known := c.LookupMessage(id)
	if !known {
		return nil, problem{http.StatusNotFound, "there is no such message"}
	}
	shape := traceShape{ClientID: message.ClientID, Deliveries: []int64{}}
	for _, request := range c.Requests() {
		if request.FirstMessage <= id && id <= request.LastMessage {
			shape.Request = request.Number
		}
	}
	for _, delivery := range c.Deliveries() {
		if delivery.MessageID == id {
			shape.Deliveries = append(shape.Deliveries, delivery.Number)
		}
	}
	return shape, nil
}
