package exchange

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot/internal/wait"
)

// probe follows one request through net/http. It knows whether the request can
// have reached the server, and keeps net/http from sending it a second time.
//
// net/http repeats a request by itself in several cases. Over HTTP/1 it repeats a
// request with a body only if nothing of it was written, which is harmless, but
// one without a body also when it was written. Over HTTP/2 it repeats both, up to
// seven times, after a reset of the stream with PROTOCOL_ERROR, although the
// server may have executed the request.
//
// A body is asked for again by GetBody, which refuses if that is not harmless. A
// request without a body is not asked for: it is stopped when it gets its second
// connection.
//
// It is a context so that the transport finds it, and no more has to be allocated.
type probe struct {
	context.Context
	trace  httptrace.ClientTrace
	cancel context.CancelFunc

	payload []byte
	watched watchedBody
	writeBy time.Time

	// Set before the request is sent.
	fresh bool
	// direct says that the transport is net/http's own, and nothing is around it.
	direct bool
	// plainHTTP2 says that it may speak HTTP/2 without TLS.
	plainHTTP2 bool
	spokeHTTP1 *atomic.Bool

	mutex sync.Mutex
	// host is the address of the first connection that was wanted, wanted the number
	// of connections that were wanted to it.
	host   string
	wanted int
	got    bool
	http2  bool
	// written says that the headers may have been written, to their end; it is followed
	// if that matters. Without the end, no server has a request to execute.
	written, followed bool
	// refused says that a repetition by net/http was stopped.
	refused bool
	// late says that the request was stopped because its moment had passed.
	late bool
}

type probeKey struct{}

func newProbe(ctx context.Context, request *Request, spokeHTTP1 *atomic.Bool) *probe {
	p := &probe{
		Context: ctx, cancel: request.Cancel, payload: request.Body, fresh: request.FreshConnection, spokeHTTP1: spokeHTTP1,
	}
	p.watched.reader.Reset(request.Body)
	p.writeBy, p.watched.writeBy = request.WriteBy, request.WriteBy
	return p
}

// ErrTooLate says that the moment up to which the request might be written had passed.
var ErrTooLate = errors.New("the connection took longer than the ledger's record of the request allows")

// passed reports whether a moment has passed; the zero one never does.
func passed(moment time.Time) bool { return !moment.IsZero() && wait.Passed(moment) }

// Value implements context.Context.
func (p *probe) Value(key any) any {
	if key == (probeKey{}) {
		return p
	}
	return p.Context.Value(key)
}

// traced is the context to send the request with.
func (p *probe) traced() context.Context {
	p.trace.GetConn = p.getConn
	p.trace.GotConn = p.gotConn
	return httptrace.WithClientTrace(p, &p.trace)
}

func (p *probe) getConn(host string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.host == "" {
		p.host = host
	}
	// A dialer that asks a server for the address does so with this context too.
	if p.host == host {
		p.wanted++
	}
}

// followHeaders lets net/http, which is about to use the trace, tell when it has
// written the headers. Most requests need not know.
func (p *probe) followHeaders() {
	others := p.trace.WroteHeaders
	p.trace.WroteHeaders = func() {
		p.mutex.Lock()
		p.written = true
		p.mutex.Unlock()
		if others != nil {
			others()
		}
	}
}

func (p *probe) gotConn(info httptrace.GotConnInfo) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	again := p.wanted > 1 && p.written
	secure, isTLS := info.Conn.(*tls.Conn)
	p.got, p.http2 = true, p.plainHTTP2
	if isTLS {
		p.http2 = secure.ConnectionState().NegotiatedProtocol == "h2"
	}
	if passed(p.writeBy) && !again {
		p.late = true
		p.abandon(info.Conn)
		return
	}
	if !p.direct || p.payload != nil && !p.http2 {
		// Over HTTP/1, a request with a body comes here twice only if nothing was written.
		return
	}
	if !p.followed {
		p.followed = true
		p.followHeaders()
	}
	if again {
		p.refused = true
		p.abandon(info.Conn)
	}
}

// abandon ends a request that has just got a connection, before it is written.
func (p *probe) abandon(conn net.Conn) {
	// HTTP/2 looks at the context before it writes.
	p.cancel()
	if !p.http2 {
		// The connection belongs to this request alone.
		_ = conn.Close()
	}
}

