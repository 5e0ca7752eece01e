package sqlite

import (
	"sync"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// maxBegunRecords bounds the records that are kept in memory until their end.
const maxBegunRecords = 4096

// begunRecords are records as this opening has written them, by their version, which no
// other change of a record has. Whoever ends one need not read it. The zero value has
// none.
type begunRecords struct {
	mutex   sync.Mutex
	records map[int64]ledger.Record
}

func (b *begunRecords) keep(records []ledger.Record) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.records == nil || len(b.records)+len(records) > maxBegunRecords {
		// Calls that were never ended; what is not known is read.
		b.records = map[int64]ledger.Record{}
	}
	for _, r := range records {
		b.records[r.Version] = r
	}
}

// find returns the record that another one is a version of; nil if it is not kept.
func (b *begunRecords) find(r *ledger.Record) *ledger.Record {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	kept, ok := b.records[r.Version]
	if !ok || kept.Key != r.Key || kept.Number != r.Number {
		return nil
	}
	return &kept
}

func (b *begunRecords) forget(records []ledger.Record) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, r := range records {
		delete(b.records, r.Version)
	}
}

// endKept ends a single record that is kept without reading it. It returns nothing if
// the file has it otherwise, or not at all: another process may have taken it over.
func (l *Ledger) endKept(w *writer, records []ledger.Record, now time.Time) ([]ledger.Record, error) {
	if len(records) != 1 {
		return nil, nil
	}
	kept := l.begun.find(&records[0])
	if kept == nil {
		return nil, nil
	}
	stored := endOf(*kept, &records[0], now)
	updated, err := updateKeptRecord(w, kept, &stored)
	if err != nil || !updated {
		return nil, err
	}
	return []ledger.Record{stored}, nil
}
