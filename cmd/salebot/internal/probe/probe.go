// Package probe finds out by asking which of the SDK's assumptions about Salebot hold for a
// project. It is made of steps, of which each asks one thing (steps_*.go), of
// observations, which hold the shape of an answer and no value of it (shape.go), of what
// they say about the settings of the emulator's answers (settings.go), and of a comparison
// with an emulator that is asked the same (compare.go).
package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
)

// Part is a part of a probe that can be asked for.
type Part string

// The parts. Reads are always asked.
const (
	Reads    Part = "reads"
	Writes   Part = "writes"
	Message  Part = "message"
	List     Part = "list"
	Deal     Part = "deal"
	Refusals Part = "refusals"
	Limit    Part = "limit"
	Webhook  Part = "webhook"
)

// Connect makes a client of the project; an empty key means the project's own.
type Connect func(key string, options ...salebot.Option) (*salebot.Client, error)

// Clock is where the time comes from.
type Clock interface {
	Now() time.Time
	// Sleep waits; it returns false if the context ended before.
	Sleep(ctx context.Context, wait time.Duration) bool
}

// Options say what is asked besides reads.
type Options struct {
	// Client is the client whom writes are about; 0 means that nothing is written.
	Client salebot.ClientID
	// Message is a text that is sent to the client, who sees it; "" sends none.
	Message string
	// List is a client list that the client is added to and removed from; 0 for none.
	List salebot.ListID
	// Deal lets a deal of the client be made.
	Deal bool
	// Refusals lets be asked what Salebot has to refuse.
	Refusals bool
	// Limit is the most requests that are made to meet the limit of requests; 0 for none.
	Limit int
	// HistoryWait is how long it is waited until a callback is in the history.
	HistoryWait time.Duration
	// Webhook is what the project's webhook leads to; nil if nothing is asked about it.
	Webhook *Receiver
	// WebhookWait is how long it is waited for a delivery.
	WebhookWait time.Duration
	// Progress is told each step before it is asked.
	Progress func(step string)
}

// DefaultHistoryWait is how long it is waited until a callback is in the history.
const DefaultHistoryWait = 20 * time.Second

// parts are the parts that are asked for.
func (o *Options) parts() []Part {
	parts := []Part{Reads}
	for _, one := range []struct {
		part   Part
		wanted bool
	}{
		{Writes, o.Client != 0},
		{Message, o.Client != 0 && o.Message != ""},
		{List, o.Client != 0 && o.List != 0},
		{Deal, o.Client != 0 && o.Deal},
		{Refusals, o.Refusals},
		{Limit, o.Limit > 0},
		{Webhook, o.Client != 0 && o.Webhook != nil},
	} {
		if one.wanted {
			parts = append(parts, one.part)
		}
	}
	return parts
}

// step is one thing that is asked.
type step struct {
	// name tells the step from others; that of its action if that is enough.
	name   string
	action string
	part   Part
	// plan says for a person what is sent, if it is more than a read.
	plan string
	// requests is the most requests that it makes; 0 means 1.
	requests int
	// lacks says why the step cannot be asked; "" if it can. It may be nil.
	lacks func(r *run) string
	// ask asks.
	ask func(ctx context.Context, r *run) error
	// refused says that a refusal may be the answer, mustFail that nothing else may be.
	refused, mustFail bool
	// asked are the names that a refusal may repeat.
	asked []string
}

// steps are all steps in the order in which they are asked.
func steps() []step {
	return slices.Concat(channelSteps, clientSteps, lookupSteps, orderSteps, subscriberSteps, writeSteps, callbackSteps, dealSteps, webhookSteps, refusalSteps, limitSteps)
}

// run is a probe under way.
type run struct {
	options  Options
	connect  Connect
	clock    Clock
	client   *salebot.Client
	recorder *recorder
	about    subject
	findings map[string]finding
	unread   int
	report   *Report
	notAsked map[string]string
	observed map[string][]Observation
}

