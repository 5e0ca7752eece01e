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
// use NewClient.
func NewServer(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	if time.Now().Year() == bubbleYear {
		tb.Fatal("salebottest: a test with a real port would hang inside a testing/synctest bubble: use NewClient")
	}
	server, err := Start(options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	return server
}

// bubbleYear is where the time of testing/synctest begins.
const bubbleYear = 2000

// Start starts a server for a program that is no test. Stop it with Close.
func Start(options ...Option) (*Server, error) {
	emulator, err := build(options)
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
func (s *Server) Connect(options ...salebot.Option) (*salebot.Client, error) {
	return salebot.New(s.Key(), append([]salebot.Option{salebot.WithBaseURL(s.URL)}, options...)...)
}

// Client returns a client of the server for a test, with its main key. When the
// test ends its connections are closed.
func (s *Server) Client(tb testing.TB, options ...salebot.Option) *salebot.Client {
	tb.Helper()
	return clientForTest(tb, s.Connect, options)
}

// Connect returns a client of the emulator, over in-memory connections and with
// its main key. They end with Close.
func (e *Emulator) Connect(options ...salebot.Option) (*salebot.Client, error) {
	own := []salebot.Option{salebot.WithBaseURL(BaseURL), salebot.WithTransport(e.Transport())}
	return salebot.New(e.Key(), append(own, options...)...)
}

// Client returns a client of the emulator for a test, over in-memory connections
// and with its main key. When the test ends the connections and the emulator are
// closed. It works inside a testing/synctest bubble too, if the emulator was made
// in there.
func (e *Emulator) Client(tb testing.TB, options ...salebot.Option) *salebot.Client {
	tb.Helper()
	tb.Cleanup(e.Close)
	return clientForTest(tb, e.Connect, options)
}

func clientForTest(tb testing.TB, connect func(...salebot.Option) (*salebot.Client, error), options []salebot.Option) *salebot.Client {
	tb.Helper()
	client, err := connect(options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.CloseIdleConnections)
	return client
}

// NewClient returns a new emulator for a test and a client of it, over in-memory
// connections. It is the shortest way to both:
//
//	client, emulator := salebottest.NewClient(t, salebottest.WithClient(salebottest.Client{ID: 25554}))
func NewClient(tb testing.TB, options ...Option) (*salebot.Client, *Emulator) {
	tb.Helper()
	emulator, err := build(options)
	if err != nil {
		tb.Fatal(err)
	}
	client := emulator.Client(tb)
	return client, emulator
}
