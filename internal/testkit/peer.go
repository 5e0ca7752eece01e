package testkit

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Peer is a server whose faults are those of a real network. It counts what
// arrives. Its zero value accepts every connection and answers "ok".
type Peer struct {
	// Dialed decides what becomes of a connection, counted from 1; an error is the
	// failure of the dial.
	Dialed func(ctx context.Context, number int) error
	// Accepted decides whether a connection is read from; it is cut otherwise.
	Accepted func(number int) bool
	// Answer decides what becomes of a request, counted from 1.
	Answer func(number int, request *http.Request) Answer

	mu       sync.Mutex
	dials    int
	arrivals []Arrival
}

// Arrival is a request that arrived whole.
type Arrival struct {
	Method string
	// Path has {api_key} instead of the key.
	Path, Query      string
	Header           http.Header
	Body             []byte
	TransferEncoding []string
	ContentLength    int64
	// Connection is the number of the connection that it came on, from 1.
	Connection int
}

// Answer is what a peer does with a request.
type Answer struct {
	// Text is written as it is.
	Text string
	// Delay passes before Text is written.
	Delay time.Duration
	// Cut closes the connection after Text.
	Cut bool
	// Hang waits after Text until the other side closes the connection.
	Hang bool
}

// Respond is a whole answer. Each header is a line.
func Respond(status int, body string, headers ...string) Answer {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	for _, line := range headers {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return Answer{Text: b.String()}
}

// Cut closes the connection instead of an answer.
func Cut() Answer { return Answer{Cut: true} }

// Hang never answers.
func Hang() Answer { return Answer{Hang: true} }

// Always answers all requests in the same way.
func Always(answer Answer) func(int, *http.Request) Answer {
	return func(int, *http.Request) Answer { return answer }
}

// InTurn answers the requests one after the other; the last answer repeats.
func InTurn(answers ...Answer) func(int, *http.Request) Answer {
	return func(number int, _ *http.Request) Answer { return answers[min(number, len(answers))-1] }
}

// Refused is what dialing a closed port gives.
func Refused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// NoSuchHost is what dialing an unknown name gives.
func NoSuchHost() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "chatter.salebot.pro", IsNotFound: true}}
}

// Transport returns a transport whose connections end at the peer, in memory and
// without TLS whatever the address says. It traces like any http.Transport. It
// works inside synctest.
func (p *Peer) Transport() *http.Transport {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		number, err := p.dial(ctx)
		if err != nil {
			return nil, err
		}
		client, server := net.Pipe()
		go p.serve(number, server)
		return client, nil
	}
	return &http.Transport{DialContext: dial, DialTLSContext: dial}
}

// Listen serves on a loopback address until the test ends and returns
// "http://host:port".
func (p *Peer) Listen(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			number, err := p.dial(t.Context())
			if err != nil {
				_ = conn.Close()
				continue
			}
			connections.Go(func() { p.serve(number, conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		connections.Wait()
	})
	return "http://" + listener.Addr().String()
}

// Dials counts the connections that were asked for.
func (p *Peer) Dials() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials
}

// Arrivals returns the requests that arrived whole.
func (p *Peer) Arrivals() []Arrival {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Arrival(nil), p.arrivals...)
}

func (p *Peer) dial(ctx context.Context) (int, error) {
	p.mu.Lock()
	p.dials++
	number := p.dials
	p.mu.Unlock()
	if p.Dialed == nil {
		return number, nil
	}
	return number, p.Dialed(ctx, number)
}

func (p *Peer) serve(connection int, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if p.Accepted != nil && !p.Accepted(connection) {
		return
	}
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		answer := p.answer(p.arrived(connection, request, body), request)
		time.Sleep(answer.Delay)
		if _, err := io.WriteString(conn, answer.Text); err != nil {
			return
		}
		if answer.Hang {
			_, _ = io.Copy(io.Discard, conn)
			return
		}
		if socket, ok := conn.(*net.TCPConn); ok && answer.Cut {
			_ = socket.SetLinger(0) // The other side gets a reset, not an end.
		}
		if answer.Cut || request.Close {
			return
		}
	}
}

func (p *Peer) arrived(connection int, request *http.Request, body []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrivals = append(p.arrivals, Arrival{
		Method: request.Method, Path: strings.Replace(request.URL.EscapedPath(), EscapedKey, "{api_key}", 1), Query: request.URL.RawQuery,
		Header: request.Header.Clone(), Body: bytes.Clone(body), TransferEncoding: request.TransferEncoding,
		ContentLength: request.ContentLength, Connection: connection,
	})
	return len(p.arrivals)
}

func (p *Peer) answer(number int, request *http.Request) Answer {
	if p.Answer == nil {
		return Respond(http.StatusOK, "ok")
	}
	return p.Answer(number, request)
}
