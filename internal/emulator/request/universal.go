package request

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/wire"
)

// The universal webhook: parameters with the prefix value_ say under which other names
// the data has what an action needs. Those with the prefix delimiter_value_ give a path
// through nested data.

const (
	valuePrefix = "value_"
	pathPrefix  = "delimiter_value_"
	delimiter   = "delimiter"
)

// isMapping reports whether a parameter says where to find another one.
func isMapping(row *action.Row, name string) bool {
	return row.Delimiter && (name == delimiter || strings.HasPrefix(name, pathPrefix)) ||
		row.Values && strings.HasPrefix(name, valuePrefix)
}

// ApplyMapping adds the parameters that a universal webhook points at and
// removes what served to find them. It reports whether there were any.
func (p *Params) ApplyMapping(row *action.Row) bool {
	mapped := slices.ContainsFunc(p.Members, func(m Param) bool { return isMapping(row, m.Name) })
	if !mapped {
		return false
	}
	separator := p.Text(delimiter)
	var found []Param
	used := map[string]bool{}
	for _, m := range p.Members {
		if !isMapping(row, m.Name) || m.Name == delimiter {
			continue
		}
		place, err := wire.Text(m.Value)
		if err != nil || place == "" {
			continue
		}
		var value json.RawMessage
		path := []string{place}
		name, isPath := strings.CutPrefix(m.Name, pathPrefix)
		if isPath {
			if separator != "" {
				path = strings.Split(place, separator)
			}
		} else {
			name = strings.TrimPrefix(m.Name, valuePrefix)
		}
		value = p.follow(path)
		if IsUnset(value) {
			p.Notef("%s: there is nothing at %s", m.Name, Shown(place))
			continue
		}
		used[path[0]] = true
		found = append(found, Param{Name: mappedName(row, name), Value: value})
	}
	kept := found
	for _, m := range p.Members {
		if !isMapping(row, m.Name) && !used[m.Name] {
			kept = append(kept, m)
		}
	}
	p.Members = kept
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
func (p *Params) follow(path []string) json.RawMessage {
	value := p.Nested(path[0])
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
		value = Unfolded(next)
	}
	return value
}

// Extras returns the parameters that an action does not know and saves as
// variables.
func (p *Params) Extras(row *action.Row) []Param {
	var extras []Param
	for _, m := range p.Members {
		if !row.Takes(m.Name) && m.Name != "" {
			extras = append(extras, m)
		}
	}
	return extras
}
