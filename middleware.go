package salebot

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/attempt"
	"github.com/salebot-go/salebot/internal/exchange"
	"github.com/salebot-go/salebot/internal/secret"
)

// Middleware stands between a client and Salebot, around each call (WithMiddleware) or
// around each attempt of a call (WithAttemptMiddleware). It calls next to go on, with
// the request that it was given or a changed copy, and returns what next returned:
//
//	func(ctx context.Context, request *salebot.Request, next salebot.Next) (*salebot.Response, error) {
//		response, err := next(ctx, request.WithHeader("X-Tenant", tenantOf(ctx)))
//		...
//		return response, err
//	}
//
// It may observe, add headers and, around a call, parameters. It may answer by itself,
// without next or in place of what next returned: the client judges a Response of a
// middleware as if it had come from Salebot. It may also return an error. Neither the
// key nor a URL with it is in anything that it is given; a http.RoundTripper
// (WithTransport), which sees the HTTP request itself, sees the key.
//
// The context for next has to be derived from the one that the middleware was given.
// What next returned, and the texts in it, must not be changed in place.
//
// What became of the request is never lost. An error that a middleware returns without
// having called next is OutcomeNotSent. One that it returns instead of an answer leaves
// the outcome unknown, unless the request was provably not executed. If a middleware
// sends the request by other means, such as another client, its error has to be an
// OpError, or to wrap one, whose Outcome then counts.
//
// A middleware runs in the goroutine of the call, many at once for many calls. It is
// given no time of its own: it works within the time of the call or the attempt.
type Middleware func(ctx context.Context, request *Request, next Next) (*Response, error)

// Next makes the call or the attempt that a Middleware stands around. Response and error
// may both be there: an answer that is a failure.
//
// Around a call the error is an OpError. Next may be called again, one call after the
// other. A call of class Once is made again only if it was provably not executed:
// otherwise the second Next fails, and nothing is sent. Around an attempt it works
// once: whoever wants another attempt returns the answer or the error, and the client
// decides.
type Next func(ctx context.Context, request *Request) (*Response, error)

// WithMiddleware adds a middleware around each call of the client. It can be given
// several times; the first is the outermost. It stands inside the hooks of the call, and
// outside of the ledger, the limiter and the attempts. Calls that are refused before
// anything is sent do not reach it.
func WithMiddleware(middleware Middleware) Option {
	return clientOption(func(c *config) error {
		if middleware == nil {
			return badOption("WithMiddleware", "the middleware is nil")
		}
		c.middlewares = append(slices.Clip(c.middlewares), middleware)
		return nil
	})
}

// WithAttemptMiddleware adds a middleware around each attempt. It can be given several
// times; the first is the outermost. It stands inside the hooks of the attempt, and after
// limiter, pace and ledger: a parameter cannot be added any more. An error of its own is
// that of an attempt, and the client may try again, but not after ErrInvalidRequest.
func WithAttemptMiddleware(middleware Middleware) Option {
	return clientOption(func(c *config) error {
		if middleware == nil {
			return badOption("WithAttemptMiddleware", "the middleware is nil")
		}
		c.attemptMiddlewares = append(slices.Clip(c.attemptMiddlewares), middleware)
		return nil
	})
}

// Request is a call, or an attempt of one, as a Middleware sees it. It does not change:
// WithHeader and WithParameter return changed copies. Nothing in it holds the key.
type Request struct {
	row     *action.Row
	attempt int
	// payload is hidden because a caller may have put the key into it.
	payload secret.Hidden[payload]
	header  http.Header
	scrub   secret.Scrubber
	// err is what is wrong with a header or a parameter that was added.
	err error
}

// Action is Salebot's name of the action.
func (r *Request) Action() string { return r.row.Name }

// Class is the safety class of the call.
func (r *Request) Class() SafetyClass { return SafetyClass(r.row.Class) }

// Attempt counts the attempts of the call from 1; around a call it is 0.
func (r *Request) Attempt() int { return r.attempt }

// ClientID is the client that the call is for; 0 if there is none, or several.
func (r *Request) ClientID() ClientID {
	content := r.payload.Reveal()
	return clientOf(&content)
}

// Query is a copy of the parameters that travel in the address.
func (r *Request) Query() url.Values {
	content := r.payload.Reveal().query
	query := make(url.Values, len(content))
	for name, values := range content {
		clean := make([]string, len(values))
		for i, value := range values {
			clean[i] = r.scrub.Text(value)
		}
		query[r.scrub.Text(name)] = clean
	}
	return query
}

// Body is a copy of the JSON that is sent; nil if none is.
func (r *Request) Body() []byte {
	return r.scrub.Bytes(slices.Clone(r.payload.Reveal().body))
}

// Header is a copy of the headers that options, hooks and middlewares have added.
func (r *Request) Header() http.Header {
	if r.header == nil {
		return http.Header{}
	}
	return r.header.Clone()
}

// WithHeader returns a copy of the request with a header, as the option WithHeader sends
// it. What the option refuses, Next refuses.
func (r *Request) WithHeader(name, value string) *Request {
	changed := *r
	if r.err == nil {
		changed.header, changed.err = addHeaders(r.header, http.Header{name: {value}}, r.scrub)
	}
	return &changed
}

