package salebot

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/wire"
)

// Variables are the variables of a client or of a deal as Salebot returned them. They
// stay the JSON that came until one is asked for. The zero value has none.
//
// A variable belongs to a client or to one of the client's deals. SaveVariables and
// the callbacks write to the client under a name with the prefix "client.", and to
// the current deal under any other name. GetVariables returns the variables of the
// client without the prefix, and perhaps those of the deal as well, which
// GetOrderVariables returns for certain. If both have a variable of one name,
// GetVariables can return only one of them.
type Variables struct{ object []byte }

// Value is one variable: text, a number, or null, as JSON. The zero value is
// null.
type Value struct{ raw []byte }

// Get returns the variable of a name; ok is false if there is none.
func (v Variables) Get(name string) (value Value, ok bool) {
	for key, candidate := range v.All() {
		if key == name {
			value, ok = candidate, true
		}
	}
	return value, ok
}

// Text returns the variable of a name as text, "" if there is none or it has no
// value; see Value.Text.
func (v Variables) Text(name string) string {
	value, _ := v.Get(name)
	return value.Text()
}

// All yields the names and values in the order in which they came.
func (v Variables) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		// The object was checked when it came, if there is one.
		for key, value := range wire.Pairs(v.object) {
			if !yield(key, Value{raw: value}) {
				return
			}
		}
	}
}

var errNotObject = errors.New("variables: want an object")

// Len counts the variables.
func (v Variables) Len() int {
	n := 0
	for range v.All() {
		n++
	}
	return n
}

// Raw returns the JSON object; it is nil if there are none.
func (v Variables) Raw() json.RawMessage { return v.object }

// MarshalJSON returns the JSON object.
func (v Variables) MarshalJSON() ([]byte, error) {
	if v.object == nil {
		return []byte("{}"), nil
	}
	return v.object, nil
}

// UnmarshalJSON takes an object, null, or the empty array that stands for an
// empty object.
func (v *Variables) UnmarshalJSON(value []byte) error {
	if wire.IsNull(value) || value[0] == '[' && len(wire.Trim(value[1:])) == 1 {
		*v = Variables{}
		return nil
	}
	if value[0] != '{' {
		return errNotObject
	}
	v.object = bytes.Clone(value)
	return nil
}

// Text returns the value as text: text as it is, and a number by its digits. It is ""
// for null and for the words that mean that a variable has no value, see IsUnset. Raw
// keeps the word.
func (v Value) Text() string {
	text, _ := wire.LooseText(v.raw)
	if wire.IsUnset(strings.TrimSpace(text)) && strings.TrimSpace(text) != "" {
		return ""
	}
	return text
}

// IsUnset reports whether the value is null, empty, or one of the words by which
// Salebot says that a variable has no value: None, NONE, none, null, NULL, undefined.
func (v Value) IsUnset() bool { return v.Text() == "" }

// Raw returns the JSON of the value, as it came.
func (v Value) Raw() json.RawMessage { return v.raw }

// SaveVariablesRequest says which variables to write, and to whom.
type SaveVariablesRequest struct {
	// ClientID is the client to write to. Either it or Clients has to be set.
	ClientID ClientID
	// Clients are the clients to write to, for many at once.
	Clients []ClientID
	// Variables are the names and values. A name with the prefix "client." writes
	// to the client, any other to the current deal; nil blanks a variable. Salebot
	// keeps values as text. Whether GetVariables returns the variables of the deal
	// is not certain; those of the client it returns, without the prefix.
	Variables map[string]any
}

func (r *SaveVariablesRequest) encode(*settings) (payload, error) {
	var o wire.Object
	switch {
	case r.ClientID != 0 && len(r.Clients) > 0:
		return payload{}, invalid("Clients", "cannot be combined with ClientID")
	case r.ClientID != 0:
		if err := requireClient("ClientID", r.ClientID); err != nil {
			return payload{}, err
		}
		o.Int("client_id", int64(r.ClientID))
	case len(r.Clients) > 0:
		if err := putClientIDs(&o, "clients", "Clients", r.Clients); err != nil {
			return payload{}, err
		}
	default:
		return payload{}, invalid("ClientID", "is required, unless Clients is set")
	}
	if len(r.Variables) == 0 {
		return payload{}, invalid("Variables", "is empty")
	}
	var variables wire.Object
	if err := putVariables(&variables, nil, r.Variables); err != nil {
		return payload{}, err
	}
	o.Raw("variables", variables.Bytes())
	return payload{body: o.Bytes()}, nil
}

