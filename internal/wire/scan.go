package wire

import (
	"errors"
	"fmt"
)

// Errors of a scan that a caller may want to tell apart; all are ErrSyntax too.
var (
	// ErrSyntax says that a text is not the JSON that was expected.
	ErrSyntax = errors.New("not valid JSON")
	// ErrDepth says that a text is nested more deeply than it may be.
	ErrDepth = fmt.Errorf("%w: nested too deeply", ErrSyntax)
	// ErrControl says that a string holds a control character as it is, which
	// has to be escaped; see EscapeControls.
	ErrControl = fmt.Errorf("%w: a control character inside a string", ErrSyntax)
	// ErrBrokenOff says that a text ends before its value does.
	ErrBrokenOff = fmt.Errorf("%w: the text ends too early", ErrSyntax)
)

// Problems of a text; where adds their place.
var (
	errSurplus = errors.New("surplus text")
	errValue   = errors.New("want a value")
	errString  = errors.New("bad text")
	errNumber  = errors.New("bad number")
	errObject  = errors.New("bad object")
	errArray   = errors.New("bad array")
)

// MaxDepth bounds nesting if nothing else does; it is that of the standard library.
const MaxDepth = 10_000

// scanner goes through a JSON text once and checks it on the way, without storing
// anything of it. It accepts what json.Valid accepts. Check, Members, Elements and
// Walker are made of it.
type scanner[T string | []byte] struct {
	text T
	at   int
	// room is the number of levels that may still be opened.
	room int
}

// where adds the position to an error.
func (s *scanner[T]) where(err error) error {
	switch {
	case errors.Is(err, ErrSyntax):
		return fmt.Errorf("%w at byte %d", err, s.at)
	case s.at >= len(s.text):
		return ErrBrokenOff
	}
	return fmt.Errorf("%w: %w at byte %d", ErrSyntax, err, s.at)
}

func (s *scanner[T]) space() {
	for s.at < len(s.text) {
		// Nearly always there is none.
		if c := s.text[s.at]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return
		}
		s.at++
	}
}

// next is the byte at hand, 0 at the end of the text.
func (s *scanner[T]) next() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// end checks that nothing but space follows.
func (s *scanner[T]) end() error {
	s.space()
	if s.at != len(s.text) {
		return errSurplus
	}
	return nil
}

func (s *scanner[T]) value() error {
	switch first := s.next(); first {
	case quote:
		_, err := s.string()
		return err
	case '{':
		return s.object()
	case '[':
		return s.array()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		if first == '-' || isDigit(first) {
			return s.number()
		}
		return errValue
	}
}

func (s *scanner[T]) word(word string) error {
	if len(s.text)-s.at < len(word) {
		s.at = len(s.text)
		return errValue
	}
	if string(s.text[s.at:s.at+len(word)]) != word {
		return errValue
	}
	s.at += len(word)
	return nil
}

// enter goes into the object or list at hand.
func (s *scanner[T]) enter() error {
	if s.room == 0 {
		return ErrDepth
	}
	s.room--
	s.at++
	return nil
}

// another reports whether there is one more member or element, and goes to it. first
// says that none was read yet. If there is none, it goes behind the closing bracket;
// problem is the error if that is missing too.
func (s *scanner[T]) another(first bool, closing byte, problem error) (bool, error) {
	s.space()
	switch c := s.next(); {
	case c == closing:
		s.at++
		s.room++
		return false, nil
	case first:
		return true, nil
	case c == ',':
		s.at++
		s.space()
		return true, nil
	}
	return false, problem
}

// key goes over the key at hand and the colon; from and to are where the key is,
// quotes included, and ascii is that of string.
func (s *scanner[T]) key() (from, to int, ascii bool, err error) {
	if s.next() != quote {
		return 0, 0, false, errObject
	}
	from = s.at
	if ascii, err = s.string(); err != nil {
		return 0, 0, false, err
	}
	to = s.at
	s.space()
	if s.next() != ':' {
		return 0, 0, false, errObject
	}
	s.at++
	s.space()
	return from, to, ascii, nil
}

func (s *scanner[T]) object() error {
	if err := s.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if more, err := s.another(first, '}', errObject); !more {
			return err
		}
		if _, _, _, err := s.key(); err != nil {
			return err
		}
		if err := s.value(); err != nil {
			return err
		}
	}
}

func (s *scanner[T]) array() error {
	if err := s.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if more, err := s.another(first, ']', errArray); !more {
			return err
		}
		if err := s.value(); err != nil {
			return err
		}
	}
}

// Kinds of bytes inside a string.
const (
	// special bytes end the string, begin an escape or must not be there.
	special = iota
	// ordinary ones are ASCII and stand for themselves.
	ordinary
	// multibyte ones are parts of characters beyond ASCII.
	multibyte
)

// inString is the kind of each byte.
var inString = func() (table [256]byte) {
	for c := range table {
		switch {
		case c >= 0x80:
			table[c] = multibyte
		case c >= ' ' && byte(c) != quote && c != '\\':
			table[c] = ordinary
		}
	}
	return table
}()

// string goes over the string at hand. ascii says that it holds nothing but
// characters of ASCII that stand for themselves.
func (s *scanner[T]) string() (ascii bool, err error) {
	text, at := s.text, s.at+1
	ascii = true
	for {
		for at < len(text) && inString[text[at]] == ordinary {
			at++
		}
		if at < len(text) && inString[text[at]] == multibyte {
			ascii = false
			for at < len(text) && inString[text[at]] != special {
				at++
			}
		}
		s.at = at
		if at == len(text) {
			return false, errString
		}
		switch text[at] {
		case quote:
			s.at++
			return ascii, nil
		case '\\':
			ascii = false
			if err := s.escape(); err != nil {
				return false, err
			}
			at = s.at
		default:
			return false, ErrControl
		}
	}
}

func (s *scanner[T]) escape() error {
	s.at++
	switch s.next() {
	case quote, '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return nil
	case 'u':
		for range 4 {
			s.at++
			if !isHex(s.next()) {
				return errString
			}
		}
		s.at++
		return nil
	}
	return errString
}

func (s *scanner[T]) number() error {
	if s.next() == '-' {
		s.at++
	}
	switch first := s.next(); {
	case first == '0':
		s.at++
	case isDigit(first):
		s.digits()
	default:
		return errNumber
	}
	if s.next() == '.' {
		s.at++
		if !s.digits() {
			return errNumber
		}
	}
	if e := s.next(); e == 'e' || e == 'E' {
		s.at++
		if sign := s.next(); sign == '+' || sign == '-' {
			s.at++
		}
		if !s.digits() {
			return errNumber
		}
	}
	return nil
}

// digits skips digits; there must be one at least.
func (s *scanner[T]) digits() bool {
	from := s.at
	for isDigit(s.next()) {
		s.at++
	}
	return s.at > from
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isHex(c byte) bool { return isDigit(c) || (c|0x20)-'a' <= 5 }
