package salebottest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
)

// Server is an emulator that listens on this machine's loopback address.
type Server struct {
	*Emulator
	// URL is the address of the API, for salebot.WithBaseURL or SALEBOT_BASE_URL.
	URL string

	http    *http.Server
	stopped chan struct{}
	once    sync.Once
}

// NewServer starts a server for a test, which stops it when it ends. It listens on
// a real port, on which virtual time stands still: inside a testing/synctest bubble
// use New.
func NewServer(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	if time.Now().Year() == bubbleYear {
		tb.Fatal("salebottest: a test with a real port would hang inside a testing/synctest bubble: use New")
	}
	server, err := Start(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	server.test = func() testing.TB { return tb }
	tb.Cleanup(server.Close)
	return server
}

// bubbleYear is where the time of testing/synctest begins.
const bubbleYear = 2000

// Start starts a server for a program that is not a test. Stop it with Close.
func Start(opts ...Option) (*Server, error) {
	emulator, err := Open(opts...)
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &Server{
		Emulator: emulator,
		URL:      "http://" + listener.Addr().String() + "/api",
		http: &http.Server{
			Handler:           emulator,
			ReadHeaderTimeout: 30 * time.Second,
			IdleTimeout:       5 * time.Minute,
			ErrorLog:          log.New(io.Discard, "", 0),
		},
		stopped: make(chan struct{}),
	}
	go func() {
		defer close(server.stopped)
		_ = server.http.Serve(listener)
	}()
	return server, nil
}

// Close stops the server and all that the emulator has running. It may be called
// twice.
func (s *Server) Close() {
	s.once.Do(func() {
		_ = s.http.Close()
		<-s.stopped
		s.Emulator.Close()
	})
}

// Connect returns a client of the server, with its main key.
func (s *Server) Connect(opts ...salebot.Option) (*salebot.Client, error) {
	return salebot.New(s.Key(), append([]salebot.Option{salebot.WithBaseURL(s.URL)}, opts...)...)
}

// Client returns a client of the server for a test, with its main key. When the
// test ends its connections are closed.
func (s *Server) Client(tb testing.TB, opts ...salebot.Option) *salebot.Client {
	tb.Helper()
	return clientForTest(tb, s.Connect, opts)
}

func clientForTest(tb testing.TB, connect func(...salebot.Option) (*salebot.Client, error), opts []salebot.Option) *salebot.Client {
	tb.Helper()
	client, err := connect(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.CloseIdleConnections)
	return client
}
