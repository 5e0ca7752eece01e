package postgres

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// Inbox is a webhook.Inbox in PostgreSQL. Any number of processes on any number of
// machines may open it, with OpenInbox. It also implements webhook.SeenLister and
// webhook.HealthReporter.
type Inbox struct {
	config inboxConfig
	// pool is what everything but Settle uses, and transactions what Settle uses: who has
	// one of those never waits for another connection of the same pool.
	pool, transactions *pgxpool.Pool
	presence           presence
	waker              *waker
	puts               group[webhook.Entry, webhook.Receipt]
	settlements        group[settlement, outcome]
	room               room
	leases             leases
	// opened is when this process opened the inbox, by the clock of the server.
	opened time.Time

	// life ends what goes on in the background, and the transactions under way.
	life       context.Context
	end        context.CancelFunc
	background tasks
	// closed is set first, and closing closed, so that those who wait return.
	closed  atomic.Bool
	closing chan struct{}
	ended   sync.Once
	failed  error
}

var (
	_ webhook.Inbox          = (*Inbox)(nil)
	_ webhook.SeenLister     = (*Inbox)(nil)
	_ webhook.HealthReporter = (*Inbox)(nil)
)

// The sizes of an inbox.
const (
	// putWorkers and settleWorkers are the numbers of transactions at once that keep and
	// settle events.
	putWorkers, settleWorkers = 2, 2
	// inboxConnections are theirs, one that leases, and two for what goes on besides.
	inboxConnections = putWorkers + settleWorkers + 3
	// putsAtOnce and settlementsAtOnce bound a transaction.
	putsAtOnce, settlementsAtOnce = 256, 256
	// bytesAtOnce bounds it, too: the server takes no statement of a gigabyte, and this
	// process holds each several times.
	bytesAtOnce = 16 << 20
)

// OpenInbox opens the inbox in a database. The address has one of the forms of
// PostgreSQL, such as postgres://user@host/database. The tables must exist: see Migrate.
// The inbox uses up to seven connections, one more that listens, and those of Settle. The
// caller must close it.
func OpenInbox(ctx context.Context, address string, opts ...InboxOption) (*Inbox, error) {
	c, err := newInboxConfig(address, opts)
	if err != nil {
		return nil, err
	}
	listening, err := pgx.ParseConfig(c.listenAddress)
	if err != nil {
		return nil, badOption("address", "is not an address of PostgreSQL")
	}
	pool, err := c.opening(ctx, inboxConnections, needsOfInbox)
	if err != nil {
		return nil, err
	}
	transactions, err := c.newPool(ctx, int32(min(c.maxTransactions, 1<<16))) //nolint:gosec // bounded
	if err != nil {
		pool.Close()
		return nil, err
	}
	i := &Inbox{config: c, pool: pool, transactions: transactions, waker: newWaker(), closing: make(chan struct{})}
	i.presence = presence{pool: pool, config: &i.config.config, part: "inbox", reclaimed: func() { i.waker.tell(everyone) }}
	i.leases = leases{turn: make(chan struct{}, 1), known: map[uint64]struct{}{}, settled: map[uint64]struct{}{}}
	i.room = room{most: int64(c.maxPending), left: int64(c.maxPending+7) / 8}
	if err := i.enter(ctx); err != nil {
		pool.Close()
		transactions.Close()
		return nil, err
	}
	i.life, i.end = context.WithCancel(context.WithoutCancel(ctx))
	i.start(listening)
	return i, nil
}

// enter says that this process has the inbox open.
func (i *Inbox) enter(ctx context.Context) error {
	if err := i.presence.renew(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, i.config.timeout)
	defer cancel()
	return failure("opening", i.pool.QueryRow(limited, "SELECT clock_timestamp()").Scan(&i.opened))
}

func (i *Inbox) start(listening *pgx.ConnConfig) {
	i.puts = group[webhook.Entry, webhook.Receipt]{write: i.writePuts, most: putsAtOnce, timeout: i.config.timeout, closedErr: webhook.ErrClosed}
	i.puts.size, i.puts.mostBytes = func(entry webhook.Entry) int { return len(entry.Body) }, bytesAtOnce
	i.puts.start(i.life, putWorkers)
	i.settlements = group[settlement, outcome]{write: i.writeSettlements, most: settlementsAtOnce, timeout: i.config.timeout, closedErr: webhook.ErrClosed}
	i.settlements.start(i.life, settleWorkers)
	channel := i.config.schema.channel()
	i.background.start(func() { i.presence.keep(i.life) })
	i.background.start(func() { i.waker.notify(i.life, i.pool, channel, i.config.timeout) })
	i.background.start(func() { i.forget(i.life) })
	if i.config.listen {
		connect := func(ctx context.Context) (*pgx.Conn, error) { return pgx.ConnectConfig(ctx, listening.Copy()) }
		i.background.start(func() { i.waker.listen(i.life, connect, channel, i.config.logger) })
	}
}

