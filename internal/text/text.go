// Package text prepares texts of others for errors, logs, reports and requests.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Shorten returns text in one line of at most limit characters, without control
// characters. What was cut off is shown by an ellipsis. Secrets have to be taken
// out before: the cut could leave a part of one.
func Shorten(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
	if len(text) <= limit {
		return text
	}
	count := 0
	for i := range text {
		if count == limit {
			return text[:i] + "…"
		}
		count++
	}
	return text
}
