package answer

import (
	"strconv"

	"github.com/salebot-go/salebot/internal/wire"
)

// IsSign reports whether a member has the name of one that says how an action went,
// and so of nothing else.
func IsSign(key string) bool {
	switch folded(key) {
	case "ok", "status", "success", "result", "data", "code", "statuscode", "httpcode", "httpstatus",
		"error", "errors", "err", "exception", "fault", "failed", "fail", "failure", "failures", "errortype",
		"errorcode", "errcode", "errno", "errornumber", "errormessage", "errormsg", "errordescription",
		"detail", "details", "message", "messages", "description", "reason", "title", "warning", "warnings", "time", "timestamp":
		return true
	}
	return false
}

const quote = '"'

// setSign looks at a member that Salebot is not known to send. Programs between
// here and there, and versions to come, have other names for a failure: such a
// sign raises doubts, but proves nothing.
func (e *Envelope) setSign(key string, value []byte) {
	switch folded(key) {
	case "ok", "status", "success", "result":
		e.setVerdictSign(key, value)
	case "code", "statuscode", "httpcode", "httpstatus":
		e.setCodeSign(key, value)
	case "errorcode", "errcode", "errno", "errornumber":
		if !noError(value) {
			e.doubtful("it has an error code", value)
		}
	case "error", "errors", "err", "exception", "fault", "failed", "fail", "failure", "failures", "errortype":
		if !noError(value) {
			e.doubtful("it has a member "+strconv.Quote(folded(key)), value)
		}
	case "errormessage", "errormsg", "errordescription":
		if !noError(value) {
			e.setMessage(value)
			e.doubtful("it has a member "+strconv.Quote(folded(key)), value)
		}
	case "detail", "details":
		e.setMessage(value)
		e.detailed = e.detailed || !noError(value)
	case "message", "description", "reason", "title":
		e.setMessage(value)
	default:
		e.setHint(value)
	}
	switch folded(key) {
	case "result", "data", "response":
		e.setInner(value)
	}
}

// setHint looks at a member with a name that is not a sign, of an object that has nothing
// to tell but its success. Only an object that says nothing else is doubted for it.
func (e *Envelope) setHint(value []byte) {
	if !e.bare || value[0] != quote {
		return
	}
	if text, err := wire.Text(value); err == nil && IsFailureWord(text) {
		e.hinted(namedRefusal(value))
	}
}

// setInner looks for the same one level deeper, as in {"data":{"status":"fail"}}.
func (e *Envelope) setInner(value []byte) {
	if !e.bare || e.inner || value[0] != '{' {
		return
	}
	inner := Envelope{bare: true, inner: true}
	if wire.Members(value, inner.Member) != nil {
		return
	}
	if verdict := inner.Verdict(); verdict.Kind != Accepted {
		e.hinted(ownRefusal(verdict.Code))
	}
}

func (e *Envelope) hinted(refusal string) {
	e.hint = true
	if e.hintRefusal == "" {
		e.hintRefusal = refusal
	}
}

// setVerdictSign looks at a member that may be a word or a flag about success.
func (e *Envelope) setVerdictSign(key string, value []byte) {
	text, err := wire.Text(value)
	if err != nil {
		return
	}
	said := meaningOf(text)
	e.succeeded = e.succeeded || said == success
	flag, known, err := wire.Flag(value)
	no := err == nil && known && !flag
	isStatus := folded(key) == "status"
	if said == failure || said == refusal || no || isStatus && text != "" && meaningOfStatus(text) == unfamiliar {
		e.doubtful("its member "+strconv.Quote(folded(key))+" does not say success", value)
	}
}

// setCodeSign looks at a number that may be a status of HTTP.
func (e *Envelope) setCodeSign(key string, value []byte) {
	text, err := wire.Text(value)
	if err != nil || text == "" {
		return
	}
	n, err := strconv.ParseFloat(text, 64)
	said := meaningOf(text)
	if err == nil && n >= 300 && n < 600 || said == failure || said == refusal {
		e.doubtful("its member "+strconv.Quote(folded(key))+" does not say success", value)
	}
}

// longestSign is the length of the longest name that is a sign.
const longestSign = len("error_description") + 2

// folded is a name in lower case without separators, "" if it is too long to be a
// sign.
func folded(key string) string {
	if len(key) > longestSign {
		return ""
	}
	letters := make([]byte, 0, longestSign)
	changed := false
	for i := range len(key) {
		switch c := key[i]; {
		case c == '_' || c == '-' || c == ' ':
			changed = true
		case c >= 'A' && c <= 'Z':
			letters, changed = append(letters, c|0x20), true
		default:
			letters = append(letters, c)
		}
	}
	if !changed {
		return key
	}
	return string(letters)
}
