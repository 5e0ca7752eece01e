package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
)

// Webhook says where the project's webhook is, and how faithfully the emulator
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
	// Events are what is delivered to URL; nil means everything.
	Events []EventKind
	// Further are further receivers. They have no order among each other.
	Further []Receiver

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
	// Attachments is the form of attachments. Lists of addresses are the default;
	// receivers met all the others.
	Attachments AttachmentsForm
}

// Receiver is a further address that the project tells of messages.
type Receiver struct {
	// URL is the address.
	URL string
	// Header is sent along with each delivery.
	Header http.Header
	// Events are what is delivered; nil means everything.
	Events []EventKind
}

// EventKind is a kind of what a webhook is told.
type EventKind string

// The kinds of events.
const (
	// EventIn is a message of the person.
	EventIn EventKind = "in"
	// EventOut is a message of the bot's side: of the flow, the API or an employee.
	EventOut EventKind = "out"
	// EventCallback is the notice of a callback.
	EventCallback EventKind = "callback"
)

// EventKinds returns all kinds of events.
func EventKinds() []EventKind { return []EventKind{EventIn, EventOut, EventCallback} }

func kindOf(m *message) EventKind {
	switch {
	case m.origin == salebot.HistoryOriginCallback:
		return EventCallback
	case m.fromClient:
		return EventIn
	}
	return EventOut
}

// wants reports whether a receiver of some kinds of events is told of a message.
func wants(events []EventKind, m *message) bool {
	return events == nil || slices.Contains(events, kindOf(m))
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

// AttachmentsForm is how a delivery writes attachments.
type AttachmentsForm string

// The forms of attachments.
const (
	// AttachmentsAsURLs is a list of addresses.
	AttachmentsAsURLs AttachmentsForm = "urls"
	// AttachmentsAsObjects is a list of objects with the keys type and url.
	AttachmentsAsObjects AttachmentsForm = "objects"
	// AttachmentsAsObject is one object, for the first attachment.
	AttachmentsAsObject AttachmentsForm = "object"
	// AttachmentsAsText is the list of addresses as JSON in a text.
	AttachmentsAsText AttachmentsForm = "text"
)

const (
	defaultWebhookAttempts = 3
	defaultWebhookTimeout  = 10 * time.Second
	defaultRetryDelay      = time.Second
	largestWebhookAnswer   = 4 << 10
	// longestQueue bounds what waits for a receiver that hangs.
	longestQueue = 10_000
	// mostReceivers bounds the further receivers.
	mostReceivers = 16
)

// Delivery is what the webhook was told about one message.
type Delivery struct {
	// Number counts the deliveries from 1.
	Number int64
	// Time is when it was due, in the emulator's time.
	Time time.Time
	// ClientID and MessageID are what it is about; 0 for a body of the user's own.
	ClientID  salebot.ClientID
	MessageID salebot.MessageID
	// Kind says what the message is; empty for a body of the user's own, and for the
	// request of a block.
	Kind EventKind
	// Text is the text of the message.
	Text string
	// BlockID is the block whose request it is; 0 for what the webhook is told.
	BlockID salebot.BlockID
	// Method and URL are where it goes; empty for a POST to the webhook that is set
	// at the time.
	Method, URL string
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

	header http.Header // besides the webhook's own, or instead of it
}

// Accepted reports whether the receiver answered with 2xx in the last attempt.
func (d Delivery) Accepted() bool {
	if len(d.Attempts) == 0 {
		return false
	}
	last := d.Attempts[len(d.Attempts)-1]
	return last.Status >= 200 && last.Status < 300
}

// DeliveryAttempt is one request to the webhook.
type DeliveryAttempt struct {
	// Time is when the attempt began.
	Time time.Time
	// Took is how long it took, until the answer was there.
	Took time.Duration
	// Status is the HTTP status of the answer; 0 if none came.
	Status int
	// Answer is the beginning of the body of the answer.
	Answer []byte
	// Error is what went wrong; empty if an answer came.
	Error string
}

// Validate says what is wrong with the webhook, nil if nothing is.
func (w Webhook) Validate() error {
	problems := []error{
		oneOf("webhook: resend", w.Resend, ResendNone, Resend5xx, ResendFailed),
		oneOf("webhook: attachments", w.Attachments, AttachmentsAsURLs, AttachmentsAsObjects, AttachmentsAsObject, AttachmentsAsText),
	}
	for i, receiver := range append([]Receiver{{URL: w.URL, Header: w.Header, Events: w.Events}}, w.Further...) {
		if (receiver.URL != "" || i > 0) && !validAddress(receiver.URL) {
			problems = append(problems, errors.New("webhook: the address must begin with http:// or https://"))
		}
		for name, values := range receiver.Header {
			if !validHeader(name, values) {
				problems = append(problems, fmt.Errorf("webhook: the header %q cannot be sent: its name must be a token, and no value may have a line break in it", name))
			}
		}
		for _, kind := range receiver.Events {
			problems = append(problems, oneOf("webhook: events", kind, EventKinds()...))
		}
	}
	if len(w.Further) > mostReceivers {
		problems = append(problems, fmt.Errorf("webhook: more than %d further receivers", mostReceivers))
	}
	if w.Attempts < 0 || w.Duplicates < 0 || w.Parallel < 0 || w.RetryDelay < 0 || w.Timeout < 0 || w.Delay < 0 {
		problems = append(problems, errors.New("webhook: a number is negative"))
	}
	return errors.Join(problems...)
}

func validAddress(text string) bool {
	address, err := url.Parse(text)
	return err == nil && address.Host != "" && (address.Scheme == "http" || address.Scheme == "https")
}

// validHeader reports whether a header can be sent.
func validHeader(name string, values []string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	isToken := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(marks, r)
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isToken(r) }) {
		return false
	}
	isControl := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return !slices.ContainsFunc(values, func(value string) bool { return strings.ContainsFunc(value, isControl) })
}

