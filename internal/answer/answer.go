// Package answer decides what an HTTP answer of Salebot says: that the action
// was done, that it was refused, or nothing that can be trusted. It looks at
// the words of the answer only; what a refusal means for an action, and what
// becomes of it, is decided by its callers.
package answer

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/wire"
)

// Kind is what an answer amounts to.
type Kind uint8

const (
	// Unreadable answers say nothing that can be trusted.
	Unreadable Kind = iota
	// Accepted answers say that the action was done.
	Accepted
	// Refused answers say that it was not.
	Refused
)

// Verdict is the reading of an answer.
type Verdict struct { //nolint:errname // it is a reading first, and an error where the reading is a refusal
	Kind Kind
	// Code is the machine-readable word of an answer that is not Accepted, such as
	// "client_not_found".
	Code string
	// Message is its text for people. Like the code it is as the server wrote it.
	Message string
	// Problem says why an answer is unreadable. It quotes nothing of it.
	Problem string
	// Page says that the body is an HTML page.
	Page bool
	// Plain says that the message is the whole body, which may be anything.
	Plain bool
}

// Error makes an Unreadable verdict an error.
func (v Verdict) Error() string { return v.Problem }

// Success reads the body of a 2xx answer of the given form. If the form is data,
// Accepted only says that the body is not a refusal: the caller still has to find
// the data in it. Arrays of data are not validated beyond their first byte.
func Success(body []byte, form action.Answer) Verdict {
	trimmed := wire.Body(body)
	if len(trimmed) == 0 {
		if form == action.Acknowledgement {
			return Verdict{Kind: Accepted}
		}
		return unreadable("the body is empty")
	}
	if IsPage(trimmed) {
		return Verdict{Problem: "the body is an HTML page", Page: true}
	}
	switch trimmed[0] {
	case '{':
		return object(trimmed, form)
	case '[':
		return array(trimmed, form)
	}
	return word(trimmed, form)
}

func unreadable(problem string) Verdict { return Verdict{Problem: problem} }

func object(body []byte, form action.Answer) Verdict {
	if form == action.Flat {
		return flat(body)
	}
	e := Envelope{bare: form != action.Data}
	if err := wire.Members(body, e.Member); err != nil {
		return unreadable(err.Error())
	}
	return e.Verdict()
}

// flat reads an object of the user's own keys, who may call a variable "status".
// Only the word for an unknown client, or for a missing permission, is a refusal, and
// only in an object that has nothing but members by which answers say how it went.
func flat(body []byte) Verdict {
	var (
		e      Envelope
		others bool
	)
	err := wire.Members(body, func(key string, value []byte) error {
		others = others || !isOutcome(key)
		return e.Member(key, value)
	})
	verdict := e.Verdict()
	switch {
	case err != nil:
		return unreadable(err.Error())
	case !others && verdict.Kind == Refused && (IsClientNotFound(verdict.Code) || IsWrongAction(verdict.Code)):
		return verdict
	}
	return Verdict{Kind: Accepted}
}

// isOutcome reports whether a member of a failure has such a name.
func isOutcome(key string) bool {
	switch key {
	case "status", "success", "ok", "error", "errors", "code", "error_code", "message", "error_message", "detail", "details", "description", "reason":
		return true
	}
	return false
}

func array(body []byte, form action.Answer) Verdict {
	switch form {
	case action.Data:
		return Verdict{Kind: Accepted}
	case action.Flat:
		// PHP-like servers print an empty map as an empty array.
		if bytes.Equal(bytes.ReplaceAll(body, []byte(" "), nil), []byte("[]")) {
			return Verdict{Kind: Accepted}
		}
		return unreadable("the body is an array instead of an object")
	default:
		return list(body)
	}
}

// list reads an array if nothing but a success is due. Its elements may say that
// something failed; which part of the request they mean is not known.
func list(body []byte) Verdict {
	verdict := Verdict{Kind: Accepted}
	count := 0
	err := wire.Elements(body, func(value []byte) error {
		count++
		said := element(value)
		if said.Kind != Accepted && verdict.Kind == Accepted {
			verdict = said
		}
		return nil
	})
	switch {
	case err != nil:
		return unreadable(err.Error())
	case verdict.Kind == Refused && (count > 1 || meaningOf(verdict.Code) != refusal):
		return unreadable("an element of the list does not say success")
	}
	return verdict
}

func element(value []byte) Verdict {
	switch value[0] {
	case '{':
		return object(value, action.Acknowledgement)
	case '"':
		code, err := wire.Text(value)
		if said := meaningOf(code); err == nil && (said == failure || said == refusal) {
			return Verdict{Kind: Refused, Code: code}
		}
	case 'f':
		return Verdict{Kind: Refused, Code: "false"}
	}
	return Verdict{Kind: Accepted}
}

// word reads a plain text, a JSON string or a JSON literal.
func word(body []byte, form action.Answer) Verdict {
	said := string(body)
	if body[0] == '"' {
		var unquoted string
		if err := json.Unmarshal(body, &unquoted); err != nil {
			return unreadable(wire.ErrSyntax.Error())
		}
		said = strings.TrimSpace(unquoted)
	}
	switch meaningOf(said) {
	case success:
		if form == action.Acknowledgement || form == action.Confirmation {
			return Verdict{Kind: Accepted}
		}
		return unreadable("the body is a plain " + strconv.Quote(strings.ToLower(said)) + " where data is due")
	case failure, refusal:
		return Verdict{Kind: Refused, Code: said}
	default:
		return unreadable("the body is neither an object nor a list nor a known word")
	}
}

// Failure reads the body of an answer that is not 2xx. It is Accepted if the body
// contradicts that: it says success.
func Failure(body []byte) Verdict {
	trimmed := wire.Body(body)
	switch {
	case len(trimmed) == 0:
		return Verdict{Kind: Refused}
	case IsPage(trimmed):
		return Verdict{Kind: Refused, Page: true}
	case trimmed[0] == '{':
		return failedObject(trimmed)
	}
	said := string(trimmed)
	if trimmed[0] == '"' {
		if err := json.Unmarshal(trimmed, &said); err != nil {
			return Verdict{Kind: Refused}
		}
	}
	said = strings.TrimSpace(said)
	switch {
	case meaningOf(said) == success:
		return Verdict{Kind: Accepted}
	case plainCode(said) && !isPhrase(said):
		return Verdict{Kind: Refused, Code: said}
	}
	return Verdict{Kind: Refused, Message: said, Plain: true}
}

// isPhrase reports whether a code is the phrase of HTTP for the status 404, which
// every web server has.
func isPhrase(code string) bool { return IsNotFound(code) && !strings.Contains(code, "_") }

func failedObject(body []byte) Verdict {
	var e Envelope
	if err := wire.Members(body, e.Member); err != nil {
		return Verdict{Kind: Refused}
	}
	verdict := e.Verdict()
	switch {
	case verdict.Kind == Accepted && (e.statusKnown || e.succeeded):
		return Verdict{Kind: Accepted}
	case verdict.Kind == Refused && isPhrase(verdict.Code):
		return Verdict{Kind: Refused, Message: verdict.Code}
	case verdict.Kind == Refused:
		return verdict
	}
	code := ""
	if e.statusKnown && meaningOfStatus(e.status) != success {
		code = e.status
	}
	return Verdict{Kind: Refused, Code: code, Message: e.Message}
}

// IsPage reports whether a trimmed body is an HTML or XML page.
func IsPage(trimmed []byte) bool { return len(trimmed) > 0 && trimmed[0] == '<' }
