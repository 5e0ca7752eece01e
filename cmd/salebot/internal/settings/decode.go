// Package settings reads the files that a person writes for the emulator: its
// configuration and the project to begin with, in YAML or JSON. A key that does
// not exist is refused by its name, because a slip in it would otherwise look
// like a setting without effect.
package settings

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// decodeFile reads a file into a struct that has JSON tags, and returns its text.
func decodeFile(path string, target any) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the path is the user's own
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	problems, err := decode(text, target)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, inFile(path, problems)
}

func decode(text []byte, target any) (problems []*FileError, err error) {
	// JSON is YAML too, but large files are read much faster as what they are.
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(trimmed) {
		if err = decodeJSON(trimmed, target); err == nil || len(text) > largestLocated {
			return nil, err
		}
		// What is wrong is said with its line.
	}
	var document yaml.Node
	if failed := yaml.Unmarshal(text, &document); failed != nil {
		return nil, cmp.Or(err, failed)
	}
	if len(document.Content) == 0 {
		return nil, nil // an empty file sets nothing
	}
	var t translator
	t.value(document.Content[0], reflect.TypeOf(target).Elem(), nil)
	if len(t.problems) > 0 {
		return t.problems, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, json.Unmarshal(t.json.Bytes(), target)
}

// decodeJSON decodes valid JSON. What decodes itself, such as a project, does so without
// a decoder around it, which would read and copy the whole text once more.
func decodeJSON(text []byte, target any) error {
	if own, does := target.(json.Unmarshaler); does {
		return own.UnmarshalJSON(text)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(target)
}

// translator turns YAML into the JSON of a Go type. It goes by the type, because
// YAML alone takes 2026-05-28 for a time and 0790 for a number even where a text
// is meant.
type translator struct {
	json     bytes.Buffer
	problems []*FileError
	// aliases is how many aliases lead to the present node, and repeated how many
	// nodes were reached by one.
	aliases, repeated int
	exploded          bool
}

// mostRepeated and deepestAlias bound what a file may grow to by repeating parts
// of itself.
const (
	mostRepeated = 200_000
	deepestAlias = 100
)

func (t *translator) refuse(node *yaml.Node, path *place, format string, args ...any) {
	problem := &FileError{Line: node.Line, Problem: fmt.Sprintf(format, args...)}
	if path != nil {
		problem.Place = path.String()
	}
	t.problems = append(t.problems, problem)
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	blockType     = reflect.TypeFor[engine.Block]()
	messengerType = reflect.TypeFor[salebot.ClientType]()
	anyType       = reflect.TypeFor[any]()
	textType      = reflect.TypeFor[encoding.TextUnmarshaler]()
	null          = []byte("null")
)

// notImitated are parts of the constructor's blocks that people look for here. The
// names are those of the constructor in English.
var notImitated = map[string]string{
	"calculator":  "the emulator does not calculate: save the variable through the API, or write the block's texts for both cases",
	"delay":       "the emulator has no timers between blocks: send with time_shift, and put the clock forward",
	"timer":       "the emulator has no timers between blocks: send with time_shift, and put the clock forward",
	"connections": "the emulator has no arrows between blocks: give the next block a condition, such as the text of a button",
	"next":        "the emulator has no arrows between blocks: give the next block a condition, such as the text of a button",
	"conditions":  "the emulator knows one condition of a block, which is compared as it stands: write a block for each",
	"match":       "the emulator compares conditions as they stand: it has no keywords, no regular expressions and no similarity",
	"regexp":      "the emulator compares conditions as they stand: it has no regular expressions",
	"payment":     "the emulator takes no payments: send the callback that your payment service leads to",
	"variables":   "the blocks of the emulator set no variables: save them through the API, or in the seed's clients",
	"save_answer": "the emulator does not save answers in variables: do so through the API",
	"response":    "the emulator makes the request of a block, and does nothing with the answer",
}

func (t *translator) value(node *yaml.Node, as reflect.Type, path *place) {
	if node.Kind == yaml.AliasNode {
		t.aliases++
		defer func() { t.aliases-- }()
		node = node.Alias
	}
	if t.aliases > 0 {
		t.repeated++
	}
	if t.repeated > mostRepeated || t.aliases > deepestAlias {
		if !t.exploded {
			t.refuse(node, nil, "the file repeats itself too often")
			t.exploded = true
		}
		t.json.Write(null)
		return
	}
	for as.Kind() == reflect.Pointer {
		as = as.Elem()
	}
	switch node.Kind {
	case yaml.MappingNode:
		t.mapping(node, as, path)
	case yaml.SequenceNode:
		t.sequence(node, as, path)
	default:
		t.scalar(node, as, path)
	}
}

func (t *translator) mapping(node *yaml.Node, as reflect.Type, path *place) {
	var fields map[string]reflect.Type
	switch {
	case as.Kind() == reflect.Struct && as != timeType:
		fields = fieldsOf(as)
	case as.Kind() == reflect.Map, as == anyType:
	default:
		t.refuse(node, path, "a mapping does not fit here")
		t.json.Write(null)
		return
	}
	seen := map[string]bool{}
	t.json.WriteByte('{')
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := key.Value
		inner := anyType
		switch known, ok := fields[name]; {
		case key.Kind != yaml.ScalarNode:
			t.refuse(key, path, "a key must be a text")
			continue
		case seen[name]:
			t.refuse(key, path, "the key %q is there twice", name)
			continue
		case ok:
			inner = known
		case as == blockType && notImitated[name] != "":
			t.refuse(key, path, "%s: %s", name, notImitated[name])
			continue
		case fields != nil:
			t.refuse(key, path, "unknown key %q; known here: %s", name, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
			continue
		case as.Kind() == reflect.Map:
			inner = as.Elem()
		}
		if len(seen) > 0 {
			t.json.WriteByte(',')
		}
		seen[name] = true
		t.text(name)
		t.json.WriteByte(':')
		t.value(value, inner, &place{within: path, name: name})
	}
	t.json.WriteByte('}')
}

func (t *translator) sequence(node *yaml.Node, as reflect.Type, path *place) {
	inner := anyType
	switch {
	case as.Kind() == reflect.Slice:
		inner = as.Elem()
	case as != anyType:
		t.refuse(node, path, "a list does not fit here")
		t.json.Write(null)
		return
	}
	t.json.WriteByte('[')
	for i, element := range node.Content {
		if i > 0 {
			t.json.WriteByte(',')
		}
		t.value(element, inner, &place{within: path, index: i})
	}
	t.json.WriteByte(']')
}

func (t *translator) scalar(node *yaml.Node, as reflect.Type, path *place) {
	start := t.json.Len()
	problem := t.scalarAs(node, as)
	if problem != "" {
		t.refuse(node, path, "%s", problem)
		t.json.Truncate(start)
		t.json.Write(null)
	}
}

// scalarAs writes a value as JSON of a type, or says why it does not fit.
func (t *translator) scalarAs(node *yaml.Node, as reflect.Type) (problem string) {
	if node.Tag == "!!null" {
		t.json.Write(null)
		return ""
	}
	switch kind := as.Kind(); {
	case as == timeType:
		return t.time(node)
	case as == messengerType:
		return t.messenger(node)
	case as == anyType:
		return t.anything(node)
	case reflect.PointerTo(as).Implements(textType):
		if err := reflect.New(as).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(node.Value)); err != nil {
			return err.Error()
		}
		t.text(node.Value)
		return ""
	case kind == reflect.String:
		t.text(node.Value)
		return ""
	case kind == reflect.Bool:
		return t.bool(node)
	case kind >= reflect.Int && kind <= reflect.Uint64:
		return t.integer(node)
	case kind == reflect.Float64:
		return t.float(node)
	}
	return "a list or a mapping is wanted here"
}

func (t *translator) time(node *yaml.Node) (problem string) {
	at, ok := moment(node.Value)
	if !ok {
		return fmt.Sprintf("%q is not a time; write it as 2026-05-28T17:33:42Z", node.Value)
	}
	t.text(at.Format(time.RFC3339Nano))
	return ""
}

func (t *translator) bool(node *yaml.Node) (problem string) {
	var flag bool
	if node.Decode(&flag) != nil {
		return fmt.Sprintf("%q is neither true nor false", node.Value)
	}
	t.json.WriteString(strconv.FormatBool(flag))
	return ""
}

func (t *translator) integer(node *yaml.Node) (problem string) {
	n, err := strconv.ParseInt(node.Value, 10, 64)
	if err != nil {
		return fmt.Sprintf("%q is not a whole number", node.Value)
	}
	t.json.WriteString(strconv.FormatInt(n, 10))
	return ""
}

func (t *translator) float(node *yaml.Node) (problem string) {
	n, err := strconv.ParseFloat(node.Value, 64)
	encoded, unfit := json.Marshal(n)
	if err != nil || unfit != nil {
		return fmt.Sprintf("%q is not a number", node.Value)
	}
	t.json.Write(encoded)
	return ""
}

// anything keeps the type that the value has in YAML. A time stays the text that
// it was.
func (t *translator) anything(node *yaml.Node) (problem string) {
	var value any
	if err := node.Decode(&value); err != nil {
		return err.Error()
	}
	if _, isTime := value.(time.Time); isTime {
		value = node.Value
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%q cannot be used here", node.Value)
	}
	t.json.Write(encoded)
	return ""
}

// messenger takes a number or the name of a messenger.
func (t *translator) messenger(node *yaml.Node) (problem string) {
	encoded, err := json.Marshal(node.Value)
	if err != nil {
		return err.Error()
	}
	var known salebot.ClientType
	if known.UnmarshalJSON(encoded) != nil || known == salebot.ClientTypeUnrecognized {
		return fmt.Sprintf("there is no messenger %q", node.Value)
	}
	t.json.WriteString(strconv.Itoa(int(known)))
	return ""
}

func (t *translator) text(s string) {
	// A text can always be encoded.
	encoded, _ := json.Marshal(s) //nolint:errchkjson // see above
	t.json.Write(encoded)
}

func moment(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// place is where in a file a value stands. It is put into words only for an
// error.
type place struct {
	within *place
	name   string // of a key; empty for an element of a list
	index  int
}

func (p *place) String() string {
	before := ""
	if p.within != nil {
		before = p.within.String()
	}
	switch {
	case p.name == "":
		return before + "[" + strconv.Itoa(p.index) + "]"
	case before == "":
		return p.name
	}
	return before + "." + p.name
}

// fieldsOf lists the fields of a struct by their names in JSON.
func fieldsOf(of reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for field := range of.Fields() {
		tag := field.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		switch {
		case field.Anonymous && tag == "":
			maps.Copy(fields, fieldsOf(field.Type))
		case !field.IsExported() || name == "-":
		case name == "":
			fields[field.Name] = field.Type
		default:
			fields[name] = field.Type
		}
	}
	return fields
}
