// Package secret keeps texts that must not be printed, and takes them out of
// texts that others wrote.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is printed in place of a secret.
const Redacted = "REDACTED"

// Text is a text that no formatter, encoder or test diff can print: it lives
// in a closure, which reflection sees only as a function pointer. The zero
// value is empty.
type Text struct{ reveal func() string }

// New hides text.
func New(text string) Text { return Text{reveal: func() string { return text }} }

// Reveal gives the text back.
func (t Text) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// String returns Redacted.
func (Text) String() string { return Redacted }

// GoString returns Redacted.
func (Text) GoString() string { return Redacted }

// Format writes Redacted for every verb.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText returns Redacted.
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue returns Redacted.
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// Hidden holds a value that must not be printed because of what it holds, such
// as a transport, in whose buffers the last address still stands. The zero value
// holds the zero value.
type Hidden[T any] struct{ reveal func() T }

// Hide hides value.
func Hide[T any](value T) Hidden[T] { return Hidden[T]{reveal: func() T { return value }} }

// Reveal gives the value back.
func (h Hidden[T]) Reveal() (value T) {
	if h.reveal != nil {
		value = h.reveal()
	}
	return value
}
