package contract_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/salebottest"
)

// TestReadmeBlocks runs every Go block of the README and of the guides: programs
// against an emulator that knows the client of the examples, and tests as tests. All
// are linked into one binary, since linking each takes more time than all the rest.
func TestReadmeBlocks(t *testing.T) {
	t.Parallel()
	blocks := readmeBlocks(t)
	require.Greater(t, len(blocks), 5)
	binary := buildBlocks(t, blocks)
	server := salebottest.NewServer(t, salebottest.WithPerson(salebottest.Person{ID: 25554, Name: "Ann"}))
	for number, block := range blocks {
		if !block.isProgram() && len(block.tests) == 0 {
			continue
		}
		t.Run(block.name, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), binary, "-test.v", "-test.run=^("+strings.Join(block.tests, "|")+")$")
			// What a program writes belongs into a folder of its own.
			command.Dir = t.TempDir()
			command.Env = append(os.Environ(), "SALEBOT_API_KEY="+server.Key(), "SALEBOT_BASE_URL="+server.URL)
			if block.isProgram() {
				command.Env = append(command.Env, fmt.Sprintf("%s=%d", programVariable, number))
			}
			output, err := command.CombinedOutput()
			require.NoError(t, err, "%s\n%s", block.source, output)
			for _, name := range block.tests {
				require.Contains(t, string(output), "--- PASS: "+name+" ")
			}
		})
	}
}

// block is a piece of Go on a page: a program, a file of tests, or one that has only
// to compile.
type block struct {
	name, source string
	// tests are the names of its tests; a program has none.
	tests []string
}

func (b *block) isProgram() bool { return strings.HasPrefix(b.source, "package main\n") }

func readmeBlocks(t *testing.T) []block {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(filepath.Dir(readmeFile), "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	var blocks []block
	for _, page := range append(pages, readmeFile) {
		for number, source := range codeBlocks(readPage(t, page), "go") {
			b := block{name: fmt.Sprintf("%s, block %d", filepath.Base(page), number+1), source: source}
			for _, test := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(b.source, -1) {
				b.tests = append(b.tests, test[1])
			}
			blocks = append(blocks, b)
		}
	}
	return blocks
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// codeBlocks returns the blocks of a page in a language, or all if it is "".
func codeBlocks(page, language string) []string {
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\\w*\n(.*?)```").FindAllStringSubmatch(page, -1) {
		blocks = append(blocks, match[1])
	}
	return blocks
}

// programVariable is the environment variable that says which program to run.
const programVariable = "README_PROGRAM"

// buildBlocks compiles the blocks in a module of their own, as a user has one: the tests
// as one package, and each program as one that its test binary imports.
func buildBlocks(t *testing.T, blocks []block) string {
	t.Helper()
	folder := t.TempDir()
	add := func(name, source string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(source), 0o600))
	}
	var imports, cases strings.Builder
	for number, b := range blocks {
		switch {
		case len(b.tests) == 0 && !b.isProgram():
			name := fmt.Sprintf("part%d", number)
			add(filepath.Join(name, "part.go"), replaceOnce(t, b.source, `(?m)^package \w+$`, "package "+name))
			fmt.Fprintf(&imports, "\t_ %q\n", "readme.example/shop/"+name)
			continue
		case !b.isProgram():
			add(fmt.Sprintf("block%d_test.go", number), replaceOnce(t, b.source, `(?m)^package \w+$`, "package shop"))
			continue
		}
		name := fmt.Sprintf("program%d", number)
		source := replaceOnce(t, b.source, `(?m)^package main$`, "package "+name)
		add(filepath.Join(name, "program.go"), replaceOnce(t, source, `(?m)^func main\(\)`, "func Main()"))
		fmt.Fprintf(&imports, "\t%q\n", "readme.example/shop/"+name)
		fmt.Fprintf(&cases, "\tcase \"%d\":\n\t\t%s.Main()\n", number, name)
	}
	add("main_test.go", "package shop\n\nimport (\n\t\"os\"\n\t\"testing\"\n\n"+imports.String()+")\n\n"+
		"func TestMain(m *testing.M) {\n\tswitch os.Getenv(\""+programVariable+"\") {\n\tcase \"\":\n\t\tm.Run()\n"+cases.String()+
		"\tdefault:\n\t\tpanic(\"no such program\")\n\t}\n}\n")

	add("go.mod", "module readme.example/shop\n\ngo 1.26\n")
	// The workspace of this repository and the module, so that nothing is compiled that
	// has been compiled for the other tests.
	root, err := filepath.Abs(filepath.Dir(readmeFile))
	require.NoError(t, err)
	workspace, err := os.ReadFile(filepath.Join(root, "go.work"))
	require.NoError(t, err)
	add("go.work", regexp.MustCompile(`(?m)^\t\.`).ReplaceAllString(string(workspace), "\t"+filepath.ToSlash(root)+"/.")+"\nuse .\n")
	sums, err := os.ReadFile(filepath.Join(root, "go.work.sum"))
	require.NoError(t, err)
	add("go.work.sum", string(sums))

	binary := filepath.Join(folder, "blocks.test")
	command := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, ".")
	command.Dir = folder
	command.Env = append(os.Environ(), "GOWORK="+filepath.Join(folder, "go.work"))
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return binary
}

func replaceOnce(t *testing.T, source, pattern, replacement string) string {
	t.Helper()
	expression := regexp.MustCompile(pattern)
	require.Len(t, expression.FindAllString(source, -1), 1, "%s: %s", pattern, source)
	return expression.ReplaceAllString(source, replacement)
}

// TestLinksLeadSomewhere follows the links of all pages to files of the repository.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	root := filepath.Dir(readmeFile)
	checked := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/ru/*.md", "examples/*.md", "bench/*.md", "internal/*/*.md"} {
		pages, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, page := range pages {
			for _, match := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(readPage(t, page), -1) {
				target, _, _ := strings.Cut(match[1], "#")
				if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
					continue
				}
				checked++
				require.FileExists(t, existing(filepath.Join(filepath.Dir(page), target)), "%s links to %s", page, match[1])
			}
		}
	}
	require.Greater(t, checked, 30)
}

// existing returns a file in the place of a folder that exists.
func existing(name string) string {
	if information, err := os.Stat(name); err == nil && information.IsDir() {
		return readmeFile
	}
	return name
}
