package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/salebot-go/salebot/ledger"
)

// The way of records into the database and out of it; the functions are in
// migrations/0002_ledger.sql.

// uuid is how a digest is stored: a zero one as null.
type uuid = pgtype.UUID

func uuidOf(d ledger.Digest) uuid { return uuid{Bytes: d, Valid: !d.IsZero()} }

func uuids(digests []ledger.Digest) []uuid {
	all := make([]uuid, len(digests))
	for i, d := range digests {
		all[i] = uuidOf(d)
	}
	return all
}

// timeOf is a time as it is stored: a zero one as null.
func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// roundedUp is a time that the database can keep, not before t: it may not be later that
// a request is written than its record says.
func roundedUp(t time.Time) time.Time {
	if rounded := t.Truncate(time.Microsecond); !rounded.Equal(t) {
		return rounded.Add(time.Microsecond)
	}
	return t
}

// beginning is one call of Begin: its records, and the versions that they get.
type beginning struct {
	records []ledger.Record
	fresh   []int64
	holder  int64
}

// ending is one call of End.
type ending struct{ records []ledger.Record }

// beginColumns are records as the function begin_records takes them.
type beginColumns struct {
	calls, numbers        []int32
	keys, contents, steps []uuid
	versions, fresh       []int64
	writeBys, servers     []*time.Time
	scheduled, anchored   []bool
	messages              []int64
}

func (c *beginColumns) add(call int, b *beginning) {
	for i := range b.records {
		r := &b.records[i]
		c.calls, c.numbers = append(c.calls, int32(call)), append(c.numbers, int32(r.Number)) //nolint:gosec // small numbers
		c.keys, c.contents, c.steps = append(c.keys, uuid{Bytes: r.Key, Valid: true}), append(c.contents, uuidOf(r.Content)), append(c.steps, uuidOf(r.Step))
		c.versions, c.fresh = append(c.versions, r.Version), append(c.fresh, b.fresh[i])
		c.writeBys, c.servers = append(c.writeBys, timeOf(roundedUp(r.WriteBy))), append(c.servers, timeOf(r.Anchor.Server))
		c.scheduled, c.anchored = append(c.scheduled, r.Scheduled), append(c.anchored, r.Anchor.Known)
		c.messages = append(c.messages, r.Anchor.MessageID)
	}
}

// writeBegins begins the records of several calls in one transaction. Its results are the
// moments at which they were begun first, zero for those of a call that was refused.
func (l *Ledger) writeBegins(ctx context.Context, calls []beginning) ([][]time.Time, error) {
	var c beginColumns
	for i := range calls {
		c.add(i, &calls[i])
	}
	var moments []*time.Time
	err := l.pool.QueryRow(ctx, l.config.schema.sql("SELECT salebot.begin_records($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"),
		calls[0].holder, l.config.retention, c.calls, c.keys, c.numbers, c.contents, c.steps, c.versions, c.fresh, c.writeBys, c.scheduled, c.anchored,
		c.messages, c.servers).Scan(&moments)
	if err != nil {
		return nil, failure("beginning a record", err)
	}
	results := make([][]time.Time, len(calls))
	for i := range calls {
		results[i] = make([]time.Time, len(calls[i].records))
		if len(moments) < len(results[i]) {
			return nil, errNoAnswer
		}
		for n := range results[i] {
			if moments[n] != nil {
				results[i][n] = *moments[n]
			}
		}
		moments = moments[len(results[i]):]
	}
	return results, nil
}

// endColumns are records as the function end_records takes them.
type endColumns struct {
	calls, numbers, statuses []int32
	keys                     []uuid
	versions, fresh          []int64
	states                   []int16
	answers                  []string
}

