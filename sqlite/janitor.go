package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"slices"
	"time"
)

const (
	// janitorInterval is how often old marks are forgotten. The first time is that
	// long after the file was opened, so that a process that was down for long can
	// still learn from them what it missed.
	janitorInterval = time.Hour
	// marksRead bounds the marks that are read at once, and marksAtOnce those that
	// are forgotten in one transaction, since those who put events wait meanwhile.
	marksRead   = 2000
	marksAtOnce = 500
)

const (
	selectMarks = "SELECT message, failed, endpoint, accepted FROM seen WHERE (message, failed, endpoint) > (?, ?, ?) ORDER BY message, failed, endpoint LIMIT ?"
	// forgetMark leaves a mark alone that was made anew since it was read.
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

func (j *janitor) start(i *Inbox) {
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
				if err = i.flush(); err != nil && i.condition.usable() == nil {
					// Perhaps it can be done later.
					j.note()
				}
			case now := <-look.C:
				i.look()
				if i.reserve.spent.Load() && now.Sub(refilled) >= reserveInterval {
					refilled = now
					// It is to be expected that it fails for a while.
					_ = i.change(ctx, &operation{apply: (*writer).refillReserve})
				}
			case <-old.C:
				err = i.forget(ctx, time.Now().Add(-i.config.duplicateWindow))
			}
			if err != nil && ctx.Err() == nil {
				i.config.logger.LogAttrs(ctx, slog.LevelWarn, "webhook inbox could not be kept in order", slog.Any("error", err))
			}
		}
	}()
}

// look ends the use of files that are not there any more.
func (i *Inbox) look() {
	if err := i.writer.files.checkAll(); err != nil && i.condition.usable() == nil {
		_ = i.condition.breakDown(err)
	}
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

// flush flushes the log. It does not matter by which descriptor: the locks of the
// database are on other files. A log that cannot be flushed, or is not there, ends the
// use of the file.
func (i *Inbox) flush() error {
	if err := i.condition.usable(); err != nil {
		return err
	}
	err := flushFile(i.path + "-wal")
	if failed := (flushError{}); errors.As(err, &failed) || errors.Is(err, fs.ErrNotExist) {
		return i.condition.breakDown(err)
	}
	return err
}

// flushError says that what was written to a file may not be on the disk.
type flushError struct{ error }

func (f flushError) Unwrap() error { return f.error }

func flushFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // it belongs to the file that the caller names
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return flushError{err}
	}
	return nil
}

// markKey is the key of a mark.
type markKey struct {
	message, failed int64
	endpoint        string
}

// forget forgets the messages that were accepted before a time. It goes through the
// marks by their key, so that nobody has to wait for all of them to be read.
func (i *Inbox) forget(ctx context.Context, before time.Time) error {
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
