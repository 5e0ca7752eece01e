package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/webhook"
)

func TestOnlyMessagesOfPeopleByDefault(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		bodies := map[string]string{
			"person": message(1, 1, "person"), "service": message(1, 2, "new_chat_member"), "callback": message(1, 3, "edit_task_callback 1"),
			"funnel":   `{"id":4,"is_input":0,"message_id":7,"message":"funnel"}`,
			"operator": `{"id":5,"is_input":0,"message_id":null,"message":"operator"}`,
			"failed":   `{"id":4,"is_input":0,"message_id":7,"message":"funnel","delivered":0}`,
			"unknown":  `{"id":6,"is_input":null,"message":"unknown"}`,
			"own":      message(1, 7, "order_is_ready"),
		}
		for name, test := range map[string]struct {
			options []webhook.Option
			want    []string
		}{
			"by default":      {nil, []string{"order_is_ready", "person"}},
			"outgoing too":    {[]webhook.Option{webhook.WithOutgoing()}, []string{"funnel", "funnel", "operator", "order_is_ready", "person"}},
			"service too":     {[]webhook.Option{webhook.WithServiceEvents()}, []string{"edit_task_callback 1", "new_chat_member", "order_is_ready", "person"}},
			"more texts":      {[]webhook.Option{webhook.WithServiceTexts(webhook.KnownServiceTexts().With("order_is_ready"))}, []string{"person"}},
			"a filter of own": {[]webhook.Option{webhook.WithFilter(func(e *webhook.Event) bool { return e.Failed || e.ID == 6 })}, []string{"funnel", "unknown"}},
		} {
			var events recorder
			handler := newHandler(t, events.handle, append(test.options, webhook.WithoutSecret())...)
			for _, body := range bodies {
				accepted(t, handler, body)
			}
			shutdown(t, handler)
			if got := slices.Sorted(slices.Values(events.texts())); !slices.Equal(got, test.want) {
				t.Errorf("%s: %q, want %q", name, got, test.want)
			}
			if stats := handler.Stats(); stats.Kept+stats.Unwanted != int64(len(bodies)) || stats.WithUnread != 0 {
				t.Errorf("%s: %+v", name, stats)
			}
		}
	})
}

