// Package answer decides what an HTTP answer of Salebot says: that the action
// was done, that it was refused, or nothing that can be trusted. It looks at
// the words of the answer only; what a refusal means for an action, and what
// becomes of it, is decided by its callers.
package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

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
	// Code is the machine-readable word of a refusal, such as
	// "client_not_found".
	Code string
	// Message is its text for people.
	Message string
	// Problem says why an answer is unreadable.
	Problem string
	// Page says that the body is an HTML page.
	Page bool
}

// Error makes an Unreadable verdict an error.
func (v Verdict) Error() string { return v.Problem }

// Success reads the body of a 2xx answer of the given form. Where the form is
// data, Accepted only says that the body is not a refusal: the caller still has
// to find the data in it. Bodies of data are not validated beyond their first
// byte.
func Success(body []byte, form action.Answer) Verdict {
	trimmed := wire.Trim(body)
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
	var e Envelope
	if err := wire.Members(body, e.Member); err != nil {
		return unreadable(err.Error())
	}
	return e.Verdict()
}

// flat reads an object of the user's own keys: only an object that says nothing
// but client_not_found is a refusal.
func flat(body []byte) Verdict {
	members, status := 0, ""
	err := wire.Members(body, func(key string, value []byte) error {
		members++
		if !json.Valid(value) {
			return wire.ErrSyntax
		}
		if key == "status" {
			status, _ = wire.Text(value)
		}
		return nil
	})
	if err != nil {
		return unreadable(err.Error())
	}
	if members == 1 && status == "client_not_found" {
		return Verdict{Kind: Refused, Code: status}
	}
	return Verdict{Kind: Accepted}
}

func array(body []byte, form action.Answer) Verdict {
	if form == action.Flat {
		// PHP-like servers print an empty map as an empty array.
		if bytes.Equal(bytes.ReplaceAll(body, []byte(" "), nil), []byte("[]")) {
			return Verdict{Kind: Accepted}
		}
		return unreadable("the body is an array instead of an object")
	}
	if form != action.Data && !json.Valid(body) {
		return unreadable(wire.ErrSyntax.Error())
	}
	return Verdict{Kind: Accepted}
}

// word reads a plain text, a JSON string or a JSON literal.
func word(body []byte, form action.Answer) Verdict {
	text := string(body)
	if body[0] == '"' {
		var unquoted string
		if err := json.Unmarshal(body, &unquoted); err != nil {
			return unreadable(wire.ErrSyntax.Error())
		}
		text = strings.TrimSpace(unquoted)
	}
	if IsSuccessWord(text) {
		if form == action.Acknowledgement || form == action.Confirmation {
			return Verdict{Kind: Accepted}
		}
		return unreadable("the body is a plain " + strconv.Quote(strings.ToLower(text)) + " where data is due")
	}
	if isFailureWord(text) {
		return Verdict{Kind: Refused, Code: text}
	}
	return unreadable("the body is neither JSON nor a known word")
}

// IsSuccessWord says whether a text means success.
func IsSuccessWord(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "ok", "true", "success":
		return true
	}
	return false
}

var orderNotFound = regexp.MustCompile(`(?i)^order[ _]([^ _]{1,32}[ _])?not[ _]found$`)

// IsOrderNotFound says whether a code tells that a deal does not exist.
func IsOrderNotFound(code string) bool { return orderNotFound.MatchString(strings.TrimSpace(code)) }

// IsClientNotFound says whether a code tells that a client does not exist.
func IsClientNotFound(code string) bool { return spelled(code, "client_not_found") }

// IsNotFound says whether a code tells that something does not exist.
func IsNotFound(code string) bool { return spelled(code, "not_found") }

// IsWrongAction says whether a code is the answer to a key without the
// permission for the action.
func IsWrongAction(code string) bool { return spelled(code, "wrong_action") }

// spelled compares a code with a word in any case, with spaces or underscores.
func spelled(code, word string) bool {
	return strings.EqualFold(strings.ReplaceAll(strings.TrimSpace(code), " ", "_"), word)
}

func isFailureWord(text string) bool {
	switch strings.ToLower(text) {
	case "fail", "failed", "failure", "error", "false":
		return true
	}
	return IsClientNotFound(text) || IsNotFound(text) || IsOrderNotFound(text) || IsWrongAction(text)
}

