package salebot

import (
	"net/http"

	"github.com/salebot-go/salebot/internal/action"
)

// repeatRule is what a call says about its repetition.
type repeatRule uint8

const (
	repeatByClass repeatRule = iota
	repeatAllowed
	repeatForbidden
)

// WithRepeatAllowed says that it does no harm if one call of class Once is executed
// twice, for example because the flow checks it: the call is then repeated like one of
// class Idempotent, also if it may have been executed. In a piece of work it is not
// recorded, and made again when the work runs again. It contradicts WithIdempotencyKey.
// For other classes it changes nothing.
func WithRepeatAllowed() CallOption { return withRepeat(repeatAllowed) }

// WithRepeatForbidden says that one call must not be executed twice: it is repeated
// only if it was provably not executed, like a call of class Once. Unlike with
// WithoutRetries, a request that never left is sent again.
func WithRepeatForbidden() CallOption { return withRepeat(repeatForbidden) }

func withRepeat(rule repeatRule) CallOption {
	return callOption(func(s *settings) error {
		s.repeat = rule
		return nil
	})
}

// repeatable returns the row of an action as a call wants it.
func (s *settings) repeatable(row *action.Row) (*action.Row, error) {
	if s.repeat != repeatAllowed || row.Class != action.Once {
		return row, nil
	}
	if s.idempotencyKey != "" {
		return row, invalid("WithRepeatAllowed", "contradicts WithIdempotencyKey")
	}
	harmless := *row
	harmless.Class = action.Idempotent
	return &harmless, nil
}

// repeatClass is the class by which the attempts of a call are repeated.
func (s *settings) repeatClass(row *action.Row) action.Class {
	if s.repeat == repeatForbidden {
		return action.Once
	}
	return row.Class
}

// freshConnection reports whether a request must not travel on a connection that was
// used before: net/http itself repeats a GET there when the connection breaks.
func (s *settings) freshConnection(row *action.Row) bool {
	return row.FreshConnection() || s.repeat == repeatForbidden && row.Method() == http.MethodGet
}
