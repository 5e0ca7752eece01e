package emulator

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/wire"
)

// If several clients match, which one a look-up returns is not known; the
// emulator returns the one that was created first.

// found answers a look-up for one client.
func (c *call) found(target *client) reply { return c.foundAs("client_id", target) }

// foundAs is found with another key.
func (c *call) foundAs(key string, target *client) reply {
	if target == nil {
		return c.project.nobodyFound()
	}
	answer := c.project.success()
	answer.id(key, target.id)
	return inJSON(answer.Bytes())
}

func (c *call) foundAll(ids []int64) reply {
	answer := c.project.success()
	answer.Raw("client_ids", c.project.appendIDs(nil, ids))
	return inJSON(answer.Bytes())
}

// byPhone searches among those who are known by a phone number in their
// messenger, and then among the variables.
func (p *project) byPhone(phone string) *client {
	digits := digitsOf(phone)
	if digits == "" {
		return nil
	}
	for _, c := range p.platforms[digits] {
		if c.kind == salebot.ClientTypeWhatsApp || c.kind == salebot.ClientTypeTelephony {
			return c
		}
	}
	return p.first(func(c *client) bool {
		return digitsOf(c.variables.text("phone")) == digits || digitsOf(c.dealVariables().text("phone")) == digits
	})
}

func (p *project) byEmail(email string) *client {
	email = strings.ToLower(strings.TrimSpace(email))
	for _, c := range p.platforms[email] {
		if c.kind == salebot.ClientTypeEmail {
			return c
		}
	}
	return p.first(func(c *client) bool {
		return strings.EqualFold(c.variables.text("email"), email) || strings.EqualFold(c.dealVariables().text("email"), email)
	})
}

func (p *project) first(matches func(*client) bool) *client {
	if at := slices.IndexFunc(p.roll, matches); at >= 0 {
		return p.roll[at]
	}
	return nil
}

func (v *variables) text(name string) string {
	text, _ := wire.LooseText((*v)[name])
	return text
}

// has reports whether a variable has a value. A variable that was never saved has
// none, not even "".
func (v *variables) has(name, value string) bool {
	raw, known := (*v)[name]
	if !known {
		return false
	}
	text, _ := wire.LooseText(raw)
	return text == value
}

// Actions.

func findClientIDByPlatformID(c *call) reply {
	wanted := c.parameters.Values("platform_ids")
	if len(wanted) == 0 {
		return c.project.required("platform_ids")
	}
	text := []byte{'['}
	for _, found := range c.byPlatformIDs(wanted) {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(text, c.project.record(found, "platform_id")...)
	}
	return inJSON(append(text, ']'))
}

// byPlatformIDs finds clients by their ids in the messenger, within a bot if
// the request names one.
func (c *call) byPlatformIDs(wanted []json.RawMessage) []*client {
	group := c.parameters.Identifier("group_id")
	c.project.noteAnyGroup(&c.parameters, group)
	var found []*client
	var skipped []string
	seen := map[int64]bool{}
	for _, value := range wanted {
		platform := request.IdentifierOf(value)
		platform = strings.TrimSuffix(strings.TrimSpace(platform), whatsAppHost)
		known := false
		for _, candidate := range c.project.platforms[platform] {
			if group != "" && candidate.group != group {
				continue
			}
			known = true
			if !seen[candidate.id] {
				seen[candidate.id] = true
				found = append(found, candidate)
			}
		}
		if !known {
			skipped = append(skipped, request.Shown(platform))
		}
	}
	c.parameters.NoteSkipped("platform_ids", skipped, "no client has the id")
	return found
}

// record writes a client as the look-up by platform ids and the retired lists of
// subscribers do.
func (p *project) record(c *client, platformKey string) []byte {
	o := object{in: p}
	o.id("id", c.id)
	o.textOrNull("tag", c.tag)
	if platformKey == "platform_id" {
		o.clientTime("created_at", c.createdAt)
	} else {
		o.time("created_at", cmp.Or(p.answers.SubscriberTimes, TimesAsUnix), c.createdAt)
	}
	o.textOrNull("name", c.name)
	if platformKey == "platform_id" {
		o.textOrNull("avatar", c.avatar)
	}
	o.Text(platformKey, c.platform)
	o.Text("group", c.group)
	if len(c.variables) == 0 {
		o.null("variables")
	} else {
		var values wire.Object
		p.put(&values, c.variables)
		o.Raw("variables", values.Bytes())
	}
	return o.Bytes()
}

