package testkit

import "strings"

// ReplaceTable puts a table between the two marks of its name in a page of the
// documentation. ok is false if the page has no such marks.
func ReplaceTable(page, name, table string) (replaced string, ok bool) {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, found := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	return before + begin + table + end + after, found && ended
}
