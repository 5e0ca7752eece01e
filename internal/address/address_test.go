package address_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/address"
	"github.com/salebot-go/salebot/internal/secret"
)

const (
	example = "https://chatter.salebot.pro/api"
	// key is not a secret, but it needs to be escaped.
	key = "abc+/?=#%"
)

// What people paste instead of a key is told in words.
func TestKeyProblem(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"0123456789abcdef", "a+b", "a=b", "!", "~", "a.b", "...", "a&b;c"} {
		require.Empty(t, address.KeyProblem(key), key)
	}
	for key, part := range map[string]string{
		"":                "empty",
		"#{api_key}":      "variable",
		"{api_key}":       "brace",
		"abc}":            "brace",
		" abc":            "space",
		"abc\n":           "line break",
		"a\tb":            "space",
		"a b":             "space",
		"\u00a0abc":       "space",
		"api/abc/message": "slash",
		".":               "not a key",
		"..":              "not a key",
		"абв":             "no key has",
		"a\x01b":          "no key has",
		"a\x7fb":          "no key has",
		"a?b":             "no key has",
		"a#b":             "no key has",
		"a%20b":           "no key has",
		`a\b`:             "no key has",
		`"abc"`:           "no key has",
		"<abc>":           "no key has",
	} {
		require.Contains(t, address.KeyProblem(key), part, "%q", key)
	}
}

// A base is scheme, host and path; a bare host gets the path of the API.
func TestParse(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		example:                            example,
		example + "/":                      example,
		example + "//":                     example,
		"https://chatter.salebot.pro":      example,
		"https://chatter.salebot.pro/":     example,
		"HTTPS://Chatter.Salebot.PRO/Api":  "https://chatter.salebot.pro/Api",
		"http://127.0.0.1:8080/some/where": "http://127.0.0.1:8080/some/where",
		"https://h.example/a..b/.c":        "https://h.example/a..b/.c",
	} {
		base, problem := address.Parse(given, example)
		require.Empty(t, problem, given)
		require.Equal(t, want, base.String(), given)
	}
	for given, part := range map[string]string{
		"":                                  "empty",
		"https://chatter.salebot.pro /api":  "blank",
		"https://chatter.salebot.pro\u200b": "blank",
		example + "/{api_key}":              example,
		"https://h.example:port":            "not a URL",
		"https://h.example/%zz":             "not a URL",
		"chatter.salebot.pro/api":           "begin with https://",
		"ftp://h.example":                   "begin with https://",
		"https:///api":                      "no host",
		"https://:443/api":                  "no host",
		"http:///api":                       "no host",
		"https://user:word@h.example/api":   "user name",
		"https://h.example/api?key=abc":     "end with its path",
		"https://h.example/api?":            "end with its path",
		"https://h.example/api#abc":         "end with its path",
		"https://h.example/api/../other":    "dots",
		"https://h.example/./api":           "dots",
	} {
		base, problem := address.Parse(given, example)
		require.Nil(t, base, given)
		require.Contains(t, problem, part, given)
	}
}

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost", "LocalHost", "api.localhost", "API.LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"} {
		require.True(t, address.IsLoopback(host), host)
	}
	for _, host := range []string{"", "localhost.example", "notlocalhost", "10.0.0.1", "128.0.0.1", "0.0.0.0", "::2", "h.example"} {
		require.False(t, address.IsLoopback(host), host)
	}
}

// A base that has the key in it is found, whatever segment it is.
func TestHoldsKey(t *testing.T) {
	t.Parallel()
	scrub := secret.NewScrubber("0123456789abcdef")
	holds := func(segments ...string) bool {
		return address.HoldsKey((&url.URL{Scheme: "https", Host: "h.example"}).JoinPath(segments...), scrub)
	}
	require.True(t, holds("api", "0123456789abcdef"))
	require.True(t, holds("0123456789abcdef", "api", "v2"))
	require.False(t, holds("api"))
	require.False(t, holds())
}

// The address of an action has the key in it, escaped; one that was moved has it too.
func TestOfAndMoved(t *testing.T) {
	t.Parallel()
	base, other := parsed(t, example), parsed(t, "http://127.0.0.1:8080/some/where")
	of := address.Of(base, key)
	moved := address.Moved(of, base, other)
	for _, path := range []string{"message", "get_history?client_id=1", "an_action_that_is_new", ""} {
		end := "/" + url.PathEscape(key) + "/" + path
		require.Equal(t, example+end, of(path).Reveal())
		require.Equal(t, other.String()+end, moved(path).Reveal())
		require.NotContains(t, of(path).String(), key)
	}
	require.Equal(t, of("message").Reveal(), address.Moved(moved, other, base)("message").Reveal())
}

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	base, err := url.Parse(text)
	require.NoError(t, err)
	return base
}