// onlineChatClientID gets or creates the client of a website's visitor. That it
// creates one is concluded from the permission to write that it needs.
func onlineChatClientID(c *call) reply {
	recipient := c.parameters.Identifier("recipient")
	if recipient == "" {
		return c.project.required("recipient")
	}
	target := c.project.getOrCreate(person{
		kind: salebot.ClientTypeOnlineChat, platform: recipient, group: c.project.firstGroup(salebot.ClientTypeOnlineChat),
	}, c.at)
	c.project.touch(c.meets(target))
	if name := c.parameters.Text("name"); name != "" {
		target.name = name
	}
	if tag := c.parameters.Text("tag"); tag != "" {
		target.tag = tag
	}
	answer := object{in: c.project}
	answer.id("client_id", target.id)
	return inJSON(answer.Bytes())
}

func whatsAppClientID(c *call) reply {
	phone, group := c.parameters.Identifier("phone"), c.parameters.Identifier("group_id")
	if phone == "" {
		return c.project.required("phone")
	}
	for _, candidate := range c.project.platforms[keptPlatformID(salebot.ClientTypeWhatsApp, phone)] {
		if candidate.kind == salebot.ClientTypeWhatsApp && (group == "" || candidate.group == group) {
			answer := object{in: c.project}
			answer.id("client_id", candidate.id)
			return inJSON(answer.Bytes())
		}
	}
	form := c.project.answers.NobodyFound
	if form == NotFoundJSON200 {
		form = ""
	}
	return form.reply(clientNotFound, NotFoundJSON)
}

func findClientIDByPhone(c *call) reply {
	if c.parameters.Text("phone") == "" {
		return c.project.required("phone")
	}
	return c.found(c.project.byPhone(c.parameters.Identifier("phone")))
}

func findClientIDByEmail(c *call) reply {
	if c.parameters.Text("email") == "" {
		return c.project.required("email")
	}
	return c.found(c.project.byEmail(c.parameters.Text("email")))
}

// wantedVariable reads the two parameters of the look-ups by a variable.
func (c *call) wantedVariable() (name, value string, problem *reply) {
	name, value = c.parameters.Text("var"), c.parameters.Text("val")
	if name == "" {
		problem = new(c.project.required("var"))
	} else if value == "" {
		problem = new(c.project.required("val"))
	}
	return name, value, problem
}

func findClientIDByVariable(c *call) reply {
	name, value, problem := c.wantedVariable()
	if problem != nil {
		return *problem
	}
	group := c.parameters.Identifier("group_id")
	c.project.noteAnyGroup(&c.parameters, group)
	return c.found(c.project.first(func(candidate *client) bool {
		return (group == "" || candidate.group == group) && c.finds(candidate, name, value)
	}))
}

// finds searches the variables of the client, or with search_in=order those of
// the deal.
func (c *call) finds(candidate *client, name, value string) bool {
	if c.parameters.Text("search_in") == "order" {
		return candidate.dealVariables().has(name, value)
	}
	return candidate.has(name, value)
}

// has searches the variables of the client. Those that every client has are among
// them, since get_variables lists them too.
func (c *client) has(name, value string) bool {
	if _, own := c.variables[name]; own {
		return c.variables.has(name, value)
	}
	return value != "" && c.builtIn(name) == value
}

// hasAnywhere searches the variables of the client and of the deal.
func (c *client) hasAnywhere(name, value string) bool {
	return c.has(name, value) || c.dealVariables().has(name, value)
}

func findLatestClientIDByVariable(c *call) reply {
	name, value, problem := c.wantedVariable()
	if problem != nil {
		return *problem
	}
	key := cmp.Or(c.project.answers.LatestClient, LatestClientLatestClientID)
	for _, candidate := range slices.Backward(c.project.roll) {
		if candidate.hasAnywhere(name, value) {
			return c.foundAs(string(key), candidate)
		}
	}
	return c.found(nil)
}

func findAllClientIDByVariable(c *call) reply {
	name, value, problem := c.wantedVariable()
	if problem != nil {
		return *problem
	}
	return c.foundAll(c.project.matching(func(candidate *client) bool { return candidate.hasAnywhere(name, value) }))
}

func (p *project) matching(matches func(*client) bool) []int64 {
	var ids []int64
	for _, c := range p.roll {
		if matches(c) {
			ids = append(ids, c.id)
		}
	}
	return ids
}

const mostVariables = 3

func findAllClientIDBySeveralVariables(c *call) reply {
	wanted := c.parameters.Members
	switch {
	case len(wanted) == 0:
		return c.project.required("variable1")
	case len(wanted) > mostVariables:
		return c.project.invalid("more than three variables")
	}
	return c.foundAll(c.project.matching(func(candidate *client) bool {
		for _, m := range wanted {
			value, _ := wire.LooseText(m.Value)
			if !candidate.hasAnywhere(m.Name, value) {
				return false
			}
		}
		return true
	}))
}
