package answer

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// meaning is what a word says of an action.
type meaning uint8

const (
	// unfamiliar words prove nothing.
	unfamiliar meaning = iota
	// success words say that the action was done.
	success
	// failure words say that it was not.
	failure
	// refusal words say that it was not, and why.
	refusal
)

// meaningOf looks a word up: the text of a body, or of a member such as status.
func meaningOf(word string) meaning {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "ok", "true", "success":
		return success
	case "fail", "failed", "failure", "error", "false":
		return failure
	}
	if IsClientNotFound(word) || IsNotFound(word) || IsOrderNotFound(word) || IsWrongAction(word) {
		return refusal
	}
	return unfamiliar
}

// meaningOfStatus is meaningOf for the value of a status, which may be a number:
// a flag, or a status of HTTP.
func meaningOfStatus(word string) meaning {
	if word == "" || word[0] > '9' {
		// Nearly always: a failed conversion would need memory for its error.
		return meaningOf(word)
	}
	n, err := strconv.ParseFloat(word, 64)
	switch {
	case err != nil:
		return meaningOf(word)
	case n == 1, n >= http.StatusOK && n < http.StatusMultipleChoices:
		return success
	case n == http.StatusRequestTimeout, n == statusClientClosedRequest:
		return unfamiliar
	case n == 0, n >= http.StatusBadRequest && n < http.StatusInternalServerError:
		return failure
	}
	return unfamiliar
}

// statusClientClosedRequest is a status of the web server nginx. Like a 408 it
// leaves open what became of the request.
const statusClientClosedRequest = 499

// IsSuccessWord reports whether a text means success.
func IsSuccessWord(text string) bool { return meaningOf(text) == success }

// IsFailureWord reports whether a text means that something was not done.
func IsFailureWord(text string) bool {
	said := meaningOf(text)
	return said == failure || said == refusal
}

var orderNotFound = regexp.MustCompile(`(?i)^order[ _]([^ _]{1,32}[ _])?not[ _]found$`)

// IsOrderNotFound reports whether a code says that a deal does not exist.
func IsOrderNotFound(code string) bool {
	code = strings.TrimSpace(code)
	return len(code) > 0 && code[0]|0x20 == 'o' && orderNotFound.MatchString(code) || spelled(code, "сделка_не_найдена") || spelled(code, "заказ_не_найден")
}

// IsClientNotFound reports whether a code says that a client does not exist. Salebot is
// Russian, and may come to say so in its own language.
func IsClientNotFound(code string) bool {
	return spelled(code, "client_not_found") || spelled(code, "клиент_не_найден")
}

// IsNotFound reports whether a code says that something does not exist.
func IsNotFound(code string) bool { return spelled(code, "not_found") }

// IsWrongAction reports whether a code is the answer to a key without the
// permission for the action.
func IsWrongAction(code string) bool { return spelled(code, "wrong_action") }

// spelled compares a code with a word in any case, with spaces or underscores.
func spelled(code, word string) bool {
	code = strings.TrimRight(strings.TrimSpace(code), ".!")
	return len(code) == len(word) && strings.EqualFold(strings.ReplaceAll(code, " ", "_"), word)
}

// looksLikeCode reports whether a text is for programs rather than people.
var codeLike = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{1,63}$`)

func looksLikeCode(text string) bool { return codeLike.MatchString(text) || IsOrderNotFound(text) }

// plainCode reports whether a whole body is a code. Any other word may be a user's
// data, which no error quotes.
func plainCode(text string) bool {
	return meaningOf(text) != unfamiliar || strings.Contains(text, "_") && codeLike.MatchString(text) && !strings.ContainsAny(text, "0123456789")
}
