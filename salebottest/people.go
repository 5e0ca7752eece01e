package salebottest

import (
	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// AddPerson puts a person into the project and returns its client id. It fails if
// the id or the person is taken.
func (e *Emulator) AddPerson(person Person) (salebot.ClientID, error) {
	id, err := e.engine.AddPerson(engine.Person(person))
	return id, prefixed(err)
}

// LookupPerson returns a person; ok is false if the project has none of the id.
func (e *Emulator) LookupPerson(id salebot.ClientID) (person Person, ok bool) {
	found, ok := e.engine.LookupPerson(id)
	return Person(found), ok
}

// People returns the people of the project in the order of their creation.
func (e *Emulator) People() []Person {
	return each(e.engine.People(), func(one engine.Person) Person { return Person(one) })
}

// Messages returns what a person got from the bot, from employees and through the
// API, the oldest first. What the person wrote, callbacks, and messages that could
// not be delivered are not among them; see History.
func (e *Emulator) Messages(id salebot.ClientID) []Message { return messagesOf(e.engine.Messages(id)) }

// History returns the whole conversation with a client, callbacks included, the
// oldest first.
func (e *Emulator) History(id salebot.ClientID) []Message { return messagesOf(e.engine.History(id)) }

// Callbacks returns the callbacks of a client, the oldest first.
func (e *Emulator) Callbacks(id salebot.ClientID) []Callback {
	return each(e.engine.Callbacks(id), func(one engine.Callback) Callback { return Callback(one) })
}

// Scheduled returns what waits for its time, the next to be sent first.
func (e *Emulator) Scheduled() []Scheduled { return each(e.engine.Scheduled(), scheduledOf) }

// Variables returns the variables of a client as text, under the names that
// save_variables takes: with the prefix "client." those of the client, without it
// those of the current deal. A variable without a value is "".
func (e *Emulator) Variables(id salebot.ClientID) map[string]string { return e.engine.Variables(id) }

// ListMembers returns the clients of a list, in the order in which they were
// added.
func (e *Emulator) ListMembers(id salebot.ListID) []salebot.ClientID { return e.engine.ListMembers(id) }

// Orders returns the deals of a client, the oldest first.
func (e *Emulator) Orders(id salebot.ClientID) []Order {
	return each(e.engine.Orders(id), func(one engine.Order) Order { return Order(one) })
}

// SetOrderStatus ends a deal or makes it active again, as an employee does in the
// CRM. It reports whether there is such a deal.
func (e *Emulator) SetOrderStatus(id salebot.OrderID, status salebot.OrderStatus) bool {
	return e.engine.SetOrderStatus(id, status)
}

// SetReachable lets messages to a client arrive again, or fail with the text of an
// error. It reports whether there is such a client.
func (e *Emulator) SetReachable(id salebot.ClientID, failure string) bool {
	return e.engine.SetReachable(id, failure)
}

// SetPaused stops the bot for a client, as when an employee takes over, or lets it
// go on. It reports whether there is such a client.
func (e *Emulator) SetPaused(id salebot.ClientID, paused bool) bool {
	return e.engine.SetPaused(id, paused)
}

// Write lets a client write to the bot, which may answer by its flow.
func (e *Emulator) Write(id salebot.ClientID, text string, attached ...Attachment) (Message, error) {
	written, err := e.engine.Write(id, text, attachments(attached)...)
	return messageOf(written), prefixed(err)
}

// WriteAsEmployee lets an employee write to a client.
func (e *Emulator) WriteAsEmployee(id salebot.ClientID, email, text string) (Message, error) {
	written, err := e.engine.WriteAsEmployee(id, email, text)
	return messageOf(written), prefixed(err)
}

// Press lets a client press the button with a text, the latest one if several
// messages have it. A button that asks for the phone number sends it; a button
// that opens something outside the conversation cannot be pressed.
func (e *Emulator) Press(id salebot.ClientID, text string) (Message, error) {
	written, err := e.engine.Press(id, text)
	return messageOf(written), prefixed(err)
}
