package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// Outbox sends requests that were reserved in transactions of yours, once the transaction
// is committed, and never if it is not. Any number of processes may open it, with
// OpenOutbox.
//
//	outbox, err := postgres.OpenOutbox(ctx, address, client, "order paid",
//		func(ctx context.Context, request postgres.Outgoing) error {
//			order, err := decode(request.Body)
//			…
//			_, err = client.Callback(ctx, salebot.CallbackRequest{ClientID: order.Client, Message: "order_paid"})
//			return err
//		})
//	…
//	tx, err := pool.Begin(ctx)
//	_, err = tx.Exec(ctx, "UPDATE orders SET paid = true WHERE …")
//	err = outbox.Reserve(ctx, tx, "order 4711", body)
//	err = tx.Commit(ctx)
type Outbox struct {
	config   outboxConfig
	name     string
	client   *salebot.Client
	send     func(ctx context.Context, request Outgoing) error
	pool     *pgxpool.Pool
	presence presence
	waker    *waker

	life       context.Context
	end        context.CancelFunc
	background tasks
	closed     atomic.Bool
	closing    sync.Once
	failed     error
	// trouble is why the last look for requests failed; nil if it did not.
	trouble atomic.Pointer[error]
}

// Outgoing is a request that was reserved.
type Outgoing struct {
	// Key is the key that was given to Reserve.
	Key string
	// Body is the body that was given to Reserve.
	Body []byte
	// Reserved is the time of the transaction of Reserve.
	Reserved time.Time
	// Attempt counts the attempts, from 1.
	Attempt int
	lease   int64
}

// OutboxOption sets a property of an Outbox. If one is given twice, the later one counts.
// A nil option is ignored.
type OutboxOption interface{ applyToOutbox(c *outboxConfig) error }

type outboxConfig struct {
	config
	poll time.Duration
}

// The sizes of an outbox.
const (
	// outboxWorkers is how many requests a process sends at once.
	outboxWorkers = 4
	// outboxConnections are for them and for what goes on besides.
	outboxConnections = outboxWorkers + 2
	// outboxAttempts is how often a request is tried before it is given up, and
	// outboxInterruptions how many attempts may come on top, for those whose process died.
	outboxAttempts, outboxInterruptions = 25, 3
	// outboxTimeout bounds one attempt, and outboxLease is longer.
	outboxTimeout, outboxLease = time.Minute, 90 * time.Second
	// The wait after a failure doubles from one to the other.
	firstOutboxDelay, lastOutboxDelay = time.Second, 5 * time.Minute
)

var (
	// ErrOutboxClosed is the error of an Outbox that was closed.
	ErrOutboxClosed = errors.New("postgres: the outbox is closed")
	// ErrGivenUp says that the request with a key was given up, so that it is not sent
	// unless Retry is called.
	ErrGivenUp = errors.New("postgres: the request was given up: see Failed and Retry")

	errInterrupted = errors.New("the attempts before did not end: the process died, or the time ran out")
)

// OpenOutbox opens the outbox of a name in a database; for the address see OpenInbox. The
// transactions of Reserve must be in the same database. The client needs a ledger
// (salebot.WithLedger). Each request is a piece of work of that name (see
// salebot.Client.RunOnce), so its calls of class Once are made once, even if a process dies
// while it makes them. send must pass its context on to its calls, and make the same calls
// if it is called again.
//
// If send fails or panics, the request is tried again after a second. The wait doubles with
// each failure, up to five minutes. The request is given up after 25 attempts, which is
// about an hour, and at once after an error of webhook.Permanent: see Failed. The context of
// send ends after a minute. Requests are sent in no particular order.
func OpenOutbox(ctx context.Context, address string, client *salebot.Client, name string, send func(ctx context.Context, request Outgoing) error, opts ...OutboxOption) (*Outbox, error) {
	switch {
	case client == nil:
		return nil, badOption("client", "is nil")
	case strings.TrimSpace(name) == "" || checkEndpoint(name) != nil:
		return nil, badOption("name", "must be a text that is not empty")
	case send == nil:
		return nil, badOption("send", "is nil")
	}
	shared, err := newConfig(address)
	if err != nil {
		return nil, err
	}
	c := outboxConfig{config: shared, poll: DefaultPollInterval}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err = opt.applyToOutbox(&c); err != nil {
			return nil, err
		}
	}
	// A client without a ledger is refused now.
	if err = client.ForgetWork(ctx, salebot.Work{Name: name, Key: "check of the outbox"}); err != nil {
		return nil, fmt.Errorf("postgres: the client of an outbox: %w", err)
	}
	pool, err := c.opening(ctx, outboxConnections, needsOfOutbox)
	if err != nil {
		return nil, err
	}
	o := &Outbox{config: c, name: name, client: client, send: send, pool: pool, waker: newWaker()}
	o.presence = presence{pool: pool, config: &o.config.config, part: "outbox " + name, reclaimed: func() { o.waker.wake(everyone) }}
	if err = o.presence.renew(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	o.life, o.end = context.WithCancel(context.WithoutCancel(ctx))
	o.background.start(func() { o.presence.keep(o.life) })
	for range outboxWorkers {
		o.background.start(func() { o.work(o.life) })
	}
	return o, nil
}

