package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrSyntax says that a text is not the JSON that was expected.
var ErrSyntax = errors.New("not valid JSON")

// maxDepth bounds nesting, as the standard library does.
const maxDepth = 10_000

// Trim removes the byte order mark and the space around a body.
func Trim(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
}

// Members calls visit for each member of a JSON object, in its order. The
// structure of the object is checked to the end of the text; a value is only
// delimited, so visit has to decode it or to check it with json.Valid. Both
// slices point into object.
func Members(object []byte, visit func(key string, value []byte) error) error {
	s := scanner{text: object}
	s.space()
	if !s.accept('{') {
		return s.fail("want an object")
	}
	s.space()
	if s.accept('}') {
		return s.end()
	}
	for {
		s.space()
		key, err := s.key()
		if err != nil {
			return err
		}
		s.space()
		if !s.accept(':') {
			return s.fail("want a colon")
		}
		s.space()
		value, err := s.value()
		if err != nil {
			return err
		}
		if err := visit(key, value); err != nil {
			return err
		}
		s.space()
		if s.accept(',') {
			continue
		}
		if !s.accept('}') {
			return s.fail("want a comma or the end of the object")
		}
		return s.end()
	}
}

// Elements calls visit for each element of a JSON array, like Members.
func Elements(array []byte, visit func(value []byte) error) error {
	s := scanner{text: array}
	s.space()
	if !s.accept('[') {
		return s.fail("want an array")
	}
	s.space()
	if s.accept(']') {
		return s.end()
	}
	for {
		s.space()
		value, err := s.value()
		if err != nil {
			return err
		}
		if err := visit(value); err != nil {
			return err
		}
		s.space()
		if s.accept(',') {
			continue
		}
		if !s.accept(']') {
			return s.fail("want a comma or the end of the array")
		}
		return s.end()
	}
}

type scanner struct {
	text []byte
	at   int
}

func (s *scanner) fail(problem string) error {
	if s.at >= len(s.text) {
		return fmt.Errorf("%w: the text ends too early", ErrSyntax)
	}
	return fmt.Errorf("%w: %s at byte %d", ErrSyntax, problem, s.at)
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) accept(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) end() error {
	s.space()
	if s.at != len(s.text) {
		return s.fail("surplus text")
	}
	return nil
}

func (s *scanner) key() (string, error) {
	from := s.at
	if s.at >= len(s.text) || s.text[s.at] != quote {
		return "", s.fail("want a key")
	}
	if err := s.skipString(); err != nil {
		return "", err
	}
	raw := s.text[from:s.at]
	if !json.Valid(raw) {
		s.at = from
		return "", s.fail("bad key")
	}
	return Text(raw)
}

// value delimits the next value.
func (s *scanner) value() ([]byte, error) {
	from := s.at
	if s.at >= len(s.text) {
		return nil, s.fail("want a value")
	}
	var err error
	switch s.text[s.at] {
	case quote:
		err = s.skipString()
	case '{', '[':
		err = s.skipNested()
	default:
		s.skipWord()
		if s.at == from {
			err = s.fail("want a value")
		}
	}
	return s.text[from:s.at], err
}

func (s *scanner) skipString() error {
	s.at++ // the opening quote
	for s.at < len(s.text) {
		i := bytes.IndexByte(s.text[s.at:], quote)
		if i < 0 {
			break
		}
		backslashes := 0
		for j := s.at + i - 1; j >= s.at && s.text[j] == '\\'; j-- {
			backslashes++
		}
		s.at += i + 1
		if backslashes%2 == 0 {
			return nil
		}
	}
	s.at = len(s.text)
	return s.fail("unterminated text")
}

func (s *scanner) skipNested() error {
	depth := 0
	for {
		for s.at < len(s.text) && !structural[s.text[s.at]] {
			s.at++
		}
		if s.at >= len(s.text) {
			return s.fail("unterminated value")
		}
		switch s.text[s.at] {
		case quote:
			if err := s.skipString(); err != nil {
				return err
			}
			continue
		case '{', '[':
			depth++
			if depth > maxDepth {
				return s.fail("nested too deeply")
			}
		case '}', ']':
			depth--
		}
		s.at++
		if depth == 0 {
			return nil
		}
	}
}

// structural marks the bytes at which a nested value may begin or end.
var structural = [256]bool{'"': true, '{': true, '[': true, '}': true, ']': true}

func (s *scanner) skipWord() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r', ',', ':', '}', ']', '{', '[', quote:
			return
		}
		s.at++
	}
}
