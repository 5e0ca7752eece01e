package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"fmt"
)

// Ledger opens a ledger in the file of the inbox. It shares the inbox's flushes, and
// what becomes of an event and of its calls reaches the disk in the order in which it
// happened. It serves this process, since one at a time has the inbox open, and it
// ends with the inbox, or with its own Close, after which it can be opened again. If
// it is open already, the error is ErrInUse.
//
// If the file was damaged and records may have been lost, the error is ErrDamaged: see
// WithLedgerLosses.
func (i *Inbox) Ledger(opts ...LedgerOption) (*Ledger, error) {
	config, err := newLedgerConfig(i.config.logger, opts)
	if err != nil {
		return nil, err
	}
	i.ledger.Lock()
	defer i.ledger.Unlock()
	if l := i.ledger.Ledger; l != nil && !l.closed.Load() {
		return nil, fmt.Errorf("%w: the inbox's ledger is open already", ErrInUse)
	}
	var l *Ledger
	err = i.change(context.Background(), &operation{flush: true, apply: func(w *writer) error {
		openErr := prepareInboxLedger(w, config.losses)
		if openErr == nil {
			l, openErr = newLedger(&i.openFile, config)
		}
		if errors.Is(openErr, ErrDamaged) {
			return refusal{openErr}
		}
		return openErr
	}})
	if err != nil {
		if l != nil {
			err = errors.Join(err, l.reads.close())
		}
		return nil, ledgerError(err)
	}
	// Nobody else has the inbox open: all other holders are dead.
	l.holder, l.alive = newHolderName(), func(string) (bool, error) { return false, nil }
	l.end = l.reads.close
	i.ledger.Ledger = l
	return l, nil
}

// prepareInboxLedger makes the tables of the ledger if there are none.
func prepareInboxLedger(w *writer, losses bool) error {
	tables, err := w.number(countLedgerTables)
	if err != nil {
		return err
	}
	if tables == 0 {
		if err = w.script(ledgerSchema); err != nil {
			return err
		}
		return createLedgerSecret(w.connection)
	}
	lost, err := w.number(selectLedgerSetting, settingLost)
	switch {
	case err != nil || lost == 0:
		return err
	case !losses:
		return fmt.Errorf("%w: records may have been lost when it was recovered (see WithLedgerLosses)", ErrDamaged)
	}
	_, err = w.exec(upsertLedgerSetting, settingLost, int64(0))
	return err
}

const countLedgerTables = "SELECT count(*) FROM sqlite_schema WHERE name = 'ledger_record'"

// secretSize is the length of the secret, in bytes.
const secretSize = 32

func createLedgerSecret(c *connection) error {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // it never fails
	_, err := c.exec(insertLedgerSetting, settingSecret, secret)
	return err
}

// openLedger returns the ledger that is open; nil if none is.
func (i *Inbox) openLedger() *Ledger {
	i.ledger.Lock()
	defer i.ledger.Unlock()
	if l := i.ledger.Ledger; l != nil && !l.closed.Load() {
		return l
	}
	return nil
}

// closeLedger closes the ledger with its inbox.
func (i *Inbox) closeLedger() error {
	if l := i.openLedger(); l != nil {
		return l.Close()
	}
	return nil
}

// ledger copies the ledger of a damaged inbox. If a part of it cannot be read, that is
// noted: what the part told is not known.
func (s *salvager) ledger() {
	tables, err := s.source.number(countLedgerTables)
	if s.failure != nil || err == nil && tables == 0 {
		return
	}
	if s.failure = s.target.script(ledgerSchema); s.failure != nil {
		return
	}
	complete := err == nil
	secret := false
	err = s.read("SELECT name, value FROM ledger_setting", func(row []driver.Value) {
		secret = secret || text(row[0]) == settingSecret
		_, s.failure = s.target.exec(upsertLedgerSetting, text(row[0]), row[1])
	})
	complete = complete && err == nil && secret
	copyRecord := func(values []driver.Value) {
		r, err := readRecord(values)
		if err != nil {
			complete = false
			return
		}
		s.failure = upsertRecord(s.target, &r)
	}
	const query = "SELECT " + recordColumns + " FROM ledger_record ORDER BY rowid"
	if s.read(query, copyRecord) != nil {
		complete = false
		// From the other end, up to the same gap; what is met twice stays as it is.
		_ = s.read(query+" DESC", copyRecord)
	}
	if s.failure == nil {
		// Unless there is one.
		s.failure = createLedgerSecret(s.target)
	}
	if s.failure == nil && !complete {
		_, s.failure = s.target.exec(upsertLedgerSetting, settingLost, int64(1))
	}
}
