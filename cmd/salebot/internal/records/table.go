package records

import (
	"bufio"
	"io"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

const (
	// settled is the number of records by which the widths of a table are chosen.
	settled = 200
	// gap is the space between two columns.
	gap = 2
	// narrowest is the least width to which a column is cut. If that does not fit
	// either, each value gets a line of its own.
	narrowest = 6
	// usual is the least width of a column whose other values are not known yet.
	usual = 10
	// widest bounds a column whose width is known only after the fact.
	widest = 60
)

// table writes records below each other, for people.
type table struct {
	to      *bufio.Writer
	columns []string
	options Options
	// waiting are the records before the widths are chosen.
	waiting [][]string
	widths  []int
	// upright is set if the columns do not fit beside each other.
	upright bool
	begun   bool
}

func newTable(to io.Writer, columns []string, options Options) *table {
	return &table{to: bufio.NewWriter(to), columns: columns, options: options}
}

func (t *table) Write(values ...any) error {
	cells := make([]string, len(values))
	for i, value := range values {
		text, err := textOf(value)
		if err != nil {
			return err
		}
		cells[i] = printable(text)
	}
	if t.begun {
		return t.writeRow(cells)
	}
	t.waiting = append(t.waiting, cells)
	if len(t.waiting) < settled && !t.options.Live {
		return nil
	}
	return t.begin()
}

// printable keeps the texts of other people from moving the cursor, coloring the
// terminal or breaking the lines.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t':
			return ' '
		case !unicode.IsPrint(r) && !unicode.Is(unicode.Cf, r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return '\ufffd'
		}
		return r
	}, text)
}

// begin chooses the widths and writes what waits.
func (t *table) begin() error {
	t.begun = true
	t.choose()
	if !t.upright {
		if err := t.writeHead(); err != nil {
			return err
		}
	}
	for _, cells := range t.waiting {
		if err := t.writeRow(cells); err != nil {
			return err
		}
	}
	t.waiting = nil
	return nil
}

func (t *table) choose() {
	t.widths = make([]int, len(t.columns))
	for i, column := range t.columns {
		t.widths[i] = uniseg.StringWidth(column)
		if t.options.Live {
			t.widths[i] = max(t.widths[i], usual)
		}
	}
	for _, cells := range t.waiting {
		for i, cell := range cells {
			t.widths[i] = min(max(t.widths[i], uniseg.StringWidth(cell)), max(widest, t.widths[i]))
		}
	}
	if t.options.Width <= 0 {
		return
	}
	for t.total() > t.options.Width {
		broadest := 0
		for i := range t.widths {
			if t.widths[i] > t.widths[broadest] {
				broadest = i
			}
		}
		if t.widths[broadest] <= narrowest {
			t.upright = true
			return
		}
		t.widths[broadest]--
	}
}

func (t *table) total() int {
	total := -gap
	for _, width := range t.widths {
		total += width + gap
	}
	return total
}

func (t *table) writeHead() error {
	head := t.line(t.columns)
	if t.options.Color {
		head = "\x1b[1m" + head + "\x1b[0m"
	}
	_, err := t.to.WriteString(head + "\n")
	return err
}

func (t *table) writeRow(cells []string) error {
	if !t.upright {
		_, err := t.to.WriteString(t.line(cells) + "\n")
		return err
	}
	longest := 0
	for _, column := range t.columns {
		longest = max(longest, uniseg.StringWidth(column))
	}
	for i, cell := range cells {
		name := t.columns[i] + strings.Repeat(" ", longest-uniseg.StringWidth(t.columns[i])+gap)
		if _, err := t.to.WriteString(cut(name+cell, t.options.Width) + "\n"); err != nil {
			return err
		}
	}
	return t.to.WriteByte('\n')
}

// line puts cells beside each other. Nothing follows the last one.
func (t *table) line(cells []string) string {
	var line strings.Builder
	for i, cell := range cells {
		if i == len(cells)-1 && t.options.Width <= 0 {
			line.WriteString(cell)
			break
		}
		short := cut(cell, t.widths[i])
		line.WriteString(short)
		line.WriteString(strings.Repeat(" ", t.widths[i]-uniseg.StringWidth(short)+gap))
	}
	return strings.TrimRight(line.String(), " ")
}

// cut shortens a text to a width of the screen.
func cut(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	var short strings.Builder
	used := 0
	for rest, state := text, -1; rest != ""; {
		var cluster string
		var wide int
		cluster, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+wide > width-1 {
			break
		}
		short.WriteString(cluster)
		used += wide
	}
	return short.String() + "…"
}

// Flush writes nothing before the widths are known.
func (t *table) Flush() error { return t.to.Flush() }

func (t *table) Close() error {
	if !t.begun {
		if err := t.begin(); err != nil {
			return err
		}
	}
	return t.to.Flush()
}
