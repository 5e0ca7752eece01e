package salebot

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/wire"
)

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
