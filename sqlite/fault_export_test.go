package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

func init() {
	engine = faultyEngine{engine}
	disk = faultyDisk(disk)
}

// oftenEnough is how often the same step with a file, or the same query's end, is counted:
// what is done once more with each event need not fail each time.
const oftenEnough = 4

// Fault lets one step in a folder fail: a statement, whatever connection runs it, or what
// is done with a file.
type Fault struct {
	mutex sync.Mutex
	at    int
	err   error
	seen  map[string]int
	step  string
}

var faults sync.Map // folder → *Fault

// FailAt lets the step in a folder fail with an error that comes after so many others, and has not
// failed before; opening and closing a connection count, too.
func FailAt(folder string, others int, err error) *Fault {
	f := &Fault{at: others + 1, err: err, seen: map[string]int{}}
	faults.Store(folder, f)
	return f
}

// Stop ends it, and returns the step that failed, "" if there were not so many.
func (f *Fault) Stop() string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.at = 0
	return f.step
}

func (f *Fault) next(step string) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.at--
	if f.at != 0 {
		return nil
	}
	f.step = step
	return f.err
}

// fail is the error of a step with a file, or with a folder.
func fail(step, path string) error {
	found, ok := faults.Load(filepath.Dir(path))
	if !ok {
		found, ok = faults.Load(path)
	}
	if !ok {
		return nil
	}
	return found.(*Fault).nextOfMany(step + " " + filepath.Base(path))
}

func (f *Fault) nextOfMany(step string) error {
	f.mutex.Lock()
	f.seen[step]++
	often := f.seen[step] > oftenEnough
	f.mutex.Unlock()
	if often {
		return nil
	}
	return f.next(step)
}

func faultyDisk(sound steps) steps {
	return steps{
		open: func(path string, flags int, mode fs.FileMode) (*os.File, error) {
			if err := fail("open", path); err != nil {
				return nil, err
			}
			return sound.open(path, flags, mode)
		},
		stat: func(path string) (fs.FileInfo, error) {
			if err := fail("stat", path); err != nil {
				return nil, err
			}
			return sound.stat(path)
		},
		list: func(folder string) ([]fs.DirEntry, error) {
			if err := fail("list", folder); err != nil {
				return nil, err
			}
			return sound.list(folder)
		},
		rename: func(from, to string) error {
			if err := fail("rename", from); err != nil {
				return err
			}
			return sound.rename(from, to)
		},
		remove: func(path string) error {
			if err := fail("remove", path); err != nil {
				return err
			}
			return sound.remove(path)
		},
		flush: func(file *os.File) error {
			if err := fail("flush", file.Name()); err != nil {
				return err
			}
			return sound.flush(file)
		},
		flushFolder: func(folder *os.File) error {
			if err := fail("flush", folder.Name()); err != nil {
				return err
			}
			return sound.flushFolder(folder)
		},
	}
}

type faultyEngine struct{ driver.Driver }

func (e faultyEngine) Open(address string) (driver.Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	f, ok := faults.Load(filepath.Dir(u.Path))
	if !ok {
		return e.Driver.Open(address)
	}
	fault := f.(*Fault)
	if err := fault.next("connect to " + filepath.Base(u.Path)); err != nil {
		return nil, err
	}
	conn, err := e.Driver.Open(address)
	return faultyConn{conn, fault, filepath.Base(u.Path)}, err
}

type faultyConn struct {
	driver.Conn
	fault *Fault
	name  string
}

func (c faultyConn) Close() error {
	return errors.Join(c.fault.next("close the connection to "+c.name), c.Conn.Close())
}

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
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, values)
	if err != nil {
		return nil, err
	}
	return faultyRows{rows, s.query, s.fault}, nil
}

// faultyRows may fail when all rows have been read.
type faultyRows struct {
	driver.Rows
	query string
	fault *Fault
}

func (r faultyRows) Next(row []driver.Value) error {
	err := r.Rows.Next(row)
	if errors.Is(err, io.EOF) {
		if failure := r.fault.nextOfMany("the end of " + r.query); failure != nil {
			return failure
		}
	}
	return err
}
