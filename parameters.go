package salebot

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/wire"
)

// Parameters that a user adds to a request: by WithParameter, or in a middleware.

// parameter is one of them.
type parameter struct {
	name  string
	value any
}

// WithParameter adds a parameter that the request of a call has no field for, because
// Salebot has introduced it since. It can be given several times. The value is encoded
// as JSON; if the parameters of the action travel in the address, it has to be a text, a
// number or a flag.
//
// It only adds: a parameter that the action is known to have is refused, whether the
// request sets it or not, and so is a name that the request has already, such as that
// of a variable of a callback. In a callback, a parameter that Salebot does not know
// becomes a variable. LoadClients sends a list, which has no place for a parameter.
func WithParameter(name string, value any) CallOption {
	return callOption(func(s *settings) error {
		s.parameters = append(slices.Clip(s.parameters), parameter{name, value})
		return nil
	})
}

// add returns the request with parameters more. The request itself stays as it is.
func (p payload) add(row *action.Row, parameters []parameter) (payload, error) {
	if len(parameters) == 0 {
		return p, nil
	}
	inQuery := row.Method() == http.MethodGet
	names := maps.Clone(p.query)
	var members wire.Object
	if !inQuery && len(p.body) > 0 {
		err := wire.Members(p.body, func(name string, value []byte) error {
			names = withName(names, name)
			members.Raw(name, value)
			return nil
		})
		if err != nil {
			return p, invalid("WithParameter", "has no place in what "+row.Name+" sends, which is no object")
		}
	}
	for _, extra := range parameters {
		field := "WithParameter(" + strconv.Quote(extra.name) + ")"
		_, taken := names[extra.name]
		switch {
		case extra.name == "":
			return p, invalid(field, "has no name")
		case row.Takes(extra.name):
			return p, invalid(field, "is a parameter of "+row.Name+" that the request has a field for, and cannot be replaced")
		case taken:
			return p, invalid(field, "is in the request already, and cannot be replaced")
		}
		value, err := wire.Marshal(extra.value)
		if err != nil {
			return p, invalid(field, "cannot be encoded as JSON")
		}
		text := ""
		if inQuery {
			if text, err = queryText(value); err != nil {
				return p, invalid(field, "must be a text, a number or a flag")
			}
		}
		members.Raw(extra.name, value)
		names = withName(names, extra.name)
		names[extra.name] = []string{text}
	}
	if inQuery {
		return payload{query: names, body: p.body}, nil
	}
	return payload{query: p.query, body: members.Bytes()}, nil
}

func withName(names url.Values, name string) url.Values {
	if names == nil {
		names = url.Values{}
	}
	if _, ok := names[name]; !ok {
		names[name] = nil
	}
	return names
}

var errNotPlain = errors.New("not a plain value")

// queryText is a JSON value as it stands in an address.
func queryText(value []byte) (string, error) {
	switch value[0] {
	case '"':
		var text string
		err := json.Unmarshal(value, &text)
		return text, err
	case '{', '[', 'n':
		return "", errNotPlain
	}
	return string(value), nil
}
