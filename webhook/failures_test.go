package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/webhook"
)

// TestStrangersDoNotHoldConnections checks that a request which is not accepted is
// answered at once, or within the read timeout, although the body that it announced
// never comes.
func TestStrangersDoNotHoldConnections(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]struct {
		status int
		within time.Duration
	}{
		"POST /wrong HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc":                              {403, 0},
		"POST /wrong HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n":               {403, 0},
		"PUT /wrong HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc":                               {405, 0},
		"POST /" + secret + " HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\nabc":                 {413, 0},
		"POST /" + secret + " HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n": {415, 0},
		"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc":                                    {200, webhook.DefaultReadTimeout},
	} {
		testkit.Bubble(t, func(t *testing.T) {
			network := serve(t, newHandler(t, ignore, webhook.WithSecretInPath(secret)))
			connection, err := network.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = connection.Close() }()
			start := time.Now()
			if _, err := fmt.Fprint(connection, request); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil {
				t.Fatalf("%.20q: %v", request, err)
			}
			if took := time.Since(start); response.StatusCode != want.status || took > want.within {
				t.Errorf("%.20q: %d after %v, want %d within %v", request, response.StatusCode, took, want.status, want.within)
			}
			_ = response.Body.Close()
			// The server lets the answer arrive before it closes the connection.
			<-time.After(time.Minute)
		})
	}
}

// pointerError panics when a nil pointer of it is asked for its text.
type pointerError struct{ text string }

func (e *pointerError) Error() string { return e.text }

// TestPanicsOfOthersCostNothing checks that errors and hooks that panic are failures
// of one event and not of the process.
func TestPanicsOfOthersCostNothing(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var log logger
		inbox := newMemoryInbox(t)
		hook := webhook.Hook{
			Before: func(context.Context, webhook.Step) context.Context { panic("before") },
			After:  func(context.Context, webhook.Step) { panic("after") },
		}
		handler := newHandler(t, func(_ context.Context, event *webhook.Event) error {
			if event.Text == "nil" {
				var failure *pointerError
				return failure
			}
			return nil
		}, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithHook(hook), webhook.WithLogger(log.slog()), webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 2}))
		accepted(t, handler, message(1, 1, "nil"))
		accepted(t, handler, message(1, 2, "well"))
		shutdown(t, handler)
		counts, err := inbox.Counts(t.Context(), handler.Endpoint())
		if err != nil || counts != (webhook.Counts{Dead: 1}) {
			t.Errorf("%+v, %v; want one dead letter", counts, err)
		}
		for letter, err := range inbox.DeadLetters(t.Context(), handler.Endpoint()) {
			if err != nil || !strings.Contains(letter.Reason, "pointerError") {
				t.Errorf("%q, %v", letter.Reason, err)
			}
		}
		if !strings.Contains(log.String(), "hook panicked") {
			t.Errorf("the log does not tell of the hook: %s", log.String())
		}
	})
}

// reporting is an inbox that tells how it does.
type reporting struct {
	webhook.Inbox

	err atomic.Pointer[error]
}

func (r *reporting) Health(context.Context) error {
	if err := r.err.Load(); err != nil {
		return *err
	}
	return nil
}

func health(handler http.Handler) (status int, text string) {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	return recorder.Code, recorder.Body.String()
}

// TestHealth checks that the health tells what would become of a message, without
// telling strangers why, and that only changes are logged.
func TestHealth(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var log logger
		failure := atomic.Pointer[error]{}
		inbox := &reporting{Inbox: &stubInbox{put: func(context.Context, webhook.Entry) error {
			if err := failure.Load(); err != nil {
				return *err
			}
			return nil
		}}}
		handler := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithLogger(log.slog()))
		expect := func(status int, want error) {
			t.Helper()
			if err := handler.Health(t.Context()); !errors.Is(err, want) {
				t.Errorf("health: %v, want %v", err, want)
			}
			if got, text := health(handler); got != status || strings.Contains(text, "full") {
				t.Errorf("%d %q, want %d", got, text, status)
			}
		}
		expect(200, nil)
		full := webhook.ErrFull
		failure.Store(&full)
		if response := post(handler, "/salebot", message(1, 1, "Hello")); response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("status %d of a message that was not kept", response.StatusCode)
		}
		expect(503, webhook.ErrFull)
		<-time.After(time.Minute)
		expect(200, nil) // long ago
		post(handler, "/", message(1, 1, "Hello"))
		failure.Store(nil)
		expect(503, webhook.ErrFull)
		accepted(t, handler, message(1, 1, "Hello"))
		expect(200, nil)
		broken := fmt.Errorf("disk: %w", webhook.ErrInboxBroken)
		inbox.err.Store(&broken)
		expect(503, webhook.ErrInboxBroken)
		expect(503, webhook.ErrInboxBroken)
		if n := strings.Count(log.String(), "receiver is not healthy"); n != 3 {
			t.Errorf("logged %d times, want 3: %s", n, log.String())
		}
		if n := strings.Count(log.String(), "healthy again"); n != 2 {
			t.Errorf("logged %d times that all is well again, want 2: %s", n, log.String())
		}
		_ = handler.Stop(t.Context())
		expect(503, webhook.ErrShutDown)
	})
}

