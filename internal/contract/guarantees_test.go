package contract_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// guard is the command of a row of the README's guarantees.
var guard = regexp.MustCompile("^`go test (?:-tags \\w+ )?-run (\\S+|\"[^\"]+\")((?: \\.\\S*)+)`$")

// Each guarantee of the README names a command that runs the tests that guard it,
// and each package and each alternative in it has such a test.
func TestEachGuaranteeNamesItsTest(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(readme), "\n## Guarantees\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	rows := 0
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| what cannot happen") {
			continue
		}
		rows++
		cells := strings.Split(strings.ReplaceAll(strings.TrimSpace(line), `\|`, "\x00"), "|")
		require.Len(t, cells, 5, line)
		command := strings.ReplaceAll(strings.TrimSpace(cells[3]), "\x00", "|")
		match := guard.FindStringSubmatch(command)
		require.NotNil(t, match, "the last cell is a command: %s", line)
		requireTests(t, strings.Trim(match[1], `"`), strings.Fields(match[2]))
	}
	require.Positive(t, rows)
}

// requireTests checks that each alternative of a pattern names a test in one of
// the packages, and that no package is there in vain.
func requireTests(t *testing.T, pattern string, packages []string) {
	t.Helper()
	useful := map[string]bool{}
	for alternative := range strings.SplitSeq(pattern, "|") {
		name, _, _ := strings.Cut(alternative, "/")
		test := regexp.MustCompile(`(?m)^func (Test|Fuzz|Example)\w*\(`)
		matches := 0
		for _, folder := range packages {
			files, err := filepath.Glob(filepath.Join("..", "..", folder, "*_test.go"))
			require.NoError(t, err)
			for _, file := range files {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				for _, found := range test.FindAllString(string(text), -1) {
					found = strings.TrimSuffix(strings.TrimPrefix(found, "func "), "(")
					if regexp.MustCompile(name).MatchString(found) {
						matches++
						useful[folder] = true
					}
				}
			}
		}
		require.Positive(t, matches, "no test is called %s in %v", name, packages)
	}
	for _, folder := range packages {
		require.True(t, useful[folder], "nothing in %s is called %s", folder, pattern)
	}
}
