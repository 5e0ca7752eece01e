package probe

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// replyOf is an answer of which the emulator can be made to give the like: its form, its
// words where they are those of a program, and nothing of what it says else.
func replyOf(o *Observation, e exchange, asked []string) engine.Reply {
	reply := engine.Reply{Status: o.Status, Body: imitated(e.body, reading{failure: true, asked: asked})}
	if o.ContentType != "other" {
		reply.ContentType = o.ContentType
	}
	return reply
}

// unsaid stands for a text that is not shown.
const unsaid = "…"

// imitated is a body of the same shape.
func imitated(body []byte, r reading) string {
	shape := shapeOf(body, r)
	trimmed := bytes.TrimSpace(body)
	switch whole := shape[""]; whole {
	case kindNothing:
		return " " // which means an empty body
	case kindPage:
		return "<html></html>"
	default:
		if len(trimmed) == 0 || !bytes.ContainsAny(trimmed[:1], "{[\"") || !json.Valid(trimmed) {
			return textOf(whole)
		}
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(trimmed))
	decoder.UseNumber()
	_ = decoder.Decode(&value) // it is valid
	text, err := json.Marshal(r.imitated("", value, false))
	if err != nil {
		return unsaid
	}
	return string(text)
}

// imitated is a JSON value of the same shape.
func (r reading) imitated(place string, value any, free bool) any {
	switch v := value.(type) {
	case map[string]any:
		made := map[string]any{}
		for name, member := range v {
			_, isObject := member.(map[string]any)
			inside := free || holdsVariables(name, isObject)
			if name = knownName(name); free || name == "" {
				name = "unknown_name"
			}
			at := name
			if place != "" {
				at = place + "." + name
			}
			made[name] = r.imitated(at, member, inside)
		}
		return made
	case []any:
		made := make([]any, len(v))
		for i, element := range v {
			made[i] = r.imitated(place+"[]", element, free)
		}
		return made
	case string:
		return textOf(r.text(place, v, free))
	case json.Number:
		if digitsOnly.MatchString(v.String()) {
			return 0
		}
		return 0.5
	}
	return value
}

// textOf is a text of a kind.
func textOf(kind string) string {
	switch kind {
	case kindEmptyText:
		return ""
	case kindDigits:
		return "0"
	case kindTime:
		return "2006-01-02 15:04:05"
	case kindNamed:
		return "{problem}"
	}
	var words string
	if json.Unmarshal([]byte(kind), &words) == nil {
		return words
	}
	return unsaid
}

// Answers are the settings that were found.
func (r *Report) Answers() (engine.Answers, error) {
	found := map[string]any{}
	for _, s := range r.Settings {
		if s.Value != nil {
			found[s.Name] = s.Value
		}
	}
	var answers engine.Answers
	text, err := json.Marshal(found)
	if err == nil {
		err = json.Unmarshal(text, &answers)
	}
	if err == nil {
		err = answers.Validate()
	}
	return answers, err
}

// head begins a file with answers.
const head = `# How Salebot answers for a project, found out by: salebot probe
# Use it with: salebot emulator --answers FILE
`

// AnswersFile is the file with which the emulator imitates the project.
func (r *Report) AnswersFile() ([]byte, error) {
	answers, err := r.Answers()
	if err != nil {
		return nil, err
	}
	file := map[string]any{"answers": answers}
	if r.Webhook != nil {
		file["webhook"] = map[string]any{"resend": r.Webhook.Resend}
	}
	text, err := json.Marshal(file)
	if err != nil {
		return nil, err
	}
	var values map[string]any
	if err = json.Unmarshal(text, &values); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString(head)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(values); err != nil {
		return nil, fmt.Errorf("the answers cannot be written: %w", err)
	}
	return out.Bytes(), encoder.Close()
}
