package webhook

import (
	"errors"
	"fmt"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// deepestWrapper bounds JSON in texts, in forms and under "data", one inside the
// other.
const deepestWrapper = 3

// wrapperKey is the key under which some senders put the whole body.
const wrapperKey = "data"

// document is the JSON object of a body. The text is there as a string, so that its
// parts can be kept without a copy, and as bytes, for those who read bytes. The bytes
// may be the caller's and must not be kept.
type document struct {
	text  string
	bytes []byte
}

// openBody finds the JSON object in a body: the body itself, a form, or JSON in a
// text. What looks like an object is not checked yet; see document.checked.
func openBody(body []byte, depth, wrappers int) (document, error) {
	body = wire.Trim(body)
	if len(body) == 0 {
		return document{}, ErrEmptyBody
	}
	switch body[0] {
	case '{', '[', '"':
	default:
		object, err := openForm(body)
		if err != nil {
			return document{}, err
		}
		return openBody(object, depth, wrappers)
	}
	found := document{text: string(body), bytes: body}
	if body[0] == '{' {
		return found, nil
	}
	found, err := found.checked(depth)
	switch {
	case err != nil:
		return document{}, err
	case body[0] == '[':
		return found.onlyElement(depth, wrappers)
	}
	return openText(found.text, depth, wrappers)
}

// onlyElement opens the one element of the array that the document is.
func (d document) onlyElement(depth, wrappers int) (document, error) {
	var only []byte
	count := 0
	_ = wire.Elements(d.bytes, func(value []byte) error {
		only = value
		count++
		return nil
	})
	switch {
	case wrappers >= deepestWrapper:
		return document{}, ErrTooDeep
	case count != 1 || only[0] != '{' && only[0] != '"':
		return document{}, fmt.Errorf("%w: an array", ErrMalformed)
	}
	return openBody(only, depth, wrappers+1)
}

// checked returns the document if it is valid JSON. Control characters that stand in a
// string as they are, as they do if a text was pasted into JSON, are escaped then.
func (d document) checked(depth int) (document, error) {
	err := wire.Check(d.bytes, depth)
	if errors.Is(err, wire.ErrControl) {
		d = d.escaped()
		err = wire.Check(d.bytes, depth)
	}
	return d, malformed(err)
}

// escaped returns the document with the control characters inside strings escaped.
func (d document) escaped() document {
	escaped := wire.EscapeControls(d.bytes)
	return document{text: string(escaped), bytes: escaped}
}

// malformed is the error for one of the syntax.
func malformed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, wire.ErrDepth):
		return ErrTooDeep
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// openText opens the body that is the text of a JSON string.
func openText(value string, depth, wrappers int) (document, error) {
	if wrappers >= deepestWrapper {
		return document{}, ErrTooDeep
	}
	return openBody([]byte(wire.Unquote(value)), depth, wrappers+1)
}

// unwrap opens the value of the member data of an object that is valid, and so is
// what it returns.
func (d document) unwrap(depth, wrappers int) (inner document, ok bool) {
	value, ok := member(d.text, wrapperKey)
	if !ok || wrappers >= deepestWrapper {
		return document{}, false
	}
	switch value[0] {
	case '{':
		return document{text: value, bytes: []byte(value)}, true
	case '"':
		inner, err := openText(value, depth, wrappers)
		if err == nil {
			inner, err = inner.checked(depth)
		}
		return inner, err == nil
	}
	return document{}, false
}

// wrapped opens the one member of an object that is a body of the project's webhook,
// whatever its name. The object is valid, and so is what it returns.
func (d document) wrapped(depth, wrappers int) (inner document, ok bool) {
	if wrappers >= deepestWrapper {
		return document{}, false
	}
	count := 0
	w := wire.Walk(d.text, depth)
	for _, from, to, more := w.Next(); more; _, from, to, more = w.Next() {
		object := objectText(d.text[from:to])
		if object != "" && (document{text: object}).isProjectWebhook() {
			inner.text = object
			count++
		}
	}
	inner.bytes = []byte(inner.text)
	return inner, count == 1
}

// isProjectWebhook reports whether the object has the marks of the project's webhook:
// is_input, or a client with the spelling or the company that only the webhook gives
// it. Keys of people's own requests are chosen by them, so that one of the usual words
// proves nothing.
func (d document) isProjectWebhook() bool {
	var m marks
	w := wire.Walk(d.text, wire.MaxDepth)
	for key, from, to, ok := w.Next(); ok; key, from, to, ok = w.Next() {
		switch key {
		case "is_input":
			m.input = true
		case "delivered":
			m.delivered = true
		case "client":
			client := objectText(d.text[from:to])
			if client != "" {
				m.client = true
				if _, ok := member(client, "recepient"); ok {
					m.recipient = true
				}
			}
		}
	}
	return m.found()
}

// marks are the signs by which a body of the project's webhook is known.
type marks struct{ input, delivered, client, recipient bool }

func (m marks) found() bool { return m.input || m.client && (m.recipient || m.delivered) }

// objectText returns the JSON object that a value is, or that the text of a string
// holds; "" if there is none.
func objectText(value string) string {
	if value[0] == '"' {
		value = strings.TrimSpace(wire.Unquote(value))
		if !isJSONText(value) {
			return ""
		}
	}
	if value[0] != '{' {
		return ""
	}
	return value
}

// isJSONText reports whether a text is a whole JSON object or array.
func isJSONText(text string) bool {
	return text != "" && (text[0] == '{' || text[0] == '[') && wire.Check([]byte(text), DefaultMaxDepth) == nil
}
