package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// ann is a person of the emulator.
const ann = salebot.ClientID(25554)

// errOwnWords is a failure that says nothing about the calls before it.
var errOwnWords = errors.New("in words of its own")

// countingLedger counts what is forgotten.
type countingLedger struct {
	*ledger.Memory
	forgotten atomic.Int64
}

func (l *countingLedger) Forget(ctx context.Context, keys ...ledger.Digest) error {
	l.forgotten.Add(1)
	return l.Memory.Forget(ctx, keys...)
}

// bot is a handler of an emulator's client that has a ledger.
type bot struct {
	emulator *salebottest.Emulator
	client   *salebot.Client
	ledger   *countingLedger
	inbox    *webhook.MemoryInbox
	handler  *webhook.Handler
}

// answerer is the function of a bot.
type answerer func(ctx context.Context, client *salebot.Client, event *webhook.Event) error

// newBot makes a bot; once reports whether its events are pieces of work.
func newBot(t *testing.T, once bool, fn answerer, opts ...webhook.Option) *bot {
	t.Helper()
	b := &bot{emulator: salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann})), inbox: newMemoryInbox(t)}
	memory, err := ledger.NewMemory(ledger.WithRetention(retention))
	if err != nil {
		t.Fatal(err)
	}
	b.ledger = &countingLedger{Memory: memory}
	b.client = b.emulator.Client(t, salebot.WithLedger(b.ledger, "shop"))
	opts = append(opts, webhook.WithoutSecret(), webhook.WithInbox(b.inbox))
	if once {
		opts = append(opts, webhook.WithRunOnce(b.client, "answering bot"))
	}
	b.handler = newHandler(t, func(ctx context.Context, event *webhook.Event) error { return fn(ctx, b.client, event) }, opts...)
	b.ledger.forgotten.Store(0) // New has asked
	return b
}

// retention is how long the ledger of a bot remembers.
const retention = 30 * 24 * time.Hour

// check asserts how many messages the person got, how many events became dead letters,
// and how many the ledger forgot.
func (b *bot) check(t *testing.T, messages, dead, forgotten int) {
	t.Helper()
	if got := len(b.emulator.Messages(ann)); got != messages {
		t.Errorf("the person got %d messages, want %d", got, messages)
	}
	counts, err := b.inbox.Counts(t.Context(), b.handler.Endpoint())
	if err != nil || counts != (webhook.Counts{Dead: dead}) {
		t.Errorf("%+v, %v; want %d dead letters", counts, err, dead)
	}
	if got := int(b.ledger.forgotten.Load()); got != forgotten {
		t.Errorf("the ledger forgot %d events, want %d", got, forgotten)
	}
}

// reason is why the one dead letter became one.
func (b *bot) reason(t *testing.T) (reason string, attempts int) {
	t.Helper()
	for letter, err := range b.inbox.DeadLetters(t.Context(), b.handler.Endpoint()) {
		if err != nil {
			t.Fatal(err)
		}
		reason, attempts = letter.Reason, letter.Attempts
	}
	return reason, attempts
}

// send sends a text to the one who wrote.
func send(ctx context.Context, client *salebot.Client, event *webhook.Event, text string, opts ...salebot.CallOption) error {
	_, err := client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: text}, opts...)
	return err
}

// TestAnEventThatRunsAgainSendsNothingTwice fails after the first of two messages.
func TestAnEventThatRunsAgainSendsNothingTwice(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		b := newBot(t, true, func(ctx context.Context, client *salebot.Client, event *webhook.Event) error {
			if err := send(ctx, client, event, "one"); err != nil {
				return err
			}
			switch event.Attempt {
			case 1:
				return errOwnWords
			case 2:
				panic(errOwnWords)
			}
			return send(ctx, client, event, "two")
		})
		accepted(t, b.handler, message(ann, 1, "Hello"))
		accepted(t, b.handler, message(ann, 2, "Hello"))
		shutdown(t, b.handler)
		b.check(t, 4, 0, 2)
	})
}

// executedFault carries the next message out and answers by an error.
func executedFault() salebottest.Fault {
	return salebottest.Fault{Action: "message", Status: http.StatusBadGateway, Execute: true}
}

