package records_test

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/internal/records"
)

func written(t *testing.T, options records.Options, columns []string, rows ...[]any) string {
	t.Helper()
	var out bytes.Buffer
	w, err := records.NewWriter(&out, columns, options)
	require.NoError(t, err)
	for _, row := range rows {
		require.NoError(t, w.Write(row...))
	}
	require.NoError(t, w.Close())
	return out.String()
}

func TestJSONKeepsTypesAndOrder(t *testing.T) {
	t.Parallel()
	rows := [][]any{{12345678901234567, "a<b>\n", nil, true, []string{"x"}}}
	columns := []string{"z", "a", "n", "b", "l"}
	require.Equal(t, `{"z":12345678901234567,"a":"a<b>\n","n":null,"b":true,"l":["x"]}`+"\n",
		written(t, records.Options{Format: records.Lines}, columns, rows...))
	require.Equal(t, "[\n{\"z\":1},\n{\"z\":2}\n]\n",
		written(t, records.Options{Format: records.JSON}, []string{"z"}, []any{1}, []any{2}))
	require.Equal(t, "[]\n", written(t, records.Options{Format: records.JSON}, columns))
}

func TestCSVForExcel(t *testing.T) {
	t.Parallel()
	options := records.Options{Format: records.CSV, Semicolon: true, BOM: true, CRLF: true}
	require.Equal(t, "\ufeffid;text\r\n1;\"a;b\"\r\n", written(t, options, []string{"id", "text"}, []any{1, "a;b"}))
	options.Append = true
	require.Equal(t, "2;\r\n", written(t, options, []string{"id", "text"}, []any{2, nil}), "what goes on has no head")
}

// A table of a hundred thousand lines is written as it comes.
func TestTablesAreStreamed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w, err := records.NewWriter(&out, []string{"id"}, records.Options{Format: records.Table})
	require.NoError(t, err)
	for i := range 1000 {
		require.NoError(t, w.Write(i))
	}
	require.NoError(t, w.Flush())
	require.Equal(t, 1001, strings.Count(out.String(), "\n"))
}

func TestTablesFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("длинное имя 日本語 ", 10)
	for width := 8; width <= 120; width += 7 {
		text := written(t, records.Options{Format: records.Table, Width: width}, []string{"client_id", "name", "text"}, []any{25554, long, long})
		for line := range strings.SplitSeq(text, "\n") {
			require.LessOrEqual(t, uniseg.StringWidth(line), width, "%q", line)
		}
	}
	require.Contains(t, written(t, records.Options{Format: records.Table}, []string{"a", "text"}, []any{1, long}), long[:len(long)-1],
		"what is not for a terminal is not cut")
}

// The texts of strangers must not act on the terminal.
func TestTablesAreHarmless(t *testing.T) {
	t.Parallel()
	text := written(t, records.Options{Format: records.Table}, []string{"a"}, []any{"x\x1b[2J\x07\u202eb\nc\u009b"})
	require.Equal(t, "a\nx\ufffd[2J\ufffd\ufffdb c\ufffd\n", text)
	require.Equal(t, "\x1b[1ma\x1b[0m\nb\n", written(t, records.Options{Format: records.Table, Color: true}, []string{"a"}, []any{"b"}))
}

func TestUnknownFormat(t *testing.T) {
	t.Parallel()
	_, err := records.NewWriter(io.Discard, nil, records.Options{Format: "xml"})
	require.ErrorContains(t, err, "table, json, jsonl or csv")
}

func read(t *testing.T, text string) (columns, lines []string, failed error) {
	t.Helper()
	columns, rows, err := records.Read(strings.NewReader(text), "client_id")
	if err != nil {
		return columns, nil, err
	}
	for row, err := range rows {
		if err != nil {
			return columns, lines, err
		}
		line := strconv.Itoa(row.Line)
		for _, name := range []string{"client_id", "name", "n"} {
			if value, ok := row.Values[name]; ok {
				line += " " + name + "=" + value
			}
		}
		if row.Err != nil {
			line += " ! " + row.Err.Error()
		}
		lines = append(lines, line)
	}
	return columns, lines, nil
}

func TestRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text    string
		columns []string
		lines   []string
		failure string
	}{
		"nothing":       {text: ""},
		"csv":           {text: "client_id,name\n1,Anna\n2,\n", columns: []string{"client_id", "name"}, lines: []string{"2 client_id=1 name=Anna", "3 client_id=2"}},
		"from Excel":    {text: "\ufeffclient_id;name\r\n1;\"A\nB\"\r\n2;C\r\n", columns: []string{"client_id", "name"}, lines: []string{"2 client_id=1 name=A\nB", "4 client_id=2 name=C"}},
		"bare numbers":  {text: "1\n2\n", columns: []string{"client_id"}, lines: []string{"1 client_id=1", "2 client_id=2"}},
		"short line":    {text: "client_id,name\n1\n2,B\n", columns: []string{"client_id", "name"}, lines: []string{"2 client_id=1 ! 1 values instead of 2", "3 client_id=2 name=B"}},
		"bad quote":     {text: "client_id,name\n1,A\"B\n2,B\n", columns: []string{"client_id", "name"}, lines: []string{`2 ! not CSV: bare " in non-quoted-field`, "3 client_id=2 name=B"}},
		"open quote":    {text: "client_id,name\n1,\"A\n2,B\n", columns: []string{"client_id", "name"}, failure: "line 2 is not CSV"},
		"two columns":   {text: "name,name\n", failure: `the column "name" twice`},
		"JSON lines":    {text: "{\"client_id\":12345678901234567890,\"name\":null}\n\n{\"n\":[1, 2]}\n[]\n{\n", lines: []string{"1 client_id=12345678901234567890", "3 n=[1, 2]", "4 ! not a JSON object", "5 ! not a JSON object"}},
		"long columns":  {text: "client_id," + strings.Repeat("x", 100_000) + "\n1,2\n", columns: []string{"client_id", strings.Repeat("x", 100_000)}, lines: []string{"2 client_id=1"}},
		"a lone header": {text: "client_id", columns: []string{"client_id"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			columns, lines, err := read(t, test.text)
			if test.failure != "" {
				require.ErrorContains(t, err, test.failure)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.columns, columns)
			require.Equal(t, test.lines, lines)
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "a,b\n1,2\n", "{\"a\":1}\n", "1\n2\n", "\ufeffa;b\r\n\"", "a\n\"x\"y\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, rows, err := records.Read(strings.NewReader(text), "id")
		if err != nil {
			return
		}
		last := 0
		for row, err := range rows {
			if err != nil {
				return
			}
			if row.Line < last {
				t.Fatalf("line %d comes after line %d", row.Line, last)
			}
			last = row.Line
		}
	})
}
