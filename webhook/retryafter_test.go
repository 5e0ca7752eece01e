package webhook_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// An event whose handling Salebot refused for its pace waits as long as Salebot
// asked for, also beyond the longest wait of the policy.
func TestRetryAfterOfTheAPIIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, calls := time.Now(), []time.Duration{}
		fn := func(context.Context, *webhook.Event) error {
			calls = append(calls, time.Since(start))
			if len(calls) > 1 {
				return nil
			}
			return &salebot.OpError{Action: "message", Err: &salebot.APIError{Status: 429, RetryAfter: 10 * time.Minute}}
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
