package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// ledgerSchema is described in the package's documentation. The records are in the order
// in which they were begun and not in that of their keys, which are random: those that
// end at the same time are then on a few pages. The index finds equal requests; pieces of
// work have no content.
const ledgerSchema = `
CREATE TABLE ledger_record (
	key       BLOB    NOT NULL,
	number    INTEGER NOT NULL,
	content   BLOB    NOT NULL,
	step      BLOB    NOT NULL,
	state     INTEGER NOT NULL,
	version   INTEGER NOT NULL,
	holder    TEXT    NOT NULL,
	write_by  INTEGER NOT NULL,
	scheduled INTEGER NOT NULL,
	anchored  INTEGER NOT NULL,
	message   INTEGER NOT NULL,
	server    INTEGER NOT NULL,
	status    INTEGER NOT NULL,
	ids       TEXT    NOT NULL,
	begun     INTEGER NOT NULL,
	ended     INTEGER NOT NULL,
	checksum  INTEGER NOT NULL,
	PRIMARY KEY (key, number)
) STRICT;
CREATE INDEX ledger_record_content ON ledger_record (content) WHERE content <> x'';
CREATE TABLE ledger_setting (
	name      TEXT PRIMARY KEY,
	value     ANY NOT NULL
) STRICT, WITHOUT ROWID;
`

// The names in the table ledger_setting.
const (
	// settingSecret keys the digests, if the user has no secret of his own.
	settingSecret = "secret"
	// settingProject is the project that the ledger is bound to.
	settingProject = "project"
	// settingSwept is when records past their time were last looked for.
	settingSwept = "swept"
	// settingLost is 1 if records may have been lost when a damaged file was
	// recovered.
	settingLost = "lost"
)

const (
	selectLedgerSetting = "SELECT value FROM ledger_setting WHERE name = ?"
	insertLedgerSetting = "INSERT INTO ledger_setting (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
	upsertLedgerSetting = "INSERT OR REPLACE INTO ledger_setting (name, value) VALUES (?, ?)"
)

// recordColumns are the columns in the order of values and readRecord.
const recordColumns = "key, number, content, step, state, version, holder, write_by, scheduled, anchored, message, server, status, ids, begun, ended, checksum"

const (
	selectRecords = "SELECT " + recordColumns + " FROM ledger_record WHERE key = ? ORDER BY number"
	selectRecord  = "SELECT " + recordColumns + " FROM ledger_record WHERE key = ? AND number = ?"
	hasKey        = "SELECT EXISTS (SELECT 1 FROM ledger_record WHERE key = ?)"
	// Only with its last condition can the index be used.
	selectEqualRecords = "SELECT " + recordColumns + " FROM ledger_record WHERE content = ? AND content <> x''"
	insertRecord       = "INSERT OR REPLACE INTO ledger_record (" + recordColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	insertNewRecord    = "INSERT INTO ledger_record (" + recordColumns + ") SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?" +
		" WHERE NOT EXISTS (SELECT 1 FROM ledger_record WHERE key = ?)"
	endRecord = "UPDATE ledger_record SET state = ?, version = ?, status = ?, ids = ?, ended = ?, checksum = ? WHERE key = ? AND number = ?"
	// A record that is kept has no end yet.
	endKeptRecord = endRecord + " AND version = ? AND checksum = ? AND state = 0 AND status = 0 AND ids = '' AND ended = 0"
	deleteKey     = "DELETE FROM ledger_record WHERE key = ?"
)

// newVersion is a number that no other change has. It is drawn at random, so that
// processes need not agree on the next one.
func newVersion() int64 { return 1 + rand.Int64N(1<<62) } //nolint:gosec // it is no secret

// roundedUp is a time as the file can have it, not before it.
func roundedUp(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return fromMicroseconds(microseconds(t.Add(time.Microsecond - 1)))
}

// blob is a digest as the file has it: empty for none.
func blob(d *ledger.Digest) []byte {
	if d.IsZero() {
		return []byte{}
	}
	return d[:]
}

// upsertRecord stores a record as it is.
func upsertRecord(c *connection, r *ledger.Record) error {
	values := recordValues(r)
	_, err := c.exec(insertRecord, append(values, recordChecksum(values))...)
	return err
}

// insertNew stores a record if there is none with its key.
func insertNew(w *writer, r *ledger.Record) (inserted bool, err error) {
	values := recordValues(r)
	rows, err := w.exec(insertNewRecord, append(values, recordChecksum(values), r.Key[:])...)
	return rows == 1, err
}

