package emulator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/action"
)

// mostRemarks bounds the remarks about one request.
const mostRemarks = 20

// remarks are for people who read the log of requests. The zero value is ready
// to use.
type remarks struct{ texts []string }

func (r *remarks) add(text string) {
	switch {
	case slices.Contains(r.texts, text):
	case len(r.texts) < mostRemarks:
		r.texts = append(r.texts, text)
	case len(r.texts) == mostRemarks:
		r.texts = append(r.texts, "there would be more remarks than these")
	}
}

// notef adds a remark about the request.
func (p *parameters) notef(format string, values ...any) {
	if p.remarks != nil {
		p.remarks.add(fmt.Sprintf(format, values...))
	}
}

// longestShown bounds what a remark repeats of a request.
const longestShown = 60

// shown is a text of the request in a remark.
func shown(text string) string {
	if len(text) > longestShown {
		return strconv.Quote(clipText(text, longestShown)) + "…"
	}
	return strconv.Quote(text)
}

// mostListed bounds how many of several things a remark names.
const mostListed = 5

// enumerated names several things, the first of them if they are many.
func enumerated(names []string) string {
	if further := len(names) - mostListed; further > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostListed], ", "), further)
	}
	return strings.Join(names, ", ")
}

// noteUnknown tells which parameters an action does not have, unless it takes
// whatever comes.
func (p *parameters) noteUnknown(row *action.Row) {
	if row.Extra {
		return
	}
	var unknown []string
	for _, m := range p.members {
		if !row.Takes(m.name) {
			unknown = append(unknown, shown(m.name))
		}
	}
	known := "it has none"
	if len(row.Params) > 0 {
		known = "known are " + strings.Join(row.Params, ", ")
	}
	switch len(unknown) {
	case 0:
	case 1:
		p.notef("%s is no parameter of %s; %s", unknown[0], row.Name, known)
	default:
		p.notef("%s are no parameters of %s; %s", enumerated(unknown), row.Name, known)
	}
}

// capped bounds how many elements a request wants, with a remark where it wanted
// more.
func (c *call) capped(limit, largest int64) int64 {
	if limit > largest {
		c.parameters.notef("limit %d is more than %s returns at once; it counts as %d", limit, c.row.Name, largest)
	}
	return min(limit, largest)
}

// noteSkipped tells which elements of a list are of no effect, and why.
func (p *parameters) noteSkipped(name string, elements []string, why string) {
	if len(elements) > 0 {
		p.notef("%s: left out, because %s: %s", name, why, enumerated(elements))
	}
}

// isPlaceholder says whether a text is nothing but the name of a value that a
// program or a flow was to put in its place.
func isPlaceholder(text string) bool {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "{{"):
		return strings.HasSuffix(text, "}}")
	case strings.HasPrefix(text, "#{"), strings.HasPrefix(text, "${"):
		return strings.HasSuffix(text, "}")
	}
	return false
}
