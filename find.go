package salebot

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// Condition is what a variable has to meet in FindClients; make it with Equals
// and its siblings. The zero value is refused.
type Condition struct {
	operator string
	operand  any
	set      bool
}

// Equals asks for a value.
func Equals(value any) Condition { return Condition{operand: value, set: true} }

// Not asks for any value but this.
func Not(value any) Condition { return Operator("_not", value) }

// In asks for one of the values.
func In(values ...any) Condition { return Operator("_in", nonNil(values)) }

// NotIn asks for none of the values.
func NotIn(values ...any) Condition { return Operator("_not_in", nonNil(values)) }

// Operator passes an operator on that this package does not know, together with
// what it works on.
func Operator(name string, operand any) Condition {
	return Condition{operator: name, operand: operand, set: true}
}

func nonNil(values []any) []any {
	if values == nil {
		return []any{}
	}
	return values
}

// FindClientsRequest says which variables clients have to have.
type FindClientsRequest struct {
	// Query holds a condition for each name of a variable; required. The names are
	// without the prefix "client.", with which variables are only written.
	Query map[string]Condition
	// SearchIn is where to search; optional.
	SearchIn SearchIn
	// Any asks for one of the conditions; the zero value asks for all of them.
	Any bool
}

func (r *FindClientsRequest) encode(*settings) (payload, error) {
	if len(r.Query) == 0 {
		return payload{}, invalid("Query", "is empty")
	}
	var query wire.Object
	for _, name := range slices.Sorted(maps.Keys(r.Query)) {
		field := "Query[" + strconv.Quote(name) + "]"
		condition := r.Query[name]
		switch {
		case name == "":
			return payload{}, invalid(field, "has an empty name")
		case strings.HasPrefix(strings.TrimSpace(name), ClientPrefix):
			return payload{}, invalid(field, prefixedName)
		case !condition.set:
			return payload{}, invalid(field, "is the zero Condition: make it with Equals or its siblings")
		}
		operand := condition.operand
		if list, ok := operand.([]any); ok && len(list) == 0 {
			return payload{}, invalid(field, "has no values")
		}
		if condition.operator != "" {
			operand = map[string]any{condition.operator: operand}
		}
		if err := query.Any(name, operand); err != nil {
			return payload{}, invalid(field, "cannot be encoded as JSON")
		}
	}
	var o wire.Object
	o.Raw("q", query.Bytes())
	putText(&o, "search_in", string(r.SearchIn))
	if r.Any {
		o.Bool("include_all", false)
	}
	return payload{body: o.Bytes()}, nil
}

// FindClients finds clients by conditions on their variables. The result is
// empty where there is none.
//
// Salebot action: find_clients. Class: Read. Answer: documented. Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) FindClients(ctx context.Context, request FindClientsRequest, opts ...CallOption) ([]ClientID, error) {
	return callPlural(ctx, c, "find_clients", opts, request.encode)
}