func (w Webhook) off() bool { return w.URL == "" && w.Handler == nil }

// clone copies what could be changed from outside.
func (w Webhook) clone() Webhook {
	w.Header, w.Events, w.Further = w.Header.Clone(), slices.Clone(w.Events), slices.Clone(w.Further)
	for i := range w.Further {
		f := &w.Further[i]
		f.Header, f.Events = f.Header.Clone(), slices.Clone(f.Events)
	}
	return w
}

// SetWebhook replaces the webhook; the zero value switches it off. What waits for
// the old one is delivered to the new one.
func (e *Emulator) SetWebhook(webhook Webhook) error {
	if err := webhook.Validate(); err != nil {
		return err
	}
	webhook = webhook.clone()
	defer e.changes.notify()
	e.webhook.set(webhook)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.project.outbox = nil
	if !webhook.off() || len(webhook.Further) > 0 {
		e.project.outbox = func(c *client, m *message) { e.tellWebhook(webhook, c, m) }
	}
	return nil
}

// tellWebhook delivers a message to the receivers that want it. The emulator is
// locked.
func (e *Emulator) tellWebhook(webhook Webhook, c *client, m *message) {
	if webhook.WithoutCallbacks && kindOf(m) == EventCallback {
		return
	}
	told := Delivery{
		Time: timeOf(m.at), ClientID: salebot.ClientID(c.id), MessageID: salebot.MessageID(m.id), Kind: kindOf(m), Text: m.text,
		ContentType: "application/json", Body: e.project.event(c, m, webhook.Attachments),
	}
	if !webhook.off() && wants(webhook.Events, m) {
		e.webhook.post(new(told))
	}
	for _, receiver := range webhook.Further {
		if wants(receiver.Events, m) {
			one := told
			one.Method, one.URL, one.header = http.MethodPost, receiver.URL, receiver.Header
			e.webhook.post(&one)
		}
	}
}

var errNoWebhook = errors.New("there is no webhook; see SetWebhook")

// PostToWebhook delivers a body of the user's own, such as a fixture.
func (e *Emulator) PostToWebhook(contentType string, body []byte) error {
	if e.webhook.off() {
		return errNoWebhook
	}
	e.webhook.post(&Delivery{Time: e.Now(), ContentType: contentType, Body: slices.Clone(body)})
	e.changes.notify()
	return nil
}

// Deliveries returns what the webhook was told, the oldest first. Only the last
// deliveries are remembered; see WithMaxLogEntries.
func (e *Emulator) Deliveries() []Delivery {
	s := &e.webhook
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Delivery
	for _, d := range s.log.all() {
		copied := *d
		copied.Attempts = slices.Clone(d.Attempts)
		all = append(all, copied)
	}
	return all
}

// Redeliver makes a delivery once more.
func (e *Emulator) Redeliver(number int64) error {
	s := &e.webhook
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.log.all() {
		if d.Number != number {
			continue
		}
		if d.URL == "" && s.webhook.off() {
			return errNoWebhook
		}
		d.Pending = true
		s.enqueue(d)
		e.changes.notify()
		return nil
	}
	return fmt.Errorf("delivery %d is not remembered", number)
}
