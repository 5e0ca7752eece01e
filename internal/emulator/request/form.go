package request

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"strings"

	"github.com/salebot-go/salebot/internal/form"
	"github.com/salebot-go/salebot/internal/wire"
)

// Forms and query strings. Go's own decoder refuses what those of PHP, Python and
// JavaScript take, and so would hide what a program that is written in one of
// them really sends.

// mostParts bounds the fields of a form.
const mostParts = 10_000

// pair is a field of a form.
type pair struct{ name, value string }

// pairs takes a form or a query apart. Only & separates.
func (p *Params) pairs(text string) []pair {
	var pairs []pair
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		if len(pairs) == mostParts {
			p.Notef("parameters after the first %d were left out", mostParts)
			break
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		name := p.unescaped(rawName, rawName)
		if _, after, found := strings.Cut(rawValue, ";"); found && strings.Contains(after, "=") {
			p.Notef("only & separates parameters: the ; is part of the value of %s", Shown(name))
		}
		pairs = append(pairs, pair{name: name, value: p.unescaped(rawValue, name)})
	}
	return pairs
}

// unescaped decodes a part of a form. A % that begins no escape stays what it is.
func (p *Params) unescaped(text, name string) string {
	plain, well := form.Unescape(text)
	if !well {
		p.Notef("%s has a %% that begins no escape; it is kept, and should be written as %%25", Shown(name))
	}
	return p.validText(plain)
}

func looksLikeForm(text []byte, label string) bool {
	switch {
	case text[0] == '{' || text[0] == '[' || text[0] == '<' || text[0] == '"':
		return false
	case bytes.HasPrefix(text, []byte("--")):
		return false // parts whose boundary is not known
	}
	return label == "application/x-www-form-urlencoded" || bytes.IndexByte(text, '=') > 0
}

func (p *Params) readForm(text string) error {
	if strings.Count(text, "&") >= mostParts {
		return ErrUnreadable
	}
	pairs := p.pairs(text)
	// A library that is given JSON text as its form sends it as a lone name.
	if len(pairs) == 1 && pairs[0].value == "" {
		inner := wire.Trim([]byte(pairs[0].name))
		if len(inner) > 0 && (inner[0] == '{' || inner[0] == '[') && p.readJSON(inner, 1) {
			return nil
		}
	}
	p.addForm(pairs)
	return nil
}

func (p *Params) readMultipart(body []byte, boundary string) error {
	if boundary == "" || !bytes.Contains(body, []byte("--"+boundary)) {
		return ErrUnreadable
	}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	var pairs []pair
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(pairs) >= mostParts {
			return ErrUnreadable
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return ErrUnreadable
		}
		pairs = append(pairs, pair{name: p.validText(part.FormName()), value: p.validText(string(value))})
	}
	p.addForm(pairs)
	return nil
}

// isList says which parameters are lists, so that a name that is repeated adds to
// them.
func isList(name string) bool {
	switch name {
	case "clients", "client_ids", "platform_ids", "variables":
		return true
	}
	return false
}

// addForm adds the fields of a form. Names with brackets are put together as PHP
// does: clients[]=1, variables[city]=Riga, buttons[0][text]=Yes.
func (p *Params) addForm(pairs []pair) {
	var fields []*field
	byName := map[string]*field{}
	for _, one := range pairs {
		path := form.Path(one.name, deepestBody)
		base, nested := path[0], len(path) > 1
		known := byName[base]
		switch {
		case known == nil:
			known = &field{name: base}
			byName[base] = known
			fields = append(fields, known)
			known.Put(path[1:], one.value)
		case isList(base):
			if !nested {
				path = []string{base, ""}
			}
			known.BecomeList()
			known.Put(path[1:], one.value)
		case nested && !known.IsText():
			known.Put(path[1:], one.value)
		case !nested && known.IsText() && (known.Text() == "" || one.value == known.Text()):
			known.Put(nil, one.value)
		case one.value != "":
			p.Notef("%s is there more than once; the first value counts", Shown(base))
		}
	}
	for _, f := range fields {
		p.Members = append(p.Members, Param{Name: f.name, Value: f.AppendJSON(nil)})
	}
}

// field is a field of a form, whose name may have brackets.
type field struct {
	form.Node

	name string
}
