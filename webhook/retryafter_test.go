package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/webhook"
)

// An event whose handling Salebot refused for its pace waits as long as Salebot
// asked for, also beyond the longest wait of the policy.
func TestRetryAfterOfTheAPIIsWaitedFor(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		start, calls := time.Now(), []time.Duration{}
		fn := func(context.Context, *webhook.Event) error {
			calls = append(calls, time.Since(start))
			if len(calls) > 1 {
				return nil
			}
			return &salebot.OpError{Action: "message", Class: salebot.Once, Outcome: salebot.OutcomeRejected, Err: &salebot.APIError{Status: 429, RetryAfter: 10 * time.Minute}}
		}
		handler := newHandler(t, fn, webhook.WithoutSecret(),
			webhook.WithRetryPolicy(webhook.RetryPolicy{BaseDelay: time.Second, MaxDelay: time.Minute}))
		accepted(t, handler, message(1, 1, "Hello"))
		if err := handler.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(calls) != 2 || calls[0] != 0 || calls[1] < 10*time.Minute || calls[1] > 11*time.Minute {
			t.Errorf("called at %v, want at once and after 10 minutes", calls)
		}
	})
}

// A senseless Retry-After does not hold a client's messages forever.
func TestRetryAfterIsBounded(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		start, calls := time.Now(), []time.Duration{}
		handler := newHandler(t, func(context.Context, *webhook.Event) error {
			calls = append(calls, time.Since(start))
			if len(calls) > 1 {
				return nil
			}
			return &salebot.APIError{Status: 429, RetryAfter: 365 * 24 * time.Hour}
		}, webhook.WithoutSecret())
		accepted(t, handler, message(1, 1, "Hello"))
		shutdown(t, handler)
		if len(calls) != 2 || calls[1] > time.Hour {
			t.Errorf("called at %v, want again within an hour", calls)
		}
	})
}

// With the defaults the attempts last for an outage of most of an hour.
func TestDefaultRetriesLastAnHour(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		start, last := time.Now(), time.Duration(0)
		handler := newHandler(t, func(context.Context, *webhook.Event) error {
			last = time.Since(start)
			return errors.New("down")
		}, webhook.WithoutSecret())
		accepted(t, handler, message(1, 1, "Hello"))
		shutdown(t, handler)
		if last < 45*time.Minute || last > 90*time.Minute {
			t.Errorf("the last attempt came after %v", last)
		}
	})
}

// An event whose handling may have sent something is not handled again by itself.
func TestUnknownOutcomeIsNotRepeated(t *testing.T) {
	t.Parallel()
	unknown := func(class salebot.SafetyClass) error {
		return fmt.Errorf("answering: %w", &salebot.OpError{Action: "message", Class: class, Outcome: salebot.OutcomeUnknown, Err: errors.New("reset")})
	}
	for name, test := range map[string]struct {
		err     error
		options []webhook.Option
		calls   int
	}{
		"a message":         {unknown(salebot.Once), nil, 1},
		"wanted":            {unknown(salebot.Once), []webhook.Option{webhook.WithRepeatUnknown()}, 3},
		"harmless":          {unknown(salebot.Idempotent), nil, 3},
		"a failed look-up":  {unknown(salebot.Read), nil, 3},
		"an error of hands": {errors.New("database"), nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				calls := 0
				inbox := newMemoryInbox(t)
				handler := newHandler(t, func(context.Context, *webhook.Event) error {
					calls++
					return test.err
				}, append(test.options, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 3}))...)
				accepted(t, handler, message(1, 1, "Hello"))
				shutdown(t, handler)
				counts, err := inbox.Counts(t.Context(), handler.Endpoint())
				if calls != test.calls || counts.Dead != 1 || err != nil {
					t.Errorf("%d calls, %+v, %v; want %d calls and a dead letter", calls, counts, err, test.calls)
				}
			})
		})
	}
}
