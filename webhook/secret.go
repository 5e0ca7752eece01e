package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// shortestSecret bounds the secrets that are accepted as such, in bytes. Shorter
// ones can be tried out.
const shortestSecret = 8

// secretPlace is the part of a request in which a secret is looked for.
type secretPlace uint8

const (
	inPath secretPlace = iota
	inQuery
	inHeader
)

// secret is the hash of one secret and its place.
type secret struct {
	place secretPlace
	name  string
	hash  [sha256.Size]byte
}

// secrets are the accepted secrets.
type secrets struct{ accepted []secret }

func (s *secrets) empty() bool { return len(s.accepted) == 0 }

func (s *secrets) add(option string, place secretPlace, name string, values []string) error {
	if place != inPath && name == "" {
		return badOption(option, "the name is empty")
	}
	if len(values) == 0 {
		return badOption(option, "no secret is given")
	}
	for _, value := range values {
		switch {
		case len(value) < shortestSecret:
			return badOption(option, "a secret is shorter than %d characters; a variable that is not set would be one", shortestSecret)
		case strings.TrimSpace(value) != value:
			return badOption(option, "a secret begins or ends with space")
		case place == inPath && strings.Contains(value, "/"):
			return badOption(option, "a secret has a slash in it, so that it cannot be a segment of a path")
		}
		s.accepted = append(s.accepted, secret{place: place, name: http.CanonicalHeaderKey(name), hash: sha256.Sum256([]byte(value))})
		if place == inQuery {
			s.accepted[len(s.accepted)-1].name = name
		}
	}
	return nil
}

// check reports whether a request has one of the secrets. It hashes what was sent, so
// that the time of the comparison says nothing about the secrets. It compares with all
// of them, so that the time does not say which one was right.
func (s *secrets) check(r *http.Request) bool {
	var query url.Values
	found := 0
	for i := range s.accepted {
		accepted := &s.accepted[i]
		var sent string
		switch accepted.place {
		case inPath:
			sent = lastSegment(r.URL.Path)
		case inQuery:
			if query == nil {
				query = r.URL.Query()
			}
			sent = query.Get(accepted.name)
		case inHeader:
			if values := r.Header[accepted.name]; len(values) > 0 {
				sent = values[0]
			}
		}
		// Salebot's pages warn of spaces that come along when an address is copied, and
		// no secret begins or ends with one.
		hash := sha256.Sum256([]byte(strings.TrimSpace(sent)))
		found |= subtle.ConstantTimeCompare(hash[:], accepted.hash[:])
	}
	return found == 1
}

func lastSegment(path string) string {
	path = strings.TrimSuffix(strings.TrimRight(path, " "), "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// WithSecretInPath accepts requests whose path ends in a segment that is one of
// these secrets, as in https://example.com/salebot/<secret>. Salebot signs nothing,
// so a secret in the address that you give to Salebot is what tells its requests
// from others'. Several secrets at once let you change them without a gap: accept
// both, change the address at Salebot, accept the new one only. If secrets are
// given for several places, one that is right in its place is enough. A secret has at
// least 8 bytes. Only their hashes are kept.
//
// A secret in an address is visible to proxies and in their logs: use https, and
// another secret for each purpose.
func WithSecretInPath(secrets ...string) Option {
	return func(c *config) error { return c.secrets.add("WithSecretInPath", inPath, "", secrets) }
}

// WithSecretInQuery accepts requests whose address has a parameter of this name
// with one of these secrets, as in https://example.com/salebot?key=<secret>. See
// WithSecretInPath.
func WithSecretInQuery(name string, secrets ...string) Option {
	return func(c *config) error { return c.secrets.add("WithSecretInQuery", inQuery, name, secrets) }
}

// WithSecretInHeader accepts requests that have a header of this name with one of
// these secrets. Salebot's project webhook sends no header of its own; blocks of a
// flow and proxies do. See WithSecretInPath.
func WithSecretInHeader(name string, secrets ...string) Option {
	return func(c *config) error { return c.secrets.add("WithSecretInHeader", inHeader, name, secrets) }
}

// WithoutSecret accepts requests of anyone. Use it if something before this
// handler keeps strangers out.
func WithoutSecret() Option {
	return func(c *config) error {
		c.noSecret = true
		return nil
	}
}
