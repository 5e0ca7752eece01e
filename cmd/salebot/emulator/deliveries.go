package emulator

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/text"
)

type deliveryShape struct {
	Number    int64             `json:"number"`
	Time      time.Time         `json:"time"`
	ClientID  salebot.ClientID  `json:"client_id,string"`
	MessageID salebot.MessageID `json:"message_id,string"`
	// Copy counts the duplicates of a delivery.
	Copy int `json:"copy"`
	// Client, Kind and Text are the person, the kind and the beginning of the message.
	Client string           `json:"client"`
	Kind   engine.EventKind `json:"kind"`
	Text   string           `json:"text"`
	// BlockID is the block whose request it is; "0" for what the webhook is told.
	BlockID salebot.BlockID `json:"block_id,string"`
	// Method and URL are where it goes.
	Method string `json:"method"`
	URL    string `json:"url"`
	// Accepted says that the last attempt was answered with 2xx.
	Accepted bool           `json:"accepted"`
	Pending  bool           `json:"pending"`
	Attempts []attemptShape `json:"attempts"`
}

type attemptShape struct {
	Time   time.Time `json:"time"`
	Took   float64   `json:"took_ms"`
	Status int       `json:"status"`
	Answer bodyShape `json:"answer"`
	Error  string    `json:"error"`
}

type deliveryDetails struct {
	deliveryShape
	ContentType string    `json:"content_type"`
	Body        bodyShape `json:"body"`
	// Curl repeats the delivery.
	Curl string `json:"curl"`
}

func (c *control) shapeOfDelivery(d engine.Delivery) deliveryShape {
	shape := deliveryShape{
		Number: d.Number, Time: d.Time.UTC(), ClientID: d.ClientID, MessageID: d.MessageID, Copy: d.Copy,
		Client: c.nameOf(d.ClientID), Kind: d.Kind, Text: text.Shorten(c.mask.text(d.Text), longestShown), BlockID: d.BlockID,
		Method: cmp.Or(d.Method, http.MethodPost), URL: cmp.Or(d.URL, c.Webhook().URL),
		Accepted: d.Accepted(), Pending: d.Pending, Attempts: make([]attemptShape, len(d.Attempts)),
	}
	for i, a := range d.Attempts {
		shape.Attempts[i] = attemptShape{Time: a.Time.UTC(), Took: milliseconds(a.Took), Status: a.Status, Answer: c.body(a.Answer), Error: c.mask.text(a.Error)}
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
	shape := c.shapeOfDelivery(d)
	return deliveryDetails{
		deliveryShape: shape, ContentType: d.ContentType, Body: c.body(d.Body),
		Curl: curlCommand(shape.Method, quoted(shape.URL), false, d.ContentType, []byte(c.mask.text(string(d.Body)))),
	}, nil
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
