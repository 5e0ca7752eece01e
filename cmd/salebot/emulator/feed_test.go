package emulator_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// pipes is a listener whose connections hold nothing: whoever does not read stops
// the other side at once.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-l.connections:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	close(l.closed)
	return nil
}

func (*pipes) Addr() net.Addr { return &net.TCPAddr{} }

// listen asks for the events.
func (l *pipes) listen(t *testing.T) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	l.connections <- theirs
	_, err := io.WriteString(ours, "GET /_emulator/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	return ours
}

// Who listens to events and does not read them holds up nobody, and loses the
// place after a while.
func TestListenersThatDoNotRead(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulated, err := engine.Open(engine.WithPerson(engine.Person{ID: 25554}))
		require.NoError(t, err)
		defer emulated.Close()
		ctx, cancel := context.WithCancel(t.Context())
		listener := &pipes{connections: make(chan net.Conn), closed: make(chan struct{})}
		stopped := make(chan error, 1)
		handler := emulator.NewHandler(ctx, emulator.Options{Emulator: emulated})
		go func() { stopped <- emulator.Serve(ctx, listener, handler) }()

		for range emulator.MostListeners {
			conn := listener.listen(t)
			t.Cleanup(func() { _ = conn.Close() })
		}
		synctest.Wait()
		begin := time.Now()
		_, err = emulated.Write(25554, "Hello")
		require.NoError(t, err)
		require.Zero(t, time.Since(begin), "nobody waits for them")
		answer := func() *http.Response {
			conn := listener.listen(t)
			t.Cleanup(func() { _ = conn.Close() })
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			return response
		}
		require.Equal(t, http.StatusServiceUnavailable, answer().StatusCode, "there is an end to it")

		time.Sleep(15 * time.Second)
		synctest.Wait()
		response := answer()
		require.Equal(t, http.StatusOK, response.StatusCode, "their places are free again")
		for event := range eventsOf(response.Body) {
			require.Contains(t, event, `"clients":1`)
			break
		}
		cancel()
		require.NoError(t, <-stopped)
	})
}
