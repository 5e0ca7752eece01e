package emulator

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

var (
	errNotWhole = errors.New("is not a whole number")
	errTooLarge = errors.New("is a number beyond 64 bits")
)

// wholeNumber reads a number that has no fraction, or a text that is one: 5, "5",
// 5.0, "5e0". It never passes through a float. Null and the words for "unset"
// give 0.
func wholeNumber(value json.RawMessage) (int64, error) {
	if n, err := wire.Int(value); err == nil {
		return n, nil
	}
	text, err := wire.Text(value)
	if err != nil {
		return 0, errNotWhole
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
			return 0, errNotWhole
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
		return 0, errNotWhole
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
		return 0, errNotWhole
	case zeros > mostDigits || len(digits)+zeros > mostDigits:
		return 0, errTooLarge
	}
	n, err := strconv.ParseInt(sign+digits+strings.Repeat("0", zeros), 10, 64)
	if err != nil {
		return 0, errTooLarge
	}
	return n, nil
}

// idOf reads a number where anything else counts as none.
func idOf(value json.RawMessage) int64 {
	n, err := wholeNumber(value)
	if err != nil {
		return 0
	}
	return n
}

// optionalID returns a parameter that is the number of something, 0 where it was
// not given.
func (c *call) optionalID(name string) (int64, *reply) {
	n, err := c.parameters.number(name, 0)
	if err != nil {
		return 0, new(c.project.invalid(err.Error()))
	}
	if text := c.parameters.text(name); wire.IsUnset(text) && text != "" {
		c.parameters.notef("%s is %s, which is what a variable without a value holds", name, shown(text))
	}
	return n, nil
}

// id is optionalID for a parameter that has to be given.
func (c *call) id(name string) (int64, *reply) {
	if c.parameters.raw(name) == nil {
		return 0, new(c.project.required(name))
	}
	return c.optionalID(name)
}

// positiveID is id for what cannot be looked up, so that only its sign can tell.
func (c *call) positiveID(name string) (int64, *reply) {
	n, problem := c.id(name)
	if problem == nil && n <= 0 {
		problem = new(c.project.invalid(name + " is not a positive number"))
	}
	return n, problem
}

// ids returns a list of numbers. What is none is left out, with a remark; where
// nothing is left it is refused.
func (c *call) ids(name string) ([]int64, *reply) {
	values := c.parameters.values(name)
	if len(values) == 0 {
		return nil, new(c.project.required(name))
	}
	var ids []int64
	var skipped []string
	for _, value := range values {
		if n, err := wholeNumber(value); err == nil && n != 0 {
			ids = append(ids, n)
			continue
		}
		text, _ := wire.LooseText(value)
		skipped = append(skipped, shown(text))
	}
	c.parameters.noteSkipped(name, skipped, "not a whole number")
	if len(ids) == 0 {
		return nil, new(c.project.invalid(name + ": " + skipped[0] + " " + errNotWhole.Error()))
	}
	return ids, nil
}

// known returns the clients of numbers, with a remark about those that are none.
func (c *call) known(name string, ids []int64) []*client {
	found := make([]*client, 0, len(ids))
	var skipped []string
	for _, id := range ids {
		if target := c.project.clients[id]; target != nil {
			found = append(found, target)
			continue
		}
		skipped = append(skipped, strconv.FormatInt(id, 10))
	}
	c.parameters.noteSkipped(name, skipped, "no client has the number")
	return found
}
