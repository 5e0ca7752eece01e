package emulator

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/wire"
)

// condition is one condition of find_clients.
type condition struct {
	name     string
	accepted []string
	inverted bool
}

func (w condition) holds(has func(name, value string) bool) bool {
	found := slices.ContainsFunc(w.accepted, func(value string) bool { return has(w.name, value) })
	return found != w.inverted
}

func findClients(c *call) reply {
	q := c.parameters.Nested("q")
	if q == nil {
		return failure(`Parameter "q" required`)
	}
	conditions, err := conditions(&c.parameters, q)
	if err != nil {
		return failure("Error in parameter format")
	}
	all := c.parameters.Flag("include_all", true)
	return c.foundAll(c.project.matching(func(candidate *client) bool {
		has := func(name, value string) bool { return c.finds(candidate, name, value) }
		for _, w := range conditions {
			if w.holds(has) != all {
				return !all
			}
		}
		return all
	}))
}

// failure is the documented failure of find_clients.
func failure(message string) reply {
	var o wire.Object
	o.Text("status", "fail")
	o.Text("message", message)
	return inJSON(o.Bytes())
}

var errCondition = errors.New("no condition")

func conditions(p *request.Params, q json.RawMessage) ([]condition, error) {
	if q[0] != '{' {
		return nil, errCondition
	}
	members, err := p.MembersOf(q)
	if err != nil {
		return nil, err
	}
	var conditions []condition
	for _, m := range members {
		if m.Value[0] != '{' {
			text, err := wire.Text(m.Value)
			if err != nil {
				return nil, err
			}
			conditions = append(conditions, condition{name: m.Name, accepted: []string{text}})
			continue
		}
		operators, err := p.MembersOf(m.Value)
		if err != nil {
			return nil, err
		}
		for _, operator := range operators {
			w, err := readCondition(operator, m.Name)
			if err != nil {
				return nil, err
			}
			conditions = append(conditions, w)
		}
	}
	return conditions, nil
}

// readCondition reads an operator and its operand.
func readCondition(m request.Param, name string) (condition, error) {
	w := condition{name: name}
	switch m.Name {
	case "_not", "_not_in":
		w.inverted = true
	case "_in":
	default:
		return w, errCondition
	}
	values := []json.RawMessage{m.Value}
	if m.Value[0] == '[' {
		values = values[:0]
		_ = wire.Elements(m.Value, func(element []byte) error {
			values = append(values, element)
			return nil
		})
	} else if m.Name != "_not" {
		return w, errCondition
	}
	for _, value := range values {
		text, err := wire.Text(value)
		if err != nil {
			return w, errCondition
		}
		w.accepted = append(w.accepted, text)
	}
	return w, nil
}
