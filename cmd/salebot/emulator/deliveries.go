package emulator

import (
	"net/http"
	"slices"
	"time"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

type deliveryShape struct {
	Number    int64             `json:"number"`
	Time      time.Time         `json:"time"`
	ClientID  salebot.ClientID  `json:"client_id,string"`
	MessageID salebot.MessageID `json:"message_id,string"`
	// Copy counts the duplicates of a delivery.
	Copy int `json:"copy"`
	// Accepted says that the last attempt was answered with 2xx.
	Accepted bool           `json:"accepted"`
	Pending  bool           `json:"pending"`
	Attempts []attemptShape `json:"attempts"`
}

type attemptShape struct {
	Time   time.Time `json:"time"`
	Status int       `json:"status"`
	Answer bodyShape `json:"answer"`
	Error  string    `json:"error"`
}

type deliveryDetails struct {
	deliveryShape
	ContentType string    `json:"content_type"`
	Body        bodyShape `json:"body"`
}

func (c *control) shapeOfDelivery(d engine.Delivery) deliveryShape {
	shape := deliveryShape{
		Number: d.Number, Time: d.Time.UTC(), ClientID: d.ClientID, MessageID: d.MessageID, Copy: d.Copy,
		Accepted: d.Accepted(), Pending: d.Pending, Attempts: make([]attemptShape, len(d.Attempts)),
	}
	for i, a := range d.Attempts {
		shape.Attempts[i] = attemptShape{Time: a.Time.UTC(), Status: a.Status, Answer: c.body(a.Answer), Error: c.mask.text(a.Error)}
	}
	return shape
}

func (c *control) listDeliveries(r *call) (any, error) {
	part, err := r.part()
	if err != nil {
		return nil, err
	}
	pending := r.query.Get("pending")
	if !slices.Contains([]string{"", "true", "false"}, pending) {
		return nil, badRequest("pending must be true or false, not %q", pending)
	}
	var found []engine.Delivery
	c.waitForEntries(r, part, func() bool {
		found = entries(part, c.DeliveriesBefore, func(d engine.Delivery) (int64, bool) {
			return d.Number, pending == "" || d.Pending == (pending == "true")
		})
		return len(found) > 0
	})
	shape := struct {
		Deliveries []deliveryShape `json:"deliveries"`
		Total      int64           `json:"total"`
	}{Deliveries: []deliveryShape{}, Total: c.Progress().Deliveries}
	for _, d := range found {
		shape.Deliveries = append(shape.Deliveries, c.shapeOfDelivery(d))
	}
	return shape, nil
}

func (c *control) delivery(r *call) (engine.Delivery, error) {
	number, err := r.id("number")
	if err != nil {
		return engine.Delivery{}, err
	}
	d, ok := c.LookupDelivery(number)
	if !ok {
		return d, notFound("delivery %d is not remembered", number)
	}
	return d, nil
}

func (c *control) getDelivery(r *call) (any, error) {
	d, err := c.delivery(r)
	if err != nil {
		return nil, err
	}
	return deliveryDetails{deliveryShape: c.shapeOfDelivery(d), ContentType: d.ContentType, Body: c.body(d.Body)}, nil
}

func (c *control) redeliver(r *call) (any, error) {
	d, err := c.delivery(r)
	if err != nil {
		return nil, err
	}
	if err := c.Redeliver(d.Number); err != nil {
		return nil, problem{http.StatusConflict, err.Error()}
	}
	return c.getDelivery(r)
}
