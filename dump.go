package salebot

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

	"github.com/salebot-go/salebot/internal/exchange"
)

// MaxDumpedBody bounds what a dump shows of a body, in bytes.
const MaxDumpedBody = 4 << 10

// WithDump writes each HTTP request and each answer to w, to see what is really sent and
// said, for debugging. The key is taken out, in every encoding; of the headers only those
// are shown that are known to hold no secrets, and of a body at most MaxDumpedBody bytes.
// What is in the bodies is shown: names, phones and texts of people. Errors of w are
// ignored. w is written to by one goroutine at a time, a whole request or answer at once.
func WithDump(w io.Writer) Option {
	return clientOption(func(c *config) error {
		if w == nil {
			return badOption("WithDump", "the writer is nil")
		}
		c.dump = &writerDump{w: w}
		return nil
	})
}

// WithDumpLogger is WithDump for a logger. The messages are at debug level. "salebot
// request" has the attributes action, attempt, method, url, header and body. "salebot
// answer" has action, attempt and duration, with status, header and body, or with
// error.
func WithDumpLogger(logger *slog.Logger) Option {
	return clientOption(func(c *config) error {
		if logger == nil {
			return badOption("WithDumpLogger", "the logger is nil")
		}
		c.dump = loggerDump{logger}
		return nil
	})
}

// dumper takes what a dump shows.
type dumper interface {
	wanted(ctx context.Context) bool
	request(ctx context.Context, r dumpedRequest)
	answer(ctx context.Context, a dumpedAnswer)
}

// dumpedRequest is what is shown of a request, without the key.
type dumpedRequest struct {
	action  string
	attempt int
	method  string
	url     string
	header  http.Header
	body    string
}

// dumpedAnswer is what is shown of an answer, without the key.
type dumpedAnswer struct {
	action   string
	attempt  int
	duration time.Duration
	status   int
	header   http.Header
	body     string
	// err is why no whole answer came.
	err error
}

// shownHeaders are those that hold no secrets.
var shownHeaders = []string{
	"Accept", "Cache-Control", "Cf-Ray", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Retry-After", "Server",
	"Traceparent", "User-Agent", "Vary", "Via", "X-Request-Id",
}

// dumped is what is shown of the request at hand.
func (j *journey[T]) dumped(number int) dumpedRequest {
	scrub := j.core.scrub
	address := j.core.config.baseURL.String() + "/{api_key}/" + j.row.Name
	if len(j.query) > 0 {
		address += "?" + scrub.Text(unescaped(j.query))
	}
	header := j.core.exchanger.Header(j.core.config.userAgent, j.body != nil)
	maps.Copy(header, j.header)
	return dumpedRequest{
		action: j.row.Name, attempt: number, method: j.row.Method(), url: address,
		header: j.dumpedHeader(header), body: j.dumpedBody(j.body),
	}
}

// unescaped is a query as people read it.
func unescaped(query url.Values) string {
	text := query.Encode()
	if readable, err := url.QueryUnescape(text); err == nil {
		return strings.ReplaceAll(readable, " ", "+")
	}
	return text
}

// dumpedAnswer is what is shown of an answer, or of a failure.
func (j *journey[T]) dumpedAnswer(number int, reply *exchange.Reply, took time.Duration, err error) dumpedAnswer {
	if err != nil {
		err = cleanError(err, j.core.scrub)
	}
	return dumpedAnswer{
		action: j.row.Name, attempt: number, duration: took, status: reply.Status,
		header: j.dumpedHeader(reply.Header), body: j.dumpedBody(reply.Body), err: err,
	}
}

func (j *journey[T]) dumpedHeader(header http.Header) http.Header {
	shown := make(http.Header, len(header))
	for name, values := range header {
		name = j.core.scrub.Text(name)
		for _, value := range values {
			if !slices.Contains(shownHeaders, name) {
				value = "(not shown)"
			}
			shown.Add(name, printable(j.core.scrub.Text(value)))
		}
	}
	return shown
}

func (j *journey[T]) dumpedBody(body []byte) string {
	shown := printable(string(j.core.scrub.Beginning(body, MaxDumpedBody)))
	if len(body) > MaxDumpedBody {
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

// writerDump writes a dump as text.
type writerDump struct {
	mutex sync.Mutex
	w     io.Writer
}

func (*writerDump) wanted(context.Context) bool { return true }

func (d *writerDump) request(_ context.Context, r dumpedRequest) {
	d.write('>', fmt.Sprintf("%s, attempt %d: %s %s", r.action, r.attempt, r.method, r.url), r.header, r.body)
}

func (d *writerDump) answer(_ context.Context, a dumpedAnswer) {
	said := strconv.Itoa(a.status)
	if a.err != nil {
		said = "no whole answer: " + a.err.Error()
	}
	d.write('<', fmt.Sprintf("%s, attempt %d: %s, after %v", a.action, a.attempt, said, a.duration), a.header, a.body)
}

// write writes lines that all begin with the same mark.
func (d *writerDump) write(mark byte, first string, header http.Header, body string) {
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

// loggerDump writes a dump as lines of a log.
type loggerDump struct{ logger *slog.Logger }

func (d loggerDump) wanted(ctx context.Context) bool { return d.logger.Enabled(ctx, slog.LevelDebug) }

func (d loggerDump) request(ctx context.Context, r dumpedRequest) {
	d.logger.LogAttrs(ctx, slog.LevelDebug, "salebot request",
		slog.String("action", r.action), slog.Int("attempt", r.attempt), slog.String("method", r.method), slog.String("url", r.url),
		headerAttr(r.header), slog.String("body", r.body))
}

func (d loggerDump) answer(ctx context.Context, a dumpedAnswer) {
	attrs := []slog.Attr{slog.String("action", a.action), slog.Int("attempt", a.attempt), slog.Duration("duration", a.duration)}
	if a.err != nil {
		attrs = append(attrs, slog.String("error", a.err.Error()))
	} else {
		attrs = append(attrs, slog.Int("status", a.status), headerAttr(a.header), slog.String("body", a.body))
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
