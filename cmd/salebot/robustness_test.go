package main

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
)

// dial opens a connection to a process, which the test closes.
func (p *process) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.address, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// works checks that a process answers.
func (p *process) works(t *testing.T) {
	t.Helper()
	status, body := request(t, http.MethodGet, p.api("connected_channels"), "", "")
	require.Equal(t, http.StatusOK, status, body)
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	p := runEmulator(t, "--key", testkit.Key)
	random := rand.New(rand.NewPCG(1, 2))
	garbage := []string{
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\x00\x00\x00", "\r\n\r\n\r\n", "GET", "GET / HTTP/9.9\r\n\r\n",
		"POST /api/KEY/message HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"POST /api/KEY/message HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n",
		"GET /api/" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /_emulator/clients/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	}
	for range 50 {
		bytes := make([]byte, 1+random.IntN(4096))
		for i := range bytes {
			bytes[i] = byte(random.Uint32())
		}
		garbage = append(garbage, string(bytes))
	}
	for _, text := range garbage {
		conn := p.dial(t)
		_, _ = io.WriteString(conn, strings.ReplaceAll(text, "KEY", testkit.EscapedKey))
		require.NoError(t, conn.(*net.TCPConn).CloseWrite())
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
		// It is answered or cut, but in no case kept waiting.
		_, err := io.Copy(io.Discard, conn)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "%q", text[:min(len(text), 40)])
	}
	p.works(t)
}

// Connections that say nothing, or only half of something, disturb nobody, and do
// not keep the program from stopping.
func TestSilentConnections(t *testing.T) {
	t.Parallel()
	p := runEmulator(t, "--key", testkit.Key)
	for i := range 100 {
		_, err := io.WriteString(p.dial(t), []string{
			"", "GET /api/" + testkit.EscapedKey + "/conn", "GET / HTTP/1.1\r\nHost: x\r\nX: ",
			"POST /api/" + testkit.EscapedKey + "/message HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"client_id\":",
		}[i%4])
		require.NoError(t, err)
	}
	p.works(t)
}

func TestAThousandIdleConnections(t *testing.T) {
	t.Parallel()
	p := runEmulator(t, "--key", testkit.Key)
	for range 1000 {
		conn := p.dial(t)
		_, err := io.WriteString(conn, "GET /api/"+testkit.EscapedKey+"/get_messages HTTP/1.1\r\nHost: localhost\r\n\r\n")
		require.NoError(t, err)
		head := make([]byte, 12)
		_, err = io.ReadFull(conn, head)
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 200", string(head))
	}
	p.works(t)
}

// Whoever does not read its answer costs a connection and nothing else.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	p := runEmulator(t, "--key", testkit.Key)
	text := strings.Repeat("long ", 10_000)
	_, body := request(t, http.MethodPost, p.address+"/_emulator/clients", "application/json", `{"id":25554}`)
	require.Contains(t, body, "25554")
	for range 200 {
		status, _ := request(t, http.MethodPost, p.api("message"), "application/json", `{"client_id":25554,"message":"`+text+`"}`)
		require.Equal(t, http.StatusOK, status)
	}
	for range 20 {
		_, err := io.WriteString(p.dial(t), "GET /api/"+testkit.EscapedKey+"/get_history?client_id=25554 HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
	}
	p.works(t)
}

// A receiver that takes deliveries and never answers holds up nothing but them.
func TestHangingWebhook(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	accepted := make(chan net.Conn, 1000)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	p := runEmulator(t, "--key", testkit.Key, "--webhook-url", "http://"+listener.Addr().String()+"/", "--webhook-resend", "failed")
	request(t, http.MethodPost, p.address+"/_emulator/clients", "application/json", `{"id":25554}`)
	for range 200 {
		status, body := request(t, http.MethodPost, p.api("message"), "application/json", `{"client_id":25554,"message":"x"}`)
		require.Equal(t, http.StatusOK, status, body)
	}
	select {
	case <-accepted:
	case <-time.After(patience):
		require.Fail(t, "no delivery came")
	}
	p.works(t)
	_, body := request(t, http.MethodGet, p.address+"/_emulator/deliveries", "", "")
	require.Contains(t, body, `"pending":true`)
	require.NoError(t, p.end(syscall.SIGTERM))
}

// Killed at any moment, also while it writes its file anew, the program finds a
// whole state again, with everything in it that was answered.
func TestKilledWhileSaving(t *testing.T) {
	t.Parallel()
	endsWhileSaving(t, func(p *process) {
		require.Error(t, p.end(syscall.SIGKILL))
	})
}

