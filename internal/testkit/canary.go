// Package testkit is what the tests of several packages share: the key that must never
// show, a network in memory with faults that net/http takes for real, and the tables of
// the documentation.
package testkit

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Key is the API key of the tests. Wherever it shows, something leaks.
const Key = "c4n4ry+k3y=0123456789abcdef"

// EscapedKey is how Key stands in an address.
var EscapedKey = url.PathEscape(Key)

// fragment is how much of the key in a row counts as a leak; what follows its
// first half is too common a text to be looked for.
const fragment = 10

// FindKey looks for the key, or a large part of it, in a text. It finds it as it
// stands, percent-encoded, HTML- and JSON-escaped, in base64 and hex at any alignment,
// and in the lists of numbers that fmt prints for bytes. It returns the form that it
// found, or "". It decodes what it looks at, and so shares no code with the package
// that hides the key.
func FindKey(text string) string {
	for _, view := range []struct {
		form  string
		texts func(string) []string
	}{
		{"raw", func(text string) []string { return []string{text} }},
		{"percent-encoded", unescaped},
		{"HTML-escaped", func(text string) []string { return []string{html.UnescapeString(text)} }},
		{"JSON-escaped", func(text string) []string { return []string{unquoted(text)} }},
		{"base64", fromBase64},
		{"hex", fromHex},
		{"hex dump", fromHexDump},
		{"list of numbers", fromNumbers},
	} {
		if slices.ContainsFunc(view.texts(text), holdsKey) {
			return view.form
		}
	}
	return ""
}

func holdsKey(text string) bool {
	for from := 0; from+fragment <= len(Key)-fragment; from++ {
		if strings.Contains(text, Key[from:from+fragment]) {
			return true
		}
	}
	return false
}

// unescaped decodes percent-escapes, up to three layers of them.
func unescaped(text string) []string {
	var texts []string
	for range 3 {
		if !strings.Contains(text, "%") {
			break
		}
		var b strings.Builder
		for i := 0; i < len(text); i++ {
			if text[i] == '%' && i+2 < len(text) {
				if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
					b.WriteByte(byte(c))
					i += 2
					continue
				}
			}
			b.WriteByte(text[i])
		}
		text = b.String()
		texts = append(texts, text)
	}
	return texts
}

var codePoint = regexp.MustCompile(`\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})`)

func unquoted(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	text = codePoint.ReplaceAllStringFunc(text, func(match string) string {
		n, err := strconv.ParseUint(match[2:], 16, 32)
		if err != nil {
			return match
		}
		return string(rune(n))
	})
	return strings.NewReplacer(`\/`, "/", `\"`, `"`, `\\`, `\`).Replace(text)
}

// runs cuts out what consists of the bytes that of accepts, if it is long enough to
// hold a fragment of the key.
func runs(text string, shortest int, of func(byte) bool) []string {
	var found []string
	from := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && of(text[i]) {
			continue
		}
		if i-from >= shortest {
			found = append(found, text[from:i])
		}
		from = i + 1
	}
	return found
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func isBase64(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("+/-_", c) >= 0
}

func fromBase64(text string) []string {
	var texts []string
	for _, run := range runs(text, fragment*4/3, isBase64) {
		run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
		for offset := range 4 {
			part := run[offset:]
			if decoded, err := base64.RawStdEncoding.DecodeString(part[:len(part)/4*4]); err == nil {
				texts = append(texts, string(decoded))
			}
		}
	}
	return texts
}

func fromHex(text string) []string {
	var texts []string
	for _, run := range runs(text, 2*fragment, isHex) {
		for offset := range 2 {
			part := run[offset:]
			if decoded, err := hex.DecodeString(part[:len(part)/2*2]); err == nil {
				texts = append(texts, string(decoded))
			}
		}
	}
	return texts
}

// fromHexDump joins the lines of encoding/hex.Dump.
func fromHexDump(text string) []string {
	var decoded []byte
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasSuffix(line, "|") {
			continue
		}
		for i, field := range strings.Fields(line) {
			if c, err := hex.DecodeString(field); err == nil && len(c) == 1 && i > 0 {
				decoded = append(decoded, c[0])
			}
		}
	}
	return []string{string(decoded)}
}

// fromNumbers joins the bytes of lists such as "99 52" and "0x63, 0x34".
func fromNumbers(text string) []string {
	var texts []string
	var decoded []byte
	inList := func(c byte) bool { return isHex(c) || c == 'x' || c == ' ' || c == ',' }
	for _, run := range runs(text, 2*fragment, inList) {
		decoded = decoded[:0]
		for _, digits := range strings.FieldsFunc(run, func(r rune) bool { return r == ' ' || r == ',' }) {
			n, err := strconv.ParseUint(digits, 0, 8)
			if err != nil {
				n = 0
			}
			decoded = append(decoded, byte(n))
		}
		texts = append(texts, string(decoded))
	}
	return texts
}
