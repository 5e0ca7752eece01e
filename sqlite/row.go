package sqlite

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// row is a row of the tables event and dead_letter.
type row struct {
	webhook.Entry
	sequence int64
	attempts int
	// due is when the event may be handed out again, or when it was given up.
	due    time.Time
	reason string
	// problem says what is wrong with a row that was read; "" if nothing is.
	problem string
}

// rowColumns are the columns in the order of values and readRow.
const rowColumns = "sequence, endpoint, client, message, failed, recovered, accepted, attempts, due, reason, body, checksum"

const (
	insertEvent = "INSERT OR REPLACE INTO event (" + rowColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	// insertNewEvent is for an event that has not been handed out.
	insertNewEvent   = "INSERT INTO event (" + rowColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, '', ?, ?)"
	insertDeadLetter = "INSERT OR REPLACE INTO dead_letter (" + rowColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	updateEvent      = "UPDATE event SET attempts = ?, due = ?, reason = ?, checksum = ? WHERE sequence = ?"
	deleteEvent      = "DELETE FROM event WHERE sequence = ?"
	deleteDeadLetter = "DELETE FROM dead_letter WHERE sequence = ?"
	selectEvent      = "SELECT " + rowColumns + " FROM event WHERE sequence = ?"
)

// microseconds is a time as the file has it: since 1970, 0 for none.
func microseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicroseconds(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n)
}

func number(flag bool) int64 {
	if flag {
		return 1
	}
	return 0
}

func (r *row) insert(c *connection, statement string) error {
	_, err := c.exec(statement, r.sequence, r.Endpoint, int64(r.ClientID), int64(r.MessageID), number(r.Failed), number(r.Recovered),
		microseconds(r.AcceptedAt), int64(r.attempts), microseconds(r.due), r.reason, r.Body, r.checksum())
	return err
}

// insertNew inserts an event that has not been handed out.
func (r *row) insertNew(c *connection) error {
	_, err := c.exec(insertNewEvent, r.sequence, r.Endpoint, int64(r.ClientID), int64(r.MessageID), number(r.Failed), number(r.Recovered),
		microseconds(r.AcceptedAt), r.Body, r.checksum())
	return err
}

// update writes what an attempt changes.
func (r *row) update(c *connection) error {
	_, err := c.exec(updateEvent, int64(r.attempts), microseconds(r.due), r.reason, r.checksum(), r.sequence)
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC-32C of everything else in the row: of the numbers as eight
// bytes each, the lowest first, and the texts with their lengths before them, in
// the order of the columns.
func (r *row) checksum() int64 {
	head := make([]byte, 0, 160)
	head = appendNumbers(head, r.sequence)
	head = appendText(head, r.Endpoint)
	head = appendNumbers(head, int64(r.ClientID), int64(r.MessageID), number(r.Failed), number(r.Recovered),
		microseconds(r.AcceptedAt), int64(r.attempts), microseconds(r.due))
	head = appendText(head, r.reason)
	head = appendNumbers(head, int64(len(r.Body)))
	return int64(crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, []byte(r.Body)))
}

func appendNumbers(to []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		to = binary.LittleEndian.AppendUint64(to, uint64(n)) //nolint:gosec // the bits are what counts
	}
	return to
}

func appendText(to []byte, text string) []byte {
	return append(appendNumbers(to, int64(len(text))), text...)
}

func wrongChecksum(found, want int64) string {
	return fmt.Sprintf("the checksum does not match: %d instead of %d", found, want)
}

// readRow reads a row in the order of rowColumns and checks it; see row.problem.
func readRow(values []driver.Value) row {
	r := row{
		sequence: integer(values[0]),
		Entry: webhook.Entry{
			Endpoint: text(values[1]), ClientID: salebot.ClientID(integer(values[2])), MessageID: salebot.MessageID(integer(values[3])),
			Failed: integer(values[4]) == 1, Recovered: integer(values[5]) == 1, AcceptedAt: fromMicroseconds(integer(values[6])), Body: text(values[10]),
		},
		attempts: int(integer(values[7])), due: fromMicroseconds(integer(values[8])), reason: text(values[9]),
	}
	if r.checksum() != integer(values[11]) {
		r.problem = wrongChecksum(integer(values[11]), r.checksum())
	}
	return r
}

// mark is a row of the table seen.
type mark struct {
	endpoint string
	client   salebot.ClientID
	message  salebot.MessageID
	failed   bool
	sequence int64
	accepted time.Time
	// problem says what is wrong with a row that was read; "" if nothing is.
	problem string
}

const (
	insertMark = "INSERT INTO seen (message, failed, endpoint, client, sequence, accepted, checksum) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
	selectMark = "SELECT message, failed, endpoint, client, sequence, accepted, checksum FROM seen WHERE message = ? AND failed = ? AND endpoint = ?"
	deleteMark = "DELETE FROM seen WHERE message = ? AND failed = ? AND endpoint = ?"
)

// insert returns false where there is a row with the same key.
func (m *mark) insert(c *connection) (bool, error) {
	changed, err := c.exec(insertMark, int64(m.message), number(m.failed), m.endpoint, int64(m.client), m.sequence, microseconds(m.accepted), m.checksum())
	return changed == 1, err
}

// checksum is formed like that of a row.
func (m *mark) checksum() int64 {
	all := make([]byte, 0, 96)
	all = appendNumbers(all, int64(m.message), number(m.failed))
	all = appendText(all, m.endpoint)
	all = appendNumbers(all, int64(m.client), m.sequence, microseconds(m.accepted))
	return int64(crc32.Checksum(all, castagnoli))
}

// readMark reads a row in the order of selectMark and checks it; see mark.problem.
func readMark(values []driver.Value) mark {
	m := mark{
		message: salebot.MessageID(integer(values[0])), failed: integer(values[1]) == 1, endpoint: text(values[2]),
		client: salebot.ClientID(integer(values[3])), sequence: integer(values[4]), accepted: fromMicroseconds(integer(values[5])),
	}
	if m.checksum() != integer(values[6]) {
		m.problem = wrongChecksum(integer(values[6]), m.checksum())
	}
	return m
}
