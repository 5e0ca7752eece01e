package testkit_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/salebot-go/salebot/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFindKeySeesEveryForm(t *testing.T) {
	t.Parallel()
	key := testkit.Key
	address := "https://h/api/" + key + "/message"
	for name, text := range map[string]string{
		"raw":                address,
		"first half":         address[:len("https://h/api/")+12],
		"query-escaped":      url.QueryEscape(address),
		"lower-case escapes": strings.ToLower(url.QueryEscape(address)),
		"escaped twice":      url.QueryEscape(url.QueryEscape(address)),
		"HTML":               strings.ReplaceAll(address, "+", "&#43;"),
		"JSON":               strings.ReplaceAll(address, "+", `\u002b`),
		"base64, aligned":    base64.StdEncoding.EncodeToString([]byte(key)),
		"base64, shifted":    base64.StdEncoding.EncodeToString([]byte("x" + key + "y")),
		"base64, URL":        "prefix." + base64.RawURLEncoding.EncodeToString([]byte("xy"+key)),
		"hex":                hex.EncodeToString([]byte(address)),
		"%x of a string":     fmt.Sprintf("%X", address),
		"hex dump":           hex.Dump([]byte(address)),
		"bytes":              fmt.Sprintf("%d", []byte(address)),
		"Go syntax":          fmt.Sprintf("%#v", []byte(address)),
		"JSON bytes":         mustMarshal([]byte(address)),
	} {
		require.NotEmpty(t, testkit.FindKey(text), name)
	}
	for _, text := range []string{"", "0123456789abcdef", "REDACTED", "https://h/api/{api_key}/message", hex.Dump([]byte("innocent text, and long enough"))} {
		require.Empty(t, testkit.FindKey(text))
	}
}

func mustMarshal(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

type tests func() int

func (t tests) Run() int { return t() }

// It replaces the standard files and so runs alone.
func TestScreenFailsTestsThatPrintTheKey(t *testing.T) { //nolint:paralleltest // see above
	out, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	os.Stdout, os.Stderr = out, out

	print := func(text string) tests {
		return func() int { fmt.Fprintln(os.Stderr, text); return 0 }
	}
	require.Equal(t, 0, testkit.Screen(print("fine")).Run())
	require.Equal(t, 1, testkit.Screen(print(url.QueryEscape(testkit.Key))).Run())
	require.Equal(t, 7, testkit.Screen(tests(func() int { return 7 })).Run())
	require.NoError(t, out.Close())
	printed, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	require.Contains(t, string(printed), "fine", "what is printed must not get lost")
}
