package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/internal/settings"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/salebottest"
)

// update rewrites what of docs/emulator.md is made from the code.
var update = flag.Bool("update", false, "rewrite the generated tables of docs/emulator.md")

const documentation = "../../docs/emulator.md"

func readDocumentation(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(documentation)
	require.NoError(t, err)
	return string(text)
}

// The tables are those of the code.
func TestDocumentationTables(t *testing.T) {
	t.Parallel()
	text := readDocumentation(t)
	want := replaceTable(t, text, "actions", actionTable())
	want = replaceTable(t, want, "settings", settingsTable(t))
	if *update {
		require.NoError(t, os.WriteFile(documentation, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, text, "run: go test -run TestDocumentationTables . -update")
}

func replaceTable(t *testing.T, text, name, table string) string {
	t.Helper()
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, found := strings.Cut(text, begin)
	require.True(t, found, "there is no mark %q", begin)
	_, after, found := strings.Cut(rest, end)
	require.True(t, found, "there is no mark %q", end)
	return before + begin + table + end + after
}

func actionTable() string {
	var b strings.Builder
	b.WriteString("| action | method | parameters in | permission | answer | evidence |\n|---|---|---|---|---|---|\n")
	for _, row := range action.All() {
		name := "`" + row.Name + "`"
		if row.Legacy {
			name += " (legacy)"
		}
		kind := map[action.Answer]string{
			action.Acknowledgement: "a word of success", action.Confirmation: "a word of success",
			action.Data: "JSON", action.Flat: "JSON, the variables themselves",
		}[row.Answer]
		permission := "`" + string(row.Permission) + "`"
		if row.Permission == action.UnknownPermission {
			permission = "any"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n",
			name, strings.Join(row.Methods, ", "), row.Place, permission, kind, row.Evidence)
	}
	return b.String()
}

// settingsTable is made of the declaration of salebottest.Answers: the names, the
// values and what is known.
func settingsTable(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../salebottest/answers.go", nil, parser.ParseComments)
	require.NoError(t, err)
	values, names := constants(t, file), map[string]string{}
	fields := reflect.TypeFor[salebottest.Answers]()
	for field := range fields.Fields() {
		names[field.Name], _, _ = strings.Cut(field.Tag.Get("json"), ",")
	}
	// Words of Go in the comments become those of a configuration file.
	inWords := func(text string) string {
		return regexp.MustCompile(`\b[A-Z][A-Za-z0-9]+\b`).ReplaceAllStringFunc(text, func(word string) string {
			for _, known := range values {
				if value, ok := known[word]; ok {
					return "`" + value + "`"
				}
			}
			if name, ok := names[word]; ok {
				return "`" + name + "`"
			}
			return word
		})
	}
	var b strings.Builder
	b.WriteString("| setting | values | what is known |\n|---|---|---|\n")
	ast.Inspect(file, func(node ast.Node) bool {
		declared, ok := node.(*ast.TypeSpec)
		if !ok || declared.Name.Name != "Answers" {
			return true
		}
		for _, field := range declared.Type.(*ast.StructType).Fields.List {
			name := field.Names[0].Name
			of := field.Type.(*ast.Ident).Name
			known := strings.Join(strings.Fields(field.Doc.Text()), " ")
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", names[name], valuesOf(of, values), inWords(known))
		}
		return false
	})
	return b.String()
}

// constants returns the values of the constants of each type, in their order
// under "".
func constants(t *testing.T, file *ast.File) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			constant := spec.(*ast.ValueSpec)
			of, ok := constant.Type.(*ast.Ident)
			if !ok {
				continue
			}
			value, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			if all[of.Name] == nil {
				all[of.Name] = map[string]string{}
			}
			all[of.Name][constant.Names[0].Name] = value
			all[of.Name][""] += "`" + value + "` "
		}
	}
	return all
}

func valuesOf(of string, values map[string]map[string]string) string {
	switch of {
	case "bool":
		return "`false` `true`"
	case "string":
		return "any text"
	case "Reply":
		return "`status`, `body`, `content_type`"
	}
	return strings.TrimSpace(values[of][""])
}

// blocks returns the code blocks of a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	var found []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(readDocumentation(t), -1) {
		found = append(found, match[1])
	}
	require.NotEmpty(t, found)
	return found
}

// The files that are shown can be used, and show everything that there is.
func TestDocumentedFiles(t *testing.T) {
	t.Parallel()
	files := blocks(t, "yaml")
	require.Len(t, files, 2)
	seed, err := settings.LoadSeed(writeFile(t, "seed.yaml", files[0]))
	require.NoError(t, err)
	emulator, err := salebottest.Open(salebottest.WithProject(seed))
	require.NoError(t, err)
	emulator.Close()
	_, err = settings.LoadConfig(writeFile(t, "config.yaml", files[1]))
	require.NoError(t, err)

	for field := range reflect.TypeFor[settings.Config]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		require.Contains(t, "\n"+files[1], "\n"+name+":", "the configuration is shown whole")
	}
	for field := range reflect.TypeFor[settings.Webhook]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		require.Contains(t, files[1], "\n  "+name+":", "the configuration is shown whole")
	}
	runEmulator(t, "--seed", writeFile(t, "seed.yaml", files[0]), "--config", writeFile(t, "config.yaml", files[1]))
}

// The session that is shown goes as it is shown.
func TestDocumentedSession(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl here")
	}
	p := runEmulator(t, "--key", "test")
	for _, session := range blocks(t, "console") {
		for _, step := range strings.Split(session, "$ ")[1:] {
			command, want, _ := strings.Cut(step, "\n")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			run := exec.CommandContext(ctx, "sh", "-c", strings.ReplaceAll(command, "http://127.0.0.1:8085", p.address))
			output, err := run.Output()
			cancel()
			require.NoError(t, err, command)
			require.Equal(t, want, string(bytes.TrimRight(output, "\n"))+"\n", command)
		}
	}
}

// Every endpoint that the page names is one.
func TestDocumentedEndpoints(t *testing.T) {
	t.Parallel()
	description, err := os.ReadFile("emulator/openapi.yaml")
	require.NoError(t, err)
	named := regexp.MustCompile(`/_emulator/[a-z/{}_.]*[a-z}]`).FindAllString(readDocumentation(t), -1)
	slices.Sort(named)
	for _, path := range slices.Compact(named) {
		path = strings.ReplaceAll(path, "{id}", "{client_id}")
		require.Contains(t, string(description), "\n  "+path+":", path)
	}
}
