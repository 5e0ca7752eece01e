package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/wire"
)

// isUnset says whether a value stands for a parameter that was not given.
// Programs that were written in many languages send all of these.
func isUnset(value json.RawMessage) bool {
	switch string(value) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// raw returns a parameter as JSON, nil where it was not given. Where it was
// given twice the first counts, and so the body more than the query.
func (p *parameters) raw(name string) json.RawMessage {
	for i := range p.members {
		if p.members[i].name == name && !isUnset(p.members[i].value) {
			return p.members[i].value
		}
	}
	return nil
}

// nested is raw for a parameter that is an object or a list, which programs also
// send as text that holds the JSON.
func (p *parameters) nested(name string) json.RawMessage {
	value, changed := unfold(p.raw(name))
	if changed {
		p.notef(replaced)
	}
	return value
}

func unfolded(value json.RawMessage) json.RawMessage {
	value, _ = unfold(value)
	return value
}

// unfold also says whether it had to change what is in the text; see wellFormed.
func unfold(value json.RawMessage) (inner json.RawMessage, changed bool) {
	if len(value) == 0 || value[0] != '"' {
		return value, false
	}
	text, err := wire.Text(value)
	if err != nil {
		return value, false
	}
	inner = wire.Trim([]byte(text))
	if len(inner) > 0 && (inner[0] == '{' || inner[0] == '[') && depth(inner) <= deepestBody && json.Valid(inner) {
		if isUnset(inner) {
			return nil, false
		}
		return wellFormed(inner)
	}
	return value, false
}

// text returns a parameter as text, "" where it was not given.
func (p *parameters) text(name string) string {
	text, _ := wire.LooseText(p.raw(name))
	return text
}

// identifier returns a parameter that says who somebody is in a messenger, or
// which bot is meant.
func (p *parameters) identifier(name string) string { return identifierOf(p.raw(name)) }

// identifierOf writes 556.0 as 556: where all numbers are floats, programs send
// the former.
func identifierOf(value json.RawMessage) string {
	if len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') {
		if n, err := wholeNumber(value); err == nil {
			return strconv.FormatInt(n, 10)
		}
	}
	text, _ := wire.LooseText(value)
	return text
}

// number returns a parameter that is a count; fallback where it was not given.
func (p *parameters) number(name string, fallback int64) (int64, error) {
	value := p.raw(name)
	if value == nil {
		return fallback, nil
	}
	n, err := wholeNumber(value)
	if err != nil {
		return 0, fmt.Errorf("%s %w", name, err)
	}
	return n, nil
}

// flag returns a parameter that is yes or no; fallback where it was not given.
func (p *parameters) flag(name string, fallback bool) bool {
	flag, known, err := wire.Flag(p.raw(name))
	if err != nil || !known {
		return fallback
	}
	return flag
}

// values returns the elements of a parameter that is a list. Text with commas
// and a lone value are lists too.
func (p *parameters) values(name string) []json.RawMessage {
	value := p.nested(name)
	if value == nil {
		return nil
	}
	var list []json.RawMessage
	switch value[0] {
	case '[':
		_ = wire.Elements(value, func(element []byte) error {
			if !isUnset(element) {
				list = append(list, element)
			}
			return nil
		})
	case '"':
		text, err := wire.Text(value)
		if err != nil {
			return nil
		}
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, wire.AppendText(nil, part))
			}
		}
	default:
		list = append(list, value)
	}
	return list
}

// seconds returns a parameter that is a time in seconds, with a fraction.
func (p *parameters) seconds(name string) (length time.Duration, given bool, err error) {
	value := p.raw(name)
	if value == nil {
		return 0, false, nil
	}
	text, err := wire.Text(value)
	if err == nil {
		var n float64
		n, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err == nil && !math.IsNaN(n) && math.Abs(n) <= math.MaxInt32 {
			return time.Duration(math.Round(n*1e6)) * time.Microsecond, true, nil
		}
	}
	return 0, true, fmt.Errorf("%s must be a number of seconds", name)
}

// object returns the members of a parameter that is an object. Some programs
// write it as a list of {"key": …, "value": …}.
func (p *parameters) object(name string) ([]member, error) {
	value := p.nested(name)
	var members []member
	switch {
	case value == nil:
		return nil, nil
	case value[0] == '{':
		return p.membersOf(value)
	case value[0] == '[':
		err := wire.Elements(value, func(element []byte) error {
			var pair struct {
				Key   *wire.String    `json:"key"`
				Name  *wire.String    `json:"name"`
				Value json.RawMessage `json:"value"`
			}
			if element[0] != '{' || json.Unmarshal(element, &pair) != nil {
				return errNoObject
			}
			key := pair.Key
			if key == nil {
				key = pair.Name
			}
			if key == nil {
				return errNoObject
			}
			members = append(members, member{name: string(*key), value: pair.Value})
			return nil
		})
		if err == nil {
			return members, nil
		}
	}
	return nil, fmt.Errorf("%s must be an object", name)
}

var errNoObject = errors.New("no object")

// notePlaceholders tells which parameters are nothing but the name of a value.
// Salebot fills those in the texts that people get.
func (p *parameters) notePlaceholders() {
	for _, m := range p.members {
		if len(m.value) == 0 || m.name == "message" || m.name == "callback_text" {
			continue
		}
		values := []json.RawMessage{m.value}
		if m.value[0] == '[' {
			_ = wire.Elements(m.value, func(element []byte) error {
				values = append(values, element)
				return nil
			})
		}
		for _, value := range values {
			if text, err := wire.Text(value); err == nil && isPlaceholder(text) {
				p.notef("%s is %s, a placeholder that was not filled in", shown(m.name), shown(text))
			}
		}
	}
}
