package sqliteinbox

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"
)

const (
	// janitorInterval is how often old marks are forgotten. The first time is that
	// long after the file was opened, so that a process that was down for long can
	// still learn from them what it missed.
	janitorInterval = time.Hour
	// marksAtOnce bounds the marks that are forgotten in one transaction, since
	// those who put events wait meanwhile.
	marksAtOnce = 500
)

const forgetMarks = "DELETE FROM seen WHERE (message, failed, endpoint) IN (SELECT message, failed, endpoint FROM seen WHERE accepted < ? LIMIT ?)"

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
				flush, err = nil, i.flush()
			case <-old.C:
				err = i.forget(ctx, time.Now().Add(-i.options.DuplicateWindow))
			}
			if err != nil && ctx.Err() == nil {
				i.options.Logger.LogAttrs(ctx, slog.LevelWarn, "webhook inbox could not be kept in order", slog.Any("error", err))
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

// flush flushes the log. It does not matter by which descriptor: the locks of the
// database are on other files.
func (i *Inbox) flush() error {
	log, err := os.OpenFile(i.path+"-wal", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(log.Sync(), log.Close())
}

// forget forgets the messages that were accepted before a time.
func (i *Inbox) forget(ctx context.Context, before time.Time) error {
	for {
		var forgotten int64
		err := i.committer.do(ctx, &operation{apply: func(w *writer) (err error) {
			forgotten, err = w.exec(forgetMarks, microseconds(before), int64(marksAtOnce))
			return err
		}})
		if err != nil || forgotten < marksAtOnce {
			return err
		}
	}
}
