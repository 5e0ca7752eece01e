// Package tag reads which variables the fields of a struct are, from the tags of the
// fields.
package tag

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Key is the key of the tags.
const Key = "salebot"

// clientPrefix begins the name of a variable that belongs to the client.
const clientPrefix = "client."

// Field is one field of a struct.
type Field struct {
	// Field is its name in the struct, Name that of the variable without a prefix.
	Field, Name string
	// Layout is that of a time.
	Layout string
	// OmitEmpty leaves the field out if it is zero.
	OmitEmpty bool
	// Client says that the tag has the prefix of the client, Order that the variable
	// belongs to the deal.
	Client, Order bool
	// Index finds the field.
	Index []int
}

// FieldError says what is wrong with a field.
type FieldError struct{ Field, Problem string }

// Error names the field and the problem.
func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

var known sync.Map // reflect.Type → []Field

// Fields returns the fields of a struct that have a tag. The error is a FieldError.
func Fields(structure reflect.Type) ([]Field, error) {
	if found, ok := known.Load(structure); ok {
		return found.([]Field), nil
	}
	var fields []Field
	for _, field := range reflect.VisibleFields(structure) {
		tag, ok := field.Tag.Lookup(Key)
		if !ok || tag == "-" {
			continue
		}
		f := Field{Field: field.Name, Index: field.Index}
		name, options, _ := strings.Cut(tag, ",")
		f.Name, f.Client = strings.CutPrefix(name, clientPrefix)
		for option := range strings.SplitSeq(options, ",") {
			layout, isLayout := strings.CutPrefix(option, "layout=")
			switch {
			case isLayout:
				f.Layout = layout
			case option == "omitempty":
				f.OmitEmpty = true
			case option == "order":
				f.Order = true
			case option != "":
				return nil, &FieldError{field.Name, "has the unknown tag option " + strconv.Quote(option)}
			}
		}
		for depth := 1; depth < len(field.Index); depth++ {
			if structure.FieldByIndex(field.Index[:depth]).Type.Kind() == reflect.Pointer {
				return nil, &FieldError{field.Name, "is in a struct that is embedded as a pointer"}
			}
		}
		if problem := f.problem(field); problem != "" {
			return nil, &FieldError{field.Name, problem}
		}
		if slices.ContainsFunc(fields, func(other Field) bool { return other.Name == f.Name }) {
			return nil, &FieldError{field.Name, "has the variable of another field"}
		}
		fields = append(fields, f)
	}
	known.Store(structure, fields)
	return fields, nil
}

func (f *Field) problem(field reflect.StructField) string {
	kind := field.Type
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch {
	case f.Name == "":
		return "has a tag without a name"
	case f.Client && f.Order:
		return "has a tag with the prefix of the client and the option order"
	case !field.IsExported():
		return "is not exported"
	case kind == reflect.TypeFor[time.Time]() && f.Layout == "":
		return "is a time, whose tag needs a layout"
	}
	if kind == reflect.TypeFor[time.Time]() || reflect.PointerTo(kind).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return ""
	}
	if !IsPlain(kind.Kind()) {
		return "is of a type that no variable has"
	}
	return ""
}

// IsPlain reports whether values of a kind are text, numbers or flags.
func IsPlain(kind reflect.Kind) bool {
	switch kind { //nolint:exhaustive // these are all
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}
