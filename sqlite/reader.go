package sqlite

import (
	"context"
	"database/sql/driver"
	"sync"
)

// reader is a connection that several may read with, one after the other.
type reader struct {
	condition  *condition
	mu         sync.Mutex
	connection *connection
	closed     bool
}

// openReader opens a connection for reading. Nothing is written by it.
func openReader(path string, condition *condition) (*reader, error) {
	c, err := connect(path)
	if err != nil {
		return nil, err
	}
	r := &reader{condition: condition, connection: c}
	if err := c.script("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA cell_size_check = ON"); err != nil {
		_ = c.close()
		return nil, err
	}
	return r, nil
}

// query calls visit for each row, until the context ends. What is read must not be
// much where others wait for the same reader.
func (r *reader) query(ctx context.Context, query string, visit func([]driver.Value) error, values ...driver.Value) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.condition.usable(); err != nil {
		return err
	}
	err := r.connection.query(query, func(row []driver.Value) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return visit(row)
	}, values...)
	if code(err) != 0 {
		return r.condition.judge(err)
	}
	return err
}

// number returns the number that a query yields, 0 if it yields none.
func (r *reader) number(ctx context.Context, query string, values ...driver.Value) (number int64, err error) {
	err = r.query(ctx, query, func(row []driver.Value) error {
		number = integer(row[0])
		return nil
	}, values...)
	return number, err
}

// close may be called again.
func (r *reader) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	return r.connection.close()
}
