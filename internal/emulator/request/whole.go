package request

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// What can be wrong with a number; the texts follow the name of the parameter.
var (
	ErrNotWhole = errors.New("is not a whole number")
	ErrTooLarge = errors.New("is a number beyond 64 bits")
)

// WholeNumber reads a number that has no fraction, or a text that is one: 5, "5",
// 5.0, "5e0". It never passes through a float. Null and the words for "unset"
// give 0.
func WholeNumber(value json.RawMessage) (int64, error) {
	if n, err := wire.Int(value); err == nil {
		return n, nil
	}
	text, err := wire.Text(value)
	if err != nil {
		return 0, ErrNotWhole
	}
	return wholeDecimal(strings.TrimSpace(text))
}

// mostDigits is the length of the largest number.
const mostDigits = 19

func wholeDecimal(text string) (int64, error) {
	mantissa, exponent := text, 0
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		var err error
		if exponent, err = strconv.Atoi(text[at+1:]); err != nil {
			return 0, ErrNotWhole
		}
		mantissa = text[:at]
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") || strings.HasPrefix(mantissa, "+") {
		sign, mantissa = mantissa[:1], mantissa[1:]
	}
	before, after, _ := strings.Cut(mantissa, ".")
	digits := before + after
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, ErrNotWhole
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return 0, nil
	}
	zeros := exponent - len(after)
	for zeros < 0 && strings.HasSuffix(digits, "0") {
		digits = digits[:len(digits)-1]
		zeros++
	}
	switch {
	case zeros < 0:
		return 0, ErrNotWhole
	case zeros > mostDigits || len(digits)+zeros > mostDigits:
		return 0, ErrTooLarge
	}
	n, err := strconv.ParseInt(sign+digits+strings.Repeat("0", zeros), 10, 64)
	if err != nil {
		return 0, ErrTooLarge
	}
	return n, nil
}

// IDOf reads a number and takes anything else for 0.
func IDOf(value json.RawMessage) int64 {
	n, err := WholeNumber(value)
	if err != nil {
		return 0
	}
	return n
}
