// Package records writes what a command found, as a table for people or as CSV, JSON
// and JSON lines for programs, and reads CSV and JSON lines. Records are never kept:
// what is written and read can be of any length.
package records

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Format is a form of records.
type Format string

// The formats.
const (
	Table Format = "table"
	JSON  Format = "json"
	Lines Format = "jsonl"
	CSV   Format = "csv"
)

// Options say how records are written. The zero value is not usable: a Format is
// needed.
type Options struct {
	Format Format
	// Semicolon separates the values of CSV by ; instead of a comma.
	Semicolon bool
	// BOM begins CSV with the mark by which Excel knows UTF-8.
	BOM bool
	// CRLF ends the lines of CSV as Windows does.
	CRLF bool
	// Width is that of the terminal; 0 means as wide as needed.
	Width int
	// Color lets a table stress its first line.
	Color bool
	// Live says that records come one by one and are shown at once.
	Live bool
	// Append leaves out what a file begins with, to go on with one.
	Append bool
}

// Writer writes records of the same columns. Nothing is complete before Close.
type Writer interface {
	// Write writes a record: one value for each column. A nil value is none. In JSON and
	// JSON lines any number of Members may follow, which only this record has.
	Write(values ...any) error
	// Flush hands on what was written, as far as the format allows it.
	Flush() error
	// Close ends the output. It does not close what is written to.
	Close() error
}

// Member is a value with a name of its own.
type Member struct {
	Name  string
	Value any
}

// NewWriter returns a writer of records with these columns.
func NewWriter(to io.Writer, columns []string, options Options) (Writer, error) {
	switch options.Format {
	case Table:
		return newTable(to, columns, options), nil
	case JSON, Lines:
		return newJSONWriter(to, columns, options), nil
	case CSV:
		return newCSVWriter(to, columns, options)
	}
	return nil, fmt.Errorf("there is no format %q: it is table, json, jsonl or csv", options.Format)
}

type csvWriter struct {
	lines *csv.Writer
	texts []string
}

const byteOrderMark = "\ufeff"

func newCSVWriter(to io.Writer, columns []string, options Options) (*csvWriter, error) {
	if options.BOM && !options.Append {
		if _, err := io.WriteString(to, byteOrderMark); err != nil {
			return nil, err
		}
	}
	w := &csvWriter{lines: csv.NewWriter(to), texts: make([]string, len(columns))}
	w.lines.UseCRLF = options.CRLF
	if options.Semicolon {
		w.lines.Comma = ';'
	}
	if options.Append {
		return w, nil
	}
	return w, w.lines.Write(columns)
}

func (w *csvWriter) Write(values ...any) error {
	for i, value := range values {
		text, err := textOf(value)
		if err != nil {
			return err
		}
		w.texts[i] = text
	}
	return w.lines.Write(w.texts)
}

func (w *csvWriter) Flush() error {
	w.lines.Flush()
	return w.lines.Error()
}

func (w *csvWriter) Close() error { return w.Flush() }

// jsonWriter writes an object for each record, with the columns in their order.
type jsonWriter struct {
	to      *bufio.Writer
	names   [][]byte
	array   bool
	written bool
}

func newJSONWriter(to io.Writer, columns []string, options Options) *jsonWriter {
	w := &jsonWriter{to: bufio.NewWriter(to), array: options.Format == JSON}
	for _, column := range columns {
		w.names = append(w.names, encodedName(column))
	}
	return w
}

func encodedName(name string) []byte {
	text, _ := json.Marshal(name) //nolint:errchkjson // a text always can be
	return text
}

func (w *jsonWriter) Write(values ...any) error {
	var object strings.Builder
	if w.array {
		object.WriteString(w.next())
	}
	object.WriteByte('{')
	for i, value := range values {
		if i > 0 {
			object.WriteByte(',')
		}
		var name []byte
		if member, ok := value.(Member); ok {
			name, value = encodedName(member.Name), member.Value
		} else {
			name = w.names[i]
		}
		text, err := marshal(value)
		if err != nil {
			return err
		}
		object.Write(name)
		object.WriteByte(':')
		object.Write(text)
	}
	object.WriteByte('}')
	if !w.array {
		object.WriteByte('\n')
	}
	_, err := w.to.WriteString(object.String())
	return err
}

// next is what stands before a record of an array.
func (w *jsonWriter) next() string {
	if w.written {
		return ",\n"
	}
	w.written = true
	return "[\n"
}

func (w *jsonWriter) Flush() error { return w.to.Flush() }

func (w *jsonWriter) Close() error {
	if w.array {
		end := "\n]\n"
		if !w.written {
			end = "[]\n"
		}
		if _, err := w.to.WriteString(end); err != nil {
			return err
		}
	}
	return w.Flush()
}

// marshal leaves <, > and & as they are: what is written is not for web pages.
func marshal(value any) ([]byte, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(text.String(), "\n")), nil
}

// textOf is a value in CSV and in a table: a text as it is, nothing for nil, and
// everything else as in JSON.
func textOf(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	encoded, err := marshal(value)
	if err != nil {
		return "", err
	}
	var text *string
	if json.Unmarshal(encoded, &text) == nil {
		if text == nil {
			return "", nil
		}
		return *text, nil
	}
	return string(encoded), nil
}
