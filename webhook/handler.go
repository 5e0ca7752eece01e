package webhook

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// Func handles an event. If it returns nil the event is done; if it returns an error or
// panics the event is tried again later, and the following events of the same client
// wait. It becomes a dead letter at once if repetition would not mend the failure (see
// Permanent), or might do something twice. The latter is so if the error is
// salebot.ErrOutcomeUnknown, or if a call had such an outcome and the error is not one
// of RetryAfter: a message may have been sent (see WithRepeatUnknown). The function is
// called from several goroutines at once, but with one event of a client at a time.
//
// An event reaches it at least once. It may reach it again if the process died between
// the return and the commit: WithRunOnce keeps its calls from being made twice. Hand
// the context on to them. It ends after the time of WithEventTimeout.
type Func func(ctx context.Context, event *Event) error

// Handler is an http.Handler that receives the project's webhook and calls a
// function with its events. Make it with New, and end it with Shutdown.
//
// A POST is answered by
//
//   - 200 when its event is kept in the inbox, was there before, or is not wanted;
//   - 400 for a body that is empty, malformed, breaks off or is nested too deeply;
//   - 403 for an address that is not allowed, and for a secret that is wrong or
//     missing;
//   - 408 when the body does not come in time;
//   - 413 for a body that is too large;
//   - 415 for a body that is compressed;
//   - 422 for a body that is not one of the project's webhook;
//   - 503 when the inbox cannot keep the event, and after Shutdown.
//
// GET and HEAD report whether the handler can do its work, by 200 or 503; see Health.
// They need no secret. Other methods are answered by 405. What is not answered by
// 200 was not kept, except that a 503 for an inbox which took too long, or whose disk
// failed, proves nothing; Salebot may or may not send it again.
type Handler struct {
	config
	fn Func
	// ownInbox says that the inbox was made by New.
	ownInbox bool
	buffers  sync.Pool
	workers  workers
	health   health
	counters counters
	// redriven has the sequences of events that WithMaxAge does not hold up.
	redriven sync.Map
	// unsettled counts the events whose end could not be written down yet.
	unsettled atomic.Int64

	mu sync.Mutex
	// closing refuses requests; receiving counts those that were let in before.
	closing   bool
	receiving sync.WaitGroup
	// ended says that Shutdown or Stop has done its work.
	ended bool
}

// New returns a handler and starts its workers. It fails with a salebot.OptionError if
// an option is not valid, or if none says how strangers are kept out.
func New(fn Func, opts ...Option) (*Handler, error) {
	if fn == nil {
		return nil, badOption("New", "the function is nil")
	}
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	h := &Handler{config: c, fn: fn}
	h.buffers.New = func() any { return new([]byte) }
	if h.inbox == nil {
		inbox, err := NewMemoryInbox()
		if err != nil {
			return nil, err
		}
		h.inbox, h.ownInbox = inbox, true
	}
	h.workers.start(h)
	return h, nil
}

// Inbox returns the inbox of the handler, for example to look at its dead letters.
func (h *Handler) Inbox() Inbox { return h.inbox }

// Endpoint returns the name under which the inbox keeps the handler's events.
func (h *Handler) Endpoint() string { return h.endpoint }

// Redrive puts dead letters back like Inbox.Redrive, and hands them out even if they are
// older than WithMaxAge allows. This process remembers that; after a restart an event
// that is too old and was not handled becomes a dead letter again.
func (h *Handler) Redrive(ctx context.Context, sequences ...int64) (int, error) {
	if h.maxAge > 0 {
		if slices.Contains(sequences, AllDeadLetters) {
			sequences = nil
			for letter, err := range h.inbox.DeadLetters(ctx, h.endpoint) {
				if err != nil {
					return 0, err
				}
				sequences = append(sequences, letter.Sequence)
			}
		}
		for _, sequence := range sequences {
			h.redriven.Store(sequence, nil)
		}
	}
	return h.inbox.Redrive(ctx, h.endpoint, sequences...)
}

// Wait waits until nothing that is kept for this endpoint is left to be handled,
// including repetitions and what arrives while it waits. It is meant for tests. The
// error is that of the context, or ErrStopped after Stop.
func (h *Handler) Wait(ctx context.Context) error { return h.workers.drain(ctx) }

// Shutdown ends the handler and drains its inbox. New requests are refused, and those
// under way are answered. Everything that is kept for this endpoint is handled,
// repetitions included, before Shutdown returns nil. Call it after
// http.Server.Shutdown. With an inbox that lasts use Stop, which need not wait for
// repetitions.
//
// When the context ends, or when Stop is called, it begins no more events and ends the
// context of those that are being handled. It gives their functions two seconds to
// return, so that what became of them can be written down. Then it returns the error of
// the context, or ErrStopped. An event whose function still runs is handled
// again after the next start. What was not handled stays in the inbox: a durable one
// has it when it is opened again; a memory one loses it.
func (h *Handler) Shutdown(ctx context.Context) error { return h.end(ctx, true) }

// Stop is Shutdown without draining: it waits for the functions that are running,
// and leaves the rest to the next start. It is what an inbox that lasts needs.
func (h *Handler) Stop(ctx context.Context) error { return h.end(ctx, false) }

// ErrStopped says that Shutdown was cut short by Stop.
var ErrStopped = errors.New("webhook: the handler was stopped before its inbox was empty")

func (h *Handler) end(ctx context.Context, drain bool) error {
	h.mu.Lock()
	h.closing = true
	ended := h.ended
	h.mu.Unlock()
	if ended {
		return nil
	}
	received := make(chan struct{})
	go func() {
		// Requests are bounded by the read and the put timeout.
		h.receiving.Wait()
		close(received)
	}()
	var late error
	select {
	case <-received:
	case <-ctx.Done():
		late = ctx.Err()
	}
	if err := h.workers.end(ctx, drain); err != nil {
		return err
	}
	if late != nil {
		return late
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return nil
	}
	h.ended = true
	if h.ownInbox {
		return h.inbox.Close()
	}
	return nil
}

// enter lets a request in unless the handler is ending.
func (h *Handler) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return false
	}
	h.receiving.Add(1)
	return true
}

var _ http.Handler = (*Handler)(nil)
