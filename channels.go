package salebot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/record"
	"github.com/salebot-go/salebot/internal/wire"
)

// ConnectedChannels are the messengers that are connected to a project.
type ConnectedChannels struct {
	// ProjectID is the project.
	ProjectID ProjectID
	// Channels are the connected messengers, in the order in which they came.
	Channels []Channel
	// Unread names the members of the answer that could not be read: they hold
	// neither channels nor anything else that this package knows.
	Unread []string
	// Raw is the answer as it came. It is nil unless the call was made with
	// WithRawItems.
	Raw json.RawMessage
}

// Of returns the channels of one messenger, such as "telegram".
func (c *ConnectedChannels) Of(messenger string) []Channel {
	var channels []Channel
	for _, channel := range c.Channels {
		if channel.Messenger == messenger {
			channels = append(channels, channel)
		}
	}
	return channels
}

// Channel is one connected messenger.
type Channel struct {
	// Messenger is Salebot's name of the messenger, such as "telegram" or
	// "whatsapp"; names that the reference does not have are kept.
	Messenger string
	// ID is the number of the connection.
	ID ChannelID
	// GroupID is what other actions take as the bot.
	GroupID GroupID
	// Name is the name of the bot; "" if the messenger has none.
	Name string
	// ShortName is the user name of a Telegram bot.
	ShortName string
	// URI is the address of a Viber bot.
	URI string
	// Enabled reports whether the connection is switched on; nil if the answer does not
	// say.
	Enabled *bool
	// Status is the state of a WhatsApp; nil if the answer does not say.
	Status *ChannelStatus
	// Unread names the fields, as Salebot calls them, that came in a form which this
	// package does not understand. They are zero here; Raw has them as they came.
	Unread []string
	// Raw is the channel as it came, with fields that this package does not know.
	// It is nil unless the call was made with WithRawItems.
	Raw json.RawMessage
}

// channelRecord is how a Channel travels.
var channelRecord = record.New(
	record.Meta[Channel]{
		Unread: func(c *Channel) *[]string { return &c.Unread },
		Raw:    func(c *Channel) *json.RawMessage { return &c.Raw },
		Finish: func(c *Channel) error {
			if c.ID == 0 && c.GroupID == "" {
				return errNoChannelID
			}
			return nil
		},
	},
	record.OwnID(func(c *Channel) *ChannelID { return &c.ID }, "id"),
	record.Identifier(func(c *Channel) *GroupID { return &c.GroupID }, "group_id", "group"),
	record.Text(func(c *Channel) *string { return &c.Name }, "name"),
	record.Text(func(c *Channel) *string { return &c.ShortName }, "short_name"),
	record.Text(func(c *Channel) *string { return &c.URI }, "uri"),
	record.Flag(func(c *Channel, flag, known bool) {
		if c.Enabled = nil; known {
			c.Enabled = new(flag)
		}
	}, "enabled"),
	record.Value(func(c *Channel, value []byte) error {
		var status ChannelStatus
		err := status.UnmarshalJSON(value)
		if c.Status = nil; err == nil && !isUnset(value) {
			c.Status = new(status)
		}
		return err
	}, "status"),
)

var errNoChannelID = errors.New(`neither field "id" nor "group_id" has a value that can be read`)

// GetConnectedChannels lists the messengers that are connected to the project.
// It is also the cheapest way to find out whether the key works.
//
// Salebot action: connected_channels. Class: Read. Answer: observed. Errors:
// those of every call.
func (c *Client) GetConnectedChannels(ctx context.Context, opts ...CallOption) (*ConnectedChannels, error) {
	encode := func(*settings) (payload, error) { return payload{}, nil }
	return call(ctx, c, "connected_channels", opts, encode, decodeChannels)
}

// channelWrappers are the keys under which the whole answer may come once more.
var channelWrappers = []string{"result", "data", "channels"}

func decodeChannels(body []byte, s *settings) (*ConnectedChannels, error) {
	verdict := answer.Success(body, action.Data)
	if verdict.Kind != answer.Accepted {
		return nil, verdict
	}
	trimmed := wire.Body(body)
	result := &ConnectedChannels{}
	known, err := result.read(trimmed, s, true)
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, answer.ErrNoData
	}
	if s.rawItems {
		result.Raw = bytes.Clone(trimmed)
	}
	return result, nil
}

// read reads the messengers of an object. It reports whether the object says anything
// about channels: the number of the project, or a list of them, an empty one too.
func (c *ConnectedChannels) read(object []byte, s *settings, outermost bool) (known bool, err error) {
	err = wire.Members(object, func(key string, value []byte) error {
		visit := c.member
		if outermost && value[0] == '{' && slices.Contains(channelWrappers, key) {
			visit = func(_ string, inner []byte, s *settings) (bool, error) { return c.read(inner, s, false) }
		}
		found, problem := visit(key, value, s)
		known = known || found
		return problem
	})
	return known, err
}

