package salebottest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/salebot-go/salebot"
)

// Assertions report a failure of the test that shows what there is instead, let
// the test go on, and return whether they held.

// AssertMessage checks that a person got a message with exactly this text.
func (e *Emulator) AssertMessage(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	var lines []string
	for _, m := range e.conversation(client, func(m *message) bool { return !m.fromClient }) {
		line := strconv.Quote(m.Text)
		switch {
		case m.Error != "":
			line += ", but it was not delivered: " + m.Error
		case m.Text == text:
			return true
		}
		lines = append(lines, line)
	}
	for _, s := range e.Scheduled() {
		if s.ClientID == client && !s.Callback {
			lines = append(lines, fmt.Sprintf("%q, but only at %v", s.Text, s.Due))
		}
	}
	tb.Errorf("client %d did not get the message %q.%s", client, text, e.instead(client, "It got", lines))
	return false
}

// AssertNoMessages checks that a person got no message at all.
func (e *Emulator) AssertNoMessages(tb testing.TB, client salebot.ClientID) bool {
	tb.Helper()
	messages := e.Messages(client)
	if len(messages) == 0 {
		return true
	}
	tb.Errorf("client %d should have got no message.%s", client, listed("It got", texts(messages)))
	return false
}

// AssertButton checks that a button with this text is under a message that a
// person got.
func (e *Emulator) AssertButton(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	var captions []string
	for _, m := range e.Messages(client) {
		for _, b := range m.Buttons {
			if b.Text == text {
				return true
			}
			captions = append(captions, strconv.Quote(b.Text))
		}
	}
	tb.Errorf("client %d did not get the button %q.%s", client, text, e.instead(client, "It got", captions))
	return false
}

// AssertCallback checks that the flow of a client got a callback with exactly
// this text.
func (e *Emulator) AssertCallback(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	var got []string
	for _, callback := range e.Callbacks(client) {
		if callback.Text == text {
			return true
		}
		got = append(got, strconv.Quote(callback.Text))
	}
	tb.Errorf("client %d did not get the callback %q.%s", client, text, e.instead(client, "It got", got))
	return false
}

// AssertNoCallbacks checks that the flow of a client got no callback.
func (e *Emulator) AssertNoCallbacks(tb testing.TB, client salebot.ClientID) bool {
	tb.Helper()
	var got []string
	for _, callback := range e.Callbacks(client) {
		got = append(got, strconv.Quote(callback.Text))
	}
	if len(got) == 0 {
		return true
	}
	tb.Errorf("client %d should have got no callback.%s", client, listed("It got", got))
	return false
}

// AssertVariable checks the value of a variable. The name is that which
// save_variables takes: with the prefix "client." a variable of the client,
// without it one of the deal.
func (e *Emulator) AssertVariable(tb testing.TB, client salebot.ClientID, name, value string) bool {
	tb.Helper()
	all := e.Variables(client)
	if got, known := all[name]; known && got == value {
		return true
	}
	var lines []string
	for _, known := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, fmt.Sprintf("%s = %q", known, all[known]))
	}
	tb.Errorf("client %d does not have the variable %s = %q.%s", client, name, value, e.instead(client, "It has", lines))
	return false
}

// AssertCalls checks how many requests came for an action, those that failed and
// the repetitions included.
func (e *Emulator) AssertCalls(tb testing.TB, action string, times int) bool {
	tb.Helper()
	if routes[action].handle == nil {
		tb.Errorf("%q is no action, so no request can come for it; there are %s", action, strings.Join(Actions(), ", "))
		return false
	}
	calls := e.Calls(action)
	if calls == times {
		return true
	}
	all := e.allCalls()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, fmt.Sprintf("%s: %d", name, all[name]))
	}
	tb.Errorf("%d requests for %s came instead of %d.%s", calls, action, times, listed("All requests", lines))
	return false
}

// AssertScheduled checks that a message or a callback with exactly this text
// waits for its time.
func (e *Emulator) AssertScheduled(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	var lines []string
	for _, s := range e.Scheduled() {
		if s.ClientID == client && s.Text == text {
			return true
		}
		lines = append(lines, fmt.Sprintf("%q to client %d at %v", s.Text, s.ClientID, s.Due))
	}
	tb.Errorf("%q to client %d is not scheduled.%s", text, client, listed("Scheduled", lines))
	return false
}

// instead lists what a client has, or says that there is none.
func (e *Emulator) instead(client salebot.ClientID, heading string, lines []string) string {
	if _, ok := e.LookupPerson(client); !ok {
		var ids []string
		for _, known := range e.People() {
			ids = append(ids, strconv.FormatInt(int64(known.ID), 10))
		}
		return " There is no such client." + listed("Clients", ids)
	}
	return listed(heading, lines)
}

const mostLines = 20

// listed puts each line on its own.
func listed(heading string, lines []string) string {
	if len(lines) == 0 {
		return " " + heading + ": nothing."
	}
	rest := ""
	if len(lines) > mostLines {
		rest = fmt.Sprintf("\n\t… and %d before", len(lines)-mostLines)
		lines = lines[len(lines)-mostLines:]
	}
	return " " + heading + ":" + rest + "\n\t" + strings.Join(lines, "\n\t")
}

func texts(messages []Message) []string {
	lines := make([]string, len(messages))
	for i, m := range messages {
		lines[i] = strconv.Quote(m.Text)
	}
	return lines
}

// WaitForMessage waits until a person got a message that matches, and returns the
// first of them; messages that came before count too. A nil match takes any.
func (e *Emulator) WaitForMessage(ctx context.Context, client salebot.ClientID, match func(Message) bool) (Message, error) {
	var found Message
	err := e.wait(ctx, func() bool {
		for _, m := range e.Messages(client) {
			if match == nil || match(m) {
				found = m
				return true
			}
		}
		return false
	})
	if err != nil {
		return Message{}, fmt.Errorf("salebottest: client %d got no such message: %w", client, err)
	}
	return found, nil
}

// WaitForCalls waits until that many requests have come for an action.
func (e *Emulator) WaitForCalls(ctx context.Context, action string, times int) error {
	if err := e.wait(ctx, func() bool { return e.Calls(action) >= times }); err != nil {
		return fmt.Errorf("salebottest: %d requests for %s came, not %d: %w", e.Calls(action), action, times, err)
	}
	return nil
}

// WaitForDeliveries waits until nothing is on its way to the webhook.
func (e *Emulator) WaitForDeliveries(ctx context.Context) error {
	err := e.wait(ctx, func() bool {
		return !slices.ContainsFunc(e.Deliveries(), func(d Delivery) bool { return d.Pending })
	})
	if err != nil {
		return fmt.Errorf("salebottest: deliveries are still under way: %w", err)
	}
	return nil
}
