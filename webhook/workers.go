package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/salebot-go/salebot/internal/wait"
)

// The waits after the inbox failed to hand out events.
const (
	firstLeaseRetryDelay = time.Second
	lastLeaseRetryDelay  = 30 * time.Second
)

// drainCheck is how often draining looks at the inbox although nothing was handled
// here: another process may work on the same inbox.
const drainCheck = time.Second

// workers hand the events of an inbox to a handler.
type workers struct {
	handler *Handler
	// slots has an element for each event that is being handled or about to be.
	slots chan struct{}
	// leasing ends when no more events are to be begun, handling when those that
	// are under way are to be given up.
	leasing, handling       context.Context
	stopLeasing, stopEvents context.CancelFunc
	running                 sync.WaitGroup
	dispatched              chan struct{}
	// handled gets an element when an event was handled; one is enough.
	handled chan struct{}
}

func (w *workers) start(h *Handler) {
	w.handler = h
	w.slots = make(chan struct{}, h.workerCount)
	w.leasing, w.stopLeasing = context.WithCancel(context.Background())
	w.handling, w.stopEvents = context.WithCancel(context.Background())
	w.dispatched = make(chan struct{})
	w.handled = make(chan struct{}, 1)
	go w.dispatch()
}

// dispatch leases events and begins them, until leasing ends.
func (w *workers) dispatch() {
	defer close(w.dispatched)
	h := w.handler
	delay := firstLeaseRetryDelay
	for {
		free := w.occupy()
		if free == 0 || !w.settleable() {
			return
		}
		deliveries, err := h.inbox.Lease(w.leasing, LeaseRequest{Endpoint: h.endpoint, Max: free, Duration: h.leaseDuration()})
		for range free - len(deliveries) {
			<-w.slots
		}
		for _, delivery := range deliveries {
			w.running.Go(func() { w.work(delivery) })
		}
		if w.leasing.Err() != nil {
			return
		}
		h.health.lease.note(err, time.Now())
		switch {
		case lasts(err):
			h.logger.LogAttrs(w.leasing, slog.LevelError, "webhook inbox was closed before its handler, or is broken", slog.Any("error", err))
			return
		case err != nil:
			h.logger.LogAttrs(w.leasing, slog.LevelError, "webhook inbox cannot hand out events", slog.Any("error", err))
			if !wait.For(w.leasing, delay) {
				return
			}
			delay = min(2*delay, lastLeaseRetryDelay)
		default:
			delay = firstLeaseRetryDelay
		}
	}
}

// settleable waits while the end of an event cannot be written down: what began in that
// time would have to be handled again. It returns false when leasing ends.
func (w *workers) settleable() bool {
	for w.handler.unsettled.Load() > 0 {
		if !wait.For(w.leasing, firstSettleDelay) {
			return false
		}
	}
	return w.leasing.Err() == nil
}

// occupy takes all slots that are free, at least one. It returns 0 when leasing
// ends.
func (w *workers) occupy() int {
	select {
	case w.slots <- struct{}{}:
	case <-w.leasing.Done():
		return 0
	}
	for n := 1; ; n++ {
		select {
		case w.slots <- struct{}{}:
		default:
			return n
		}
	}
}

func (w *workers) work(delivery Delivery) {
	defer func() {
		<-w.slots
		select {
		case w.handled <- struct{}{}:
		default:
		}
	}()
	w.handler.handle(w.handling, delivery)
}

// end stops the workers, after draining if that is wanted.
func (w *workers) end(ctx context.Context, drain bool) error {
	var err error
	if drain {
		err = w.drain(ctx)
	}
	w.stopLeasing()
	done := make(chan struct{})
	go func() {
		<-w.dispatched
		w.running.Wait()
		close(done)
	}()
	if err == nil {
		select {
		case <-done:
			w.stopEvents()
			return nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	w.abandon()
	// What becomes of the events under way has to be written down before the caller
	// closes the inbox: their functions may have sent something.
	grace := time.NewTimer(abandonGrace)
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
		w.handler.logger.LogAttrs(context.WithoutCancel(ctx), slog.LevelError, "webhook functions go on although their context has ended")
	}
	return err
}

// abandonGrace is how long the end of a handler waits for functions whose context it
// ended.
const abandonGrace = 2 * time.Second

// abandon begins no more events and gives up those under way.
func (w *workers) abandon() {
	w.stopLeasing()
	w.stopEvents()
}

// drain waits until nothing is left to be handled.
func (w *workers) drain(ctx context.Context) error {
	h := w.handler
	timer := time.NewTimer(drainCheck)
	defer timer.Stop()
	for {
		counts, err := h.inbox.Counts(ctx, h.endpoint)
		switch {
		case err != nil && (lasts(err) || ctx.Err() != nil):
			return err
		case err != nil:
			h.logger.LogAttrs(ctx, slog.LevelWarn, "webhook inbox does not tell what is left", slog.Any("error", err))
		case counts.Pending() == 0:
			return nil
		}
		timer.Reset(drainCheck)
		select {
		case <-w.handled:
		case <-timer.C:
		case <-w.leasing.Done():
			// Stop was called.
			return ErrStopped
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
