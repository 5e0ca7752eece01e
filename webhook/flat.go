package webhook

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/form"
	"github.com/salebot-go/salebot/internal/wire"
)

// Flat is what an "API request" block of a flow sent: values under keys that the
// author of the flow chose. It is not a body of the project's webhook, which
// Decode reads. The zero value has no fields.
type Flat struct{ fields salebot.Variables }

// DecodeFlat reads the body of a request from an "API request" block. It takes
// JSON under any label or none, a form of either type, JSON inside a JSON string, and any of
// these as the only member, which is called data. Line breaks and tabs that a
// variable brought into a JSON text unescaped are read as they stand; a quote
// cannot be, since nothing tells where the text ends. A value without quotes that is not
// JSON, such as None or nothing at all where the author expected a number, is a text.
//
// The errors are ErrEmptyBody, ErrMalformed, ErrTooDeep (more than
// DefaultMaxDepth levels) and, for a body of the project's webhook,
// ErrProjectWebhook. They do not quote the body. The Flat does not refer to body
// after DecodeFlat returns.
func DecodeFlat(body []byte) (Flat, error) {
	found, err := openBody(body, DefaultMaxDepth, 0)
	if err != nil {
		return Flat{}, err
	}
	found, broken := found.flat()
	if found.text == "" {
		return Flat{}, broken
	}
	for wrappers := 1; ; wrappers++ {
		switch {
		case !found.isProjectWebhook():
		case broken != nil:
			// The project's webhook never lacks quotes.
			return Flat{}, broken
		default:
			return Flat{}, ErrProjectWebhook
		}
		inner, ok := found.unwrap(DefaultMaxDepth, wrappers)
		if !ok || !inner.isProjectWebhook() && found.members() > 1 {
			break
		}
		found = inner
	}
	return newFlat(found.bytes)
}

// flat returns the document if it is valid JSON, or would be with quotes around values.
// What is wrong without them is the error.
func (d document) flat() (document, error) {
	found, err := d.checked(DefaultMaxDepth)
	if err == nil {
		return found, nil
	}
	var quoted document
	if !errors.Is(err, ErrTooDeep) {
		quoted, _ = d.quoted(DefaultMaxDepth)
	}
	return quoted, err
}

// members counts the members of the object, up to 2.
func (d document) members() int {
	n := 0
	w := wire.Walk(d.text, wire.MaxDepth)
	for _, _, _, ok := w.Next(); ok && n < 2; _, _, _, ok = w.Next() {
		n++
	}
	return n
}

func newFlat(object []byte) (Flat, error) {
	var f Flat
	if err := f.fields.UnmarshalJSON(object); err != nil {
		return Flat{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return f, nil
}

// DecodeFlatRequest reads the body of a request, at most DefaultMaxBodySize bytes of
// it, and the parameters of its query, of which there may be 2000 as in a form. If a
// key is in both, the body's value counts. A request without a body is read from its
// query alone. The errors are those of DecodeFlat, ErrBodyTooLarge, and what reading the
// body returned.
//
// It does not check who sent the request, which Protect does, and the query may hold
// a secret of yours along with the fields.
func DecodeFlatRequest(request *http.Request) (Flat, error) {
	query := request.URL.RawQuery
	var body []byte
	if request.Body != nil {
		var err error
		body, err = io.ReadAll(io.LimitReader(request.Body, DefaultMaxBodySize+1))
		tooLarge := (*http.MaxBytesError)(nil)
		switch {
		case errors.As(err, &tooLarge), len(body) > DefaultMaxBodySize:
			return Flat{}, ErrBodyTooLarge
		case err != nil:
			return Flat{}, err
		}
	}
	var flat Flat
	if len(wire.Trim(body)) > 0 || query == "" {
		var err error
		if flat, err = DecodeFlat(body); err != nil || query == "" {
			return flat, err
		}
	}
	object, err := queryObject(query, flat)
	if err != nil {
		return Flat{}, err
	}
	return newFlat(object)
}

// queryObject makes an object of the parameters of a query, and then the fields of
// a body, which count if both have one. Of parameters with the same name the last
// counts. A query may have as many parameters as a form.
func queryObject(query string, body Flat) ([]byte, error) {
	if strings.Count(query, "&") >= maxFormFields {
		return nil, fmt.Errorf("%w: the query has too many parameters", ErrMalformed)
	}
	var o wire.Object
	// taken has the names of the body with false, those of the query with true.
	taken := map[string]bool{}
	for name := range body.All() {
		taken[name] = false
	}
	values := map[string]string{}
	var names []string
	for name, value := range form.Pairs(query) {
		switch ofQuery, found := taken[name]; {
		case !found:
			taken[name] = true
			names = append(names, name)
		case !ofQuery:
			continue
		}
		values[name] = value
	}
	for _, name := range names {
		o.Text(name, values[name])
	}
	for name, value := range body.All() {
		o.Raw(name, value.Raw())
	}
	return o.Bytes(), nil
}

// Get returns the value of a key; ok is false if there is none.
func (f Flat) Get(name string) (value salebot.Value, ok bool) { return f.fields.Get(name) }

// Text returns the value of a key as text: a number by its digits, an object or a list
// as JSON. It is "" for null and for a missing key.
func (f Flat) Text(name string) string { return f.fields.Text(name) }

// ClientID returns the value of a key as Salebot's number of a client. It is 0 if the key
// is missing, or if the value is a word for "unset". It is an error if the value is
// not a whole number, such as a placeholder that was not substituted. Flows also send the
// person's id in the messenger, which is another number.
func (f Flat) ClientID(name string) (salebot.ClientID, error) {
	value, ok := f.fields.Get(name)
	if !ok {
		return 0, nil
	}
	var id salebot.ClientID
	if err := id.UnmarshalJSON(value.Raw()); err != nil {
		return 0, fmt.Errorf("webhook: field %q: %w", name, err)
	}
	return id, nil
}

// All yields the keys and values in the order in which they came.
func (f Flat) All() iter.Seq2[string, salebot.Value] { return f.fields.All() }

// Len counts the fields.
func (f Flat) Len() int { return f.fields.Len() }

// MarshalJSON returns the fields as a JSON object.
func (f Flat) MarshalJSON() ([]byte, error) { return f.fields.MarshalJSON() }

// Unsubstituted returns the keys whose values hold a placeholder that the flow
// did not replace by a variable, in the order in which they came; see
// Placeholders.
func (f Flat) Unsubstituted() []string {
	var names []string
	for name, value := range f.fields.All() {
		if len(Placeholders(value.Text())) > 0 {
			names = append(names, name)
		}
	}
	return names
}
