package postgres

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// everyone is the endpoint that stands for all.
const everyone = ""

// waker tells those who wait for events that there may be some, in this process and in
// the others.
type waker struct {
	mutex sync.Mutex
	// waiting has a channel for each endpoint that a caller waits for.
	waiting map[string]chan struct{}
	// news are the endpoints that the other processes have not been told of.
	news map[string]bool
	// told gets an element when there are news.
	told chan struct{}
}

func newWaker() *waker {
	return &waker{waiting: map[string]chan struct{}{}, news: map[string]bool{}, told: make(chan struct{}, 1)}
}

// wait returns a channel that is closed when something has come for an endpoint. Get it
// before you look.
func (w *waker) wait(endpoint string) <-chan struct{} {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	c := w.waiting[endpoint]
	if c == nil {
		c = make(chan struct{})
		w.waiting[endpoint] = c
	}
	return c
}

// wake tells those in this process.
func (w *waker) wake(endpoint string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for waiting, c := range w.waiting {
		if endpoint == everyone || waiting == endpoint {
			close(c)
			delete(w.waiting, waiting)
		}
	}
}

// tell tells those in this process, and the others soon.
func (w *waker) tell(endpoint string) {
	w.wake(endpoint)
	w.mutex.Lock()
	w.news[endpoint] = true
	w.mutex.Unlock()
	select {
	case w.told <- struct{}{}:
	default:
	}
}

// between is the time between two notifications of a process: transactions with one are
// committed one after the other, in the whole database.
const between = 5 * time.Millisecond

// notify tells the other processes until the context ends.
func (w *waker) notify(ctx context.Context, pool *pgxpool.Pool, channel string, timeout time.Duration) {
	for {
		select {
		case <-w.told:
		case <-ctx.Done():
			return
		}
		w.mutex.Lock()
		endpoints := slices.Collect(maps.Keys(w.news))
		clear(w.news)
		w.mutex.Unlock()
		limited, cancel := context.WithTimeout(ctx, timeout)
		// If it fails, the others find out by looking.
		_, _ = pool.Exec(limited, "SELECT pg_notify($1, unnest($2::text[]))", channel, endpoints)
		cancel()
		if !sleep(ctx, between) {
			return
		}
	}
}

// The waits after the connection that listens was lost.
const (
	firstListenDelay = 100 * time.Millisecond
	lastListenDelay  = 5 * time.Second
)

// listen hears the others until the context ends.
func (w *waker) listen(ctx context.Context, connect func(context.Context) (*pgx.Conn, error), channel string, logger *slog.Logger) {
	delay := firstListenDelay
	for failing := false; ctx.Err() == nil; {
		began := time.Now()
		err := w.hear(ctx, connect, channel)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > lastListenDelay {
			delay, failing = firstListenDelay, false
		}
		if !failing {
			failing = true
			logger.WarnContext(ctx, "postgres: cannot listen for events, looks for them only", slog.Any("error", failure("listening", err)))
		}
		if !sleep(ctx, delay) {
			return
		}
		delay = min(2*delay, lastListenDelay)
	}
}

func (w *waker) hear(ctx context.Context, connect func(context.Context) (*pgx.Conn, error), channel string) error {
	connection, err := connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = connection.Close(limited)
	}()
	if _, err := connection.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	// What came before it listened was not heard.
	w.wake(everyone)
	for {
		n, err := connection.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		w.wake(n.Payload)
	}
}

// sleep waits for a time. It returns false if the context ends before.
func sleep(ctx context.Context, duration time.Duration) bool {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
