package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/time/rate"

	"github.com/salebot-go/salebot"
)

// Pace is a salebot.Limiter that any number of processes share: it limits the requests
// that all of them together start. Make it with OpenPace, and pass it to
// salebot.WithLimiter.
//
// The moments at which requests may start come from a row of the database. A process takes
// several at a time if several requests wait. If one process gets a 429, all processes
// pause, and the rate drops to 70 % and then grows by 2 % of the full rate a second. That
// process gives up the moments that it has taken. The others learn of the 429 when they
// have used theirs, within a tenth of a second.
type Pace struct {
	config paceConfig
	name   []byte
	pool   *pgxpool.Pool
	// share is what paces this process while the database cannot be reached; nil for
	// nothing.
	share *rate.Limiter

	// turn lets one goroutine at a time wait for the next moment.
	turn    chan struct{}
	waiting atomic.Int64
	// next is the next of the moments that this process has taken, left is how many, and
	// step the time between two. They belong to who has the turn.
	next time.Time
	left int
	step time.Duration
	// taken is how many refusals there had been when the moments were taken.
	taken uint64

	// away says that the database could not be used, and is asked in the background
	// whether it can be again.
	away atomic.Bool

	// refusals counts the answers of 429 that this process got, and held is until when it
	// starts nothing because of them.
	mutex    sync.Mutex
	refusals uint64
	held     time.Time

	life       context.Context
	end        context.CancelFunc
	background tasks
	closed     atomic.Bool
	closing    chan struct{}
}

var (
	_ salebot.Limiter      = (*Pace)(nil)
	_ salebot.HoldObserver = (*Pace)(nil)
)

// ErrPaceClosed is the error of a Pace that was closed.
var ErrPaceClosed = errors.New("postgres: the pace is closed")

// PaceOption sets a property of a Pace. If one is given twice, the later one counts. A nil
// option is ignored.
type PaceOption interface{ applyToPace(c *paceConfig) error }

type paceConfig struct {
	config
	perSecond float64
	burst     int
	// processes is how many share the rate while the database is away; 0 if nothing may
	// be sent then.
	processes int
}

type paceOption func(*paceConfig) error

func (o paceOption) applyToPace(c *paceConfig) error { return o(c) }

// WithLocalShare lets a process start requests while the database can't be reached, at the
// rate divided by the given number of processes. By default calls fail then, without being
// sent.
func WithLocalShare(processes int) PaceOption {
	return paceOption(func(c *paceConfig) error {
		if processes < 1 {
			return badOption("WithLocalShare", "must be at least 1")
		}
		c.processes = processes
		return nil
	})
}

const (
	// paceConnections are for taking moments and for telling of holds.
	paceConnections = 2
	// horizon is for how long a process takes moments at once.
	horizon = 100 * time.Millisecond
	// minBurst allows for timers, which are never exact.
	minBurst = 2
	// maxGrant bounds the moments that are taken at once.
	maxGrant = 1000
	// awayDelay is how long the database is not asked after it could not be reached. It is
	// asked while nobody waits for it, since it may take all of WithTimeout to fail.
	awayDelay = time.Second
)

// OpenPace opens a pace in a database; for the address see OpenInbox. Choose a name for
// the Salebot project: all processes that use it share the pace, and must give the same
// numbers. Only a keyed digest of the name is stored.
//
// Within any time w at most perSecond × w + burst requests start, by the clock of the
// server and apart from the time that its answers travel. burst is at least 2.
func OpenPace(ctx context.Context, address, name string, perSecond float64, burst int, opts ...PaceOption) (*Pace, error) {
	switch {
	case name == "":
		return nil, badOption("name", "is empty")
	case !(perSecond > 0) || math.IsInf(perSecond, 0):
		return nil, badOption("perSecond", "must be positive")
	case burst < minBurst:
		return nil, badOption("burst", "must be at least 2")
	}
	shared, err := newConfig(address)
	if err != nil {
		return nil, err
	}
	c := paceConfig{config: shared, perSecond: perSecond, burst: burst}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err = opt.applyToPace(&c); err != nil {
			return nil, err
		}
	}
	pool, err := c.opening(ctx, paceConnections, needsOfPace)
	if err != nil {
		return nil, err
	}
	p := &Pace{config: c, pool: pool, turn: make(chan struct{}, 1), closing: make(chan struct{})}
	if err = p.digest(ctx, name); err != nil {
		pool.Close()
		return nil, err
	}
	if c.processes > 0 {
		p.share = rate.NewLimiter(rate.Limit(perSecond/float64(c.processes)), max(burst/c.processes, 1))
	}
	p.life, p.end = context.WithCancel(context.WithoutCancel(ctx))
	return p, nil
}

// digest makes the digest of the name, with a secret that only the database has.
func (p *Pace) digest(ctx context.Context, name string) error {
	limited, cancel := context.WithTimeout(ctx, p.config.timeout)
	defer cancel()
	var secret []byte
	err := p.pool.QueryRow(limited, p.config.schema.sql("SELECT salebot.pace_secret($1)"), newSecret()).Scan(&secret)
	if err != nil {
		return failure("opening", err)
	}
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(name)) // it never fails
	p.name = mac.Sum(nil)
	return nil
}