// updateRecord stores what an end changes.
func updateRecord(w *writer, r *ledger.Record) error {
	_, err := w.exec(endRecord, endValues(r)...)
	return err
}

// updateKeptRecord stores what an end changes, if the file has the record as it is kept.
// The columns that an end leaves alone need not be compared: the new checksum is over
// what is kept, so a damaged one does not look whole.
func updateKeptRecord(w *writer, kept, r *ledger.Record) (updated bool, err error) {
	rows, err := w.exec(endKeptRecord, append(endValues(r), kept.Version, recordChecksum(recordValues(kept)))...)
	return rows == 1, err
}

func endValues(r *ledger.Record) []driver.Value {
	return append(make([]driver.Value, 0, 10), int64(r.State), r.Version, int64(r.Answer.Status), idsText(r.Answer.IDs), microseconds(r.EndedAt),
		recordChecksum(recordValues(r)), r.Key[:], int64(r.Number))
}

// recordValues are the columns of a record, without the checksum.
func recordValues(r *ledger.Record) []driver.Value {
	return append(make([]driver.Value, 0, 18),
		r.Key[:], int64(r.Number), blob(&r.Content), blob(&r.Step), int64(r.State), r.Version, r.Holder, microseconds(r.WriteBy),
		number(r.Scheduled), number(r.Anchor.Known), r.Anchor.MessageID, microseconds(r.Anchor.Server),
		int64(r.Answer.Status), idsText(r.Answer.IDs), microseconds(r.BegunAt), microseconds(r.EndedAt))
}

// recordChecksum is formed like that of a row.
func recordChecksum(values []driver.Value) int64 {
	all := make([]byte, 0, 256)
	for _, value := range values {
		if n, ok := value.(int64); ok {
			all = appendNumbers(all, n)
		} else {
			all = appendText(all, text(value))
		}
	}
	return int64(crc32.Checksum(all, castagnoli))
}

// idsText writes numbers with spaces between them.
func idsText(ids []int64) string {
	var all []byte
	for i, id := range ids {
		if i > 0 {
			all = append(all, ' ')
		}
		all = strconv.AppendInt(all, id, 10)
	}
	return string(all)
}

func parseIDs(written string) (ids []int64, err error) {
	for field := range strings.FieldsSeq(written) {
		id, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

var errDamagedRecord = errors.New("a record of the ledger cannot be read")

// readRecord reads a row in the order of recordColumns and checks it.
func readRecord(values []driver.Value) (ledger.Record, error) {
	last := len(values) - 1
	if recordChecksum(values[:last]) != integer(values[last]) {
		return ledger.Record{}, errDamagedRecord
	}
	r := ledger.Record{
		Number: int(integer(values[1])), State: ledger.State(integer(values[4])), Version: integer(values[5]), Holder: text(values[6]), //nolint:gosec // the checksum holds
		WriteBy: fromMicroseconds(integer(values[7])), Scheduled: integer(values[8]) == 1,
		Anchor: ledger.Anchor{Known: integer(values[9]) == 1, MessageID: integer(values[10]), Server: fromMicroseconds(integer(values[11]))},
		Answer: ledger.Answer{Status: int(integer(values[12]))}, BegunAt: fromMicroseconds(integer(values[14])), EndedAt: fromMicroseconds(integer(values[15])),
	}
	copy(r.Key[:], text(values[0]))
	copy(r.Content[:], text(values[2]))
	copy(r.Step[:], text(values[3]))
	ids, err := parseIDs(text(values[13]))
	if err != nil {
		return ledger.Record{}, errDamagedRecord
	}
	r.Answer.IDs = ids
	return r, nil
}

// readRecords collects what a query finds. A damaged record is an error: what it told
// is not known.
func readRecords(query func(visit func([]driver.Value) error) error) (found []ledger.Record, err error) {
	err = query(func(values []driver.Value) error {
		r, readErr := readRecord(values)
		if readErr != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, readErr)
		}
		found = append(found, r)
		return nil
	})
	return found, err
}

// lookupRecord returns what is stored under the key and number of a record; nil if
// nothing is.
func lookupRecord(w *writer, r *ledger.Record) (*ledger.Record, error) {
	found, err := readRecords(func(visit func([]driver.Value) error) error {
		return w.query(selectRecord, visit, r.Key[:], int64(r.Number))
	})
	switch {
	case errors.Is(err, errDamagedRecord):
		return nil, refusal{err}
	case err != nil || len(found) == 0:
		return nil, err
	}
	return &found[0], nil
}