func (i *Inbox) usable() error {
	if i.closed.Load() {
		return webhook.ErrClosed
	}
	return nil
}

// errNul refuses what PostgreSQL cannot keep in a text.
var errNul = errors.New("postgres: the name of an endpoint must be valid UTF-8 without a zero byte")

func checkEndpoint(endpoint string) error {
	if strings.ContainsRune(endpoint, 0) || strings.ToValidUTF8(endpoint, "") != endpoint {
		return errNul
	}
	return nil
}

// Put implements webhook.Inbox. It returns nil once the transaction with the event is
// committed. How durable that is depends on the server: its settings synchronous_commit
// and synchronous_standby_names say what a commit waits for. Events that arrive at the
// same time share a transaction. If the error is ErrUnreachable or ErrSlow, or the context
// has ended, the event may have been stored; if it comes again, it is a duplicate then.
func (i *Inbox) Put(ctx context.Context, entry webhook.Entry) (webhook.Receipt, error) {
	if err := i.usable(); err != nil {
		return webhook.Receipt{}, err
	}
	if err := checkEndpoint(entry.Endpoint); err != nil {
		return webhook.Receipt{}, err
	}
	receipt, err := i.puts.do(ctx, entry)
	if err == nil && receipt == (webhook.Receipt{}) {
		err = webhook.ErrFull
	}
	return receipt, err
}

// columns are events as the function put takes them.
type columns struct {
	endpoints         []string
	clients, messages []int64
	failed, recovered []bool
	accepted          []time.Time
	bodies            [][]byte
}

func columnsOf(entries []webhook.Entry) *columns {
	n := len(entries)
	c := columns{
		make([]string, n), make([]int64, n), make([]int64, n), make([]bool, n), make([]bool, n), make([]time.Time, n), make([][]byte, n),
	}
	for at := range entries {
		e := &entries[at]
		c.endpoints[at], c.clients[at], c.messages[at] = e.Endpoint, int64(e.ClientID), int64(e.MessageID)
		c.failed[at], c.recovered[at], c.accepted[at], c.bodies[at] = e.Failed, e.Recovered, e.AcceptedAt, []byte(e.Body)
	}
	return &c
}

// writePuts keeps events in one transaction.
func (i *Inbox) writePuts(ctx context.Context, entries []webhook.Entry) ([]webhook.Receipt, error) {
	c := columnsOf(entries)
	full, err := i.room.full(ctx, i)
	if err != nil {
		return nil, err
	}
	if full {
		return i.refuse(ctx, c)
	}
	var sequences []int64
	err = i.pool.QueryRow(ctx, i.config.schema.sql("SELECT salebot.put($1, $2, $3, $4, $5, $6, $7)"),
		c.endpoints, c.clients, c.messages, c.failed, c.recovered, c.accepted, c.bodies).Scan(&sequences)
	if err != nil {
		return nil, failure("keeping an event", err)
	}
	receipts := make([]webhook.Receipt, len(entries))
	kept := 0
	for at, sequence := range sequences {
		receipts[at] = webhook.Receipt{Sequence: sequence, Duplicate: sequence == 0}
		if sequence != 0 {
			kept++
			i.waker.tell(entries[at].Endpoint)
		}
	}
	i.room.take(kept)
	return receipts, nil
}

