package emulator

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
)

// Option describes the emulated project. Options work together in any order.
type Option func(*configuration)

// configuration is what the options build.
type configuration struct {
	keys        []Key
	clock       Clock
	location    *time.Location
	answers     Answers
	webhook     Webhook
	bodyLimit   int64
	logLimit    int
	maxMessages int
	allowOrigin string
	pace        time.Duration
	base, given Project
	followers   []string
	absent      []string
	problems    []error
}

// DefaultMaxBodySize bounds the body of a request, in bytes.
const DefaultMaxBodySize = 8 << 20

func defaultConfiguration() *configuration {
	return &configuration{
		clock: realClock{}, location: time.UTC, bodyLimit: DefaultMaxBodySize, logLimit: DefaultMaxLogEntries,
		pace: DefaultBroadcastPace,
	}
}

func (c *configuration) refuse(problem string) {
	c.problems = append(c.problems, errors.New(problem))
}

// project builds the state that the options describe.
func (c *configuration) project() (*project, error) {
	state := c.base
	state.add(&c.given)
	p, err := state.build(c.clock.Now())
	if err != nil {
		return nil, err
	}
	p.answers, p.location, p.pace, p.maxMessages = new(c.answers), c.location, c.pace, c.maxMessages
	for _, phone := range c.absent {
		p.absent[digitsOf(phone)] = true
	}
	for _, account := range c.followers {
		p.followers[accountName(account)] = true
	}
	return p, nil
}

// WithKey sets the API key, or adds one more: the first key is the main one. By
// default the only key is DefaultKey. Without permissions a key may do
// everything. A key should be no common word: the client takes it out of whatever it
// logs, and so would take the word out of names and texts.
func WithKey(value string, permissions ...Permission) Option {
	return WithKeys(Key{Value: value, Permissions: permissions})
}

// WithKeys adds API keys.
func WithKeys(keys ...Key) Option {
	return func(c *configuration) {
		for _, key := range keys {
			if key.Value == "" || strings.Contains(key.Value, "/") {
				c.refuse("WithKeys: a key must not be empty or have a slash in it")
				continue
			}
			for _, permission := range key.Permissions {
				if err := oneOf("WithKeys", permission, Permissions()...); err != nil {
					c.problems = append(c.problems, err)
				}
			}
			c.keys = append(c.keys, key)
		}
	}
}

// WithPerson puts a person into the project.
func WithPerson(person Person) Option { return WithPeople(person) }

// WithPeople puts people into the project.
func WithPeople(people ...Person) Option {
	return func(c *configuration) { c.given.Clients = append(c.given.Clients, seeds(people)...) }
}

func seeds(people []Person) []PersonState {
	states := make([]PersonState, len(people))
	for i, person := range people {
		states[i].Person = person
	}
	return states
}

// WithChannels replaces the connected messengers, which are DefaultChannels.
// Without arguments nothing is connected.
func WithChannels(channels ...Channel) Option {
	return func(c *configuration) { c.given.Channels = append([]Channel{}, channels...) }
}

// WithBlocks adds blocks to the flow.
func WithBlocks(blocks ...Block) Option {
	return func(c *configuration) { c.given.Blocks = append(c.given.Blocks, blocks...) }
}

// WithEmployees replaces the employees, who are DefaultEmployees.
func WithEmployees(employees ...Employee) Option {
	return func(c *configuration) { c.given.Employees = append([]Employee{}, employees...) }
}

// WithStates replaces the states of deals, which are DefaultStates.
func WithStates(states ...State) Option {
	return func(c *configuration) { c.given.States = append([]State{}, states...) }
}

// WithOrders puts deals into the project. Their clients have to be there.
func WithOrders(orders ...Order) Option {
	return func(c *configuration) { c.given.Orders = append(c.given.Orders, orders...) }
}

// WithProject sets the whole state, as Snapshot returns it. The options for parts
// of the state add to it, or replace its parts if they replace the defaults.
func WithProject(state Project) Option {
	return func(c *configuration) { c.base = state }
}

