// Package exchange carries out one HTTP request and brings the answer back
// whole. It is the only package that knows resty, which executes single
// attempts and nothing else: no retries, no parsing, no logging.
package exchange

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

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
	// Header is sent besides the headers of every request, which it may replace.
	Header http.Header
	// FreshConnection keeps the request off connections that were used before.
	FreshConnection bool
	// Limit bounds the body of the answer, in bytes.
	Limit int64
	// WriteBy is the latest moment at which the request may be written; zero means
	// any.
	WriteBy time.Time
	// Cancel ends the context that Do is given.
	Cancel context.CancelFunc
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
	// spokeHTTP1 says that the last server to answer did so by HTTP/1.
	spokeHTTP1 atomic.Bool
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

// Do executes one attempt within ctx, which request.Cancel ends. If it fails,
// notSent reports whether the request provably was not executed: no connection
// was made for it, or the server said that it did not process it.
func (e *Exchanger) Do(ctx context.Context, userAgent string, request *Request) (reply Reply, notSent bool, err error) {
	if passed(request.WriteBy) {
		return Reply{}, true, ErrTooLate
	}
	p := newProbe(ctx, request, &e.spokeHTTP1)
	r := e.borrow()
	r.SetContext(p.traced()) //nolint:contextcheck // it is made of ctx
	shared := e.headers(userAgent)
	// resty clones the header before it sends; these are only read.
	r.Header = shared.plain
	if request.Body != nil {
		r.Header = shared.json
		r.Body = noBytes
	}
	if len(request.Header) > 0 {
		r.Header = r.Header.Clone()
		maps.Copy(r.Header, request.Header)
	}
	response, err := r.Execute(request.Method, request.URL.Reveal())
	e.giveBack(r) //nolint:contextcheck // it is done with the context
	if err != nil {
		notSent, err = p.explain(err)
		return Reply{}, notSent, err
	}
	raw := response.RawResponse
	reply = Reply{Status: raw.StatusCode, Header: raw.Header}
	if raw.StatusCode < http.StatusOK {
		// What follows an answer of this kind is not a body, and may never end.
		go func() { _ = raw.Body.Close() }()
		return reply, false, nil
	}
	if raw.ProtoMajor == 1 {
		e.spokeHTTP1.Store(true)
	}
	reply.buffer, err = p.read(raw.Body, raw.ContentLength, request.Limit)
	reply.Body = reply.buffer.Bytes()
	if raw.StatusCode >= http.StatusMultipleChoices && !errors.Is(err, errAbandoned) {
		// The status of a failure says enough, even if its body breaks off.
		err = nil
	}
	return reply, false, err
}

// borrow returns a request of resty's with nothing in it. Making one costs more than
// all the rest that resty does. What net/http works with, also after the answer came,
// is made by each Execute for itself.
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

// Header returns a copy of what is sent with every request.
func (e *Exchanger) Header(userAgent string, hasBody bool) http.Header {
	shared := e.headers(userAgent)
	if hasBody {
		return shared.json.Clone()
	}
	return shared.plain.Clone()
}

// noBytes stands for the body, which the probe puts in its place: resty reads a
// body of any other type, and copies it. Without any it makes a buffer.
var noBytes = bytes.NewReader(nil)

// silence swallows what resty would log.
type silence struct{}

func (silence) Errorf(string, ...any) {}
func (silence) Warnf(string, ...any)  {}
func (silence) Debugf(string, ...any) {}
