package records

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// Row is a record that was read.
type Row struct {
	// Line is the line on which it begins, from 1.
	Line int
	// Values are its values as text, by the names of their columns. Values that are
	// not there or null are left out.
	Values map[string]string
	// Err says why the record can't be used; nil if it can.
	Err error
}

// maxLine bounds a record of JSON lines.
const maxLine = 16 << 20

// Read reads CSV with names in its first line, or JSON lines; it tells them apart by
// their first letter. CSV is separated by commas or by semicolons, and may begin with
// the mark of UTF-8. The error is that of reading: a record that is wrong in itself is
// a Row with an Err.
//
// If CSV begins with a value and no name, such as a list of numbers, its only column
// is called column.
func Read(from io.Reader, column string) (columns []string, rows iter.Seq2[Row, error], err error) {
	buffered := bufio.NewReaderSize(from, 64<<10)
	if mark, _ := buffered.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = buffered.Discard(len(byteOrderMark))
	}
	first, err := firstLine(buffered)
	if err != nil {
		return nil, nil, err
	}
	if strings.HasPrefix(strings.TrimSpace(first), "{") {
		return nil, jsonRows(buffered), nil
	}
	return csvRows(buffered, first, column)
}

// firstLine looks at the first line without taking it.
func firstLine(buffered *bufio.Reader) (string, error) {
	for size := 4096; ; size *= 2 {
		seen, err := buffered.Peek(min(size, buffered.Size()))
		if line, _, found := bytes.Cut(seen, []byte("\n")); found {
			return string(line), nil
		}
		if errors.Is(err, io.EOF) {
			return string(seen), nil
		}
		if err != nil {
			return "", err
		}
		if size >= buffered.Size() {
			return string(seen), nil
		}
	}
}

func jsonRows(from *bufio.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		lines := bufio.NewScanner(from)
		lines.Buffer(make([]byte, 0, 64<<10), maxLine)
		for number := 1; lines.Scan(); number++ {
			text := bytes.TrimSpace(lines.Bytes())
			if len(text) == 0 {
				continue
			}
			row := Row{Line: number}
			row.Values, row.Err = objectOf(text)
			if !yield(row, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Row{}, err)
		}
	}
}

var errNoObject = errors.New("not a JSON object")

func objectOf(text []byte) (map[string]string, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members == nil {
		return nil, errNoObject
	}
	values := make(map[string]string, len(members))
	for name, value := range members {
		var content *string
		switch {
		case json.Unmarshal(value, &content) != nil:
			values[name] = string(value)
		case content != nil:
			values[name] = *content
		}
	}
	return values, nil
}

func csvRows(from io.Reader, first, column string) ([]string, iter.Seq2[Row, error], error) {
	reader := csv.NewReader(from)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	if strings.Count(first, ";") > strings.Count(first, ",") {
		reader.Comma = ';'
	}
	head, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, func(func(Row, error) bool) {}, nil
	}
	if err != nil {
		return nil, nil, csvError(err)
	}
	columns := slices.Clone(head)
	var start []string
	if len(columns) == 1 && startsWithDigit(columns[0]) {
		start, columns = columns, []string{column}
	}
	for i, name := range columns {
		columns[i] = strings.TrimSpace(name)
		if slices.Contains(columns[:i], columns[i]) {
			return nil, nil, fmt.Errorf("line 1 has the column %q twice", columns[i])
		}
	}
	return columns, func(yield func(Row, error) bool) {
		if start == nil || yield(csvRow(columns, start, 1), nil) {
			readRows(reader, columns, yield)
		}
	}, nil
}

// readRows hands on what follows the names of the columns.
func readRows(reader *csv.Reader, columns []string, yield func(Row, error) bool) {
	for {
		record, err := reader.Read()
		parse, broken := errors.AsType[*csv.ParseError](err)
		var row Row
		switch {
		case errors.Is(err, io.EOF):
			return
		case broken && parse.StartLine == parse.Line:
			// It spoils its line only, unlike a quote that is never closed and so swallows
			// what follows.
			row = Row{Line: parse.Line, Err: fmt.Errorf("not CSV: %w", parse.Err)}
		case err != nil:
			yield(Row{}, csvError(err))
			return
		default:
			line, _ := reader.FieldPos(0)
			row = csvRow(columns, record, line)
		}
		if !yield(row, nil) {
			return
		}
	}
}

func startsWithDigit(text string) bool {
	text = strings.TrimSpace(text)
	return text != "" && text[0] >= '0' && text[0] <= '9'
}

// csvError leaves out what the file says: only where it is wrong.
func csvError(err error) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("line %d is not CSV: %w", parse.StartLine, parse.Err)
	}
	return err
}

func csvRow(columns, record []string, line int) Row {
	row := Row{Line: line, Values: make(map[string]string, len(columns))}
	if len(record) != len(columns) {
		row.Err = fmt.Errorf("%d values instead of %d", len(record), len(columns))
	}
	for i, value := range record[:min(len(record), len(columns))] {
		if value != "" {
			row.Values[columns[i]] = value
		}
	}
	return row
}
