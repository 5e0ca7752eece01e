package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/salebot-go/salebot/cmd/salebot/internal/settings"
)

// unreadable says for a person why a body cannot be decoded.
func unreadable(err error) error {
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	kind, isKind := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case errors.Is(err, io.EOF):
		return badRequest("the body is empty; it has to be JSON")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("the body is not whole: its JSON breaks off")
	case isSyntax:
		return badRequest("the body is not JSON: it goes wrong at character %d", syntax.Offset)
	case isKind:
		return badRequest("%s", wrongKind(kind))
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if name, found := strings.CutPrefix(text, "unknown field "); found {
		return badRequest("the body has the name %s, which does not exist here", name)
	}
	return badRequest("the body cannot be read: %s", text)
}

func wrongKind(err *json.UnmarshalTypeError) string {
	name := err.Field
	if name == "" {
		name = "the body"
	}
	got := err.Value
	number, isNumber := strings.CutPrefix(got, "number")
	number = strings.TrimSpace(number)
	wanted := wordOfKind(err.Type)
	switch {
	case isNumber && number != "" && wanted == aWholeNumber && !strings.ContainsAny(number, ".eE"):
		return fmt.Sprintf("%s: %s is too large or too small", name, number)
	case isNumber && number != "":
		got = number
	case isNumber:
		got = "a number"
	default:
		if word := map[string]string{"string": aText, "bool": aFlag, "array": aList, "object": anObject}[got]; word != "" {
			got = word
		}
	}
	text := fmt.Sprintf("%s must be %s, not %s", name, wanted, got)
	if err.Offset > 0 {
		text += fmt.Sprintf(" (at character %d of the body)", err.Offset)
	}
	return text
}

const (
	aText        = "a text"
	aFlag        = "true or false"
	aList        = "a list"
	anObject     = "an object"
	aWholeNumber = "a whole number"
)

func wordOfKind(of reflect.Type) string {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of == reflect.TypeFor[settings.Duration]() {
		return "a time such as 1.5s"
	}
	switch kind := of.Kind(); {
	case kind == reflect.String:
		return aText
	case kind == reflect.Bool:
		return aFlag
	case kind >= reflect.Int && kind <= reflect.Uint64:
		return aWholeNumber
	case kind == reflect.Float32, kind == reflect.Float64:
		return "a number"
	case kind == reflect.Slice, kind == reflect.Array:
		return aList
	}
	return anObject
}
