package emulator

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/wire"
)

// Message is a message of a conversation, in either direction.
type Message struct {
	// ID is the number of the message.
	ID salebot.MessageID `json:"id"`
	// ClientID is the client whose conversation it is in.
	ClientID salebot.ClientID `json:"-"`
	// Time is when it was sent.
	Time time.Time `json:"time"`
	// FromClient says that the client wrote it.
	FromClient bool `json:"from_client,omitempty"`
	// Text is the text; it may be empty if there are attachments.
	Text string `json:"text,omitempty"`
	// Hint is shown if there are no buttons.
	Hint string `json:"hint,omitempty"`
	// Buttons are the buttons under the message, from top to bottom and from left
	// to right.
	Buttons []Button `json:"buttons,omitempty"`
	// Attachments are the files of the message.
	Attachments []Attachment `json:"attachments,omitempty"`
	// BlockID is the block of the flow that the message came from; 0 if it came
	// from none.
	BlockID salebot.BlockID `json:"block_id,omitempty"`
	// Origin says where the message came from. That of a callback's notice is
	// HistoryOriginCallback: the person does not see those.
	Origin salebot.HistoryOrigin `json:"origin,omitempty"`
	// Error is the failure of the delivery; empty for a message that was
	// delivered.
	Error string `json:"error,omitempty"`
	// Employee is the employee who wrote the message; nil if none did.
	Employee *Employee `json:"employee,omitempty"`
	// Variables are what came along with a callback.
	Variables map[string]string `json:"variables,omitempty"`
}

// Delivered reports whether the message reached the messenger.
func (m *Message) Delivered() bool { return m.Error == "" }

// Attachment is a file or a contact of a message.
type Attachment struct {
	// Type says how a file is shown: "image", "video", "link", "file", "audio".
	Type string `json:"type,omitempty"`
	// URL is the address of a file.
	URL string `json:"url,omitempty"`
	// PhoneNumber is the number of a contact.
	PhoneNumber string `json:"phone_number,omitempty"`
}

// Employee is a person who works with the project.
type Employee struct {
	// ID is the number of the employee.
	ID salebot.EmployeeID `json:"id"`
	// Email is the employee's address.
	Email string `json:"email"`
}

// DefaultEmployees are the employees of a project if WithEmployees names none.
func DefaultEmployees() []Employee {
	return []Employee{{ID: 12000, Email: "operator@example.com"}}
}

// message is Message as it is kept: small, because there are many.
type message struct {
	id         int64
	at         int64
	text       string
	block      int64
	origin     salebot.HistoryOrigin
	fromClient bool
	more       *details
}

// details are what most messages do not have.
type details struct {
	hint        string
	buttons     []Button
	attachments []Attachment
	failure     string
	employee    *Employee
	variables   map[string]string
}

// ofAPI reports whether the API made the message or the callback.
func (m *message) ofAPI() bool {
	return m.origin == salebot.HistoryOriginCallback || m.origin == salebot.HistoryOriginAPI
}

// content is what a message consists of.
type content struct {
	text        string
	block       int64
	hint        string
	buttons     []Button
	attachments []Attachment
}

// append adds a message to a conversation and tells the webhook.
func (p *project) append(c *client, m message) *message {
	m.id = p.next.message
	p.next.message++
	c.history = append(c.history, m)
	c.forget(p.maxMessages)
	c.heard(&m)
	added := &c.history[len(c.history)-1]
	p.seen(c)
	p.changed.said(c, added)
	if p.outbox != nil {
		p.outbox(c, added)
	}
	return added
}

// deliver sends a message to a client, who is then at its block.
func (p *project) deliver(c *client, what content, origin salebot.HistoryOrigin, at int64) {
	m := message{at: at, text: what.text, block: what.block, origin: origin}
	failure := c.unreachable
	if failure == "" && c.kind == salebot.ClientTypeWhatsApp && p.absent[c.platform] {
		failure = "the number has no WhatsApp"
	}
	if what.hint != "" || len(what.buttons) > 0 || len(what.attachments) > 0 || failure != "" {
		m.more = &details{hint: what.hint, buttons: what.buttons, attachments: what.attachments, failure: failure}
	}
	p.append(c, m)
}