// SaveVariables writes variables of one or of many clients.
//
// Salebot action: save_variables. Class: Idempotent. Answer: observed (the text
// "ok"). Errors: ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) SaveVariables(ctx context.Context, request SaveVariablesRequest, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "save_variables", opts, request.encode)
}

// GetVariables reads the variables of a client at this moment.
//
// Salebot action: get_variables. Class: Read. Answer: observed (an object of
// names and values, in which a variable called "status" is a variable). Errors:
// ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) GetVariables(ctx context.Context, client ClientID, opts ...CallOption) (Variables, error) {
	return call(ctx, c, "get_variables", opts, clientQuery(client), func(body []byte, _ *settings) (Variables, error) {
		if verdict := answer.Success(body, action.Flat); verdict.Kind != answer.Accepted {
			return Variables{}, verdict
		}
		var v Variables
		err := v.UnmarshalJSON(wire.Body(body))
		return v, err
	})
}

// clientQuery encodes the query of an action that needs a client only.
func clientQuery(client ClientID) encoder {
	return func(*settings) (payload, error) { return clientQueryOf("client", client) }
}

func clientQueryOf(field string, client ClientID) (payload, error) {
	if err := requireClient(field, client); err != nil {
		return payload{}, err
	}
	return payload{query: url.Values{"client_id": {strconv.FormatInt(int64(client), 10)}}}, nil
}

// putVariables adds variables in the order of their names. The names that
// reserved takes are refused.
func putVariables(o *wire.Object, reserved *action.Row, variables map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		field := "Variables[" + strconv.Quote(name) + "]"
		if name == "" {
			return invalid(field, "has an empty name")
		}
		if reserved != nil && reserved.Takes(name) {
			return invalid(field, "has the name of a parameter of "+reserved.Name)
		}
		if err := checkVariable(field, name, variables[name]); err != nil {
			return err
		}
		if err := o.Any(name, variables[name]); err != nil {
			return invalid(field, "cannot be encoded as JSON")
		}
	}
	return nil
}

// checkVariable refuses values of which JSON would make something that nobody means.
func checkVariable(field, name string, value any) error {
	if err := checkText(field, name); err != nil {
		return err
	}
	switch value := value.(type) {
	case string:
		return checkText(field, value)
	case []byte:
		return invalid(field, "is bytes, which JSON writes in base64: make it a string")
	case json.Marshaler, encoding.TextMarshaler:
	case error:
		return invalid(field, "is an error, of which JSON writes nothing: take its text")
	}
	return nil
}

// ErrUnset says that a variable has no value.
var ErrUnset = errors.New(prefix + "unset")

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
// ErrUnset if the variable has no value.
type ValueError struct {
	// Type is what was asked for, such as "int64".
	Type string
	// Err is the cause.
	Err error
}

// Error names the type and the cause; it does not quote the value.
func (e *ValueError) Error() string { return prefix + "variable as " + e.Type + ": " + bare(e.Err) }

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
// float. A number with a fraction of zeros, or with an exponent, counts as whole if it is.
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
	if digits, err := wire.Whole([]byte(text)); err == nil && strings.ContainsAny(text, "eE") {
		text = string(digits)
	}
	return text, nil
}

// Float64 returns a number, which may come as text and with a decimal comma.
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
	if flag, known, err := wire.Flag(wire.AppendText(nil, text)); err == nil && known {
		return flag, nil
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

// Date returns a day that is written as the constructor writes its own dates:
// dd.mm.yyyy.
func (v Value) Date() (Date, error) {
	const kind = "date"
	text, err := v.set(kind)
	if err != nil {
		return Date{}, err
	}
	var day Date
	if err := day.UnmarshalText([]byte(text)); err != nil {
		return Date{}, &ValueError{kind, errNoDay}
	}
	return day, nil
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
