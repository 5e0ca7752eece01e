package request

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

// IsUnset reports whether a value stands for a parameter that was not given.
// Programs that were written in many languages send all of these.
func IsUnset(value json.RawMessage) bool {
	switch string(value) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// Raw returns a parameter as JSON, nil if it was not given. If it was
// given twice the first counts, and so the body more than the query.
func (p *Params) Raw(name string) json.RawMessage {
	for i := range p.Members {
		if p.Members[i].Name == name && !IsUnset(p.Members[i].Value) {
			return p.Members[i].Value
		}
	}
	return nil
}

// Nested is Raw for a parameter that is an object or a list, which programs also
// send as text that holds the JSON.
func (p *Params) Nested(name string) json.RawMessage {
	value, changed := unfold(p.Raw(name))
	if changed {
		p.Notef(replaced)
	}
	return value
}

// Unfolded returns an object or a list, also one that came as text.
func Unfolded(value json.RawMessage) json.RawMessage {
	value, _ = unfold(value)
	return value
}

// unfold also reports whether it had to change what is in the text; see WellFormed.
func unfold(value json.RawMessage) (inner json.RawMessage, changed bool) {
	if len(value) == 0 || value[0] != '"' {
		return value, false
	}
	text, err := wire.Text(value)
	if err != nil {
		return value, false
	}
	inner = wire.Trim([]byte(text))
	if len(inner) > 0 && (inner[0] == '{' || inner[0] == '[') && wire.Check(inner, deepestBody) == nil {
		if IsUnset(inner) {
			return nil, false
		}
		return WellFormed(inner)
	}
	return value, false
}

// Text returns a parameter as text, "" if it was not given.
func (p *Params) Text(name string) string {
	text, _ := wire.LooseText(p.Raw(name))
	return text
}

// Identifier returns a parameter that identifies a person in a messenger, or
// which bot is meant.
func (p *Params) Identifier(name string) string { return IdentifierOf(p.Raw(name)) }

// IdentifierOf writes 556.0 as 556: programs whose numbers are all floats send
// the former.
func IdentifierOf(value json.RawMessage) string {
	if len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') {
		if n, err := WholeNumber(value); err == nil {
			return strconv.FormatInt(n, 10)
		}
	}
	text, _ := wire.LooseText(value)
	return text
}

// Number returns a parameter that is a count; fallback if it was not given.
func (p *Params) Number(name string, fallback int64) (int64, error) {
	value := p.Raw(name)
	if value == nil {
		return fallback, nil
	}
	n, err := WholeNumber(value)
	if err != nil {
		return 0, fmt.Errorf("%s %w", name, err)
	}
	return n, nil
}

// Flag returns a parameter that is yes or no; fallback if it was not given.
func (p *Params) Flag(name string, fallback bool) bool {
	flag, known, err := wire.Flag(p.Raw(name))
	if err != nil || !known {
		return fallback
	}
	return flag
}

// Values returns the elements of a parameter that is a list. Text with commas
// and a lone value are lists too.
func (p *Params) Values(name string) []json.RawMessage {
	value := p.Nested(name)
	if value == nil {
		return nil
	}
	var list []json.RawMessage
	switch value[0] {
	case '[':
		_ = wire.Elements(value, func(element []byte) error {
			if !IsUnset(element) {
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

// Seconds returns a parameter that is a time in seconds, with a fraction.
func (p *Params) Seconds(name string) (length time.Duration, given bool, err error) {
	value := p.Raw(name)
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

// Object returns the members of a parameter that is an object. Some programs
// write it as a list of {"key": …, "value": …}.
func (p *Params) Object(name string) ([]Param, error) {
	value := p.Nested(name)
	var members []Param
	switch {
	case value == nil:
		return nil, nil
	case value[0] == '{':
		return p.MembersOf(value)
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
			members = append(members, Param{Name: string(*key), Value: pair.Value})
			return nil
		})
		if err == nil {
			return members, nil
		}
	}
	return nil, fmt.Errorf("%s must be an object", name)
}

var errNoObject = errors.New("no object")

// NotePlaceholders tells which parameters are nothing but the name of a value.
// Salebot fills those in the texts that people get.
func (p *Params) NotePlaceholders() {
	for _, m := range p.Members {
		if len(m.Value) == 0 || m.Name == "message" || m.Name == "callback_text" {
			continue
		}
		values := []json.RawMessage{m.Value}
		if m.Value[0] == '[' {
			_ = wire.Elements(m.Value, func(element []byte) error {
				values = append(values, element)
				return nil
			})
		}
		for _, value := range values {
			if text, err := wire.Text(value); err == nil && isPlaceholder(text) {
				p.Notef("%s is %s, a placeholder that was not filled in", Shown(m.Name), Shown(text))
			}
		}
	}
}
