package salebot

import (
	"context"
	"encoding/json"

	"github.com/salebot-go/salebot/internal/wire"
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
