package emulator

import (
	"slices"
	"strings"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/wire"
)

// Channel is a messenger that is connected to the emulated project.
type Channel struct {
	// Messenger is the key under which connected_channels lists it: "telegram",
	// "vkontakte", "whatsapp", "viber", "facebook", "avito", "ok", or any other name.
	Messenger string `json:"messenger"`
	// ID is the number of the connection. Zero asks for one that is made up.
	ID salebot.ChannelID `json:"id,omitempty"`
	// GroupID is what other actions take as the bot.
	GroupID salebot.GroupID `json:"group_id"`
	// Name is the name of the bot. Empty means GroupID.
	Name string `json:"name,omitempty"`
	// Disabled says that the connection is switched off.
	Disabled bool `json:"disabled,omitempty"`
	// Status is the state of a WhatsApp; it is not told for other messengers.
	Status salebot.ChannelStatus `json:"status,omitempty"`
}

// DefaultChannels are the messengers of a project if WithChannels names none:
// one of each kind of group_id that the API has.
func DefaultChannels() []Channel {
	return []Channel{
		{Messenger: "viber", ID: 14, GroupID: "11", Name: "mybot"},
		{Messenger: "telegram", ID: 23, GroupID: "my_shop_bot"},
		{Messenger: "whatsapp", ID: 41, GroupID: "c2hvcC13aGF0c2FwcA==", Name: "Shop", Status: salebot.ChannelStatusStarted},
		{Messenger: "vkontakte", ID: 33, GroupID: "143000000"},
	}
}

// listedMessengers are the keys that connected_channels has even if nothing
// is connected.
var listedMessengers = []string{"viber", "facebook", "telegram", "whatsapp", "avito", "ok", "vkontakte", "instagram", "email", "online_chat"}

// messengerOf names the messenger of a client type as connected_channels does.
var messengerOf = map[salebot.ClientType]string{
	salebot.ClientTypeVK:            "vkontakte",
	salebot.ClientTypeTelegram:      "telegram",
	salebot.ClientTypeViber:         "viber",
	salebot.ClientTypeFacebook:      "facebook",
	salebot.ClientTypeWhatsApp:      "whatsapp",
	salebot.ClientTypeAvito:         "avito",
	salebot.ClientTypeOdnoklassniki: "ok",
}

// Channels returns the messengers that are connected.
func (e *Emulator) Channels() []Channel {
	var channels []Channel
	e.read(func(p *project) { channels = slices.Clone(p.channels) })
	return channels
}

// GroupID returns the first connected bot of a messenger, "" if there is
// none.
func (e *Emulator) GroupID(messenger salebot.ClientType) salebot.GroupID {
	var group string
	e.read(func(p *project) { group = p.firstGroup(messenger) })
	return salebot.GroupID(group)
}

func (p *project) firstGroup(kind salebot.ClientType) string {
	for _, channel := range p.channels {
		if channel.Messenger == messengerOf[kind] {
			return string(channel.GroupID)
		}
	}
	return ""
}

// knowsGroup reports whether a bot may be used. For messengers that connected_channels
// does not list, this is not known.
func (p *project) knowsGroup(kind salebot.ClientType, group string) bool {
	if p.answers.UnknownGroups != GroupsRefused || messengerOf[kind] == "" {
		return true
	}
	return slices.ContainsFunc(p.channels, func(channel Channel) bool {
		return channel.Messenger == messengerOf[kind] && string(channel.GroupID) == group
	})
}

// noteGroup tells of a bot that is not connected, which is most often one that is
// spelled in another way. For messengers that connected_channels does not list, this is
// not known.
func (p *project) noteGroup(about *request.Params, kind salebot.ClientType, name, group string) {
	messenger := messengerOf[kind]
	if group == "" || messenger == "" {
		return
	}
	connected, meant := p.connected(messenger, group)
	switch {
	case connected:
	case meant != "":
		about.Notef("%s %s is not a connected channel; did you mean %s?", name, request.Shown(group), request.Shown(meant))
	default:
		about.Notef("%s %s is not a connected channel of %s", name, request.Shown(group), messenger)
	}
}

// noteAnyGroup is noteGroup if the messenger is not known.
func (p *project) noteAnyGroup(about *request.Params, group string) {
	if connected, meant := p.connected("", group); !connected && meant != "" {
		about.Notef("group_id %s is not a connected channel; did you mean %s?", request.Shown(group), request.Shown(meant))
	}
}

