package salebot

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// Buttons are the buttons of a message, line by line. The zero value has none.
type Buttons struct {
	// Hint is shown in messengers that have no buttons, such as WhatsApp.
	Hint string
	// Lines are the buttons from top to bottom, and in each line from left to
	// right. Buttons in the message (inline) and on the keyboard (all others)
	// cannot be mixed.
	Lines [][]Button
}

// Button is one button; make it with ReplyButton and its siblings. The zero
// value is refused.
type Button struct {
	kind    string
	text    string
	url     string
	webApp  string
	color   string
	oneTime bool
	// opens says that the button needs an address.
	opens bool
}

const (
	replyButton    = "reply"
	inlineButton   = "inline"
	locationButton = "location"
	phoneButton    = "phone"
	webAppButton   = "web_app"
)

// ReplyButton is a button on the keyboard that answers with its text.
func ReplyButton(text string) Button { return Button{kind: replyButton, text: text} }

// InlineButton is a button in the message that answers with its text.
func InlineButton(text string) Button { return Button{kind: inlineButton, text: text} }

// URLButton is a button in the message that opens an address.
func URLButton(text, address string) Button {
	return Button{kind: inlineButton, text: text, url: address, opens: true}
}

// LocationButton is a button on the keyboard that sends the person's place.
func LocationButton(text string) Button { return Button{kind: locationButton, text: text} }

// PhoneButton is a button on the keyboard that sends the person's phone number.
func PhoneButton(text string) Button { return Button{kind: phoneButton, text: text} }

// WebAppButton is a button on the keyboard that opens a Telegram Web App.
func WebAppButton(text, address string) Button {
	return Button{kind: webAppButton, text: text, webApp: address, opens: true}
}

// InlineWebAppButton is a button in the message that opens a Telegram Web App.
func InlineWebAppButton(text, address string) Button {
	return Button{kind: inlineButton, text: text, webApp: address, opens: true}
}

// WithColor returns the button in a color, for VK and Viber; its values are
// not documented.
func (b Button) WithColor(color string) Button {
	b.color = color
	return b
}

// Persistent returns the button with the mark that keeps VK from removing the
// keyboard once it was used; for reply buttons only. The API calls it one_time.
func (b Button) Persistent() Button {
	b.oneTime = true
	return b
}

func (b Button) inline() bool { return b.kind == inlineButton }

func (b Buttons) isZero() bool { return b.Hint == "" && len(b.Lines) == 0 }

// put adds the documented object.
func (b Buttons) put(o *wire.Object) error {
	if b.isZero() {
		return nil
	}
	list := []byte{'['}
	var first Button
	for line, buttons := range b.Lines {
		if len(buttons) == 0 {
			return invalid(buttonLine(line), "has no buttons")
		}
		for place, button := range buttons {
			field := buttonLine(line) + "[" + strconv.Itoa(place) + "]"
			if err := button.check(field); err != nil {
				return err
			}
			if len(list) == 1 {
				first = button
			} else {
				list = append(list, ',')
			}
			if button.inline() != first.inline() {
				return invalid(field, "mixes buttons in the message with buttons on the keyboard")
			}
			list = append(list, button.encode(line, place)...)
		}
	}
	if len(list) == 1 {
		return invalid("Buttons.Lines", "is empty")
	}
	var object wire.Object
	putText(&object, "hint", b.Hint)
	object.Raw("buttons", append(list, ']'))
	o.Raw("buttons", object.Bytes())
	return nil
}

func buttonLine(line int) string { return "Buttons.Lines[" + strconv.Itoa(line) + "]" }

func (b Button) check(field string) error {
	switch {
	case b.kind == "":
		return invalid(field, "is the zero Button: make it with ReplyButton or its siblings")
	case strings.TrimSpace(b.text) == "":
		return invalid(field, "has no text")
	case strings.Contains(b.text, `"`):
		return invalid(field, "has a double quote in its text, which Salebot cannot take")
	case b.oneTime && b.kind != replyButton:
		return invalid(field, "is persistent, which only reply buttons can be")
	}
	if b.opens {
		return checkAddress(field, b.url+b.webApp)
	}
	return nil
}

// checkAddress checks an address that a messenger has to open by itself.
func checkAddress(field, address string) error {
	parsed, err := url.Parse(address)
	// Links such as tel: and tg: have no host.
	needsHost := err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https")
	if err != nil || parsed.Scheme == "" || parsed.Host == "" && (needsHost || parsed.Opaque == "") || strings.ContainsAny(address, " \t\r\n") {
		return invalid(field, "needs a whole URL, such as https://example.com/page")
	}
	return nil
}

func (b Button) encode(line, place int) []byte {
	var o wire.Object
	o.Text("type", b.kind)
	o.Text("text", b.text)
	o.Int("line", int64(line))
	o.Int("index_in_line", int64(place))
	putText(&o, "url", b.url)
	putText(&o, "web_app", b.webApp)
	putText(&o, "color", b.color)
	if b.oneTime {
		o.Int("one_time", 1)
	}
	return o.Bytes()
}
