package sqlite

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"math"
	"slices"
	"time"
)

const (
	// janitorInterval is how often old marks are forgotten. The first time is that
	// long after the file was opened, so that a process that was down for long can
	// still learn from them what it missed.
	janitorInterval = time.Hour
	// marksRead bounds the marks that are read at once, and marksAtOnce those that
	// are forgotten in one transaction, since those who put events wait for it.
	marksRead   = 2000
	marksAtOnce = 500
)

const (
	selectMarks = "SELECT message, failed, endpoint, accepted FROM seen WHERE (message, failed, endpoint) > (?, ?, ?) ORDER BY message, failed, endpoint LIMIT ?"
	// forgetMark leaves a mark alone that was made again since it was read.
	forgetMark = "DELETE FROM seen WHERE message = ? AND failed = ? AND endpoint = ? AND accepted < ?"
)

// flushDelay is how long something may stay without a flush.
const flushDelay = time.Second

// janitor forgets the messages that were remembered long enough, and flushes what no
// event has flushed.
type janitor struct {
	end  context.CancelFunc
	done chan struct{}
	// unflushed gets an element when something was committed without a flush; one
	// is enough.
	unflushed chan struct{}
}

func newJanitor() *janitor {
	return &janitor{done: make(chan struct{}), unflushed: make(chan struct{}, 1)}
}

// start begins to look after a file. forget is called each hour.
func (j *janitor) start(f *openFile, forget func(context.Context) error) {
	ctx, end := context.WithCancel(context.Background())
	j.end = end
	go func() {
		defer close(j.done)
		old := time.NewTicker(janitorInterval)
		defer old.Stop()
		look := time.NewTicker(presenceInterval)
		defer look.Stop()
		var refilled time.Time
		var flush <-chan time.Time
		for {
			var err error
			select {
			case <-ctx.Done():
				return
			case <-j.unflushed:
				if flush == nil {
					flush = time.After(flushDelay)
				}
			case <-flush:
				flush = nil
				err = f.flush()
			case now := <-look.C:
				f.look()
				if f.reserve.spent.Load() && now.Sub(refilled) >= reserveInterval {
					refilled = now
					// It is to be expected that it fails for a while.
					_ = f.change(ctx, &operation{apply: (*writer).refillReserve})
				}
			case <-old.C:
				err = forget(ctx)
			}
			if err != nil && ctx.Err() == nil {
				f.logger.LogAttrs(ctx, slog.LevelWarn, f.name+" could not be kept in order", slog.Any("error", err))
			}
		}
	}()
}

func (j *janitor) stop() {
	j.end()
	<-j.done
}

// note is told that something was committed without a flush.
func (j *janitor) note() {
	select {
	case j.unflushed <- struct{}{}:
	default:
	}
}

// markKey is the key of a mark.
type markKey struct {
	message, failed int64
	endpoint        string
}

// forget forgets what was remembered long enough.
func (i *Inbox) forget(ctx context.Context) error {
	if l := i.openLedger(); l != nil {
		if err := l.sweep(ctx); err != nil {
			return err
		}
	}
	return i.forgetSeen(ctx, time.Now().Add(-i.config.duplicateWindow))
}

// forgetSeen forgets the messages that were accepted before a time. It goes through the
// marks by their key, so that nobody has to wait for all of them to be read.
func (i *Inbox) forgetSeen(ctx context.Context, before time.Time) error {
	last := markKey{message: math.MinInt64}
	for {
		read := 0
		var old []markKey
		err := i.overview.query(ctx, selectMarks, func(values []driver.Value) error {
			read++
			last = markKey{integer(values[0]), integer(values[1]), text(values[2])}
			if integer(values[3]) < microseconds(before) {
				old = append(old, last)
			}
			return nil
		}, last.message, last.failed, last.endpoint, int64(marksRead))
		if err != nil {
			return err
		}
		for some := range slices.Chunk(old, marksAtOnce) {
			if err := i.forgetMarks(ctx, some, before); err != nil {
				return err
			}
		}
		if read < marksRead {
			return nil
		}
	}
}

func (i *Inbox) forgetMarks(ctx context.Context, marks []markKey, before time.Time) error {
	return i.change(ctx, &operation{apply: func(w *writer) error {
		for _, m := range marks {
			if _, err := w.exec(forgetMark, m.message, m.failed, m.endpoint, microseconds(before)); err != nil {
				return err
			}
		}
		return nil
	}})
}
