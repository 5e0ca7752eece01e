package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// Programs send the same parameters as JSON, as JSON with a wrong label, as a
// form, in parts, or in the query. What a body is, is therefore decided by the
// body itself, and its label is asked only if the body leaves a choice.

const (
	// deepestBody bounds the nesting of a body; no action needs more than five
	// levels.
	deepestBody = 100
	usualBody   = 64 << 10
)

// Problems of a body; each has an answer of its own.
var (
	ErrBodyTooLarge = errors.New("the body is larger than the limit")
	ErrUnreadable   = errors.New("the body is neither JSON nor a form")
)

// Param is one parameter. Its value is valid JSON, whatever it came as.
type Param struct {
	Name  string
	Value json.RawMessage
}

// Params is what a request says. The zero value says nothing.
type Params struct {
	// Members are in the order in which they came, those of the body before those
	// of the query.
	Members []Param
	// List is the body if it is a JSON array.
	List json.RawMessage
	// remarks take what people should know about the request; nil takes nothing.
	remarks *remarks
}

// Read reads a request, wherever it says what it wants.
func Read(r *http.Request, limit int64) (p Params, body []byte, err error) {
	p.remarks = &remarks{}
	if r.Body != nil {
		if body, err = readBody(r, limit); err != nil {
			return p, body, err
		}
	}
	if err = p.readBody(body, r.Header.Get("Content-Type")); err != nil {
		p.explain(body, r.Header)
	}
	if r.URL.RawQuery != "" {
		p.addForm(p.pairs(r.URL.RawQuery))
	}
	return p, body, err
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, ErrBodyTooLarge
	}
	var buffer bytes.Buffer
	if r.ContentLength > 0 {
		// The promised length is not believed beyond what is usual.
		buffer.Grow(int(min(r.ContentLength, usualBody)) + bytes.MinRead)
	}
	_, err := buffer.ReadFrom(io.LimitReader(r.Body, limit+1))
	body := buffer.Bytes()
	if err == nil && int64(len(body)) > limit {
		return body[:limit], ErrBodyTooLarge
	}
	return body, err
}

func (p *Params) readBody(body []byte, contentType string) error {
	text := wire.Trim(body)
	if saysNothing(text) {
		return nil
	}
	label, attributes, _ := mime.ParseMediaType(contentType)
	if label == multipartLabel && p.readMultipart(body, attributes["boundary"]) == nil {
		return nil
	}
	text = p.validJSON(text)
	switch {
	case p.readJSON(text, 0):
	case !looksLikeForm(text, label):
		return ErrUnreadable
	default:
		if err := p.readForm(string(text)); err != nil {
			return err
		}
	}
	if label == multipartLabel {
		p.Notef("the Content-Type %s does not fit the body, which was read as what it looks like", multipartLabel)
	}
	return nil
}

const multipartLabel = "multipart/form-data"

// saysNothing reports whether a body is what programs send if they have nothing
// to send.
func saysNothing(text []byte) bool {
	switch string(text) {
	case "", "null", `""`:
		return true
	}
	return false
}

// explain says why a body may not have been understood.
func (p *Params) explain(body []byte, header http.Header) {
	encoding := header.Get("Content-Encoding")
	isGzip := bytes.HasPrefix(body, []byte("\x1f\x8b"))
	text := wire.Trim(body)
	switch {
	case isGzip && encoding == "":
		p.Notef("the body looks like gzip, and no Content-Encoding says so; send it uncompressed")
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		p.Notef("the body is compressed, by its Content-Encoding %s, which is not undone; send it uncompressed", Shown(encoding))
	case breaksOff(text):
		p.Notef("the JSON breaks off after %d bytes; a Content-Length has to count bytes, of which a Cyrillic letter has two", len(body))
	case bytes.HasPrefix(text, []byte("--")):
		p.Notef("the body consists of parts, but the Content-Type names no boundary that fits; leave that header to what makes the parts")
	case bytes.Contains(text, []byte("{{")) || bytes.Contains(text, []byte("#{")):
		p.Notef("there seems to be a placeholder in the body that was not filled in")
	}
}

// breaksOff reports whether a text is the beginning of JSON.
func breaksOff(text []byte) bool {
	isNested := len(text) > 0 && (text[0] == '{' || text[0] == '[')
	return isNested && errors.Is(wire.Check(text, deepestBody), wire.ErrBrokenOff)
}

// readJSON reads an object, an array, or either of them once more encoded as
// text.
func (p *Params) readJSON(text []byte, level int) bool {
	switch text[0] {
	case '{':
		if wire.Check(text, deepestBody) != nil {
			return false
		}
		members, err := p.MembersOf(p.validJSON(text))
		p.Members = append(p.Members, members...)
		return err == nil
	case '[':
		if wire.Check(text, deepestBody) != nil {
			return false
		}
		p.List = p.validJSON(text)
		return true
	case '"':
		var inner string
		if level > 0 || json.Unmarshal(text, &inner) != nil {
			return false
		}
		trimmed := wire.Trim([]byte(inner))
		return saysNothing(trimmed) || p.readJSON(trimmed, level+1)
	}
	return false
}

// manyMembers is the size from which members are found by a map.
const manyMembers = 32

// MembersOf takes an object apart. Of a name that is there twice the last value
// counts, as with all common decoders.
func (p *Params) MembersOf(object []byte) ([]Param, error) {
	var members []Param
	var places map[string]int
	place := func(name string) int {
		if places != nil {
			if at, known := places[name]; known {
				return at
			}
			return -1
		}
		return slices.IndexFunc(members, func(m Param) bool { return m.Name == name })
	}
	err := wire.Members(object, func(name string, value []byte) error {
		if at := place(name); at >= 0 {
			members[at].Value = value
			p.Notef("%s is there more than once; the last value counts", Shown(name))
			return nil
		}
		members = append(members, Param{Name: name, Value: value})
		switch {
		case places != nil:
			places[name] = len(members) - 1
		case len(members) == manyMembers:
			places = make(map[string]int, 2*manyMembers)
			for at, m := range members {
				places[m.Name] = at
			}
		}
		return nil
	})
	return members, err
}