// An inbox that hands out nothing is not healthy, even if it keeps what comes.
func TestHealthOfLeases(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := &failingLease{Inbox: newMemoryInbox(t)}
		inbox.failing.Store(true)
		handler := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(inbox))
		synctest.Wait()
		if err := handler.Health(t.Context()); !errors.Is(err, errLease) {
			t.Errorf("health: %v", err)
		}
		inbox.failing.Store(false)
		<-time.After(10 * time.Minute)
		if err := handler.Health(t.Context()); err != nil {
			t.Errorf("health: %v", err)
		}
	})
}

var errLease = errors.New("the disk is busy")

type failingLease struct {
	webhook.Inbox
	failing atomic.Bool
}

func (f *failingLease) Lease(ctx context.Context, request webhook.LeaseRequest) ([]webhook.Delivery, error) {
	if f.failing.Load() {
		return nil, errLease
	}
	return f.Inbox.Lease(ctx, request)
}

// An inbox that the handler made for itself ends with it.
func TestTheOwnInboxIsClosed(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, ignore, webhook.WithoutSecret())
	shutdown(t, handler)
	if _, err := handler.Inbox().Counts(t.Context(), handler.Endpoint()); !errors.Is(err, webhook.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
	given := newMemoryInbox(t)
	handler = newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(given))
	shutdown(t, handler)
	if _, err := given.Counts(t.Context(), handler.Endpoint()); err != nil {
		t.Errorf("an inbox of somebody else: %v", err)
	}
}

// TestFunctionsAreNotCalledInVain checks that no event is begun while the end of
// another cannot be written down.
func TestFunctionsAreNotCalledInVain(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var calls atomic.Int64
		inbox := &failingCommit{Inbox: newMemoryInbox(t)}
		inbox.failing.Store(true)
		handler := newHandler(t, func(context.Context, *webhook.Event) error {
			calls.Add(1)
			return nil
		}, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithWorkers(4))
		for client := range 100 {
			accepted(t, handler, message(salebot.ClientID(client+1), salebot.MessageID(client+1), "Hello"))
		}
		<-time.After(30 * time.Second)
		if n := calls.Load(); n > 4 {
			t.Errorf("%d events were handled and could not be committed, want at most one for each worker", n)
		}
		inbox.failing.Store(false)
		shutdown(t, handler)
		if n := calls.Load(); n != 100 {
			t.Errorf("%d calls for 100 events", n)
		}
	})
}

// failingCommit is an inbox whose store takes no changes for a while.
type failingCommit struct {
	webhook.Inbox

	failing atomic.Bool
}

func (f *failingCommit) Commit(ctx context.Context, delivery webhook.Delivery) error {
	if f.failing.Load() {
		return errors.New("the store fails")
	}
	return f.Inbox.Commit(ctx, delivery)
}

// TestShutdownTwice checks that a handler can be ended more than once, as the end of
// a program often does.
func TestShutdownTwice(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, ignore, webhook.WithoutSecret())
	accepted(t, handler, message(1, 1, "Hello"))
	for range 2 {
		shutdown(t, handler)
	}
	if err := handler.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestDrainingOutlastsAFailure checks that a store which fails for a moment does not
// end the draining.
func TestDrainingOutlastsAFailure(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := &failingCounts{Inbox: newMemoryInbox(t)}
		inbox.left.Store(3)
		var events recorder
		handler := newHandler(t, events.handle, webhook.WithoutSecret(), webhook.WithInbox(inbox))
		accepted(t, handler, message(1, 1, "Hello"))
		shutdown(t, handler)
		if len(events.texts()) != 1 || inbox.left.Load() >= 0 {
			t.Errorf("%d events, %d failures left", len(events.texts()), inbox.left.Load())
		}
	})
}

// failingCounts is an inbox that cannot count at first.
type failingCounts struct {
	webhook.Inbox

	left atomic.Int64
}

func (f *failingCounts) Counts(ctx context.Context, endpoint string) (webhook.Counts, error) {
	if f.left.Add(-1) >= 0 {
		return webhook.Counts{}, errors.New("the store fails")
	}
	return f.Inbox.Counts(ctx, endpoint)
}

// TestStopOnTheLastAttempt checks that an attempt which the end of the handler cut
// short is not the last one.
func TestStopOnTheLastAttempt(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := newMemoryInbox(t)
		options := []webhook.Option{webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 1})}
		stopped := newHandler(t, func(ctx context.Context, _ *webhook.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}, options...)
		accepted(t, stopped, message(1, 1, "Hello"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := stopped.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop: %v", err)
		}
		synctest.Wait()
		var events recorder
		shutdown(t, newHandler(t, events.handle, options...))
		if len(events.texts()) != 1 {
			t.Errorf("%d events were handled by the next handler, want 1", len(events.texts()))
		}
	})
}

