// Package reason bounds the texts of failures that inboxes keep for people.
package reason

import "strings"

// Longest bounds such a text, in bytes.
const Longest = 1 << 10

// Shorten cuts a text to the bound and makes it valid UTF-8.
func Shorten(text string) string {
	if len(text) > Longest {
		text = text[:Longest]
	}
	return strings.ToValidUTF8(text, "")
}
