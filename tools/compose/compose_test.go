// Package compose_test checks recipes for containers that no test can run, against the
// programs that they are for.
package compose_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const folder = "../../postgres/examples/service"

// TestExampleService compares the recipe of the example service with its program.
func TestExampleService(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(folder, "compose.yaml"))
	require.NoError(t, err)
	var recipe struct {
		Services map[string]struct {
			Build       struct{ Context, Dockerfile string }
			Image       string
			Command     []string
			Environment map[string]string
			Ports       []string
			DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
			Restart     string
			Volumes     []string
			Healthcheck struct{ Test []string }
		}
		Volumes map[string]any
	}
	require.NoError(t, yaml.Unmarshal(text, &recipe))
	source := sources(t)
	parts := map[string]int{}
	for name, service := range recipe.Services {
		for needed, how := range service.DependsOn {
			require.Contains(t, recipe.Services, needed, name)
			require.Equal(t, how.Condition == "service_healthy", recipe.Services[needed].Healthcheck.Test != nil, name)
		}
		for _, port := range service.Ports {
			require.True(t, strings.HasPrefix(port, "127.0.0.1:"), "%s is open to others: %s", name, port)
		}
		if name == "database" {
			require.Contains(t, recipe.Volumes, strings.Split(service.Volumes[0], ":")[0])
			continue
		}
		require.FileExists(t, filepath.Join(folder, service.Build.Context, service.Build.Dockerfile))
		require.Len(t, service.Command, 1, name)
		require.Regexp(t, `"`+service.Command[0]+`": +\w+,`, source, "the program has no such part")
		parts[service.Command[0]]++
		for variable := range service.Environment {
			require.True(t, strings.Contains(source, `"`+variable+`"`) || slices.Contains([]string{"SALEBOT_API_KEY", "SALEBOT_BASE_URL"}, variable), variable)
		}
		for receiver := range strings.FieldsSeq(service.Environment["RECEIVERS"]) {
			host, port, _ := strings.Cut(receiver, ":")
			require.Equal(t, []string{"receiver"}, recipe.Services[host].Command)
			require.True(t, strings.HasSuffix(recipe.Services[host].Environment["LISTEN"], ":"+port))
		}
	}
	require.Equal(t, map[string]int{"migrate": 1, "receiver": 2, "worker": 2, "page": 1, "salebot": 1}, parts)
	password := regexp.MustCompile(`postgres:(\w+)@database/`).FindStringSubmatch(recipe.Services["page"].Environment["DATABASE_URL"])
	require.Equal(t, recipe.Services["database"].Environment["POSTGRES_PASSWORD"], password[1])
}

// sources are the sources of the program.
func sources(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range names {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		all.Write(content)
	}
	return all.String()
}
