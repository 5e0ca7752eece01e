package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// write makes files below a temporary folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return folder
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(text)
}

const base = "example.com/shop"

// house has a program that needs a library, which comes later in the workspace.
func house(t *testing.T) string {
	t.Helper()
	return write(t, map[string]string{
		"go.work":    "go 1.26\n\nuse (\n\t./cmd/till\n\t./store\n\t.\n\t./bench\n\t./examples/kiosk\n)\n",
		"go.mod":     "module " + base + "\n\ngo 1.26\n",
		"bench/none": "",
		"store/go.mod": "module " + base + "/store\n\ngo 1.26\n\nrequire " + base + " v0.0.0\n\n" +
			"replace " + base + " => ../\n",
		"cmd/till/go.mod": "module " + base + "/cmd/till\n\ngo 1.26\n\nrequire (\n\t" + base + " v0.0.0\n\t" + base + "/store v0.0.0\n)\n\n" +
			"replace (\n\t" + base + " => ../..\n\t" + base + "/store => ../../store\n)\n",
	})
}

func TestModulesComeAfterThoseTheyNeed(t *testing.T) {
	t.Parallel()
	modules, err := readModules(house(t))
	require.NoError(t, err)
	var tags []string
	for _, m := range modules {
		tags = append(tags, m.tag("v1.2.3"))
	}
	require.Equal(t, []string{"v1.2.3", "store/v1.2.3", "cmd/till/v1.2.3"}, tags)
	require.True(t, modules[2].program())
	require.False(t, modules[1].program())

	_, err = inOrder([]moduleFolder{{path: "a", needs: []string{"b"}}, {path: "b", needs: []string{"a"}}})
	require.ErrorContains(t, err, "circle")
}

func TestReleasedModulesReplaceNothing(t *testing.T) {
	t.Parallel()
	folder := house(t)
	modules, err := readModules(folder)
	require.NoError(t, err)
	require.NoError(t, requireVersion(modules[2], folder, "v1.2.3"))
	text := read(t, folder, "cmd/till/go.mod")
	require.NotContains(t, text, "replace")
	require.Contains(t, text, base+" v1.2.3")
	require.Contains(t, text, base+"/store v1.2.3")

	require.NoError(t, modules[1].file.AddReplace("example.com/other", "", "../other", ""))
	require.ErrorContains(t, requireVersion(modules[1], folder, "v1.2.3"), "replaces example.com/other")
}

func TestCloseChangelog(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{
		"CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n### Added\n\n- A till.\n\n## v0.1.0 (2026-01-02)\n",
		"closed.md":    "# Changelog\n\n## v0.1.0 (2026-01-02)\n",
	})
	require.NoError(t, closeChangelog(filepath.Join(folder, "CHANGELOG.md"), "v0.2.0", "2026-03-04"))
	require.Equal(t, "# Changelog\n\n## Unreleased\n\n## v0.2.0 (2026-03-04)\n\n### Added\n\n- A till.\n\n## v0.1.0 (2026-01-02)\n",
		read(t, folder, "CHANGELOG.md"))
	require.ErrorContains(t, closeChangelog(filepath.Join(folder, "closed.md"), "v0.2.0", "2026-03-04"), "no section")
}

func TestSetVersion(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{"a.go": "package shop\n", "b.go": "package shop\n\n// Version is ours.\nconst Version = \"0.1.0\"\n"})
	require.NoError(t, setVersion(folder, "v0.2.0"))
	require.Equal(t, "package shop\n\n// Version is ours.\nconst Version = \"0.2.0\"\n", read(t, folder, "b.go"))
	require.ErrorContains(t, setVersion(t.TempDir(), "v0.2.0"), "constant Version")
}

func TestVersionIsChecked(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"0.1.0"}, {"v1"}, {"v1.2.3+local"}, {"v1.2.3", "v1.2.4"}} {
		require.ErrorContains(t, run(t.Context(), t.Output(), "", args, time.Now()), "usage", args)
	}
}
