package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
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
)

// Delivery is what the webhook was told about one message.
type Delivery struct {
	// Number counts the deliveries from 1.
	Number int64
	// Time is when it was due, in the emulator's time.
	Time time.Time
	// ClientID and MessageID are what it is about; 0 for a body of one's own.
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

// Accepted says whether the receiver answered with 2xx in the last attempt.
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
	// Status is the HTTP status of the answer; 0 where none came.
	Status int
	// Answer is the beginning of the body of the answer.
	Answer []byte
	// Error is what went wrong; empty where an answer came.
	Error string
}

// Validate says what is wrong with the webhook, nil if nothing is.
func (w Webhook) Validate() error {
	problems := []error{
		oneOf("webhook: resend", w.Resend, ResendNone, Resend5xx, ResendFailed),
		oneOf("webhook: attachments", w.Attachments, AttachmentsAsURLs, AttachmentsAsObjects, AttachmentsAsObject, AttachmentsAsText),
	}
	if w.URL != "" {
		address, err := url.Parse(w.URL)
		if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
			problems = append(problems, errors.New("webhook: the address must begin with http:// or https://"))
		}
	}
	for name, values := range w.Header {
		if !validHeader(name, values) {
			problems = append(problems, fmt.Errorf("webhook: the header %q cannot be sent: its name must be a token, and no value may have a line break in it", name))
		}
	}
	if w.Attempts < 0 || w.Duplicates < 0 || w.Parallel < 0 || w.RetryDelay < 0 || w.Timeout < 0 || w.Delay < 0 {
		problems = append(problems, errors.New("webhook: a number is negative"))
	}
	return errors.Join(problems...)
}

// validHeader reports whether a header can be sent.
func validHeader(name string, values []string) bool {
	const tokens = "!#$%&'*+-.^_`|~"
	isToken := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(tokens, r)
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isToken(r) }) {
		return false
	}
	isControl := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return !slices.ContainsFunc(values, func(value string) bool { return strings.ContainsFunc(value, isControl) })
}

func (w Webhook) off() bool { return w.URL == "" && w.Handler == nil }

// SetWebhook replaces the webhook; the zero value switches it off. What waits for
// the old one is delivered to the new one.
func (e *Emulator) SetWebhook(webhook Webhook) error {
	if err := webhook.Validate(); err != nil {
		return err
	}
	webhook.Header = webhook.Header.Clone()
	defer e.changes.notify()
	e.webhook.set(webhook)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.project.outbox = nil
	if !webhook.off() {
		e.project.outbox = func(c *client, m *message) {
			if webhook.WithoutCallbacks && m.origin == salebot.HistoryOriginCallback {
				return
			}
			e.webhook.post(&Delivery{
				Time: timeOf(m.at), ClientID: salebot.ClientID(c.id), MessageID: salebot.MessageID(m.id),
				ContentType: "application/json", Body: e.project.event(c, m, webhook.Attachments),
			})
		}
	}
	return nil
}

var errNoWebhook = errors.New("there is no webhook; see SetWebhook")

// PostToWebhook delivers a body of one's own, such as a fixture.
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
	if s.off() {
		return errNoWebhook
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.log.all() {
		if d.Number == number {
			d.Pending = true
			s.enqueue(d)
			e.changes.notify()
			return nil
		}
	}
	return fmt.Errorf("delivery %d is not remembered", number)
}

// deliveryLog remembers the last deliveries.
type deliveryLog struct {
	ring[*Delivery]
	limit int
}

// sender delivers in the background. Goroutines run only while something waits.
type sender struct {
	now     func() time.Time
	changed func()

	mu      sync.Mutex
	webhook Webhook
	log     deliveryLog
	queue   []*Delivery
	held    *Delivery // waits to be overtaken
	active  int       // deliveries that are under way
	timers  map[*time.Timer]bool
	closed  bool
	running sync.WaitGroup
	// round is what is under way since the last clear; nil before the first
	// delivery.
	round *round
	// own is the transport where none was given.
	own *http.Transport
}

// round are deliveries that are given up together.
type round struct {
	ctx    context.Context
	cancel context.CancelFunc
	// underWay counts the deliveries. It grows only with the sender's lock held and
	// while this is the sender's round.
	underWay sync.WaitGroup
}

// end gives up the deliveries and waits for them. No more may be added.
func (r *round) end() {
	if r != nil {
		r.cancel()
		r.underWay.Wait()
	}
}

func (s *sender) set(webhook Webhook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhook = webhook
}

func (s *sender) off() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.webhook.off()
}

// clear forgets what was delivered and what waits, and returns what is under way
// for the caller to end.
func (s *sender) clear() *round {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.ring, s.queue, s.held = ring[*Delivery]{}, nil, nil
	s.stopTimers()
	before := s.round
	s.round = nil
	return before
}

func (s *sender) stopTimers() {
	for timer := range s.timers {
		timer.Stop()
	}
	s.timers = nil
}

func (s *sender) close() {
	s.mu.Lock()
	s.closed = true
	s.queue, s.held = nil, nil
	s.stopTimers()
	if s.round != nil {
		s.round.cancel()
	}
	own := s.own
	s.mu.Unlock()
	s.running.Wait()
	if own != nil {
		own.CloseIdleConnections()
	}
}

