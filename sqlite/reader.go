package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"runtime"
	"sync"

	"github.com/salebot-go/salebot/webhook"
)

// reader is a connection that several may read with. Whoever finds nobody reading reads
// for all who have gathered, in one transaction: to lock the file and to let it go takes
// as long as a small query.
type reader struct {
	condition *condition

	gate    sync.Mutex
	queue   []*reading
	leading bool

	// mu is held by those who use the connection.
	mu         sync.Mutex
	connection *connection
	closed     bool
}

// reading is one caller's query.
type reading struct {
	query  string
	visit  func([]driver.Value) error
	values []driver.Value
	err    error
	// wake gets true if the caller has to read for all, false if its query is over.
	wake chan bool
}

var errReaderPanicked = errors.New("sqlite: reading was ended by a panic")

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
	own := &reading{query: query, values: values, err: errReaderPanicked, visit: func(row []driver.Value) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return visit(row)
	}}
	r.gate.Lock()
	r.queue = append(r.queue, own)
	if r.leading {
		own.wake = make(chan bool, 1)
		r.gate.Unlock()
		if lead := <-own.wake; !lead {
			return own.err
		}
	} else {
		r.leading = true
		r.gate.Unlock()
	}
	// Who is about to read may join.
	runtime.Gosched()
	r.lead(own)
	return own.err
}

// lead reads for all who have gathered, and hands the lead on.
func (r *reader) lead(own *reading) {
	r.gate.Lock()
	group := r.queue
	r.queue = nil
	r.gate.Unlock()
	defer func() {
		for _, reading := range group {
			if reading != own {
				reading.wake <- false
			}
		}
		r.gate.Lock()
		defer r.gate.Unlock()
		if len(r.queue) > 0 {
			r.queue[0].wake <- true
		} else {
			r.leading = false
		}
	}()
	r.read(group)
}

// read makes the queries of a group, which all came before it: what was committed before
// they came is seen by them.
func (r *reader) read(group []*reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(group) > 1 && r.usable() == nil {
		if _, err := r.connection.exec("BEGIN"); err == nil {
			defer r.commit()
		}
	}
	for _, reading := range group {
		reading.err = r.readOne(reading)
	}
}

func (r *reader) commit() {
	if _, err := r.connection.exec("COMMIT"); err != nil {
		_, _ = r.connection.exec("ROLLBACK")
	}
}

func (r *reader) readOne(reading *reading) error {
	if err := r.usable(); err != nil {
		return err
	}
	err := r.connection.query(reading.query, reading.visit, reading.values...)
	if code(err) != 0 {
		return r.condition.judge(err)
	}
	return err
}

// usable reports why nothing can be read; it is called with mu held.
func (r *reader) usable() error {
	if err := r.condition.usable(); err != nil || !r.closed {
		return err
	}
	return webhook.ErrClosed
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
