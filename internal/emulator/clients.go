package emulator

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
)

// Person is a person in one messenger: what Salebot calls a client.
type Person struct {
	// ID is Salebot's number of the client. Zero asks for the next free one.
	ID salebot.ClientID `json:"id,omitempty"`
	// PlatformID is the person's id in the messenger. Empty asks for one that is
	// made up.
	PlatformID salebot.PlatformID `json:"platform_id,omitempty"`
	// GroupID is the bot. Empty asks for the first connected channel of the
	// messenger.
	GroupID salebot.GroupID `json:"group_id,omitempty"`
	// ClientType is the messenger. Beware that the zero value is VK, as in the
	// API.
	ClientType salebot.ClientType `json:"client_type"`
	// Name is the person's name.
	Name string `json:"name,omitempty"`
	// Avatar is the address of the person's picture.
	Avatar string `json:"avatar,omitempty"`
	// Tag is the subscription key.
	Tag string `json:"tag,omitempty"`
	// CreatedAt is the time at which the client was created. Zero means now.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// UpdatedAt is the time of the last change. Zero means CreatedAt.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	// BlockID is the block of the flow in which the client is; 0 at the beginning.
	BlockID salebot.BlockID `json:"block_id,omitempty"`
	// Paused says that the bot keeps quiet, because an employee took over; a
	// callback with resume_bot ends it.
	Paused bool `json:"paused,omitempty"`
	// Unreachable makes every message to the client fail with this text; empty
	// for a client who can be reached.
	Unreachable string `json:"unreachable,omitempty"`
	// Employee is the address of the employee whom the client is assigned to.
	Employee string `json:"employee,omitempty"`
	// Variables are the variables under the names that save_variables takes: with
	// the prefix "client." those of the client, without it those of the deal.
	Variables map[string]any `json:"variables,omitempty"`
	// Lists are the lists that the client is in.
	Lists []salebot.ListID `json:"lists,omitempty"`
}

// AddPerson puts a person into the project and returns its number. It fails if
// the number or the person is taken.
func (e *Emulator) AddPerson(seed Person) (salebot.ClientID, error) {
	var id salebot.ClientID
	err := e.change(func(p *project, now int64) error {
		c, err := p.seedClient(seed, now)
		if err == nil {
			id = salebot.ClientID(c.id)
		}
		return err
	})
	return id, err
}

func (p *project) seedClient(seed Person, now int64) (*client, error) {
	c := &client{
		person:      person{kind: seed.ClientType, platform: string(seed.PlatformID), group: string(seed.GroupID)},
		id:          int64(seed.ID),
		name:        seed.Name,
		avatar:      seed.Avatar,
		tag:         seed.Tag,
		createdAt:   microOr(seed.CreatedAt, now),
		block:       int64(seed.BlockID),
		paused:      seed.Paused,
		unreachable: seed.Unreachable,
		employee:    seed.Employee,
	}
	c.updatedAt = microOr(seed.UpdatedAt, c.createdAt)
	if c.group == "" && c.kind != salebot.ClientTypeTelephony {
		c.group = p.firstGroup(c.kind)
	}
	if c.platform == "" {
		number := c.id
		if number == 0 {
			number = p.next.client
		}
		c.platform = strconv.FormatInt(700_000_000+number%100_000_000, 10)
	}
	c.platform = keptPlatformID(c.kind, c.platform)
	switch {
	case c.id < 0:
		return nil, fmt.Errorf("client %d: the number must be positive", c.id)
	case p.clients[c.id] != nil:
		return nil, fmt.Errorf("client %d is in the project already", c.id)
	case p.persons[c.person] != nil:
		return nil, fmt.Errorf("%v %s of bot %q is in the project already, as client %d",
			c.kind, c.platform, c.group, p.persons[c.person].id)
	}
	for name, value := range seed.Variables {
		encoded, err := encodedVariable(value)
		if err != nil {
			return nil, fmt.Errorf("variable %q: %w", name, err)
		}
		c.save(name, encoded)
	}
	c.name = cmp.Or(seed.Name, c.name) // it may be a later one than the variable
	p.addClient(c)
	for _, id := range seed.Lists {
		p.join(int64(id), c)
	}
	return c, nil
}

func microOr(at time.Time, fallback int64) int64 {
	if at.IsZero() {
		return fallback
	}
	return micro(at)
}

// LookupPerson returns a person; ok is false if the project has none of the number.
func (e *Emulator) LookupPerson(id salebot.ClientID) (state Person, ok bool) {
	e.read(func(p *project) {
		if c := p.clients[int64(id)]; c != nil {
			state, ok = p.exportClient(c), true
		}
	})
	return state, ok
}

// People returns the people of the project in the order of their creation.
func (e *Emulator) People() []Person {
	var all []Person
	e.read(func(p *project) {
		all = make([]Person, len(p.roll))
		for i, c := range p.roll {
			all[i] = p.exportClient(c)
		}
	})
	return all
}

