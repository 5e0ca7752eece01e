package salebottest

import (
	"time"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// Message is a message of a conversation, in either direction.
type Message struct {
	// ID is the number of the message.
	ID salebot.MessageID
	// ClientID is the client whose conversation it is in.
	ClientID salebot.ClientID
	// Time is when it was sent.
	Time time.Time
	// FromClient says that the client wrote it.
	FromClient bool
	// Text is the text; it may be empty if there are attachments.
	Text string
	// Hint is shown if there are no buttons.
	Hint string
	// Buttons are the buttons under the message, from top to bottom and from left
	// to right.
	Buttons []Button
	// Attachments are the files of the message.
	Attachments []Attachment
	// BlockID is the block of the flow that the message came from; 0 if it came
	// from none.
	BlockID salebot.BlockID
	// Origin says where the message came from. That of a callback's notice is
	// HistoryOriginCallback: the person does not see those.
	Origin salebot.HistoryOrigin
	// Error is the failure of the delivery; empty for a message that was
	// delivered.
	Error string
	// Employee is the employee who wrote the message; nil if none did.
	Employee *Employee
	// Variables are what came along with a callback.
	Variables map[string]string
}

// Callback is a text that the flow got and the person did not see.
type Callback struct {
	// ID is the number that it has in the history.
	ID salebot.MessageID
	// ClientID is the client whose flow it was for.
	ClientID salebot.ClientID
	// Time is when it arrived in the flow.
	Time time.Time
	// Text is the callback's text.
	Text string
	// Variables are the further parameters, which were saved as variables.
	Variables map[string]string
}

// Button is a button as the person sees it.
type Button struct {
	// Text is the caption.
	Text string
	// Type is the kind of button: "reply", "inline", "location", "phone",
	// "web_app". Programs may leave it out, which means "reply".
	Type string
	// URL is the address that the button opens.
	URL string
	// WebApp is the address of the web app that the button opens.
	WebApp string
	// Color is the color, in words of the messenger.
	Color string
	// Line and IndexInLine are the place of the button, from 0.
	Line        int
	IndexInLine int
	// OneTime is the mark of that name.
	OneTime bool
}

// Attachment is a file or a contact of a message.
type Attachment struct {
	// Type says how a file is shown: "image", "video", "link", "file", "audio".
	Type string
	// URL is the address of a file.
	URL string
	// PhoneNumber is the number of a contact.
	PhoneNumber string
}

// Employee is a person who works with the project.
type Employee struct {
	// ID is the number of the employee.
	ID salebot.EmployeeID
	// Email is the employee's address.
	Email string
}

// Scheduled is a message or a callback that waits for its time.
type Scheduled struct {
	// ID is a number of the emulator's own.
	ID int64
	// Due is when it will be sent, in the emulator's time.
	Due time.Time
	// Action is the action that asked for it.
	Action string
	// ClientID is the client whom it is for.
	ClientID salebot.ClientID
	// Callback says that it is a callback and not a message.
	Callback bool
	// ResumeBot says that the callback ends a pause of the bot.
	ResumeBot bool
	// Text is the text.
	Text string
	// Hint, Buttons, Attachments and BlockID are those of the message; see
	// Message.
	Hint        string
	Buttons     []Button
	Attachments []Attachment
	BlockID     salebot.BlockID
	// Variables are what came along with a callback. They are saved already.
	Variables map[string]string
}

// Delivered reports whether the message reached the messenger.
func (m *Message) Delivered() bool { return m.Error == "" }

func messageOf(m engine.Message) Message {
	return Message{
		ID: m.ID, ClientID: m.ClientID, Time: m.Time, FromClient: m.FromClient, Text: m.Text, Hint: m.Hint,
		Buttons: buttonsOf(m.Buttons), Attachments: attachmentsOf(m.Attachments), BlockID: m.BlockID, Origin: m.Origin,
		Error: m.Error, Employee: (*Employee)(m.Employee), Variables: m.Variables,
	}
}

func messagesOf(all []engine.Message) []Message { return each(all, messageOf) }

func buttonsOf(all []engine.Button) []Button {
	return each(all, func(one engine.Button) Button { return Button(one) })
}

func attachments(all []Attachment) []engine.Attachment {
	return each(all, func(one Attachment) engine.Attachment { return engine.Attachment(one) })
}

func attachmentsOf(all []engine.Attachment) []Attachment {
	return each(all, func(one engine.Attachment) Attachment { return Attachment(one) })
}

func scheduledOf(s engine.Scheduled) Scheduled {
	return Scheduled{
		ID: s.ID, Due: s.Due, Action: s.Action, ClientID: s.ClientID, Callback: s.Callback, ResumeBot: s.ResumeBot,
		Text: s.Text, Hint: s.Hint, Buttons: buttonsOf(s.Buttons), Attachments: attachmentsOf(s.Attachments),
		BlockID: s.BlockID, Variables: s.Variables,
	}
}