// TestStopWaitsForTheOutcome checks that an event whose function was cut short after it
// may have sent something is settled before Stop returns: the inbox may be closed then.
func TestStopWaitsForTheOutcome(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := newMemoryInbox(t)
		handler := newHandler(t, func(ctx context.Context, _ *webhook.Event) error {
			<-ctx.Done()
			return &salebot.OpError{Action: "message", Class: salebot.Once, Outcome: salebot.OutcomeUnknown, Err: ctx.Err()}
		}, webhook.WithoutSecret(), webhook.WithInbox(inbox))
		accepted(t, handler, message(1, 1, "Hello"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := handler.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop: %v", err)
		}
		counts, err := inbox.Counts(t.Context(), handler.Endpoint())
		if err != nil || counts != (webhook.Counts{Dead: 1}) {
			t.Errorf("%+v, %v; want a dead letter when Stop has returned", counts, err)
		}
	})
}

// TestRetryAfter checks that a function can say when to try again.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		start, calls := time.Now(), []time.Duration{}
		cause := errors.New("not written down yet")
		handler := newHandler(t, func(context.Context, *webhook.Event) error {
			calls = append(calls, time.Since(start))
			if len(calls) == 3 {
				return nil
			}
			return fmt.Errorf("looking: %w", webhook.RetryAfter(cause, 7*time.Second))
		}, webhook.WithoutSecret(), webhook.WithRetryPolicy(webhook.RetryPolicy{BaseDelay: time.Hour, MaxDelay: time.Hour}))
		accepted(t, handler, message(1, 1, "Hello"))
		shutdown(t, handler)
		if want := []time.Duration{0, 7 * time.Second, 14 * time.Second}; !slices.Equal(calls, want) {
			t.Errorf("called at %v, want %v", calls, want)
		}
		if err := webhook.RetryAfter(cause, time.Second); !errors.Is(err, cause) || err.Error() != cause.Error() || webhook.RetryAfter(nil, time.Second) != nil {
			t.Errorf("%v", err)
		}
	})
}

// TestEventsKnowTheServiceTexts checks that a filter and a function that ask an event
// whether it is a notice hear of the texts that the handler was given.
func TestEventsKnowTheServiceTexts(t *testing.T) {
	t.Parallel()
	var events recorder
	texts := webhook.KnownServiceTexts().With("order_paid").WithCheck(func(event *webhook.Event) bool { return event.Text == "odd" && !event.IsService() })
	handler := newHandler(t, events.handle, webhook.WithoutSecret(), webhook.WithServiceTexts(texts), webhook.WithFilter(func(event *webhook.Event) bool {
		return event.Failed || event.IsIncoming() && !event.IsService()
	}))
	for id, text := range []string{"Hello", "order_paid", "odd"} {
		accepted(t, handler, message(1, salebot.MessageID(id+1), text))
	}
	shutdown(t, handler)
	if got := events.texts(); !slices.Equal(got, []string{"Hello"}) {
		t.Errorf("%q passed the filter", got)
	}
	if event := events.events[0]; event.IsService() {
		t.Error("a message of a person is called a notice")
	}
}

// TestDeadLetterEvent checks that what was given up can be read again.
func TestDeadLetterEvent(t *testing.T) {
	t.Parallel()
	letter := webhook.DeadLetter{Entry: webhook.Entry{Body: message(7, 8, "Hello"), Recovered: true}, Sequence: 3, Attempts: 2}
	event, err := letter.Event()
	if err != nil || event.Text != "Hello" || event.Client.ID != 7 || event.Sequence != 3 || event.Attempt != 2 || !event.Recovered {
		t.Errorf("%+v, %v", event, err)
	}
	letter.Body = "{"
	if _, err := letter.Event(); !errors.Is(err, webhook.ErrMalformed) {
		t.Error(err)
	}
}

// TestDeadLettersAreTold checks that a person can be told of each event that is given
// up, and that it is in the inbox by then.
func TestDeadLettersAreTold(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := newMemoryInbox(t)
		var told []webhook.DeadLetter
		handler := newHandler(t, func(_ context.Context, event *webhook.Event) error {
			if event.Text == "bad" {
				return webhook.Permanent(errors.New("never"))
			}
			return nil
		}, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithWorkers(1), webhook.WithDeadLetterFunc(func(ctx context.Context, letter webhook.DeadLetter) {
			counts, err := inbox.Counts(ctx, webhook.DefaultEndpoint)
			if err != nil || counts.Dead != 1 {
				t.Errorf("%+v, %v", counts, err)
			}
			told = append(told, letter)
			panic("telling fails")
		}))
		for id, text := range []string{"good", "bad", "good"} {
			accepted(t, handler, message(1, salebot.MessageID(id+1), text))
		}
		if err := handler.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(told) != 1 || told[0].MessageID != 2 || told[0].Reason != "never" || told[0].Attempts != 1 {
			t.Errorf("told of %+v", told)
		}
		accepted(t, handler, message(1, 4, "after waiting"))
		if err := handler.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
