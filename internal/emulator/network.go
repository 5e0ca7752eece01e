package emulator

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
)

// BaseURL is the address under which the emulator answers in memory, for
// salebot.WithBaseURL together with Transport.
const BaseURL = "http://emulator.localhost/api"

// network is the in-memory network of an emulator: connections are pipes, at
// whose other end a real HTTP server answers. So the events of a connection are
// real, and nothing but channels is waited for, which testing/synctest needs.
type network struct {
	serve http.Handler

	mu       sync.Mutex
	listener *pipeListener
	server   *http.Server
	stopped  chan struct{}
	closed   bool
	failures []error
}

// Transport returns a transport whose connections lead to the emulator, whatever
// the host of the address. Each call returns a new one. The connections end with
// Close.
func (e *Emulator) Transport() *http.Transport {
	return &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return e.network.dial(ctx) },
		MaxIdleConnsPerHost: 128,
		// Nothing of a request may go elsewhere.
		Proxy: nil,
	}
}

// RefuseConnections lets the next n in-memory connections be refused.
func (e *Emulator) RefuseConnections(n int) { e.FailConnections(n, syscall.ECONNREFUSED) }

// FailConnections lets the next n in-memory connections fail with an error, such
// as a *net.DNSError. Connections that are open stay so.
func (e *Emulator) FailConnections(n int, err error) {
	e.network.mu.Lock()
	defer e.network.mu.Unlock()
	for range n {
		e.network.failures = append(e.network.failures, err)
	}
}

func (n *network) dial(ctx context.Context) (net.Conn, error) {
	listener, err := n.listen()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddress{}, Err: err}
	}
	near, far := newPipe()
	select {
	case listener.connections <- far:
		return near, nil
	case <-listener.done:
		err = syscall.ECONNREFUSED
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddress{}, Err: err}
}

// listen starts the server with the first connection.
func (n *network) listen() (*pipeListener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case len(n.failures) > 0:
		err := n.failures[0]
		n.failures = n.failures[1:]
		return nil, err
	case n.closed:
		return nil, syscall.ECONNREFUSED
	case n.listener != nil:
		return n.listener, nil
	}
	n.listener = &pipeListener{connections: make(chan net.Conn), done: make(chan struct{})}
	// Without limits of time: in a bubble time stands still until nobody has
	// anything to do, and then a limit would meet the request that follows.
	n.server = &http.Server{Handler: n.serve, ErrorLog: log.New(io.Discard, "", 0)} //nolint:gosec // nobody but the program itself is at the other end
	n.stopped = make(chan struct{})
	go func(server *http.Server, listener net.Listener, stopped chan<- struct{}) {
		defer close(stopped)
		_ = server.Serve(listener)
	}(n.server, n.listener, n.stopped)
	return n.listener, nil
}

func (n *network) close() {
	n.mu.Lock()
	n.closed = true
	server, stopped := n.server, n.stopped
	n.mu.Unlock()
	if server != nil {
		_ = server.Close()
		<-stopped
	}
}

// pipeListener hands the far ends of pipes to a server.
type pipeListener struct {
	connections chan net.Conn
	once        sync.Once
	done        chan struct{}
}

// Accept, Close and Addr implement net.Listener.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.connections:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (*pipeListener) Addr() net.Addr { return pipeAddress{} }

type pipeAddress struct{}

func (pipeAddress) Network() string { return "pipe" }

func (pipeAddress) String() string { return "emulator" }

// pipeConn is an end of a pipe that can be reset, which the other end sees as a
// reset and not as an ordinary end.
type pipeConn struct {
	net.Conn
	broken *atomic.Bool // shared by both ends
}

func newPipe() (near, far *pipeConn) {
	a, b := net.Pipe()
	broken := new(atomic.Bool)
	return &pipeConn{Conn: a, broken: broken}, &pipeConn{Conn: b, broken: broken}
}

func (c *pipeConn) reset() {
	c.broken.Store(true)
	_ = c.Close()
}

// Read and Write are those of net.Conn.
func (c *pipeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.explain("read", err)
}

func (c *pipeConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.explain("write", err)
}

func (c *pipeConn) explain(operation string, err error) error {
	if err != nil && c.broken.Load() && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)) {
		return &net.OpError{Op: operation, Net: "pipe", Addr: pipeAddress{}, Err: syscall.ECONNRESET}
	}
	return err
}