func TestUnknownDirectionIsLogged(t *testing.T) {
	t.Parallel()
	var log logger
	inbox := newMemoryInbox(t)
	handler := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithLogger(log.slog()), webhook.WithInbox(inbox))
	accepted(t, handler, message(1, 1, "hi"))
	if text := log.String(); strings.Contains(text, "not understood") {
		t.Errorf("log of what was understood: %s", text)
	}
	accepted(t, handler, `{"id":77,"is_input":"perhaps","message":"private words"}`)
	if stats := handler.Stats(); stats.WithUnread != 1 {
		t.Errorf("%+v", stats)
	}
	if !strings.Contains(log.String(), "message_id=77") || !strings.Contains(log.String(), "is_input") || strings.Contains(log.String(), "private words") {
		t.Errorf("log: %s", log.String())
	}
	accepted(t, handler, `{"id":78,"is_input":1,"message":"hi","project_id":[]}`)
	if !strings.Contains(log.String(), "message_id=78") {
		t.Errorf("log of a field that was not understood: %s", log.String())
	}
	shutdown(t, handler)
	var reasons []string
	for letter, err := range inbox.DeadLetters(t.Context(), handler.Endpoint()) {
		if err != nil {
			t.Fatal(err)
		}
		reasons = append(reasons, letter.Reason)
	}
	if len(reasons) != 1 || !strings.HasSuffix(reasons[0], "unread fields: is_input") {
		t.Errorf("reasons %q", reasons)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var (
			mu    sync.Mutex
			calls = map[string][]time.Duration{}
			log   logger
			hooks []webhook.Step
		)
		start := time.Now()
		fn := func(_ context.Context, event *webhook.Event) error {
			mu.Lock()
			defer mu.Unlock()
			calls[event.Text] = append(calls[event.Text], time.Since(start))
			if event.Attempt != len(calls[event.Text]) || event.Sequence == 0 || event.AcceptedAt.IsZero() {
				t.Errorf("%s: attempt %d, want %d", event.Text, event.Attempt, len(calls[event.Text]))
			}
			switch event.Text {
			case "error", "behind":
				if event.Attempt < 3 {
					return errors.New("not yet")
				}
			case "panic":
				panic(errors.New("wild"))
			case "exit":
				runtime.Goexit()
			case "permanent":
				return fmt.Errorf("wrapped: %w", webhook.Permanent(errors.New("never")))
			}
			return nil
		}
		handler := newHandler(t, fn, webhook.WithoutSecret(), webhook.WithLogger(log.slog()),
			webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 4, BaseDelay: 10 * time.Second, MaxDelay: 30 * time.Second}),
			webhook.WithHook(webhook.Hook{After: func(_ context.Context, a webhook.Step) {
				if a.Kind == webhook.StepHandle {
					mu.Lock()
					defer mu.Unlock()
					hooks = append(hooks, a)
				}
			}}))
		for i, text := range []string{"error", "panic", "exit", "permanent", "fine"} {
			accepted(t, handler, message(salebot.ClientID(i+1), salebot.MessageID(i+1), text))
		}
		accepted(t, handler, message(1, 10, "behind"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		synctest.Wait()
		letters := handler.Inbox()
		if counts, err := letters.Counts(ctx, handler.Endpoint()); err != nil || withoutOldest(counts) != (webhook.Counts{Waiting: 1, Delayed: 3, Dead: 1}) {
			t.Errorf("after the first attempts: %+v, %v", counts, err)
		}
		drained := make(chan error, 1)
		var dead []webhook.DeadLetter
		// The dead letters of a handler's own inbox are gone after Shutdown.
		<-time.After(10 * time.Minute)
		for letter, err := range letters.DeadLetters(ctx, handler.Endpoint()) {
			if err != nil {
				t.Error(err)
			}
			dead = append(dead, letter)
		}
		go func() { drained <- handler.Shutdown(ctx) }()
		if err := <-drained; err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]int{"error": 3, "panic": 4, "exit": 4, "permanent": 1, "fine": 1, "behind": 3} {
			if got := len(calls[text]); got != want {
				t.Errorf("%s: %d calls, want %d", text, got, want)
			}
		}
		for _, text := range []string{"error", "panic", "exit"} {
			at := calls[text]
			for i, bound := range []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second}[:len(at)-1] {
				if wait := at[i+1] - at[i]; wait < bound/2 || wait > bound {
					t.Errorf("%s: waited %v before attempt %d, want between %v and %v", text, wait, i+2, bound/2, bound)
				}
			}
		}
		if calls["behind"][0] < calls["error"][2] {
			t.Error("an event overtook the one before it of the same client")
		}
		reasons := map[salebot.MessageID]string{}
		for _, letter := range dead {
			reasons[letter.MessageID] = letter.Reason
		}
		if len(dead) != 3 || !strings.Contains(reasons[2], "wild") || !strings.Contains(reasons[3], "ended its goroutine") || !strings.Contains(reasons[4], "never") {
			t.Errorf("dead letters %v", reasons)
		}
		if !strings.Contains(log.String(), "stack=") || !strings.Contains(log.String(), "dead letter") {
			t.Errorf("log: %s", log.String())
		}
		failures, final := 0, 0
		for _, hook := range hooks {
			if hook.Err != nil {
				failures++
			}
			if hook.Result == webhook.ResultDeadLetter {
				final++
			}
			if (hook.Err == nil) != (hook.Result == webhook.ResultDone) || hook.Attempt < 1 || hook.BodySize == 0 {
				t.Errorf("hook %+v", hook)
			}
		}
		if len(hooks) != 16 || failures != 13 || final != len(dead) {
			t.Errorf("%d hooks, %d failures, %d of them final; want 16, 13 and %d", len(hooks), failures, final, len(dead))
		}
	})
}

func TestPanicError(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := error(&webhook.PanicError{Value: cause})
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "cause") {
		t.Errorf("%v", err)
	}
	if errors.Unwrap(&webhook.PanicError{Value: "text"}) != nil {
		t.Error("a text has a cause")
	}
	if err := fmt.Errorf("wrapped: %w", webhook.Permanent(errors.New("never"))); !webhook.IsPermanent(err) || webhook.IsPermanent(errors.New("never")) || webhook.IsPermanent(nil) {
		t.Error("IsPermanent")
	}
	if webhook.Permanent(nil) != nil {
		t.Error("Permanent(nil) is an error")
	}
	if permanent := webhook.Permanent(cause); !errors.Is(permanent, cause) || permanent.Error() != cause.Error() {
		t.Errorf("%v", permanent)
	}
}

