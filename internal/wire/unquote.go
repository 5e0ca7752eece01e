package wire

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote returns the text of a JSON string that Check has accepted, quotes included.
// If nothing has to be changed, it is a part of value, not a copy. Invalid UTF-8 and
// lone surrogates become U+FFFD, as in encoding/json.
func Unquote(value string) string {
	if len(value) < 2 {
		return ""
	}
	inner := value[1 : len(value)-1]
	if strings.IndexByte(inner, '\\') < 0 && utf8.ValidString(inner) {
		return inner
	}
	text := make([]byte, 0, len(inner))
	for len(inner) > 0 {
		switch c := inner[0]; {
		case c == '\\':
			r, size := unescape(inner)
			text = utf8.AppendRune(text, r)
			inner = inner[size:]
		case c < utf8.RuneSelf:
			text = append(text, c)
			inner = inner[1:]
		default:
			r, size := utf8.DecodeRuneInString(inner)
			text = utf8.AppendRune(text, r)
			inner = inner[size:]
		}
	}
	return string(text)
}

// unescape reads the escape at the beginning of text.
func unescape(text string) (r rune, size int) {
	if len(text) < 2 {
		return utf8.RuneError, len(text)
	}
	switch c := text[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		first := unescapeUnit(text)
		if !utf16.IsSurrogate(first) {
			return first, min(6, len(text))
		}
		if pair := utf16.DecodeRune(first, unescapeUnit(text[min(6, len(text)):])); pair != utf8.RuneError {
			return pair, 12
		}
		return utf8.RuneError, min(6, len(text))
	default:
		return rune(c), 2
	}
}

// unescapeUnit reads the unit of UTF-16 in the escape at the beginning of text; it is
// U+FFFD if there is none.
func unescapeUnit(text string) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return utf8.RuneError
	}
	var unit rune
	for i := 2; i < 6; i++ {
		unit <<= 4
		switch c := text[i]; {
		case isDigit(c):
			unit |= rune(c - '0')
		case isHex(c):
			unit |= rune((c|0x20)-'a') + 10
		default:
			return utf8.RuneError
		}
	}
	return unit
}
