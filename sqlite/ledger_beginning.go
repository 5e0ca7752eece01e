package sqlite

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/webhook"
)

// beginning is one call of Begin.
type beginning struct {
	ledger  *Ledger
	records []ledger.Record
	// begun are the records as they are stored, and before says what they become if
	// nobody waited for them.
	begun  []ledger.Record
	before []ledger.State

	mutex              sync.Mutex
	written, abandoned bool
}

// apply stores the records. A refusal changes nothing.
func (b *beginning) apply(w *writer) error {
	if err := b.room(w); err != nil {
		return err
	}
	now := roundedUp(time.Now())
	if done, err := b.applyNew(w, now); err != nil || done {
		return err
	}
	return b.applyAll(w, now)
}

// applyAll stores the records, whatever there is.
func (b *beginning) applyAll(w *writer, now time.Time) error {
	b.begun, b.before = nil, nil
	var old []ledger.Digest
	for _, record := range b.records {
		present, outdated, err := b.ledger.present(w, &record, now)
		if err != nil {
			return err
		}
		if outdated {
			// Before a new record makes the others look younger.
			old = append(old, record.Key)
		}
		before := ledger.Refused
		record.BegunAt = now
		switch {
		case present == nil && record.Version == 0:
		case present == nil, present.Version != record.Version:
			return refusal{ledger.ErrTaken}
		default:
			record.BegunAt, before = present.BegunAt, present.State
			if before == ledger.Begun && !present.IsWork() {
				before = ledger.Unknown
			}
		}
		b.begun, b.before = append(b.begun, b.ledger.beginning(record)), append(b.before, before)
	}
	for _, key := range old {
		if _, err := w.exec(deleteKey, key[:]); err != nil {
			return err
		}
	}
	for i := range b.begun {
		if err := upsertRecord(w.connection, &b.begun[i]); err != nil {
			return err
		}
	}
	return nil
}

// applyNew stores a single record whose key is new, as it usually is.
func (b *beginning) applyNew(w *writer, now time.Time) (done bool, err error) {
	if len(b.records) != 1 || b.records[0].Version != 0 {
		return false, nil
	}
	record := b.ledger.beginning(b.records[0])
	record.BegunAt = now
	if done, err = insertNew(w, &record); done {
		b.begun, b.before = []ledger.Record{record}, []ledger.State{ledger.Refused}
	}
	return done, err
}

// beginning returns a record as Begin stores it, but for its time.
func (l *Ledger) beginning(record ledger.Record) ledger.Record {
	record.State, record.Holder, record.Answer, record.EndedAt = ledger.Begun, l.holder, ledger.Answer{}, time.Time{}
	record.WriteBy, record.Version = roundedUp(record.WriteBy), newVersion()
	return record
}

// room refuses a beginning for which there is no room.
func (b *beginning) room(w *writer) error {
	tight, err := w.tight()
	if err == nil && (tight || b.ledger.file.reserve.spent.Load()) {
		return refusal{webhook.ErrFull}
	}
	return err
}

// present returns what is stored of a record, unless its key is past its time.
func (l *Ledger) present(w *writer, r *ledger.Record, now time.Time) (present *ledger.Record, outdated bool, err error) {
	if r.Version == 0 {
		// Usually there is nothing under a new key.
		if known, failure := w.number(hasKey, r.Key[:]); failure != nil || known == 0 {
			return nil, false, failure
		}
	}
	present, err = lookupRecord(w, r)
	if err != nil || present != nil && !l.expired(present, now) {
		return present, false, err
	}
	outdated, err = l.outdated(w, r.Key, now)
	if outdated {
		present = nil
	}
	return present, outdated, err
}

// ended is told by the committer whether the records are written.
func (b *beginning) ended(ctx context.Context, err error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.written = err == nil
	if b.written {
		b.ledger.begun.keep(b.begun)
	}
	if b.written && b.abandoned {
		b.undo(ctx)
	}
}

// abandon takes the records back if they are written all the same.
func (b *beginning) abandon(ctx context.Context) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.abandoned = true
	if b.written {
		b.undo(ctx)
	}
}

// undo ends the records as if they had not been begun: nothing was sent because of
// them, but they would look as if it might have been.
func (b *beginning) undo(ctx context.Context) {
	records := slices.Clone(b.begun)
	for i := range records {
		records[i].State = b.before[i]
		if records[i].State == ledger.Begun {
			records[i].State = ledger.Refused // a piece of work
		}
	}
	b.ledger.undoing.Go(func() {
		// If it fails, nobody sends: the records only say less than they could.
		_ = b.ledger.file.change(ctx, b.ledger.ending(records, new([]ledger.Record)))
	})
}
