package salebot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/record"
	"github.com/salebot-go/salebot/internal/text"
	"github.com/salebot-go/salebot/internal/wire"
)

// ClientID is Salebot's own number of a client: a person in one messenger. It
// is not the person's id in the messenger, which is a PlatformID. The zero value
// means "none". All numeric ids are read from numbers and from text, with null,
// "" and Salebot's words for "unset" as 0, and are sent as numbers. A whole number
// is read in any spelling, such as 5.0 or 1e3, exactly.
type ClientID int64

// String returns the number.
func (id ClientID) String() string { return idText(id) }

// UnmarshalJSON reads a number, text or null.
func (id *ClientID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// MessageID is the number of a message in a conversation. The zero value means
// "none".
type MessageID int64

// String returns the number.
func (id MessageID) String() string { return idText(id) }

// UnmarshalJSON reads a number, text or null.
func (id *MessageID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// BlockID is the number of a block of the bot's flow; the API calls it
// message_id. The zero value means "none".
type BlockID int64

// String returns the number.
func (id BlockID) String() string { return idText(id) }

// UnmarshalJSON reads a number, text or null.
func (id *BlockID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// ListID is the number of a client list. The zero value means "none".
type ListID int64

// String returns the number.
func (id ListID) String() string { return idText(id) }

// UnmarshalJSON reads a number, text or null.
func (id *ListID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// ProjectID is the number of a Salebot project. The zero value means "none".
type ProjectID int64

// String returns the number.
func (id ProjectID) String() string { return idText(id) }

// UnmarshalJSON reads a number, text or null.
func (id *ProjectID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// ChannelID is the number of a connected messenger. The zero value means
// "none".
type ChannelID int64

// String returns the number.
func (id ChannelID) String() string { return idText(id) }

// UnmarshalJSON reads a number, text or null.
func (id *ChannelID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// EmployeeID is the number of an employee, whom the API calls manager. The zero
// value means "none".
type EmployeeID int64

// String returns the number.
func (id EmployeeID) String() string { return idText(id) }

// UnmarshalJSON reads a number, text or null.
func (id *EmployeeID) UnmarshalJSON(value []byte) error { return unmarshalID(id, value) }

// idText is the number of an id as its digits.
func idText[T ~int64](id T) string { return strconv.FormatInt(int64(id), 10) }

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

// GroupID names a bot within a messenger: the user name of a Telegram bot, the number
// of a VK community, an opaque text for WhatsApp. GetConnectedChannels returns it for
// each connected messenger. It is read and sent like a PlatformID. The zero value means
// "none".
type GroupID string

// UnmarshalJSON reads text, a number or null.
func (id *GroupID) UnmarshalJSON(value []byte) error { return unmarshalText(id, value) }

// BotID is the number that Salebot gives to a connected WhatsApp; it is read and
// sent like a GroupID. The zero value means "none".
type BotID string

// UnmarshalJSON reads text, a number or null.
func (id *BotID) UnmarshalJSON(value []byte) error { return unmarshalText(id, value) }

func unmarshalText[T ~string](id *T, value []byte) error {
	read, err := wire.Identifier(value)
	if err == nil {
		*id = T(read)
	}
	return err
}

// ClientType is the messenger that a client uses. The enumeration is open:
// values that this package does not know are kept. The zero value is VK, as in
// the API.
type ClientType int

// The messengers that the reference or public code names.
const (
	ClientTypeVK               ClientType = 0
	ClientTypeTelegram         ClientType = 1
	ClientTypeViber            ClientType = 2
	ClientTypeFacebook         ClientType = 3
	ClientTypeTalkMe           ClientType = 4
	ClientTypeOnlineChat       ClientType = 5
	ClientTypeWhatsApp         ClientType = 6
	ClientTypeAvito            ClientType = 7
	ClientTypeOdnoklassniki    ClientType = 8
	ClientTypeInstagram        ClientType = 10
	ClientTypeJivosite         ClientType = 11
	ClientTypeYula             ClientType = 12
	ClientTypeTelephony        ClientType = 13
	ClientTypeEmail            ClientType = 14
	ClientTypeTelegramBusiness ClientType = 16
	ClientTypeCian             ClientType = 19
	ClientTypeMAX              ClientType = 20
	ClientTypeTelegramAccount  ClientType = 21
	ClientTypeTikTok           ClientType = 22
	ClientTypeDiscord          ClientType = 23
	// ClientTypeUnrecognized stands for no messenger at all and for a name that
	// this package does not know; unknown numbers are kept as they are.
	ClientTypeUnrecognized ClientType = -1
)

var clientTypeNames = map[ClientType]string{
	ClientTypeVK:               "VK",
	ClientTypeTelegram:         "Telegram",
	ClientTypeViber:            "Viber",
	ClientTypeFacebook:         "Facebook",
	ClientTypeTalkMe:           "TalkMe",
	ClientTypeOnlineChat:       "online chat",
	ClientTypeWhatsApp:         "WhatsApp",
	ClientTypeAvito:            "Avito",
	ClientTypeOdnoklassniki:    "Odnoklassniki",
	ClientTypeInstagram:        "Instagram",
	ClientTypeJivosite:         "Jivosite",
	ClientTypeYula:             "Yula",
	ClientTypeTelephony:        "telephony",
	ClientTypeEmail:            "e-mail",
	ClientTypeTelegramBusiness: "Telegram Business",
	ClientTypeCian:             "Cian",
	ClientTypeMAX:              "MAX",
	ClientTypeTelegramAccount:  "Telegram account",
	ClientTypeTikTok:           "TikTok",
	ClientTypeDiscord:          "Discord",
}

// clientTypeWords are the names under which a messenger may come instead of its
// number, in lower case without spaces, dashes and underscores.
var clientTypeWords = func() map[string]ClientType {
	words := map[string]ClientType{
		"vkontakte": ClientTypeVK, "tg": ClientTypeTelegram, "chat": ClientTypeOnlineChat, "wa": ClientTypeWhatsApp,
		"ok": ClientTypeOdnoklassniki, "insta": ClientTypeInstagram, "phone": ClientTypeTelephony,
		"tgbusiness": ClientTypeTelegramBusiness, "tgaccount": ClientTypeTelegramAccount,
	}
	for value, name := range clientTypeNames {
		words[plainWord(name)] = value
	}
	return words
}()

func plainWord(name string) string {
	return strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(name))
}

// Known reports whether the value has a name.
func (t ClientType) Known() bool { return clientTypeNames[t] != "" }

// String returns the name of the messenger, or its number.
func (t ClientType) String() string { return nameOf(t, clientTypeNames, "client type") }

// UnmarshalJSON reads a whole number, one as text, or the name of a messenger. Null
// and unknown names give ClientTypeUnrecognized. Other values are an error.
func (t *ClientType) UnmarshalJSON(value []byte) error {
	if n, ok := wire.Digits(value); ok && int64(int(n)) == n {
		*t = ClientType(n)
		return nil
	}
	name, err := wire.Identifier(value)
	if err != nil {
		return err
	}
	if name == "" {
		*t = ClientTypeUnrecognized
		return nil
	}
	if err := unmarshalEnumeration(t, value); err == nil || value[0] != '"' {
		return err
	}
	known, ok := clientTypeWords[plainWord(name)]
	if !ok {
		known = ClientTypeUnrecognized
	}
	*t = known
	return nil
}

// HistoryOrigin says where a message of the history came from; the API calls it
// message_from_outside. The enumeration is open: unknown values are kept.
type HistoryOrigin int

// The origins that the reference names.
const (
	// HistoryOriginOrdinary is an ordinary message.
	HistoryOriginOrdinary HistoryOrigin = 0
	// HistoryOriginAPI is a message sent through the API.
	HistoryOriginAPI HistoryOrigin = 1
	// HistoryOriginCRM is a message from a connected CRM.
	HistoryOriginCRM HistoryOrigin = 2
	// HistoryOriginCallback is the notice of a callback.
	HistoryOriginCallback HistoryOrigin = 3
	// HistoryOriginTelephony is a notice of the telephony.
	HistoryOriginTelephony HistoryOrigin = 5
)

var historyOriginNames = map[HistoryOrigin]string{
	HistoryOriginOrdinary:  "ordinary",
	HistoryOriginAPI:       "API",
	HistoryOriginCRM:       "CRM",
	HistoryOriginCallback:  "callback",
	HistoryOriginTelephony: "telephony",
}

// Known reports whether the value has a name.
func (o HistoryOrigin) Known() bool { return historyOriginNames[o] != "" }

// String returns the name of the origin, or its number.
func (o HistoryOrigin) String() string { return nameOf(o, historyOriginNames, "history origin") }

// UnmarshalJSON reads a number, a number as text, or null.
func (o *HistoryOrigin) UnmarshalJSON(value []byte) error { return unmarshalEnumeration(o, value) }

func nameOf[T ~int](value T, names map[T]string, kind string) string {
	if name, ok := names[value]; ok {
		return name
	}
	return fmt.Sprintf("%s %d", kind, int(value))
}

func unmarshalEnumeration[T ~int](target *T, value []byte) error {
	n, err := wire.Int(value)
	if err != nil {
		return err
	}
	if int64(int(n)) != n {
		return strconv.ErrRange
	}
	*target = T(n)
	return nil
}

// ErrNotPhone says that a text is not a phone number.
var ErrNotPhone = errors.New(prefix + "not a phone number")

// NormalizePhone writes a phone number the way Salebot keeps it: digits only, beginning
// with the country code. The rules, in this order:
//
//  1. the endings @s.whatsapp.net and @c.us, and the beginnings tel: and whatsapp:, are
//     taken off; what stands before such an ending is a complete number;
//  2. "(0)", a trunk zero, is taken out, and so are spaces, dashes, dots, slashes
//     and parentheses;
//  3. a leading + or 00 is taken off, and what follows is a complete number;
//  4. without any of these, 11 digits that begin with 8 begin with 7 instead, and 10
//     digits that begin with 9 get a 7 in front (Russia and Kazakhstan);
//  5. 8 to 15 digits must remain, the first of them not 0.
//
// Anything else is ErrNotPhone, whose text does not quote the number.
func NormalizePhone(phone string) (string, error) {
	if digits, ok := text.PhoneNumber(phone); ok {
		return digits, nil
	}
	return "", ErrNotPhone
}

// AttachmentType says how a file is shown. Other values are passed on as they are.
type AttachmentType string

// The types that the reference names.
const (
	AttachmentImage AttachmentType = "image"
	AttachmentVideo AttachmentType = "video"
	AttachmentLink  AttachmentType = "link"
	AttachmentFile  AttachmentType = "file"
	AttachmentAudio AttachmentType = "audio"
)

// Attachments are the files and contacts of a message that was received. They
// come as null, a list of addresses, a list of objects, one object, or any of
// these as text, and stay as they came until asked for. The zero value has none.
type Attachments struct{ raw []byte }

// Attachment is one of the attachments of a message that was received.
type Attachment struct {
	// URL is the web address of a file. It is "" for a contact, and for a file that
	// has no address, such as one that is known by its number in the messenger.
	URL string
	// Name is the file's name, or the name under which its address came; often "".
	Name string
	// Type is the kind of file in Salebot's words; often "".
	Type string
	// PhoneNumber is the number of a shared contact; "" for a file.
	PhoneNumber string
	// Raw is the attachment as it came.
	Raw json.RawMessage
}

// Raw returns the JSON that came; nil if none did.
func (a Attachments) Raw() json.RawMessage { return a.raw }

// MarshalJSON returns the JSON that came.
func (a Attachments) MarshalJSON() ([]byte, error) {
	if a.raw == nil {
		return []byte("null"), nil
	}
	return a.raw, nil
}

// UnmarshalJSON keeps any JSON.
func (a *Attachments) UnmarshalJSON(value []byte) error {
	a.raw = nil
	if !wire.IsNull(value) {
		a.raw = bytes.Clone(value)
	}
	return nil
}

// Items returns the attachments in their order. An attachment in an unknown form
// has only Raw, so that none is lost. Null, "", an empty list and an empty object
// have no attachments.
func (a Attachments) Items() []Attachment {
	read := record.Attachments(a.raw)
	if read == nil {
		return nil
	}
	items := make([]Attachment, len(read))
	for i, item := range read {
		items[i] = Attachment(item)
	}
	return items
}

// URLs returns the addresses of the files.
func (a Attachments) URLs() []string {
	var urls []string
	for _, item := range a.Items() {
		if item.URL != "" {
			urls = append(urls, item.URL)
		}
	}
	return urls
}
