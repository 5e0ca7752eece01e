package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"time"
)

// damagedRow is a row that was found unreadable, as the table damaged keeps it for
// people to look at.
type damagedRow struct {
	// origin is the table.
	origin   string
	sequence int64
	endpoint string
	problem  string
	// content is what could be read of it, as JSON.
	content []byte
}

const insertDamaged = "INSERT INTO damaged (found, origin, sequence, endpoint, problem, content) VALUES (?, ?, ?, ?, ?, ?)"

func (d *damagedRow) insert(c *connection) error {
	var content driver.Value
	if d.content != nil {
		content = d.content
	}
	_, err := c.exec(insertDamaged, microseconds(time.Now()), d.origin, d.sequence, d.endpoint, d.problem, content)
	return err
}

// damaged describes a mark that has a problem.
func (m *mark) damaged() *damagedRow {
	return &damagedRow{origin: "seen", sequence: m.sequence, endpoint: m.endpoint, problem: m.problem}
}

// damaged describes a row that has a problem.
func (r *row) damaged(origin string) *damagedRow {
	content, err := json.Marshal(map[string]any{
		"sequence": r.sequence, "endpoint": r.Endpoint, "client": r.ClientID, "message": r.MessageID, "failed": r.Failed, "recovered": r.Recovered,
		"accepted": microseconds(r.AcceptedAt), "attempts": r.attempts, "due": microseconds(r.due), "reason": r.reason, "body": r.Body,
	})
	if err != nil {
		content = nil
	}
	return &damagedRow{origin: origin, sequence: r.sequence, endpoint: r.Endpoint, problem: r.problem, content: content}
}
