package salebottest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/wire"
)

// Programs send the same parameters as JSON, as JSON with a wrong label, as a
// form, in parts, or in the query. What a body is, is therefore decided by the
// body itself, and its label is asked only where the body leaves a choice.

const (
	// deepestBody bounds the nesting of a body; no action needs more than five
	// levels.
	deepestBody = 100
	usualBody   = 64 << 10
	// mostParts bounds the fields of a form.
	mostParts = 10_000
)

// Problems of a body; each has an answer of its own.
var (
	errBodyTooLarge = errors.New("the body is larger than the limit")
	errUnreadable   = errors.New("the body is neither JSON nor a form")
)

// member is one parameter. Its value is valid JSON, whatever it came as.
type member struct {
	name  string
	value json.RawMessage
}

// parameters are what a request says. The zero value says nothing.
type parameters struct {
	// members are in the order in which they came, those of the body before those
	// of the query.
	members []member
	// list is the body where it is a JSON array.
	list json.RawMessage
}

// readParameters reads a request, wherever it says what it wants.
func readParameters(r *http.Request, limit int64) (p parameters, body []byte, err error) {
	if r.Body != nil {
		if body, err = readBody(r, limit); err != nil {
			return p, body, err
		}
	}
	err = p.readBody(body, r.Header.Get("Content-Type"))
	if r.URL.RawQuery != "" {
		// What cannot be decoded is left out, as servers commonly do.
		query, _ := url.ParseQuery(r.URL.RawQuery)
		p.addForm(query, orderOfNames(r.URL.RawQuery))
	}
	return p, body, err
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errBodyTooLarge
	}
	var buffer bytes.Buffer
	if r.ContentLength > 0 {
		// The promised length is not believed beyond what is usual.
		buffer.Grow(int(min(r.ContentLength, usualBody)) + bytes.MinRead)
	}
	_, err := buffer.ReadFrom(io.LimitReader(r.Body, limit+1))
	body := buffer.Bytes()
	if err == nil && int64(len(body)) > limit {
		return body[:limit], errBodyTooLarge
	}
	return body, err
}

func (p *parameters) readBody(body []byte, contentType string) error {
	text := wire.Trim(body)
	if len(text) == 0 {
		return nil
	}
	label, attributes, _ := mime.ParseMediaType(contentType)
	if label == "multipart/form-data" {
		return p.readMultipart(body, attributes["boundary"])
	}
	if p.readJSON(text, 0) {
		return nil
	}
	if looksLikeForm(text, label) {
		return p.readForm(string(text))
	}
	return errUnreadable
}

// readJSON reads an object, an array, or either of them once more encoded as
// text.
func (p *parameters) readJSON(text []byte, level int) bool {
	switch text[0] {
	case '{':
		if depth(text) > deepestBody || !json.Valid(text) {
			return false
		}
		return wire.Members(text, func(name string, value []byte) error {
			p.members = append(p.members, member{name: name, value: value})
			return nil
		}) == nil
	case '[':
		if depth(text) > deepestBody || !json.Valid(text) {
			return false
		}
		p.list = text
		return true
	case '"':
		var inner string
		if level > 0 || json.Unmarshal(text, &inner) != nil {
			return false
		}
		trimmed := wire.Trim([]byte(inner))
		return len(trimmed) > 0 && p.readJSON(trimmed, level+1)
	}
	return false
}

// depth is the deepest nesting of a JSON text, which need not be valid.
func depth(text []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

func looksLikeForm(text []byte, label string) bool {
	if text[0] == '{' || text[0] == '[' || text[0] == '<' || text[0] == '"' {
		return false
	}
	return label == "application/x-www-form-urlencoded" || bytes.IndexByte(text, '=') > 0
}

func (p *parameters) readForm(text string) error {
	values, err := url.ParseQuery(text)
	if err != nil || len(values) > mostParts {
		return errUnreadable
	}
	// A library that is given JSON text as its form sends it as a lone name.
	if len(values) == 1 {
		for name, value := range values {
			if inner := wire.Trim([]byte(name)); len(inner) > 0 && inner[0] == '{' && value[0] == "" && p.readJSON(inner, 1) {
				return nil
			}
		}
	}
	p.addForm(values, orderOfNames(text))
	return nil
}

func (p *parameters) readMultipart(body []byte, boundary string) error {
	if boundary == "" {
		return errUnreadable
	}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	values := url.Values{}
	var order []string
	for parts := 0; ; parts++ {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || parts >= mostParts {
			return errUnreadable
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return errUnreadable
		}
		name := part.FormName()
		if _, known := values[name]; !known {
			order = append(order, name)
		}
		values.Add(name, string(value))
	}
	p.addForm(values, order)
	return nil
}

// orderOfNames lists the names of a query in the order in which they first come.
func orderOfNames(query string) []string {
	seen := map[string]bool{}
	var order []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil && !seen[name] {
			seen[name] = true
			order = append(order, name)
		}
	}
	return order
}

