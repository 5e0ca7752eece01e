package webhook

import "strconv"

// Kind says what came, so that a function can route by it. The zero value is
// KindUnknown.
type Kind uint8

const (
	// KindUnknown is an event that does not say in a known way who wrote it.
	KindUnknown Kind = iota
	// KindText is a text of the client. The press of a button comes as the button's
	// text: compare Event.Text with the labels of your buttons.
	KindText
	// KindContact is a contact that the client shared; see Event.Contact.
	KindContact
	// KindFile is a message of the client with attachments that are not contacts, with
	// or without a text; see Event.Files. An attachment in an unknown form counts too.
	KindFile
	// KindCallback is a callback, such as a payment or one that the API started.
	KindCallback
	// KindService is another service event; see Event.IsService.
	KindService
	// KindOutgoing is a message of the bot's side: of the flow, of an operator or of a
	// program; see Event.Origin.
	KindOutgoing
)

// String returns the kind in lower case.
func (k Kind) String() string {
	switch k {
	case KindUnknown:
		return "unknown"
	case KindText:
		return "text"
	case KindContact:
		return "contact"
	case KindFile:
		return "file"
	case KindCallback:
		return "callback"
	case KindService:
		return "service"
	case KindOutgoing:
		return "outgoing"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Kind returns what the event is. By default a Handler hands out only the kinds
// KindText, KindContact and KindFile.
func (e *Event) Kind() Kind {
	switch e.Origin {
	case OriginUnknown:
		return KindUnknown
	case OriginFunnel, OriginOperatorOrAPI:
		return KindOutgoing
	case OriginCallback:
		return KindCallback
	case OriginClient:
	}
	if e.IsService() {
		return KindService
	}
	if _, ok := e.Contact(); ok {
		return KindContact
	}
	if e.hasAttachments() {
		return KindFile
	}
	return KindText
}
