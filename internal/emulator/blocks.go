package emulator

import (
	"slices"
	"strings"

	"github.com/salebot-go/salebot"
)

// Block is a block of the smallest flow that lets a bot be tried: if a message
// of the client, a callback or the text of a pressed button equals the condition,
// the bot answers. Nothing else of the constructor is imitated.
type Block struct {
	// ID is the number of the block; required.
	ID salebot.BlockID `json:"id"`
	// Condition is the text that the block reacts to, in any case of letters and
	// without the space around it. A block without one is only sent by its number.
	Condition string `json:"condition,omitempty"`
	// Answer is the text that the bot answers.
	Answer string `json:"answer"`
	// Hint is shown if there are no buttons.
	Hint string `json:"hint,omitempty"`
	// Buttons are the buttons of the answer.
	Buttons []Button `json:"buttons,omitempty"`
	// Attachments are the files of the answer.
	Attachments []Attachment `json:"attachments,omitempty"`
	// MessageType is the kind of block; its codes are not documented.
	MessageType int `json:"message_type,omitempty"`
	// Description is a note for people.
	Description string `json:"description,omitempty"`
}

func (b *Block) content() content {
	return content{
		text: b.Answer, block: int64(b.ID), hint: b.Hint, buttons: b.Buttons, attachments: b.Attachments,
	}
}

func (p *project) blockByID(id int64) *Block {
	at := slices.IndexFunc(p.blocks, func(b Block) bool { return int64(b.ID) == id })
	if at < 0 {
		return nil
	}
	return &p.blocks[at]
}

// react lets the flow answer a text.
func (p *project) react(c *client, text string, at int64) {
	if c.paused {
		return
	}
	text = strings.TrimSpace(text)
	for i := range p.blocks {
		condition := strings.TrimSpace(p.blocks[i].Condition)
		if condition != "" && strings.EqualFold(condition, text) {
			p.deliver(c, p.blocks[i].content(), salebot.HistoryOriginOrdinary, at)
			return
		}
	}
}

// getMessages lists the blocks of the flow.
func getMessages(c *call) reply {
	text := []byte{'['}
	for i, block := range c.project.blocks {
		if i > 0 {
			text = append(text, ',')
		}
		o := object{in: c.project}
		o.id("id", int64(block.ID))
		o.Text("condition", block.Condition)
		o.Text("answer", block.Answer)
		o.Int("message_type", int64(max(block.MessageType, 1)))
		if c.project.answers.NullDescriptions {
			o.textOrNull("description", block.Description)
		} else {
			o.Text("description", block.Description)
		}
		text = append(text, o.Bytes()...)
	}
	answer := c.project.success()
	answer.Raw("messages", append(text, ']'))
	return inJSON(answer.Bytes())
}
