package sqliteinbox

import (
	"errors"
	"fmt"
	"slices"

	"github.com/salebot-go/salebot/webhook"
)

// sequencesAtOnce is the number of sequences that are reserved in the file at once,
// so that they rise even after a crash without being written for each event. At
// most as many are left out by a crash.
const sequencesAtOnce = 10_000

// writer makes the changes. Only the leader of the committer uses it.
type writer struct {
	*connection
	// sequence is the last one that was given; reserved is how far the file lets
	// them go.
	sequence, reserved int64
	// reserving is the new value of reserved that the current transaction writes.
	reserving int64
	// added counts the events that the current transaction adds.
	added int
	// lazy says that the connection does not flush what it commits.
	lazy bool
	// unflushed is told that something was committed without a flush.
	unflushed func()
	// broken is the failure after which nothing is written any more.
	broken error
}

// write runs a group of operations in one transaction.
func (w *writer) write(group []*operation) {
	err := w.broken
	if err == nil {
		err = w.transaction(group)
	}
	for _, o := range group {
		switch {
		case err != nil:
			o.err = err
		case o.err == nil && o.committed != nil:
			o.committed()
		}
	}
}

// transaction returns the error that concerns all operations.
func (w *writer) transaction(group []*operation) error {
	w.reserving, w.added = 0, 0
	flush := slices.ContainsFunc(group, func(o *operation) bool { return o.flush })
	err := w.setLazy(!flush)
	if err == nil {
		err = w.begin(group)
	}
	if err == nil {
		_, err = w.exec("COMMIT")
	}
	if err != nil {
		// SQLite has ended the transaction by itself after some errors.
		_, _ = w.exec("ROLLBACK")
		return w.failure(err)
	}
	if w.reserving != 0 {
		w.reserved = w.reserving
	}
	if !flush {
		w.unflushed()
	}
	return nil
}

// setLazy switches the flush at the end of a transaction off or on. The log is one
// file that only grows until a checkpoint, so that a flush covers what was written
// without one before.
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

func (w *writer) begin(group []*operation) error {
	if _, err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
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
	return nil
}

// ErrBroken says that the disk failed in a way after which nobody can tell what of
// the file is on it. Nothing is written any more: open the inbox again.
var ErrBroken = errors.New("sqliteinbox: the disk failed; the inbox has to be opened again")

// failure classifies an error of a transaction. After a failed flush the operating
// system may take data for written that is not, so that a later flush would promise
// too much; a file that was found damaged gets worse by writing to it.
func (w *writer) failure(err error) error {
	switch code(err) {
	case codeFull:
		return fmt.Errorf("%w: %w", webhook.ErrFull, err)
	case codeIOError, codeCorrupt, codeNotADB:
		w.broken = fmt.Errorf("%w: %w", ErrBroken, err)
		return w.broken
	}
	return fmt.Errorf("sqliteinbox: %w", err)
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