func (c *client) export(m *message) Message {
	exported := Message{
		ID: salebot.MessageID(m.id), ClientID: salebot.ClientID(c.id), Time: timeOf(m.at),
		FromClient: m.fromClient, Text: m.text, BlockID: salebot.BlockID(m.block), Origin: m.origin,
	}
	if more := m.more; more != nil {
		exported.Hint = more.hint
		exported.Buttons = slices.Clone(more.buttons)
		exported.Attachments = slices.Clone(more.attachments)
		exported.Error = more.failure
		exported.Variables = maps.Clone(more.variables)
		if more.employee != nil {
			exported.Employee = new(*more.employee)
		}
	}
	return exported
}

// Messages returns what a person got from the bot, from employees and through the
// API, the oldest first. What the person wrote, callbacks, and messages that could
// not be delivered are not among them; see History.
func (e *Emulator) Messages(id salebot.ClientID) []Message {
	return e.conversation(id, func(m *message) bool { return !m.fromClient && (m.more == nil || m.more.failure == "") })
}

// History returns the whole conversation with a client, callbacks included, the
// oldest first.
func (e *Emulator) History(id salebot.ClientID) []Message {
	return e.conversation(id, func(*message) bool { return true })
}

func (e *Emulator) conversation(id salebot.ClientID, want func(*message) bool) []Message {
	var messages []Message
	e.read(func(p *project) {
		c := p.clients[int64(id)]
		if c == nil {
			return
		}
		for i := range c.history {
			if want(&c.history[i]) {
				messages = append(messages, c.export(&c.history[i]))
			}
		}
	})
	return messages
}

// Actions.

// content reads what a message consists of.
func (c *call) content() (what content, problem *reply) {
	what.text = c.parameters.Text("message")
	if what.attachments, problem = c.attachments(); problem != nil {
		return what, problem
	}
	if what, problem = c.withBlock(what); problem != nil {
		return what, problem
	}
	if what.text == "" && what.block == 0 && len(what.attachments) == 0 {
		return what, new(c.project.required("message"))
	}
	what.hint, what.buttons = c.buttons(what)
	return what, nil
}

// attachments reads the file of a message.
func (c *call) attachments() ([]Attachment, *reply) {
	kind, address := c.parameters.Text("attachment_type"), c.parameters.Text("attachment_url")
	switch {
	case address == "":
		return nil, nil
	case kind == "":
		return nil, new(c.project.required("attachment_type"))
	}
	c.noteAttachment(kind)
	return []Attachment{{Type: kind, URL: address}}, nil
}

// withBlock adds the content of the block that the request names. A text of the
// request counts more than the block's.
func (c *call) withBlock(what content) (content, *reply) {
	id, problem := c.optionalID("message_id")
	if problem != nil || c.parameters.Raw("message_id") == nil {
		return what, problem
	}
	block := c.project.blockByID(id)
	if block == nil {
		if len(c.project.blocks) > 0 {
			return what, new(c.project.invalid("there is no block " + c.parameters.Text("message_id")))
		}
		what.block = id
		return what, nil
	}
	whole := block.content()
	if what.text != "" {
		whole.text = what.text
	}
	whole.attachments = slices.Concat(whole.attachments, what.attachments)
	return whole, nil
}

// buttons reads the buttons of a message, which keeps its own if there are none
// or they cannot be read.
func (c *call) buttons(what content) (hint string, buttons []Button) {
	value := c.parameters.Raw("buttons")
	if value == nil || !c.row.Takes("buttons") {
		return what.hint, what.buttons
	}
	hint, buttons, err := readButtons(value)
	if err != nil {
		c.note(err.Error())
		return what.hint, what.buttons
	}
	if len(buttons) > 0 && mixed(buttons) {
		c.note("buttons in the message and on the keyboard are mixed")
	}
	return hint, buttons
}

