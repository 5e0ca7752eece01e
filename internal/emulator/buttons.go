package emulator

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/wire"
)

// Button is a button as the person sees it.
type Button struct {
	// Text is the caption.
	Text string `json:"text"`
	// Type is the kind of button: "reply", "inline", "location", "phone",
	// "web_app". Programs may leave it out, which means "reply".
	Type string `json:"type,omitempty"`
	// URL is the address that the button opens.
	URL string `json:"url,omitempty"`
	// WebApp is the address of the web app that the button opens.
	WebApp string `json:"web_app,omitempty"`
	// Color is the color, in words of the messenger.
	Color string `json:"color,omitempty"`
	// Line and IndexInLine are the place of the button, from 0.
	Line        int `json:"line"`
	IndexInLine int `json:"index_in_line"`
	// OneTime is the mark of that name.
	OneTime bool `json:"one_time,omitempty"`
}

var errButtons = errors.New("the buttons were not understood")

// readButtons reads buttons as programs send them: the documented object or a
// bare list, both also as text.
func readButtons(value json.RawMessage) (hint string, buttons []Button, err error) {
	value = request.Unfolded(value)
	if value == nil {
		return "", nil, nil
	}
	if value[0] == '{' {
		var wrapped struct {
			Hint    wire.String     `json:"hint"`
			Buttons json.RawMessage `json:"buttons"`
		}
		if json.Unmarshal(value, &wrapped) != nil {
			return "", nil, errButtons
		}
		hint = string(wrapped.Hint)
		value = request.Unfolded(wrapped.Buttons)
		if request.IsUnset(value) {
			return hint, nil, nil
		}
	}
	if value[0] != '[' {
		return hint, nil, errButtons
	}
	buttons, err = readButtonList(value)
	return hint, buttons, err
}

func readButtonList(list json.RawMessage) ([]Button, error) {
	var wired []struct {
		Text        wire.String     `json:"text"`
		Type        wire.String     `json:"type"`
		URL         wire.String     `json:"url"`
		WebApp      wire.String     `json:"web_app"`
		Color       wire.String     `json:"color"`
		Line        json.RawMessage `json:"line"`
		IndexInLine json.RawMessage `json:"index_in_line"`
		OneTime     json.RawMessage `json:"one_time"`
	}
	if json.Unmarshal(list, &wired) != nil {
		return nil, errButtons
	}
	buttons := make([]Button, 0, len(wired))
	for place, t := range wired {
		if t.Text == "" {
			return nil, errButtons
		}
		b := Button{
			Text: string(t.Text), Type: string(t.Type), URL: string(t.URL), WebApp: string(t.WebApp), Color: string(t.Color),
			Line: place, IndexInLine: int(request.IDOf(t.IndexInLine)),
		}
		// Buttons without a line stand one under another.
		if !request.IsUnset(t.Line) {
			b.Line = int(request.IDOf(t.Line))
		}
		if b.Type == "" {
			b.Type = "reply"
		}
		b.OneTime, _, _ = wire.Flag(t.OneTime)
		buttons = append(buttons, b)
	}
	slices.SortStableFunc(buttons, func(a, b Button) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.IndexInLine - b.IndexInLine
	})
	return buttons, nil
}

// mixed reports whether buttons are of both kinds, which Salebot does not take.
func mixed(buttons []Button) bool {
	return slices.ContainsFunc(buttons, func(b Button) bool { return (b.Type == "inline") != (buttons[0].Type == "inline") })
}
