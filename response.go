package salebot

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/wire"
)

// Response is the raw answer to a call; see WithResponse and Do. Other than an
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
}

// Text is the word of the answer, such as "ok" or "success": the text itself, or
// the status of a JSON object. It is "" where the answer has none.
func (a *Ack) Text() string {
	body := wire.Trim(a.Raw)
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
	if !json.Valid(body) {
		return string(body)
	}
	text, err := wire.Text(body)
	if err != nil {
		return ""
	}
	return text
}

// Decode reads the answer as JSON into target, with encoding/json.
func (a *Ack) Decode(target any) error { return decodeRaw(a.Raw, target) }

func decodeRaw(body []byte, target any) error {
	body = wire.Trim(body)
	if len(body) == 0 {
		return errors.New("salebot: the answer is empty")
	}
	return json.Unmarshal(body, target)
}
