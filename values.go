package salebot

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/wire"
)

// ErrUnset says that a variable has no value.
var ErrUnset = errors.New("unset")

// ClientPrefix is the prefix of a name with which SaveVariables writes to the
// client's profile instead of the deal. GetVariables returns names without it.
const ClientPrefix = "client."

// ClientVariable returns the name with which SaveVariables writes a variable of
// the client's profile.
func ClientVariable(name string) string {
	if strings.HasPrefix(name, ClientPrefix) {
		return name
	}
	return ClientPrefix + name
}

// ValueError says that a variable is not of the type that was asked for. It wraps
// ErrUnset where the variable has no value.
type ValueError struct {
	// Type is what was asked for, such as "int64".
	Type string
	// Err is the cause.
	Err error
}

// Error names the type and the cause; it does not quote the value.
func (e *ValueError) Error() string { return "salebot: variable as " + e.Type + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Err }

var (
	errNotNumber = errors.New("not a number")
	errNotWhole  = errors.New("not a whole number of 64 bits")
	errNotYesNo  = errors.New("neither yes nor no")
)

// set returns the value as trimmed text, or ErrUnset.
func (v Value) set(kind string) (string, error) {
	text := strings.TrimSpace(v.Text())
	if wire.IsUnset(text) {
		return "", &ValueError{kind, ErrUnset}
	}
	return text, nil
}

// Int64 returns a whole number, which may come as text. It never passes through a
// float. A number with a fraction of zeros counts as whole.
func (v Value) Int64() (int64, error) {
	const kind = "int64"
	text, err := v.whole(kind)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &ValueError{kind, errNotWhole}
	}
	return n, nil
}

// whole returns a whole number as the text of it, without grouping and without a
// fraction of zeros.
func (v Value) whole(kind string) (string, error) {
	text, err := v.set(kind)
	if err != nil {
		return "", err
	}
	text = withoutGrouping(text)
	if whole, fraction, found := strings.Cut(text, "."); found && fraction != "" && strings.Trim(fraction, "0") == "" {
		text = whole
	}
	return text, nil
}

// Float64 returns a number, which may come as text and with a comma instead of
// the point.
func (v Value) Float64() (float64, error) {
	const kind = "float64"
	text, err := v.set(kind)
	if err != nil {
		return 0, err
	}
	text = withoutGrouping(text)
	if strings.Count(text, ",") == 1 && !strings.Contains(text, ".") {
		text = strings.Replace(text, ",", ".", 1)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(text, "xXpP_") {
		return 0, &ValueError{kind, errNotNumber}
	}
	return f, nil
}

// withoutGrouping takes out the blanks by which people group digits.
func withoutGrouping(text string) string {
	return strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "").Replace(text)
}

// Bool returns yes or no: true, 1, yes, on, да or false, 0, no, off, нет, in any
// case.
func (v Value) Bool() (bool, error) {
	const kind = "bool"
	text, err := v.set(kind)
	if err != nil {
		return false, err
	}
	switch strings.ToLower(text) {
	case "true", "1", "yes", "on", "да":
		return true, nil
	case "false", "0", "no", "off", "нет":
		return false, nil
	}
	return false, &ValueError{kind, errNotYesNo}
}

// Time returns a time that is written in a layout of the package time, in a
// location: Salebot's dates have no zone. A nil location means UTC.
func (v Value) Time(layout string, location *time.Location) (time.Time, error) {
	const kind = "time"
	text, err := v.set(kind)
	if err != nil {
		return time.Time{}, err
	}
	if location == nil {
		location = time.UTC
	}
	at, err := time.ParseInLocation(layout, text, location)
	if err != nil {
		return time.Time{}, &ValueError{kind, fmt.Errorf("not in the layout %q", layout)}
	}
	return at, nil
}

// String returns the value as text; see Text.
func (v Value) String() string { return v.Text() }

// String returns the variables as a JSON object.
func (v Variables) String() string {
	if v.object == nil {
		return "{}"
	}
	return string(v.object)
}
