package postgres

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/salebot-go/salebot/webhook"
)

// room bounds how many events wait. To count them each time would cost more than to keep
// them, so that after a count some may be kept before the next one, the fewer the fuller
// it is.
type room struct {
	most int64

	mutex sync.Mutex
	// left is how many may be kept before the next count.
	left int64
	// crowded says that the last event found no room.
	crowded atomic.Bool
}

// part of the room is what one process may fill between two counts.
const part = 4

// full reports whether there is no room.
func (r *room) full(ctx context.Context, i *Inbox) (bool, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.left > 0 {
		return false, nil
	}
	var events int64
	err := i.pool.QueryRow(ctx, i.config.schema.sql("SELECT count(*) FROM (SELECT FROM salebot.event LIMIT $1) AS bounded"), r.most).Scan(&events)
	if err != nil {
		return false, failure("counting", err)
	}
	r.left = (r.most - events + part - 1) / part
	r.crowded.Store(r.left <= 0)
	return r.left <= 0, nil
}

func (r *room) take(events int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.left -= int64(events)
}

// refuse answers events for which there is no room. One that is known needs none; if
// others came with it, those have an empty receipt.
func (i *Inbox) refuse(ctx context.Context, c *columns) ([]webhook.Receipt, error) {
	var known []bool
	err := i.pool.QueryRow(ctx, i.config.schema.sql("SELECT salebot.known($1, $2, $3)"), c.endpoints, c.messages, c.failed).Scan(&known)
	if err != nil {
		return nil, failure("keeping an event", err)
	}
	receipts := make([]webhook.Receipt, len(known))
	for at := range known {
		receipts[at].Duplicate = known[at]
	}
	return receipts, nil
}
