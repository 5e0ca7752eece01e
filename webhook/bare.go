package webhook

import (
	"bytes"

	"github.com/salebot-go/salebot/internal/wire"
)

// quoted returns the document with quotes around the values that need them and have
// none. So a flow sends a variable that its author put into the JSON as a number, and
// that has no value or is a text: {"budget": None, "phone": +7 900 000-00-00, "sum": }.
// ok is false if that does not make the document JSON.
func (d document) quoted(depth int) (quoted document, ok bool) {
	q := quoter{text: wire.EscapeControls(d.bytes), depth: depth}
	if !q.object() || wire.Check(q.made, depth) != nil {
		return document{}, false
	}
	return document{text: string(q.made), bytes: q.made}, true
}

// quoter copies a text and puts the quotes in. It does not check what it copies.
type quoter struct {
	text, made []byte
	at         int
	// open are the closing brackets of the objects and lists at hand, at most depth.
	open  []byte
	depth int
}

// object copies an object and reports whether it was whole, and the whole text.
func (q *quoter) object() bool {
	for {
		if !q.value() {
			return false
		}
		for q.space(); len(q.open) > 0 && q.next() == q.open[len(q.open)-1]; q.space() {
			q.open = q.open[:len(q.open)-1]
			q.copy(1)
		}
		switch {
		case len(q.open) == 0:
			return q.at == len(q.text)
		case q.next() != ',' || !q.copy(1) || !q.name():
			return false
		}
	}
}

// value copies a value; of an object or a list that is not empty the beginning, up to
// its first value.
func (q *quoter) value() bool {
	q.space()
	switch c := q.next(); {
	case c == '"':
		return q.string()
	case c == '{' && !bytes.HasPrefix(q.text[q.at:], []byte("{{")), c == '[':
		if len(q.open) == q.depth {
			return false
		}
		q.open = append(q.open, c+2) // in ASCII, two behind the opening bracket
		q.copy(1)
		if q.space(); q.next() == c+2 {
			return true
		}
		return q.name() && q.value()
	}
	return len(q.open) > 0 && q.bare()
}

// name copies the name of a member and the colon, if an object is at hand.
func (q *quoter) name() bool {
	if q.open[len(q.open)-1] == ']' {
		return true
	}
	if q.space(); q.next() != '"' || !q.string() {
		return false
	}
	q.space()
	return q.next() == ':' && q.copy(1)
}

// string copies a string.
func (q *quoter) string() bool {
	for i := q.at + 1; i < len(q.text); i++ {
		switch q.text[i] {
		case '\\':
			i++
		case '"':
			return q.copy(i + 1 - q.at)
		}
	}
	return false
}

// bare copies a value without quotes, and puts it into quotes if it is not JSON. It ends
// where the next member, or the end of the object, can begin.
func (q *quoter) bare() bool {
	from, closing := q.at, q.open[len(q.open)-1]
	for q.next() != ',' && q.next() != closing {
		if q.at == len(q.text) || q.next() == '"' {
			return false
		}
		q.at += max(1, placeholderLength(q.text[q.at:]))
	}
	value := bytes.TrimSpace(q.text[from:q.at])
	switch {
	case len(value) == 0 && closing == ']':
		return false
	case len(value) > 0 && wire.Check(value, 0) == nil:
		q.made = append(q.made, value...)
	default:
		q.made = wire.AppendText(q.made, string(value))
	}
	return true
}

// placeholderLength is the length of the placeholder with which a text begins, 0 if it
// begins with none.
func placeholderLength(text []byte) int {
	var closing string
	switch {
	case bytes.HasPrefix(text, []byte("#{")):
		closing = "}"
	case bytes.HasPrefix(text, []byte("{{")):
		closing = "}}"
	default:
		return 0
	}
	end := bytes.Index(text[:min(len(text), longestPlaceholder)], []byte(closing))
	if end < 0 {
		return 0
	}
	return end + len(closing)
}

func (q *quoter) space() {
	for q.at < len(q.text) && (q.text[q.at] == ' ' || q.text[q.at] == '\n' || q.text[q.at] == '\r' || q.text[q.at] == '\t') {
		q.at++
	}
}

// next is the byte at hand, 0 at the end.
func (q *quoter) next() byte {
	if q.at < len(q.text) {
		return q.text[q.at]
	}
	return 0
}

func (q *quoter) copy(n int) bool {
	q.made = append(q.made, q.text[q.at:q.at+n]...)
	q.at += n
	return true
}
