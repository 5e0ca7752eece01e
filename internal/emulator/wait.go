package emulator

import (
	"context"
	"fmt"
	"slices"

	"github.com/salebot-go/salebot"
)

// WaitForMessage waits until a person got a message that matches, and returns the
// first of them; messages that came before count too. A nil match takes any.
func (e *Emulator) WaitForMessage(ctx context.Context, client salebot.ClientID, match func(Message) bool) (Message, error) {
	var found Message
	err := e.Wait(ctx, func() bool {
		for _, m := range e.Messages(client) {
			if match == nil || match(m) {
				found = m
				return true
			}
		}
		return false
	})
	if err != nil {
		return Message{}, fmt.Errorf("client %d got no such message: %w", client, err)
	}
	return found, nil
}

// WaitForCalls waits until that many requests have come for an action.
func (e *Emulator) WaitForCalls(ctx context.Context, action string, times int) error {
	if err := e.Wait(ctx, func() bool { return e.Calls(action) >= times }); err != nil {
		return fmt.Errorf("%d requests for %s came, not %d: %w", e.Calls(action), action, times, err)
	}
	return nil
}

// WaitForDeliveries waits until nothing is on its way to the webhook.
func (e *Emulator) WaitForDeliveries(ctx context.Context) error {
	err := e.Wait(ctx, func() bool {
		return !slices.ContainsFunc(e.Deliveries(), func(d Delivery) bool { return d.Pending })
	})
	if err != nil {
		return fmt.Errorf("deliveries are still under way: %w", err)
	}
	return nil
}
