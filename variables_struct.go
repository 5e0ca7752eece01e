package salebot

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/tag"
	"github.com/salebot-go/salebot/internal/wire"
)

// Decode writes the variables into the fields of a struct that have a tag:
//
//	type Profile struct {
//		Phone string    `salebot:"phone"`
//		Age   *int      `salebot:"age"`
//		Paid  bool      `salebot:"оплачено"`
//		Until time.Time `salebot:"until,layout=02.01.2006"`
//		Sum   float64   `salebot:"sum,order"`
//	}
//
// Fields may be text, numbers, flags, a Date (dd.mm.yyyy, as the constructor writes its
// own dates), times with a layout in the tag, types with UnmarshalText, and pointers to
// these. A variable that is missing or unset leaves its field as it is. The prefix
// "client." and the option order of a tag are for EncodeVariables only: names come without
// a prefix. Times are read in UTC; DecodeIn takes another location, and StructVariables
// keeps one for both ways.
//
// All fields that can be read are written. The error is a VariablesError, which names
// all variables that cannot be.
func (v Variables) Decode(target any) error { return v.DecodeIn(time.UTC, target) }

// DecodeIn is Decode for times that were written in a location.
func (v Variables) DecodeIn(location *time.Location, target any) error {
	pointer := reflect.ValueOf(target)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() || pointer.Elem().Kind() != reflect.Struct {
		return invalid("target", "must be a pointer to a struct")
	}
	fields, err := variableFields(pointer.Elem().Type())
	if err != nil {
		return err
	}
	values := maps.Collect(v.All())
	var unread []VariableError
	for _, field := range fields {
		value := values[field.Name]
		if value.IsUnset() {
			continue
		}
		if err := (*variableField)(&field).set(pointer.Elem().FieldByIndex(field.Index), value, location); err != nil {
			unread = append(unread, VariableError{Name: field.Name, Err: err})
		}
	}
	if len(unread) > 0 {
		return &VariablesError{Variables: unread}
	}
	return nil
}

// VariablesError is the error of Variables.Decode: some variables do not fit their
// fields.
type VariablesError struct {
	// Variables are those that do not fit, in the order of the fields.
	Variables []VariableError
}

// VariableError says why a variable does not fit its field.
type VariableError struct {
	// Name is the name of the variable, without a prefix.
	Name string
	// Err is the cause, usually a ValueError.
	Err error
}

// Error names all variables and causes; it does not quote their values.
func (e *VariablesError) Error() string {
	problems := make([]string, len(e.Variables))
	for i, v := range e.Variables {
		problems[i] = v.Name + ": " + strings.TrimPrefix(v.Err.Error(), "salebot: ")
	}
	return "salebot: " + strings.Join(problems, "; ")
}

// Unwrap returns the causes.
func (e *VariablesError) Unwrap() []error {
	causes := make([]error, len(e.Variables))
	for i, v := range e.Variables {
		causes[i] = v.Err
	}
	return causes
}

// EncodeVariables returns the fields of a struct that have a tag as variables for
// SaveVariables and the callbacks; see Variables.Decode. They go to the client: their
// names get the prefix "client.", so that GetVariables returns them and Decode reads
// what was written. Fields with the option order in their tag go to the current deal
// and have no prefix: GetOrderVariables returns them, GetVariables perhaps not.
//
// Pointers that are nil are left out, and so are zero values of fields with the
// option omitempty. Times are written in UTC, as Decode reads them;
// EncodeVariablesIn takes another location. A time loses what its layout does not show,
// such as the seconds; a zero time or Date is written as an empty text. What would come
// back as something else is refused: a text that is read as no value, such as "None" or a
// pointer to "", and a time of another year, such as 1950 in a layout with two digits.
func EncodeVariables(source any) (map[string]any, error) {
	return EncodeVariablesIn(time.UTC, source)
}

// EncodeVariablesIn is EncodeVariables with times written in a location.
func EncodeVariablesIn(location *time.Location, source any) (map[string]any, error) {
	return encodeVariables(location, source, func(f *variableField) (string, error) {
		if f.Order {
			return f.Name, nil
		}
		return ClientPrefix + f.Name, nil
	})
}

