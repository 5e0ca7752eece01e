package salebot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/wire"
)

// ConnectedChannels are the messengers that are connected to a project.
type ConnectedChannels struct {
	// ProjectID is the project.
	ProjectID ProjectID
	// Channels are the connected messengers, in the order in which they came.
	Channels []Channel
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
	// Name is the name of the bot; "" where the messenger has none.
	Name string
	// ShortName is the user name of a Telegram bot.
	ShortName string
	// URI is the address of a Viber bot.
	URI string
	// Enabled says whether the connection is switched on; nil where the answer
	// does not say.
	Enabled *bool
	// Status is the state of a WhatsApp; nil where the answer does not say.
	Status *ChannelStatus
	// Raw is the channel as it came, with fields that this package does not know.
	// It is nil unless the call was made with WithRawItems.
	Raw json.RawMessage
}

type wireChannel struct {
	ID        ChannelID      `json:"id"`
	GroupID   GroupID        `json:"group_id"`
	Group     GroupID        `json:"group"`
	Name      wire.String    `json:"name"`
	ShortName wire.String    `json:"short_name"`
	URI       wire.String    `json:"uri"`
	Enabled   wire.Boolean   `json:"enabled"`
	Status    *ChannelStatus `json:"status"`
}

func (w *wireChannel) item(raw json.RawMessage) (Channel, error) {
	channel := Channel{
		ID: w.ID, GroupID: w.GroupID, Name: string(w.Name), ShortName: string(w.ShortName), URI: string(w.URI),
		Status: w.Status, Raw: raw,
	}
	if channel.GroupID == "" {
		channel.GroupID = w.Group
	}
	if w.Enabled.True() || w.Enabled.False() {
		channel.Enabled = new(w.Enabled.True())
	}
	if channel.ID == 0 && channel.GroupID == "" {
		return Channel{}, errNoID
	}
	return channel, nil
}

// GetConnectedChannels lists the messengers that are connected to the project.
// It is also the cheapest way to find out whether the key works.
//
// Salebot action: connected_channels. Class: Read. Answer: observed. Errors:
// those of every call.
func (c *Client) GetConnectedChannels(ctx context.Context, opts ...CallOption) (*ConnectedChannels, error) {
	encode := func(*settings) (payload, error) { return payload{}, nil }
	return call(ctx, c, "connected_channels", opts, encode, decodeChannels)
}

func decodeChannels(body []byte, s *settings) (*ConnectedChannels, error) {
	verdict := answer.Success(body, action.Data)
	if verdict.Kind != answer.Accepted {
		return nil, verdict
	}
	result := &ConnectedChannels{}
	known := false
	err := wire.Members(wire.Trim(body), func(key string, value []byte) error {
		switch {
		case key == "project_id":
			known = true
			return result.ProjectID.UnmarshalJSON(value)
		case value[0] != '[':
			return nil
		}
		known = true
		channels, err := decodeItems[Channel, wireChannel](value, s)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		for i := range channels {
			channels[i].Messenger = key
		}
		result.Channels = append(result.Channels, channels...)
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, answer.ErrNoData
	}
	if s.rawItems {
		result.Raw = bytes.Clone(wire.Trim(body))
	}
	return result, nil
}

// CheckWhatsApp says whether a phone number has WhatsApp. The project needs a
// connected WhatsApp for it.
//
// Salebot action: check_whatsapp. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) CheckWhatsApp(ctx context.Context, phone string, opts ...CallOption) (bool, error) {
	return call(ctx, c, "check_whatsapp", opts, oneText("phone", "phone", phone), func(body []byte, _ *settings) (exists bool, err error) {
		err = decodeData(body, []string{"exists"}, func(value []byte) error {
			flag, known, problem := wire.Flag(value)
			if problem == nil && !known {
				problem = errNull
			}
			exists = flag
			return problem
		})
		return exists, err
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
	// IsFollower says whether the account follows the project's page.
	IsFollower bool
}

// CheckInstagramSubscription says whether an account follows the project's
// Instagram page. The current reference no longer has this action, and whether it
// still works is not known.
//
// Salebot action: check_insta_subscription (legacy). Class: Read. Answer:
// documented. Errors: ErrInvalidRequest and those of every call.
func (c *Client) CheckInstagramSubscription(ctx context.Context, request CheckInstagramSubscriptionRequest, opts ...CallOption) (*InstagramSubscription, error) {
	return call(ctx, c, "check_insta_subscription", opts, request.encode, func(body []byte, _ *settings) (*InstagramSubscription, error) {
		err := decodeData(body, []string{"is_follower"}, func(value []byte) error {
			_, known, problem := wire.Flag(value)
			if problem == nil && !known {
				problem = errNull
			}
			return problem
		})
		if err != nil {
			return nil, err
		}
		var w struct {
			Username   wire.String  `json:"username"`
			AccountID  PlatformID   `json:"account_id"`
			Avatar     wire.String  `json:"avatar"`
			RealName   wire.String  `json:"real_name"`
			IsFollower wire.Boolean `json:"is_follower"`
		}
		if err := json.Unmarshal(wire.Trim(body), &w); err != nil {
			return nil, err
		}
		return &InstagramSubscription{
			Username: string(w.Username), AccountID: w.AccountID, Avatar: string(w.Avatar),
			RealName: string(w.RealName), IsFollower: w.IsFollower.True(),
		}, nil
	})
}

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
	// Raw is the block as it came, with fields that this package does not know.
	// It is nil unless the call was made with WithRawItems.
	Raw json.RawMessage
}

type wireBlock struct {
	ID          BlockID     `json:"id"`
	Condition   wire.String `json:"condition"`
	Answer      wire.String `json:"answer"`
	Type        wire.Number `json:"message_type"`
	Description wire.String `json:"description"`
}

func (w *wireBlock) item(raw json.RawMessage) (Block, error) {
	if w.ID == 0 {
		return Block{}, errNoID
	}
	return Block{
		ID: w.ID, Condition: string(w.Condition), Answer: string(w.Answer), Type: int64(w.Type),
		Description: string(w.Description), Raw: raw,
	}, nil
}

// UnmarshalJSON reads a block in any of the forms that Salebot uses.
func (b *Block) UnmarshalJSON(value []byte) error { return unmarshalItem[Block, wireBlock](b, value) }

// GetBlocks lists the blocks of the bot's flow.
//
// Salebot action: get_messages. Class: Read. Answer: assumed. Errors: those of
// every call.
func (c *Client) GetBlocks(ctx context.Context, opts ...CallOption) ([]Block, error) {
	encode := func(*settings) (payload, error) { return payload{}, nil }
	return call(ctx, c, "get_messages", opts, encode, func(body []byte, s *settings) ([]Block, error) {
		return decodeItems[Block, wireBlock](body, s, "messages", "result")
	})
}
