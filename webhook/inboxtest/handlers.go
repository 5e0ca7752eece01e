package inboxtest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// receiver is a handler on an inbox, and what its function was called with.
type receiver struct {
	*webhook.Handler
	t testing.TB

	mu     sync.Mutex
	events []webhook.Event
	// called gets an element for each call of the function.
	called chan struct{}
}

// receive starts a handler whose function calls handle, which may be nil, after
// noting the event.
func receive(t testing.TB, inbox webhook.Inbox, handle webhook.Func, options ...webhook.Option) *receiver {
	t.Helper()
	r := &receiver{t: t, called: make(chan struct{}, 1000)}
	fn := func(ctx context.Context, event *webhook.Event) error {
		r.mu.Lock()
		r.events = append(r.events, *event)
		r.mu.Unlock()
		r.called <- struct{}{}
		if handle == nil {
			return nil
		}
		return handle(ctx, event)
	}
	options = append([]webhook.Option{
		webhook.WithoutSecret(), webhook.WithEndpoint(endpoint), webhook.WithInbox(inbox),
		webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 3, BaseDelay: 2 * time.Millisecond, MaxDelay: 4 * time.Millisecond}),
	}, options...)
	handler, err := webhook.New(fn, options...)
	if err != nil {
		t.Fatal(err)
	}
	r.Handler = handler
	return r
}

// post sends a message and returns the status.
func (r *receiver) post(client salebot.ClientID, message salebot.MessageID) int {
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body(client, message))))
	return recorder.Code
}

// accepted sends a message that has to be accepted.
func (r *receiver) accepted(client salebot.ClientID, message salebot.MessageID) {
	r.t.Helper()
	if status := r.post(client, message); status != http.StatusOK {
		r.t.Fatalf("message %d: status %d", message, status)
	}
}

// await waits until the function was called so many times more.
func (r *receiver) await(ctx context.Context, calls int) {
	r.t.Helper()
	for range calls {
		select {
		case <-r.called:
		case <-ctx.Done():
			r.t.Fatalf("the function was called %d times only", len(r.seen()))
		}
	}
}

// seen lists the messages of the calls.
func (r *receiver) seen() []salebot.MessageID {
	r.mu.Lock()
	defer r.mu.Unlock()
	messages := make([]salebot.MessageID, len(r.events))
	for i, event := range r.events {
		messages[i] = event.ID
	}
	return messages
}

func (r *receiver) shutdown(ctx context.Context) {
	r.t.Helper()
	if err := r.Shutdown(ctx); err != nil {
		r.t.Fatalf("shutdown: %v", err)
	}
}

func servesHandler(t *testing.T, store Store) {
	o := open(t, store)
	failures := map[salebot.MessageID]int{2: 1, 3: 99}
	var mu sync.Mutex
	r := receive(t, o.Inbox, func(_ context.Context, event *webhook.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if failures[event.ID] > 0 {
			failures[event.ID]--
			if failures[event.ID]%2 == 0 {
				panic("as wanted")
			}
			return errors.New("as wanted")
		}
		return nil
	})
	for m := range salebot.MessageID(5) {
		r.accepted(1, m+1)
		r.accepted(1, m+1) // once more, as a resending sender would
	}
	r.shutdown(o.ctx)
	if got, want := r.seen(), []salebot.MessageID{1, 2, 2, 3, 3, 3, 4, 5}; !slices.Equal(got, want) {
		t.Fatalf("calls for %v, want %v", got, want)
	}
	o.counts(webhook.Counts{Dead: 1})
	if letters := o.deadLetters(); len(letters) != 1 || letters[0].MessageID != 3 || letters[0].Attempts != 3 || !strings.Contains(letters[0].Reason, "as wanted") {
		t.Fatalf("dead letters %+v", letters)
	}
	if status := r.post(1, 6); status != http.StatusServiceUnavailable {
		t.Fatalf("after shutdown: status %d, want 503", status)
	}
}

func servesSlowConsumer(t *testing.T, store Store) {
	o := open(t, store)
	gate := make(chan struct{})
	r := receive(t, o.Inbox, func(ctx context.Context, _ *webhook.Event) error {
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, webhook.WithWorkers(2))
	const messages = 60
	for m := range salebot.MessageID(messages) {
		r.accepted(salebot.ClientID(m%3+1), m+1)
	}
	r.await(o.ctx, 2)
	if n := len(r.seen()); n != 2 {
		t.Fatalf("%d calls at once, want 2", n)
	}
	close(gate)
	r.shutdown(o.ctx)
	last := map[salebot.MessageID]salebot.MessageID{}
	for _, message := range r.seen() {
		client := (message - 1) % 3
		if message <= last[client] {
			t.Fatalf("message %d after %d", message, last[client])
		}
		last[client] = message
	}
	if n := len(r.seen()); n != messages {
		t.Fatalf("%d calls, want %d", n, messages)
	}
}

func endsHandlerInTheMiddle(t *testing.T, store Store) {
	o := open(t, store)
	r := receive(t, o.Inbox, func(ctx context.Context, event *webhook.Event) error {
		if event.ID <= 3 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}, webhook.WithWorkers(1))
	const messages = 10
	for m := range salebot.MessageID(messages) {
		r.accepted(1, m+1)
	}
	r.await(o.ctx, 4)
	ctx, cancel := context.WithTimeout(o.ctx, moment)
	defer cancel()
	if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("stop while the function hangs: %v, want DeadlineExceeded", err)
	}
	if err := o.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	o = open(t, store)
	second := receive(t, o.Inbox, nil)
	for m := range salebot.MessageID(messages) {
		second.accepted(1, m+1) // the sender repeats them all
	}
	second.shutdown(o.ctx)
	if got, want := second.seen(), []salebot.MessageID{4, 5, 6, 7, 8, 9, 10}; !slices.Equal(got, want) {
		t.Fatalf("calls after the restart for %v, want %v", got, want)
	}
	o.counts(webhook.Counts{})
}

func drainsHandler(t *testing.T, store Store) {
	o := open(t, store)
	started := make(chan struct{})
	var once sync.Once
	r := receive(t, o.Inbox, func(ctx context.Context, event *webhook.Event) error {
		once.Do(func() { close(started) })
		pause(ctx, time.Millisecond)
		if event.Attempt < 2 {
			return errors.New("not the first time")
		}
		return nil
	}, webhook.WithWorkers(3))
	const messages = 30
	for m := range salebot.MessageID(messages) {
		r.accepted(salebot.ClientID(m%4), m+1)
	}
	<-started
	r.shutdown(o.ctx)
	if n := len(r.seen()); n != 2*messages {
		t.Fatalf("%d calls, want %d", n, 2*messages)
	}
	o.counts(webhook.Counts{})
}

func answersUnavailable(t *testing.T, store Store) {
	o := open(t, store)
	r := receive(t, o.Inbox, nil)
	r.accepted(1, 1)
	r.await(o.ctx, 1)
	// An end that the store refused would let the handler refuse all that follows.
	o.awaitCounts(webhook.Counts{})
	store.SetFailing(t, o.Inbox, true)
	if status := r.post(1, 2); status != http.StatusServiceUnavailable {
		t.Fatalf("while the store fails: status %d, want 503", status)
	}
	store.SetFailing(t, o.Inbox, false)
	r.accepted(1, 2)
	r.shutdown(o.ctx)
	if got, want := r.seen(), []salebot.MessageID{1, 2}; !slices.Equal(got, want) {
		t.Fatalf("calls for %v, want %v", got, want)
	}
}
