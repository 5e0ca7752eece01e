package webhook_test

import (
	"context"
	"testing"

	"github.com/salebot-go/salebot/webhook"
)

// TestDeliveryFrom checks that the context of a function tells which delivery it is
// called with, and no other context does.
func TestDeliveryFrom(t *testing.T) {
	t.Parallel()
	if _, _, ok := webhook.DeliveryFrom(t.Context()); ok {
		t.Error("a context that is not a function's has a delivery")
	}
	inbox := newMemoryInbox(t)
	type got struct {
		inbox    webhook.Inbox
		delivery webhook.Delivery
		ok       bool
	}
	calls := make(chan got, 1)
	handler := newHandler(t, func(ctx context.Context, _ *webhook.Event) error {
		inbox, delivery, ok := webhook.DeliveryFrom(ctx)
		calls <- got{inbox, delivery, ok}
		return nil
	}, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithEndpoint("shop"))
	accepted(t, handler, message(7, 1, "hello"))
	g := <-calls
	if !g.ok || g.inbox != webhook.Inbox(inbox) || g.delivery.Endpoint != "shop" || g.delivery.ClientID != 7 || g.delivery.Attempt != 1 || g.delivery.Lease == 0 {
		t.Errorf("%+v", g)
	}
}
