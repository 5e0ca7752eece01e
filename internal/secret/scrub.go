package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
)

// shortestEncoded is the length below which an encoded form of a secret is not
// looked for: it would be found in innocent text.
const shortestEncoded = 6

// Scrubber takes one secret out of texts, in the forms in which it travels:
// raw, percent-encoded, HTML- and JSON-escaped, and inside base64 at any
// alignment. The zero value changes nothing.
type Scrubber struct{ replace func(string) string }

// NewScrubber returns the scrubber of a secret.
func NewScrubber(secret string) Scrubber {
	if secret == "" {
		return Scrubber{}
	}
	forms := encodedForms(secret)
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, Redacted)
	}
	return Scrubber{replace: strings.NewReplacer(pairs...).Replace}
}

// Text returns text without the secret.
func (s Scrubber) Text(text string) string {
	if s.replace == nil {
		return text
	}
	return s.replace(text)
}

// Found says whether text holds the secret.
func (s Scrubber) Found(text string) bool { return s.Text(text) != text }

// encodedForms lists the forms of a secret, the longest first.
func encodedForms(secret string) []string {
	forms := []string{secret}
	add := func(form string) {
		if len(form) >= shortestEncoded && !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	for _, escaped := range []string{url.PathEscape(secret), url.QueryEscape(secret), escapeEveryByte(secret)} {
		add(escaped)
		add(lowerEscapes(escaped))
	}
	add(html.EscapeString(secret))
	if quoted, err := json.Marshal(secret); err == nil {
		add(string(quoted[1 : len(quoted)-1]))
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for offset := range 3 {
			add(base64Core(encoding, secret, offset))
		}
	}
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms
}

func escapeEveryByte(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "%%%02X", text[i])
	}
	return b.String()
}

// lowerEscapes lowers the hexadecimal digits of percent-escapes.
func lowerEscapes(text string) string {
	b := []byte(text)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

// base64Core is the part of the encoding of a text that depends on the secret
// alone when the secret begins offset bytes after a multiple of three.
func base64Core(encoding *base64.Encoding, secret string, offset int) string {
	padded := strings.Repeat("\x00", offset) + secret
	encoded := encoding.WithPadding(base64.NoPadding).EncodeToString([]byte(padded))
	first := 0
	if offset > 0 {
		first = offset + 1
	}
	last := len(padded) / 3 * 4
	if first >= last {
		return ""
	}
	return encoded[first:last]
}

// FoundInValue says whether the secret shows when value is printed in any of
// fmt's ways.
func (s Scrubber) FoundInValue(value any) bool {
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if s.Found(fmt.Sprintf(verb, value)) {
			return true
		}
	}
	return false
}