func (p *project) exportClient(c *client) Person {
	exported := c.exportPerson()
	exported.Lists = p.listsOf(c)
	own, deal := c.variables, *c.dealVariables()
	if len(own)+len(deal) > 0 {
		exported.Variables = make(map[string]any, len(own)+len(deal))
		for name, value := range own {
			exported.Variables[ownPrefix+name] = value
		}
		for name, value := range deal {
			exported.Variables[name] = value
		}
	}
	return exported
}

// exportPerson is a client without variables and lists.
func (c *client) exportPerson() Person {
	return Person{
		ID: salebot.ClientID(c.id), PlatformID: salebot.PlatformID(c.platform), GroupID: salebot.GroupID(c.group),
		ClientType: c.kind, Name: c.name, Avatar: c.avatar, Tag: c.tag,
		CreatedAt: timeOf(c.createdAt), UpdatedAt: timeOf(c.updatedAt),
		BlockID: salebot.BlockID(c.block), Paused: c.paused, Unreachable: c.unreachable, Employee: c.employee,
	}
}

// Persons.

const whatsAppHost = "@s.whatsapp.net"

// keptPlatformID is how the project keeps an id of a messenger. Phone numbers
// come in all spellings and are kept as digits.
func keptPlatformID(kind salebot.ClientType, platform string) string {
	platform = strings.TrimSpace(platform)
	switch kind { //nolint:exhaustive // only three messengers have spellings
	case salebot.ClientTypeWhatsApp:
		if digits := digitsOf(strings.TrimSuffix(platform, whatsAppHost)); digits != "" {
			return digits
		}
	case salebot.ClientTypeTelephony:
		// Programs put addresses of e-mail here too.
		if digits := digitsOf(platform); digits != "" && !strings.Contains(platform, "@") {
			return digits
		}
	case salebot.ClientTypeEmail:
		return strings.ToLower(platform)
	}
	return platform
}

func digitsOf(phone string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
}

// Actions.

const largestPage = 500

func getClients(c *call) reply {
	offset, err := c.parameters.Number("offset", 0)
	if err != nil || offset < 0 {
		return c.project.invalid("offset must be a whole number")
	}
	limit, err := c.parameters.Number("limit", largestPage)
	if err != nil || limit < 1 {
		return c.project.invalid("limit must be a positive number")
	}
	limit = c.capped(limit, largestPage)
	roll, forwards := c.project.roll, c.parameters.Flag("reverse", false)
	id, problem := c.optionalID("list")
	if problem != nil {
		return *problem
	}
	if id != 0 {
		roll, forwards = nil, false // reverse is of no effect within a list
		if l := c.project.lists[id]; l != nil {
			roll = l.members
		}
	}
	text := []byte{'['}
	for i := offset; i < offset+limit && i < int64(len(roll)); i++ {
		place := i
		if !forwards {
			place = int64(len(roll)) - 1 - i
		}
		if i > offset {
			text = append(text, ',')
		}
		text = append(text, c.project.listed(roll[place])...)
	}
	o := c.project.success()
	o.Raw("clients", append(text, ']'))
	return inJSON(o.Bytes())
}

// listed writes a client as get_clients lists it.
func (p *project) listed(c *client) []byte {
	o := object{in: p}
	o.id("id", c.id)
	o.Text("platform_id", c.platform)
	o.Int("client_type", int64(c.kind))
	o.textOrNull("name", c.name)
	o.textOrNull("avatar", c.avatar)
	o.idOrNull("message_id", c.block)
	o.id("project_id", p.id)
	o.clientTime("created_at", c.createdAt)
	o.clientTime("updated_at", c.updatedAt)
	o.null("custom_answer")
	o.textOrNull("tag", c.tag)
	o.Text("group", c.group)
	o.null("operator_start_dialog")
	return o.Bytes()
}

const mostDeletions = 500

func deleteClients(c *call) reply {
	if len(c.parameters.Values("client_ids")) > mostDeletions {
		return c.project.invalid(fmt.Sprintf("client_ids has more than %d ids", mostDeletions))
	}
	ids, problem := c.ids("client_ids")
	if problem != nil {
		return *problem
	}
	c.known("client_ids", ids)
	gone := make(map[int64]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	c.project.removeClients(gone)
	return c.project.acknowledged()
}

func assignToUser(c *call) reply {
	target, refused := c.client(c.project.noClientToSendTo)
	if target == nil {
		return refused
	}
	target.employee = c.parameters.Text("email")
	if target.employee == "" && len(c.project.employees) > 0 {
		// Salebot distributes by rules of its own; the emulator takes turns.
		target.employee = c.project.employees[target.id%int64(len(c.project.employees))].Email
	}
	target.updatedAt = c.at
	c.project.touch(target)
	return c.project.acknowledged()
}
