package emulator

import (
	"errors"
	"fmt"
	"slices"

	"github.com/salebot-go/salebot"
)

// Write lets a client write to the bot, which may answer by its flow.
func (e *Emulator) Write(id salebot.ClientID, text string, attachments ...Attachment) (Message, error) {
	return e.speak(id, func(p *project, c *client, at int64) (*message, error) {
		m := message{at: at, text: text, fromClient: true}
		if len(attachments) > 0 {
			m.more = &details{attachments: slices.Clone(attachments)}
		}
		return p.append(c, m), nil
	})
}

// speak adds a message of the client and lets the flow react to it.
func (e *Emulator) speak(id salebot.ClientID, write func(*project, *client, int64) (*message, error)) (written Message, err error) {
	err = e.change(func(p *project, now int64) error {
		c := p.clients[int64(id)]
		if c == nil {
			return noClient(id)
		}
		m, problem := write(p, c, now)
		if problem != nil {
			return problem
		}
		written = c.export(m)
		p.react(c, written.Text, false, now)
		return nil
	})
	return written, err
}

func noClient(id salebot.ClientID) error {
	return fmt.Errorf("there is no client %d", id)
}

// errNotPressed says that a button cannot be pressed here.
var errNotPressed = errors.New("such a button opens something outside the conversation, which the emulator does not do")

// Press lets a client press the button with a text, the latest one if several
// messages have it. A button that asks for the phone number sends it; a button
// that opens something outside the conversation cannot be pressed.
func (e *Emulator) Press(id salebot.ClientID, text string) (Message, error) {
	return e.speak(id, func(p *project, c *client, at int64) (*message, error) {
		button, err := c.button(text)
		if err != nil {
			return nil, err
		}
		return p.press(c, button, at)
	})
}

func (p *project) press(c *client, button Button, at int64) (*message, error) {
	m := message{at: at, text: button.Text, fromClient: true}
	switch {
	case button.URL != "" || button.WebApp != "" || button.Type == "location" || button.Type == "web_app":
		return nil, errNotPressed
	case button.Type == "phone":
		m.text = ""
		m.more = &details{attachments: []Attachment{{PhoneNumber: c.phone()}}}
	}
	return p.append(c, m), nil
}

// phone is the number that a client shares.
func (c *client) phone() string {
	if phone := c.variables.text("phone"); phone != "" {
		return phone
	}
	if c.kind == salebot.ClientTypeWhatsApp || c.kind == salebot.ClientTypeTelephony {
		return c.platform
	}
	return "79000000000"
}

func (c *client) button(text string) (Button, error) {
	var captions []string
	for _, m := range slices.Backward(c.history) {
		if m.more == nil || m.fromClient {
			continue
		}
		for _, button := range m.more.buttons {
			if button.Text == text {
				return button, nil
			}
			captions = append(captions, button.Text)
		}
	}
	return Button{}, fmt.Errorf("client %d has no button %q, only %q", c.id, text, captions)
}

// WriteAsEmployee lets an employee write to a client.
func (e *Emulator) WriteAsEmployee(id salebot.ClientID, email, text string) (written Message, err error) {
	err = e.change(func(p *project, now int64) error {
		c := p.clients[int64(id)]
		if c == nil {
			return noClient(id)
		}
		at := slices.IndexFunc(p.employees, func(known Employee) bool { return known.Email == email })
		if at < 0 {
			return fmt.Errorf("there is no employee %q", email)
		}
		written = c.export(p.append(c, message{at: now, text: text, more: &details{employee: new(p.employees[at])}}))
		return nil
	})
	return written, err
}

// RunBlock lets a client come to a block, as when the flow leads there.
func (e *Emulator) RunBlock(id salebot.ClientID, block salebot.BlockID) error {
	return e.change(func(p *project, now int64) error {
		c, b := p.clients[int64(id)], p.blockByID(int64(block))
		switch {
		case c == nil:
			return noClient(id)
		case b == nil:
			return fmt.Errorf("there is no block %d", block)
		}
		p.run(c, b, now)
		return nil
	})
}
