package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// Errors of the scalar parsers; the JSON decoder adds where they happened.
var (
	errNotInteger = errors.New("want a whole number, as a number or as text")
	errOverflow   = errors.New("whole number beyond 64 bits")
	errNotFlag    = errors.New("want a flag: true, 1, \"1\", \"True\"")
	errNotScalar  = errors.New("want text or a number")
)

var (
	null  = []byte("null")
	yes   = []byte("true")
	no    = []byte("false")
	quote = byte('"')
)

// IsNull reports whether a JSON value is null or absent.
func IsNull(value []byte) bool { return len(value) == 0 || bytes.Equal(value, null) }

// Int reads a whole number that may come as a number, as text, as null or as
// one of the words for "unset"; the last two give 0. A number may have any
// spelling, such as 5.0 or 1e3, see Whole. It never passes through a float, so
// digits survive up to 64 bits.
func Int(value []byte) (int64, error) {
	if len(value) == 0 {
		return 0, nil
	}
	digits := value
	if value[0] == quote {
		if !isText(value) {
			return 0, ErrSyntax
		}
		digits = value[1 : len(value)-1]
	}
	n, err := digitsToInt(digits)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, errOverflow) && !bytes.ContainsAny(digits, ".eE") {
		return 0, err
	}
	// Spaces, escapes and words are rare: the slow path sorts them out.
	if bytes.Equal(value, null) {
		return 0, nil
	}
	if value[0] == quote {
		text, textErr := Text(value)
		if textErr != nil {
			return 0, textErr
		}
		text = strings.TrimSpace(text)
		if IsUnset(text) {
			return 0, nil
		}
		digits = []byte(text)
	}
	if digits, err = Whole(digits); err != nil {
		return 0, err
	}
	return digitsToInt(digits)
}

// isText reports whether a value that begins with a quote ends with one too. Values
// that a decoder delimited always do.
func isText(value []byte) bool { return len(value) > 1 && value[len(value)-1] == quote }

// Digits reads a whole number that comes as its digits, plain or in quotes; ok
// is false for everything else, where Int may still find one.
func Digits(value []byte) (n int64, ok bool) {
	if len(value) > 0 && value[0] == quote && isText(value) {
		value = value[1 : len(value)-1]
	}
	n, err := digitsToInt(value)
	return n, err == nil
}

// digitsToInt reads an optional minus sign and decimal digits.
func digitsToInt(digits []byte) (int64, error) {
	negative := len(digits) > 0 && digits[0] == '-'
	if negative {
		digits = digits[1:]
	}
	if len(digits) == 0 {
		return 0, errNotInteger
	}
	// Gathered below zero, because the smallest number has no positive twin.
	const smallest = -1 << 63
	var n int64
	for _, c := range digits {
		d := int64(c) - '0'
		if d < 0 || d > 9 {
			return 0, errNotInteger
		}
		if n < smallest/10 || n*10 < smallest+d {
			return 0, errOverflow
		}
		n = n*10 - d
	}
	if negative {
		return n, nil
	}
	if n == smallest {
		return 0, errOverflow
	}
	return -n, nil
}

// Text reads a text that may come as a number, a flag or null; null gives "".
// The digits of a number are kept as they stand.
func Text(value []byte) (string, error) {
	switch {
	case IsNull(value):
		return "", nil
	case value[0] == quote:
		if !isText(value) {
			return "", ErrSyntax
		}
		inner := value[1 : len(value)-1]
		if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
			return string(inner), nil
		}
		var text string
		err := json.Unmarshal(value, &text)
		return text, err
	case value[0] == '{' || value[0] == '[':
		return "", errNotScalar
	default:
		// The words need no memory of their own.
		switch string(value) {
		case "true":
			return "true", nil
		case "false":
			return "false", nil
		}
		return string(value), nil
	}
}

// LooseText is Text that gives objects and arrays as their JSON instead of
// failing, for fields that a person reads.
func LooseText(value []byte) (string, error) {
	text, err := Text(value)
	if errors.Is(err, errNotScalar) {
		return string(value), nil
	}
	return text, err
}

// Flag reads a flag in any of its spellings. Known is false for null, "" and
// the words for "unset".
func Flag(value []byte) (flag, known bool, err error) {
	switch {
	case IsNull(value):
		return false, false, nil
	case bytes.Equal(value, yes):
		return true, true, nil
	case bytes.Equal(value, no):
		return false, true, nil
	}
	text, err := Text(value)
	if err != nil {
		return false, false, err
	}
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "1", "true", "yes", "on", "да":
		return true, true, nil
	case "0", "false", "no", "off", "нет":
		return false, true, nil
	}
	if IsUnset(text) {
		return false, false, nil
	}
	if digits, err := Whole([]byte(text)); err == nil && len(digits) == 1 && digits[0] <= '1' {
		return digits[0] == '1', true, nil
	}
	return false, false, errNotFlag
}

// IsUnset reports whether a text is one of the words by which Salebot says that a
// variable has no value.
func IsUnset(text string) bool {
	switch text {
	case "", "None", "NONE", "none", "null", "NULL", "undefined":
		return true
	}
	return false
}
