package salebot

import (
	"errors"
	"strings"
)

// ErrNotPhone says that a text is not a phone number.
var ErrNotPhone = errors.New(prefix + "not a phone number")

// NormalizePhone writes a phone number the way Salebot keeps it: digits only,
// beginning with the code of the country. The rules, in this order:
//
//  1. the endings @s.whatsapp.net and @c.us, and the beginnings tel: and
//     whatsapp:, are taken off; before such an ending stands a whole number;
//  2. "(0)", a trunk zero, is taken out, and so are spaces, dashes, dots, slashes
//     and parentheses;
//  3. a leading + or 00 is taken off, and what follows is the whole number;
//  4. without any of these, 11 digits that begin with 8 begin with 7 instead, and 10
//     digits that begin with 9 get a 7 in front (Russia and Kazakhstan);
//  5. 8 to 15 digits must remain, the first of them not 0.
//
// Anything else is ErrNotPhone, whose text does not quote the number.
func NormalizePhone(phone string) (string, error) {
	digits, whole := phoneDigits(phone)
	if strings.Trim(digits, "0123456789") != "" {
		return "", ErrNotPhone
	}
	if !whole {
		digits = withCountryCode(digits)
	}
	if len(digits) < 8 || len(digits) > 15 || digits[0] == '0' {
		return "", ErrNotPhone
	}
	return digits, nil
}

// phoneDigits follows the rules 1 to 3. whole says that nothing is missing in front.
func phoneDigits(phone string) (digits string, whole bool) {
	text := strings.TrimSpace(strings.ToLower(phone))
	for _, prefix := range []string{"tel:", "whatsapp:"} {
		text = strings.TrimPrefix(text, prefix)
	}
	for _, suffix := range []string{"@s.whatsapp.net", "@c.us"} {
		var ok bool
		text, ok = strings.CutSuffix(text, suffix)
		whole = whole || ok
	}
	// The trunk zero that some write next to the code of the country.
	text = strings.Replace(text, "(0)", "", 1)
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \u00a0\u2009\u202f\t-\u2010\u2011\u2012\u2013\u2212./()", r) {
			return -1
		}
		return r
	}, text)
	digits, international := strings.CutPrefix(text, "+")
	if !international {
		digits, international = strings.CutPrefix(text, "00")
	}
	return digits, international || whole
}

// withCountryCode is rule 4.
func withCountryCode(digits string) string {
	switch {
	case len(digits) == 11 && digits[0] == '8':
		return "7" + digits[1:]
	case len(digits) == 10 && digits[0] == '9':
		return "7" + digits
	}
	return digits
}
