package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/webhook"
)

// Ledger is a ledger.Ledger in a database: in a file of its own that several processes
// share (OpenLedger), or in the file of an inbox (Inbox.Ledger). Calls at the same time
// share a flush of the disk.
type Ledger struct {
	file      *openFile
	reads     *reader
	retention time.Duration
	secret    []byte
	// holder is the name of this opening, and alive tells whether another one lives.
	holder string
	alive  func(holder string) (bool, error)
	// end closes what the ledger has opened.
	end func() error

	// begun are the records that this opening has begun and not ended.
	begun begunRecords
	// undoing are the records that are taken back, since nobody waited for them.
	undoing sync.WaitGroup
	closing sync.Once
	closed  atomic.Bool
	failed  error
}

var _ ledger.Ledger = (*Ledger)(nil)

var errNoRoom = errors.New("sqlite: the ledger has no room: the disk or the file is full")

// ledgerError returns an error as the users of a ledger know it.
func ledgerError(err error) error {
	switch {
	case errors.Is(err, webhook.ErrClosed):
		return ledger.ErrClosed
	case errors.Is(err, webhook.ErrFull):
		return errNoRoom
	}
	return err
}

func (l *Ledger) usable() error {
	if l.closed.Load() {
		return ledger.ErrClosed
	}
	return ledgerError(l.file.condition.usable())
}

// change has an operation written.
func (l *Ledger) change(ctx context.Context, o *operation) error {
	if err := l.usable(); err != nil {
		return err
	}
	return ledgerError(l.file.change(ctx, o))
}

// Bind implements ledger.Ledger. The first project that is named is the ledger's.
func (l *Ledger) Bind(ctx context.Context, project string) (ledger.Binding, error) {
	binding := ledger.Binding{Secret: l.secret, Retention: l.retention}
	if err := l.usable(); err != nil {
		return ledger.Binding{}, err
	}
	bound, known, err := l.project(ctx)
	if err == nil && !known {
		err = l.change(ctx, &operation{flush: true, apply: func(w *writer) error {
			_, execErr := w.exec(insertLedgerSetting, settingProject, project)
			return execErr
		}})
		if err == nil {
			// Another process may have been faster.
			bound, _, err = l.project(ctx)
		}
	}
	switch {
	case err != nil:
		return ledger.Binding{}, err
	case bound != project:
		return ledger.Binding{}, fmt.Errorf("%w: %.100q", ledger.ErrOtherProject, bound)
	}
	return binding, nil
}

func (l *Ledger) project(ctx context.Context) (project string, known bool, err error) {
	err = l.reads.query(ctx, selectLedgerSetting, func(row []driver.Value) error {
		project, known = text(row[0]), true
		return nil
	}, settingProject)
	return project, known, ledgerError(err)
}

// Find implements ledger.Ledger.
func (l *Ledger) Find(ctx context.Context, key ledger.Digest) ([]ledger.Record, error) {
	known, err := l.known(ctx, key)
	if err != nil || !known {
		return nil, err
	}
	found, err := l.find(ctx, selectRecords, key[:])
	if err != nil || l.over(found, time.Now()) {
		return nil, err
	}
	return found, nil
}

// known reports whether there are records with a key. Usually there are none, which is
// found out sooner than what they are.
func (l *Ledger) known(ctx context.Context, key ledger.Digest) (bool, error) {
	if err := l.usable(); err != nil {
		return false, err
	}
	n, err := l.reads.number(ctx, hasKey, key[:])
	return n != 0, ledgerError(err)
}

// FindEqual implements ledger.Ledger.
func (l *Ledger) FindEqual(ctx context.Context, content ledger.Digest) ([]ledger.Record, error) {
	equal, err := l.find(ctx, selectEqualRecords, content[:])
	if err != nil {
		return nil, err
	}
	now := time.Now()
	found := equal[:0]
	for _, r := range equal {
		if l.expired(&r, now) {
			// It may belong to a piece of work that is not past its time.
			key, err := l.Find(ctx, r.Key)
			if err != nil {
				return nil, err
			}
			if len(key) == 0 {
				continue
			}
		}
		found = append(found, r)
	}
	return found, nil
}