// Failure reads the body of an answer that is not 2xx.
func Failure(body []byte) Verdict {
	v := Verdict{Kind: Refused}
	trimmed := wire.Trim(body)
	switch {
	case len(trimmed) == 0:
		return v
	case IsPage(trimmed):
		v.Page = true
		return v
	case trimmed[0] == '{':
		var e Envelope
		if err := wire.Members(trimmed, e.Member); err != nil {
			return v
		}
		v.Code, v.Message = e.code(), e.Message
		return v
	}
	text := string(trimmed)
	if trimmed[0] == '"' {
		if err := json.Unmarshal(trimmed, &text); err != nil {
			return v
		}
	}
	if text = strings.TrimSpace(text); looksLikeCode(text) {
		v.Code = text
	} else {
		v.Message = text
	}
	return v
}

const maxMessage = 300

// Shorten bounds a text for people and takes control characters out of it. It is
// left to the callers of this package, who first have to take out what nobody may
// see: the cut could leave a part of it.
func Shorten(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= maxMessage {
		return text
	}
	cut := maxMessage
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

var codeLike = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{1,63}$`)

func looksLikeCode(text string) bool { return codeLike.MatchString(text) || IsOrderNotFound(text) }

// IsPage says whether a trimmed body is an HTML or XML page.
func IsPage(trimmed []byte) bool { return len(trimmed) > 0 && trimmed[0] == '<' }

// Envelope gathers the members by which a JSON object says how an action went.
type Envelope struct {
	status      string
	statusKnown bool
	failed      bool
	failure     string
	Message     string
	// DataKey names a member that Member hands to Data instead of checking it.
	DataKeys []string
	Data     func(key string, value []byte) error
}

// Member takes one member of the object; see wire.Members.
func (e *Envelope) Member(key string, value []byte) error {
	if slices.Contains(e.DataKeys, key) {
		return e.Data(key, value)
	}
	if !json.Valid(value) {
		return wire.ErrSyntax
	}
	switch key {
	case "status":
		e.setStatus(value)
	case "success":
		// Only a plain "no" is a failure: some servers put data there.
		if flag, known, err := wire.Flag(value); err == nil && known && !flag {
			e.failed = true
		}
	case "error", "errors":
		e.setError(value)
	case "message", "error_message", "detail", "description":
		if text, err := wire.Text(value); err == nil && text != "" && e.Message == "" {
			e.Message = text
		}
	}
	return nil
}

func (e *Envelope) setStatus(value []byte) {
	if string(value) == `"success"` {
		// Nearly every answer says so; the constant needs no memory.
		e.status, e.statusKnown = "success", true
		return
	}
	if text, err := wire.Text(value); err == nil && text != "" {
		e.status, e.statusKnown = text, true
	}
}

func (e *Envelope) setError(value []byte) {
	if noError(value) {
		return
	}
	e.failed = true
	switch value[0] {
	case '{':
		var inner struct {
			Code    json.RawMessage `json:"code"`
			Message json.RawMessage `json:"message"`
		}
		if json.Unmarshal(value, &inner) == nil {
			if code, err := wire.Text(inner.Code); err == nil {
				e.failure = code
			}
			if text, err := wire.Text(inner.Message); err == nil && text != "" {
				e.Message = text
			}
		}
	default:
		text, err := wire.LooseText(value)
		switch {
		case err != nil || wireTrue(text):
		case looksLikeCode(text):
			e.failure = text
		case e.Message == "":
			e.Message = text
		}
	}
}

// noError says whether a member that could tell of an error tells of none.
func noError(value []byte) bool {
	switch string(value) {
	case "{}", "[]":
		return true
	}
	flag, known, err := wire.Flag(value)
	return err == nil && (!known || !flag)
}

func wireTrue(text string) bool { return text == "true" || text == "1" }

// Verdict sums up the members.
func (e *Envelope) Verdict() Verdict {
	if !e.failed && (!e.statusKnown || e.succeeded()) {
		return Verdict{Kind: Accepted}
	}
	return Verdict{Kind: Refused, Code: e.code(), Message: e.Message}
}

// Status is the text of the status member, "" where there is none.
func (e *Envelope) Status() string { return e.status }

func (e *Envelope) succeeded() bool {
	if IsSuccessWord(e.status) {
		return true
	}
	// A number is an HTTP status or a flag.
	n, err := strconv.Atoi(e.status)
	return err == nil && (n == 1 || n >= 200 && n < 300)
}

func (e *Envelope) code() string {
	if e.failure != "" {
		return e.failure
	}
	if e.statusKnown && !e.succeeded() {
		return e.status
	}
	return ""
}

// ErrNoData says that an accepted answer lacks the member with the data.
var ErrNoData = errors.New("the answer has no data")
