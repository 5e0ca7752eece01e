package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// shortestEncoded is the length below which an encoded form of a secret is not
// looked for: it would be found in innocent text.
const shortestEncoded = 6

// Scrubber takes one secret out of texts, in the forms in which it travels. These are
// raw, percent-encoded, HTML- and JSON-escaped (also several times over), inside base64
// at any alignment, and the numbers of its bytes. The zero value changes nothing.
type Scrubber struct {
	forms func() *forms
	is    func(string) bool
}

// forms are what is looked for. They tell the secret and so live in a closure.
type forms struct {
	// escaped finds the forms in which single bytes are escaped.
	escaped func() *regexp.Regexp
	// encoded replaces the others.
	encoded *strings.Replacer
	// parts are the beginnings of what encoded looks for, and of the secret itself.
	parts []string
	// bytes are those of the secret.
	bytes [256]bool
	// longest bounds the length of the forms.
	longest int
}

// NewScrubber returns the scrubber of a secret. It is cheap until it is needed.
func NewScrubber(secret string) Scrubber {
	if secret == "" {
		return Scrubber{}
	}
	is := func(text string) bool {
		unescaped, err := url.PathUnescape(text)
		return text == secret || err == nil && unescaped == secret
	}
	return Scrubber{is: is, forms: sync.OnceValue(func() *forms {
		f := &forms{
			// It is compiled for the first text that may have the secret in it.
			escaped: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(escapedForms(secret)) }),
			longest: len(secret) * longestEscape,
		}
		var pairs []string
		for _, form := range encodedForms(secret) {
			pairs = append(pairs, form, Redacted)
			f.parts = append(f.parts, beginning(form))
			f.longest = max(f.longest, len(form))
		}
		f.parts = append(f.parts, beginning(secret))
		for i := range len(secret) {
			f.bytes[secret[i]] = true
		}
		f.encoded = strings.NewReplacer(pairs...)
		return f
	})}
}

// Text returns text without the secret.
func (s Scrubber) Text(text string) string {
	if s.forms == nil {
		return text
	}
	f := s.forms()
	if !f.possible(text) {
		return text
	}
	return f.encoded.Replace(f.escaped().ReplaceAllLiteralString(text, Redacted))
}

// Bytes is Text for bytes. It returns text itself, not a copy, if the secret is not in
// it.
func (s Scrubber) Bytes(text []byte) []byte {
	whole := string(text)
	cleaned := s.Text(whole)
	if cleaned == whole {
		return text
	}
	return []byte(cleaned)
}

// Is reports whether text is the secret and nothing else, as it is or as a part of
// a URL. Unlike Found it is cheap.
func (s Scrubber) Is(text string) bool { return s.is != nil && s.is(text) }

// Found reports whether text holds the secret.
func (s Scrubber) Found(text string) bool { return s.Text(text) != text }

// Beginning copies the beginning of a text without the secret, at most limit
// bytes of it. No half of the secret remains at the cut.
func (s Scrubber) Beginning(text []byte, limit int) []byte {
	if s.forms == nil || len(text) <= limit {
		cleaned := s.Text(string(text))
		return []byte(cleaned[:min(len(cleaned), limit)])
	}
	longest := s.forms().longest
	source := text[:min(len(text), limit+longest)]
	cleaned := s.Text(string(source))
	if len(source) < len(text) {
		cleaned = cleaned[:max(0, len(cleaned)-longest)]
	}
	return []byte(cleaned[:min(len(cleaned), limit)])
}

// beginning cuts what is looked for to a length for which that is fast.
func beginning(form string) string { return form[:min(len(form), 32)] }

// possible reports whether a text may hold the secret: whether it has one of its whole
// forms, or the escape of one of its bytes. It is there because nearly no text does, and
// the regular expression takes hundred times as long.
func (f *forms) possible(text string) bool {
	for _, part := range f.parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	for _, begin := range []byte{'%', '\\', '&'} {
		rest := text
		for {
			at := strings.IndexByte(rest, begin)
			if at < 0 {
				break
			}
			if rest = rest[at+1:]; f.escapes(begin, rest) {
				return true
			}
		}
	}
	return false
}