// TestEventTimeout checks that a function which hangs is told so, and that one which
// does not listen loses the event to the next attempt.
func TestEventTimeout(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		var mu sync.Mutex
		var deadlines []time.Duration
		calls := 0
		handler := newHandler(t, func(ctx context.Context, _ *webhook.Event) error {
			mu.Lock()
			calls++
			first := calls == 1
			deadline, _ := ctx.Deadline()
			deadlines = append(deadlines, time.Until(deadline))
			mu.Unlock()
			if first {
				<-release
			}
			return nil
		}, webhook.WithoutSecret(), webhook.WithEventTimeout(5*time.Second), webhook.WithPutTimeout(time.Second))
		accepted(t, handler, message(1, 1, "hi"))
		<-time.After(time.Minute)
		mu.Lock()
		if calls != 2 {
			t.Errorf("%d calls, want 2", calls)
		}
		for _, left := range deadlines {
			if left != 5*time.Second {
				t.Errorf("deadline in %v, want 5s", left)
			}
		}
		mu.Unlock()
		close(release)
		shutdown(t, handler)
		if calls != 2 {
			t.Errorf("%d calls in the end, want 2", calls)
		}
	})
}

// TestCrashLoop checks that an event over which the process died as often as it may
// be tried, and a few times more, is not tried again.
func TestCrashLoop(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := newMemoryInbox(t)
		ctx := t.Context()
		if _, err := inbox.Put(ctx, webhook.Entry{Endpoint: webhook.DefaultEndpoint, ClientID: 1, Body: message(1, 1, "poison")}); err != nil {
			t.Fatal(err)
		}
		for range 3 + 3 {
			if _, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: webhook.DefaultEndpoint, Max: 1, Duration: time.Second}); err != nil {
				t.Fatal(err)
			}
		}
		var events recorder
		handler := newHandler(t, events.handle, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 3}))
		shutdown(t, handler)
		if counts, err := inbox.Counts(ctx, webhook.DefaultEndpoint); err != nil || counts != (webhook.Counts{Dead: 1}) || len(events.texts()) > 0 {
			t.Errorf("%+v, %v, %d calls", counts, err, len(events.texts()))
		}
	})
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		stuck := make(chan struct{})
		var canceled error
		handler := newHandler(t, func(ctx context.Context, event *webhook.Event) error {
			if event.Text == "stuck" {
				<-ctx.Done()
				canceled = context.Cause(ctx)
				<-stuck
			}
			return nil
		}, webhook.WithoutSecret(), webhook.WithWorkers(1))
		accepted(t, handler, message(1, 1, "stuck"))
		accepted(t, handler, message(1, 2, "behind"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		if err := handler.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v, want DeadlineExceeded", err)
		}
		// The function does not return, although its context has ended.
		if waited := time.Since(start); waited != 32*time.Second {
			t.Errorf("shutdown took %v, want 30s and two seconds of grace", waited)
		}
		if response := post(handler, "/", message(1, 3, "late")); response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
			t.Errorf("after shutdown: status %d, %v", response.StatusCode, response.Header)
		}
		synctest.Wait()
		if !errors.Is(canceled, context.Canceled) {
			t.Errorf("the function's context ended with %v, want Canceled", canceled)
		}
		close(stuck)
		if err := handler.Stop(t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
		// What was left is still there.
		if counts, err := handler.Inbox().Counts(t.Context(), handler.Endpoint()); err == nil && counts.Waiting != 1 {
			t.Errorf("%+v, %v", counts, err)
		}
	})
}

func TestStopCutsShutdownShort(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := newMemoryInbox(t)
		handler := newHandler(t, func(context.Context, *webhook.Event) error { return errors.New("never") },
			webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 100, BaseDelay: time.Hour, MaxDelay: time.Hour}))
		accepted(t, handler, message(1, 1, "hi"))
		result := make(chan error, 1)
		go func() { result <- handler.Shutdown(t.Context()) }()
		synctest.Wait()
		if err := handler.Stop(t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := <-result; !errors.Is(err, webhook.ErrStopped) {
			t.Errorf("shutdown: %v, want ErrStopped", err)
		}
		if counts, err := inbox.Counts(t.Context(), handler.Endpoint()); err != nil || withoutOldest(counts) != (webhook.Counts{Delayed: 1}) {
			t.Errorf("%+v, %v", counts, err)
		}
	})
}

// TestInboxThatFails checks that an inbox which cannot hand out or settle events is
// asked again, and that nothing is handled twice because of it.
func TestInboxThatFails(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := &flakyInbox{MemoryInbox: newMemoryInbox(t), failures: 5}
		var events recorder
		var log logger
		handler := newHandler(t, events.handle, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithLogger(log.slog()))
		accepted(t, handler, message(1, 1, "one"))
		accepted(t, handler, message(1, 2, "two"))
		shutdown(t, handler)
		if got := events.texts(); !slices.Equal(got, []string{"one", "two"}) {
			t.Errorf("calls %q", got)
		}
		if !strings.Contains(log.String(), "cannot hand out") {
			t.Errorf("log: %s", log.String())
		}
	})
}

