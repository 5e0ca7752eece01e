// Package address puts the address of the API together, which has the key in it, and
// says what is wrong with its parts.
package address

import (
	"net"
	"net/url"
	"strings"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/secret"
)

// KeyProblem says what is wrong with a key, "" if nothing is.
func KeyProblem(key string) string {
	switch {
	case key == "":
		return "it is empty"
	case strings.Contains(key, "#{"):
		return "it is the constructor's variable, not its value: copy the key from the project's settings"
	case strings.ContainsAny(key, "{}"):
		return "it has a brace in it: the placeholder was not replaced, or its braces were kept"
	case strings.TrimSpace(key) != key || strings.ContainsAny(key, " \t\r\n"):
		return "it has a space or a line break in it"
	case strings.Contains(key, "/"):
		return "it has a slash in it: give the key alone, without the address"
	case key == "." || key == "..":
		return "it is not a key"
	}
	for _, r := range key {
		if r <= ' ' || r > '~' || strings.ContainsRune(`?#%\"<>`, r) {
			return "it has a character in it that no key has: keys are of letters, digits and signs such as - and _"
		}
	}
	return ""
}

// Parse reads the base of addresses: scheme, host and path up to the key. If it cannot
// be used, problem says why. The example is a good one.
func Parse(address, example string) (base *url.URL, problem string) {
	switch {
	case address == "":
		return nil, "the address is empty"
	case strings.ContainsAny(address, " \t\r\n\u00a0\u200b\u2060\ufeff"):
		return nil, "the address has a blank in it, which copying it from Salebot's documentation adds after \".pro\": remove it"
	case strings.ContainsAny(address, "{}"):
		return nil, "the address has a brace in it: give the part before the key, such as " + example
	}
	given, err := url.Parse(address)
	if err != nil {
		// url.Error quotes the address, which may hold a key.
		return nil, "the address is not a URL"
	}
	if problem := baseProblem(given); problem != "" {
		return nil, problem
	}
	path := strings.TrimRight(given.Path, "/")
	if path == "" {
		path = "/api"
	}
	return &url.URL{Scheme: given.Scheme, Host: strings.ToLower(given.Host), Path: path}, ""
}

// baseProblem says what the parts of a base URL must not be.
func baseProblem(base *url.URL) string {
	switch {
	case base.Scheme != "https" && base.Scheme != "http":
		return "the address must begin with https://"
	case base.Hostname() == "":
		return "the address has no host"
	case base.User != nil:
		return "the address must not hold a user name or password"
	case base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return "the address must end with its path"
	}
	for segment := range strings.SplitSeq(base.Path, "/") {
		if segment == "." || segment == ".." {
			return "the path must not have dots as a segment"
		}
	}
	return ""
}

// IsLoopback reports whether a host is this machine.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// HoldsKey reports whether a base has the key in it already: bases are shown, and the
// key must not be.
func HoldsKey(base *url.URL, scrub secret.Scrubber) bool {
	for segment := range strings.SplitSeq(base.Path, "/") {
		if scrub.Is(segment) {
			return true
		}
	}
	return false
}

// Of hides the key in a function that gives the address of an action,
// whose query may follow it.
func Of(base *url.URL, key string) func(string) secret.Text {
	return from(base.String() + "/" + url.PathEscape(key) + "/")
}

// Moved replaces the base of addresses without knowing the key.
func Moved(address func(string) secret.Text, old, base *url.URL) func(string) secret.Text {
	return from(base.String() + strings.TrimPrefix(address("").Reveal(), old.String()))
}

func from(prefix string) func(string) secret.Text {
	// Put together once, since most calls have no query.
	plain := make(map[string]secret.Text)
	for _, row := range action.All() {
		plain[row.Name] = secret.New(prefix + row.Name)
	}
	return func(path string) secret.Text {
		if address, ok := plain[path]; ok {
			return address
		}
		return secret.New(prefix + path)
	}
}
