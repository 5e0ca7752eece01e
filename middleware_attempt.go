package salebot

import (
	"context"
	"errors"
	"sync"

	"github.com/salebot-go/salebot/internal/exchange"
	"github.com/salebot-go/salebot/internal/secret"
)

// attemptPassage is one attempt on its way through the middlewares around it.
type attemptPassage[T any] struct {
	journey *journey[T]
	number  int
	cancel  context.CancelFunc

	// mutex is held while next makes the attempt.
	mutex       sync.Mutex
	made, ended bool
	reply       exchange.Reply
	notSent     bool
	err         error
}

var errNextOnce = errors.New("a middleware called next again within one attempt; nothing was sent for that")

// sendThrough is send with the middlewares around it.
func (j *journey[T]) sendThrough(ctx context.Context, cancel context.CancelFunc, number int) (exchange.Reply, bool, error) {
	core := j.core
	p := &attemptPassage[T]{journey: j, number: number, cancel: cancel}
	defer p.end()
	first := &Request{
		row: j.row, attempt: number, payload: secret.Hide(payload{query: j.query, body: j.body}), header: j.header, scrub: core.scrub,
	}
	response, err := chainMiddlewares(core.config.attemptMiddlewares, p.next)(context.WithValue(ctx, passageKey{}, p), first)
	p.end()
	if err == nil && response != nil {
		return exchange.Reply{Status: response.Status, Header: response.Header, Body: response.Body}, false, nil
	}
	if err == nil {
		err = errNoAnswer
	}
	if p.err != nil && errors.Is(err, p.err) {
		return p.reply, p.notSent, err
	}
	notSent := !p.made || p.err != nil && p.notSent
	if op, ok := errors.AsType[*OpError](err); ok && op.Outcome != OutcomeNotSent {
		// It was sent by other means.
		notSent = false
	}
	return exchange.Reply{}, notSent, err
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
	reply, notSent, err := j.send(ctx, p.cancel, p.number)
	if err != nil {
		// Errors of transports hold the address, in their texts or behind pointers.
		clean := cleanError(err, j.core.scrub)
		p.err = chain(clean.Error(), clean)
		// What came of the answer is looked at by those who judge the error.
		p.reply, p.notSent = reply, notSent
		return nil, p.err
	}
	defer reply.Release()
	response := kept(&reply, j.core.scrub)
	response.Body = j.core.scrub.Bytes(response.Body)
	return &response, nil
}
