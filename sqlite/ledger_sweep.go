package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// expired reports whether a record is past its time. One that is under way is not,
// however old it is.
func (l *Ledger) expired(r *ledger.Record, now time.Time) bool {
	last := r.BegunAt
	for _, later := range []time.Time{r.EndedAt, r.WriteBy} {
		if later.After(last) {
			last = later
		}
	}
	if now.Sub(last) <= l.retention {
		return false
	}
	if r.State != ledger.Begun {
		return true
	}
	if r.Holder == l.holder {
		return false
	}
	alive, err := l.alive(r.Holder)
	return err == nil && !alive
}

// over reports whether all records of a key are past their time. They go together: a
// piece of work that is still tried needs what its first calls came to.
func (l *Ledger) over(records []ledger.Record, now time.Time) bool {
	return !slices.ContainsFunc(records, func(r ledger.Record) bool { return !l.expired(&r, now) })
}

// errYoung ends the search for a record of a key that is not past its time.
var errYoung = errors.New("it is not past its time")

// outdated reports whether a key has records, all of them past their time.
func (l *Ledger) outdated(w *writer, key ledger.Digest, now time.Time) (bool, error) {
	found := false
	err := w.query(selectRecords, func(values []driver.Value) error {
		r, err := readRecord(values)
		if err != nil {
			return refusal{fmt.Errorf("%w: %w", ErrDamaged, err)}
		}
		if !l.expired(&r, now) {
			return errYoung
		}
		found = true
		return nil
	}, key[:])
	if errors.Is(err, errYoung) {
		return false, nil
	}
	return found && err == nil, err
}

// Those who begin something wait while records past their time are deleted, so that it
// is done in small steps.
const (
	recordsRead   = 2000
	recordsAtOnce = 500
)

const selectRecordsFrom = "SELECT " + recordColumns + " FROM ledger_record WHERE (key, number) > (?, ?) ORDER BY key, number LIMIT ?"

// sweep deletes the records past their time, unless another process has just done so.
func (l *Ledger) sweep(ctx context.Context) error {
	mine, err := l.claimSweep(ctx)
	if err != nil || !mine {
		return err
	}
	s := sweeper{ledger: l, now: time.Now()}
	key, number := []byte{}, int64(-1)
	for {
		read := 0
		err := l.reads.query(ctx, selectRecordsFrom, func(values []driver.Value) error {
			read++
			key, number = []byte(text(values[0])), integer(values[1])
			s.take(key, values)
			return nil
		}, key, number, int64(recordsRead))
		if err != nil {
			return ledgerError(err)
		}
		last := read < recordsRead
		if last {
			s.closeKey()
		}
		if err := s.delete(ctx, last); err != nil || last {
			return err
		}
	}
}

// sweeper finds the keys that are past their time, in records that come in the order of
// their keys.
type sweeper struct {
	ledger *Ledger
	now    time.Time
	// key is the one whose records come, records how many came, and young says that
	// one of them is not past its time.
	key     []byte
	records int
	young   bool
	old     []oldKey
}

// oldKey is a key that is past its time.
type oldKey struct {
	key     ledger.Digest
	records int
}

func (s *sweeper) take(key []byte, values []driver.Value) {
	if !bytes.Equal(key, s.key) {
		s.closeKey()
		s.key = key
	}
	s.records++
	// A damaged one is kept: it is told when it is asked for.
	r, err := readRecord(values)
	s.young = s.young || err != nil || !s.ledger.expired(&r, s.now)
}

// closeKey is called when all records of a key have come.
func (s *sweeper) closeKey() {
	if s.records > 0 && !s.young {
		s.old = append(s.old, oldKey{ledger.Digest(s.key), s.records})
	}
	s.records, s.young = 0, false
}

// delete deletes what was found, in steps of some hundred records; what is left of the
// last step waits for more, unless all is asked for.
func (s *sweeper) delete(ctx context.Context, all bool) error {
	for len(s.old) > 0 {
		n, records := 0, 0
		for n < len(s.old) && records < recordsAtOnce {
			records += s.old[n].records
			n++
		}
		if records < recordsAtOnce && !all {
			return nil
		}
		if err := s.ledger.delete(ctx, s.old[:n]); err != nil {
			return err
		}
		s.old = s.old[n:]
	}
	return nil
}

// errSwept says that another process looked for old records a short time ago.
var errSwept = errors.New("it was done a short time ago")

func (l *Ledger) claimSweep(ctx context.Context) (mine bool, err error) {
	err = l.change(ctx, &operation{apply: func(w *writer) error {
		swept, readErr := w.number(selectLedgerSetting, settingSwept)
		if readErr != nil {
			return readErr
		}
		now := time.Now()
		if passed := now.Sub(fromMicroseconds(swept)); swept != 0 && passed >= 0 && passed < janitorInterval/2 {
			return refusal{errSwept}
		}
		_, writeErr := w.exec(upsertLedgerSetting, settingSwept, microseconds(now))
		return writeErr
	}})
	if errors.Is(err, errSwept) {
		return false, nil
	}
	return err == nil, err
}

// delete deletes keys that are still past their time.
func (l *Ledger) delete(ctx context.Context, keys []oldKey) error {
	return l.change(ctx, &operation{needed: true, apply: func(w *writer) error {
		for i := range keys {
			// One that was begun again since it was read is young.
			old, err := l.outdated(w, keys[i].key, time.Now())
			if errors.Is(err, errDamagedRecord) {
				continue
			}
			if err == nil && old {
				_, err = w.exec(deleteKey, keys[i].key[:])
			}
			if err != nil {
				return err
			}
		}
		return nil
	}})
}
