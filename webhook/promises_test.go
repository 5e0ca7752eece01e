package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/webhook"
)

// TestHeaders checks the headers of every answer.
func TestHeaders(t *testing.T) {
	t.Parallel()
	full := &stubInbox{put: func(context.Context, webhook.Entry) error { return webhook.ErrFull }}
	ended := newHandler(t, ignore, webhook.WithSecretInPath(secret))
	shutdown(t, ended)
	usual := newHandler(t, ignore, webhook.WithSecretInPath(secret))
	for name, test := range map[string]struct {
		handler        http.Handler
		method, target string
		body           string
		status         int
		want           map[string]string
	}{
		"accepted":  {usual, "POST", "/" + secret, message(1, 1, "hi"), 200, map[string]string{"Content-Type": "application/json"}},
		"healthy":   {usual, "GET", "/", "", 200, map[string]string{"Content-Type": "application/json"}},
		"head":      {usual, "HEAD", "/", "", 200, map[string]string{"Content-Type": "application/json"}},
		"stranger":  {usual, "POST", "/", message(1, 1, "hi"), 403, map[string]string{"Connection": "close"}},
		"method":    {usual, "PATCH", "/" + secret, "", 405, map[string]string{"Allow": "GET, HEAD, POST"}},
		"malformed": {usual, "POST", "/" + secret, "{", 400, nil},
		"too large": {usual, "POST", "/" + secret, strings.Repeat(" ", webhook.DefaultMaxBodySize+1), 413, map[string]string{"Connection": "close"}},
		"full":      {newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(full)), "POST", "/", message(1, 1, "hi"), 503, map[string]string{"Retry-After": "5"}},
		"ended":     {ended, "POST", "/" + secret, message(1, 1, "hi"), 503, map[string]string{"Retry-After": "5", "Connection": "close"}},
		"unhealthy": {ended, "GET", "/", "", 503, map[string]string{"Retry-After": "5"}},
	} {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequest(test.method, test.target, nil)
		if test.body != "" {
			request = httptest.NewRequest(test.method, test.target, strings.NewReader(test.body))
		}
		test.handler.ServeHTTP(recorder, request)
		want := map[string]string{"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Allow": "", "Retry-After": "", "Connection": ""}
		if test.status == http.StatusOK {
			want["X-Content-Type-Options"] = ""
		}
		maps.Copy(want, test.want)
		for header, value := range want {
			if got := recorder.Header().Get(header); got != value || recorder.Code != test.status {
				t.Errorf("%s: status %d, %s: %q; want %d, %q", name, recorder.Code, header, got, test.status, value)
			}
		}
	}
}

// TestNoEventWhileAnEndCannotBeWritten checks that workers which are free begin nothing
// while the end of one event cannot be written down.
func TestNoEventWhileAnEndCannotBeWritten(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var events recorder
		inbox := &failingCommit{Inbox: newMemoryInbox(t)}
		inbox.failing.Store(true)
		handler := newHandler(t, events.handle, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithWorkers(4))
		accepted(t, handler, message(1, 1, "first"))
		<-time.After(time.Second)
		// The dispatcher was already waiting for one event when the first failed.
		for client := range 10 {
			accepted(t, handler, message(salebot.ClientID(client+2), salebot.MessageID(client+2), "next"))
			<-time.After(time.Second)
		}
		if n := len(events.texts()); n > 2 {
			t.Errorf("%d events were begun, want at most one after the first", n)
		}
		inbox.failing.Store(false)
		shutdown(t, handler)
		if n := len(events.texts()); n != 11 {
			t.Errorf("%d events were handled, want 11", n)
		}
	})
}

// TestInterruptionsAreAllowedFor checks how many attempts there may be if some did not
// end: those of the policy and three more, and not one more than that.
func TestInterruptionsAreAllowedFor(t *testing.T) {
	t.Parallel()
	for interrupted, calls := range map[int]int{2: 1, 3: 1, 5: 1, 6: 0, 7: 0} {
		testkit.Bubble(t, func(t *testing.T) {
			inbox := newMemoryInbox(t)
			if _, err := inbox.Put(t.Context(), webhook.Entry{Endpoint: webhook.DefaultEndpoint, ClientID: 1, Body: message(1, 1, "hi")}); err != nil {
				t.Fatal(err)
			}
			for range interrupted {
				if _, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: webhook.DefaultEndpoint, Max: 1, Duration: time.Second}); err != nil {
					t.Fatal(err)
				}
			}
			var events recorder
			handler := newHandler(t, events.handle, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 3}))
			shutdown(t, handler)
			counts, err := inbox.Counts(t.Context(), handler.Endpoint())
			if err != nil || len(events.texts()) != calls || counts.Dead != 1-calls {
				t.Errorf("after %d interruptions: %d calls, %+v, %v; want %d calls", interrupted, len(events.texts()), counts, err, calls)
			}
		})
	}
}