func (l *Ledger) find(ctx context.Context, query string, digest []byte) ([]ledger.Record, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	found, err := readRecords(func(visit func([]driver.Value) error) error {
		return l.reads.query(ctx, query, visit, digest)
	})
	return found, ledgerError(err)
}

// Begin implements ledger.Ledger. Records of calls are flushed to the disk before it
// returns. A disk without room is an error that does not last. If the context ends
// while it waits, the records are taken back.
func (l *Ledger) Begin(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	b := &beginning{ledger: l, records: records}
	err := l.change(ctx, &operation{
		flush: slices.ContainsFunc(records, func(r ledger.Record) bool { return !r.IsWork() }),
		apply: b.apply,
		ended: func(err error) { b.ended(context.WithoutCancel(ctx), err) },
	})
	if err != nil {
		b.abandon(context.WithoutCancel(ctx))
		return nil, err
	}
	return b.begun, nil
}

// End implements ledger.Ledger. The death of the process does not undo it; a loss of
// power may, within a second, and then the records are as Begin left them.
func (l *Ledger) End(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	var ended []ledger.Record
	if err := l.change(ctx, l.ending(records, &ended)); err != nil {
		return nil, err
	}
	return ended, nil
}

// ending returns the operation that ends records. On a full disk it uses what was kept
// for that.
func (l *Ledger) ending(records []ledger.Record, ended *[]ledger.Record) *operation {
	forget := func(err error) {
		if err == nil {
			l.begun.forget(records)
		}
	}
	return &operation{needed: true, aside: true, ended: forget, apply: func(w *writer) error {
		now := fromMicroseconds(microseconds(time.Now()))
		if fast, err := l.endKept(w, records, now); err != nil || fast != nil {
			*ended = fast
			return err
		}
		stored := make([]ledger.Record, len(records))
		for i := range records {
			present, err := lookupRecord(w, &records[i])
			if err != nil {
				return err
			}
			if present == nil || present.Version != records[i].Version {
				return refusal{ledger.ErrTaken}
			}
			stored[i] = endOf(*present, &records[i], now)
		}
		for i := range stored {
			if err := updateRecord(w, &stored[i]); err != nil {
				return err
			}
		}
		*ended = stored
		return nil
	}}
}

// endOf returns a stored record with its end.
func endOf(stored ledger.Record, end *ledger.Record, now time.Time) ledger.Record {
	stored.State, stored.EndedAt, stored.Version = end.State, now, newVersion()
	stored.Answer = ledger.Answer{Status: end.Answer.Status, IDs: slices.Clone(end.Answer.IDs)}
	return stored
}

// Forget implements ledger.Ledger.
func (l *Ledger) Forget(ctx context.Context, keys ...ledger.Digest) error {
	return l.change(ctx, &operation{needed: true, apply: func(w *writer) error {
		for _, key := range keys {
			if _, err := w.exec(deleteKey, key[:]); err != nil {
				return err
			}
		}
		return nil
	}})
}

// Alive implements ledger.Ledger. The holder of a record is one opening of the ledger.
// Its life is proved by a lock of the operating system, which ends with the process:
// one that was killed is known to be dead at once, and one that is stopped, or waits
// for a slow disk, is alive.
func (l *Ledger) Alive(_ context.Context, holder string) (bool, error) {
	if err := l.usable(); err != nil {
		return false, err
	}
	if holder == l.holder {
		return true, nil
	}
	return l.alive(holder)
}

// Close ends the use of the ledger. Changes that were begun are written before it
// returns. The inbox of a ledger that Inbox.Ledger opened stays open.
func (l *Ledger) Close() error {
	l.closing.Do(func() {
		l.closed.Store(true)
		l.undoing.Wait()
		if err := l.end(); err != nil {
			l.failed = fmt.Errorf("sqlite: closing the ledger: %w", err)
		}
	})
	return l.failed
}
