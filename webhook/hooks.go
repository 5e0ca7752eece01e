package webhook

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/salebot-go/salebot"
)

// Hook observes the steps of a Handler. Any function may be nil. All may be called from
// many goroutines at once. A panic of a hook is logged.
type Hook struct {
	// Before is called before each step and returns the context to use for it, for
	// example one with a span. If it returns nil, the context stays as it is. The
	// context of a StepHandle is the one that the handler's function gets.
	Before func(ctx context.Context, step Step) context.Context
	// Keeping is called in a StepReceive before its event is put into the inbox, with the
	// context of Before, so that what is told of a StepHandle can be brought together with
	// what was told here: the event may be handled before the StepReceive is over. The
	// event may be a repetition. For an event of CatchUp, which has no StepReceive, the
	// context is that of CatchUp.
	Keeping func(ctx context.Context, step Step)
	// After is called after each step, with the context of Before.
	After func(ctx context.Context, step Step)
}

// WithHook adds a hook. It can be given several times; the hooks nest in that order.
func WithHook(hook Hook) Option {
	return func(c *config) error {
		if hook.Before == nil && hook.Keeping == nil && hook.After == nil {
			return badOption("WithHook", "the hook is empty")
		}
		c.hooks = append(c.hooks, hook)
		return nil
	}
}

// Step describes something that a Handler does. It never holds a secret, an address or a
// body.
type Step struct {
	// Kind says what the handler does.
	Kind StepKind
	// Endpoint is the name under which the inbox keeps the handler's events.
	Endpoint string
	// ClientID and MessageID are those of the event; 0 if it has none. A StepReceive has
	// them as soon as its body is decoded.
	ClientID  salebot.ClientID
	MessageID salebot.MessageID
	// Sequence is the number under which the inbox keeps the event; 0 for a StepReceive.
	Sequence int64
	// Attempt counts the attempts of a StepHandle from 1; 0 for other steps.
	Attempt int
	// Waited is the time between the acceptance of the event and a StepHandle.
	Waited time.Duration

	// The rest is known after the step.

	// BodySize is the size of the body in bytes. A StepHandle has it before, too.
	BodySize int
	// Status is the HTTP status of the answer; 0 for a StepHandle.
	Status int
	// Result says what came of the step.
	Result Result
	// Unread names the fields of the event that came in an unknown form; see
	// Event.Unread.
	Unread []string
	// Duration is how long the step took.
	Duration time.Duration
	// Err is why the step failed; nil if it did not.
	Err error
}

// StepKind is a kind of Step. The zero value is StepReceive.
type StepKind uint8

const (
	// StepReceive is a POST, from its headers to its answer.
	StepReceive StepKind = iota
	// StepHealth is a GET or HEAD, which is answered with the health.
	StepHealth
	// StepHandle is an attempt to handle an event.
	StepHandle
)

// String returns the kind in lower case.
func (k StepKind) String() string {
	switch k {
	case StepReceive:
		return "receive"
	case StepHealth:
		return "health"
	case StepHandle:
		return "handle"
	}
	return "step " + strconv.Itoa(int(k))
}

// Result says what came of a Step. The zero value is ResultUnknown.
type Result uint8

const (
	// ResultUnknown is the result of a step that is not over, and of a StepHealth.
	ResultUnknown Result = iota
	// ResultKept says that the event is in the inbox.
	ResultKept
	// ResultDuplicate says that the inbox had the event already.
	ResultDuplicate
	// ResultUnwanted says that the event was acknowledged and forgotten, since the options say
	// that the function is not to get it.
	ResultUnwanted
	// ResultNotUnderstood says that the event is in the inbox, but nothing in it says in a known
	// way who wrote it. It becomes a dead letter; see ErrNotUnderstood.
	ResultNotUnderstood
	// ResultRefused says that the answer was not 200.
	ResultRefused
	// ResultDone says that the event was handled.
	ResultDone
	// ResultRetry says that the event was not handled and will be tried again.
	ResultRetry
	// ResultDeadLetter says that the event was not handled and becomes a dead letter.
	ResultDeadLetter
)

var resultNames = [...]string{"unknown", "kept", "duplicate", "unwanted", "not understood", "refused", "done", "retry", "dead letter"}

// String returns the result in words.
func (r Result) String() string {
	if int(r) < len(resultNames) {
		return resultNames[r]
	}
	return "result " + strconv.Itoa(int(r))
}

// before calls the hooks in their order.
func (c *config) before(ctx context.Context, step Step) context.Context {
	for _, hook := range c.hooks {
		if hook.Before == nil {
			continue
		}
		c.guard(ctx, func() {
			if changed := hook.Before(ctx, step); changed != nil {
				ctx = changed
			}
		})
	}
	return ctx
}

// keeping tells the hooks about an event that is put into the inbox.
func (c *config) keeping(ctx context.Context, event *Event) {
	for _, hook := range c.hooks {
		if hook.Keeping != nil {
			c.guard(ctx, func() {
				hook.Keeping(ctx, Step{Endpoint: c.endpoint, ClientID: event.Client.ID, MessageID: event.ID, BodySize: len(event.raw), Unread: event.Unread})
			})
		}
	}
}

// after calls the hooks in reverse, so that they nest.
func (c *config) after(ctx context.Context, step Step) {
	for _, hook := range slices.Backward(c.hooks) {
		if hook.After != nil {
			c.guard(ctx, func() { hook.After(ctx, step) })
		}
	}
}

// guard keeps the panic of a function that only observes from costing an event or the
// process.
func (c *config) guard(ctx context.Context, hook func()) {
	defer func() {
		if value := recover(); value != nil {
			c.logger.LogAttrs(ctx, slog.LevelError, "webhook hook panicked", slog.Any("panic", value))
		}
	}()
	hook()
}
