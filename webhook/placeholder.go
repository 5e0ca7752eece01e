package webhook

import "strings"

// Placeholders returns the names in the placeholders of a text, in the order in
// which they come: "name" and "city" for "Hello, #{name} from {{ city }}". A
// placeholder in a value that Salebot sent means that the flow had no such
// variable, or that its author wrote it in a form which Salebot does not replace.
func Placeholders(text string) []string {
	var names []string
	for {
		at := strings.IndexByte(text, '{')
		if at < 0 {
			return names
		}
		begin, closing := at+1, ""
		switch {
		case strings.HasPrefix(text[at:], "{{"):
			begin, closing = at+2, "}}"
		case at > 0 && text[at-1] == '#':
			closing = "}"
		}
		inner := text[begin:]
		text = text[at+1:]
		if closing == "" {
			continue
		}
		// The search is bounded, so that a text full of braces costs no more than
		// its length times that bound.
		end := strings.Index(inner[:min(len(inner), longestPlaceholder+len(closing))], closing)
		if end < 0 {
			continue
		}
		if name := strings.TrimSpace(inner[:end]); isPlaceholderName(name) {
			names = append(names, name)
			text = inner[end+len(closing):]
		}
	}
}

// longestPlaceholder bounds the names, in bytes.
const longestPlaceholder = 200

// isPlaceholderName refuses what can't be a name, such as the inside of JSON.
func isPlaceholderName(name string) bool {
	return name != "" && !strings.ContainsAny(name, "{}\"'\n\r,:;<>")
}
