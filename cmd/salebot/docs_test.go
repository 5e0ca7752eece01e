package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	"github.com/salebot-go/salebot/cmd/salebot/internal/settings"
	"github.com/salebot-go/salebot/internal/action"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

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
	want := testkit.ReplaceTable(t, text, "actions", actionTable())
	want = testkit.ReplaceTable(t, want, "settings", settingsTable())
	testkit.RequireMade(t, documentation, []byte(want))
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

// settingsTable lists the settings of answers: their names, values and what is
// known.
func settingsTable() string {
	var b strings.Builder
	b.WriteString("| setting | values | what is known |\n|---|---|---|\n")
	for _, setting := range emulator.AnswerSettings() {
		values := map[string]string{"flag": "`false` `true`", "text": "any text", "reply": "`status`, `body`, `content_type`"}[setting.Kind]
		if values == "" {
			values = "`" + strings.Join(setting.Values, "` `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", setting.Name, values, setting.Known)
	}
	return b.String()
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
	emulated, err := engine.Open(engine.WithProject(seed))
	require.NoError(t, err)
	emulated.Close()
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
