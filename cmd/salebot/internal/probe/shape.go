package probe

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Shape is an answer without what it says: for each place in it the kinds of values that
// were there, such as "number" or "list". The place of the whole is "", that of a member
// its name, that of an element "[]". Names that a person chose are "*".
type Shape map[string]string

// The kinds of values.
const (
	kindNothing     = "nothing"
	kindPage        = "a page"
	kindText        = "text"
	kindEmptyText   = "empty text"
	kindDigits      = "text of digits"
	kindTime        = "text of a time"
	kindNamed       = "text that names what was asked"
	kindNumber      = "number"
	kindFraction    = "fraction"
	kindBoolean     = "true or false"
	kindNull        = "null"
	kindList        = "list"
	kindEmptyList   = "empty list"
	kindObject      = "object"
	kindEmptyObject = "empty object"
)

// separator stands between the kinds of one place.
const separator = " | "

// kinds are those of a place, sorted.
func (s Shape) kinds(place string) []string {
	if s[place] == "" {
		return nil
	}
	return strings.Split(s[place], separator)
}

// has reports whether a kind was at a place.
func (s Shape) has(place, kind string) bool { return slices.Contains(s.kinds(place), kind) }

// add puts a kind at a place.
func (s Shape) add(place, kind string) {
	all := append(s.kinds(place), kind)
	slices.Sort(all)
	s[place] = strings.Join(slices.Compact(all), separator)
}

// places are those of the shape, sorted.
func (s Shape) places() []string { return slices.Sorted(maps.Keys(s)) }

// reading says how a shape is taken.
type reading struct {
	// free says that the members of the answer have names that people chose.
	free bool
	// failure says that the answer is none of a success, so that its words are Salebot's.
	failure bool
	// asked are the names that the request had, which a failure may repeat.
	asked []string
}

// shapeOf takes the shape of a body.
func shapeOf(body []byte, r reading) Shape {
	shape := Shape{}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	switch {
	case len(trimmed) == 0:
		shape.add("", kindNothing)
	case bytes.ContainsAny(trimmed[:1], "{[\"") && json.Valid(trimmed):
		r.value(shape, "", trimmed, r.free)
	case trimmed[0] == '<':
		shape.add("", kindPage)
	default:
		shape.add("", r.word(string(trimmed)))
	}
	return shape
}

// value adds the shape of a JSON value.
func (r reading) value(shape Shape, place string, value json.RawMessage, free bool) {
	switch value[0] {
	case '{':
		r.object(shape, place, value, free)
	case '[':
		var elements []json.RawMessage
		_ = json.Unmarshal(value, &elements) // it is valid
		if len(elements) == 0 {
			shape.add(place, kindEmptyList)
			return
		}
		shape.add(place, kindList)
		for _, element := range elements {
			r.value(shape, place+"[]", element, free)
		}
	case '"':
		var text string
		_ = json.Unmarshal(value, &text)
		shape.add(place, r.text(place, text, free))
	case 't', 'f':
		shape.add(place, kindBoolean)
	case 'n':
		shape.add(place, kindNull)
	default:
		if _, err := strconv.ParseInt(string(value), 10, 64); err != nil {
			shape.add(place, kindFraction)
			return
		}
		shape.add(place, kindNumber)
	}
}

func (r reading) object(shape Shape, place string, value json.RawMessage, free bool) {
	members := map[string]json.RawMessage{}
	_ = json.Unmarshal(value, &members)
	if len(members) == 0 {
		shape.add(place, kindEmptyObject)
		return
	}
	shape.add(place, kindObject)
	for name, member := range members {
		inside := free || holdsVariables(name, member[0] == '{')
		if name = knownName(name); free || name == "" {
			name = "*"
		}
		if place != "" {
			name = place + "." + name
		}
		r.value(shape, name, member, inside)
	}
}

// holdsVariables reports whether a member is an object with names that people chose.
func holdsVariables(name string, isObject bool) bool {
	switch name {
	case "variables", "order_variables":
		return true
	case "result":
		return isObject
	}
	return false
}

var (
	digitsOnly = regexp.MustCompile(`^-?\d+$`)
	civilTime  = regexp.MustCompile(`^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d`)
)

// text is the kind of a text.
func (r reading) text(place, text string, free bool) string {
	name := place[strings.LastIndexByte(place, '.')+1:]
	switch {
	case free && slices.Contains(unsetWords, text), !free && name == "status" && wordsOfStatus[text]:
		return strconv.Quote(text)
	case text == "":
		return kindEmptyText
	case free:
		return kindText
	case digitsOnly.MatchString(text):
		return kindDigits
	case strings.HasSuffix(name, "_at") && civilTime.MatchString(text):
		return kindTime
	case r.failure && !strings.Contains(place, "[]"):
		return r.word(text)
	}
	return kindText
}

// word is the kind of a text that Salebot wrote: the text itself, if all its words are
// those of a program, and so nobody's.
func (r reading) word(text string) string {
	named := slices.ContainsFunc(r.asked, func(name string) bool { return name != "" && strings.Contains(text, name) })
	switch {
	case named:
		return kindNamed
	case isOfProgram(text):
		return strconv.Quote(text)
	}
	return kindText
}
