package salebot

import (
	"encoding"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/salebot-go/salebot/internal/wire"
)

// tagName is the struct tag that names the variable of a field.
const tagName = "salebot"

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
// these. A variable that is missing or unset
// leaves its field as it is. The prefix "client." and the option order of a tag are
// for EncodeVariables only: names come without a prefix. Times are read in UTC;
// DecodeIn takes another location, and StructVariables keeps one for both ways.
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
		value, ok := values[field.name]
		if !ok || value.IsUnset() {
			continue
		}
		if err := field.set(pointer.Elem().FieldByIndex(field.index), value, location); err != nil {
			unread = append(unread, VariableError{Name: field.name, Err: err})
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
// such as the seconds. What would come back as something else is refused: a text that is
// read as no value, such as "None" or a pointer to "", and a time of another year, such
// as 1950 in a layout with two digits.
func EncodeVariables(source any) (map[string]any, error) {
	return EncodeVariablesIn(time.UTC, source)
}

// EncodeVariablesIn is EncodeVariables with times written in a location.
func EncodeVariablesIn(location *time.Location, source any) (map[string]any, error) {
	return encodeVariables(location, source, func(f *variableField) (string, error) {
		if f.order {
			return f.name, nil
		}
		return ClientPrefix + f.name, nil
	})
}

// EncodeOrderVariables returns the fields of a struct that have a tag as variables for
// SetOrderVariables, which writes to a deal. The names have no prefix, with or without
// the option order. A field whose tag says client. is refused. Otherwise it is like
// EncodeVariablesIn; a nil location means UTC.
func EncodeOrderVariables(location *time.Location, source any) (map[string]any, error) {
	return encodeVariables(location, source, func(f *variableField) (string, error) {
		if f.client {
			return "", invalid(f.field, `has the prefix "client." in its tag, and cannot go to a deal`)
		}
		return f.name, nil
	})
}

func encodeVariables(location *time.Location, source any, nameOf func(*variableField) (string, error)) (map[string]any, error) {
	if location == nil {
		location = time.UTC
	}
	value := reflect.ValueOf(source)
	for value.Kind() == reflect.Pointer && !value.IsNil() {
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
		name, err := nameOf(&field)
		if err != nil {
			return nil, err
		}
		encoded, ok, err := field.get(value.FieldByIndex(field.index), location)
		if err == nil && ok {
			err = field.checkText(value.FieldByIndex(field.index), encoded)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field.name, err)
		}
		if ok {
			variables[name] = encoded
		}
	}
	return variables, nil
}

// variableField is one field of a user's struct.
type variableField struct {
	// field is its name in the struct, name that of the variable without a prefix.
	field, name string
	layout      string
	omitEmpty   bool
	// client says that the tag has the prefix of the client, order that the variable
	// belongs to the deal.
	client, order bool
	index         []int
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
		return invalid(f.field, "is a word that stands for no value, and would not be read back")
	case source.Kind() == reflect.Pointer, value.String() != "":
		return invalid(f.field, "is an empty text that would not be read back: to blank the variable, save nil")
	}
	return nil
}

var variableFieldsOf sync.Map // reflect.Type → []variableField

func variableFields(structure reflect.Type) ([]variableField, error) {
	if known, ok := variableFieldsOf.Load(structure); ok {
		return known.([]variableField), nil
	}
	var fields []variableField
	for _, field := range reflect.VisibleFields(structure) {
		tag, ok := field.Tag.Lookup(tagName)
		if !ok || tag == "-" {
			continue
		}
		f := variableField{field: field.Name, index: field.Index}
		name, options, _ := strings.Cut(tag, ",")
		f.name, f.client = strings.CutPrefix(name, ClientPrefix)
		for option := range strings.SplitSeq(options, ",") {
			layout, isLayout := strings.CutPrefix(option, "layout=")
			switch {
			case isLayout:
				f.layout = layout
			case option == "omitempty":
				f.omitEmpty = true
			case option == "order":
				f.order = true
			case option != "":
				return nil, invalid(field.Name, "has the unknown tag option "+strconv.Quote(option))
			}
		}
		for depth := 1; depth < len(field.Index); depth++ {
			if structure.FieldByIndex(field.Index[:depth]).Type.Kind() == reflect.Pointer {
				return nil, invalid(field.Name, "is in a struct that is embedded as a pointer")
			}
		}
		if problem := f.problem(field); problem != "" {
			return nil, invalid(field.Name, problem)
		}
		if slices.ContainsFunc(fields, func(other variableField) bool { return other.name == f.name }) {
			return nil, invalid(field.Name, "has the variable of another field")
		}
		fields = append(fields, f)
	}
	variableFieldsOf.Store(structure, fields)
	return fields, nil
}

func (f *variableField) problem(field reflect.StructField) string {
	kind := field.Type
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch {
	case f.name == "":
		return "has a tag without a name"
	case f.client && f.order:
		return "has a tag with the prefix of the client and the option order"
	case !field.IsExported():
		return "is not exported"
	case kind == reflect.TypeFor[time.Time]() && f.layout == "":
		return "is a time, whose tag needs a layout"
	}
	if kind == reflect.TypeFor[time.Time]() || reflect.PointerTo(kind).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return ""
	}
	if !isPlain(kind.Kind()) {
		return "is of a type that no variable has"
	}
	return ""
}

// isPlain reports whether values of a kind are text, numbers or flags.
func isPlain(kind reflect.Kind) bool {
	switch kind { //nolint:exhaustive // these are all
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
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
		at, err := value.Time(f.layout, location)
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
	if f.omitEmpty && source.IsZero() {
		return nil, false, nil
	}
	if at, isTime := reflect.TypeAssert[time.Time](source); isTime {
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
	if !isPlain(source.Kind()) {
		return nil, false, invalid(f.name, "has no MarshalText")
	}
	return source.Interface(), true, nil
}

// format writes a time in its layout, which must not turn it into one of another year
// on its way back: 1950 as 50, or a year of five digits.
func (f *variableField) format(at time.Time, location *time.Location) (string, error) {
	text := at.Format(f.layout)
	back, err := time.ParseInLocation(f.layout, text, location)
	if showsYear := strings.Contains(f.layout, "06"); err != nil || showsYear && back.Year() != at.Year() {
		return "", invalid(f.field, "is a time that would come back as another year, or not at all: change the layout in its tag")
	}
	return text, nil
}
