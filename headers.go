package salebot

import (
	"net/http"
	"net/textproto"
	"strings"

	"github.com/salebot-go/salebot/internal/secret"
)

// Headers that a user adds to requests: by WithHeader, by a hook, by a middleware.

// WithHeader sends a header with every request of a client, or of one call, for
// example the name of a tenant for a gateway. The value of a call replaces that of the
// client, and an empty value takes the header out. The names are not case-sensitive.
//
// Headers that the client sets itself are refused (Content-Type, User-Agent and the
// like; see WithUserAgent). So are those that belong to the connection, and those that
// would change the form of the answer (Accept-Encoding, Range, If-…). Idempotency-Key
// and X-Idempotency-Key are refused too: Salebot does not know them, and Go's HTTP
// client takes them as permission to send a request twice. A value must not have the
// API key in it.
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
	for name, values := range header {
		changed[name] = values
	}
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
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r < 0x80 && strings.ContainsRune("!#$%&'*+-.^_`|~", r)
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
