package probe

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/webhook"
)

// Deliveries is what was found out about the project's webhook. No value is in it.
type Deliveries struct {
	// Resend says what is delivered again: none, 5xx or failed.
	Resend engine.ResendRule `json:"resend"`
	// ContentType, Headers and Body are those of a delivery.
	ContentType string   `json:"content_type,omitempty"`
	Headers     []string `json:"headers,omitempty"`
	Body        Shape    `json:"body"`
}

// DefaultWebhookWait is how long it is waited for a second delivery.
const DefaultWebhookWait = 2 * time.Minute

// Receiver takes what the project's webhook posts, for the time of a probe. It refuses what
// the probe has caused, once each, and accepts everything else.
type Receiver struct {
	mu       sync.Mutex
	expected map[string]*expectation
}

// expectation is a text that is refused once.
type expectation struct {
	status  int
	times   int
	arrived *http.Request
	body    []byte
}

// largestDelivery bounds what is read.
const largestDelivery = 1 << 20

// ServeHTTP implements http.Handler.
func (w *Receiver) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(io.LimitReader(in.Body, largestDelivery))
	if err != nil {
		return
	}
	event, err := webhook.Decode(body)
	if err != nil {
		return // it is accepted: what it is will be repeated to nobody
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.expected[event.Text]
	if e == nil {
		return
	}
	e.times++
	if e.times == 1 {
		e.arrived, e.body = in, body
		out.WriteHeader(e.status)
	}
}

// expect refuses a text by a status.
func (w *Receiver) expect(text string, status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.expected == nil {
		w.expected = map[string]*expectation{}
	}
	w.expected[text] = &expectation{status: status}
}

// look returns what came of a text.
func (w *Receiver) look(text string) expectation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *w.expected[text]
}

const planWebhook = "a callback as above; its delivery to the webhook is refused once by "

var webhookSteps = []step{
	{
		name: "webhook refused by 500", action: "callback", part: Webhook, plan: planWebhook + "500, and what else the project posts during that time IS LOST",
		ask: func(ctx context.Context, r *run) error { return r.refuseDelivery(ctx, http.StatusInternalServerError) },
	},
	{
		name: "webhook refused by 404", action: "callback", part: Webhook, plan: planWebhook + "404",
		lacks: func(r *run) string {
			if r.report.Webhook == nil {
				return "nothing was posted to the webhook"
			}
			return ""
		},
		ask: func(ctx context.Context, r *run) error { return r.refuseDelivery(ctx, http.StatusNotFound) },
	},
}

// refuseDelivery lets the project post something, refuses it, and waits whether it comes
// again.
func (r *run) refuseDelivery(ctx context.Context, status int) error {
	text := probeText + "_" + strconv.Itoa(status) + "_" + strconv.FormatInt(r.clock.Now().UnixMilli(), 10)
	r.options.Webhook.expect(text, status)
	if _, err := r.client.Callback(ctx, salebot.CallbackRequest{ClientID: r.about.client, Message: text}); err != nil {
		return err
	}
	if !r.comes(ctx, text, 1) {
		r.report.Notes = append(r.report.Notes, "The callback was not posted to the webhook. Is its address that of this probe?")
		return ctx.Err()
	}
	if r.report.Webhook == nil {
		first := r.options.Webhook.look(text)
		r.report.Webhook = &Deliveries{
			Resend: engine.ResendNone, ContentType: contentTypeOf(first.arrived.Header), Headers: headerNames(first.arrived.Header),
			Body: shapeOf(first.body, reading{}),
		}
	}
	if r.comes(ctx, text, 2) {
		r.report.Webhook.Resend = engine.Resend5xx
		if status < http.StatusInternalServerError {
			r.report.Webhook.Resend = engine.ResendFailed
		}
	}
	return ctx.Err()
}

// comes waits until a text was delivered some times.
func (r *run) comes(ctx context.Context, text string, times int) bool {
	for end := r.clock.Now().Add(r.options.WebhookWait); ; {
		if r.options.Webhook.look(text).times >= times {
			return true
		}
		if !r.clock.Now().Before(end) || !r.clock.Sleep(ctx, time.Second) {
			return false
		}
	}
}
