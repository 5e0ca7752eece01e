package salebottest

import (
	"context"
	"testing"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/check"
)

// Assertions report a failure of the test that shows what there is instead, let
// the test go on, and return whether they held.

func holds(tb testing.TB, failure string) bool {
	tb.Helper()
	if failure != "" {
		tb.Errorf("%s", failure)
	}
	return failure == ""
}

// AssertMessage checks that a person got a message with exactly this text.
func (e *Emulator) AssertMessage(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	return holds(tb, check.Message(e.engine, client, text))
}

// AssertNoMessages checks that a person got no message at all.
func (e *Emulator) AssertNoMessages(tb testing.TB, client salebot.ClientID) bool {
	tb.Helper()
	return holds(tb, check.NoMessages(e.engine, client))
}

// AssertButton checks that a button with this text is under a message that a
// person got.
func (e *Emulator) AssertButton(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	return holds(tb, check.Button(e.engine, client, text))
}

// AssertCallback checks that the flow of a client got a callback with exactly
// this text.
func (e *Emulator) AssertCallback(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	return holds(tb, check.Callback(e.engine, client, text))
}

// AssertNoCallbacks checks that the flow of a client got no callback.
func (e *Emulator) AssertNoCallbacks(tb testing.TB, client salebot.ClientID) bool {
	tb.Helper()
	return holds(tb, check.NoCallbacks(e.engine, client))
}

// AssertVariable checks the value of a variable. The name is that which
// save_variables takes: with the prefix "client." a variable of the client,
// without it one of the deal.
func (e *Emulator) AssertVariable(tb testing.TB, client salebot.ClientID, name, value string) bool {
	tb.Helper()
	return holds(tb, check.Variable(e.engine, client, name, value))
}

// AssertCalls checks how many requests came for an action, those that failed and
// the repetitions included.
func (e *Emulator) AssertCalls(tb testing.TB, action string, times int) bool {
	tb.Helper()
	return holds(tb, check.Calls(e.engine, action, times))
}

// AssertScheduled checks that a message or a callback with exactly this text
// waits for its time.
func (e *Emulator) AssertScheduled(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	return holds(tb, check.Scheduled(e.engine, client, text))
}

// WaitForMessage waits until a person got a message that matches, and returns the
// first of them; messages that came before count too. A nil match takes any.
func (e *Emulator) WaitForMessage(ctx context.Context, client salebot.ClientID, match func(Message) bool) (Message, error) {
	found, err := e.engine.WaitForMessage(ctx, client, func(m engine.Message) bool { return match == nil || match(messageOf(m)) })
	return messageOf(found), prefixed(err)
}

// WaitForCalls waits until that many requests have come for an action.
func (e *Emulator) WaitForCalls(ctx context.Context, action string, times int) error {
	return prefixed(e.engine.WaitForCalls(ctx, action, times))
}

// WaitForDeliveries waits until nothing is on its way to the webhook.
func (e *Emulator) WaitForDeliveries(ctx context.Context) error {
	return prefixed(e.engine.WaitForDeliveries(ctx))
}