// WithParameter returns a copy of the request with a parameter, as the option
// WithParameter adds it. What the option refuses, Next refuses.
func (r *Request) WithParameter(name string, value any) *Request {
	changed := *r
	switch {
	case r.err != nil:
	case r.attempt > 0:
		changed.err = invalid("WithParameter", "comes too late: the request of an attempt is complete")
	default:
		var content payload
		content, changed.err = r.payload.Reveal().add(r.row, []parameter{{name, value}})
		changed.payload = secret.Hide(content)
	}
	return &changed
}

// passable says why next cannot go on with a request.
func (r *Request) passable(row *action.Row) error {
	switch {
	case r == nil || r.row != row:
		return invalid("request", "is not the one that the middleware was given, or a copy of it")
	case r.err != nil:
		return r.err
	}
	return nil
}

// passageKey marks the contexts that a middleware is given, so that next can tell
// whether its context is made of one.
type passageKey struct{}

func checkPassage(ctx context.Context, passage any) error {
	if ctx == nil || ctx.Value(passageKey{}) != passage {
		return invalid("ctx", "is not derived from the one that the middleware was given")
	}
	return nil
}

// chainMiddlewares puts middlewares around the innermost next.
func chainMiddlewares(middlewares []Middleware, innermost Next) Next {
	next := innermost
	for _, middleware := range slices.Backward(middlewares) {
		inner := next
		next = func(ctx context.Context, request *Request) (*Response, error) { return middleware(ctx, request, inner) }
	}
	return next
}

// attemptPassage is one attempt on its way through the middlewares around it.
type attemptPassage[T any] struct {
	journey *journey[T]
	number  int
	cancel  context.CancelFunc

	// mutex is held while next makes the attempt.
	mutex       sync.Mutex
	made, ended bool
	// body is the answer's, and shown the one without the key that middlewares see.
	body, shown []byte
	reply       exchange.Reply
	became      attempt.Outcome
	err         error
}

var errNextOnce = errors.New("a middleware called next again within one attempt; nothing was sent for that")

// sendThrough is send with the middlewares around it.
func (j *journey[T]) sendThrough(ctx context.Context, cancel context.CancelFunc, number int) (exchange.Reply, attempt.Outcome, error) {
	core := j.core
	p := &attemptPassage[T]{journey: j, number: number, cancel: cancel}
	defer p.end()
	first := &Request{
		row: j.row, attempt: number, payload: secret.Hide(payload{query: j.query, body: j.body}), header: j.header, scrub: core.scrub,
	}
	response, err := chainMiddlewares(core.config.attemptMiddlewares, p.next)(context.WithValue(ctx, passageKey{}, p), first)
	p.end()
	if err == nil && response != nil {
		return exchange.Reply{Status: response.Status, Header: response.Header, Body: p.bodyOf(response)}, attempt.Unknown, nil
	}
	if err == nil {
		err = errNoAnswer
	}
	if errors.Is(err, p.err) {
		return p.reply, p.became, err
	}
	return exchange.Reply{}, p.outcome(err), err
}

// outcome is what became of the attempt if the middlewares returned an error of theirs.
func (p *attemptPassage[T]) outcome(err error) attempt.Outcome {
	if p.made && p.became != attempt.NotSent {
		return attempt.Unknown
	}
	op, ok := errors.AsType[*OpError](err)
	switch {
	case !ok:
		return attempt.NotSent
	case op.Outcome <= OutcomeAccepted:
		// It was sent by other means, or not at all.
		return attempt.Outcome(op.Outcome)
	}
	return attempt.Unknown
}

// end ends what is under way when the middlewares have returned, and waits for it.
func (p *attemptPassage[T]) end() {
	if !p.mutex.TryLock() {
		p.cancel()
		p.mutex.Lock()
	}
	p.ended = true
	p.mutex.Unlock()
}

// next is the innermost next: it makes the attempt.
func (p *attemptPassage[T]) next(ctx context.Context, request *Request) (*Response, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	j := p.journey
	err := checkPassage(ctx, p)
	if err == nil {
		err = request.passable(j.row)
	}
	switch {
	case err != nil:
		return nil, err
	case p.ended:
		return nil, errPassageEnded
	case p.made:
		return nil, errNextOnce
	}
	p.made = true
	j.header = request.header
	reply, became, err := j.send(ctx, p.cancel, p.number)
	if err != nil {
		// Errors of transports hold the address, in their texts or behind pointers.
		clean := cleanError(err, j.core.scrub)
		p.err = chain(clean.Error(), clean)
		// What came of the answer is looked at by those who judge the error.
		p.reply, p.became = reply, became
		return nil, p.err
	}
	defer reply.Release()
	response := kept(&reply, j.core.scrub)
	p.body, p.shown = response.Body, j.core.scrub.Bytes(response.Body)
	if !bytes.Equal(p.shown, p.body) {
		// A middleware may change in place what it is shown.
		response.Body = bytes.Clone(p.shown)
	}
	return &response, nil
}

// bodyOf is the body that a middleware returned. One that it left as it was counts as it
// came: a key that is a usual word, as those of emulators are, may be part of a name.
func (p *attemptPassage[T]) bodyOf(response *Response) []byte {
	if bytes.Equal(response.Body, p.shown) {
		return p.body
	}
	return response.Body
}