// WithProjectID sets the number of the project, which is DefaultProjectID.
func WithProjectID(id salebot.ProjectID) Option {
	return func(c *configuration) { c.given.ID = id }
}

// FirstIDs are the numbers that the first client, message and deal get. Zero
// means the usual one.
type FirstIDs struct {
	Client  salebot.ClientID  `json:"client,omitempty"`
	Message salebot.MessageID `json:"message,omitempty"`
	Order   salebot.OrderID   `json:"order,omitempty"`
}

// WithFirstIDs sets the numbers from which clients, messages and deals are
// counted, for testing how a program takes large ones.
func WithFirstIDs(first FirstIDs) Option {
	return func(c *configuration) { c.given.Next = first }
}

// WithLocation sets the time zone of the project, in which send_time is read and
// times without a zone are written. The default is UTC.
func WithLocation(location *time.Location) Option {
	return func(c *configuration) {
		if location == nil {
			c.refuse("WithLocation: the location is nil")
			return
		}
		c.location = location
	}
}

// WithClock replaces the clock. The default one is that of package time.
func WithClock(clock Clock) Option {
	return func(c *configuration) {
		if clock == nil {
			c.refuse("WithClock: the clock is nil")
			return
		}
		c.clock = clock
	}
}

// WithAnswers sets how the emulator answers if the evidence is silent or
// split.
func WithAnswers(answers Answers) Option {
	return func(c *configuration) {
		c.answers = answers
		if err := answers.Validate(); err != nil {
			c.problems = append(c.problems, err)
		}
	}
}

// WithWebhook sends every message, in and out, to a webhook.
func WithWebhook(webhook Webhook) Option {
	return func(c *configuration) { c.webhook = webhook }
}

// WithBroadcastPace sets the time between two messages of a broadcast that does
// not say its own. The default is DefaultBroadcastPace.
func WithBroadcastPace(pace time.Duration) Option {
	return func(c *configuration) {
		if pace < 0 {
			c.refuse("WithBroadcastPace: the time is negative")
			return
		}
		c.pace = pace
	}
}

// WithoutWhatsApp names phone numbers that have no WhatsApp. All others have it.
func WithoutWhatsApp(phones ...string) Option {
	return func(c *configuration) { c.absent = append(c.absent, phones...) }
}

// WithInstagramFollowers names the accounts that follow the project's page. No
// others do.
func WithInstagramFollowers(accounts ...string) Option {
	return func(c *configuration) { c.followers = append(c.followers, accounts...) }
}

// WithMaxBodySize bounds the body of a request, in bytes. The default is
// DefaultMaxBodySize.
func WithMaxBodySize(bytes int64) Option {
	return func(c *configuration) {
		if bytes <= 0 || bytes > math.MaxInt32 {
			c.refuse("WithMaxBodySize: must be positive and at most 2 GiB")
			return
		}
		c.bodyLimit = bytes
	}
}

// WithMaxLogEntries sets how many requests and deliveries are remembered. The default
// is DefaultMaxLogEntries.
func WithMaxLogEntries(entries int) Option {
	return func(c *configuration) {
		if entries < 0 || entries > 1_000_000 {
			c.refuse("WithMaxLogEntries: must be between 0 and a million")
			return
		}
		c.logLimit = entries
	}
}

// WithMaxMessages sets how many messages of each conversation are kept; the oldest
// go first. Zero, the default, keeps all.
func WithMaxMessages(messages int) Option {
	return func(c *configuration) {
		if messages < 0 {
			c.refuse("WithMaxMessages: the number is negative")
			return
		}
		c.maxMessages = messages
	}
}

// WithCORS lets pages of an origin call the API from a browser; "*" allows all.
// By default none can, as with Salebot itself.
func WithCORS(origin string) Option {
	return func(c *configuration) {
		if strings.ContainsAny(origin, "\r\n") {
			c.refuse("WithCORS: the origin has a line break in it")
			return
		}
		c.allowOrigin = origin
	}
}