// Asked to stop at any moment, it keeps everything that it has answered.
func TestStoppedWhileSaving(t *testing.T) {
	t.Parallel()
	endsWhileSaving(t, func(p *process) {
		require.NoError(t, p.end(syscall.SIGTERM), p.messages())
	})
}

// A terminal that is closed, or a connection that breaks, ends it in good order.
// With nohup it goes on.
func TestHangUp(t *testing.T) {
	t.Parallel()
	// The tests may themselves be run with nohup, which the program would inherit.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(caught) })
	file := filepath.Join(t.TempDir(), "state.json")
	p := runEmulator(t, "--key", testkit.Key, "--state", file)
	status, _ := request(t, http.MethodPost, p.address+"/_emulator/clients", "application/json", `{"id":25554}`)
	require.Equal(t, http.StatusCreated, status)
	require.NoError(t, p.end(syscall.SIGHUP), p.messages())
	again := runEmulator(t, "--key", testkit.Key, "--state", file)
	status, _ = request(t, http.MethodGet, again.address+"/_emulator/clients/25554", "", "")
	require.Equal(t, http.StatusOK, status)
}

// progress counts what a program was told.
type progress struct {
	mu              sync.Mutex
	answered, saved int
}

// endsWhileSaving ends a process again and again while it is busy and saves. After
// that as many messages have to be there as were answered.
func endsWhileSaving(t *testing.T, end func(*process)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state.json")
	kept := 0
	// They are long, so that the file is written anew.
	message := `{"client_id":25554,"message":"` + strings.Repeat("long ", 40_000) + `"}`
	for round := range 8 {
		p := runEmulator(t, "--key", testkit.Key, "--state", file)
		require.Empty(t, p.messages())
		if round == 0 {
			request(t, http.MethodPost, p.address+"/_emulator/clients", "application/json", `{"id":25554}`)
		}
		var answer struct{ Result []json.RawMessage }
		_, body := request(t, http.MethodGet, p.api("get_history?client_id=25554"), "", "")
		require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
		require.GreaterOrEqual(t, len(answer.Result), kept, "round %d", round)
		left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".state.json.new-*"))
		require.NoError(t, err)
		require.Empty(t, left, "what the former process left behind is cleared away")

		done := &progress{answered: len(answer.Result), saved: kept}
		goal := done.saved + 3 + round
		var work sync.WaitGroup
		work.Go(func() {
			for send(t.Context(), p.api("message"), message) {
				done.mu.Lock()
				done.answered++
				before := done.answered
				done.mu.Unlock()
				if !send(t.Context(), p.address+"/_emulator/save", "{}") {
					return
				}
				done.mu.Lock()
				done.saved = before
				done.mu.Unlock()
			}
		})
		require.Eventually(t, func() bool {
			done.mu.Lock()
			defer done.mu.Unlock()
			return done.saved >= goal
		}, patience, time.Millisecond)
		end(p)
		work.Wait()
		kept = done.answered
	}
	t.Log(kept, "messages have to be there and are")
}

// A state that cannot be saved is reported to whoever asked for it, to the person
// and by the way the program ends; once there is room again, all is well.
func TestSavesThatFail(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "folder")
	require.NoError(t, os.Mkdir(folder, 0o700))
	p := runEmulator(t, "--key", testkit.Key, "--state", filepath.Join(folder, "state.json"))
	require.NoError(t, os.RemoveAll(folder))
	status, body := request(t, http.MethodPost, p.address+"/_emulator/save", "application/json", "{}")
	require.Equal(t, http.StatusInternalServerError, status)
	require.Contains(t, body, "save the state")
	request(t, http.MethodPost, p.address+"/_emulator/clients", "application/json", `{"id":25554}`)
	require.Eventually(t, func() bool { return strings.Contains(p.messages(), "save the state") }, patience, 10*time.Millisecond)
	p.works(t)

	require.NoError(t, os.Mkdir(folder, 0o700))
	status, body = request(t, http.MethodPost, p.address+"/_emulator/save", "application/json", "{}")
	require.Equal(t, http.StatusOK, status, body)
	require.FileExists(t, filepath.Join(folder, "state.json"))
	require.NoError(t, os.RemoveAll(folder))
	require.Error(t, p.end(syscall.SIGTERM), "a state that is lost is no success")
}

// send is request for a process that may end at any moment.
func send(ctx context.Context, address, body string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil && response.StatusCode < 300
}
