package sqlite

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot/webhook"
)

// sequencesAtOnce is the number of sequences that are reserved in the file at once,
// so that they rise even after a crash without being written for each event. At
// most as many are left out by a crash.
const sequencesAtOnce = 10_000

// reserveBytes is what the file has above WithMaxFileSize, besides an eighth of
// that, for everything but new events: an inbox that is full must still be able to count
// an attempt and to give up an event.
const reserveBytes = 1 << 20

// rowOverhead is what an event takes in the file besides its body, at most and roughly:
// the other columns of its row and its mark.
const rowOverhead = 512

// eventBytes is what an event takes in the file, roughly.
func eventBytes(body string) int64 { return int64(len(body)) + rowOverhead }

// writer makes the changes. Only the goroutine whose turn it is uses it.
type writer struct {
	*connection
	// sequence is the last one that was given; reserved is how far the file lets
	// them go.
	sequence, reserved int64
	// reserving is the new value of reserved that the current transaction writes.
	reserving int64
	// added counts the events that the current transaction adds.
	added int
	// limit is the number of pages above which there is no room for a new event.
	limit int64
	// used is how many pages had something in them when they were counted, which was
	// uncounted transactions ago, and addedBytes what events may take that were added
	// since, roughly.
	used, uncounted, addedBytes int64
	// longest is the longest delay with which an event was ever released.
	longest time.Duration
	// delaying is the new value of longest that the current transaction writes.
	delaying time.Duration
	// files is nil while the inbox is being opened.
	files   *presence
	reserve *reserve
	// lazy says that the connection does not flush what it commits.
	lazy bool
	// unflushed says that something was committed and not flushed since.
	unflushed atomic.Bool
	condition *condition
}

// write runs a group of operations in one transaction. It returns true if nothing was
// done because another process has the file locked.
func (w *writer) write(group []*operation) (locked bool) {
	err := w.condition.failure()
	if err == nil {
		err = w.transaction(group)
	}
	if errors.Is(err, webhook.ErrFull) {
		group, err = w.writeFromReserve(group, err)
	}
	if err == nil {
		return false
	}
	for _, o := range group {
		o.err = err
	}
	return errors.Is(err, errLocked)
}

// writeFromReserve writes what has to be written although the disk is full, with what
// was kept for that. It returns the operations whose error is not set yet.
func (w *writer) writeFromReserve(group []*operation, full error) ([]*operation, error) {
	var needed []*operation
	for _, o := range group {
		if o.flush && !o.needed {
			o.err = full
		} else {
			needed = append(needed, o)
		}
	}
	if len(needed) == 0 || w.reserve == nil || w.reserve.spent.Load() {
		return needed, full
	}
	w.reserve.spend()
	// What is in the log makes room in it once it is in the database. If that fails,
	// the transaction tells.
	_ = w.script(fmt.Sprintf("PRAGMA wal_autocheckpoint = %d; PRAGMA wal_checkpoint(TRUNCATE)", earlyCheckpoint))
	return needed, w.transaction(needed)
}

// refillReserve gets the reserve back once there is room on the disk.
func (w *writer) refillReserve() error {
	if err := w.reserve.fill(); err != nil {
		return refusal{err}
	}
	return w.script(fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", usualCheckpoint))
}

// transaction returns the error that concerns all operations.
func (w *writer) transaction(group []*operation) error {
	w.reserving, w.added, w.delaying = 0, 0, 0
	w.uncounted++
	// What has to be flushed is flushed when the transaction has ended.
	err := w.setLazy(true)
	if err == nil {
		err = w.begin()
	}
	if err == nil {
		err = w.apply(group)
	}
	if err == nil {
		_, err = w.exec("COMMIT")
	}
	if err != nil {
		// SQLite has ended the transaction by itself after some errors.
		_, _ = w.exec("ROLLBACK")
		return w.condition.judge(err)
	}
	w.longest = max(w.longest, w.delaying)
	if w.reserving != 0 {
		w.reserved = w.reserving
	}
	w.unflushed.Store(true)
	return nil
}

// errLocked says that another process has the file locked.
var errLocked = errors.New("another process has the file locked")

func (w *writer) begin() error {
	_, err := w.exec("BEGIN IMMEDIATE")
	if code(err) == codeBusy {
		return fmt.Errorf("%w: %w", errLocked, err)
	}
	return err
}

// setLazy switches the flush at the end of a transaction off or on.
func (w *writer) setLazy(lazy bool) error {
	if w.lazy == lazy {
		return nil
	}
	level := "FULL"
	if lazy {
		level = "NORMAL"
	}
	if err := w.script("PRAGMA synchronous = " + level); err != nil {
		return err
	}
	w.lazy = lazy
	return nil
}

func (w *writer) apply(group []*operation) error {
	for _, o := range group {
		o.err = o.apply(w)
		if o.err == nil {
			continue
		}
		if refused := (refusal{}); errors.As(o.err, &refused) {
			o.err = refused.error
			continue
		}
		return o.err
	}
	if w.condition.crowded() && (w.reserve == nil || !w.reserve.spent.Load()) {
		return w.lookForRoom()
	}
	return nil
}

// countInterval is the number of transactions after which the pages are counted again,
// however much room there was.
const countInterval = 64

// full says whether the file has no room for a body. While there is a lot of room the
// pages are not counted each time. Where they are, it is once in a transaction; what
// that adds itself is estimated.
func (w *writer) full(body string) (bool, error) {
	estimate := w.used + 2*(w.addedBytes+eventBytes(body))/pageSize
	if w.uncounted > 0 && (estimate >= w.limit || w.uncounted >= countInterval) {
		if err := w.count(); err != nil {
			return false, err
		}
	}
	return w.used+(w.addedBytes+eventBytes(body))/pageSize >= w.limit, nil
}

// tight reports whether half of what the file has above its limit is used. That is kept
// for what has to be written in a file that is full.
func (w *writer) tight() (bool, error) {
	if w.uncounted > 0 && (w.used >= w.limit || w.uncounted >= countInterval) {
		if err := w.count(); err != nil {
			return false, err
		}
	}
	return w.used >= w.limit+(w.limit/8+reserveBytes/pageSize)/2, nil
}

// count counts the pages that have something in them.
func (w *writer) count() error {
	pages, err := w.number("PRAGMA page_count")
	if err != nil {
		return err
	}
	free, err := w.number("PRAGMA freelist_count")
	w.used, w.uncounted, w.addedBytes = pages-free, 0, 0
	return err
}

// lookForRoom notes whether there is room again. It is called while the file counts as
// full only, at the end of a transaction.
func (w *writer) lookForRoom() error {
	if err := w.count(); err != nil {
		return err
	}
	if w.used < w.limit {
		w.condition.roomy()
	}
	return nil
}

// next gives a sequence.
func (w *writer) next() (int64, error) {
	limit := max(w.reserved, w.reserving)
	if w.sequence >= limit {
		limit = w.sequence + sequencesAtOnce
		if _, err := w.exec(upsertSetting, settingReserved, limit); err != nil {
			return 0, err
		}
		w.reserving = limit
	}
	w.sequence++
	return w.sequence, nil
}

// noteDelay keeps the longest delay in the file: no event has to wait for longer when
// the file is opened, whatever the clock said when it was released.
func (w *writer) noteDelay(delay time.Duration) error {
	if delay <= max(w.longest, w.delaying) {
		return nil
	}
	w.delaying = delay
	_, err := w.exec(upsertSetting, settingLongest, delay.Microseconds())
	return err
}