// post takes a delivery and its duplicates.
func (s *sender) post(d *Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	copies := s.webhook.Duplicates
	for n := range copies + 1 {
		one := *d
		one.Copy, one.Number, one.Pending = n, s.log.total+1, true
		s.log.add(&one, s.log.limit)
		switch {
		case !s.webhook.Reorder:
			s.enqueue(&one)
		case s.held == nil:
			s.holdBack(&one)
		default:
			held := s.held
			s.held = nil
			s.enqueue(&one)
			s.enqueue(held)
		}
	}
}

// holdBack waits for the delivery that is to overtake this one, but not for ever.
func (s *sender) holdBack(d *Delivery) {
	s.held = d
	s.later(s.retryDelay(), func() {
		if s.held == d {
			s.held = nil
			s.enqueue(d)
		}
	})
}

// later calls f with the lock held, unless the sender is closed before.
func (s *sender) later(wait time.Duration, f func()) {
	if s.timers == nil {
		s.timers = map[*time.Timer]bool{}
	}
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		// A timer that was stopped too late is not among them any more.
		if s.timers[timer] {
			delete(s.timers, timer)
			f()
		}
	})
	s.timers[timer] = true
}

func (s *sender) retryDelay() time.Duration {
	if s.webhook.RetryDelay > 0 {
		return s.webhook.RetryDelay
	}
	return defaultRetryDelay
}

// enqueue starts the delivery, or lets it wait for those before it. The lock is
// held.
func (s *sender) enqueue(d *Delivery) {
	switch {
	case s.closed:
		return
	case len(s.queue) >= longestQueue:
		d.Pending = false
		d.Attempts = append(d.Attempts, DeliveryAttempt{Time: d.Time, Error: "too many deliveries wait for the receiver"})
		return
	}
	s.queue = append(s.queue, d)
	if s.active >= max(1, s.webhook.Parallel) {
		return
	}
	s.active++
	s.running.Go(s.work)
}

// work delivers until nothing waits.
func (s *sender) work() {
	for {
		s.mu.Lock()
		if len(s.queue) == 0 || s.closed {
			s.active--
			s.mu.Unlock()
			return
		}
		d := s.queue[0]
		s.queue = s.queue[1:]
		if s.round == nil {
			s.round = &round{}
			s.round.ctx, s.round.cancel = context.WithCancel(context.Background())
		}
		webhook, current := s.webhook, s.round
		current.underWay.Add(1)
		s.mu.Unlock()
		s.deliver(current, webhook, d)
		current.underWay.Done()
		s.changed()
	}
}

func (s *sender) deliver(current *round, webhook Webhook, d *Delivery) {
	pause(current.ctx, webhook.Delay)
	attempt := s.attempt(current.ctx, webhook, d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.round != current {
		return // it is forgotten
	}
	d.Attempts = append(d.Attempts, attempt)
	limit := webhook.Attempts
	if limit == 0 {
		limit = defaultWebhookAttempts
	}
	d.Pending = webhook.Resend.repeats(attempt) && len(d.Attempts) < limit && !s.closed
	if d.Pending {
		s.later(s.retryDelay(), func() { s.enqueue(d) })
	}
}

func (rule ResendRule) repeats(attempt DeliveryAttempt) bool {
	switch rule {
	case Resend5xx:
		return attempt.Status >= 500
	case ResendFailed:
		return attempt.Status < 200 || attempt.Status >= 300
	case ResendNone:
	}
	return false
}

// attempt posts once.
func (s *sender) attempt(ctx context.Context, webhook Webhook, d *Delivery) (attempt DeliveryAttempt) {
	attempt.Time = s.now()
	timeout := webhook.Timeout
	if timeout == 0 {
		timeout = defaultWebhookTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	address := webhook.URL
	if address == "" {
		address = "http://receiver.localhost/"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(d.Body))
	if err != nil {
		attempt.Error = "the address is not usable"
		return attempt
	}
	maps.Copy(r.Header, webhook.Header)
	if d.ContentType != "" {
		r.Header.Set("Content-Type", d.ContentType)
	}
	// A transport of the user's own need not look.
	if err = ctx.Err(); err != nil {
		attempt.Error = err.Error()
		return attempt
	}
	response, err := s.transport(webhook).RoundTrip(r)
	if err != nil {
		attempt.Error = err.Error()
		return attempt
	}
	defer func() { _ = response.Body.Close() }()
	attempt.Status = response.StatusCode
	attempt.Answer, err = io.ReadAll(io.LimitReader(response.Body, largestWebhookAnswer))
	if err != nil {
		attempt.Status, attempt.Error = 0, err.Error()
	}
	return attempt
}

func (s *sender) transport(webhook Webhook) http.RoundTripper {
	switch {
	case webhook.Handler != nil:
		return handlerTransport{webhook.Handler}
	case webhook.Transport != nil:
		return webhook.Transport
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own == nil {
		s.own = &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute}
	}
	return s.own
}
