package wire

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"
)

// maxWholeDigits bounds the digits of a whole number that is written with an exponent.
const maxWholeDigits = 100

// Whole returns the plain digits of a whole number, however it is spelled: 5, 5.0 and
// 50e-1 give "5", 1e3 gives "1000". It computes with the digits, so that nothing is
// rounded. A number with a fraction is an error.
func Whole(number []byte) ([]byte, error) {
	mantissa, exponent, err := splitNumber(number)
	if err != nil {
		return nil, err
	}
	negative := mantissa[0] == '-'
	if negative {
		mantissa = mantissa[1:]
	}
	integer, fraction, _ := bytes.Cut(mantissa, []byte("."))
	digits := append(bytes.Clone(integer), fraction...)
	point := len(integer) + exponent
	significant := bytes.TrimLeft(digits, "0")
	point -= len(digits) - len(significant)
	significant = bytes.TrimRight(significant, "0")
	switch {
	case len(significant) == 0:
		return []byte("0"), nil
	case len(significant) > point:
		return nil, errNotInteger
	case point > max(maxWholeDigits, len(digits)):
		return nil, errOverflow
	}
	whole := make([]byte, 0, point+1)
	if negative {
		whole = append(whole, '-')
	}
	whole = append(whole, significant...)
	return append(whole, bytes.Repeat([]byte("0"), point-len(significant))...), nil
}

// splitNumber checks a number and splits it at its exponent. Unlike JSON it takes
// leading zeros, since texts may have them.
func splitNumber(number []byte) (mantissa []byte, exponent int, err error) {
	mantissa, power, scientific := number, []byte(nil), false
	if at := bytes.IndexAny(number, "eE"); at >= 0 {
		mantissa, power, scientific = number[:at], number[at+1:], true
	}
	integer, fraction, point := bytes.Cut(bytes.TrimPrefix(mantissa, []byte("-")), []byte("."))
	if !allDigits(integer) || point && !allDigits(fraction) {
		return nil, 0, errNotInteger
	}
	if !scientific {
		return mantissa, 0, nil
	}
	sign := 1
	if len(power) > 0 && (power[0] == '+' || power[0] == '-') {
		if power[0] == '-' {
			sign = -1
		}
		power = power[1:]
	}
	if !allDigits(power) {
		return nil, 0, errNotInteger
	}
	// No number is that long: what is beyond need not be told apart.
	const farthest = 1 << 30
	for _, c := range power {
		exponent = min(exponent*10+int(c-'0'), farthest)
	}
	return mantissa, sign * exponent, nil
}

func allDigits(text []byte) bool {
	for _, c := range text {
		if !isDigit(c) {
			return false
		}
	}
	return len(text) > 0
}

var errNotIdentifier = errors.New("want an id, as text or as a whole number")

// Identifier reads an id that is text, or a whole number in any spelling, whose digits
// it returns. Null, "" and the words for "unset" give "". A flag, an object, an array
// and a number with a fraction are errors.
func Identifier(value []byte) (string, error) {
	if IsNull(value) {
		return "", nil
	}
	if value[0] == quote {
		text, err := Text(value)
		if err != nil || IsUnset(strings.TrimSpace(text)) {
			return "", err
		}
		return text, nil
	}
	if value[0] != '-' && !isDigit(value[0]) {
		return "", errNotIdentifier
	}
	if allDigits(value) {
		return string(value), nil
	}
	digits, err := Whole(value)
	return string(digits), err
}

// TextOrNumber reads a text, or a number as it is spelled. Other values are not text:
// ok is false for them.
func TextOrNumber(value []byte) (text string, ok bool) {
	if len(value) == 0 || value[0] != quote && value[0] != '-' && !isDigit(value[0]) {
		return "", false
	}
	text, err := Text(value)
	return text, err == nil && utf8.ValidString(text)
}