// addForm adds the fields of a form. Names with brackets are put together as PHP
// does: clients[]=1, variables[city]=Riga, buttons[0][text]=Yes.
func (p *parameters) addForm(values url.Values, order []string) {
	var trees []*field
	byName := map[string]*field{}
	for _, name := range order {
		for _, value := range values[name] {
			base, path, nested := splitBrackets(name)
			if !nested && len(values[name]) == 1 {
				p.members = append(p.members, member{name: name, value: wire.AppendText(nil, value)})
				continue
			}
			if !nested {
				path = []string{""} // a repeated name is a list
			}
			tree := byName[base]
			if tree == nil {
				tree = &field{name: base}
				byName[base] = tree
				trees = append(trees, tree)
			}
			tree.set(path, value)
		}
	}
	for _, tree := range trees {
		p.members = append(p.members, member{name: tree.name, value: tree.appendJSON(nil)})
	}
}

// splitBrackets takes a[b][] apart into a, and b and "".
func splitBrackets(name string) (base string, path []string, nested bool) {
	open := strings.IndexByte(name, '[')
	if open <= 0 || !strings.HasSuffix(name, "]") {
		return name, nil, false
	}
	path = strings.Split(name[open+1:len(name)-1], "][")
	if len(path) > deepestBody {
		return name, nil, false
	}
	return name[:open], path, true
}

// field is a node of a form with brackets: a text, or a list or an object of
// further nodes.
type field struct {
	name     string
	text     string
	children []*field
}

func (f *field) set(path []string, value string) {
	if len(path) == 0 {
		f.text = value
		return
	}
	name := path[0]
	if name == "" {
		name = strconv.Itoa(len(f.children))
	}
	for _, child := range f.children {
		if child.name == name {
			child.set(path[1:], value)
			return
		}
	}
	child := &field{name: name}
	child.set(path[1:], value)
	f.children = append(f.children, child)
}

func (f *field) appendJSON(text []byte) []byte {
	if f.children == nil {
		return wire.AppendText(text, f.text)
	}
	list := true
	for i, child := range f.children {
		list = list && child.name == strconv.Itoa(i)
	}
	if list {
		text = append(text, '[')
		for i, child := range f.children {
			if i > 0 {
				text = append(text, ',')
			}
			text = child.appendJSON(text)
		}
		return append(text, ']')
	}
	text = append(text, '{')
	for i, child := range f.children {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(wire.AppendText(text, child.name), ':')
		text = child.appendJSON(text)
	}
	return append(text, '}')
}

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
func (p *parameters) nested(name string) json.RawMessage { return unfolded(p.raw(name)) }

func unfolded(value json.RawMessage) json.RawMessage {
	if len(value) == 0 || value[0] != '"' {
		return value
	}
	text, err := wire.Text(value)
	if err != nil {
		return value
	}
	inner := wire.Trim([]byte(text))
	if len(inner) > 0 && (inner[0] == '{' || inner[0] == '[') && depth(inner) <= deepestBody && json.Valid(inner) {
		if isUnset(inner) {
			return nil
		}
		return inner
	}
	return value
}

// text returns a parameter as text, "" where it was not given.
func (p *parameters) text(name string) string {
	text, _ := wire.LooseText(p.raw(name))
	return text
}

// id returns a parameter that is a number; 0 where it was not given or is none.
func (p *parameters) id(name string) int64 { return idOf(p.raw(name)) }

func idOf(value json.RawMessage) int64 {
	n, err := wire.Int(value)
	if err != nil {
		return 0
	}
	return n
}

// number returns a parameter that is a count; fallback where it was not given.
func (p *parameters) number(name string, fallback int64) (int64, error) {
	value := p.raw(name)
	if value == nil {
		return fallback, nil
	}
	n, err := wire.Int(value)
	if err != nil {
		return 0, fmt.Errorf("%s must be a whole number", name)
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

// ids returns a list of numbers; elements that are none are 0.
func (p *parameters) ids(name string) []int64 {
	values := p.values(name)
	ids := make([]int64, len(values))
	for i, value := range values {
		ids[i] = idOf(value)
	}
	return ids
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
		err := wire.Members(value, func(name string, value []byte) error {
			members = append(members, member{name: name, value: value})
			return nil
		})
		return members, err
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