// Reserve stores a request that is sent once the transaction is committed, within
// WithPollInterval, by any process that has the outbox open. The body is passed to send
// and is stored until the request was sent. If the key is reserved already, nothing
// changes. A key that was sent is not sent again, for as long as the client's ledger
// remembers it. If the request with the key was given up, the error is ErrGivenUp.
func (o *Outbox) Reserve(ctx context.Context, tx pgx.Tx, key string, body []byte) error {
	if o.closed.Load() {
		return ErrOutboxClosed
	}
	switch {
	case tx == nil:
		return badOption("tx", "is nil")
	case key == "" || checkEndpoint(key) != nil:
		return badOption("key", "must be a text that is not empty")
	}
	if body == nil {
		body = []byte{}
	}
	// A row that is there is written again as it is: like a new one, it makes the commit wait
	// for a standby (see migrations/0007_duplicates.sql).
	var givenUp bool
	err := tx.QueryRow(ctx, o.config.schema.sql(`INSERT INTO salebot.outgoing AS o (name, key, request) VALUES ($1, $2, $3)
		ON CONFLICT (name, key) DO UPDATE SET key = o.key RETURNING due IS NULL`), o.name, key, body).Scan(&givenUp)
	switch {
	case err != nil:
		return failure("reserving a request", err)
	case givenUp:
		return fmt.Errorf("%w: %.100q", ErrGivenUp, key)
	}
	return nil
}

// Wake looks for requests now. Call it after the commit to have a reserved request sent
// at once.
func (o *Outbox) Wake() { o.waker.wake(o.name) }

