package webhook

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/salebot-go/salebot/internal/form"
	"github.com/salebot-go/salebot/internal/wire"
)

// Bounds of a form. A body within the body limit could otherwise describe a
// structure that costs much more than its own size.
const (
	maxFormFields = 2000
	maxFormDepth  = 8
)

// openForm turns a form into the JSON object that it describes: a[b]=1 is a
// member b of an object a, a[]=1 an element of a list. All values are texts. Some
// senders put a whole JSON body into the form, as a key without value; that body
// is returned then.
func openForm(body []byte) ([]byte, error) {
	if bytes.IndexByte(body, '=') < 0 && !bytes.HasPrefix(body, []byte("%7B")) && !bytes.HasPrefix(body, []byte("%22")) {
		return nil, fmt.Errorf("%w: neither JSON nor a form", ErrMalformed)
	}
	if bytes.Count(body, []byte("&")) >= maxFormFields {
		return nil, fmt.Errorf("%w: the form has too many fields", ErrMalformed)
	}
	root := formNode{}
	for key, value := range form.Pairs(string(body)) {
		if len(root.members) == 0 && value == "" && (isJSONText(key) || isJSONString(key)) {
			return []byte(key), nil
		}
		if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || strings.ContainsRune(`{}"<>`, r) }) {
			return nil, fmt.Errorf("%w: neither JSON nor a form", ErrMalformed)
		}
		root.put(formPath(key), value)
	}
	if len(root.members) == 0 {
		return nil, fmt.Errorf("%w: neither JSON nor a form", ErrMalformed)
	}
	return root.appendJSON(nil), nil
}

func isJSONString(text string) bool {
	return len(text) > 1 && text[0] == '"' && wire.Check([]byte(text), 1) == nil
}

// formPath cuts a[b][c] into its names. A key that is not well formed is one
// name.
func formPath(key string) []string {
	head, rest, found := strings.Cut(key, "[")
	if !found || head == "" || !strings.HasSuffix(rest, "]") {
		return []string{key}
	}
	names := strings.Split(strings.TrimSuffix(rest, "]"), "][")
	for _, name := range names {
		if strings.ContainsAny(name, "[]") {
			return []string{key}
		}
	}
	if len(names) >= maxFormDepth {
		return []string{key}
	}
	return append([]string{head}, names...)
}

// formNode is a value of a form: a text, or members in the order in which they
// came.
type formNode struct {
	text    string
	names   []string
	members map[string]*formNode
	// list says that all names are empty or counted up.
	list bool
}

// put stores a value; where a name comes twice the later one counts.
func (n *formNode) put(path []string, value string) {
	if len(path) == 0 {
		*n = formNode{text: value}
		return
	}
	name := path[0]
	if n.members == nil {
		n.members = map[string]*formNode{}
		n.list = true
		n.text = ""
	}
	key := name
	switch {
	case name == "":
		// Each empty name is a further element; the blank keeps it apart from
		// what a sender can write.
		key = fmt.Sprintf("\x00%d", len(n.names))
	case !isIndex(name):
		n.list = false
	}
	child := n.members[key]
	if child == nil {
		child = &formNode{}
		n.members[key] = child
		n.names = append(n.names, key)
	}
	child.put(path[1:], value)
}

func isIndex(name string) bool {
	return len(name) < 6 && strings.Trim(name, "0123456789") == ""
}

func (n *formNode) appendJSON(text []byte) []byte { return n.append(text, true) }

func (n *formNode) append(text []byte, root bool) []byte {
	if n.members == nil {
		return wire.AppendText(text, n.text)
	}
	list := n.list && !root
	opening, closing := byte('{'), byte('}')
	if list {
		opening, closing = '[', ']'
	}
	text = append(text, opening)
	for i, name := range n.names {
		if i > 0 {
			text = append(text, ',')
		}
		if !list {
			text = append(wire.AppendText(text, strings.TrimPrefix(name, "\x00")), ':')
		}
		text = n.members[name].append(text, false)
	}
	return append(text, closing)
}
