// Package testkit is what the tests of several packages share: the key that must
// never show, and a network in memory whose faults are real to net/http.
package testkit

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
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

// FindKey looks for the key, or a large part of it, in a text: as it stands,
// percent-encoded, HTML- and JSON-escaped, in base64 and hex at any alignment, and
// in the lists of numbers that fmt prints for bytes. It returns the form that it
// found, or "". It decodes what it looks at, and so shares no code with the
// package that hides the key.
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
		for _, candidate := range view.texts(text) {
			if holdsKey(candidate) {
				return view.form
			}
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

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// unescaped decodes percent-escapes, up to three layers of them.
func unescaped(text string) []string {
	var texts []string
	for range 3 {
		if !strings.Contains(text, "%") {
			break
		}
		text = escape.ReplaceAllStringFunc(text, func(match string) string {
			b, err := hex.DecodeString(match[1:])
			if err != nil {
				return match
			}
			return string(b)
		})
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

var (
	base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}`)
	hexRun    = regexp.MustCompile(`[0-9A-Fa-f]{20,}`)
	dumpLine  = regexp.MustCompile(`(?m)^\s*[0-9a-f]{8}  ((?:[0-9a-f]{2} +){1,16})`)
	numberRun = regexp.MustCompile(`(?:(?:0x[0-9a-f]{1,2}|\d{1,3})[ ,]+){10,}`)
	number    = regexp.MustCompile(`0x[0-9a-f]{1,2}|\d{1,3}`)
)

func fromBase64(text string) []string {
	var texts []string
	for _, run := range base64Run.FindAllString(text, -1) {
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
	for _, run := range hexRun.FindAllString(text, -1) {
		for offset := range 2 {
			part := run[offset:]
			if decoded, err := hex.DecodeString(part[:len(part)/2*2]); err == nil {
				texts = append(texts, string(decoded))
			}
		}
	}
	return texts
}

func fromHexDump(text string) []string {
	var digits strings.Builder
	for _, line := range dumpLine.FindAllStringSubmatch(text, -1) {
		digits.WriteString(strings.ReplaceAll(line[1], " ", ""))
	}
	decoded, err := hex.DecodeString(digits.String())
	if err != nil {
		return nil
	}
	return []string{string(decoded)}
}

func fromNumbers(text string) []string {
	var texts []string
	for _, run := range numberRun.FindAllString(text, -1) {
		var decoded []byte
		for _, digits := range number.FindAllString(run, -1) {
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
