package wire

import (
	"errors"
	"fmt"
)

// Errors of Check that a caller may want to tell apart; all are ErrSyntax too.
var (
	// ErrDepth says that a text is nested more deeply than it may be.
	ErrDepth = fmt.Errorf("%w: nested too deeply", ErrSyntax)
	// ErrControl says that a string holds a control character as it is, which
	// has to be escaped; see EscapeControls.
	ErrControl = fmt.Errorf("%w: a control character inside a string", ErrSyntax)
)

// Check says whether text is one JSON value with space around it, nested at most
// depth deep. It accepts what json.Valid accepts.
func Check(text []byte, depth int) error {
	c := checker{text: text, room: depth}
	c.space()
	if err := c.value(); err != nil {
		return c.where(err)
	}
	c.space()
	if c.at != len(text) {
		return c.where(errSurplus)
	}
	return nil
}

var (
	errSurplus = errors.New("surplus text")
	errValue   = errors.New("want a value")
	errString  = errors.New("bad text")
	errNumber  = errors.New("bad number")
	errObject  = errors.New("bad object")
	errArray   = errors.New("bad array")
)

// checker walks through a text once, without storing anything of it.
type checker struct {
	text []byte
	at   int
	// room is the number of levels that may still be opened.
	room int
}

// where adds the position to an error.
func (c *checker) where(err error) error {
	switch {
	case errors.Is(err, ErrSyntax):
		return fmt.Errorf("%w at byte %d", err, c.at)
	case c.at >= len(c.text):
		return fmt.Errorf("%w: the text ends too early", ErrSyntax)
	}
	return fmt.Errorf("%w: %w at byte %d", ErrSyntax, err, c.at)
}

func (c *checker) space() {
	for c.at < len(c.text) {
		switch c.text[c.at] {
		case ' ', '\n', '\r', '\t':
			c.at++
		default:
			return
		}
	}
}

// next is the byte at hand, 0 at the end of the text.
func (c *checker) next() byte {
	if c.at < len(c.text) {
		return c.text[c.at]
	}
	return 0
}

func (c *checker) value() error {
	switch first := c.next(); first {
	case quote:
		return c.string()
	case '{':
		return c.object()
	case '[':
		return c.array()
	case 't':
		return c.word("true")
	case 'f':
		return c.word("false")
	case 'n':
		return c.word("null")
	default:
		if first == '-' || isDigit(first) {
			return c.number()
		}
		return errValue
	}
}

func (c *checker) word(word string) error {
	if len(c.text)-c.at < len(word) {
		c.at = len(c.text)
		return errValue
	}
	if string(c.text[c.at:c.at+len(word)]) != word {
		return errValue
	}
	c.at += len(word)
	return nil
}

func (c *checker) object() error {
	if c.room == 0 {
		return ErrDepth
	}
	c.room--
	c.at++
	c.space()
	if c.next() == '}' {
		c.at++
		c.room++
		return nil
	}
	for {
		if c.next() != quote {
			return errObject
		}
		if err := c.string(); err != nil {
			return err
		}
		c.space()
		if c.next() != ':' {
			return errObject
		}
		c.at++
		c.space()
		if err := c.value(); err != nil {
			return err
		}
		c.space()
		switch c.next() {
		case ',':
			c.at++
			c.space()
		case '}':
			c.at++
			c.room++
			return nil
		default:
			return errObject
		}
	}
}

func (c *checker) array() error {
	if c.room == 0 {
		return ErrDepth
	}
	c.room--
	c.at++
	c.space()
	if c.next() == ']' {
		c.at++
		c.room++
		return nil
	}
	for {
		if err := c.value(); err != nil {
			return err
		}
		c.space()
		switch c.next() {
		case ',':
			c.at++
			c.space()
		case ']':
			c.at++
			c.room++
			return nil
		default:
			return errArray
		}
	}
}

// ordinary holds the bytes that stand for themselves inside a string.
var ordinary = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= ' ' && byte(c) != quote && c != '\\'
	}
	return table
}()

func (c *checker) string() error {
	text, at := c.text, c.at+1
	for {
		for at < len(text) && ordinary[text[at]] {
			at++
		}
		c.at = at
		if at == len(text) {
			return errString
		}
		switch text[at] {
		case quote:
			c.at++
			return nil
		case '\\':
			if err := c.escape(); err != nil {
				return err
			}
			at = c.at
		default:
			return ErrControl
		}
	}
}

func (c *checker) escape() error {
	c.at++
	switch c.next() {
	case quote, '\\', '/', 'b', 'f', 'n', 'r', 't':
		c.at++
		return nil
	case 'u':
		for range 4 {
			c.at++
			if !isHex(c.next()) {
				return errString
			}
		}
		c.at++
		return nil
	}
	return errString
}

func (c *checker) number() error {
	if c.next() == '-' {
		c.at++
	}
	switch first := c.next(); {
	case first == '0':
		c.at++
	case isDigit(first):
		c.digits()
	default:
		return errNumber
	}
	if c.next() == '.' {
		c.at++
		if !c.digits() {
			return errNumber
		}
	}
	if e := c.next(); e == 'e' || e == 'E' {
		c.at++
		if sign := c.next(); sign == '+' || sign == '-' {
			c.at++
		}
		if !c.digits() {
			return errNumber
		}
	}
	return nil
}

// digits skips digits; there must be one at least.
func (c *checker) digits() bool {
	from := c.at
	for isDigit(c.next()) {
		c.at++
	}
	return c.at > from
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isHex(c byte) bool { return isDigit(c) || (c|0x20)-'a' <= 5 }

// EscapeControls escapes the control characters that stand inside the strings of
// a text as they are, as they come about where a text was pasted into JSON. The
// rest stays as it is.
func EscapeControls(text []byte) []byte {
	const hex = "0123456789abcdef"
	escaped := make([]byte, 0, len(text)+len(text)/8+16)
	inside, protected := false, false
	for _, b := range text {
		switch {
		case !inside:
			inside = b == quote
		case protected:
			protected = false
		case b == '\\':
			protected = true
		case b == quote:
			inside = false
		}
		if b >= ' ' || !inside {
			escaped = append(escaped, b)
			continue
		}
		switch b {
		case '\n':
			escaped = append(escaped, `\n`...)
		case '\r':
			escaped = append(escaped, `\r`...)
		case '\t':
			escaped = append(escaped, `\t`...)
		default:
			escaped = append(escaped, `\u00`...)
			escaped = append(escaped, hex[b>>4], hex[b&15])
		}
	}
	return escaped
}
