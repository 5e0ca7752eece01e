package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	modernc "modernc.org/sqlite"
)

// engine opens databases; tests let it fail.
var engine driver.Driver = &modernc.Driver{}

// connection is one connection to a database, with its prepared statements. It
// uses the driver directly: database/sql would add a lock, a pool and a copy of
// the arguments to each of the statements of a group commit. It is for one
// goroutine at a time.
type connection struct {
	driver driver.Conn
	// background never ends: statements run without the context of those who wait
	// for them, since to watch one costs a goroutine a statement, and what a
	// statement does is bounded by itself.
	background context.Context
	statements map[string]*statement
}

// statement is a prepared statement with room for its arguments.
type statement struct {
	exec      func([]driver.NamedValue) (driver.Result, error)
	query     func([]driver.NamedValue) (driver.Rows, error)
	close     func() error
	arguments []driver.NamedValue
}

// connect opens a database file, or makes an empty one. The path is a whole one, as resolve
// returns it.
func connect(path string) (*connection, error) { return connectWith(path, "") }

// connectExisting opens a database file that exists.
func connectExisting(path string) (*connection, error) { return connectWith(path, "mode=rw") }

// connectWith opens a database file with parameters of SQLite.
func connectWith(path, parameters string) (*connection, error) {
	address := fileAddress(path)
	if parameters != "" {
		address += "?" + parameters
	}
	conn, err := engine.Open(address)
	if err != nil {
		return nil, err
	}
	return &connection{driver: conn, background: context.Background(), statements: map[string]*statement{}}, nil
}

// fileAddress is the path as a URI, in which SQLite takes every character for what
// it is.
func fileAddress(path string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	return "file://" + (&url.URL{Path: slashed}).EscapedPath()
}

func (c *connection) prepare(query string) (*statement, error) {
	if s := c.statements[query]; s != nil {
		return s, nil
	}
	prepared, err := c.driver.(driver.ConnPrepareContext).PrepareContext(c.background, query)
	if err != nil {
		return nil, err
	}
	executer, querier := prepared.(driver.StmtExecContext), prepared.(driver.StmtQueryContext)
	s := &statement{
		exec: func(values []driver.NamedValue) (driver.Result, error) {
			return executer.ExecContext(c.background, values)
		},
		query: func(values []driver.NamedValue) (driver.Rows, error) {
			return querier.QueryContext(c.background, values)
		},
		close: prepared.Close,
	}
	c.statements[query] = s
	return s, nil
}

// bind puts values into the room for arguments.
func (s *statement) bind(values []driver.Value) []driver.NamedValue {
	for len(s.arguments) < len(values) {
		s.arguments = append(s.arguments, driver.NamedValue{Ordinal: len(s.arguments) + 1})
	}
	for i, value := range values {
		s.arguments[i].Value = value
	}
	return s.arguments[:len(values)]
}

// exec runs a statement and returns the number of rows that it changed.
func (c *connection) exec(query string, values ...driver.Value) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := s.exec(s.bind(values))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// script runs statements that are not worth keeping.
func (c *connection) script(statements string) error {
	_, err := c.driver.(driver.ExecerContext).ExecContext(c.background, statements, nil)
	return err
}

// query calls visit for each row. The row is only valid during the call, and visit
// must not use the same statement.
func (c *connection) query(query string, visit func(row []driver.Value) error, values ...driver.Value) (err error) {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.query(s.bind(values))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := visit(row); err != nil {
			return err
		}
	}
}

// number returns the number that a query yields, 0 if it yields none.
func (c *connection) number(query string, values ...driver.Value) (number int64, err error) {
	err = c.query(query, func(row []driver.Value) error {
		number = integer(row[0])
		return nil
	}, values...)
	return number, err
}

// text returns the text that a query yields, "" if it yields none.
func (c *connection) text(query string, values ...driver.Value) (found string, err error) {
	err = c.query(query, func(row []driver.Value) error {
		found = text(row[0])
		return nil
	}, values...)
	return found, err
}

func (c *connection) close() error {
	var err error
	for _, s := range c.statements {
		err = errors.Join(err, s.close())
	}
	c.statements = nil
	return errors.Join(err, c.driver.Close())
}

// integer reads a column that should hold a whole number; in a damaged file it may
// hold anything.
func integer(value driver.Value) int64 {
	number, _ := value.(int64)
	return number
}

// text reads a column that should hold a text.
func text(value driver.Value) string {
	switch value := value.(type) {
	case string:
		return value
	case []byte:
		return string(value)
	case nil:
		return ""
	}
	return fmt.Sprint(value)
}

// Codes of SQLite, without the details that extended codes add.
const (
	codeError    = 1
	codeBusy     = 5
	codeIOError  = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

// code returns the code of SQLite in an error; 0 if there is none.
func code(err error) int {
	if failure, ok := errors.AsType[*modernc.Error](err); ok {
		return failure.Code() & 0xff
	}
	return 0
}