// TestAnUnknownOutcomeIsLookedForAndNotRepeated tries the event again; the history tells
// that the message was sent.
func TestAnUnknownOutcomeIsLookedForAndNotRepeated(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		b := newBot(t, true, func(ctx context.Context, client *salebot.Client, event *webhook.Event) error {
			// An answer tells the time by Salebot's clock, from which the search begins.
			if _, err := client.GetVariables(ctx, event.Client.ID); err != nil {
				return err
			}
			return send(ctx, client, event, "one")
		})
		b.emulator.Fail(executedFault())
		accepted(t, b.handler, message(ann, 1, "Hello"))
		shutdown(t, b.handler)
		b.check(t, 1, 0, 1)
	})
}

// TestAnUnknownOutcomeIsNotHidden has functions that return no error although a message
// may have been sent. With a ledger the event is not done; without one the function is
// believed.
func TestAnUnknownOutcomeIsNotHidden(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		once            bool
		look            bool
		dead, forgotten int
	}{
		"found in the history": {once: true, look: true, forgotten: 1},
		"cannot be told":       {once: true, dead: 1},
		"without a ledger":     {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				b := newBot(t, test.once, func(ctx context.Context, client *salebot.Client, event *webhook.Event) error {
					if test.look {
						// See TestAnUnknownOutcomeIsLookedForAndNotRepeated.
						if _, err := client.GetVariables(ctx, event.Client.ID); err != nil {
							return err
						}
					}
					_ = send(ctx, client, event, "one")
					return nil
				}, webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 3}))
				b.emulator.Fail(executedFault())
				accepted(t, b.handler, message(ann, 1, "Hello"))
				shutdown(t, b.handler)
				b.check(t, 1, test.dead, test.forgotten)
				if reason, attempts := b.reason(t); test.dead > 0 && (attempts != 3 || !strings.Contains(reason, "returned no error")) {
					t.Errorf("after %d attempts: %s", attempts, reason)
				}
			})
		})
	}
}

// TestAnUnknownOutcomeThatCannotBeToldIsNotRepeated ends as a dead letter, whose records
// are kept: redriving it sends nothing either.
func TestAnUnknownOutcomeThatCannotBeToldIsNotRepeated(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		b := newBot(t, true, func(ctx context.Context, client *salebot.Client, event *webhook.Event) error {
			if err := send(ctx, client, event, "one"); err != nil {
				return errOwnWords
			}
			return nil
		}, webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 3}))
		b.emulator.Fail(executedFault())
		accepted(t, b.handler, message(ann, 1, "Hello"))
		if err := b.handler.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if reason, attempts := b.reason(t); attempts != 3 || !strings.Contains(reason, errOwnWords.Error()) {
			t.Errorf("a dead letter after %d attempts: %s", attempts, reason)
		}
		if _, err := b.handler.Redrive(t.Context(), webhook.AllDeadLetters); err != nil {
			t.Fatal(err)
		}
		shutdown(t, b.handler)
		b.check(t, 1, 1, 0)
	})
}

// TestTheCallsOfAnEventSayWhatItCameTo is about handlers without a ledger: an error that
// hides an unknown outcome.
func TestTheCallsOfAnEventSayWhatItCameTo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		failure        func() error
		opts           []webhook.Option
		messages, dead int
	}{
		"hidden":        {func() error { return errOwnWords }, nil, 1, 1},
		"panic":         {func() error { panic(errOwnWords) }, nil, 1, 1},
		"asks for more": {func() error { return webhook.RetryAfter(errOwnWords, time.Second) }, nil, 2, 0},
		"may repeat":    {func() error { return errOwnWords }, []webhook.Option{webhook.WithRepeatUnknown()}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				b := newBot(t, false, func(ctx context.Context, client *salebot.Client, event *webhook.Event) error {
					if send(ctx, client, event, "one") != nil {
						return test.failure()
					}
					return nil
				}, test.opts...)
				b.emulator.Fail(executedFault())
				accepted(t, b.handler, message(ann, 1, "Hello"))
				shutdown(t, b.handler)
				b.check(t, test.messages, test.dead, 0)
			})
		})
	}
}

// TestAnEventThatChangedItsWordsSendsNothing has words that differ when it runs again.
func TestAnEventThatChangedItsWordsSendsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts           []salebot.CallOption
		dead, attempts int
		reason         string
	}{
		"without a name": {nil, 1, 2, strings.TrimPrefix(salebot.ErrWorkChanged.Error(), "salebot: ")},
		"with a name":    {[]salebot.CallOption{salebot.WithStep("answer")}, 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				b := newBot(t, true, func(ctx context.Context, client *salebot.Client, event *webhook.Event) error {
					if err := send(ctx, client, event, fmt.Sprintf("words %d", event.Attempt), test.opts...); err != nil || event.Attempt > 1 {
						return err
					}
					return errOwnWords
				})
				accepted(t, b.handler, message(ann, 1, "Hello"))
				shutdown(t, b.handler)
				b.check(t, 1, test.dead, 1-test.dead)
				if reason, attempts := b.reason(t); attempts != test.attempts || !strings.Contains(reason, test.reason) {
					t.Errorf("after %d attempts: %q", attempts, reason)
				}
			})
		})
	}
}

