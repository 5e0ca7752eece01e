package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/webhook"
)

// ErrBroken says that the disk failed, so that it is not known what was written, or that
// the file was found damaged, deleted or replaced while it was open. Nothing is read or
// written any more: open the inbox or the ledger again. It is a webhook.ErrInboxBroken and
// a ledger.ErrBroken.
var ErrBroken error = brokenError{}

// brokenError is a type so that the texts of two packages do not run together.
type brokenError struct{}

func (brokenError) Error() string {
	return "sqlite: the disk failed, or the file is damaged or gone: it has to be opened again"
}

func (brokenError) Is(target error) bool {
	return target == webhook.ErrInboxBroken || target == ledger.ErrBroken
}

// refusalLasts is how long after a refused event a file counts as full if nothing was
// written since: perhaps nobody tries any more, and there is room again.
const refusalLasts = 10 * time.Second

// condition is what can be said of an inbox without waiting for anything.
type condition struct {
	// name is what the logger calls it.
	name   string
	logger *slog.Logger
	opened time.Time
	closed atomic.Bool
	broken atomic.Pointer[error]
	// refused is when an event found no room in the file, counted from opened; 0 if
	// there has been room since.
	refused atomic.Int64
	// brokenDown is called once, with the error.
	brokenDown func(error)
}

func newCondition(name string, logger *slog.Logger, brokenDown func(error)) *condition {
	return &condition{name: name, logger: logger, opened: time.Now(), brokenDown: brokenDown}
}

// failure is the error after which nothing is read or written any more; nil if there
// was none.
func (c *condition) failure() error {
	if err := c.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// usable returns the error of every method of an inbox that is closed or broken.
func (c *condition) usable() error {
	if c.closed.Load() {
		return webhook.ErrClosed
	}
	return c.failure()
}

// breakDown ends the use of the file because of a failure, and returns the error of
// the one that was first.
func (c *condition) breakDown(cause error) error {
	err := fmt.Errorf("%w: %w", ErrBroken, cause)
	if c.broken.CompareAndSwap(nil, &err) {
		c.logger.Error(c.name+" is broken and has to be opened again", slog.Any("error", cause))
		c.brokenDown(err)
	}
	return c.failure()
}

// judge returns an error as callers get it, and ends the use of the file if it is one
// after which it cannot be trusted. After a failed flush the operating system may take
// data for written that is not, so that a later flush would promise too much; a file
// that was found damaged gets worse by writing to it, and is recovered when it is
// opened.
func (c *condition) judge(err error) error {
	switch code(err) {
	case codeFull:
		c.refuse()
		return fmt.Errorf("%w: %w", webhook.ErrFull, err)
	case codeIOError, codeCorrupt, codeNotADB:
		return c.breakDown(err)
	}
	return fmt.Errorf("sqlite: %w", err)
}

// refuse notes that an event found no room in the file.
func (c *condition) refuse() { c.refused.Store(max(int64(time.Since(c.opened)), 1)) }

// roomy notes that there is room in the file.
func (c *condition) roomy() { c.refused.Store(0) }

// crowded says that an event found no room and there has been none since.
func (c *condition) crowded() bool { return c.refused.Load() != 0 }

// lately says that this is not long ago.
func (c *condition) lately() bool {
	refused := c.refused.Load()
	return refused != 0 && time.Since(c.opened)-time.Duration(refused) < refusalLasts
}

// Health implements webhook.HealthReporter. It takes no lock, so it answers even while the
// disk hangs. The error is ErrBroken, webhook.ErrClosed, or webhook.ErrFull. An inbox is
// full as long as so many events wait as WithMaxPending allows, or the last event found
// no room in the file or on the disk.
func (i *Inbox) Health(ctx context.Context) error {
	if err := i.condition.usable(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if i.schedule.Pending() >= i.config.maxPending || i.condition.lately() {
		return webhook.ErrFull
	}
	return nil
}
