package emulator

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/wire"
)

// variables are names and values; the values are JSON as they were sent.
type variables map[string]json.RawMessage

// ownPrefix marks the variables of the client among those of the deal.
const ownPrefix = "client."

// save writes a variable by the name that save_variables takes.
func (c *client) save(name string, value json.RawMessage) {
	target := c.dealVariables()
	if own, ok := strings.CutPrefix(name, ownPrefix); ok {
		target, name = &c.variables, own
		if name == "name" && !request.IsUnset(value) {
			c.name, _ = wire.LooseText(value)
		}
	}
	if *target == nil {
		*target = variables{}
	}
	// The value may point into a body that is much larger.
	(*target)[name] = slices.Clone(value)
}

// unset removes a variable.
func (c *client) unset(name string) {
	if own, ok := strings.CutPrefix(name, ownPrefix); ok {
		delete(c.variables, own)
		return
	}
	delete(*c.dealVariables(), name)
}

// encodedVariable is a value that a Go program gives, as it is kept.
func encodedVariable(value any) (json.RawMessage, error) {
	encoded, err := wire.Marshal(value)
	if err != nil {
		return nil, err
	}
	encoded, _ = request.WellFormed(encoded)
	return encoded, nil
}

// dealVariables are the variables of the current deal, or those that wait for
// the first one.
func (c *client) dealVariables() *variables {
	if o := c.currentOrder(); o != nil {
		return &o.variables
	}
	return &c.loose
}

// Variables returns the variables of a client as text, under the names that
// save_variables takes: with the prefix "client." those of the client, without
// it those of the current deal. A variable without a value is "".
func (e *Emulator) Variables(id salebot.ClientID) map[string]string {
	all := map[string]string{}
	e.read(func(p *project) {
		c := p.clients[int64(id)]
		if c == nil {
			return
		}
		for name, value := range c.variables {
			all[ownPrefix+name], _ = wire.LooseText(value)
		}
		for name, value := range *c.dealVariables() {
			all[name], _ = wire.LooseText(value)
		}
	})
	return all
}

// value writes a variable in the form that the settings ask for.
func (p *project) value(value json.RawMessage) json.RawMessage {
	if request.IsUnset(value) {
		word := p.answers.UnsetValue
		if word == "" {
			word = "None"
		}
		return wire.AppendText(nil, word)
	}
	if p.answers.Values == ValuesAsSent || value[0] == '"' {
		return value
	}
	text, _ := wire.LooseText(value)
	return wire.AppendText(nil, text)
}

// put writes variables into an object, sorted by name.
func (p *project) put(o *wire.Object, from variables) {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		o.Raw(name, p.value(from[name]))
	}
}

// Actions.

func saveVariables(c *call) reply {
	targets, problem := c.targets()
	if problem != nil {
		return *problem
	}
	values, err := c.parameters.Object("variables")
	switch {
	case err != nil:
		return c.project.invalid(err.Error())
	case len(values) == 0 && !isEmptyObject(&c.parameters, "variables"):
		return c.project.required("variables")
	}
	if len(targets) == 0 {
		return c.project.noClientToSendTo()
	}
	for _, target := range targets {
		for _, m := range values {
			target.save(m.Name, m.Value)
		}
		target.updatedAt = c.at
		c.project.touch(target)
	}
	return c.project.sent()
}

// isEmptyObject reports whether a parameter is an object without members, which
// automation programs send if nothing was filled in.
func isEmptyObject(p *request.Params, name string) bool {
	return slices.ContainsFunc(p.Members, func(m request.Param) bool {
		text, _ := wire.LooseText(m.Value)
		switch strings.Join(strings.Fields(cmp.Or(text, string(m.Value))), "") {
		case "{}", "[]":
			return m.Name == name
		}
		return false
	})
}

// targets are the clients whose variables are to be saved.
func (c *call) targets() ([]*client, *reply) {
	if len(c.parameters.Values("clients")) > 0 {
		ids, problem := c.ids("clients")
		return c.known("clients", ids), problem
	}
	id, problem := c.id("client_id")
	if target := c.lookup(id); target != nil {
		return []*client{target}, nil
	}
	return nil, problem
}

func getVariables(c *call) reply {
	target, refused := c.client(c.project.noClientToRead)
	if target == nil {
		return refused
	}
	all := variables{}
	if !c.project.answers.HideOrderVariables {
		maps.Copy(all, *target.dealVariables())
	}
	maps.Copy(all, target.variables)
	return inJSON(c.project.flat(target, all))
}

// flat writes variables without a wrapper, with those that every client has.
func (p *project) flat(c *client, all variables) []byte {
	o := object{in: p}
	for _, name := range builtInVariables {
		value := c.builtIn(name)
		if _, own := all[name]; !own && value != "" {
			all[name] = wire.AppendText(nil, value)
		}
	}
	p.put(&o.Object, all)
	return o.Bytes()
}

var builtInVariables = []string{"avatar", "main_client_id", "message_id", "messenger", "name"}

// builtIn is the value of a variable that every client has, "" if it has none.
func (c *client) builtIn(name string) string {
	switch name {
	case "avatar":
		return c.avatar
	case "main_client_id":
		return "NONE"
	case "message_id":
		if c.block != 0 {
			return strconv.FormatInt(c.block, 10)
		}
		return "NONE"
	case "messenger":
		return strings.ToLower(c.kind.String())
	case "name":
		return c.name
	}
	return ""
}