// TestStopEndsAShutdownThatWaits checks that Stop lets a Shutdown return at once that
// waits for a repetition, and that what runs is waited for by both.
func TestStopEndsAShutdownThatWaits(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := newMemoryInbox(t)
		release := make(chan struct{})
		var returned atomic.Bool
		handler := newHandler(t, func(_ context.Context, event *webhook.Event) error {
			if event.Text == "fails" {
				return errors.New("not yet")
			}
			<-release
			returned.Store(true)
			return nil
		}, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithRetryPolicy(webhook.RetryPolicy{BaseDelay: time.Hour, MaxDelay: time.Hour}))
		accepted(t, handler, message(1, 1, "fails"))
		accepted(t, handler, message(2, 2, "runs"))
		synctest.Wait()
		results := make(chan error, 2)
		go func() { results <- handler.Shutdown(t.Context()) }()
		synctest.Wait()
		start := time.Now()
		stopped := make(chan error, 1)
		go func() { stopped <- handler.Stop(t.Context()) }()
		if err := <-results; !errors.Is(err, webhook.ErrStopped) {
			t.Errorf("shutdown: %v, want ErrStopped", err)
		}
		if waited := time.Since(start); waited > 3*time.Second {
			t.Errorf("shutdown returned %v after Stop", waited)
		}
		close(release)
		if err := <-stopped; err != nil || !returned.Load() {
			t.Errorf("stop: %v, the function returned: %v", err, returned.Load())
		}
		if counts, err := inbox.Counts(t.Context(), handler.Endpoint()); err != nil || withoutOldest(counts) != (webhook.Counts{Delayed: 1}) {
			t.Errorf("%+v, %v; want the one that waits", counts, err)
		}
	})
}

