package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"net/url"
	"sync"
)

func init() { engine = faultyEngine{engine} }

// errFault is how a statement fails that a test lets fail.
var errFault = errors.New("failing as wanted")

// Fault lets one statement of a file fail, whatever connection runs it.
type Fault struct {
	mutex     sync.Mutex
	at        int
	statement string
}

var faults sync.Map // path → *Fault

// FailAt lets the statement of a file fail that comes after so many others, and has not
// failed before; opening and closing a connection count, too.
func FailAt(path string, others int) *Fault {
	f := &Fault{at: others + 1}
	faults.Store(path, f)
	return f
}

// Stop ends it, and returns the statement that failed, "" if there were not so many.
func (f *Fault) Stop() string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.at = 0
	return f.statement
}

func (f *Fault) next(statement string) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.at--
	if f.at != 0 {
		return nil
	}
	f.statement = statement
	return errFault
}

type faultyEngine struct{ driver.Driver }

func (e faultyEngine) Open(address string) (driver.Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	f, ok := faults.Load(u.Path)
	if !ok {
		return e.Driver.Open(address)
	}
	fault := f.(*Fault)
	if err := fault.next("open"); err != nil {
		return nil, err
	}
	conn, err := e.Driver.Open(address)
	return faultyConn{conn, fault}, err
}

type faultyConn struct {
	driver.Conn
	fault *Fault
}

func (c faultyConn) Close() error { return errors.Join(c.fault.next("close"), c.Conn.Close()) }

func (c faultyConn) ExecContext(ctx context.Context, script string, values []driver.NamedValue) (driver.Result, error) {
	if err := c.fault.next(script); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, script, values)
}

func (c faultyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	statement, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	return faultyStatement{statement, query, c.fault}, err
}

type faultyStatement struct {
	driver.Stmt
	query string
	fault *Fault
}

func (s faultyStatement) ExecContext(ctx context.Context, values []driver.NamedValue) (driver.Result, error) {
	if err := s.fault.next(s.query); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, values)
}

func (s faultyStatement) QueryContext(ctx context.Context, values []driver.NamedValue) (driver.Rows, error) {
	if err := s.fault.next(s.query); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, values)
}
