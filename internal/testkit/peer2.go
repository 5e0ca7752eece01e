package testkit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// HTTP2Peer is a server that speaks HTTP/2 by hand, so that a test decides about
// each frame. It counts the requests that arrive whole.
type HTTP2Peer struct {
	// Answer is called for each request that arrived whole, counted from 1.
	Answer func(number int, stream *HTTP2Stream)
	// Dialed decides what becomes of a connection, counted from 1; nil accepts all.
	Dialed func(ctx context.Context, number int) error
	// Plain says that the connections are without TLS.
	Plain bool

	mutex    sync.Mutex
	dials    int
	arrivals int
	conns    []net.Conn
	// negotiated are the protocols of the connections with TLS.
	negotiated []string
}

// HTTP2Stream is the place to answer a request.
type HTTP2Stream struct {
	*http2.Framer
	ID uint32
	// Connection is the number of the connection, from 1.
	Connection int
}

// Reset resets the stream.
func (s *HTTP2Stream) Reset(code http2.ErrCode) { _ = s.WriteRSTStream(s.ID, code) }

// GoAway says that no stream after last was processed, and that the connection
// takes no new ones.
func (s *HTTP2Stream) GoAway(last uint32, code http2.ErrCode) { _ = s.WriteGoAway(last, code, nil) }

// Respond answers with status 200.
func (s *HTTP2Stream) Respond(body string) {
	var headers bytes.Buffer
	_ = hpack.NewEncoder(&headers).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	_ = s.WriteHeaders(http2.HeadersFrameParam{StreamID: s.ID, BlockFragment: headers.Bytes(), EndHeaders: true})
	_ = s.WriteData(s.ID, true, []byte(body))
}

// Transport returns a transport whose connections end at the peer, in memory and
// with TLS. It works inside synctest.
func (p *HTTP2Peer) Transport() *http.Transport {
	certificate, pool := certify("chatter.salebot.pro")
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!p.Plain)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(p.Plain)
	return &http.Transport{
		Protocols:       protocols,
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			client, server := net.Pipe()
			p.mutex.Lock()
			p.dials++
			number := p.dials
			p.conns = append(p.conns, server)
			p.mutex.Unlock()
			if p.Dialed != nil {
				if err := p.Dialed(ctx, number); err != nil {
					return nil, err
				}
			}
			if p.Plain {
				go p.serve(number, server)
				return client, nil
			}
			secure := tls.Server(server, &tls.Config{
				Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS13,
			})
			go func() {
				defer func() { _ = secure.Close() }()
				if secure.Handshake() != nil {
					return
				}
				protocol := secure.ConnectionState().NegotiatedProtocol
				p.mutex.Lock()
				p.negotiated = append(p.negotiated, protocol)
				p.mutex.Unlock()
				if protocol == "h2" {
					p.serve(number, secure)
				}
			}()
			return client, nil
		},
	}
}

// Close cuts all connections.
func (p *HTTP2Peer) Close() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
}

// Arrivals counts the requests that arrived whole.
func (p *HTTP2Peer) Arrivals() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.arrivals
}

// Dials counts the connections that were asked for.
func (p *HTTP2Peer) Dials() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.dials
}

// Negotiated returns the protocols that the other side chose, "" where it named none.
func (p *HTTP2Peer) Negotiated() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return slices.Clone(p.negotiated)
}

func (p *HTTP2Peer) serve(connection int, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	// A pipe holds nothing: who reads must not wait for its own writes to be read.
	writer := newQueue(conn)
	defer writer.end()
	framer := http2.NewFramer(writer, conn)
	_ = framer.WriteSettings()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = framer.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = framer.WritePing(true, f.Data)
			}
		case *http2.HeadersFrame:
			if f.StreamEnded() {
				p.arrived(connection, framer, f.StreamID)
			}
		case *http2.DataFrame:
			if f.StreamEnded() {
				p.arrived(connection, framer, f.StreamID)
			}
		}
	}
}

func (p *HTTP2Peer) arrived(connection int, framer *http2.Framer, id uint32) {
	p.mutex.Lock()
	p.arrivals++
	number := p.arrivals
	p.mutex.Unlock()
	p.Answer(number, &HTTP2Stream{Framer: framer, ID: id, Connection: connection})
}

// queue writes in the background.
type queue struct {
	parts chan []byte
	done  chan struct{}
}

func newQueue(target io.Writer) *queue {
	q := &queue{parts: make(chan []byte, 1000), done: make(chan struct{})}
	go func() {
		defer close(q.done)
		for part := range q.parts {
			_, _ = target.Write(part)
		}
	}()
	return q
}

func (q *queue) Write(part []byte) (int, error) {
	q.parts <- bytes.Clone(part)
	return len(part), nil
}

func (q *queue) end() {
	close(q.parts)
	<-q.done
}

// certify makes a certificate for a name, and the pool of those who trust it.
func certify(name string) (tls.Certificate, *x509.CertPool) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		panic(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, pool
}
