package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/salebot-go/salebot"
)

// Block is a block of the smallest flow in which a bot can be tried. If a message of
// the client, a callback or the text of a pressed button equals the condition, the bot
// answers. In the texts, #{name} stands for a variable. Nothing else of the constructor
// is imitated.
type Block struct {
	// ID is the number of the block; required.
	ID salebot.BlockID `json:"id"`
	// Condition is the text that the block reacts to, in any case of letters and
	// without the space around it. A block without one is only sent by its number.
	Condition string `json:"condition,omitempty"`
	// Fallback lets the block answer what a person wrote if no condition equals it.
	// Callbacks have no fallback.
	Fallback bool `json:"fallback,omitempty"`
	// Answer is the text that the bot answers. A block that only makes a request has
	// none.
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
	// Request is the HTTP request that the block makes; nil for none.
	Request *BlockRequest `json:"request,omitempty"`
}

// BlockRequest is what a block "API request" of the constructor sends. Its texts are
// sent as their author wrote them, with #{variables} filled in. What the constructor
// does with the answer is not imitated.
type BlockRequest struct {
	// URL is the address.
	URL string `json:"url"`
	// Method is the HTTP method; empty means POST.
	Method string `json:"method,omitempty"`
	// Header is sent along. The Content-Type is application/json if it says nothing
	// else.
	Header map[string]string `json:"header,omitempty"`
	// Body is the body.
	Body string `json:"body,omitempty"`
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
func (p *project) react(c *client, text string, callback bool, at int64) {
	if c.paused {
		return
	}
	if block := p.blockFor(text, callback); block != nil {
		p.run(c, block, at)
	}
}

// blockFor is the block that reacts to a text; nil if none does.
func (p *project) blockFor(text string, callback bool) (found *Block) {
	text = strings.TrimSpace(text)
	for i := range p.blocks {
		block := &p.blocks[i]
		if condition := strings.TrimSpace(block.Condition); condition != "" && strings.EqualFold(condition, text) {
			return block
		}
		if block.Fallback && found == nil && !callback {
			found = block
		}
	}
	return found
}

// run lets a client come to a block.
func (p *project) run(c *client, block *Block, at int64) {
	if what := block.content(); what.text != "" || len(what.attachments) > 0 || block.Request == nil {
		p.deliver(c, p.fillContent(c, what), salebot.HistoryOriginOrdinary, at)
	} else {
		c.block = int64(block.ID)
		p.touch(c)
	}
	p.ask(c, block, at)
}

// ask makes the request of a block, if it has one.
func (p *project) ask(c *client, block *Block, at int64) {
	if block.Request != nil && p.request != nil {
		p.request(p.filledRequest(c, block, at))
	}
}

// filledRequest is the request that a block makes for a client.
func (p *project) filledRequest(c *client, block *Block, at int64) *Delivery {
	wanted := block.Request
	d := &Delivery{
		Time: timeOf(at), ClientID: salebot.ClientID(c.id), BlockID: block.ID, Method: cmp.Or(wanted.Method, http.MethodPost),
		URL: escapedAddress(p.fill(c, wanted.URL)), ContentType: "application/json",
		Body: []byte(p.fill(c, wanted.Body)), header: http.Header{},
	}
	for name, value := range wanted.Header {
		if http.CanonicalHeaderKey(name) == "Content-Type" {
			d.ContentType = p.fill(c, value)
			continue
		}
		// A line break of a variable must not begin another header.
		d.header.Set(name, strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return ' '
			}
			return r
		}, p.fill(c, value)))
	}
	if len(d.Body) == 0 && d.Method == http.MethodGet {
		d.ContentType = ""
	}
	return d
}

// escapedAddress is an address without spaces, as the constructor sends it, and
// without what no address may have.
func escapedAddress(address string) string {
	var b strings.Builder
	for i := range len(address) {
		if c := address[i]; c <= ' ' || c == 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
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
