package salebot

import "github.com/salebot-go/salebot/internal/wire"

// ClientID is Salebot's own number of a client: a person in one messenger. It
// is not the person's id in the messenger, which is a PlatformID. The zero value
// means "none". All numeric ids are read from numbers and from text, with null,
// "" and Salebot's words for "unset" as 0, and are sent as numbers. A whole number
// is read in any spelling, such as 5.0 or 1e3, exactly.
type ClientID int64

// UnmarshalJSON reads a number, text or null.
func (id *ClientID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// MessageID is the number of a message in a conversation. The zero value means
// "none".
type MessageID int64

// UnmarshalJSON reads a number, text or null.
func (id *MessageID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// BlockID is the number of a block of the bot's flow; the API calls it
// message_id. The zero value means "none".
type BlockID int64

// UnmarshalJSON reads a number, text or null.
func (id *BlockID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// ListID is the number of a client list. The zero value means "none".
type ListID int64

// UnmarshalJSON reads a number, text or null.
func (id *ListID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// ProjectID is the number of a Salebot project. The zero value means "none".
type ProjectID int64

// UnmarshalJSON reads a number, text or null.
func (id *ProjectID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// ChannelID is the number of a connected messenger. The zero value means
// "none".
type ChannelID int64

// UnmarshalJSON reads a number, text or null.
func (id *ChannelID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// EmployeeID is the number of an employee, whom the API calls manager. The zero
// value means "none".
type EmployeeID int64

// UnmarshalJSON reads a number, text or null.
func (id *EmployeeID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

func unmarshalID[T ~int64](id *T, value []byte) error {
	n, err := wire.Int(value)
	if err == nil {
		*id = T(n)
	}
	return err
}

// PlatformID is the id of a person in a messenger: a Telegram or VK id, a phone
// number in WhatsApp, an address for e-mail. Salebot's own number of the client
// is a ClientID. It is read from text and from whole numbers, as their digits,
// with null, "" and Salebot's words for "unset" as "", and is sent as text. The zero value means "none".
type PlatformID string

// UnmarshalJSON reads text, a number or null.
func (id *PlatformID) UnmarshalJSON(value []byte) error { return unmarshalText(id, value) }

// GroupID names a bot within a messenger: the user name of a Telegram bot, the
// number of a VK community, an opaque text for WhatsApp. GetConnectedChannels
// tells it for each connected messenger. It is read and sent like a PlatformID. The zero value means "none".
type GroupID string

// UnmarshalJSON reads text, a number or null.
func (id *GroupID) UnmarshalJSON(value []byte) error { return unmarshalText(id, value) }

// BotID is the number that Salebot gives to a connected WhatsApp; it is read and
// sent like a GroupID. The zero value means "none".
type BotID string

// UnmarshalJSON reads text, a number or null.
func (id *BotID) UnmarshalJSON(value []byte) error { return unmarshalText(id, value) }

func unmarshalText[T ~string](id *T, value []byte) error {
	text, err := wire.Identifier(value)
	if err == nil {
		*id = T(text)
	}
	return err
}
