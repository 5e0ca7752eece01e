package emulator

import (
	"fmt"
	"strconv"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/wire"
)

// Callback is a text that the flow got and the person did not see.
type Callback struct {
	// ID is the number that it has in the history.
	ID salebot.MessageID
	// ClientID is the client whose flow it was for.
	ClientID salebot.ClientID
	// Time is when it arrived in the flow.
	Time time.Time
	// Text is the callback's text.
	Text string
	// Variables are the further parameters, which were saved as variables.
	Variables map[string]string
}

// Callbacks returns the callbacks of a client, the oldest first.
func (e *Emulator) Callbacks(id salebot.ClientID) []Callback {
	var callbacks []Callback
	for _, m := range e.conversation(id, func(m *message) bool { return m.origin == salebot.HistoryOriginCallback }) {
		callbacks = append(callbacks, Callback{ID: m.ID, ClientID: m.ClientID, Time: m.Time, Text: m.Text, Variables: m.Variables})
	}
	return callbacks
}

// call adds a callback to the conversation and lets the flow react.
func (p *project) call(c *client, s *send, at int64) {
	m := message{at: at, text: s.content.text, fromClient: true, origin: salebot.HistoryOriginCallback}
	if len(s.variables) > 0 {
		m.more = &details{variables: s.variables}
	}
	p.append(c, m)
	if s.resume {
		c.paused = false
		p.touch(c)
	}
	p.react(c, s.content.text, true, at)
}

// client finds the client that client_id names.
func (c *call) client(notFound func() reply) (*client, reply) {
	id, problem := c.id("client_id")
	if problem != nil {
		return nil, *problem
	}
	if target := c.lookup(id); target != nil {
		return target, reply{}
	}
	return nil, notFound()
}

// lookup finds a client by its number.
func (c *call) lookup(id int64) *client {
	target := c.meets(c.project.clients[id])
	if target == nil {
		// The two kinds of numbers are mixed up more often than anything else.
		if others := c.project.platforms[strconv.FormatInt(id, 10)]; len(others) > 0 {
			c.parameters.Notef("client_id is Salebot's number of a client; %d is the platform_id of client %d", id, others[0].id)
		}
	}
	return target
}

// personOrRefusal finds the client of a person, and creates the client if the
// settings or the action say so.
func (c *call) personOrRefusal(who person, always bool) (*client, reply) {
	if target := c.project.persons[who]; target != nil {
		return target, reply{}
	}
	if !always && c.project.answers.UnknownUsers == UsersRefused || !c.project.knowsGroup(who.kind, who.group) {
		return nil, c.project.noClientToSendTo()
	}
	return c.project.getOrCreate(who, c.at), reply{}
}

// start sends the callback of a request.
func (c *call) start(target *client) reply {
	c.meets(target)
	text := c.parameters.Text("message")
	if text == "" {
		if c.project.answers.CallbackWithoutMessage == EmptyCallbacksRefused {
			return c.project.required("message")
		}
		c.note("the callback has no message, so no block reacts to it")
	}
	due, err := c.due()
	if err != nil {
		return c.project.invalid(err.Error())
	}
	c.project.touch(target)
	if name := c.parameters.Text("name"); name != "" && c.row.Takes("name") {
		target.name = name
	}
	s := send{
		action: c.row.Name, client: target.id, callback: true, content: content{text: text},
		resume: c.parameters.Flag("resume_bot", false),
	}
	for _, m := range c.parameters.Extras(c.row) {
		target.save(m.Name, m.Value)
		if s.variables == nil {
			s.variables = map[string]string{}
		}
		s.variables[m.Name], _ = wire.LooseText(m.Value)
	}
	c.project.dispatch(s, due, c.at)
	return c.project.sent()
}

// Actions.

func startCallback(c *call) reply {
	var target *client
	var refused reply
	p := &c.parameters
	switch {
	case p.Raw("client_id") != nil:
		target, refused = c.client(c.project.noClientToSendTo)
	case p.Text("client_phone") != "":
		target, refused = c.project.byPhone(p.Identifier("client_phone")), c.project.noClientToSendTo()
	case p.Text("client_email") != "":
		target, refused = c.project.byEmail(p.Text("client_email")), c.project.noClientToSendTo()
	default:
		refused = c.project.required("client_id, client_phone or client_email")
	}
	if target == nil {
		return refused
	}
	return c.start(target)
}

// startForUser starts the bot for a user of a messenger.
func startForUser(kind salebot.ClientType) handler { return startForPerson(kind, "user_id") }

// startForPerson starts the bot for a person in a messenger, whose id there is in
// a parameter.
func startForPerson(kind salebot.ClientType, name string) handler {
	return func(c *call) reply {
		user, group := c.parameters.Identifier(name), c.parameters.Identifier("group_id")
		switch {
		case user == "":
			return c.project.required(name)
		case group == "":
			return c.project.required("group_id")
		}
		c.project.noteGroup(&c.parameters, kind, "group_id", group)
		target, refused := c.personOrRefusal(person{kind: kind, platform: keptPlatformID(kind, user), group: group}, false)
		if target == nil {
			return refused
		}
		return c.start(target)
	}
}

func startForWhatsApp(c *call) reply {
	phone := c.parameters.Identifier("phone")
	if phone == "" {
		return c.project.required("phone")
	}
	target, refused := c.personOrRefusal(person{
		kind:     salebot.ClientTypeWhatsApp,
		platform: keptPlatformID(salebot.ClientTypeWhatsApp, phone),
		group:    c.whatsAppGroup("bot_id"),
	}, false)
	if target == nil {
		return refused
	}
	return c.start(target)
}

func startForEmail(c *call) reply {
	email := c.parameters.Text("email")
	if email == "" {
		return c.project.required("email")
	}
	who := person{
		kind:     salebot.ClientTypeEmail,
		platform: keptPlatformID(salebot.ClientTypeEmail, email),
		group:    c.parameters.Text("email_id_bot"),
	}
	if who.group == "" {
		// Without the bot's address the client is the one that has the address.
		for _, known := range c.project.platforms[who.platform] {
			if known.kind == salebot.ClientTypeEmail {
				who = known.person
				break
			}
		}
	}
	target, refused := c.personOrRefusal(who, true)
	if target == nil {
		return refused
	}
	return c.start(target)
}

const mostCallbacks = 300

func sendCallbackByPlatformID(c *call) reply {
	wanted, text := c.parameters.Values("platform_ids"), c.parameters.Text("callback_text")
	switch {
	case len(wanted) == 0:
		return c.project.required("platform_ids")
	case text == "":
		return c.project.required("callback_text")
	case len(wanted) > mostCallbacks:
		return c.project.invalid(fmt.Sprintf("platform_ids has more than %d ids", mostCallbacks))
	}
	due, err := c.due()
	if err != nil {
		return c.project.invalid(err.Error())
	}
	targets := c.byPlatformIDs(wanted)
	for _, target := range targets {
		c.meets(target)
		c.project.dispatch(send{action: c.row.Name, client: target.id, callback: true, content: content{text: text}}, due, c.at)
	}
	if c.project.answers.CallbacksByPlatformID == CallbacksAsSends {
		return c.project.sent()
	}
	var o wire.Object
	o.Int("callback_sended", int64(len(targets)))
	return inJSON(o.Bytes())
}
