package form

import (
	"slices"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// Path cuts a[b][] into a, b and "". A name that is not well formed, or has as many
// parts as depth, is one part.
func Path(name string, depth int) []string {
	head, rest, found := strings.Cut(name, "[")
	if !found || head == "" || !strings.HasSuffix(rest, "]") {
		return []string{name}
	}
	parts := strings.Split(strings.TrimSuffix(rest, "]"), "][")
	if len(parts) >= depth {
		return []string{name}
	}
	for _, part := range parts {
		if strings.ContainsAny(part, "[]") {
			return []string{name}
		}
	}
	return append([]string{head}, parts...)
}

// Node is a value of a form: a text, or members in the order in which they came.
// The zero value is an empty text.
type Node struct {
	text    string
	names   []string
	members map[string]*Node
	// next is the name of the next element, as in PHP.
	next int
}

// IsText reports whether the node has no members.
func (n *Node) IsText() bool { return n.members == nil }

// Text is the text of a node without members.
func (n *Node) Text() string { return n.text }

// Put stores a value below a path. An empty name adds an element to a list. Of a
// name that comes twice the later value counts.
func (n *Node) Put(path []string, value string) {
	if len(path) == 0 {
		*n = Node{text: value}
		return
	}
	if n.members == nil {
		n.members, n.text = map[string]*Node{}, ""
	}
	name := path[0]
	if name == "" {
		name = strconv.Itoa(n.next)
	}
	if isIndex(name) {
		number, _ := strconv.Atoi(name) // at most five digits
		n.next = max(n.next, number+1)
	}
	child := n.members[name]
	if child == nil {
		child = &Node{}
		n.members[name] = child
		n.names = append(n.names, name)
	}
	child.Put(path[1:], value)
}

// BecomeList makes a text the first element of a list.
func (n *Node) BecomeList() {
	if n.members == nil {
		text := n.text
		n.Put([]string{""}, text)
	}
}

// Len is the number of members.
func (n *Node) Len() int { return len(n.names) }

// isList reports whether the names of the members are numbers.
func (n *Node) isList() bool {
	return !slices.ContainsFunc(n.names, func(name string) bool { return !isIndex(name) })
}

func isIndex(name string) bool {
	return name != "" && len(name) <= 5 && strings.Trim(name, "0123456789") == ""
}

// AppendJSON writes a text, an object, or a list if all names are numbers.
func (n *Node) AppendJSON(text []byte) []byte {
	if n.members != nil && !n.isList() {
		return n.AppendObject(text)
	}
	if n.members == nil {
		return wire.AppendText(text, n.text)
	}
	text = append(text, '[')
	for i, name := range n.names {
		if i > 0 {
			text = append(text, ',')
		}
		text = n.members[name].AppendJSON(text)
	}
	return append(text, ']')
}

// AppendObject writes the members as an object, whatever their names.
func (n *Node) AppendObject(text []byte) []byte {
	text = append(text, '{')
	for i, name := range n.names {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(wire.AppendText(text, name), ':')
		text = n.members[name].AppendJSON(text)
	}
	return append(text, '}')
}
