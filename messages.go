package salebot

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/wire"
)

// MessageRequest sends a message to a client. It needs a text, a block or an
// attachment.
type MessageRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// Message is the text.
	Message string
	// BlockID is a block of the flow to send instead; it may move the client into
	// that block. The API calls it message_id.
	BlockID BlockID
	// AttachmentType says how the file is shown; it goes with AttachmentURL.
	AttachmentType AttachmentType
	// AttachmentURL is the public address of a file, which the messenger has to
	// be able to fetch.
	AttachmentURL string
	// Buttons are the buttons of the message.
	Buttons Buttons
	// After delays the message; zero means at once.
	After time.Duration
	// At delays the message to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
}

func (r *MessageRequest) encode(s *settings) (payload, error) {
	if err := requireClient("ClientID", r.ClientID); err != nil {
		return payload{}, err
	}
	var o wire.Object
	o.Int("client_id", int64(r.ClientID))
	if err := putContent(&o, r.Message, r.BlockID, r.AttachmentType, r.AttachmentURL); err != nil {
		return payload{}, err
	}
	if err := r.Buttons.put(&o); err != nil {
		return payload{}, err
	}
	if err := putSchedule(&o, s, r.After, r.At); err != nil {
		return payload{}, err
	}
	return payload{body: o.Bytes()}, nil
}

// Message sends a message to a client.
//
// Salebot action: message. Class: Once. Answer: observed (the text "ok").
// Errors: ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) Message(ctx context.Context, request MessageRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "message", opts, request.encode)
}

// WhatsAppMessageRequest sends a WhatsApp message to a phone number. It needs a
// text, a block or an attachment.
type WhatsAppMessageRequest struct {
	// Phone is the recipient's number; required.
	Phone string
	// Message is the text.
	Message string
	// BlockID is a block of the flow to send instead; it may move the client into
	// that block. The API calls it message_id.
	BlockID BlockID
	// BotID names the WhatsApp to send from; optional if the project has only one. The
	// API calls it whatsapp_bot_id.
	BotID BotID
	// AttachmentType says how the file is shown; it goes with AttachmentURL.
	AttachmentType AttachmentType
	// AttachmentURL is the public address of a file.
	AttachmentURL string
	// After delays the message; zero means at once.
	After time.Duration
	// At delays the message to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
}

func (r *WhatsAppMessageRequest) encode(s *settings) (payload, error) {
	if err := requireText("Phone", r.Phone); err != nil {
		return payload{}, err
	}
	var o wire.Object
	o.Text("phone", r.Phone)
	if err := putContent(&o, r.Message, r.BlockID, r.AttachmentType, r.AttachmentURL); err != nil {
		return payload{}, err
	}
	putText(&o, "whatsapp_bot_id", string(r.BotID))
	if err := putSchedule(&o, s, r.After, r.At); err != nil {
		return payload{}, err
	}
	return payload{body: o.Bytes()}, nil
}

// WhatsAppMessage sends a WhatsApp message to a phone number.
//
// Salebot action: whatsapp_message. Class: Once. Answer: observed (the text
// "ok"). Errors: ErrInvalidRequest and those of every call.
func (c *Client) WhatsAppMessage(ctx context.Context, request WhatsAppMessageRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "whatsapp_message", opts, request.encode)
}

// BroadcastRequest sends a message to many clients. It needs exactly one
// audience (List, Clients, or PlatformIDs with GroupID) and a text, a block or an
// attachment.
type BroadcastRequest struct {
	// List sends to a client list.
	List ListID
	// Clients sends to these clients.
	Clients []ClientID
	// PlatformIDs sends to these people, within the bot GroupID.
	PlatformIDs []PlatformID
	// GroupID is the bot that PlatformIDs belong to; it goes with them.
	GroupID GroupID
	// Message is the text.
	Message string
	// BlockID is a block of the flow to send instead. The API calls it
	// message_id.
	BlockID BlockID
	// AttachmentType says how the file is shown; it goes with AttachmentURL.
	AttachmentType AttachmentType
	// AttachmentURL is the public address of a file.
	AttachmentURL string
	// Buttons are the buttons of the message.
	Buttons Buttons
	// Shift is the pause between two messages; zero means Salebot's default,
	// which is 0.2 seconds.
	Shift time.Duration
	// After delays the broadcast; zero means at once.
	After time.Duration
	// At delays the broadcast to a moment; it cannot be combined with After and
	// needs WithProjectLocation.
	At time.Time
}

func (r *BroadcastRequest) encode(s *settings) (payload, error) {
	var o wire.Object
	if err := r.putAudience(&o); err != nil {
		return payload{}, err
	}
	if err := putContent(&o, r.Message, r.BlockID, r.AttachmentType, r.AttachmentURL); err != nil {
		return payload{}, err
	}
	if err := r.Buttons.put(&o); err != nil {
		return payload{}, err
	}
	switch {
	case r.Shift < 0:
		return payload{}, invalid("Shift", "is negative")
	case r.Shift > 0:
		o.Seconds("shift", r.Shift)
	}
	if err := putSchedule(&o, s, r.After, r.At); err != nil {
		return payload{}, err
	}
	return payload{body: o.Bytes()}, nil
}

// putAudience insists on one audience: versions of the reference disagree about
// whether a broadcast without any goes to nobody or to everybody.
func (r *BroadcastRequest) putAudience(o *wire.Object) error {
	audiences := 0
	for _, given := range []bool{r.List != 0, len(r.Clients) > 0, len(r.PlatformIDs) > 0} {
		if given {
			audiences++
		}
	}
	switch {
	case audiences == 0:
		return invalid("Clients", "is empty, and so are List and PlatformIDs: a broadcast needs exactly one audience")
	case audiences > 1:
		return invalid("Clients", "cannot be combined with List or PlatformIDs, nor these with each other: a broadcast needs exactly one audience")
	case len(r.PlatformIDs) > 0 && r.GroupID == "":
		return invalid("GroupID", "is required with PlatformIDs")
	case len(r.PlatformIDs) == 0 && r.GroupID != "":
		return invalid("GroupID", "goes with PlatformIDs only")
	case r.List < 0:
		return invalid("List", "must be positive")
	case r.List != 0:
		o.Int("list", int64(r.List))
	case len(r.Clients) > 0:
		return putClientIDs(o, "clients", "Clients", r.Clients)
	default:
		if err := putPlatformIDs(o, "platform_ids", "PlatformIDs", r.PlatformIDs); err != nil {
			return err
		}
		o.Text("group_id", string(r.GroupID))
	}
	return nil
}

// Broadcast sends a message to many clients. Salebot sends it little by little
// after the call has returned; the answer does not tell who got it.
//
// Salebot action: broadcast. Class: Once. Answer: observed (the text "ok").
// Errors: ErrInvalidRequest and those of every call.
func (c *Client) Broadcast(ctx context.Context, request BroadcastRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "broadcast", opts, request.encode)
}

// Buttons are the buttons of a message, line by line. The zero value has none.
type Buttons struct {
	// Hint is shown in messengers that have no buttons, such as WhatsApp.
	Hint string
	// Lines are the buttons from top to bottom, and in each line from left to
	// right. Buttons in the message (inline) and on the keyboard (all others)
	// cannot be mixed.
	Lines [][]Button
}

// Button is one button; make it with a function such as ReplyButton. The zero value is
// refused.
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

// LocationButton is a button on the keyboard that sends the person's location.
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
