package webhook

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/wire"
)

// Event is one delivery of the project's webhook: a message of a conversation,
// in either direction, or a notice that Salebot writes into the conversation as
// if it were one. Decode makes it from a body. An Event that is put together by
// hand, for example in a test, works too, but has no body to look into.
type Event struct {
	// ID is the number of the message; 0 if the body has none. The same message
	// may come several times, for example once more when its delivery failed.
	ID salebot.MessageID
	// Client is the conversation.
	Client Client
	// Text is the text of the message; "" for a file without a caption. The API
	// calls it message. The press of a button comes as the button's text, and a
	// notice as the name of what happened: see IsService.
	Text string
	// Attachments are the files and contacts; see Files and Contact.
	Attachments salebot.Attachments
	// BlockID is the block of the flow that sent the message; 0 if none did.
	// The API calls it message_id.
	BlockID salebot.BlockID
	// ProjectID is the project; 0 if the body has none.
	ProjectID salebot.ProjectID
	// Origin says who wrote the message.
	Origin Origin
	// Failed says that the message could not be delivered: delivered came as 0. A
	// message without that mark counts as delivered.
	Failed bool
	// ErrorMessage is the messenger's word on a failed delivery. It is kept as it
	// came, and may be "true" or "false" for a delivered message: Failed decides.
	ErrorMessage string
	// InternalID is the number of the message in the messenger; often "".
	InternalID string
	// CreatedAt is the time of the message. The webhook does not tell it, so it is
	// zero unless Recovered is set.
	CreatedAt salebot.Timestamp

	// Recovered says that the event did not come by the webhook but was fetched
	// from the client's history later; see Handler.CatchUp. It may be old, and of
	// Client only the ID is known.
	Recovered bool
	// Sequence is the number under which the inbox keeps the event. It rises in
	// the order of acceptance and is the same for each attempt, so that it can
	// serve to recognize a repetition. It is 0 outside a Handler.
	Sequence int64
	// Attempt counts the attempts to handle this event, from 1. It does not prove that
	// the function sees the event for the first time. It is 1 again after Redrive, and
	// may be if the process died during the first attempt. It is 0 outside a Handler.
	Attempt int
	// AcceptedAt is the time at which the inbox took the event. It is zero outside
	// a Handler.
	AcceptedAt time.Time

	// Unread names the known fields that came in a form which this package does
	// not understand, such as "client.created_at". They are zero in the Event;
	// Field has them as they came.
	Unread []string

	// raw is the body as it came; object is the JSON object in it.
	raw, object string
	// serviceTexts are those of the Handler; nil outside one.
	serviceTexts *ServiceTexts
}

// Client is what an event tells about the conversation in which it happened.
type Client struct {
	// ID is Salebot's number of the client; 0 if the body has none.
	ID salebot.ClientID
	// PlatformID is the person's id in the messenger, the phone number in
	// WhatsApp, the address for e-mail. The API calls it recepient; recipient and
	// platform_id are taken for it if it is missing.
	PlatformID salebot.PlatformID
	// ClientType is the messenger; salebot.ClientTypeUnrecognized if the body
	// does not say. Beware that the zero value is VK.
	ClientType salebot.ClientType
	// Name is the person's name; "" if it is not known.
	Name string
	// Avatar is the address of a picture; "" if there is none.
	Avatar string
	// CreatedAt is when the client was created.
	CreatedAt salebot.Timestamp
	// Tag is the subscription key, such as the parameter of a Telegram start link.
	Tag string
	// GroupID is the bot that the client belongs to. The API calls it group.
	GroupID salebot.GroupID
	// Variables are the client's variables at the moment of the message: what is
	// set a moment later is missing.
	Variables salebot.Variables
	// OrderVariables are the variables of the client's current deal.
	OrderVariables salebot.Variables
	// UnreadCount is the number of messages that no operator has read yet.
	UnreadCount int
	// CustomAnswer is not documented; it is kept as it came.
	CustomAnswer string
	// OperatorStartDialog is not documented; it is kept as it came.
	OperatorStartDialog string
}

// IsIncoming reports whether the client wrote the message. Answer only to incoming
// messages that are not IsService: everything else is the bot's own side of the
// conversation, and a bot that answers to that talks to itself. The callbacks of
// your own program look like messages of the client too: name them by
// [WithServiceTexts].
func (e *Event) IsIncoming() bool { return e.Origin == OriginClient }

// Files returns the attachments that have an address.
func (e *Event) Files() []salebot.Attachment {
	var files []salebot.Attachment
	for _, item := range e.Attachments.Items() {
		if item.URL != "" {
			files = append(files, item)
		}
	}
	return files
}

// Contact returns the first attachment that is a shared contact.
func (e *Event) Contact() (contact salebot.Attachment, ok bool) {
	for _, item := range e.Attachments.Items() {
		if item.PhoneNumber != "" {
			return item, true
		}
	}
	return salebot.Attachment{}, false
}

// hasAttachments reports whether there is any attachment.
func (e *Event) hasAttachments() bool {
	return e.Attachments.Raw() != nil && len(e.Attachments.Items()) > 0
}

// Raw returns a copy of the body as it came; nil for an Event that was not
// decoded.
func (e *Event) Raw() []byte {
	if e.raw == "" {
		return nil
	}
	return []byte(e.raw)
}

// Field returns a field of the body by its path, for example "priority" or
// "client", "locale", also one that this package does not know. The path
// begins inside the wrapper if there was one. A form counts as the object that
// its keys describe. ok is false if there is no such field.
func (e *Event) Field(path ...string) (value json.RawMessage, ok bool) {
	found := e.object
	for _, name := range path {
		if strings.HasPrefix(found, `"`) {
			// A client may come as JSON in a text.
			found = objectText(found)
		}
		if found, ok = member(found, name); !ok {
			return nil, false
		}
	}
	if !ok {
		return nil, false
	}
	return json.RawMessage(found), true
}

// member returns the value of a member of an object that was checked; of several
// with the same name the last.
func member(object, name string) (value string, ok bool) {
	if len(object) == 0 || object[0] != '{' {
		return "", false
	}
	w := wire.Walk(object, wire.MaxDepth)
	for key, from, to, more := w.Next(); more; key, from, to, more = w.Next() {
		if key == name {
			value, ok = object[from:to], true
		}
	}
	return value, ok
}
