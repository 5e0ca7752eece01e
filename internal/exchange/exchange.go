// Package exchange carries out one HTTP request and brings the answer back
// whole. It is the only package that knows resty, which executes single
// attempts and nothing else: no retries, no parsing, no logging.
package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"

	"github.com/go-resty/resty/v2"

	"github.com/salebot-go/salebot/internal/secret"
)

// Request is one attempt.
type Request struct {
	Method string
	// URL is the whole address, key included.
	URL secret.Text
	// Body is sent as JSON; nil sends none.
	Body []byte
	// FreshConnection keeps the request off connections that were used before.
	FreshConnection bool
	// Limit bounds the body of the answer, in bytes.
	Limit int64
}

// Reply is the answer to an attempt. Its body is borrowed: Release gives it
// back, after which nothing of it may be read.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	buffer *buffer
}

// Release gives the body back to the pool.
func (r *Reply) Release() {
	if r.buffer != nil {
		putBuffer(r.buffer)
		r.buffer, r.Body = nil, nil
	}
}

// ErrTooLarge says that the body of an answer passed the limit.
var ErrTooLarge = errors.New("the answer is larger than the limit")

// Exchanger executes requests.
type Exchanger struct {
	resty      *resty.Client
	requests   sync.Pool // of *resty.Request
	transport  *switchboard
	userAgents sync.Map // user agent → *headers
}

type headers struct{ plain, json http.Header }

// New returns an exchanger that sends through the transport that current
// returns at the time of the request. jar may be nil.
func New(current func() http.RoundTripper, jar http.CookieJar) *Exchanger {
	transport := &switchboard{current: current}
	client := resty.NewWithClient(&http.Client{
		Transport: transport,
		Jar:       jar,
		// A redirect would turn a POST into a GET, or hand the key to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	// resty would write URLs, and so the key, to standard error.
	client.SetLogger(silence{})
	return &Exchanger{resty: client, transport: transport}
}

// CloseIdleConnections closes the connections that are not in use.
func (e *Exchanger) CloseIdleConnections() { e.transport.CloseIdleConnections() }

// Do executes one attempt. Where it fails, notSent says that the request
// provably never left: a connection was wanted and none was got.
func (e *Exchanger) Do(ctx context.Context, userAgent string, request *Request) (reply Reply, notSent bool, err error) {
	p := &probe{fresh: request.FreshConnection}
	r := e.borrow()
	r.SetContext(p.watch(ctx))
	shared := e.headers(userAgent)
	// resty clones the header before it sends; these are only read.
	r.Header = shared.plain
	if request.Body != nil {
		r.Header = shared.json
		r.Body = bytes.NewReader(request.Body)
	}
	response, err := r.Execute(request.Method, request.URL.Reveal())
	e.giveBack(r) //nolint:contextcheck // it is done with the context
	if err != nil {
		if response != nil && response.RawResponse != nil && response.RawResponse.Body != nil {
			_ = response.RawResponse.Body.Close()
		}
		return Reply{}, p.provesNotSent(), err
	}
	raw := response.RawResponse
	body, err := readAll(raw.Body, raw.ContentLength, request.Limit)
	reply = Reply{Status: raw.StatusCode, Header: raw.Header, Body: body.Bytes(), buffer: body}
	if raw.StatusCode >= http.StatusMultipleChoices {
		// The status of a failure says enough, even where its body breaks off.
		err = nil
	}
	return reply, false, err
}

// borrow returns a request of resty's with nothing in it. Making one costs more
// than all the rest that resty does. What net/http works with, also after the
// answer came, is made anew by each Execute.
func (e *Exchanger) borrow() *resty.Request {
	if r, ok := e.requests.Get().(*resty.Request); ok {
		return r
	}
	return e.resty.R().SetDoNotParseResponse(true)
}

// giveBack takes everything out of a request that belongs to one attempt.
func (e *Exchanger) giveBack(r *resty.Request) {
	r.URL, r.Method, r.Header, r.Body, r.RawRequest = "", "", nil, nil, nil
	r.SetContext(nil) //nolint:staticcheck // resty takes nil for none
	e.requests.Put(r)
}

func (e *Exchanger) headers(userAgent string) *headers {
	if known, ok := e.userAgents.Load(userAgent); ok {
		return known.(*headers)
	}
	h := &headers{plain: http.Header{}, json: http.Header{}}
	for _, header := range []http.Header{h.plain, h.json} {
		header.Set("Accept", "application/json, text/plain, */*")
		header.Set("User-Agent", userAgent)
	}
	h.json.Set("Content-Type", "application/json")
	known, _ := e.userAgents.LoadOrStore(userAgent, h)
	return known.(*headers)
}

// probe watches whether a request got a connection.
type probe struct {
	trace       httptrace.ClientTrace
	wanted, got atomic.Bool
	fresh       bool
}

type probeKey struct{}

func (p *probe) watch(ctx context.Context) context.Context {
	if p.fresh {
		ctx = context.WithValue(ctx, probeKey{}, p)
	}
	p.trace.GetConn = func(string) { p.wanted.Store(true) }
	p.trace.GotConn = func(httptrace.GotConnInfo) { p.got.Store(true) }
	return httptrace.WithClientTrace(ctx, &p.trace)
}

// provesNotSent needs both events: a transport that reports none proves
// nothing.
func (p *probe) provesNotSent() bool { return p.wanted.Load() && !p.got.Load() }

const (
	firstBuffer   = 4 << 10
	largestPooled = 1 << 20
)

// buffer holds a body and what bounds it.
type buffer struct {
	bytes.Buffer
	source io.LimitedReader
}

var buffers = sync.Pool{New: func() any {
	b := new(buffer)
	b.Grow(firstBuffer)
	return b
}}

func putBuffer(b *buffer) {
	b.source.R = nil
	if b.Cap() <= largestPooled {
		b.Reset()
		buffers.Put(b)
	}
}

// readAll reads a body of a length that was announced, or -1, to its end, so that
// the connection can be used again, and closes it. What came is returned even with
// an error.
func readAll(body io.ReadCloser, length, limit int64) (*buffer, error) {
	defer func() { _ = body.Close() }()
	b := buffers.Get().(*buffer)
	if length > 0 {
		// Only as much as is kept in the pool: the announcement may be wrong.
		b.Grow(int(min(length, limit, largestPooled-2*bytes.MinRead)) + bytes.MinRead)
	}
	b.source = io.LimitedReader{R: body, N: limit + 1}
	_, err := b.ReadFrom(&b.source)
	if int64(b.Len()) > limit {
		b.Truncate(int(limit))
		err = fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)
	}
	return b, err
}

// silence swallows what resty would log.
type silence struct{}

func (silence) Errorf(string, ...any) {}
func (silence) Warnf(string, ...any)  {}
func (silence) Debugf(string, ...any) {}