func (c *endColumns) add(call int, records []ledger.Record) {
	for i := range records {
		r := &records[i]
		c.calls, c.numbers, c.statuses = append(c.calls, int32(call)), append(c.numbers, int32(r.Number)), append(c.statuses, int32(r.Answer.Status)) //nolint:gosec // small numbers
		c.keys, c.versions, c.fresh = append(c.keys, uuid{Bytes: r.Key, Valid: true}), append(c.versions, r.Version), append(c.fresh, newVersion())
		c.states, c.answers = append(c.states, int16(r.State)), append(c.answers, arrayText(r.Answer.IDs))
	}
}

// writeEnds ends the records of several calls in one transaction. A call that was refused
// has no result.
func (l *Ledger) writeEnds(ctx context.Context, calls []ending) ([][]ledger.Record, error) {
	var c endColumns
	for at := range calls {
		c.add(at, calls[at].records)
	}
	owner := make(map[int64]int, len(c.fresh))
	for i, version := range c.fresh {
		owner[version] = int(c.calls[i])
	}
	rows, err := l.pool.Query(ctx, l.config.schema.sql("SELECT "+recordColumns+" FROM salebot.end_records($1, $2, $3, $4, $5, $6, $7, $8)"),
		c.calls, c.keys, c.numbers, c.versions, c.fresh, c.states, c.statuses, c.answers)
	if err != nil {
		return nil, failure("ending a record", err)
	}
	ended, err := pgx.CollectRows(rows, readRecord)
	if err != nil {
		return nil, failure("ending a record", err)
	}
	results := make([][]ledger.Record, len(calls))
	for i := range ended {
		at := owner[ended[i].Version]
		results[at] = append(results[at], ended[i])
	}
	for at := range calls {
		if len(results[at]) > 0 {
			l.unsafe.add(calls[at])
		}
	}
	return results, nil
}

// arrayText is an array as a text.
func arrayText(ids []int64) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(id, 10))
	}
	b.WriteByte('}')
	return b.String()
}

// recordColumns are the columns in the order of readRecord.
const recordColumns = "key, number, content, step, state, version, holder, write_by, scheduled, anchored, message, server, status, ids, begun, ended"

func readRecord(row pgx.CollectableRow) (ledger.Record, error) {
	var (
		r                      ledger.Record
		key, content, step     uuid
		state                  int16
		holder                 int64
		writeBy, server, ended *time.Time
	)
	err := row.Scan(&key, &r.Number, &content, &step, &state, &r.Version, &holder, &writeBy, &r.Scheduled, &r.Anchor.Known, &r.Anchor.MessageID, &server,
		&r.Answer.Status, &r.Answer.IDs, &r.BegunAt, &ended)
	r.Key, r.Content, r.Step = key.Bytes, content.Bytes, step.Bytes
	r.State, r.Holder = ledger.State(state), strconv.FormatInt(holder, 10) //nolint:gosec // 0 to 3
	for from, to := range map[*time.Time]*time.Time{writeBy: &r.WriteBy, server: &r.Anchor.Server, ended: &r.EndedAt} {
		if from != nil {
			*to = *from
		}
	}
	return r, err
}

// Find implements ledger.Ledger.
func (l *Ledger) Find(ctx context.Context, key ledger.Digest) ([]ledger.Record, error) {
	return l.find(ctx, "SELECT "+recordColumns+" FROM salebot.find($1, $2)", uuid{Bytes: key, Valid: true})
}

// FindEqual implements ledger.Ledger.
func (l *Ledger) FindEqual(ctx context.Context, content ledger.Digest) ([]ledger.Record, error) {
	return l.find(ctx, "SELECT "+recordColumns+" FROM salebot.find_equal($1, $2)", uuid{Bytes: content, Valid: true})
}

func (l *Ledger) find(ctx context.Context, statement string, digest uuid) ([]ledger.Record, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, l.config.timeout)
	defer cancel()
	rows, err := l.pool.Query(limited, l.config.schema.sql(statement), digest, l.config.retention)
	if err != nil {
		return nil, l.failure(ctx, "reading records", err)
	}
	records, err := pgx.CollectRows(rows, readRecord)
	if err != nil {
		return nil, l.failure(ctx, "reading records", err)
	}
	return records, nil
}