// escapes reports whether a text goes on, after the beginning of an escape, as one of a
// byte of the secret. It may take for one what is none.
func (f *forms) escapes(begin byte, rest string) bool {
	switch begin {
	case '%':
		text, found := f.after(rest, "25", '%')
		return found || f.twoDigits(text)
	case '&':
		text, found := f.after(rest, "amp;", '&')
		return found || f.reference(text)
	default:
		return f.backslashed(strings.TrimLeft(rest, `\`))
	}
}

// after leaves out what stands, any number of times, for a byte that begins an escape,
// and reports whether the secret has that byte.
func (f *forms) after(text, escaped string, begin byte) (rest string, found bool) {
	for strings.HasPrefix(text, escaped) {
		if f.bytes[begin] {
			return text, true
		}
		text = text[len(escaped):]
	}
	return text, false
}

// reference reports whether a text goes on, after an ampersand, as a byte of the secret.
func (f *forms) reference(text string) bool {
	number, found := strings.CutPrefix(text, "#")
	if !found {
		return false
	}
	if number != "" && (number[0] == 'x' || number[0] == 'X') {
		return f.number(number[1:], 16)
	}
	return f.number(number, 10)
}

// backslashed reports whether a text goes on, after backslashes, as a byte of the secret.
func (f *forms) backslashed(text string) bool {
	if text == "" {
		return false
	}
	switch c := text[0]; c {
	case 'u', 'U':
		if strings.HasPrefix(text[1:], "{") {
			return f.number(text[2:], 16)
		}
		return strings.HasPrefix(text[1:], "00") && f.twoDigits(text[3:])
	case 'x', 'X':
		return f.twoDigits(text[1:])
	default:
		return f.bytes['\\'] || f.bytes[c] && !isAlphanumeric(c)
	}
}

// twoDigits reports whether a text begins with the number of a byte of the secret.
func (f *forms) twoDigits(text string) bool {
	return len(text) >= 2 && isHex(text[0]) && isHex(text[1]) && f.bytes[hexDigit(text[0])<<4|hexDigit(text[1])]
}

// number reports whether the digits at the beginning of a text, after any zeros, may be
// the number of a byte of the secret: further digits may belong to what follows.
func (f *forms) number(text string, base int) bool {
	text = strings.TrimLeft(text, "0")
	n := 0
	for i := 0; i < len(text) && isHex(text[i]); i++ {
		digit := int(hexDigit(text[i]))
		if n = n*base + digit; digit >= base || n >= len(f.bytes) {
			return false
		}
		if f.bytes[n] {
			return true
		}
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// hexDigit is the value of a digit.
func hexDigit(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0xf + 9
}

// longestEscape is the length of the longest escape of a byte that is looked for.
const longestEscape = len("&amp;amp;amp;#x0000000;")

// escapedForms is the regular expression of a secret each byte of which may be escaped
// as in URLs, HTML or JSON, and the escape escaped again. For encoders differ in what
// they escape, and texts pass through several.
func escapedForms(secret string) string {
	var b strings.Builder
	for _, c := range []byte(secret) {
		fmt.Fprintf(&b, `(?:%s|%%(?:25){0,4}(?i:%02x)|\\{1,8}(?i:u00%02x|x%02x|u\{0{0,4}%x\})|&(?:amp;){0,3}#(?:0{0,4}%d|[xX]0{0,4}(?i:%x));?`,
			regexp.QuoteMeta(string(rune(c))), c, c, c, c, c, c)
		if !isAlphanumeric(c) {
			fmt.Fprintf(&b, `|\\{1,8}%s`, regexp.QuoteMeta(string(rune(c))))
		}
		if c == '&' {
			b.WriteString("|&(?:amp;){1,4}")
		}
		b.WriteByte(')')
	}
	return b.String()
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// encodedForms lists the forms of a secret in which its bytes are not to be seen
// one by one, the longest first.
func encodedForms(secret string) []string {
	var forms []string
	add := func(form string) {
		if len(form) >= shortestEncoded && !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for offset := range 3 {
			add(base64Core(encoding, secret, offset))
		}
	}
	// The ways in which fmt prints bytes.
	list := fmt.Sprintf("%#v", []byte(secret))
	add(strings.Trim(fmt.Sprint([]byte(secret)), "[]")) //nolint:staticcheck // the numbers are meant
	add(list[strings.IndexByte(list, '{')+1 : len(list)-1])
	add(fmt.Sprintf("%x", secret))
	add(fmt.Sprintf("%X", secret))
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms
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

// FoundInValue reports whether the secret shows when value is printed in any of
// fmt's ways, logged, or encoded as JSON.
func (s Scrubber) FoundInValue(value any) bool {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if s.Found(fmt.Sprintf(verb, value)) {
			return true
		}
	}
	return s.Found(slog.AnyValue(value).Resolve().String()) || s.Found(encoded(value))
}

// encoded is value as JSON, or what keeps it from becoming JSON. Not even an
// encoder that panics stops it.
func encoded(value any) (text string) {
	defer func() {
		if problem := recover(); problem != nil {
			text = fmt.Sprint(problem)
		}
	}()
	encoded, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}
