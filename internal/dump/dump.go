// Package dump shows HTTP requests and answers to people who look for a mistake.
package dump

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/salebot-go/salebot/internal/secret"
)

// Dumper takes what a dump shows.
type Dumper interface {
	// Wanted reports whether anything is shown for a call.
	Wanted(ctx context.Context) bool
	// Request shows a request that is about to be sent.
	Request(ctx context.Context, r Request)
	// Answer shows an answer, or that there was none.
	Answer(ctx context.Context, a Answer)
}

// Request is what is shown of a request, without the key.
type Request struct {
	Action  string
	Attempt int
	Method  string
	URL     string
	Header  http.Header
	Body    string
}

// Answer is what is shown of an answer, without the key.
type Answer struct {
	Action   string
	Attempt  int
	Duration time.Duration
	Status   int
	Header   http.Header
	Body     string
	// Err is why no whole answer came.
	Err error
}

// shownHeaders are those that hold no secrets.
var shownHeaders = []string{
	"Accept", "Cache-Control", "Cf-Ray", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Retry-After", "Server",
	"Traceparent", "User-Agent", "Vary", "Via", "X-Request-Id",
}

// Query returns a query as people read it.
func Query(query url.Values) string {
	text := query.Encode()
	if readable, err := url.QueryUnescape(text); err == nil {
		return strings.ReplaceAll(readable, " ", "+")
	}
	return text
}

// Header returns a header without what may be secret.
func Header(header http.Header, scrub secret.Scrubber) http.Header {
	shown := make(http.Header, len(header))
	for name, values := range header {
		name = scrub.Text(name)
		for _, value := range values {
			if !slices.Contains(shownHeaders, name) {
				value = "(not shown)"
			}
			shown.Add(name, printable(scrub.Text(value)))
		}
	}
	return shown
}

// Body returns at most limit bytes of a body.
func Body(body []byte, limit int, scrub secret.Scrubber) string {
	shown := printable(string(scrub.Beginning(body, limit)))
	if len(body) > limit {
		shown += " … (" + strconv.Itoa(len(body)) + " bytes)"
	}
	return shown
}

// printable replaces what a terminal would obey to.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// Writer writes a dump as text.
type Writer struct {
	mutex sync.Mutex
	w     io.Writer
}

// NewWriter returns a dumper that writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Wanted implements Dumper: always.
func (*Writer) Wanted(context.Context) bool { return true }

// Request implements Dumper.
func (d *Writer) Request(_ context.Context, r Request) {
	d.write('>', fmt.Sprintf("%s, attempt %d: %s %s", r.Action, r.Attempt, r.Method, r.URL), r.Header, r.Body)
}

// Answer implements Dumper.
func (d *Writer) Answer(_ context.Context, a Answer) {
	said := strconv.Itoa(a.Status)
	if a.Err != nil {
		said = "no whole answer: " + a.Err.Error()
	}
	d.write('<', fmt.Sprintf("%s, attempt %d: %s, after %v", a.Action, a.Attempt, said, a.Duration), a.Header, a.Body)
}

// write writes lines that all begin with the same mark.
func (d *Writer) write(mark byte, first string, header http.Header, body string) {
	lines := []string{first}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			lines = append(lines, name+": "+value)
		}
	}
	if body != "" {
		lines = append(lines, "", body)
	}
	var b bytes.Buffer
	for line := range strings.SplitSeq(strings.Join(lines, "\n"), "\n") {
		b.WriteByte(mark)
		if line != "" {
			b.WriteString(" " + line)
		}
		b.WriteByte('\n')
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	_, _ = d.w.Write(b.Bytes())
}

// Logger writes a dump as lines of a log.
type Logger struct{ logger *slog.Logger }

// NewLogger returns a dumper that writes to a logger, at debug level.
func NewLogger(logger *slog.Logger) Logger { return Logger{logger} }

// Wanted implements Dumper: if the logger has the level of debugging.
func (d Logger) Wanted(ctx context.Context) bool { return d.logger.Enabled(ctx, slog.LevelDebug) }

// Request implements Dumper.
func (d Logger) Request(ctx context.Context, r Request) {
	d.logger.LogAttrs(ctx, slog.LevelDebug, "salebot request",
		slog.String("action", r.Action), slog.Int("attempt", r.Attempt), slog.String("method", r.Method), slog.String("url", r.URL),
		headerAttr(r.Header), slog.String("body", r.Body))
}

// Answer implements Dumper.
func (d Logger) Answer(ctx context.Context, a Answer) {
	attrs := []slog.Attr{slog.String("action", a.Action), slog.Int("attempt", a.Attempt), slog.Duration("duration", a.Duration)}
	if a.Err != nil {
		attrs = append(attrs, slog.String("error", a.Err.Error()))
	} else {
		attrs = append(attrs, slog.Int("status", a.Status), headerAttr(a.Header), slog.String("body", a.Body))
	}
	d.logger.LogAttrs(ctx, slog.LevelDebug, "salebot answer", attrs...)
}

func headerAttr(header http.Header) slog.Attr {
	attrs := make([]any, 0, len(header))
	for _, name := range slices.Sorted(maps.Keys(header)) {
		attrs = append(attrs, slog.String(name, strings.Join(header[name], ", ")))
	}
	return slog.Group("header", attrs...)
}
