package commands

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/records"
)

// importRow is a row, or why it cannot be imported.
type importRow struct {
	line      int
	client    salebot.ClientToLoad
	variables map[string]any
	err       error
}

// rowBatch is a piece of work.
type rowBatch struct {
	// first is the number of the first row, from 1.
	first int
	rows  []importRow
}

// key names a batch in the ledger.
func (b rowBatch) key() string { return fmt.Sprintf("%d+%d", b.first, len(b.rows)) }

// columns that say who a person is.
const (
	columnPlatformID = "platform_id"
	columnMessenger  = "client_type"
	columnBot        = "group_id"
)

// rows reads the file from where it is.
func (m *importing) rows(from io.Reader) (iter.Seq2[importRow, error], error) {
	columns, rows, err := records.Read(from, columnPlatformID)
	if err != nil {
		return nil, err
	}
	for _, name := range columns {
		if err := m.checkColumn(name); err != nil {
			return nil, err
		}
	}
	if columns != nil && !slices.Contains(columns, columnPlatformID) {
		return nil, errors.New("there is no column platform_id")
	}
	return func(yield func(importRow, error) bool) {
		for row, err := range rows {
			if !yield(m.understand(row), err) || err != nil {
				return
			}
		}
	}, nil
}

// checkColumn refuses a column that would be lost. Those of an export that Salebot
// chooses by itself are left out.
func (m *importing) checkColumn(name string) error {
	if name == columnPlatformID || name == columnMessenger || name == columnBot || strings.HasPrefix(name, salebot.ClientPrefix) || slices.Contains(clientColumns, name) {
		return nil
	}
	return fmt.Errorf("the column %.60q is not known; a variable is called client.%.60s", name, name)
}

// understand makes a person of a row.
func (m *importing) understand(row records.Row) importRow {
	read := importRow{line: row.Line, err: row.Err}
	if read.err != nil {
		return read
	}
	messenger, bot := row.Values[columnMessenger], row.Values[columnBot]
	if messenger == "" {
		messenger = m.messenger
	}
	if bot == "" {
		bot = m.bot
	}
	kind, err := messengerNamed(messenger)
	if err != nil {
		read.err = fmt.Errorf("client_type: %w", err)
		return read
	}
	read.client = salebot.UserOf(kind, salebot.PlatformID(row.Values[columnPlatformID]), salebot.GroupID(bot))
	switch {
	case row.Values[columnPlatformID] == "":
		read.err = errors.New("platform_id: it is empty")
	case bot == "" && kind != salebot.ClientTypeTelephony:
		read.err = errors.New("group_id: it is empty, and there is no --bot")
	}
	for name, value := range row.Values {
		if strings.HasPrefix(name, salebot.ClientPrefix) {
			if read.variables == nil {
				read.variables = map[string]any{}
			}
			read.variables[name] = value
		} else if err := m.checkColumn(name); err != nil && read.err == nil {
			read.err = err
		}
	}
	return read
}

// batched cuts rows into batches.
func batched(rows iter.Seq2[importRow, error], size int) iter.Seq2[rowBatch, error] {
	return func(yield func(rowBatch, error) bool) {
		next := rowBatch{first: 1}
		for row, err := range rows {
			if err != nil {
				yield(rowBatch{}, err)
				return
			}
			if next.rows = append(next.rows, row); len(next.rows) == size {
				if !yield(next, nil) {
					return
				}
				next = rowBatch{first: next.first + size}
			}
		}
		if len(next.rows) > 0 {
			yield(next, nil)
		}
	}
}