// EncodeOrderVariables returns the fields of a struct that have a tag as variables for
// SetOrderVariables, which writes to a deal. The names have no prefix, with or without
// the option order. A field whose tag says client. is refused. Otherwise it is like
// EncodeVariablesIn; a nil location means UTC.
func EncodeOrderVariables(location *time.Location, source any) (map[string]any, error) {
	return encodeVariables(location, source, func(f *variableField) (string, error) {
		if f.Client {
			return "", invalid(f.Field, `has the prefix "client." in its tag, and cannot go to a deal`)
		}
		return f.Name, nil
	})
}

func encodeVariables(location *time.Location, source any, nameOf func(*variableField) (string, error)) (map[string]any, error) {
	if location == nil {
		location = time.UTC
	}
	value := reflect.ValueOf(source)
	for value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if value.Kind() != reflect.Struct {
		return nil, invalid("source", "must be a struct or a pointer to one")
	}
	fields, err := variableFields(value.Type())
	if err != nil {
		return nil, err
	}
	variables := make(map[string]any, len(fields))
	for _, field := range fields {
		f := (*variableField)(&field)
		name, err := nameOf(f)
		if err != nil {
			return nil, err
		}
		encoded, ok, err := f.get(value.FieldByIndex(f.Index), location)
		if err == nil && ok {
			err = f.checkText(value.FieldByIndex(f.Index), encoded)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if ok {
			variables[name] = encoded
		}
	}
	return variables, nil
}

// variableField is one field of a user's struct.
type variableField tag.Field

// variableFields returns the fields of a user's struct.
func variableFields(structure reflect.Type) ([]tag.Field, error) {
	fields, err := tag.Fields(structure)
	if problem, ok := errors.AsType[*tag.FieldError](err); ok {
		return nil, invalid(problem.Field, problem.Problem)
	}
	return fields, err
}

// checkText refuses a text that would not be read back.
func (f *variableField) checkText(source reflect.Value, encoded any) error {
	value := reflect.ValueOf(encoded)
	if value.Kind() != reflect.String {
		return nil
	}
	text := strings.TrimSpace(value.String())
	switch {
	case !wire.IsUnset(text):
	case text != "":
		return invalid(f.Field, "is a word that stands for no value, and would not be read back")
	case source.Kind() == reflect.Pointer, value.String() != "":
		return invalid(f.Field, "is an empty text that would not be read back: to blank the variable, save nil")
	}
	return nil
}

// set writes a value into a field.
func (f *variableField) set(target reflect.Value, value Value, location *time.Location) error {
	if target.Kind() == reflect.Pointer {
		fresh := reflect.New(target.Type().Elem())
		if err := f.set(fresh.Elem(), value, location); err != nil {
			return err
		}
		target.Set(fresh)
		return nil
	}
	if target.Type() == reflect.TypeFor[time.Time]() {
		at, err := value.Time(f.Layout, location)
		if err == nil {
			target.Set(reflect.ValueOf(at))
		}
		return err
	}
	if reader, ok := reflect.TypeAssert[encoding.TextUnmarshaler](target.Addr()); ok {
		return reader.UnmarshalText([]byte(value.Text()))
	}
	return setPlain(target, value)
}

// setPlain writes text, a number or a flag into a field.
func setPlain(target reflect.Value, value Value) error {
	switch target.Kind() {
	case reflect.String:
		target.SetString(value.Text())
		return nil
	case reflect.Bool:
		flag, err := value.Bool()
		if err == nil {
			target.SetBool(flag)
		}
		return err
	case reflect.Float32, reflect.Float64:
		return setFloat(target, value)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return setUint(target, value)
	default:
		return setInt(target, value)
	}
}

func setFloat(target reflect.Value, value Value) error {
	number, err := value.Float64()
	if err != nil {
		return err
	}
	if target.Kind() == reflect.Float32 && math.IsInf(float64(float32(number)), 0) {
		return &ValueError{target.Type().String(), errNotNumber}
	}
	target.SetFloat(number)
	return nil
}

func setUint(target reflect.Value, value Value) error {
	text, err := value.whole(target.Type().String())
	if err != nil {
		return err
	}
	number, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 10, 64)
	if err != nil || target.OverflowUint(number) {
		return &ValueError{target.Type().String(), errNotWhole}
	}
	target.SetUint(number)
	return nil
}

func setInt(target reflect.Value, value Value) error {
	number, err := value.Int64()
	if err != nil {
		return err
	}
	if target.OverflowInt(number) {
		return &ValueError{target.Type().String(), errNotWhole}
	}
	target.SetInt(number)
	return nil
}