// work sends requests until the context ends.
func (o *Outbox) work(ctx context.Context) {
	for ctx.Err() == nil {
		news := o.waker.wait(o.name)
		request, found, err := o.take(ctx)
		if ctx.Err() == nil {
			o.note(ctx, err)
		}
		if found {
			o.try(ctx, request)
			continue
		}
		timer := time.NewTimer(o.config.poll)
		select {
		case <-news:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// note keeps why requests cannot be looked for, and tells it once.
func (o *Outbox) note(ctx context.Context, err error) {
	if err == nil {
		if o.trouble.Swap(nil) != nil {
			o.config.logger.InfoContext(ctx, "postgres: the outbox can be read again", slog.String("outbox", o.name))
		}
		return
	}
	if o.trouble.Swap(&err) == nil {
		o.config.logger.ErrorContext(ctx, "postgres: the outbox cannot be read", slog.String("outbox", o.name), slog.Any("error", err))
	}
}

// Health returns why requests could not be looked for when that was last tried, or why
// this process could not report that it is alive (see WithLifetime); nil if it could.
func (o *Outbox) Health() error {
	if o.closed.Load() {
		return ErrOutboxClosed
	}
	if err := o.trouble.Load(); err != nil {
		return *err
	}
	return o.presence.failure()
}

func (o *Outbox) take(ctx context.Context) (request Outgoing, found bool, err error) {
	limited, cancel := context.WithTimeout(ctx, o.config.timeout)
	defer cancel()
	row := o.pool.QueryRow(limited, o.config.schema.sql("SELECT key, request, reserved, attempt, lease FROM salebot.take_outgoing($1, 1, $2, $3)"),
		o.name, outboxLease, o.presence.id.Load())
	err = row.Scan(&request.Key, &request.Body, &request.Reserved, &request.Attempt, &request.lease)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return request, false, nil
	case isDeadHolder(err):
		return request, false, o.presence.renew(limited)
	case err != nil:
		return request, false, failure("taking a request", err)
	}
	return request, true, nil
}

// try does one attempt and writes down what came of it.
func (o *Outbox) try(ctx context.Context, request Outgoing) {
	limited, cancel := context.WithTimeout(ctx, outboxTimeout)
	defer cancel()
	err := errInterrupted
	if request.Attempt <= outboxAttempts+outboxInterruptions {
		err = o.client.RunOnce(limited, salebot.Work{Name: o.name, Key: request.Key, Since: request.Reserved}, func(ctx context.Context) error {
			return o.call(ctx, request)
		})
	}
	statement, args := "DELETE FROM salebot.outgoing WHERE name = $1 AND key = $2 AND lease = $3", []any{o.name, request.Key, request.lease}
	if err != nil {
		// Null gives it up.
		var delay *time.Duration
		level, text := slog.LevelError, "postgres: a request of the outbox was given up"
		if o.triedAgain(ctx, request, err) {
			wait := backoff(request.Attempt)
			delay = &wait
			level, text = slog.LevelWarn, "postgres: a request of the outbox failed"
		}
		o.config.logger.Log(ctx, level, text, slog.String("outbox", o.name), slog.Int("attempt", request.Attempt), slog.Any("error", err))
		statement = "UPDATE salebot.outgoing SET due = clock_timestamp() + $4::interval, reason = $5, lease = 0, holder = 0 WHERE name = $1 AND key = $2 AND lease = $3"
		args = append(args, delay, cleaned(err.Error()[:min(len(err.Error()), 1<<10)]))
	}
	// If it cannot be written down it is tried again, and the ledger knows what was sent.
	for wait := between; ; wait = min(2*wait, time.Second) {
		writing, cancelWriting := context.WithTimeout(context.WithoutCancel(ctx), o.config.timeout)
		_, err := o.pool.Exec(writing, o.config.schema.sql(statement), args...)
		cancelWriting()
		if err == nil || !sleep(ctx, wait) {
			return
		}
	}
}

// call calls the function, and turns a panic into an error.
func (o *Outbox) call(ctx context.Context, request Outgoing) (err error) {
	defer func() {
		if value := recover(); value != nil {
			o.config.logger.ErrorContext(ctx, "postgres: the function of an outbox panicked", slog.String("outbox", o.name), slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("postgres: panic: %v", value)
		}
	}()
	if err = o.send(ctx, request); err != nil {
		_ = err.Error() // of an error that is a nil pointer it may panic, too
	}
	return err
}

// triedAgain reports whether a request is tried again after a failure.
func (*Outbox) triedAgain(ctx context.Context, request Outgoing, err error) bool {
	switch {
	case errors.Is(err, errInterrupted), webhook.IsPermanent(err):
		return false
	case ctx.Err() != nil:
		// The outbox was closed; that is no failure of the request.
		return true
	}
	return request.Attempt < outboxAttempts
}

// backoff is the wait after so many attempts: at random in the upper half of a bound that
// doubles each time.
func backoff(attempts int) time.Duration {
	bound := firstOutboxDelay
	for range attempts - 1 {
		if bound = min(2*bound, lastOutboxDelay); bound == lastOutboxDelay {
			break
		}
	}
	return bound/2 + rand.N(bound/2+1) //nolint:gosec // jitter needs no secrecy
}

// Close stops the sending. The context of calls under way ends. What was not sent is sent
// by other processes, or when the outbox is opened again.
func (o *Outbox) Close() error {
	o.closing.Do(func() {
		o.closed.Store(true)
		o.end()
		o.background.wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(o.life), closeGrace)
		defer cancel()
		o.failed = o.presence.leave(ctx)
		closePool(ctx, o.pool)
	})
	return o.failed
}
