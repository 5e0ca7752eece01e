package salebottest

import (
	"time"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// Option describes the emulated project. Options work together in any order. An
// option that cannot work fails the test in New and NewServer, and is an error of
// Open and Start.
type Option func(*settings)

// settings are what the options ask for.
type settings struct{ engine []engine.Option }

func with(option engine.Option) Option {
	return func(s *settings) { s.engine = append(s.engine, option) }
}

const (
	// DefaultKey is the API key of an emulator that was given none.
	DefaultKey = engine.DefaultKey
	// DefaultMaxBodySize bounds the body of a request, in bytes.
	DefaultMaxBodySize = engine.DefaultMaxBodySize
	// DefaultMaxLogEntries is how many requests and deliveries are kept.
	DefaultMaxLogEntries = engine.DefaultMaxLogEntries
)

// WithKey sets the API key, or adds one more: the first key is the main one. By
// default the only key is DefaultKey. Without permissions a key may do
// everything. A key should be no common word: the client takes it out of whatever it
// logs, and so would take the word out of names and texts.
func WithKey(value string, permissions ...Permission) Option {
	return WithKeys(Key{Value: value, Permissions: permissions})
}

// WithKeys adds API keys.
func WithKeys(keys ...Key) Option {
	return with(engine.WithKeys(keysOf(keys)...))
}

// WithPerson puts a person into the project.
func WithPerson(person Person) Option {
	return WithPeople(person)
}

// WithPeople puts people into the project.
func WithPeople(people ...Person) Option {
	return with(engine.WithPeople(each(people, func(one Person) engine.Person { return engine.Person(one) })...))
}

// WithChannels replaces the connected messengers, which are DefaultChannels.
// Without arguments nothing is connected.
func WithChannels(channels ...Channel) Option {
	return with(engine.WithChannels(each(channels, func(one Channel) engine.Channel { return engine.Channel(one) })...))
}

// WithBlocks adds blocks to the flow.
func WithBlocks(blocks ...Block) Option {
	return with(engine.WithBlocks(engineBlocks(blocks)...))
}

// WithEmployees replaces the employees, who are DefaultEmployees.
func WithEmployees(employees ...Employee) Option {
	return with(engine.WithEmployees(each(employees, func(one Employee) engine.Employee { return engine.Employee(one) })...))
}

// WithStates replaces the states of deals, which are DefaultStates.
func WithStates(states ...State) Option {
	return with(engine.WithStates(each(states, func(one State) engine.State { return engine.State(one) })...))
}

// WithOrders puts deals into the project. Their clients have to be there.
func WithOrders(orders ...Order) Option {
	return with(engine.WithOrders(each(orders, func(one Order) engine.Order { return engine.Order(one) })...))
}

// WithProjectID sets the number of the project, which is 424000.
func WithProjectID(id salebot.ProjectID) Option {
	return with(engine.WithProjectID(id))
}

// WithLocation sets the time zone of the project, in which send_time is read and
// times without a zone are written. The default is UTC.
func WithLocation(location *time.Location) Option {
	return with(engine.WithLocation(location))
}

// WithAnswers sets how the emulator answers if the evidence is silent or
// split.
func WithAnswers(answers Answers) Option {
	return with(engine.WithAnswers(answers.engine()))
}

// WithWebhook sends every message, in and out, to a webhook.
func WithWebhook(webhook Webhook) Option {
	return with(engine.WithWebhook(webhook.engine()))
}

// WithBroadcastPace sets the time between two messages of a broadcast that does
// not say its own. The default is 0.2 s, as documented.
func WithBroadcastPace(pace time.Duration) Option {
	return with(engine.WithBroadcastPace(pace))
}

// WithoutWhatsApp names phone numbers that have no WhatsApp. All others have it.
func WithoutWhatsApp(phones ...string) Option {
	return with(engine.WithoutWhatsApp(phones...))
}

// WithInstagramFollowers names the accounts that follow the project's page. No
// others do.
func WithInstagramFollowers(accounts ...string) Option {
	return with(engine.WithInstagramFollowers(accounts...))
}

// WithMaxBodySize bounds the body of a request, in bytes. The default is
// DefaultMaxBodySize.
func WithMaxBodySize(bytes int64) Option {
	return with(engine.WithMaxBodySize(bytes))
}

// WithMaxMessages sets how many messages of each conversation are kept; the oldest
// go first. Zero, the default, keeps all.
func WithMaxMessages(messages int) Option {
	return with(engine.WithMaxMessages(messages))
}

// WithMaxLogEntries sets how many requests and deliveries are remembered. The default
// is DefaultMaxLogEntries.
func WithMaxLogEntries(entries int) Option {
	return with(engine.WithMaxLogEntries(entries))
}
