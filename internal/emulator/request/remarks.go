package request

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/text"
)

// mostRemarks bounds the remarks about one request.
const mostRemarks = 20

// remarks are for people who read the log of requests. The zero value is ready
// to use.
type remarks struct{ texts []string }

func (r *remarks) add(remark string) {
	switch {
	case slices.Contains(r.texts, remark):
	case len(r.texts) < mostRemarks:
		r.texts = append(r.texts, remark)
	case len(r.texts) == mostRemarks:
		r.texts = append(r.texts, "there would be more remarks than these")
	}
}

// Remarks returns what people should know about the request.
func (p *Params) Remarks() []string {
	if p.remarks == nil {
		return nil
	}
	return p.remarks.texts
}

// WithoutRemarks returns the parameters alone.
func (p *Params) WithoutRemarks() Params { return Params{Members: p.Members, List: p.List} }

// Part returns empty parameters for a part of the request, with the same remarks.
func (p *Params) Part() Params { return Params{remarks: p.remarks} }

// Notef adds a remark about the request.
func (p *Params) Notef(format string, values ...any) {
	if p.remarks != nil {
		p.remarks.add(fmt.Sprintf(format, values...))
	}
}

// longestShown bounds what a remark repeats of a request, in characters.
const longestShown = 60

// Shown is a text of the request in a remark.
func Shown(said string) string { return strconv.Quote(text.Shorten(said, longestShown)) }

// mostListed bounds how many of several things a remark names.
const mostListed = 5

// enumerated names several things, the first of them if they are many.
func enumerated(names []string) string {
	if further := len(names) - mostListed; further > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostListed], ", "), further)
	}
	return strings.Join(names, ", ")
}

// NoteUnknown tells which parameters an action does not have, unless it takes
// whatever comes.
func (p *Params) NoteUnknown(row *action.Row) {
	if row.Extra {
		return
	}
	var unknown []string
	for _, m := range p.Members {
		if !row.Takes(m.Name) {
			unknown = append(unknown, Shown(m.Name))
		}
	}
	known := "it has none"
	if len(row.Params) > 0 {
		known = "known are " + strings.Join(row.Params, ", ")
	}
	switch len(unknown) {
	case 0:
	case 1:
		p.Notef("%s is no parameter of %s; %s", unknown[0], row.Name, known)
	default:
		p.Notef("%s are no parameters of %s; %s", enumerated(unknown), row.Name, known)
	}
}

// NoteSkipped tells which elements of a list are of no effect, and why.
func (p *Params) NoteSkipped(name string, elements []string, why string) {
	if len(elements) > 0 {
		p.Notef("%s: left out, because %s: %s", name, why, enumerated(elements))
	}
}

// isPlaceholder reports whether a text is nothing but the name of a value that a
// program or a flow was to put in its place.
func isPlaceholder(value string) bool {
	value = strings.TrimSpace(value)
	switch {
	case strings.HasPrefix(value, "{{"):
		return strings.HasSuffix(value, "}}")
	case strings.HasPrefix(value, "#{"), strings.HasPrefix(value, "${"):
		return strings.HasSuffix(value, "}")
	}
	return false
}
