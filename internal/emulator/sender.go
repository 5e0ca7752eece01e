package emulator

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/salebot-go/salebot/internal/wait"
)

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
	failed  int64     // deliveries that were given up
	// attempts counts how often a delivery was tried.
	attempts int64
	timers   map[*time.Timer]bool
	closed   bool
	running  sync.WaitGroup
	// round is what is under way since the last clear; nil before the first
	// delivery.
	round *round
	// own is the transport if none was given.
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
	s.failed, s.attempts = 0, 0
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

// request takes the request of a block, which has no duplicates and no order.
func (s *sender) request(d *Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Number, d.Pending = s.log.total+1, true
	s.log.add(d, s.log.limit)
	s.enqueue(d)
}

// holdBack waits for the delivery that is to overtake this one, but not forever.
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
func (s *sender) later(delay time.Duration, f func()) {
	if s.timers == nil {
		s.timers = map[*time.Timer]bool{}
	}
	var timer *time.Timer
	timer = time.AfterFunc(delay, func() {
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
	if d.BlockID == 0 {
		wait.For(current.ctx, webhook.Delay)
	}
	begin := time.Now()
	attempt := s.attempt(current.ctx, webhook, d)
	attempt.Took = time.Since(begin)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.round != current {
		return // it is forgotten
	}
	d.Attempts = append(d.Attempts, attempt)
	s.attempts++
	limit := webhook.Attempts
	if limit == 0 {
		limit = defaultWebhookAttempts
	}
	d.Pending = d.BlockID == 0 && webhook.Resend.repeats(attempt) && len(d.Attempts) < limit && !s.closed
	if !d.Pending && !d.Accepted() {
		s.failed++
	}
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
	header := webhook.Header
	if d.URL != "" {
		header = d.header
	}
	address := cmp.Or(d.URL, webhook.URL, "http://receiver.localhost/")
	r, err := http.NewRequestWithContext(ctx, cmp.Or(d.Method, http.MethodPost), address, bytes.NewReader(d.Body))
	if err != nil || r.URL.Host == "" {
		attempt.Error = "the address is not usable"
		return attempt
	}
	maps.Copy(r.Header, header)
	if d.ContentType != "" {
		r.Header.Set("Content-Type", d.ContentType)
	}
	// A transport of the user's own need not look.
	if err = ctx.Err(); err != nil {
		attempt.Error = err.Error()
		return attempt
	}
	response, err := s.transport(webhook, d).RoundTrip(r)
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

func (s *sender) transport(webhook Webhook, d *Delivery) http.RoundTripper {
	switch {
	case webhook.Handler != nil && d.URL == "":
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
