package answer

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/salebot-go/salebot/internal/wire"
)

// ErrNoData says that an accepted answer lacks the member with the data.
var ErrNoData = errors.New("the answer has no data")

// Envelope gathers the members by which a JSON object says how an action went.
type Envelope struct {
	status      string
	statusKnown bool
	failed      bool
	// succeeded says that a flag says so.
	succeeded bool
	code      string
	// refused is a refusal that is named in an unfamiliar place.
	refused string
	// doubt says what proves neither success nor failure.
	doubt string
	// hint says that another member raises doubts, which counts in an object that does
	// not say how the action went. hintRefusal is the refusal that it names.
	hint        bool
	hintRefusal string
	// inner says that the object is a member of another one.
	inner bool
	// bare says that the object has nothing to tell but its success.
	bare bool
	// detailed says that it has details, which with a status say nothing.
	detailed bool
	// Message is the text for people.
	Message string
	// DataKeys name the members that Member hands to Data instead of checking them.
	DataKeys []string
	Data     func(key string, value []byte) error
}

// Member takes one member of the object; see wire.Members.
func (e *Envelope) Member(key string, value []byte) error {
	if slices.Contains(e.DataKeys, key) {
		return e.Data(key, value)
	}
	switch key {
	case "status":
		e.setStatus(value)
	case "success":
		// Only a plain "no" is a failure: some servers put data there.
		if flag, known, err := wire.Flag(value); err == nil && known {
			e.succeeded, e.failed = flag, e.failed || !flag
		}
	case "error", "errors":
		e.setError(value)
	case "message":
		e.setMessage(value)
	default:
		e.setSign(key, value)
	}
	return nil
}

func (e *Envelope) setStatus(value []byte) {
	if string(value) == `"success"` {
		// Nearly every answer says so; the constant needs no memory.
		e.status, e.statusKnown = "success", true
		return
	}
	text, err := wire.Text(value)
	switch {
	case err != nil:
		// A list or an object.
		e.doubtful("status is not a word", value)
	case text != "":
		e.status, e.statusKnown = text, true
	}
}

func (e *Envelope) setError(value []byte) {
	if noError(value) {
		return
	}
	e.failed = true
	if e.refused == "" {
		e.refused = ownRefusal(namedRefusal(value))
	}
	if value[0] == '{' {
		var inner struct {
			Code    json.RawMessage `json:"code"`
			Message json.RawMessage `json:"message"`
		}
		if json.Unmarshal(value, &inner) == nil {
			if code, err := wire.Text(inner.Code); err == nil {
				e.code = code
			}
			if text, err := wire.Text(inner.Message); err == nil && text != "" {
				e.Message = text
			}
		}
		return
	}
	text, err := wire.LooseText(value)
	switch {
	case err != nil || text == "true" || text == "1":
	case looksLikeCode(text):
		e.code = text
	case e.Message == "":
		e.Message = text
	}
}

func (e *Envelope) setMessage(value []byte) {
	if text, err := wire.Text(value); err == nil && text != "" && e.Message == "" {
		e.Message = text
	}
}

// doubtful notes what proves nothing. A refusal that is named there counts.
func (e *Envelope) doubtful(why string, value []byte) {
	if e.doubt == "" {
		e.doubt = why
	}
	if e.refused == "" {
		e.refused = namedRefusal(value)
	}
}

// isOwnRefusal reports whether a text is a refusal in Salebot's words, and not the phrase
// that every web server has for a missing page.
func isOwnRefusal(text string) bool { return meaningOf(text) == refusal && !isPhrase(text) }

// ownRefusal is the text if it is a refusal in Salebot's words.
func ownRefusal(text string) string {
	if isOwnRefusal(text) {
		return text
	}
	return ""
}

// namedRefusal is the one refusal that a value names, "" if it names none.
func namedRefusal(value []byte) string {
	if len(value) > 0 && value[0] == '[' {
		return ""
	}
	if len(value) > 0 && value[0] == '{' {
		found := ""
		_ = wire.Members(value, func(_ string, inner []byte) error {
			if text, err := wire.Text(inner); err == nil && found == "" && meaningOf(text) == refusal {
				found = text
			}
			return nil
		})
		return found
	}
	if text, err := wire.Text(value); err == nil && meaningOf(text) == refusal {
		return text
	}
	return ""
}

// noError reports whether a member that could tell of an error tells of none.
func noError(value []byte) bool {
	switch string(value) {
	case "{}", "[]":
		return true
	}
	flag, known, err := wire.Flag(value)
	return err == nil && (!known || !flag)
}

// Verdict sums up the members. What is known to be a failure counts first, then
// what raises doubts.
func (e *Envelope) Verdict() Verdict {
	status := success
	if e.statusKnown {
		status = meaningOfStatus(e.status)
	}
	switch {
	case e.failed, status == failure, status == refusal:
		return e.refusal(e.failureCode(status))
	case e.refused != "":
		return e.refusal(e.refused)
	case (status == unfamiliar || e.doubt != "") && isOwnRefusal(e.Message):
		return e.refusal(e.Message)
	case status == unfamiliar:
		verdict := e.unproven("the status says neither success nor failure")
		verdict.Code = e.status
		return verdict
	case e.doubt != "":
		return e.unproven(e.doubt)
	case e.statusKnown:
		return Verdict{Kind: Accepted}
	case e.hintRefusal != "":
		return e.refusal(e.hintRefusal)
	case e.hint && !e.succeeded:
		return e.unproven("one of its members does not say success")
	}
	return e.byMessage()
}

// refusal is the verdict on an object that names a refusal. A text for people that is
// the same word is not said twice.
func (e *Envelope) refusal(code string) Verdict {
	message := e.Message
	if message == code {
		message = ""
	}
	return Verdict{Kind: Refused, Code: code, Message: message}
}

// byMessage is the verdict on an object without a status: its text for people may
// be all that it says.
func (e *Envelope) byMessage() Verdict {
	switch meaningOf(e.Message) {
	case success:
	case refusal:
		if !IsNotFound(e.Message) {
			return Verdict{Kind: Refused, Code: e.Message}
		}
		// So web servers call a missing page.
		return e.unproven("a message of failure without a status")
	case failure:
		return e.unproven("a message of failure without a status")
	case unfamiliar:
		if !e.succeeded && (e.detailed || e.bare && e.Message != "") {
			return e.unproven("a message without a status")
		}
	}
	return Verdict{Kind: Accepted}
}

func (e *Envelope) unproven(why string) Verdict { return Verdict{Problem: why, Message: e.Message} }

// Status is the text of the status member, "" if there is none.
func (e *Envelope) Status() string { return e.status }

// failureCode is the most telling word of an object that says failure: a known refusal,
// wherever it stands, or else what comes as a code.
func (e *Envelope) failureCode(status meaning) string {
	for _, word := range []string{e.code, e.status, e.refused, e.Message} {
		if isOwnRefusal(word) {
			return word
		}
	}
	switch {
	case e.code != "":
		return e.code
	case status != success:
		return e.status
	default:
		return e.refused
	}
}
