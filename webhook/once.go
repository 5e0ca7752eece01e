package webhook

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/once"
)

// WithRunOnce makes each event a piece of work of the client's ledger, so that a person
// does not get an answer twice. An event can reach the function more than once: after a
// failure, and after a crash of the process. A call of the function that was accepted
// before is not made again, but returns what it returned first. A call whose outcome is
// not known is looked for in the client's history, and otherwise fails without being
// made. The event is then tried again, since the history may show the call later, and
// becomes a dead letter with its last attempt. So it does if the function hides the
// unknown outcome and returns nil.
//
// The name, such as "answering bot", tells the handler from others with the same
// ledger; it must stay the same. The function must pass its context on to its calls,
// and make them with this client or a variant of it. When it runs again, it must make
// the same calls. A call whose words may differ then, such as an answer that a model
// writes, needs a name: see salebot.WithStep. Otherwise the error is
// salebot.ErrWorkChanged and the event becomes a dead letter at once. So does an event
// that is older than what the ledger remembers. See salebot.Client.RunOnce.
//
// What the ledger knows of an event is forgotten when the inbox has committed it, and
// kept with a dead letter. To be sure of that order after a loss of power, too, keep
// the ledger in the file of the inbox, or have the inbox flush what it commits.
func WithRunOnce(client *salebot.Client, name string) Option {
	return func(c *config) error {
		const option = "WithRunOnce"
		switch {
		case client == nil:
			return badOption(option, "the client is nil")
		case strings.TrimSpace(name) == "":
			return badOption(option, "the name is empty")
		}
		c.work = &eventWork{client: client, name: name}
		return nil
	}
}

// eventWork makes events pieces of work.
type eventWork struct {
	client *salebot.Client
	name   string
}

// check reports whether the client has a ledger that can be used. It asks for
// something that no event is called, so that a handler which could not handle any
// event is refused at once.
func (w *eventWork) check(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := w.client.ForgetWork(once.WithKind(ctx, once.KindEvent), salebot.Work{Name: w.name, Key: "check"}); err != nil {
		return fmt.Errorf("webhook: WithRunOnce: %w", err)
	}
	return nil
}

// of names an event as the inbox knows it: by the number of its message, and otherwise
// by its place and its body.
func (w *eventWork) of(entry *Entry, sequence int64) salebot.Work {
	key := fmt.Sprintf("message %d %t %s", entry.MessageID, entry.Failed, entry.Endpoint)
	if entry.MessageID == 0 {
		key = fmt.Sprintf("event %d %x %s", sequence, sha256.Sum256([]byte(entry.Body)), entry.Endpoint)
	}
	return salebot.Work{Name: w.name, Key: key, Since: entry.AcceptedAt}
}

// run calls the function with an event.
func (h *Handler) run(ctx context.Context, delivery *Delivery, event *Event) error {
	if h.work == nil {
		return h.fn(ctx, event)
	}
	return h.work.client.RunOnce(once.WithKind(ctx, once.KindEvent), h.work.of(&delivery.Entry, delivery.Sequence), func(ctx context.Context) error {
		return h.fn(ctx, event)
	})
}

// forget removes what the ledger knows of an event that is committed.
func (h *Handler) forget(ctx context.Context, delivery *Delivery) {
	if h.work == nil {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.putTimeout)
	defer cancel()
	err := h.work.client.ForgetWork(once.WithKind(limited, once.KindEvent), h.work.of(&delivery.Entry, delivery.Sequence))
	if err != nil {
		// It does no harm, and goes when its time is over.
		h.logger.LogAttrs(ctx, slog.LevelWarn, "webhook event is still in the ledger", slog.Int64("sequence", delivery.Sequence), slog.Any("error", err))
	}
}

// mayRepeat reports whether another attempt may do something twice. unknown says that
// calls of the function, as far as it handed its context on, may have been executed.
func (h *Handler) mayRepeat(failure error, unknown, delayed bool) bool {
	var call *salebot.OpError
	harmless := errors.As(failure, &call) && call.Class == salebot.Idempotent
	told := errors.Is(failure, salebot.ErrOutcomeUnknown) && !harmless
	if h.work != nil {
		// The ledger keeps them from being made twice, unless it never saw them.
		return told && !unknown && !errors.Is(failure, salebot.ErrInProgress)
	}
	// Who asks for another attempt found out what happened.
	return !h.repeatUnknown && (told || unknown && !delayed)
}
