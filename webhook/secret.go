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

// check says whether a request has one of the secrets. It hashes what was sent, so
// that the time of the comparison tells nothing about the secrets, and compares
// with all of them, so that it does not tell which one was right.
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
		hash := sha256.Sum256([]byte(sent))
		found |= subtle.ConstantTimeCompare(hash[:], accepted.hash[:])
	}
	return found == 1
}

func lastSegment(path string) string {
	path = strings.TrimSuffix(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}
