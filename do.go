package salebot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/wire"
)

// DoRequest is a call of an action that this package has no method for.
type DoRequest struct {
	// Action is the last part of the address; required.
	Action string
	// Method is the HTTP method: GET or POST. Empty means POST.
	Method string
	// Class says whether a failed call may be repeated. The zero value is Once.
	Class SafetyClass
	// Query holds the parameters of the query string.
	Query url.Values
	// Body is encoded as JSON; nil sends none. A json.RawMessage or []byte is sent
	// as it is, if it is valid JSON.
	Body any
}

var actionName = regexp.MustCompile(`^[A-Za-z0-9_]{1,100}$`)

func (r *DoRequest) row() (*action.Row, error) {
	if !actionName.MatchString(r.Action) {
		return nil, invalid("Action", "must be the name of an action: letters, digits and underscores")
	}
	row := &action.Row{Name: r.Action, Methods: []string{http.MethodPost}, Class: action.Class(r.Class)}
	if known := action.Lookup(r.Action); known != nil {
		if action.Class(r.Class) > known.Class {
			return nil, invalid("Class", "is more careless than this action allows: it is "+known.Class.String())
		}
		copied := *known
		copied.Class, copied.Methods = row.Class, row.Methods
		row = &copied
	}
	switch r.Method {
	case "", http.MethodPost:
	case http.MethodGet:
		if r.Body != nil {
			return nil, invalid("Body", "cannot be sent with GET")
		}
		row.Methods = []string{http.MethodGet}
	default:
		return nil, invalid("Method", "must be GET or POST")
	}
	if r.Class > Read {
		return nil, invalid("Class", "is not a safety class")
	}
	return row, nil
}

func (r *DoRequest) encode(*settings) (payload, error) {
	p := payload{query: r.Query}
	switch body := r.Body.(type) {
	case nil:
		return p, nil
	case json.RawMessage:
		p.body = body
	case []byte:
		p.body = body
	default:
		encoded, err := wire.Marshal(body)
		if err != nil {
			return p, invalid("Body", "cannot be encoded as JSON")
		}
		p.body = encoded
		return p, nil
	}
	if !json.Valid(p.body) {
		return p, invalid("Body", "is not valid JSON")
	}
	return p, nil
}

// Do calls an action that this package has no method for, with the same care: limits,
// retries, outcome, redaction. The caller says which HTTP method to use and whether the
// call may be repeated; by default it is a POST that is sent once. If the action has a
// method of its own, the class can only be made more careful.
//
// The answer is checked for the ways in which Salebot says that an action failed, and
// is otherwise returned as it came. Errors: ErrInvalidRequest and those of every call.
func (c *Client) Do(ctx context.Context, request DoRequest, opts ...CallOption) (*Response, error) {
	if !c.ready() {
		return nil, notSent("do", ErrNotInitialized)
	}
	row, err := request.row()
	if err != nil {
		return nil, refused(ctx, c, "do", err)
	}
	var response Response
	opts = append(slices.Clip(opts), WithResponse(&response))
	recorded, err := callRow(ctx, c, row, opts, request.encode, func(body []byte, _ *settings) (*Response, error) {
		return nil, checkRaw(body, row)
	})
	if err != nil {
		return nil, err
	}
	if recorded != nil {
		// The call was rehearsed, or executed before: there is no answer of now.
		return recorded, nil
	}
	return &response, nil
}

// checkRaw finds out whether a body is a refusal. Of an action without a row any
// word is an answer that is not one, nor a page.
func checkRaw(body []byte, row *action.Row) error {
	trimmed := wire.Body(body)
	form := row.Answer
	if len(trimmed) > 0 && trimmed[0] != '{' && form == action.Data {
		form = action.Acknowledgement
	}
	verdict := answer.Success(trimmed, form)
	switch {
	case verdict.Kind == answer.Accepted:
		return nil
	case verdict.Kind == answer.Unreadable && action.Lookup(row.Name) == nil && isWord(trimmed):
		return nil
	}
	return verdict
}

// isWord reports whether a body is neither structured nor a page.
func isWord(trimmed []byte) bool {
	return len(trimmed) > 0 && !bytes.ContainsAny(trimmed[:1], "{[<")
}

// Response is the raw answer to a call; see WithResponse and Do. Unlike an
// error it holds the whole body.
type Response struct {
	// Status is the HTTP status.
	Status int
	// Header is the header of the answer, without the key.
	Header http.Header
	// Body is the body as it came.
	Body []byte
}

// Decode reads the body as JSON into target, with encoding/json.
func (r *Response) Decode(target any) error {
	return decodeRaw(r.Body, target)
}

// Ack is the answer to an action that returns nothing but its success, in
// whatever form it came: the plain text "ok", a JSON status, an empty body. An
// Ack is only returned for a success.
type Ack struct {
	// Raw is the body as it came; it may be empty.
	Raw []byte
	// Recorded says that the answer comes from a ledger: the action was executed
	// before, and not now. Raw is nil then.
	Recorded bool
}

// Text is the word of the answer, such as "ok" or "success": the text itself, or the
// status of a JSON object. It is "" if the answer has none.
func (a *Ack) Text() string {
	body := wire.Body(a.Raw)
	if len(body) == 0 {
		return ""
	}
	switch body[0] {
	case '{':
		var e answer.Envelope
		if wire.Members(body, e.Member) != nil {
			return ""
		}
		return e.Status()
	case '[':
		return ""
	}
	text, err := wire.Text(body)
	if err != nil {
		return string(body)
	}
	return text
}

// Decode reads the answer as JSON into target, with encoding/json.
func (a *Ack) Decode(target any) error { return decodeRaw(a.Raw, target) }

func decodeRaw(body []byte, target any) error {
	body = wire.Trim(body)
	if len(body) == 0 {
		return errors.New(prefix + "the answer is empty")
	}
	return json.Unmarshal(body, target)
}
