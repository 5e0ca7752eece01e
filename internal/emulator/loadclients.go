package emulator

import (
	"encoding/json"
	"errors"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/wire"
)

// loadClients gets or creates clients and answers an element for each.
func loadClients(c *call) reply {
	elements := c.elements()
	if elements == nil {
		return c.project.invalid("an array of clients is required")
	}
	items := []byte{'['}
	for i, element := range elements {
		if i > 0 {
			items = append(items, ',')
		}
		items = append(items, c.loadClient(element)...)
	}
	o := c.project.success()
	o.Raw("items", append(items, ']'))
	return inJSON(o.Bytes())
}

// elements finds the list of clients: the body itself, or under the key that the
// PHP libraries use; a lone client counts as a list of one.
func (c *call) elements() []json.RawMessage {
	list := c.parameters.List
	if list == nil {
		list = c.parameters.Nested("clients")
		c.note("the reference has a bare JSON array of clients as the body; whether Salebot takes anything else is not known")
	}
	if list == nil && c.parameters.Raw("platform_id") != nil {
		var o wire.Object
		for _, m := range c.parameters.Members {
			o.Raw(m.Name, m.Value)
		}
		return []json.RawMessage{o.Bytes()}
	}
	var elements []json.RawMessage
	err := wire.Elements(list, func(value []byte) error {
		elements = append(elements, value)
		return nil
	})
	if err != nil {
		return nil
	}
	return elements
}

func (c *call) loadClient(element json.RawMessage) []byte {
	p := c.parameters.Part()
	if element[0] == '{' {
		p.Members, _ = p.MembersOf(element)
	}
	p.NoteUnknown(c.row)
	p.NotePlaceholders()
	o := object{in: c.project}
	echo := func(name string) {
		value := p.Raw(name)
		if value == nil {
			value = []byte(`""`)
		}
		o.Raw(name, value)
	}
	status, id := "success", int64(0)
	kind, err := c.personOf(&p)
	who := person{kind: kind, platform: keptPlatformID(kind, p.Identifier("platform_id")), group: p.Identifier("group_id")}
	switch {
	case err != nil:
		status = err.Error()
	default:
		known := c.meets(c.project.getOrCreate(who, c.at))
		id = known.id
	}
	if c.project.answers.WhatsAppSuffix && kind == salebot.ClientTypeWhatsApp && who.platform != "" {
		o.Text("platform_id", who.platform+whatsAppHost)
	} else {
		echo("platform_id")
	}
	echo("group_id")
	echo("client_type")
	o.Text("status", status)
	o.idOrNull("id", id)
	return o.Bytes()
}

var (
	errNoPlatformID = errors.New("platform_id required")
	errNoMessenger  = errors.New("client_type required")
	errNoGroup      = errors.New("group_id required")
	errUnknownGroup = errors.New("group_not_found")
)

// personOf checks who an element is about.
func (c *call) personOf(p *request.Params) (salebot.ClientType, error) {
	kind, err := p.Number("client_type", -1)
	switch {
	case p.Text("platform_id") == "":
		return salebot.ClientTypeUnrecognized, errNoPlatformID
	case err != nil:
		return salebot.ClientTypeUnrecognized, err
	case kind < 0 || kind > 1000:
		return salebot.ClientTypeUnrecognized, errNoMessenger
	}
	messenger := salebot.ClientType(kind)
	group := p.Identifier("group_id")
	c.project.noteGroup(p, messenger, "group_id", group)
	switch {
	case messenger == salebot.ClientTypeTelephony:
	case group == "":
		return messenger, errNoGroup
	case !c.project.knowsGroup(messenger, group):
		return messenger, errUnknownGroup
	}
	return messenger, nil
}