// TestCatchUpReportsEveryFailure checks that a client that failed is in the report
// although others succeeded after it, and that one is in it whose events were kept in
// part.
func TestCatchUpReportsEveryFailure(t *testing.T) {
	t.Parallel()
	at := time.Now()
	h := &histories{items: map[salebot.ClientID][]salebot.HistoryItem{
		1: {item(1, at)}, 3: {item(3, at), item(33, at)}, 4: {item(4, at)},
	}}
	clients := func(yield func(salebot.ClientID, error) bool) {
		for _, client := range []salebot.ClientID{1, 2, 3, 4, 5} {
			if !yield(client, nil) {
				return
			}
		}
	}
	kept := 0
	inbox := &stubInbox{put: func(_ context.Context, e webhook.Entry) error {
		if e.MessageID == 33 {
			return webhook.ErrFull
		}
		kept++
		return nil
	}}
	handler := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(inbox))
	report, err := handler.CatchUp(t.Context(), webhook.CatchUp{History: h, Clients: clients, Since: time.Unix(0, 0), Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, failure := range report.Failed {
		failed = append(failed, fmt.Sprintf("%d %v", failure.ClientID, errors.Is(failure.Err, webhook.ErrFull)))
	}
	if !slices.Equal(failed, []string{"2 false", "3 true", "5 false"}) || report.Clients != 3 || report.Recovered != 3 || kept != 3 {
		t.Errorf("failed %q, %+v, %d kept", failed, report, kept)
	}
	if err := report.Err(); err == nil || !errors.Is(err, webhook.ErrFull) || !errors.Is(err, salebot.ErrClientNotFound) {
		t.Errorf("the report's error is %v", err)
	}
}

// TestRecoveredEventsAreComplete checks that what the history tells of a message is in
// the recovered event.
func TestRecoveredEventsAreComplete(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	attachments := func(text string) (a salebot.Attachments) {
		if err := a.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return a
	}
	h := &histories{items: map[salebot.ClientID][]salebot.HistoryItem{7: {
		{ID: 1234567890123456789, ClientReplica: true, Delivered: true, CreatedAt: salebot.UnixTimestamp(at), Attachments: attachments(`["https://files.example/a.png"]`)},
		{ID: 1234567890123456790, ClientReplica: true, Delivered: true, CreatedAt: salebot.UnixTimestamp(at), Attachments: attachments(`[{"phone_number":"79000000000"}]`)},
		{ID: 1234567890123456791, BlockID: 9, Text: "lost", CreatedAt: salebot.UnixTimestamp(at), ErrorMessage: "blocked"},
		{ID: 1234567890123456792, BlockID: 9, Text: "fine", Delivered: true, CreatedAt: salebot.UnixTimestamp(at)},
	}}}
	var mu sync.Mutex
	got := map[salebot.MessageID]webhook.Event{}
	handler := newHandler(t, func(_ context.Context, event *webhook.Event) error {
		mu.Lock()
		defer mu.Unlock()
		got[event.ID] = *event
		return nil
	}, webhook.WithoutSecret(), webhook.WithOutgoing())
	one := func(yield func(salebot.ClientID, error) bool) { yield(7, nil) }
	report, err := handler.CatchUp(t.Context(), webhook.CatchUp{History: h, Clients: one, Since: at})
	if err != nil || report.Recovered != 4 {
		t.Fatal(report, err)
	}
	// What is known by its delivery is recognized when it comes by the webhook, too.
	accepted(t, handler, `{"id":1234567890123456791,"client":{"id":7},"message_id":9,"is_input":0,"message":"lost","delivered":0}`)
	shutdown(t, handler)
	if stats := handler.Stats(); stats.Duplicates != 1 || stats.Kept != 4 {
		t.Errorf("%+v", stats)
	}
	file, contact, lost, fine := got[1234567890123456789], got[1234567890123456790], got[1234567890123456791], got[1234567890123456792]
	if !slices.Equal(file.Attachments.URLs(), []string{"https://files.example/a.png"}) || file.Kind() != webhook.KindFile || !file.Recovered || file.Failed {
		t.Errorf("file: %+v", file)
	}
	if c, ok := contact.Contact(); !ok || c.PhoneNumber != "79000000000" || contact.Kind() != webhook.KindContact {
		t.Errorf("contact: %+v", contact)
	}
	if !lost.Failed || lost.ErrorMessage != "blocked" || lost.BlockID != 9 || lost.Origin != webhook.OriginFunnel || lost.Client.ID != 7 {
		t.Errorf("lost: %+v", lost)
	}
	if fine.Failed || fine.ErrorMessage != "" || fine.Text != "fine" {
		t.Errorf("fine: %+v", fine)
	}
}

// TestMemoryOfMessagesIsBounded checks how long and how many messages a memory inbox
// remembers.
func TestMemoryOfMessagesIsBounded(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		put := func(inbox webhook.Inbox, id salebot.MessageID) bool {
			t.Helper()
			receipt, err := inbox.Put(t.Context(), webhook.Entry{Endpoint: "e", MessageID: id})
			if err != nil {
				t.Fatal(err)
			}
			return receipt.Duplicate
		}
		few := newMemoryInbox(t, webhook.WithMaxSeen(3))
		for _, id := range []salebot.MessageID{1, 2, 3} {
			if put(few, id) {
				t.Errorf("message %d is called a duplicate", id)
			}
		}
		if !put(few, 1) || put(few, 4) || put(few, 1) || !put(few, 4) || !put(few, 3) || put(few, 2) {
			t.Error("not the last three messages are remembered")
		}
		short := newMemoryInbox(t, webhook.WithDuplicateWindow(time.Hour))
		put(short, 1)
		<-time.After(time.Hour - time.Second)
		put(short, 2)
		if !put(short, 1) {
			t.Error("forgotten too early")
		}
		<-time.After(time.Second)
		if put(short, 1) || !put(short, 2) {
			t.Error("after the window: the first message is remembered, or the second forgotten")
		}
	})
	for name, option := range map[string]webhook.MemoryOption{
		"events": webhook.WithMaxEvents(0), "bytes": webhook.WithMaxBytes(-1), "dead letters": webhook.WithMaxDeadLetters(0), "seen": webhook.WithMaxSeen(0), "window": webhook.WithDuplicateWindow(0),
	} {
		var problem *salebot.OptionError
		if _, err := webhook.NewMemoryInbox(nil, option); !errors.As(err, &problem) {
			t.Errorf("%s: %v, want an OptionError", name, err)
		}
	}
}

// TestReasonsAreCut checks that what an inbox keeps of a failure is bounded, and is text.
func TestReasonsAreCut(t *testing.T) {
	t.Parallel()
	for name, reason := range map[string]string{"long": strings.Repeat("я", 5000), "odd": "x" + strings.Repeat("я", 5000), "not text": "bad \xff byte", "several lines": "one\ntwo", "short": "why"} {
		inbox := newMemoryInbox(t)
		handler := newHandler(t, func(context.Context, *webhook.Event) error { return webhook.Permanent(errors.New(reason)) }, webhook.WithoutSecret(), webhook.WithInbox(inbox))
		accepted(t, handler, message(1, 1, "hi"))
		shutdown(t, handler)
		letters := 0
		for letter, err := range inbox.DeadLetters(t.Context(), handler.Endpoint()) {
			letters++
			if err != nil || utf8.RuneCountInString(letter.Reason) > 1001 || !utf8.ValidString(letter.Reason) || strings.ContainsAny(letter.Reason, "\n") || letter.Reason == "" {
				t.Errorf("%s: %d bytes, %.20q, %v", name, len(letter.Reason), letter.Reason, err)
			}
		}
		if letters != 1 {
			t.Errorf("%s: %d dead letters", name, letters)
		}
	}
}