// get reads a field; ok is false if it is to be left out.
func (f *variableField) get(source reflect.Value, location *time.Location) (encoded any, ok bool, err error) {
	if source.Kind() == reflect.Pointer {
		if source.IsNil() {
			return nil, false, nil
		}
		return f.get(source.Elem(), location)
	}
	if f.OmitEmpty && source.IsZero() {
		return nil, false, nil
	}
	if at, isTime := reflect.TypeAssert[time.Time](source); isTime {
		if at.IsZero() {
			return "", true, nil // none, as for a Date
		}
		text, err := f.format(at.In(location), location)
		return text, err == nil, err
	}
	// The method may need a pointer, which a field of a copy does not have.
	pointer := reflect.New(source.Type())
	pointer.Elem().Set(source)
	if writer, isText := reflect.TypeAssert[encoding.TextMarshaler](pointer); isText {
		text, err := writer.MarshalText()
		return string(text), err == nil, err
	}
	if !tag.IsPlain(source.Kind()) {
		return nil, false, invalid(f.Name, "has no MarshalText")
	}
	return source.Interface(), true, nil
}

// format writes a time in its layout, which must not turn it into one of another year
// on its way back: 1950 as 50, or a year of five digits.
func (f *variableField) format(at time.Time, location *time.Location) (string, error) {
	text := at.Format(f.Layout)
	back, err := time.ParseInLocation(f.Layout, text, location)
	if showsYear := strings.Contains(f.Layout, "06"); err != nil || showsYear && back.Year() != at.Year() {
		return "", invalid(f.Field, "is a time that would come back as another year, or not at all: change the layout in its tag")
	}
	return text, nil
}

// VariablesOf returns variables as GetVariables would: a fake answer for a test. It takes
// what SaveVariables takes, so it can be fed with what EncodeVariables returns: a prefix
// "client." of a name is taken off, as Salebot does. Values are texts, numbers, flags,
// nil, and what json encodes as one of these.
func VariablesOf(variables map[string]any) (Variables, error) {
	var o wire.Object
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		field := "Variables[" + strconv.Quote(name) + "]"
		short := strings.TrimPrefix(name, ClientPrefix)
		switch {
		case short == "":
			return Variables{}, invalid(field, "has an empty name")
		case seen[short]:
			return Variables{}, invalid(field, "is there with and without the prefix of the client; GetVariables returns only one of them")
		}
		value, err := wire.Marshal(variables[name])
		switch {
		case err != nil:
			return Variables{}, invalid(field, "cannot be encoded as JSON")
		case value[0] == '{' || value[0] == '[':
			return Variables{}, invalid(field, "is neither a text nor a number, a flag or nil, as variables are")
		}
		seen[short] = true
		o.Raw(short, value)
	}
	return Variables{object: o.Bytes()}, nil
}

// StructVariables writes structs of one type as variables and reads them back, with one
// location for both, so that what was written comes back equal. Make it with
// VariablesFor. The zero value works in UTC, and does not know yet whether T is right.
//
//	profiles, err := salebot.VariablesFor[Profile](moscow)
//	...
//	variables, err := profiles.Encode(profile)
//	_, err = client.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: id, Variables: variables})
//	...
//	read, err := client.GetVariables(ctx, id)
//	profile, err := profiles.Decode(read)
type StructVariables[T any] struct{ location *time.Location }

// VariablesFor checks the tags of a struct, see Variables.Decode, and returns what writes
// and reads it. The location is that in which the times of its variables are written; nil
// means UTC.
func VariablesFor[T any](location *time.Location) (StructVariables[T], error) {
	var target T
	s := StructVariables[T]{location}
	return s, Variables{}.DecodeIn(s.in(), &target)
}

func (s StructVariables[T]) in() *time.Location {
	if s.location == nil {
		return time.UTC
	}
	return s.location
}

// Encode returns the variables for SaveVariables and the callbacks; see EncodeVariables.
func (s StructVariables[T]) Encode(source T) (map[string]any, error) {
	return EncodeVariablesIn(s.in(), source)
}

// EncodeOrder returns the variables for SetOrderVariables; see EncodeOrderVariables.
func (s StructVariables[T]) EncodeOrder(source T) (map[string]any, error) {
	return EncodeOrderVariables(s.in(), source)
}

// Decode reads what GetVariables or GetOrderVariables has returned. The error is a
// VariablesError, which names all variables that do not fit; the others are read.
func (s StructVariables[T]) Decode(variables Variables) (target T, err error) {
	err = variables.DecodeIn(s.in(), &target)
	return target, err
}
