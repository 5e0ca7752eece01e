package salebot

import (
	"context"
	"errors"
	"sync"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/exchange"
	"github.com/salebot-go/salebot/internal/secret"
)

// callPassage is one call on its way through the middlewares around it.
type callPassage[T any] struct {
	call preparedCall[T]

	// mutex is held while next makes the call, one at a time.
	mutex sync.Mutex
	made  []madeCall[T]

	// ending ends what is under way when the middlewares have returned.
	state  sync.Mutex
	ended  bool
	cancel context.CancelFunc
}

// madeCall is what became of one call of next.
type madeCall[T any] struct {
	response *Response
	// unchanged is the response as it was given away.
	unchanged Response
	result    T
	err       error
}

var (
	errPassageEnded = errors.New("next was called after the middleware had returned")
	errNoAnswer     = errors.New("a middleware returned neither an answer nor an error")
	errNotTwice     = errors.New("a middleware called next again, although the request may have been executed; nothing was sent now")
)

// throughMiddlewares makes a call through the middlewares around it, within one time for
// all that they do.
func throughMiddlewares[T any](ctx context.Context, call preparedCall[T]) (T, error) {
	if deadline := call.deadline(ctx); !deadline.IsZero() {
		bounded := *call.settings
		bounded.timeoutGiven = false
		if first := call.settings.first; first != nil {
			// The call has its own time after the step.
			deadline, bounded.timeoutGiven = deadline.Add(first.longest), true
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
		call.settings = &bounded
	}
	p := &callPassage[T]{call: call}
	return p.run(ctx)
}

func (p *callPassage[T]) run(ctx context.Context) (T, error) {
	defer p.end()
	core := p.call.client.core
	first := &Request{row: p.call.row, payload: secret.Hide(p.call.request), header: p.call.settings.header, scrub: core.scrub}
	next := chainMiddlewares(core.config.middlewares, p.next)
	response, err := next(context.WithValue(ctx, passageKey{}, p), first)
	p.end()
	switch {
	case err != nil:
		return p.failed(err)
	case response == nil:
		return p.failed(errNoAnswer)
	}
	for i := range p.made {
		if made := &p.made[i]; made.response == response && made.err == nil && made.isUnchanged() {
			return made.result, nil
		}
	}
	return p.judged(response)
}

// end ends what is under way and waits for it.
func (p *callPassage[T]) end() {
	p.state.Lock()
	p.ended = true
	if p.cancel != nil {
		p.cancel()
	}
	p.state.Unlock()
	p.mutex.Lock()
	p.mutex.Unlock() //nolint:gocritic,staticcheck // whoever holds it is waited for
}

// begin returns the context of a call of next, unless it comes too late.
func (p *callPassage[T]) begin(ctx context.Context) (context.Context, error) {
	p.state.Lock()
	defer p.state.Unlock()
	if p.ended {
		return ctx, errPassageEnded
	}
	ctx, p.cancel = context.WithCancel(ctx) //nolint:gosec // next calls it
	return ctx, nil
}

// next is the innermost next: it makes the call.
func (p *callPassage[T]) next(ctx context.Context, request *Request) (*Response, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err := checkPassage(ctx, p); err != nil {
		return nil, notSent(p.call.row.Name, err)
	}
	if err := request.passable(p.call.row); err != nil {
		return nil, notSent(p.call.row.Name, err)
	}
	if outcome := p.outcome(); p.call.row.Class == action.Once && (outcome == OutcomeUnknown || outcome == OutcomeAccepted) {
		return nil, p.failure(outcome, errNotTwice)
	}
	ctx, err := p.begin(ctx)
	if err != nil {
		return nil, p.failure(p.outcome(), err)
	}
	defer p.cancel()
	call, s := p.call, *p.call.settings
	s.header = request.header
	var answer Response
	call.settings, call.request, call.answer = &s, request.payload.Reveal(), &answer
	var made madeCall[T]
	made.result, made.err = call.make(ctx)
	if answer.Status != 0 {
		answer.Body = call.client.core.scrub.Bytes(answer.Body)
		made.response, made.unchanged = &answer, answer
	}
	p.made = append(p.made, made)
	return made.response, made.err
}

// isUnchanged reports whether a response is still what next returned.
func (m *madeCall[T]) isUnchanged() bool {
	now, then := m.response, &m.unchanged
	return now.Status == then.Status && len(now.Body) == len(then.Body) && (len(now.Body) == 0 || &now.Body[0] == &then.Body[0])
}

// outcome is what the calls of next came to together: nothing was sent if there was
// none.
func (p *callPassage[T]) outcome() Outcome {
	outcome := OutcomeNotSent
	for i := range p.made {
		latest := OutcomeAccepted
		if op, ok := errors.AsType[*OpError](p.made[i].err); ok {
			latest = op.Outcome
		}
		outcome = p.combine(outcome, latest)
	}
	return outcome
}

// combine sums up outcomes of one request: what is unknown stays unknown unless it was
// accepted. Of a read the latest tells all.
func (p *callPassage[T]) combine(before, latest Outcome) Outcome {
	switch {
	case p.call.row.Class == action.Read, before == OutcomeNotSent, latest == OutcomeAccepted:
		return latest
	case before == OutcomeUnknown, before == OutcomeAccepted, latest == OutcomeNotSent:
		return before
	}
	return latest
}

// failed is the end of the call with an error that a middleware returned.
func (p *callPassage[T]) failed(err error) (none T, _ error) {
	outcome := p.outcome()
	op, isOp := errors.AsType[*OpError](err)
	for i := range p.made {
		made := &p.made[i]
		if !isOp || made.err != error(op) { //nolint:errorlint // this very error
			continue
		}
		if op.Outcome == OutcomeAccepted {
			none = made.result
		}
		if err == error(op) && outcome == op.Outcome { //nolint:errorlint // this very error
			return none, err
		}
		return none, p.failure(outcome, err)
	}
	switch {
	case isOp:
		// It was sent by other means.
		outcome = p.combine(outcome, op.Outcome)
	case outcome == OutcomeAccepted:
		// The answer is lost, and nobody else could say what it was.
		outcome = OutcomeUnknown
	}
	return none, p.failure(outcome, err)
}

func (p *callPassage[T]) failure(outcome Outcome, err error) *OpError {
	if p.call.row.Class == action.Read && outcome == OutcomeUnknown {
		outcome = OutcomeFailed
	}
	e := &OpError{Action: p.call.row.Name, Class: SafetyClass(p.call.row.Class), Outcome: outcome, Err: cleanError(err, p.call.client.core.scrub)}
	for i := range p.made {
		if op, ok := errors.AsType[*OpError](p.made[i].err); ok {
			e.Attempts += op.Attempts
		} else {
			e.Attempts++
		}
	}
	return e
}

// judged is the end of the call with an answer of a middleware.
func (p *callPassage[T]) judged(response *Response) (none T, _ error) {
	scrub := p.call.client.core.scrub
	j := &journey[T]{core: p.call.client.core, settings: p.call.settings, row: p.call.row, decode: p.call.decode}
	reply := exchange.Reply{Status: response.Status, Header: response.Header, Body: response.Body}
	keep(j.settings.responses, &reply, scrub)
	verdict := j.sorted(&reply)
	if verdict.Err == nil {
		return j.result, nil
	}
	outcome := outcomeOf(j.row.Class, verdict.Outcome)
	if len(p.made) > 0 {
		outcome = p.combine(p.outcome(), outcome)
	}
	if outcome == OutcomeAccepted {
		none = j.result
	}
	return none, p.failure(outcome, verdict.Err)
}