// Run asks. If it ends early by the context, the report is of what was asked until then.
func Run(ctx context.Context, connect Connect, clock Clock, options Options) (*Report, error) {
	r, err := ask(ctx, connect, clock, options)
	if r == nil {
		return nil, err
	}
	r.summarize()
	if failed := r.compareWithEmulators(context.WithoutCancel(ctx)); failed != nil {
		return nil, failed
	}
	return r.report, err
}

// ask makes all steps.
func ask(ctx context.Context, connect Connect, clock Clock, options Options) (*run, error) {
	options.HistoryWait = cmp.Or(options.HistoryWait, DefaultHistoryWait)
	options.WebhookWait = cmp.Or(options.WebhookWait, DefaultWebhookWait)
	r := &run{
		options: options, connect: connect, clock: clock, recorder: &recorder{now: clock.Now}, findings: map[string]finding{},
		report: newReport(options.parts()), notAsked: map[string]string{}, observed: map[string][]Observation{},
	}
	client, err := r.newClient("")
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	defer func() { r.report.Requests = r.recorder.requests }()
	r.client = client
	for _, s := range steps() {
		if err := ctx.Err(); err != nil {
			r.report.Notes = append(r.report.Notes, "It was ended early; the rest was not asked.")
			return r, err
		}
		if !slices.Contains(r.report.Parts, s.part) {
			continue
		}
		if reason := s.missing(r); reason != "" {
			r.skip(s, reason)
			continue
		}
		if err := r.take(ctx, s); err != nil && r.isHopeless() {
			return nil, err
		}
	}
	return r, nil
}

// missing says why a step cannot be asked.
func (s *step) missing(r *run) string {
	if s.lacks == nil {
		return ""
	}
	return s.lacks(r)
}

func (r *run) skip(s step, reason string) {
	if r.notAsked[s.action] == "" {
		r.notAsked[s.action] = reason
	}
}

// newClient makes a client whose answers are recorded.
func (r *run) newClient(key string, options ...salebot.Option) (*salebot.Client, error) {
	count := salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) { r.unread = a.UnreadFields }})
	return r.connect(key, append([]salebot.Option{salebot.WithAttemptMiddleware(r.recorder.middleware), count}, options...)...)
}

// take makes a step and observes what came. It returns the error of the step.
func (r *run) take(ctx context.Context, s step) error {
	if r.options.Progress != nil {
		r.options.Progress(s.name)
	}
	r.recorder.take()
	r.unread = 0
	err := s.ask(ctx, r)
	exchanges := r.recorder.take()
	if len(exchanges) == 0 {
		r.skip(s, "the SDK did not send it: "+classOf(err))
		return err
	}
	o := observe(s, exchanges, err)
	o.SDK.UnreadFields = r.unread
	r.learn(s, &o, exchanges[len(exchanges)-1])
	if s.part == Refusals || s.part == Limit {
		r.report.Refusals = append(r.report.Refusals, o)
		return err
	}
	r.observed[s.action] = append(r.observed[s.action], o)
	return err
}

// observe describes the last of some exchanges.
func observe(s step, exchanges []exchange, err error) Observation {
	last := exchanges[len(exchanges)-1]
	row := action.Lookup(s.action)
	o := Observation{
		Step: s.name, Action: s.action, Status: last.status, ContentType: contentTypeOf(last.header), Headers: headerNames(last.header),
		Milliseconds: last.took.Milliseconds(), Attempts: len(exchanges), SDK: verdictOf(s, err), failed: err != nil,
	}
	o.Body = shapeOf(last.body, reading{
		free: row != nil && row.Answer == action.Flat && err == nil, failure: err != nil, asked: s.asked,
	})
	if last.status == http.StatusTooManyRequests {
		o.RetryAfter = retryAfterOf(last.header)
	}
	if last.status == 0 {
		o.Body = Shape{}
	}
	return o
}

// verdictOf says how the SDK understood an answer.
func verdictOf(s step, err error) Verdict {
	v := Verdict{Error: classOf(err)}
	_, noAnswer := errors.AsType[*salebot.TransportError](err)
	switch {
	case err == nil && s.mustFail:
		v.Error = "taken for a success"
	case err == nil:
		v.Understood = true
	case noAnswer:
	case s.mustFail, errors.Is(err, salebot.ErrNotFound), errors.Is(err, salebot.ErrForbidden), errors.Is(err, salebot.ErrUnauthorized),
		errors.Is(err, salebot.ErrRateLimited):
		v.Understood = true
	case errors.Is(err, salebot.ErrRejected):
		v.Understood = s.refused
	}
	return v
}