// Wait implements salebot.Limiter. It fails with the error of the context, with
// ErrPaceClosed, or, without WithLocalShare, with the error of the database.
func (p *Pace) Wait(ctx context.Context) error {
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closing:
		return ErrPaceClosed
	}
	defer func() { <-p.turn }()
	for {
		refusals, held := p.refused()
		if err := p.until(ctx, held); err != nil {
			return err
		}
		if err := p.take(ctx, refusals); err != nil {
			return p.alone(ctx, err)
		}
		start := p.next
		p.next, p.left = p.next.Add(p.step), p.left-1
		if err := p.until(ctx, start); err != nil {
			return err
		}
		if now, _ := p.refused(); now != refusals {
			continue
		}
		// A moment that has passed for too long would be one too many with those of others.
		if time.Since(start) <= p.tolerance() {
			return nil
		}
	}
}

// tolerance is for how long a moment may be used after it has come.
func (p *Pace) tolerance() time.Duration {
	return time.Duration(float64(p.config.burst-1) / p.config.perSecond * float64(time.Second))
}

// refused returns how many answers of 429 there were, and until when they hold.
func (p *Pace) refused() (refusals uint64, held time.Time) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.refusals, p.held
}

// take takes moments from the database unless there are some left from after the last
// refusal.
func (p *Pace) take(ctx context.Context, refusals uint64) error {
	if p.left > 0 && p.taken == refusals {
		return nil
	}
	if p.away.Load() {
		return ErrUnreachable
	}
	number := int(min(p.waiting.Load(), int64(max(p.config.perSecond*horizon.Seconds(), 1)), maxGrant))
	first, step, err := p.grant(ctx, number)
	if err != nil {
		return err
	}
	// A moment is not used before it has come by the server's clock: what it says is
	// counted from when its answer is there.
	p.next, p.left, p.taken = time.Now().Add(time.Duration(first*float64(time.Second))), number, refusals
	p.step = time.Duration(step * float64(time.Second))
	return nil
}

// grant asks the database for moments.
func (p *Pace) grant(ctx context.Context, number int) (first, step float64, err error) {
	limited, cancel := context.WithTimeout(ctx, p.config.timeout)
	defer cancel()
	err = p.pool.QueryRow(limited, p.config.schema.sql("SELECT first, step FROM salebot.grant_starts($1, $2, $3, $4)"),
		p.name, p.config.perSecond, p.tolerance().Seconds(), number).Scan(&first, &step)
	return first, step, failure("taking a pace", err)
}

// until waits for a moment.
func (p *Pace) until(ctx context.Context, moment time.Time) error {
	wait := time.Until(moment)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closing:
		return ErrPaceClosed
	}
}

// alone is what Wait does if the database cannot be used.
func (p *Pace) alone(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case p.closed.Load():
		return ErrPaceClosed
	case p.share == nil:
		return err
	}
	if p.away.CompareAndSwap(false, true) {
		p.config.logger.WarnContext(ctx, "postgres: the pace cannot be shared, and each process keeps its part", slog.Any("error", err))
		p.background.start(p.back)
	}
	for {
		refusals, held := p.refused()
		if err := p.until(ctx, held); err != nil {
			return err
		}
		start := p.share.Reserve()
		if err := p.until(ctx, time.Now().Add(start.Delay())); err != nil {
			start.Cancel()
			return err
		}
		if now, _ := p.refused(); now == refusals {
			return nil
		}
	}
}

// back waits until the database can be used again.
func (p *Pace) back() {
	for sleep(p.life, awayDelay) {
		if _, _, err := p.grant(p.life, 0); err == nil {
			p.away.Store(false)
			p.config.logger.InfoContext(p.life, "postgres: the pace can be shared again")
			return
		}
	}
}

// Held implements salebot.HoldObserver: it makes all processes pause, this one at once.
func (p *Pace) Held(hold time.Duration) {
	p.mutex.Lock()
	p.refusals++
	if held := time.Now().Add(hold); held.After(p.held) {
		p.held = held
	}
	p.mutex.Unlock()
	p.background.start(func() {
		limited, cancel := context.WithTimeout(p.life, p.config.timeout)
		defer cancel()
		if _, err := p.pool.Exec(limited, p.config.schema.sql("SELECT salebot.hold_starts($1, $2)"), p.name, hold.Seconds()); err != nil && p.life.Err() == nil {
			p.config.logger.WarnContext(limited, "postgres: other processes were not told of a 429", slog.Any("error", failure("holding", err)))
		}
	})
}

// Close closes the pace. Calls that wait fail.
func (p *Pace) Close() error {
	if !p.closed.CompareAndSwap(false, true) {
		return nil
	}
	close(p.closing)
	p.end()
	p.background.wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.life), closeGrace)
	defer cancel()
	closePool(ctx, p.pool)
	return nil
}
