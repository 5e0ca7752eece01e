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
//	}
//
// Fields may be text, numbers, flags, times (with a layout in the tag), types with
// UnmarshalText, and pointers to these. A variable that is missing or unset
// leaves its field as it is. The prefix "client." in a tag is ignored here, since
// GetVariables returns names without it. Times are read in UTC; DecodeIn takes
// another location.
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
	for _, field := range fields {
		value, ok := values[strings.TrimPrefix(field.name, ClientPrefix)]
		if !ok || value.IsUnset() {
			continue
		}
		if err := field.set(pointer.Elem().FieldByIndex(field.index), value, location); err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
	}
	return nil
}

// EncodeVariables returns the fields of a struct that have a tag as variables for
// SaveVariables; see Variables.Decode. Pointers that are nil are left out, and so
// are zero values of fields with the option omitempty. Times are written in their
// own location.
func EncodeVariables(source any) (map[string]any, error) {
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
		if encoded, ok, err := field.get(value.FieldByIndex(field.index)); err != nil {
			return nil, fmt.Errorf("%s: %w", field.name, err)
		} else if ok {
			variables[field.name] = encoded
		}
	}
	return variables, nil
}

// variableField is one field of a user's struct.
type variableField struct {
	name      string
	layout    string
	omitEmpty bool
	index     []int
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
		f := variableField{index: field.Index}
		name, options, _ := strings.Cut(tag, ",")
		f.name = name
		for option := range strings.SplitSeq(options, ",") {
			layout, isLayout := strings.CutPrefix(option, "layout=")
			switch {
			case isLayout:
				f.layout = layout
			case option == "omitempty":
				f.omitEmpty = true
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

// isPlain says whether values of a kind are text, numbers or flags.
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
	switch target.Kind() {
	case reflect.String:
		target.SetString(value.Text())
	case reflect.Bool:
		flag, err := value.Bool()
		if err != nil {
			return err
		}
		target.SetBool(flag)
	case reflect.Float32, reflect.Float64:
		number, err := value.Float64()
		if err != nil {
			return err
		}
		if target.Kind() == reflect.Float32 && math.IsInf(float64(float32(number)), 0) {
			return &ValueError{target.Type().String(), errNotNumber}
		}
		target.SetFloat(number)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		text, err := value.whole(target.Type().String())
		if err != nil {
			return err
		}
		number, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 10, 64)
		if err != nil || target.OverflowUint(number) {
			return &ValueError{target.Type().String(), errNotWhole}
		}
		target.SetUint(number)
	default:
		number, err := value.Int64()
		if err != nil {
			return err
		}
		if target.OverflowInt(number) {
			return &ValueError{target.Type().String(), errNotWhole}
		}
		target.SetInt(number)
	}
	return nil
}

// get reads a field; ok is false where it is to be left out.
func (f *variableField) get(source reflect.Value) (encoded any, ok bool, err error) {
	if source.Kind() == reflect.Pointer {
		if source.IsNil() {
			return nil, false, nil
		}
		return f.get(source.Elem())
	}
	if f.omitEmpty && source.IsZero() {
		return nil, false, nil
	}
	if at, isTime := reflect.TypeAssert[time.Time](source); isTime {
		return at.Format(f.layout), true, nil
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