// TestACallOutsideOfItsEventIsNotRepeated uses another context, so that the ledger does
// not see the call.
func TestACallOutsideOfItsEventIsNotRepeated(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		b := newBot(t, true, func(_ context.Context, client *salebot.Client, event *webhook.Event) error {
			return send(context.Background(), client, event, "one")
		})
		b.emulator.Fail(executedFault())
		accepted(t, b.handler, message(ann, 1, "Hello"))
		shutdown(t, b.handler)
		b.check(t, 1, 1, 0)
	})
}

// TestEventsDoNotMeetOtherWork has a function that asks for work of the same name.
func TestEventsDoNotMeetOtherWork(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		own := salebot.Work{Name: "answering bot", Key: "welcome"}
		b := newBot(t, true, func(ctx context.Context, client *salebot.Client, event *webhook.Event) error {
			return client.RunOnce(ctx, own, func(ctx context.Context) error { return send(ctx, client, event, "Welcome") })
		})
		accepted(t, b.handler, message(ann, 1, "Hello"))
		accepted(t, b.handler, message(ann, 2, "Hello"))
		shutdown(t, b.handler)
		b.check(t, 1, 0, 2)
		if err := b.client.RunOnce(t.Context(), own, func(context.Context) error { return errOwnWords }); err != nil {
			t.Errorf("the function's own work is not known outside: %v", err)
		}
	})
}

// TestAnEventOlderThanTheLedgerIsADeadLetter has an event that waited for too long.
func TestAnEventOlderThanTheLedgerIsADeadLetter(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		b := newBot(t, true, func(ctx context.Context, client *salebot.Client, event *webhook.Event) error {
			return send(ctx, client, event, "one")
		})
		old := webhook.Entry{
			Endpoint: b.handler.Endpoint(), ClientID: ann, MessageID: 1, Body: message(ann, 1, "Hello"), AcceptedAt: time.Now().Add(-retention - time.Hour),
		}
		if _, err := b.inbox.Put(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		shutdown(t, b.handler)
		b.check(t, 0, 1, 0)
		if reason, attempts := b.reason(t); attempts != 1 || !strings.Contains(reason, strings.TrimPrefix(salebot.ErrWorkTooOld.Error(), "salebot: ")) {
			t.Errorf("after %d attempts: %q", attempts, reason)
		}
	})
}

// TestEventsWithoutANumberAreTold has two that are alike.
func TestEventsWithoutANumberAreTold(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		b := newBot(t, true, func(ctx context.Context, client *salebot.Client, event *webhook.Event) error {
			return send(ctx, client, event, "one")
		})
		for range 2 {
			accepted(t, b.handler, strings.Replace(message(ann, 1, "Hello"), `"id":1,`, "", 1))
		}
		shutdown(t, b.handler)
		b.check(t, 2, 0, 2)
	})
}

func TestWithRunOnceIsChecked(t *testing.T) {
	t.Parallel()
	b := newBot(t, false, func(context.Context, *salebot.Client, *webhook.Event) error { return nil })
	other, err := b.client.With(salebot.WithLedger(b.ledger, "another shop"))
	if err != nil {
		t.Fatal(err)
	}
	bound := webhook.WithRunOnce(b.client, "bot")
	newHandler(t, ignore, webhook.WithoutSecret(), bound)
	for name, test := range map[string]struct {
		opts []webhook.Option
		want string
	}{
		"no client":       {[]webhook.Option{webhook.WithRunOnce(nil, "bot")}, "the client is nil"},
		"no name":         {[]webhook.Option{webhook.WithRunOnce(b.client, " ")}, "the name is empty"},
		"no ledger":       {[]webhook.Option{webhook.WithRunOnce(b.emulator.Client(t), "bot")}, "WithLedger"},
		"two rules":       {[]webhook.Option{bound, webhook.WithRepeatUnknown()}, "WithRepeatUnknown"},
		"another project": {[]webhook.Option{webhook.WithRunOnce(other, "bot")}, ledger.ErrOtherProject.Error()},
	} {
		_, err := webhook.New(ignore, append(test.opts, webhook.WithoutSecret())...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
