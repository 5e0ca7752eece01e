package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

const secret = "correct-horse-battery"

// newHandler makes a handler that is ended with the test.
func newHandler(t testing.TB, fn webhook.Func, options ...webhook.Option) *webhook.Handler {
	t.Helper()
	handler, err := webhook.New(fn, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = handler.Stop(ctx)
	})
	return handler
}

// newMemoryInbox makes an inbox in memory.
func newMemoryInbox(t testing.TB, opts ...webhook.MemoryOption) *webhook.MemoryInbox {
	t.Helper()
	inbox, err := webhook.NewMemoryInbox(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return inbox
}

// ignore is a function for handlers whose events do not matter.
func ignore(context.Context, *webhook.Event) error { return nil }

// message is a body of the project webhook.
func message(client salebot.ClientID, id salebot.MessageID, text string) string {
	return fmt.Sprintf(`{"id":%d,"client":{"id":%d,"recepient":"1","client_type":1},"message":%q,"is_input":1,"delivered":1}`, id, client, text)
}

// post sends a body to a handler and returns the answer.
func post(handler http.Handler, target, body string) *http.Response {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, target, strings.NewReader(body)))
	return recorder.Result()
}

// accepted sends a body that has to be accepted.
func accepted(t testing.TB, handler http.Handler, body string) {
	t.Helper()
	if response := post(handler, "/", body); response.StatusCode != http.StatusOK {
		t.Fatalf("status %d for %.80s", response.StatusCode, body)
	}
}

// recorder notes the events that a handler's function is called with.
type recorder struct {
	mu     sync.Mutex
	events []webhook.Event
}

func (r *recorder) handle(_ context.Context, event *webhook.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, *event)
	return nil
}

// texts lists the texts of the events so far.
func (r *recorder) texts() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	texts := make([]string, len(r.events))
	for i := range r.events {
		texts[i] = r.events[i].Text
	}
	return texts
}

// shutdown drains a handler.
func shutdown(t testing.TB, handler *webhook.Handler) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
	defer cancel()
	if err := handler.Shutdown(ctx); err != nil {
		t.Fatalf("shutdown: %v", err)
	}
}

// logger writes to a buffer that may be read when nothing writes any more.
type logger struct {
	mu  sync.Mutex
	log bytes.Buffer
}

func (l *logger) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Write(line)
}

func (l *logger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.String()
}

func (l *logger) slog() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// pipes is a network in memory, which works under virtual time.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newPipes() *pipes {
	return &pipes{connections: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.connections <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case connection := <-p.connections:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// serve serves a handler in memory until the test ends.
func serve(t testing.TB, handler http.Handler) *pipes {
	t.Helper()
	network := newPipes()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(network) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return network
}

// withoutOldest is how many entries are in which state, without since when.
func withoutOldest(counts webhook.Counts) webhook.Counts {
	counts.Oldest = time.Time{}
	return counts
}
