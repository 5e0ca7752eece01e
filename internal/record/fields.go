package record

import (
	"errors"
	"strconv"

	"github.com/salebot-go/salebot/internal/wire"
)

var errNegative = errors.New("want a positive whole number")

// OwnID is the number of the record itself. A negative one is odd; zero stands for none.
func OwnID[R any, T ~int64](at func(*R) *T, names ...string) Field[R] {
	return number(Positive, at, names)
}

// ID is the number of something else; zero stands for none.
func ID[R any, T ~int64](at func(*R) *T, names ...string) Field[R] {
	return number(wire.Int, at, names)
}

func number[R any, T ~int64](read func([]byte) (int64, error), at func(*R) *T, names []string) Field[R] {
	return Field[R]{names: names, read: func(target *R, value []byte) (bool, error) {
		n, err := read(value)
		if err == nil {
			*at(target) = T(n)
		}
		return n != 0, err
	}}
}

// Positive reads the number of something, or 0 for none.
func Positive(value []byte) (int64, error) {
	n, err := wire.Int(value)
	if err == nil && n < 0 {
		return 0, errNegative
	}
	return n, err
}

// Identifier is an id that is text or a whole number.
func Identifier[R any, T ~string](at func(*R) *T, names ...string) Field[R] {
	return text(wire.Identifier, at, names)
}

var errNotText = errors.New("want text or a number")

// Text is a text, which may come as a number. An object or a list is odd, and so is a
// flag: it is no name.
func Text[R any](at func(*R) *string, names ...string) Field[R] {
	return text(func(value []byte) (string, error) {
		if value[0] == 't' || value[0] == 'f' {
			return "", errNotText
		}
		return wire.Text(value)
	}, at, names)
}

// Word is a text about success, which may come as a number or a flag.
func Word[R any](at func(*R) *string, names ...string) Field[R] {
	return text(wire.Text, at, names)
}

// Loose is a text that is kept in whatever form it comes: objects and lists as their
// JSON.
func Loose[R any](at func(*R) *string, names ...string) Field[R] {
	return text(wire.LooseText, at, names)
}

func text[R any, T ~string](read func([]byte) (string, error), at func(*R) *T, names []string) Field[R] {
	return Field[R]{names: names, read: func(target *R, value []byte) (bool, error) {
		text, err := read(value)
		if err == nil {
			*at(target) = T(text)
		}
		return text != "", err
	}}
}

// Number is a whole number.
func Number[R any, T ~int | ~int64](at func(*R) *T, names ...string) Field[R] {
	return Field[R]{names: names, read: func(target *R, value []byte) (bool, error) {
		n, err := wire.Int(value)
		if err == nil && int64(T(n)) != n {
			err = strconv.ErrRange
		}
		if err == nil {
			*at(target) = T(n)
		}
		return err == nil, err
	}}
}

// Flag is a yes or a no, or neither.
func Flag[R any](put func(target *R, flag, known bool), names ...string) Field[R] {
	return Field[R]{names: names, read: func(target *R, value []byte) (bool, error) {
		flag, known, err := wire.Flag(value)
		if err == nil {
			put(target, flag, known)
		}
		return known, err
	}}
}

// Value is a field that is read by a function, which writes nothing if it returns an
// error, and takes null for the zero value.
func Value[R any](read func(target *R, value []byte) error, names ...string) Field[R] {
	return Field[R]{names: names, read: func(target *R, value []byte) (bool, error) {
		err := read(target, value)
		return err == nil && !wire.IsNull(value), err
	}}
}