// classOf is the class of an error, without its text.
func classOf(err error) string {
	for _, class := range []struct {
		err  error
		name string
	}{
		{nil, ""},
		{salebot.ErrClientNotFound, "client not found"},
		{salebot.ErrOrderNotFound, "deal not found"},
		{salebot.ErrNotFound, "not found"},
		{salebot.ErrUnauthorized, "unauthorized"},
		{salebot.ErrForbidden, "forbidden"},
		{salebot.ErrRateLimited, "rate limited"},
		{salebot.ErrUnexpectedResponse, "unexpected response"},
		{salebot.ErrServer, "failure of the server"},
		{salebot.ErrRejected, "rejected"},
		{salebot.ErrInvalidRequest, "invalid request"},
		{context.Canceled, "ended"},
		{context.DeadlineExceeded, "no answer in time"},
	} {
		if err == class.err || class.err != nil && errors.Is(err, class.err) { //nolint:errorlint // nil is compared with nil
			return class.name
		}
	}
	if _, transport := errors.AsType[*salebot.TransportError](err); transport {
		return "no answer"
	}
	return "another error"
}

// isHopeless reports whether the first step shows that there is no use in going on:
// Salebot does not answer, or refuses the key.
func (r *run) isHopeless() bool {
	if len(r.observed) > 1 {
		return false
	}
	for _, observations := range r.observed {
		first := observations[0]
		return first.Status == 0 || first.SDK.Error == "unauthorized"
	}
	return false
}

// summarize sorts what was observed by actions.
func (r *run) summarize() {
	for _, row := range action.All() {
		a := Action{Name: row.Name, Evidence: row.Evidence.String(), Observations: r.observed[row.Name]}
		if len(a.Observations) == 0 {
			a.NotAsked = r.reason(row.Name)
		}
		r.report.Actions = append(r.report.Actions, a)
	}
	r.report.Settings = r.settings()
}

// reason says why an action was not asked.
func (r *run) reason(name string) string {
	if reason := r.notAsked[name]; reason != "" {
		return reason
	}
	if reason := neverAsked[name]; reason != "" {
		return reason
	}
	for _, s := range steps() {
		if s.action == name {
			return "it was not asked for: " + flagOf(s.part)
		}
	}
	return "no step asks it"
}

// neverAsked are the actions that no step asks, and why.
var neverAsked = map[string]string{
	"broadcast":      "it reaches many people",
	"delete_clients": "what is deleted does not come back",
	"clear_history":  "what is deleted does not come back",
	"assign_to_user": "it hands a conversation to an employee",
}

// flagOf is the flag with which a part is asked for.
func flagOf(part Part) string {
	switch part {
	case Writes:
		return "--client ID"
	case Message:
		return "--client ID --message TEXT"
	case List:
		return "--client ID --list NUMBER"
	case Deal:
		return "--client ID --deal"
	case Refusals:
		return "--refusals"
	case Limit:
		return "--limit NUMBER"
	case Webhook:
		return "--client ID --webhook ADDRESS"
	case Reads:
	}
	return "always"
}

// Request is a request of a plan.
type Request struct {
	// Part is the part that it belongs to.
	Part Part
	// What says what is sent.
	What string
	// Most is the most requests that this is.
	Most int
}

// Plan lists what is sent besides reads, for a person who has to agree.
func Plan(options Options) []Request {
	var plan []Request
	parts := options.parts()
	for _, s := range steps() {
		if s.part == Reads || !slices.Contains(parts, s.part) || s.plan == "" {
			continue
		}
		most := max(s.requests, 1)
		if s.part == Limit {
			most = options.Limit
		}
		plan = append(plan, Request{Part: s.part, What: fmt.Sprintf("%s: %s", s.name, s.plan), Most: most})
	}
	return plan
}