// member reads one member of the answer.
func (c *ConnectedChannels) member(key string, value []byte, s *settings) (known bool, err error) {
	container := value[0] == '[' || value[0] == '{'
	switch documented := slices.Contains(documentedMessengers, key); {
	case key == "project_id":
		n, err := record.Positive(value)
		if err != nil {
			return false, c.odd(key, err, s)
		}
		c.ProjectID = ProjectID(n)
		return n != 0, nil
	case documented && !container && !isUnset(value) && string(value) != "false":
		if answer.IsSign(key) {
			return false, nil
		}
		return false, c.odd(key, errNoChannels, s)
	case !container, !documented && answer.IsSign(key):
		return false, nil
	default:
		return c.messenger(key, value, documented, s)
	}
}

// messenger reads the channels of a messenger. Under a name that is not documented
// there may be something else.
func (c *ConnectedChannels) messenger(key string, value []byte, documented bool, s *settings) (known bool, err error) {
	channels, err := readChannels(value, s)
	switch {
	case err != nil && documented:
		return false, fmt.Errorf("%s: %w", key, err)
	case err != nil && value[0] == '[':
		return false, c.odd(key, err, s)
	case err != nil:
		return false, nil //nolint:nilerr // an object under an unfamiliar name need not hold channels
	}
	for i := range channels {
		channels[i].Messenger = key
	}
	c.Channels = append(c.Channels, channels...)
	return documented || value[0] == '[' || len(channels) > 0, nil
}

// documentedMessengers are the keys that the reference has, and those that programs
// use.
var documentedMessengers = []string{"viber", "facebook", "telegram", "whatsapp", "avito", "ok", "vkontakte", "instagram", "email", "online_chat"}

// odd notes a member that could not be read.
func (c *ConnectedChannels) odd(key string, err error, s *settings) error {
	if s.strict {
		return fmt.Errorf("field %q: %w", key, err)
	}
	c.Unread = append(c.Unread, key)
	return nil
}

var errNoChannels = errors.New("want a list of channels")

// readChannels reads the channels of a messenger: a list, or a single one.
func readChannels(value []byte, s *settings) ([]Channel, error) {
	if value[0] == '[' {
		return channelRecord.List(value, s.reading())
	}
	first, count := "", 0
	_ = wire.Members(value, func(name string, _ []byte) error {
		if count == 0 {
			first = name
		}
		count++
		return nil
	})
	switch {
	case count == 0:
		return nil, nil
	case strings.Trim(first, "0123456789") == "":
		return channelRecord.List(value, s.reading())
	}
	channel, err := channelRecord.One(value, s.reading())
	if err != nil {
		return nil, err
	}
	return []Channel{channel}, nil
}

// CheckWhatsApp reports whether a phone number has WhatsApp. The project needs a
// connected WhatsApp for it.
//
// Salebot action: check_whatsapp. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) CheckWhatsApp(ctx context.Context, phone string, opts ...CallOption) (bool, error) {
	return call(ctx, c, "check_whatsapp", opts, oneText("phone", "phone", phone), func(body []byte, _ *settings) (bool, error) {
		return decodeFlag(body, "exists")
	})
}

// CheckInstagramSubscriptionRequest says whose subscription to check.
type CheckInstagramSubscriptionRequest struct {
	// UserName is the account to check; required.
	UserName string
	// Login is the project's own account; optional.
	Login string
}

func (r *CheckInstagramSubscriptionRequest) encode(*settings) (payload, error) {
	if err := requireText("UserName", r.UserName); err != nil {
		return payload{}, err
	}
	query := url.Values{"user_name": {r.UserName}}
	if r.Login != "" {
		query.Set("login", r.Login)
	}
	return payload{query: query}, nil
}

// InstagramSubscription is what Salebot tells about an Instagram account.
type InstagramSubscription struct {
	// Username is the name of the account.
	Username string
	// AccountID is the number of the account.
	AccountID PlatformID
	// Avatar is the address of a picture; "" if there is none.
	Avatar string
	// RealName is the name of the person.
	RealName string
	// IsFollower reports whether the account follows the project's page.
	IsFollower bool
	// Unread names the fields, as Salebot calls them, that came in a form which this
	// package does not understand. They are zero here; Raw has them as they came.
	Unread []string
	// Raw is the answer as it came. It is nil unless the call was made with
	// WithRawItems.
	Raw json.RawMessage
}

