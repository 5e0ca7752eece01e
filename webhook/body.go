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

// document is the JSON object of a body. The text is a string, so that its parts
// can be kept without a copy, and the same text as bytes, for those who read
// bytes; the bytes may be the caller's and must not be kept.
type document struct {
	text  string
	bytes []byte
}

// openBody finds the JSON object in a body: the body itself, a form, or JSON in a
// text. Control characters that stand in a string as they are, as they do where a
// text was pasted into JSON, are read as if they were escaped.
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
	err := wire.Check(body, depth)
	if errors.Is(err, wire.ErrControl) {
		body = wire.EscapeControls(body)
		err = wire.Check(body, depth)
	}
	switch {
	case errors.Is(err, wire.ErrDepth):
		return document{}, ErrTooDeep
	case err != nil:
		return document{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	case body[0] == '[':
		return document{}, fmt.Errorf("%w: an array", ErrMalformed)
	case body[0] == '"':
		return openText(string(body), depth, wrappers)
	}
	return document{text: string(body), bytes: body}, nil
}

// openText opens the body that is the text of a JSON string.
func openText(value string, depth, wrappers int) (document, error) {
	if wrappers >= deepestWrapper {
		return document{}, ErrTooDeep
	}
	return openBody([]byte(wire.Unquote(value)), depth, wrappers+1)
}

// unwrap opens the value of the member data of an object.
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
		return inner, err == nil
	}
	return document{}, false
}

// isProjectWebhook says whether the object has the marks of the project's
// webhook: is_input, or a client with the spelling or the company that only the
// webhook gives it. Keys of people's own requests are chosen by them, so that one
// of the usual words proves nothing.
func (d document) isProjectWebhook() bool {
	var m marks
	w := wire.Walk(d.text, 0)
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
// holds; "" where there is none.
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

// isJSONText says whether a text is a whole JSON object or array.
func isJSONText(text string) bool {
	return text != "" && (text[0] == '{' || text[0] == '[') && wire.Check([]byte(text), DefaultDepthLimit) == nil
}