// noteAttachment tells of a type that the reference does not have.
func (c *call) noteAttachment(kind string) {
	if !slices.Contains(attachmentTypes, kind) {
		c.parameters.Notef("attachment_type %s is no type of the reference, which has %s", request.Shown(kind), strings.Join(attachmentTypes, ", "))
	}
}

func sendMessage(c *call) reply {
	target, refused := c.client(c.project.noClientToSendTo)
	if target == nil {
		return refused
	}
	return c.sendTo(target)
}

func (c *call) sendTo(targets ...*client) reply {
	what, problem := c.content()
	if problem != nil {
		return *problem
	}
	due, err := c.due()
	if err != nil {
		return c.project.invalid(err.Error())
	}
	for _, target := range targets {
		c.meets(target)
		c.project.dispatch(send{action: c.row.Name, client: target.id, content: what}, due, c.at)
	}
	return c.project.sent()
}

func sendWhatsAppMessage(c *call) reply {
	if c.parameters.Text("phone") == "" {
		return c.project.required("phone")
	}
	target, refused := c.personOrRefusal(person{
		kind:     salebot.ClientTypeWhatsApp,
		platform: keptPlatformID(salebot.ClientTypeWhatsApp, c.parameters.Identifier("phone")),
		group:    c.whatsAppGroup("whatsapp_bot_id"),
	}, false)
	if target == nil {
		return refused
	}
	return c.sendTo(target)
}

func broadcast(c *call) reply {
	what, problem := c.content()
	if problem != nil {
		return *problem
	}
	pause, given, err := c.parameters.Seconds("shift")
	if err != nil || pause < 0 {
		return c.project.invalid("shift must be a number of seconds")
	}
	if !given {
		pause = c.project.pace
	}
	due, err := c.due()
	if err != nil {
		return c.project.invalid(err.Error())
	}
	audience, problem := c.audience()
	if problem != nil {
		return *problem
	}
	for i, target := range audience {
		c.meets(target)
		at := max(due, c.at) + int64(i)*pause.Microseconds()
		c.project.dispatch(send{action: c.row.Name, client: target.id, content: what}, at, c.at)
	}
	return c.project.sent()
}

// audience is who a broadcast goes to. If a request names several audiences,
// which one counts is not known; the emulator takes the first that the reference
// lists.
func (c *call) audience() (found []*client, problem *reply) {
	switch {
	case c.parameters.Raw("list") != nil:
		id, wrong := c.id("list")
		if wrong != nil {
			return nil, wrong
		}
		if l := c.project.lists[id]; l != nil {
			found = slices.Clone(l.members)
		} else {
			c.parameters.Notef("nobody was ever added to list %d", id)
		}
	case c.parameters.Raw("clients") != nil:
		ids, wrong := c.ids("clients")
		if wrong != nil {
			return nil, wrong
		}
		found = c.known("clients", ids)
	case c.parameters.Raw("platform_ids") != nil:
		if c.parameters.Text("group_id") == "" {
			c.note("platform_ids without group_id reach nobody")
			return nil, nil
		}
		found = c.byPlatformIDs(c.parameters.Values("platform_ids"))
	case c.project.answers.BroadcastWithoutAudience == AudienceEverybody:
		found = slices.Clone(c.project.roll)
	default:
		c.note("a broadcast without an audience reaches nobody")
	}
	return found, nil
}

// appendAttachments writes the attachments of a message as a list of addresses,
// with an object for a contact.
func appendAttachments(text []byte, attachments []Attachment) []byte {
	text = append(text, '[')
	for i, attachment := range attachments {
		if i > 0 {
			text = append(text, ',')
		}
		if attachment.PhoneNumber != "" {
			var o wire.Object
			o.Text("phone_number", attachment.PhoneNumber)
			text = append(text, o.Bytes()...)
			continue
		}
		text = wire.AppendText(text, attachment.URL)
	}
	return append(text, ']')
}