type flakyInbox struct {
	*webhook.MemoryInbox
	mu       sync.Mutex
	failures int
}

func (f *flakyInbox) fail() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failures--; f.failures >= 0 && f.failures%2 == 0 {
		return errors.New("the disk is busy")
	}
	return nil
}

func (f *flakyInbox) Lease(ctx context.Context, request webhook.LeaseRequest) ([]webhook.Delivery, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.MemoryInbox.Lease(ctx, request)
}

func (f *flakyInbox) Commit(ctx context.Context, delivery webhook.Delivery) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.MemoryInbox.Commit(ctx, delivery)
}

func TestClosedInboxEndsTheWorkers(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := newMemoryInbox(t)
		var log logger
		handler := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithLogger(log.slog()))
		_ = inbox.Close()
		synctest.Wait()
		if !strings.Contains(log.String(), "closed before its handler") {
			t.Errorf("log: %s", log.String())
		}
		if response := post(handler, "/", message(1, 1, "hi")); response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("status %d", response.StatusCode)
		}
		if err := handler.Shutdown(t.Context()); !errors.Is(err, webhook.ErrClosed) {
			t.Errorf("shutdown: %v", err)
		}
	})
}

func TestHooksNest(t *testing.T) {
	t.Parallel()
	type key string
	var order []string
	hook := func(name string) webhook.Hook {
		return webhook.Hook{
			Before: func(ctx context.Context, a webhook.Step) context.Context {
				if a.Kind != webhook.StepHandle {
					return nil
				}
				order = append(order, "before "+name)
				return context.WithValue(ctx, key(name), true)
			},
			After: func(ctx context.Context, a webhook.Step) {
				if a.Kind == webhook.StepHandle {
					order = append(order, fmt.Sprintf("after %s %v", name, ctx.Value(key(name))))
				}
			},
		}
	}
	handler := newHandler(t, func(ctx context.Context, _ *webhook.Event) error {
		order = append(order, fmt.Sprintf("call %v %v", ctx.Value(key("a")), ctx.Value(key("b"))))
		return nil
	}, webhook.WithoutSecret(), webhook.WithHook(hook("a")), webhook.WithHook(hook("b")))
	accepted(t, handler, message(1, 1, "hi"))
	shutdown(t, handler)
	want := []string{"before a", "before b", "call true true", "after b true", "after a true"}
	if !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
}

// TestHooksTellWhichEvent checks that what is told of the reception of an event can be
// brought together with what is told of its handling, whichever ends first.
func TestHooksTellWhichEvent(t *testing.T) {
	t.Parallel()
	type key struct{}
	var mu sync.Mutex
	received, keeping, handled := webhook.Step{}, webhook.Step{}, webhook.Step{}
	handler := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithEndpoint("shop"), webhook.WithHook(webhook.Hook{
		Before: func(ctx context.Context, _ webhook.Step) context.Context {
			return context.WithValue(ctx, key{}, "span")
		},
		Keeping: func(ctx context.Context, step webhook.Step) {
			if ctx.Value(key{}) != "span" {
				t.Error("it has another context than that of Before")
			}
			keeping = step
		},
		After: func(_ context.Context, step webhook.Step) {
			mu.Lock()
			defer mu.Unlock()
			if step.Kind == webhook.StepHandle {
				handled = step
			} else {
				received = step
			}
		},
	}))
	accepted(t, handler, message(25554, 7, "hi"))
	shutdown(t, handler)
	for name, step := range map[string]webhook.Step{"received": received, "keeping": keeping, "handled": handled} {
		if step.Endpoint != "shop" || step.ClientID != 25554 || step.MessageID != 7 {
			t.Errorf("%s: %+v", name, step)
		}
	}
	if received.Sequence != 0 || handled.Sequence != 1 {
		t.Errorf("sequences %d and %d, want 0 and 1", received.Sequence, handled.Sequence)
	}
}

// TestHandlersShareAnInbox checks that two endpoints do not see each other's events.
func TestHandlersShareAnInbox(t *testing.T) {
	t.Parallel()
	inbox := newMemoryInbox(t)
	var first, second recorder
	a := newHandler(t, first.handle, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithEndpoint("a"))
	b := newHandler(t, second.handle, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithEndpoint("b"))
	accepted(t, a, message(1, 1, "for a"))
	accepted(t, b, message(1, 1, "for b"))
	shutdown(t, a)
	shutdown(t, b)
	if !slices.Equal(first.texts(), []string{"for a"}) || !slices.Equal(second.texts(), []string{"for b"}) {
		t.Errorf("%q, %q", first.texts(), second.texts())
	}
}
