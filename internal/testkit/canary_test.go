package testkit_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/salebot-go/salebot/internal/testkit"
)

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

// printing names the way in which a child of this test prints.
const printing = "SALEBOT_TEST_PRINTING"

// ways to print a text that may hold the key.
var ways = map[string]func(text string) int{
	"stdout":  func(text string) int { _, _ = fmt.Fprintln(os.Stdout, text); return 0 },
	"stderr":  func(text string) int { fmt.Fprintln(os.Stderr, text); return 0 },
	"println": func(text string) int { println(text); return 0 },
	"process": func(text string) int {
		command := exec.Command("echo", text)
		command.Stdout = os.Stderr
		if err := command.Run(); err != nil {
			return 2
		}
		return 0
	},
	"panic": func(text string) int { panic(text) },
}

func TestMain(m *testing.M) {
	if way := ways[os.Getenv(printing)]; way != nil {
		os.Exit(testkit.Screen(tests(func() int { return way(os.Args[1]) })).Run())
	}
	goleak.VerifyTestMain(m)
}

func TestScreenFailsTestsThatPrintTheKey(t *testing.T) {
	t.Parallel()
	for way := range ways {
		if way == "println" && runtime.GOOS != "linux" {
			continue // what the runtime prints is seen on Linux only
		}
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			run := func(text string) (string, int) {
				command := exec.CommandContext(t.Context(), os.Args[0], text)
				command.Env = append(os.Environ(), printing+"="+way)
				printed, err := command.CombinedOutput()
				require.Contains(t, string(printed), text, "what is printed must not get lost")
				if failed, ok := errors.AsType[*exec.ExitError](err); ok {
					return string(printed), failed.ExitCode()
				}
				require.NoError(t, err)
				return string(printed), 0
			}
			if way == "panic" {
				_, code := run("a panic")
				require.Equal(t, 2, code, "the exit code of a panic")
				return
			}
			printed, code := run("nothing to hide")
			require.Equal(t, 0, code, printed)
			printed, code = run(url.QueryEscape(testkit.Key))
			require.Equal(t, 1, code)
			require.Contains(t, printed, "FAIL: the tests printed the key")
		})
	}
}

func TestScreenKeepsTheResult(t *testing.T) { //nolint:paralleltest // it replaces the standard files
	require.Equal(t, 7, testkit.Screen(tests(func() int { return 7 })).Run())
}
