// Package check compares what an emulator holds with what a test expects. A check
// returns "" if it holds, and otherwise a text that shows what there is instead.
package check

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/emulator"
)

// Message checks that a person got a message with exactly this text.
func Message(e *emulator.Emulator, client salebot.ClientID, text string) string {
	var lines []string
	for _, m := range e.History(client) {
		if m.FromClient {
			continue
		}
		line := strconv.Quote(m.Text)
		switch {
		case m.Error != "":
			line += ", but it was not delivered: " + m.Error
		case m.Text == text:
			return ""
		}
		lines = append(lines, line)
	}
	for _, s := range e.Scheduled() {
		if s.ClientID == client && !s.Callback {
			lines = append(lines, fmt.Sprintf("%q, but only at %v", s.Text, s.Due))
		}
	}
	return fmt.Sprintf("client %d did not get the message %q.%s", client, text, instead(e, client, "It got", lines))
}

// NoMessages checks that a person got no message at all.
func NoMessages(e *emulator.Emulator, client salebot.ClientID) string {
	messages := e.Messages(client)
	if len(messages) == 0 {
		return ""
	}
	return fmt.Sprintf("client %d should have got no message.%s", client, listed("It got", texts(messages)))
}

// Button checks that a button with this text is under a message that a
// person got.
func Button(e *emulator.Emulator, client salebot.ClientID, text string) string {
	var captions []string
	for _, m := range e.Messages(client) {
		for _, b := range m.Buttons {
			if b.Text == text {
				return ""
			}
			captions = append(captions, strconv.Quote(b.Text))
		}
	}
	return fmt.Sprintf("client %d did not get the button %q.%s", client, text, instead(e, client, "It got", captions))
}

// Callback checks that the flow of a client got a callback with exactly
// this text.
func Callback(e *emulator.Emulator, client salebot.ClientID, text string) string {
	var got []string
	for _, callback := range e.Callbacks(client) {
		if callback.Text == text {
			return ""
		}
		got = append(got, strconv.Quote(callback.Text))
	}
	return fmt.Sprintf("client %d did not get the callback %q.%s", client, text, instead(e, client, "It got", got))
}

// NoCallbacks checks that the flow of a client got no callback.
func NoCallbacks(e *emulator.Emulator, client salebot.ClientID) string {
	var got []string
	for _, callback := range e.Callbacks(client) {
		got = append(got, strconv.Quote(callback.Text))
	}
	if len(got) == 0 {
		return ""
	}
	return fmt.Sprintf("client %d should have got no callback.%s", client, listed("It got", got))
}

// Variable checks the value of a variable. The name is that which
// save_variables takes: with the prefix "client." a variable of the client,
// without it one of the deal.
func Variable(e *emulator.Emulator, client salebot.ClientID, name, value string) string {
	all := e.Variables(client)
	if got, known := all[name]; known && got == value {
		return ""
	}
	var lines []string
	for _, known := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, fmt.Sprintf("%s = %q", known, all[known]))
	}
	return fmt.Sprintf("client %d does not have the variable %s = %q.%s", client, name, value, instead(e, client, "It has", lines))
}

// Calls checks how many requests came for an action, those that failed and
// the repetitions included.
func Calls(e *emulator.Emulator, action string, times int) string {
	if !slices.Contains(emulator.Actions(), action) {
		return fmt.Sprintf("%q is no action, so no request can come for it; there are %s", action, strings.Join(emulator.Actions(), ", "))
	}
	calls := e.Calls(action)
	if calls == times {
		return ""
	}
	all := e.AllCalls()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, fmt.Sprintf("%s: %d", name, all[name]))
	}
	return fmt.Sprintf("%d requests for %s came instead of %d.%s", calls, action, times, listed("All requests", lines))
}

// Scheduled checks that a message or a callback with exactly this text
// waits for its time.
func Scheduled(e *emulator.Emulator, client salebot.ClientID, text string) string {
	var lines []string
	for _, s := range e.Scheduled() {
		if s.ClientID == client && s.Text == text {
			return ""
		}
		lines = append(lines, fmt.Sprintf("%q to client %d at %v", s.Text, s.ClientID, s.Due))
	}
	return fmt.Sprintf("%q to client %d is not scheduled.%s", text, client, listed("Scheduled", lines))
}

// instead lists what a client has, or says that there is none.
func instead(e *emulator.Emulator, client salebot.ClientID, heading string, lines []string) string {
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

func texts(messages []emulator.Message) []string {
	lines := make([]string, len(messages))
	for i, m := range messages {
		lines[i] = strconv.Quote(m.Text)
	}
	return lines
}
