package request

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// replaced is the remark about what WellFormed and validText change.
const replaced = "what is no valid Unicode was replaced by U+FFFD"

// WellFormed replaces what is not a character by U+FFFD in a JSON text: invalid
// UTF-8, and halves of surrogate pairs. Go lets both through when it keeps JSON
// as it is, and readers in other languages stumble over them.
func WellFormed(text []byte) (clean []byte, changed bool) {
	clean = text
	if !utf8.Valid(text) {
		clean, changed = []byte(string([]rune(string(text)))), true
	}
	for at := 0; ; {
		next := bytes.IndexByte(clean[at:], '\\')
		if next < 0 {
			return clean, changed
		}
		at += next
		first, isUnit := unitOfUTF16(clean[at:])
		switch {
		case !isUnit:
			at += 2 // the backslash and what it protects
		case !utf16.IsSurrogate(first):
			at += 6
		default:
			if second, _ := unitOfUTF16(clean[at+6:]); utf16.DecodeRune(first, second) != utf8.RuneError {
				at += 12
				continue
			}
			if !changed {
				clean, changed = bytes.Clone(clean), true
			}
			at += copy(clean[at:], `\ufffd`)
		}
		if at > len(clean) {
			return clean, changed
		}
	}
}

// unitOfUTF16 reads an escape such as \u00e9 at the beginning of a text.
func unitOfUTF16(text []byte) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}

// validText is WellFormed for a text that is not JSON.
func (p *Params) validText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	p.Notef(replaced)
	return string([]rune(text))
}

// validJSON is WellFormed with a remark.
func (p *Params) validJSON(text []byte) []byte {
	clean, changed := WellFormed(text)
	if changed {
		p.Notef(replaced)
	}
	return clean
}
