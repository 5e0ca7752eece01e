package emulator_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/emulator/faults"
)

// Every remark that the emulator makes has its Russian words on the page, and there
// are no words for something else.
func TestRemarksInBothLanguages(t *testing.T) {
	t.Parallel()
	made := remarks(t)
	require.Greater(t, len(made), 30)
	text, err := os.ReadFile("page/remarks.js")
	require.NoError(t, err)
	var translated []string
	for _, match := range regexp.MustCompile(`(?m)^ {2}("(?:[^"\\]|\\.)*"): "(.*)",$`).FindAllStringSubmatch(string(text), -1) {
		english, err := strconv.Unquote(match[1])
		require.NoError(t, err)
		translated = append(translated, english)
		require.Equal(t, values(english), values(match[2]), "%q has the same values", english)
		require.Regexp(t, `[а-я]`, match[2])
	}
	slices.Sort(made)
	slices.Sort(translated)
	require.Equal(t, slices.Compact(made), translated)
}

// What the emulator says that a fault did is what the page knows in English, word for
// word, and it has Russian words for it.
func TestFaultsInBothLanguages(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("page/words.js")
	require.NoError(t, err)
	words := map[string][]string{}
	for _, match := range regexp.MustCompile(`did_(\w+): "(.*?)"`).FindAllStringSubmatch(string(text), -1) {
		words[match[1]] = append(words[match[1]], match[2])
	}
	said := map[string]faults.Fault{
		"status": {Status: 503}, "retry_after": {Status: 503, RetryAfter: 5 * time.Second}, "delay": {Delay: 90 * time.Second},
		"reset_before": {Reset: faults.ResetBefore}, "reset_after": {Reset: faults.ResetAfter}, "reset_during": {Reset: faults.ResetDuring},
		"truncated": {Truncate: true},
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(said)), slices.Collect(maps.Keys(words)))
	for name, fault := range said {
		require.Len(t, words[name], 2, name)
		parts := strings.Split(fault.Describe(), ", ")
		require.Equal(t, words[name][0], regexp.MustCompile(`\d\w*`).ReplaceAllString(parts[len(parts)-1], "{value}"))
		require.Regexp(t, `[а-я]`, words[name][1])
		require.Equal(t, strings.Contains(words[name][0], "{value}"), strings.Contains(words[name][1], "{value}"), name)
	}
}

func values(text string) int { return len(regexp.MustCompile(`%[sdv]\b`).FindAllString(text, -1)) }

// remarks finds the texts of remarks in the sources of the emulator.
func remarks(t *testing.T) []string {
	t.Helper()
	// What is put together of parts, and what is no literal at the place.
	found := []string{
		"the address is not of the form /api/{api_key}/{action}", "the buttons were not understood",
		"the body is larger than the limit", "the body is neither JSON nor a form", "there would be more remarks than these",
		"what is no valid Unicode was replaced by U+FFFD", "the body is too large to be remembered",
		"there is no action %s", "there is no action %s; did you mean %s?",
	}
	composed := map[string][]string{
		"%s is no parameter of %s; %s":   {"%s is no parameter of %s; it has none", "%s is no parameter of %s; known are %s"},
		"%s are no parameters of %s; %s": {"%s are no parameters of %s; it has none", "%s are no parameters of %s; known are %s"},
		"%s: left out, because %s: %s": {
			"%s: left out, because not a whole number: %s", "%s: left out, because no client has the number: %s", "%s: left out, because no client has the id: %s",
		},
		"%s": nil,
	}
	for _, folder := range []string{"../../../internal/emulator", "../../../internal/emulator/request"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			require.NoError(t, err)
			ast.Inspect(file, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				method, ok := call.Fun.(*ast.SelectorExpr)
				literal, isText := call.Args[0].(*ast.BasicLit)
				if !ok || !isText || method.Sel.Name != "Notef" && method.Sel.Name != "note" {
					return true
				}
				format, err := strconv.Unquote(literal.Value)
				require.NoError(t, err)
				if parts, is := composed[format]; is {
					found = append(found, parts...)
				} else {
					found = append(found, strings.ReplaceAll(format, "%%", "%"))
				}
				return true
			})
		}
	}
	return found
}
