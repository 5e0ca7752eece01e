package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
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
	key, number := []byte{}, int64(-1)
	for {
		read := 0
		var old []ledger.Record
		now := time.Now()
		err := l.reads.query(ctx, selectRecordsFrom, func(values []driver.Value) error {
			read++
			key, number = []byte(text(values[0])), integer(values[1])
			// A damaged one is kept: it is told when it is asked for.
			if r, err := readRecord(values); err == nil && l.expired(&r, now) {
				old = append(old, r)
			}
			return nil
		}, key, number, int64(recordsRead))
		if err != nil {
			return ledgerError(err)
		}
		for some := range slices.Chunk(old, recordsAtOnce) {
			if err := l.delete(ctx, some); err != nil {
				return err
			}
		}
		if read < recordsRead {
			return nil
		}
	}
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

// delete deletes records that did not change since they were read.
func (l *Ledger) delete(ctx context.Context, records []ledger.Record) error {
	return l.change(ctx, &operation{needed: true, apply: func(w *writer) error {
		for i := range records {
			r := &records[i]
			if _, err := w.exec(deleteRecord, r.Key[:], int64(r.Number), r.Version); err != nil {
				return err
			}
		}
		return nil
	}})
}
