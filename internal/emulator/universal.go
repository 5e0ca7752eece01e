package emulator

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/wire"
)

// The universal webhook: parameters with the prefix value_ say under which other
// names the data has what an action needs, and those with the prefix
// delimiter_value_ say by which path through nested data.

const (
	valuePrefix = "value_"
	pathPrefix  = "delimiter_value_"
	delimiter   = "delimiter"
)

// isMapping says whether a parameter says where to find another one.
func isMapping(row *action.Row, name string) bool {
	return row.Delimiter && (name == delimiter || strings.HasPrefix(name, pathPrefix)) ||
		row.Values && strings.HasPrefix(name, valuePrefix)
}

// applyMapping adds the parameters that a universal webhook points at and
// removes what served to find them. It says whether there were any.
func (p *parameters) applyMapping(row *action.Row) bool {
	mapped := slices.ContainsFunc(p.members, func(m member) bool { return isMapping(row, m.name) })
	if !mapped {
		return false
	}
	separator := p.text(delimiter)
	var found []member
	used := map[string]bool{}
	for _, m := range p.members {
		if !isMapping(row, m.name) || m.name == delimiter {
			continue
		}
		place, err := wire.Text(m.value)
		if err != nil || place == "" {
			continue
		}
		var value json.RawMessage
		path := []string{place}
		name, isPath := strings.CutPrefix(m.name, pathPrefix)
		if isPath {
			if separator != "" {
				path = strings.Split(place, separator)
			}
		} else {
			name = strings.TrimPrefix(m.name, valuePrefix)
		}
		value = p.follow(path)
		if isUnset(value) {
			p.notef("%s: there is nothing at %s", m.name, shown(place))
			continue
		}
		used[path[0]] = true
		found = append(found, member{name: mappedName(row, name), value: value})
	}
	kept := found
	for _, m := range p.members {
		if !isMapping(row, m.name) && !used[m.name] {
			kept = append(kept, m)
		}
	}
	p.members = kept
	return true
}

// mappedName is the parameter that a mapping fills. The phone and the address
// have another name in callback than in its mapping.
func mappedName(row *action.Row, name string) string {
	if (name == "phone" || name == "email") && !row.Takes(name) && row.Takes("client_"+name) {
		return "client_" + name
	}
	return name
}

// follow goes along a path of keys.
func (p *parameters) follow(path []string) json.RawMessage {
	value := p.nested(path[0])
	for _, key := range path[1:] {
		if len(value) == 0 || value[0] != '{' {
			return nil
		}
		var next json.RawMessage
		_ = wire.Members(value, func(name string, inner []byte) error {
			if name == key {
				next = inner
			}
			return nil
		})
		value = unfolded(next)
	}
	return value
}

// extras returns the parameters that an action does not know and saves as
// variables.
func (p *parameters) extras(row *action.Row) []member {
	var extras []member
	for _, m := range p.members {
		if !row.Takes(m.name) && m.name != "" {
			extras = append(extras, m)
		}
	}
	return extras
}
