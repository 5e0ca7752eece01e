package contract_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// englishOnly are pages for those who change this project, and long references.
var englishOnly = []string{"architecture.md", "mutation.md", "compatibility.md", "emulator.md", "reference.md"}

// TestRussianPages compares each page for users with its Russian form: the same
// sections, tables and blocks of code, so that neither tells what the other does
// not.
func TestRussianPages(t *testing.T) {
	t.Parallel()
	root := filepath.Dir(readmeFile)
	pages := map[string]string{readmeFile: filepath.Join(root, "README.ru.md")}
	english, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	for _, page := range english {
		pages[page] = filepath.Join(root, "docs", "ru", filepath.Base(page))
	}
	for _, name := range englishOnly {
		delete(pages, filepath.Join(root, "docs", name))
	}
	require.Greater(t, len(pages), 6)
	for page, russian := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			one, other := readPage(t, page), readPage(t, russian)
			require.Equal(t, codeBlocks(one, ""), codeBlocks(other, ""), "the blocks of code")
			require.Equal(t, outline(one), outline(other), "headings, rows of tables and items of lists, in their order")
			require.Regexp(t, `\p{Cyrillic}`, firstLines(other), "it is in Russian")
		})
	}
}

// outline tells the structure of a page: the level of each heading, each row of a
// table with its cells, each item of a list.
func outline(page string) []string {
	page = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(page, "")
	var parts []string
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, "#"):
			parts = append(parts, strings.Repeat("#", strings.IndexByte(line, ' ')))
		case strings.HasPrefix(line, "|"):
			parts = append(parts, strings.Repeat("|", strings.Count(line, "|")-strings.Count(line, `\|`)))
		case regexp.MustCompile(`^(- |\d+\. )`).MatchString(line):
			parts = append(parts, "item")
		}
	}
	return parts
}

func firstLines(page string) string {
	return page[:min(len(page), 300)]
}
