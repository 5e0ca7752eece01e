package text

import "strings"

// PhoneNumber returns the digits of a phone number, with the code of the country, by
// the rules that the documentation of NormalizePhone in package salebot lists. ok is
// false if the text is not a phone number.
func PhoneNumber(phone string) (digits string, ok bool) {
	digits, whole := phoneDigits(phone)
	if strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	if !whole {
		digits = withCountryCode(digits)
	}
	if len(digits) < 8 || len(digits) > 15 || digits[0] == '0' {
		return "", false
	}
	return digits, true
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