// prepare makes a request that is about to be sent through a transport one that
// the transport cannot send twice.
func (p *probe) prepare(request *http.Request, transport http.RoundTripper) {
	standard, direct := transport.(*http.Transport)
	p.direct = direct
	p.plainHTTP2 = request.URL.Scheme == "http" && (!direct || standard.Protocols != nil && standard.Protocols.UnencryptedHTTP2())
	switch {
	case p.payload != nil:
		request.Body, request.GetBody, request.ContentLength = &p.watched, nil, int64(len(p.payload))
		if direct && p.writeBy.IsZero() {
			// net/http writes headers and body together only for bodies of its own types.
			request.Body = io.NopCloser(&p.watched.reader)
		}
		// Without GetBody, HTTP/2 says why it would have called it. HTTP/1 calls it only
		// on connections that were used before, and so after an answer by HTTP/1.
		if !direct || p.spokeHTTP1.Load() {
			request.GetBody = p.getBody
		}
	case !direct:
		// A request with a body that cannot be had again is never repeated; the body is
		// empty and puts nothing on the wire.
		request.Body, request.GetBody, request.ContentLength = emptyBody{}, nil, 0
	}
}

// getBody gives the body to net/http a second time if nothing of the request was
// written, and to others.
func (p *probe) getBody() (io.ReadCloser, error) {
	p.mutex.Lock()
	executed := p.http2 && (p.written || !p.direct)
	p.mutex.Unlock()
	if executed {
		return nil, ErrRepeated
	}
	if p.direct && p.writeBy.IsZero() {
		return io.NopCloser(bytes.NewReader(p.payload)), nil
	}
	p.watched.touched.Store(true)
	again := &watchedBody{writeBy: p.writeBy}
	again.reader.Reset(p.payload)
	return again, nil
}

// ErrRepeated says that the HTTP client wanted to send a request a second time
// although it may have been executed.
var ErrRepeated = errors.New("the connection failed after the request was sent, and it was not sent again")

// explain says what a failure of the transport means.
func (p *probe) explain(err error) (notSent bool, explained error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case p.refused:
		return false, ErrRepeated
	case p.late, errors.Is(err, ErrTooLate):
		return p.unsent(), ErrTooLate
	case p.wanted > 0 && !p.got:
		return p.unsent(), err
	case p.direct && p.http2:
		return notProcessed(err), err
	}
	return false, err
}

// unsent reports whether nothing was sent besides what the trace tells of: a transport
// around net/http's own may have sent the request by other means.
func (p *probe) unsent() bool {
	return p.direct || len(p.payload) > 0 && !p.watched.touched.Load()
}

// notProcessed reports whether net/http says that an HTTP/2 server promised not to have
// processed a request. The server then refused the stream, or shut the connection down
// and named an earlier stream as the last. net/http's errors for it have no types.
func notProcessed(err error) bool {
	if wrapped := new(url.Error); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	text := err.Error()
	if strings.HasPrefix(text, "http2: Transport received GOAWAY from server ErrCode:") {
		return true
	}
	text, found := strings.CutPrefix(text, "http2: Transport: cannot retry err [")
	if !found {
		return false
	}
	text, _, _ = strings.Cut(text, "] after Request.Body was written")
	return text == "http2: Transport received Server's graceful shutdown GOAWAY" ||
		strings.HasPrefix(text, "stream error: stream ID ") && strings.HasSuffix(text, "; REFUSED_STREAM; received from peer")
}

// read reads the body of an answer to its end, within the attempt.
func (p *probe) read(body io.ReadCloser, length, limit int64) (*buffer, error) {
	_, inMemory := body.(interface {
		io.ReaderAt
		Len() int
	})
	if p.direct || inMemory {
		// It ends with the context, or at once.
		return readAll(body, length, limit)
	}
	return readWithin(p.Context, body, length, limit)
}

// watchedBody is the body for transports that may report nothing: it knows whether
// anything of it was read.
type watchedBody struct {
	reader  bytes.Reader
	touched atomic.Bool
	// writeBy is the moment after which nothing of it is given away.
	writeBy time.Time
}

func (b *watchedBody) Read(target []byte) (int, error) {
	if passed(b.writeBy) && b.reader.Len() == int(b.reader.Size()) {
		return 0, ErrTooLate
	}
	b.touched.Store(true)
	return b.reader.Read(target)
}

func (*watchedBody) Close() error { return nil }

// emptyBody differs from http.NoBody, which net/http takes for no body at all.
type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }
func (emptyBody) Close() error             { return nil }
