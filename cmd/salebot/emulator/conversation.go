package emulator

import (
	"sort"
	"time"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

type messageShape struct {
	ID   salebot.MessageID `json:"id,string"`
	Time time.Time         `json:"time"`
	// From is client, flow, employee, api, callback, crm or telephony.
	From        string              `json:"from"`
	Text        string              `json:"text"`
	Hint        string              `json:"hint"`
	Buttons     []buttonShape       `json:"buttons"`
	Attachments []engine.Attachment `json:"attachments"`
	BlockID     salebot.BlockID     `json:"block_id,string"`
	Delivered   bool                `json:"delivered"`
	Error       string              `json:"error"`
	Employee    string              `json:"employee"`
	Variables   map[string]string   `json:"variables"`
}

type buttonShape struct {
	engine.Button
	// Pressable is false for a button that opens something outside the
	// conversation.
	Pressable bool `json:"pressable"`
}

func shapeOfMessage(m engine.Message) messageShape {
	shape := messageShape{
		ID: m.ID, Time: m.Time, From: authorOf(m), Text: m.Text, Hint: m.Hint,
		Buttons: make([]buttonShape, len(m.Buttons)), Attachments: m.Attachments, BlockID: m.BlockID,
		Delivered: m.Delivered(), Error: m.Error, Variables: m.Variables,
	}
	for i, b := range m.Buttons {
		outside := b.URL != "" || b.WebApp != "" || b.Type == "location" || b.Type == "web_app"
		shape.Buttons[i] = buttonShape{Button: b, Pressable: !outside}
	}
	if shape.Attachments == nil {
		shape.Attachments = []engine.Attachment{}
	}
	if shape.Variables == nil {
		shape.Variables = map[string]string{}
	}
	if m.Employee != nil {
		shape.Employee = m.Employee.Email
	}
	return shape
}

func authorOf(m engine.Message) string {
	switch {
	case m.Origin == salebot.HistoryOriginCallback:
		return "callback"
	case m.FromClient:
		return "client"
	case m.Employee != nil:
		return "employee"
	case m.Origin == salebot.HistoryOriginAPI:
		return "api"
	case m.Origin == salebot.HistoryOriginCRM:
		return "crm"
	case m.Origin == salebot.HistoryOriginTelephony:
		return "telephony"
	}
	return "flow"
}

type conversationShape struct {
	Messages []messageShape `json:"messages"`
	// Before and After are how many messages stand before and after these.
	Before int `json:"before"`
	After  int `json:"after"`
}

func (c *control) listMessages(r *call) (any, error) {
	id, err := r.client()
	if err != nil {
		return nil, err
	}
	query := engine.ConversationQuery{}
	for name, into := range map[string]*salebot.MessageID{"before": &query.Before, "after": &query.After} {
		n, wrong := r.number(name, 0, 0, anyNumber)
		if wrong != nil {
			return nil, wrong
		}
		*into = salebot.MessageID(n)
	}
	limit, err := r.number("limit", usualPage, 1, largestPage)
	if err != nil {
		return nil, err
	}
	query.Limit = int(limit)
	seconds, err := r.seconds()
	switch {
	case err != nil:
		return nil, err
	case query.Before != 0 && query.After != 0:
		return nil, badRequest("before and after do not go together")
	}
	var part engine.Conversation
	known := true
	look := func() bool {
		part, known = c.conversation(id, query)
		return !known || len(part.Messages) > 0
	}
	if seconds > 0 && query.Before == 0 {
		c.wait(r, seconds, look)
	} else {
		look()
	}
	if !known {
		return nil, noClient(id)
	}
	shape := conversationShape{Messages: make([]messageShape, len(part.Messages)), Before: part.Before, After: part.After}
	for i, m := range part.Messages {
		shape.Messages[i] = shapeOfMessage(m)
	}
	return shape, nil
}

// conversation is Conversation also for numbers of messages that are not in the
// chat: numbers rise, so that it is known where such a message would stand.
func (c *control) conversation(id salebot.ClientID, query engine.ConversationQuery) (engine.Conversation, bool) {
	part, known := c.Conversation(id, query)
	if query.Before == 0 && query.After == 0 {
		return part, known
	}
	// Where the message is not there, this is the end of the conversation, and more
	// may be wanted. The first look is only at the message before.
	for look := 1; known && len(part.Messages) > 0 && part.Before > 0; look = largestPage {
		first := part.Messages[0].ID
		if first <= query.After || query.After == 0 && below(query.Before, part.Messages) >= query.Limit {
			break
		}
		var older engine.Conversation
		older, known = c.Conversation(id, engine.ConversationQuery{Before: first, Limit: look})
		if n := len(older.Messages); n == 0 || older.Messages[n-1].ID <= query.After || older.Messages[n-1].ID >= first {
			break // the last would mean that the conversation was replaced
		}
		part.Messages, part.Before = append(older.Messages, part.Messages...), older.Before
	}
	var first, last int
	if query.After != 0 {
		first = sort.Search(len(part.Messages), func(i int) bool { return part.Messages[i].ID > query.After })
		last = min(len(part.Messages), first+query.Limit)
	} else {
		last = below(query.Before, part.Messages)
		first = max(0, last-query.Limit)
	}
	part.Before, part.After = part.Before+first, part.After+len(part.Messages)-last
	part.Messages = part.Messages[first:last]
	return part, known
}

// below counts the messages with numbers below one.
func below(id salebot.MessageID, messages []engine.Message) int {
	return sort.Search(len(messages), func(i int) bool { return messages[i].ID >= id })
}

const longestText = 1 << 20

func (c *control) writeMessage(r *call) (any, error) {
	id, err := r.client()
	if err != nil {
		return nil, err
	}
	var wanted struct {
		// Text may be empty, as in the notices of some messengers, but is given.
		Text        *string             `json:"text"`
		Attachments []engine.Attachment `json:"attachments"`
		// Employee is the address of the employee who writes instead of the client.
		Employee string `json:"employee"`
	}
	err = r.read(&wanted)
	if err != nil {
		return nil, err
	}
	var text string
	if wanted.Text != nil {
		text = *wanted.Text
	}
	switch {
	case wanted.Text == nil && len(wanted.Attachments) == 0:
		return nil, badRequest("text or attachments are required")
	case text == "" && wanted.Employee != "":
		return nil, badRequest("text is required")
	case len(text) > longestText:
		return nil, badRequest("the text is too long")
	}
	if _, known := c.LookupPerson(id); !known {
		return nil, noClient(id)
	}
	var m engine.Message
	if wanted.Employee != "" {
		m, err = c.WriteAsEmployee(id, wanted.Employee, text)
	} else {
		m, err = c.Write(id, text, wanted.Attachments...)
	}
	if err != nil {
		return nil, err
	}
	return shapeOfMessage(m), nil
}

func (c *control) pressButton(r *call) (any, error) {
	id, err := r.client()
	if err != nil {
		return nil, err
	}
	var wanted struct {
		// Text is the caption of the button; the latest one that has it counts.
		Text string `json:"text"`
		// MessageID and Button name a certain one by its place.
		MessageID salebot.MessageID `json:"message_id"`
		Button    int               `json:"button"`
	}
	err = r.read(&wanted)
	if err != nil {
		return nil, err
	}
	if _, known := c.LookupPerson(id); !known {
		return nil, noClient(id)
	}
	var m engine.Message
	switch {
	case wanted.MessageID != 0:
		m, err = c.PressUnder(id, wanted.MessageID, wanted.Button)
	case wanted.Text != "":
		m, err = c.Press(id, wanted.Text)
	default:
		return nil, badRequest("text or message_id is required")
	}
	if err != nil {
		return nil, err
	}
	return shapeOfMessage(m), nil
}
