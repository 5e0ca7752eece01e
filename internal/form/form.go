// Package form reads queries and bodies of forms in the way of the servers that people
// use most. An ampersand is the only separator, a plus sign is a space, and a malformed
// escape stands for itself. The standard library's parser drops a pair with a semicolon
// or a lone percent sign, and with it what a person wrote.
package form

import (
	"iter"
	"strings"
)

// Pairs yields the names and values of a form in the order in which they stand.
// Empty pairs are left out; one without an equals sign has no value.
func Pairs(text string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for pair := range strings.SplitSeq(text, "&") {
			if pair == "" {
				continue
			}
			name, value, _ := strings.Cut(pair, "=")
			name, _ = Unescape(name)
			value, _ = Unescape(value)
			if !yield(name, value) {
				return
			}
		}
	}
}

// Unescape returns the text that a name or a value of a form stands for. well says
// that all escapes in it are well formed.
func Unescape(text string) (unescaped string, well bool) {
	well = true
	if !strings.ContainsAny(text, "%+") {
		return text, true
	}
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '+':
			b.WriteByte(' ')
		case '%':
			if i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
				b.WriteByte(fromHex(text[i+1])<<4 | fromHex(text[i+2]))
				i += 2
				continue
			}
			well = false
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), well
}

func isHex(c byte) bool { return c-'0' <= 9 || (c|0x20)-'a' <= 5 }

func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return (c | 0x20) - 'a' + 10
}
