package salebot

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/secret"
	"github.com/salebot-go/salebot/internal/wire"
)

// WithResponse stores the raw answer of a call in target, even if the call fails. If no
// answer came, target stays as it is.
func WithResponse(target *Response) CallOption {
	return callOption(func(s *settings) error {
		if target == nil {
			return badOption("WithResponse", "the target is nil")
		}
		s.responses = append(slices.Clip(s.responses), target)
		return nil
	})
}

// WithRawItems keeps each element of a list as it came, in its field Raw, so that
// fields which this package does not know can be read.
func WithRawItems() CallOption {
	return callOption(func(s *settings) error {
		s.rawItems = true
		return nil
	})
}

// withReceived is for iterators; see inOrder.
func withReceived(received func()) CallOption {
	return callOption(func(s *settings) error {
		s.received = received
		return nil
	})
}

// Headers are added by WithHeader, by a hook or by a middleware.

// WithHeader sends a header with every request of a client, or of one call, for
// example the name of a tenant for a gateway. The value of a call replaces that of the
// client, and an empty value takes the header out. The names are not case-sensitive.
//
// Headers that the client sets itself are refused (Content-Type, User-Agent and the
// like; see WithUserAgent). So are those that belong to the connection, and those that
// would change the form of the answer (Accept-Encoding, Range, If-…). Idempotency-Key
// and X-Idempotency-Key are refused too: Salebot does not know them, and Go's HTTP
// client takes them as permission to send a request twice. A value must be
// printable ASCII without the API key in it: check one that comes from outside, since a
// call with a bad one fails with ErrInvalidRequest.
func WithHeader(name, value string) SharedOption {
	return sharedOption(func(s *settings) error {
		canonical, problem := checkHeader(name, value)
		if problem != "" {
			return badOption("WithHeader", "%s", problem)
		}
		if s.scrub.Found(value) || s.scrub.Found(name) {
			return badOption("WithHeader", "%s", headerHasKey)
		}
		s.header = withHeader(s.header, canonical, value)
		return nil
	})
}

// withHeader returns a copy of a header with one more value, or without it.
func withHeader(header http.Header, canonical, value string) http.Header {
	changed := make(http.Header, len(header)+1)
	maps.Copy(changed, header)
	changed[canonical] = []string{value}
	if value == "" {
		delete(changed, canonical)
	}
	return changed
}

// checkHeader returns the name in its usual spelling, and what is wrong with the two.
func checkHeader(name, value string) (canonical, problem string) {
	canonical = textproto.CanonicalMIMEHeaderKey(name)
	switch {
	case name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isTokenChar(r) }):
		return "", "the name is not one of a header"
	case strings.ContainsFunc(value, func(r rune) bool { return (r < ' ' || r > '~') && r != '\t' }):
		return "", "the value of " + canonical + " must be printable ASCII, without line breaks"
	case strings.TrimSpace(value) != value:
		return "", "the value of " + canonical + " begins or ends with a blank"
	}
	return canonical, reservedHeader(canonical)
}

// isTokenChar reports whether a character may be in the name of a header.
func isTokenChar(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// reservedHeader says why a header is not for users to set; "" if it is.
func reservedHeader(canonical string) string {
	switch canonical {
	case "Idempotency-Key", "X-Idempotency-Key":
		return canonical + " would let Go's HTTP client send a request twice; see WithIdempotencyKey"
	case "User-Agent":
		return "User-Agent is set by WithUserAgent"
	case "Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Expect", "Referer":
		return canonical + " is set by the client"
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Upgrade", "Http2-Settings":
		return canonical + " belongs to the connection, not to the request; see NewTransport"
	case "Accept-Encoding", "Range":
		return canonical + " would change the form of the answer"
	}
	if strings.HasPrefix(canonical, "If-") {
		return canonical + " would change the form of the answer"
	}
	return ""
}

// headerHasKey is what is wrong with a header that is as secret as the address.
const headerHasKey = "the header has the API key in it"

// addHeaders returns a header with those that a hook or a middleware adds.
func addHeaders(header, more http.Header, scrub secret.Scrubber) (http.Header, error) {
	for name, values := range more {
		for _, value := range values {
			canonical, problem := checkHeader(name, value)
			if problem == "" && (scrub.Found(value) || scrub.Found(name)) {
				problem = headerHasKey
			}
			if problem != "" {
				return nil, invalid("Header", "of the attempt cannot be sent: "+problem)
			}
			header = withHeader(header, canonical, value)
		}
	}
	return header, nil
}

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
// It only adds. A parameter that the action is known to have is refused, whether the
// request sets it or not. So is a name that the request has already, such as the name of
// a callback's variable. In a callback, a parameter that Salebot does not know becomes
// a variable. LoadClients sends a list, which has no place for a parameter.
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

// repeatRule is what a call says about its repetition.
type repeatRule uint8

const (
	repeatByClass repeatRule = iota
	repeatAllowed
	repeatForbidden
)

// WithRepeatAllowed says that it does no harm if one call of class Once is executed
// twice, for example because the flow checks it. The call is then repeated like one of
// class Idempotent, even if it may have been executed. In a piece of work it is not
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
