package dump_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/dump"
	"github.com/salebot-go/salebot/internal/secret"
)

const key = "0123456789abcdef"

var scrub = secret.NewScrubber(key)

// Only headers that hold no secrets are shown; of the others it is told that they are there.
func TestHeader(t *testing.T) {
	t.Parallel()
	shown := dump.Header(http.Header{
		"Content-Type": {"text/plain"}, "Via": {"1.1 " + key, "two\x1b[2J"}, "Cookie": {"session=1"}, "X-" + key: {"x"},
	}, scrub)
	require.Equal(t, []string{"text/plain"}, shown["Content-Type"])
	require.Equal(t, []string{"1.1 " + secret.Redacted, "two\ufffd[2J"}, shown["Via"])
	require.Equal(t, []string{"(not shown)"}, shown["Cookie"])
	require.Len(t, shown, 4)
	for name := range shown {
		require.NotContains(t, strings.ToLower(name), key)
	}
}

// A body is cut after so many bytes, and has neither the key nor what a terminal obeys to.
func TestBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                       "",
		"seven":                  "seven",
		"ten bytes!":             "ten bytes!",
		"more than ten":          "more than  … (13 bytes)",
		"a\tb\nc":                "a\tb\nc",
		"\x1b[2J\r\x00":          "\ufffd[2J\ufffd\ufffd",
		"a " + key:               "",
		"long " + key + " again": "",
	} {
		shown := dump.Body([]byte(body), 10, scrub)
		if want != "" || body == "" {
			require.Equal(t, want, shown)
		}
		require.NotContains(t, shown, key[:8], body)
	}
	require.Equal(t, secret.Redacted, dump.Body([]byte(key), len(key), scrub))
}

// A query is shown as people read it, on one line and without blanks.
func TestQuery(t *testing.T) {
	t.Parallel()
	require.Equal(t, "client_id=1&name=Анна+К.", dump.Query(url.Values{"name": {"Анна К."}, "client_id": {"1"}}))
	require.Empty(t, dump.Query(nil))
}

var (
	request = dump.Request{
		Action: "message", Attempt: 2, Method: http.MethodPost, URL: "https://h.example/api/REDACTED/message",
		Header: http.Header{"B": {"2", "3"}, "A": {"1"}}, Body: "{\n\n}",
	}
	answer  = dump.Answer{Action: "message", Attempt: 2, Duration: time.Second, Status: 200, Header: http.Header{"A": {"1"}}, Body: "ok"}
	failure = dump.Answer{Action: "message", Attempt: 2, Duration: time.Second, Err: errors.New("reset")}
)

// Each line begins with a mark that tells requests from answers, whatever a body holds.
func TestWriter(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := dump.NewWriter(&b)
	require.True(t, w.Wanted(t.Context()))
	w.Request(t.Context(), request)
	w.Answer(t.Context(), answer)
	w.Answer(t.Context(), failure)
	require.Equal(t, `> message, attempt 2: POST https://h.example/api/REDACTED/message
> A: 1
> B: 2
> B: 3
>
> {
>
> }
< message, attempt 2: 200, after 1s
< A: 1
<
< ok
< message, attempt 2: no whole answer: reset, after 1s
`, b.String())
}

// pieces notes what was written at once. It has no lock of its own.
type pieces []string

func (p *pieces) Write(text []byte) (int, error) {
	*p = append(*p, string(text))
	return len(text), nil
}

// The lines of calls that are made at once do not mix, and the target of a writer need not
// be safe for goroutines; the race detector tells.
func TestWriterAtOnce(t *testing.T) {
	t.Parallel()
	var all pieces
	w := dump.NewWriter(&all)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() { w.Answer(t.Context(), answer) })
	}
	group.Wait()
	require.Len(t, all, 10)
	for _, piece := range all {
		require.Equal(t, "< message, attempt 2: 200, after 1s\n< A: 1\n<\n< ok\n", piece)
	}
}

// A logger gets the parts as attributes, and nothing is made of a call if it wants none.
func TestLogger(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	handler := func(level slog.Level) *slog.Logger {
		return slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
	}
	l := dump.NewLogger(handler(slog.LevelDebug))
	require.True(t, l.Wanted(t.Context()))
	require.False(t, dump.NewLogger(handler(slog.LevelInfo)).Wanted(t.Context()))
	l.Request(t.Context(), request)
	l.Answer(t.Context(), answer)
	l.Answer(t.Context(), failure)
	require.Equal(t, `level=DEBUG msg="salebot request" action=message attempt=2 method=POST url=https://h.example/api/REDACTED/message header.A=1 header.B="2, 3" body="{\n\n}"
level=DEBUG msg="salebot answer" action=message attempt=2 duration=1s status=200 header.A=1 body=ok
level=DEBUG msg="salebot answer" action=message attempt=2 duration=1s error=reset
`, b.String())
}