// connected reports whether a bot is connected, and which one may be meant if it
// is not.
func (p *project) connected(messenger, group string) (connected bool, meant string) {
	for _, channel := range p.channels {
		name := string(channel.GroupID)
		switch {
		case messenger != "" && channel.Messenger != messenger:
		case name == group:
			return true, ""
		case sameAccount(name, group) || sameAccount(channel.Name, group):
			meant = name
		}
	}
	return false, meant
}

// sameAccount compares the names of bots as people write them: @my_bot, My_Bot,
// https://t.me/my_bot.
func sameAccount(a, b string) bool {
	bare := func(name string) string {
		name = strings.TrimSpace(name)
		return accountName(name[strings.LastIndexByte(name, '/')+1:])
	}
	return a != "" && bare(a) == bare(b)
}

// whatsAppGroup finds the WhatsApp that a parameter names.
func (c *call) whatsAppGroup(name string) string {
	bot := c.parameters.Identifier(name)
	group := c.project.whatsAppGroup(bot)
	if bot != "" {
		c.project.noteGroup(&c.parameters, salebot.ClientTypeWhatsApp, name, group)
	}
	return group
}

// whatsAppGroup finds a WhatsApp by its number in Salebot or by its group_id.
func (p *project) whatsAppGroup(bot string) string {
	if bot == "" {
		return p.firstGroup(salebot.ClientTypeWhatsApp)
	}
	id := request.IDOf(wire.AppendText(nil, bot))
	for _, channel := range p.channels {
		if channel.Messenger == "whatsapp" && id != 0 && int64(channel.ID) == id {
			return string(channel.GroupID)
		}
	}
	return bot
}

// Actions.

func connectedChannels(c *call) reply {
	o := object{in: c.project}
	o.id("project_id", c.project.id)
	names := slices.Clone(listedMessengers)
	for _, channel := range c.project.channels {
		if !slices.Contains(names, channel.Messenger) {
			names = append(names, channel.Messenger)
		}
	}
	for _, name := range names {
		text := []byte{'['}
		for _, channel := range c.project.channels {
			if channel.Messenger != name {
				continue
			}
			if len(text) > 1 {
				text = append(text, ',')
			}
			text = append(text, channel.appendJSON(c.project)...)
		}
		o.Raw(name, append(text, ']'))
	}
	return inJSON(o.Bytes())
}

func (channel Channel) appendJSON(p *project) []byte {
	name := channel.Name
	if name == "" {
		name = string(channel.GroupID)
	}
	o := object{in: p}
	o.id("id", int64(channel.ID))
	switch channel.Messenger {
	case "vkontakte":
		o.Text("group", string(channel.GroupID))
		o.Text("group_id", string(channel.GroupID))
		return o.Bytes()
	case "telegram":
		o.Text("short_name", string(channel.GroupID))
	case "viber":
		o.Text("uri", name)
	}
	o.Text("name", name)
	o.Bool("enabled", !channel.Disabled)
	if channel.Messenger == "telegram" {
		o.Text("group_id", string(channel.GroupID))
	} else {
		o.numberIfDigits("group_id", string(channel.GroupID))
	}
	if channel.Messenger == "whatsapp" {
		o.Int("status", int64(channel.Status))
	}
	return o.Bytes()
}

// checkWhatsApp takes every number that can be one, unless WithoutWhatsApp names
// it.
func checkWhatsApp(c *call) reply {
	phone := digitsOf(c.parameters.Identifier("phone"))
	switch {
	case c.parameters.Raw("phone") == nil:
		return c.project.required("phone")
	case c.project.firstGroup(salebot.ClientTypeWhatsApp) == "":
		return c.project.invalid("no WhatsApp is connected")
	}
	var o wire.Object
	o.Bool("exists", c.project.onWhatsApp(phone))
	return inJSON(o.Bytes())
}

// onWhatsApp goes by the length that phone numbers have in the whole world.
func (p *project) onWhatsApp(digits string) bool {
	return len(digits) >= 7 && len(digits) <= 15 && !p.absent[digits]
}

func checkInstagramSubscription(c *call) reply {
	account := accountName(c.parameters.Text("user_name"))
	if account == "" {
		return c.project.required("user_name")
	}
	var o wire.Object
	o.Text("username", account)
	o.Text("account_id", "1463000000")
	o.Text("avatar", "")
	o.Text("real_name", account)
	o.Bool("is_follower", c.project.followers[account])
	o.Int("status", 200)
	return inJSON(o.Bytes())
}

// accountName is an Instagram account without the @ that people put before it.
func accountName(account string) string { return strings.ToLower(strings.TrimPrefix(account, "@")) }
