package salebottest

import (
	"net/http"
	"time"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// Webhook has the address of the project's webhook, and says how reliably the emulator
// delivers to it. The zero value delivers nothing.
type Webhook struct {
	// URL is the address of the receiver.
	URL string
	// Handler receives the deliveries in-process instead, with URL as the address
	// of the requests; "" then means "http://receiver.localhost/".
	Handler http.Handler
	// Transport carries the deliveries. Nil means a transport of the emulator's
	// own, over the network.
	Transport http.RoundTripper
	// Header is sent along with each delivery.
	Header http.Header

	// Resend says which deliveries are repeated. The reference says that none are,
	// which is the default; several programs met repetitions.
	Resend ResendRule
	// Attempts bounds the attempts of a delivery that is repeated. Zero means 3.
	Attempts int
	// RetryDelay is the time before a repetition. Zero means a second.
	RetryDelay time.Duration
	// Timeout bounds an attempt. Zero means ten seconds.
	Timeout time.Duration

	// Delay is waited before each delivery.
	Delay time.Duration
	// Duplicates is how many more times each delivery is made.
	Duplicates int
	// Reorder swaps each delivery with the next one. One that no other follows
	// within RetryDelay is made by itself.
	Reorder bool
	// Parallel is how many deliveries are under way at once. Zero means one, so
	// that they arrive in the order of the messages.
	Parallel int
	// WithoutCallbacks leaves out the notices of callbacks. Whether Salebot
	// delivers them is not known; by default they are delivered.
	WithoutCallbacks bool
	// Attachments is the form of attachments: "urls", the default, is a list of
	// addresses; "objects" is a list of objects with type and url. "object" is one
	// object for the first attachment, and "text" is the addresses as JSON in a text.
	// Receivers met all of them.
	Attachments string
}

// ResendRule says which deliveries are repeated.
type ResendRule string

// The rules for repeating deliveries.
const (
	// ResendNone repeats nothing.
	ResendNone ResendRule = "none"
	// Resend5xx repeats what was answered with 5xx.
	Resend5xx ResendRule = "5xx"
	// ResendFailed repeats everything that was not answered with 2xx in time.
	ResendFailed ResendRule = "failed"
)

// Delivery is what the webhook was told about one message.
type Delivery struct {
	// Number counts the deliveries from 1.
	Number int64
	// Time is when it was due, in the emulator's time.
	Time time.Time
	// ClientID and MessageID are what it is about; 0 for a body of your own.
	ClientID  salebot.ClientID
	MessageID salebot.MessageID
	// Copy is 0 for the first delivery of the message, and counts its duplicates.
	Copy int
	// ContentType is the declared type of the body.
	ContentType string
	// Body is what was posted.
	Body []byte
	// Attempts are the attempts so far.
	Attempts []DeliveryAttempt
	// Pending says that a further attempt is to come.
	Pending bool
}

// DeliveryAttempt is one request to the webhook.
type DeliveryAttempt struct {
	// Time is when the attempt began.
	Time time.Time
	// Status is the HTTP status of the answer; 0 if none came.
	Status int
	// Answer is the beginning of the body of the answer.
	Answer []byte
	// Error is what went wrong; empty if an answer came.
	Error string
}

// Accepted reports whether the receiver answered with 2xx in the last attempt.
func (d Delivery) Accepted() bool {
	if len(d.Attempts) == 0 {
		return false
	}
	last := d.Attempts[len(d.Attempts)-1]
	return last.Status >= 200 && last.Status < 300
}

func (w *Webhook) engine() engine.Webhook {
	return engine.Webhook{
		URL: w.URL, Handler: w.Handler, Transport: w.Transport, Header: w.Header,
		Resend: engine.ResendRule(w.Resend), Attempts: w.Attempts, RetryDelay: w.RetryDelay, Timeout: w.Timeout,
		Delay: w.Delay, Duplicates: w.Duplicates, Reorder: w.Reorder, Parallel: w.Parallel,
		WithoutCallbacks: w.WithoutCallbacks, Attachments: engine.AttachmentsForm(w.Attachments),
	}
}

func deliveryOf(d engine.Delivery) Delivery {
	return Delivery{
		Number: d.Number, Time: d.Time, ClientID: d.ClientID, MessageID: d.MessageID, Copy: d.Copy,
		ContentType: d.ContentType, Body: d.Body, Pending: d.Pending,
		Attempts: each(d.Attempts, func(a engine.DeliveryAttempt) DeliveryAttempt {
			return DeliveryAttempt{Time: a.Time, Status: a.Status, Answer: a.Answer, Error: a.Error}
		}),
	}
}

// SetWebhook replaces the webhook; the zero value switches it off. What waits for
// the old one is delivered to the new one.
func (e *Emulator) SetWebhook(webhook Webhook) error {
	return prefixed(e.engine.SetWebhook(webhook.engine()))
}

// PostToWebhook delivers a body of your own, such as a fixture.
func (e *Emulator) PostToWebhook(contentType string, body []byte) error {
	return prefixed(e.engine.PostToWebhook(contentType, body))
}

// Deliveries returns what the webhook was told, the oldest first. Only the last
// deliveries are kept; see WithMaxLogEntries.
func (e *Emulator) Deliveries() []Delivery { return each(e.engine.Deliveries(), deliveryOf) }