// Health implements webhook.HealthReporter. It returns why this process could not report
// that it is alive when it last tried (see WithLifetime), or webhook.ErrFull.
func (i *Inbox) Health(ctx context.Context) error {
	if err := i.usable(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := i.presence.failure(); err != nil || !i.room.crowded.Load() {
		return err
	}
	// Who is told that this is full may put nothing any more, so that nothing else would
	// find out that there is room again.
	limited, cancel := context.WithTimeout(ctx, i.config.timeout)
	defer cancel()
	full, err := i.room.full(limited, i)
	if err == nil && full {
		err = webhook.ErrFull
	}
	return err
}

// Counts implements webhook.Inbox. It reads the whole table of events, which takes a
// second for every few million events.
func (i *Inbox) Counts(ctx context.Context, endpoint string) (webhook.Counts, error) {
	if err := i.usable(); err != nil {
		return webhook.Counts{}, err
	}
	var events int
	var counts webhook.Counts
	var oldest *time.Time
	err := i.pool.QueryRow(ctx, i.config.schema.sql(`SELECT
		(SELECT count(*) FROM salebot.event WHERE endpoint = $1),
		(SELECT count(*) FROM salebot.lane WHERE endpoint = $1 AND lease <> 0 AND due > clock_timestamp()),
		(SELECT count(*) FROM salebot.lane WHERE endpoint = $1 AND lease = 0 AND due > clock_timestamp()),
		(SELECT count(*) FROM salebot.dead_letter WHERE endpoint = $1),
		salebot.oldest($1)`), endpoint).
		Scan(&events, &counts.Leased, &counts.Delayed, &counts.Dead, &oldest)
	if err != nil {
		return webhook.Counts{}, i.failure(ctx, "counting", err)
	}
	counts.Waiting = events - counts.Leased - counts.Delayed
	if oldest != nil {
		counts.Oldest = *oldest
	}
	return counts, nil
}

// failure returns the error of a query of a caller.
func (i *Inbox) failure(ctx context.Context, doing string, err error) error {
	if i.closed.Load() {
		return webhook.ErrClosed
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failure(doing, err)
}

// Seen implements webhook.SeenLister, for the messages that any process accepted before
// this one opened the inbox.
func (i *Inbox) Seen(ctx context.Context, endpoint string) iter.Seq2[webhook.Seen, error] {
	return func(yield func(webhook.Seen, error) bool) {
		if err := i.usable(); err != nil {
			yield(webhook.Seen{}, err)
			return
		}
		rows, err := i.pool.Query(ctx, i.config.schema.sql(`SELECT client, max(message) FROM salebot.seen
			WHERE endpoint = $1 AND at < $2 AND client <> 0 GROUP BY client ORDER BY client`), endpoint, i.opened)
		if err != nil {
			yield(webhook.Seen{}, i.failure(ctx, "reading", err))
			return
		}
		// All of it, so that no connection waits for the caller.
		all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (webhook.Seen, error) {
			var client, message int64
			scanErr := row.Scan(&client, &message)
			return webhook.Seen{ClientID: salebot.ClientID(client), MessageID: salebot.MessageID(message)}, scanErr
		})
		if err != nil {
			yield(webhook.Seen{}, i.failure(ctx, "reading", err))
			return
		}
		for _, seen := range all {
			if !yield(seen, nil) {
				return
			}
		}
	}
}

// The steps in which old messages are forgotten.
const (
	forgetInterval = time.Hour
	forgetAtOnce   = 1000
)

// forget deletes messages that were remembered long enough, until the context ends.
func (i *Inbox) forget(ctx context.Context) {
	for {
		if err := i.forgetOld(ctx); err != nil && ctx.Err() == nil {
			i.config.logger.WarnContext(ctx, "postgres: cannot forget old messages", slog.Any("error", err))
		}
		if !sleep(ctx, forgetInterval) {
			return
		}
	}
}

func (i *Inbox) forgetOld(ctx context.Context) error {
	for forgotten := forgetAtOnce; forgotten == forgetAtOnce; {
		limited, cancel := context.WithTimeout(ctx, i.config.timeout)
		err := i.pool.QueryRow(limited, i.config.schema.sql("SELECT salebot.forget_seen(clock_timestamp() - $1::interval, $2)"),
			i.config.duplicateWindow, forgetAtOnce).Scan(&forgotten)
		cancel()
		if err != nil {
			return failure("forgetting", err)
		}
	}
	return nil
}

// Close implements webhook.Inbox. The events that this process has leased are handed out
// to others at once. It waits a few seconds at most for the database, and for
// transactions of Settle, whose contexts end then.
func (i *Inbox) Close() error {
	i.ended.Do(func() {
		i.closed.Store(true)
		close(i.closing)
		grace := time.AfterFunc(closeGrace, i.end)
		defer grace.Stop()
		i.puts.close()
		i.settlements.close()
		// Those of Settle may end well, for as long as there is time.
		closePool(i.life, i.transactions)
		i.end()
		i.background.wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(i.life), closeGrace)
		defer cancel()
		i.failed = i.presence.leave(ctx)
		closePool(ctx, i.pool)
	})
	return i.failed
}
