package salebot_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// A dump shows what is sent and what is answered, line by line.
func TestDump(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Answer: testkit.InTurn(
			testkit.Answer{Text: testkit.Respond(503, "busy\n\x1b[31mred", "Set-Cookie: session=secret", "Retry-After: 1").Text, Delay: 2 * time.Second},
			testkit.Respond(200, `{"city":"Riga"}`, "Content-Type: application/json"),
			testkit.Respond(200, "ok"), testkit.Cut(),
		)}
		var out bytes.Buffer
		client := clienttest.New(t, peer.Transport(), salebot.WithDump(&out), salebot.WithHeader("X-Token", "secret"),
			salebot.WithAttemptMiddleware(passing))
		_, err := client.GetVariables(t.Context(), 7, salebot.WithParameter("q", "a b&c"))
		require.NoError(t, err)
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "Hello\nworld"})
		require.NoError(t, err)
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
		require.Error(t, err)
		read := func(attempt string) string {
			return `> get_variables, attempt ` + attempt + `: GET https://chatter.salebot.pro/api/{api_key}/get_variables?client_id=7&q=a+b&c
> Accept: application/json, text/plain, */*
> User-Agent: salebot-go/` + salebot.Version + `
> X-Token: (not shown)
`
		}
		write := func(body string) string {
			return `> message, attempt 1: POST https://chatter.salebot.pro/api/{api_key}/message
> Accept: application/json, text/plain, */*
> Content-Type: application/json
> User-Agent: salebot-go/` + salebot.Version + `
> X-Token: (not shown)
>
> ` + body + "\n"
		}
		require.Equal(t, read("1")+`< get_variables, attempt 1: 503, after 2s
< Content-Length: 13
< Retry-After: 1
< Set-Cookie: (not shown)
<
< busy
< `+"\ufffd"+`[31mred
`+read("2")+`< get_variables, attempt 2: 200, after 0s
< Content-Length: 15
< Content-Type: application/json
<
< {"city":"Riga"}
`+write(`{"client_id":7,"message":"Hello\nworld"}`)+`< message, attempt 1: 200, after 0s
< Content-Length: 2
<
< ok
`+write(`{"client_id":7,"message":"x"}`)+`< message, attempt 1: no whole answer: EOF, after 0s
`, out.String())
	})
}

// A body is shown up to a bound, and no half of a letter or of the key.
func TestDumpIsBounded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	client := clienttest.New(t, clienttest.Answering(200, `{"a":"`+strings.Repeat("я", 100_000)+`"}`), salebot.WithDump(&out))
	_, err := client.GetVariables(t.Context(), 7)
	require.NoError(t, err)
	require.Less(t, out.Len(), salebot.MaxDumpedBody+1000)
	require.Contains(t, out.String(), "… (200008 bytes)")
}

// The same for a logger, at debug level only.
func TestDumpLogger(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	for level, lines := range map[slog.Level][]string{
		slog.LevelInfo: nil,
		slog.LevelDebug: {
			`level=DEBUG msg="salebot request" action=message attempt=1 method=POST url=https://chatter.salebot.pro/api/{api_key}/message ` +
				`header.Accept="application/json, text/plain, */*" header.Content-Type=application/json header.User-Agent=salebot-go/` + salebot.Version +
				` body="{\"client_id\":7,\"message\":\"x\"}"`,
			`level=DEBUG msg="salebot answer" action=message attempt=1 status=200 header.X-Secret="(not shown)" body=ok`,
		},
	} {
		out.Reset()
		logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		}}))
		client := clienttest.New(t, clienttest.Answering(200, "ok", "X-Secret: 1"), salebot.WithDumpLogger(logger))
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
		require.NoError(t, err)
		require.Equal(t, strings.Join(lines, "\n"), strings.TrimSpace(out.String()))
	}
}

// fullDisk is a writer that fails.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

// A dump that cannot be written disturbs no call.
func TestDumpThatFails(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.Answering(200, "ok"), salebot.WithDump(fullDisk{}))
	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 7, Message: "x"})
	require.NoError(t, err)
	for _, option := range []salebot.Option{salebot.WithDump(nil), salebot.WithDumpLogger(nil)} {
		_, err := salebot.New(testkit.Key, option)
		require.ErrorContains(t, err, "is nil")
	}
}
