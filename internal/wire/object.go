package wire

import (
	"bytes"
	"errors"
	"iter"
)

// Trim removes the byte order mark and the space around a body.
func Trim(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
}

// Body removes the same, and takes an object or array out of a JSON string that is the
// whole body: so comes what was encoded twice.
func Body(body []byte) []byte {
	trimmed := Trim(body)
	if len(trimmed) == 0 || trimmed[0] != quote || !isText(trimmed) {
		return trimmed
	}
	text, err := Text(trimmed)
	if inner := Trim([]byte(text)); err == nil && len(inner) > 0 && (inner[0] == '{' || inner[0] == '[') {
		return inner
	}
	return trimmed
}

// Members calls visit for each member of a JSON object, in its order, until visit
// returns an error. What it visits is valid JSON, and so is the whole text if it
// returns nil. value points into object.
func Members(object []byte, visit func(key string, value []byte) error) error {
	return each(object, '{', '}', errObject, visit)
}

// errStop ends a walk.
var errStop = errors.New("stop")

// Pairs yields the members of a JSON object, in its order, up to the first place that is
// not valid. The values point into object.
func Pairs(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		_ = Members(object, func(key string, value []byte) error {
			if !yield(key, value) {
				return errStop
			}
			return nil
		})
	}
}

// Elements calls visit for each element of a JSON array, like Members.
func Elements(array []byte, visit func(value []byte) error) error {
	return each(array, '[', ']', errArray, func(_ string, value []byte) error { return visit(value) })
}

// memberName is the name of a member. Those of nearly every answer need no memory.
func memberName(text []byte) string {
	switch string(text) {
	case "status":
		return "status"
	case "result":
		return "result"
	case "message":
		return "message"
	case "success":
		return "success"
	}
	return string(text)
}

// each visits the values between two brackets.
func each(text []byte, opening, closing byte, problem error, visit func(key string, value []byte) error) error {
	s := scanner[[]byte]{text: text, room: MaxDepth}
	s.space()
	if s.next() != opening {
		return s.where(problem)
	}
	if err := s.enter(); err != nil {
		return s.where(err)
	}
	for first := true; ; first = false {
		more, err := s.another(first, closing, problem)
		if err == nil && !more {
			err = s.end()
		}
		if err != nil {
			return s.where(err)
		}
		if !more {
			return nil
		}
		var key string
		if opening == '{' {
			from, to, ascii, err := s.key()
			if err != nil {
				return s.where(err)
			}
			if key = memberName(text[from+1 : to-1]); !ascii {
				key = Unquote(string(text[from:to]))
			}
		}
		from := s.at
		if err := s.value(); err != nil {
			return s.where(err)
		}
		if err := visit(key, text[from:s.at]); err != nil {
			return err
		}
	}
}