// CheckInstagramSubscription reports whether an account follows the project's
// Instagram page. The current reference no longer has this action, and whether it
// still works is not known.
//
// Salebot action: check_insta_subscription (legacy). Class: Read. Answer:
// documented. Errors: ErrInvalidRequest and those of every call.
func (c *Client) CheckInstagramSubscription(ctx context.Context, request CheckInstagramSubscriptionRequest, opts ...CallOption) (*InstagramSubscription, error) {
	return call(ctx, c, "check_insta_subscription", opts, request.encode, func(body []byte, s *settings) (*InstagramSubscription, error) {
		follower, err := decodeFlag(body, "is_follower")
		if err != nil {
			return nil, err
		}
		subscription, err := instagramRecord.One(answer.DataObject(body, "is_follower"), s.reading())
		if err != nil {
			return nil, err
		}
		subscription.IsFollower = follower
		return &subscription, nil
	})
}

// instagramRecord is how an InstagramSubscription travels, but for the one field
// that it must have.
var instagramRecord = record.New(
	record.Meta[InstagramSubscription]{
		Unread: func(i *InstagramSubscription) *[]string { return &i.Unread },
		Raw:    func(i *InstagramSubscription) *json.RawMessage { return &i.Raw },
	},
	record.Text(func(i *InstagramSubscription) *string { return &i.Username }, "username"),
	record.Identifier(func(i *InstagramSubscription) *PlatformID { return &i.AccountID }, "account_id"),
	record.Text(func(i *InstagramSubscription) *string { return &i.Avatar }, "avatar"),
	record.Text(func(i *InstagramSubscription) *string { return &i.RealName }, "real_name"),
)

// Block is a block of the bot's flow.
type Block struct {
	// ID is the number of the block, which MessageRequest takes.
	ID BlockID
	// Condition is what the block waits for.
	Condition string
	// Answer is what the block says.
	Answer string
	// Type is a number that is not documented; the API calls it message_type.
	Type int64
	// Description is the note of the person who made the block.
	Description string
	// Unread names the fields, as Salebot calls them, that came in a form which this
	// package does not understand. They are zero here; Raw has them as they came.
	Unread []string
	// Raw is the block as it came, with fields that this package does not know.
	// It is nil unless the call was made with WithRawItems.
	Raw json.RawMessage
}

// blockRecord is how a Block travels.
var blockRecord = record.New(
	record.Meta[Block]{
		Unread: func(b *Block) *[]string { return &b.Unread },
		Raw:    func(b *Block) *json.RawMessage { return &b.Raw },
	},
	record.Required(record.OwnID(func(b *Block) *BlockID { return &b.ID }, "id")),
	record.Loose(func(b *Block) *string { return &b.Condition }, "condition"),
	record.Loose(func(b *Block) *string { return &b.Answer }, "answer"),
	record.Number(func(b *Block) *int64 { return &b.Type }, "message_type"),
	record.Loose(func(b *Block) *string { return &b.Description }, "description"),
)

// UnmarshalJSON reads a block in any of the forms that Salebot uses. What is odd in
// it is listed in Unread.
func (b *Block) UnmarshalJSON(value []byte) error { return unmarshalRecord(b, blockRecord, value) }

// GetBlocks lists the blocks of the bot's flow.
//
// Salebot action: get_messages. Class: Read. Answer: assumed. Errors: those of
// every call.
func (c *Client) GetBlocks(ctx context.Context, opts ...CallOption) ([]Block, error) {
	encode := func(*settings) (payload, error) { return payload{}, nil }
	return call(ctx, c, "get_messages", opts, encode, func(body []byte, s *settings) ([]Block, error) {
		return decodeList(body, s, blockRecord, "messages", "result")
	})
}

// ChannelStatus is the state of a connected WhatsApp. The enumeration is open:
// unknown values are kept.
type ChannelStatus int

// The states that the reference names.
const (
	ChannelStatusNotStarted ChannelStatus = 0
	ChannelStatusStarted    ChannelStatus = 1
	ChannelStatusAsleep     ChannelStatus = 2
	ChannelStatusStopped    ChannelStatus = 3
)

var channelStatusNames = map[ChannelStatus]string{
	ChannelStatusNotStarted: "not started",
	ChannelStatusStarted:    "started",
	ChannelStatusAsleep:     "asleep",
	ChannelStatusStopped:    "stopped",
}

// Known reports whether the value has a name.
func (s ChannelStatus) Known() bool { return channelStatusNames[s] != "" }

// String returns the name of the state, or its number.
func (s ChannelStatus) String() string { return nameOf(s, channelStatusNames, "channel status") }

// UnmarshalJSON reads a number, a number as text, or null.
func (s *ChannelStatus) UnmarshalJSON(value []byte) error { return unmarshalEnumeration(s, value) }
