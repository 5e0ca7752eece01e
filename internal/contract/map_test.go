package contract_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The map of CONTRIBUTING.md names each module and each package of the root module,
// and nothing that is gone. A row also stands for the folders below its own, except
// below internal.
func TestTheMapIsTheHouse(t *testing.T) {
	t.Parallel()
	const root = "../.."
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "| place | ")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	var places []string
	for _, line := range strings.Split(table, "\n")[2:] {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for place := range strings.SplitSeq(cell, ", ") {
			places = append(places, strings.Trim(strings.TrimSpace(place), "`"))
		}
	}
	for _, place := range places {
		if place != "root" {
			require.DirExists(t, filepath.Join(root, place), "the map names a folder that is gone")
		}
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || path == root {
			return err
		}
		folder, err := filepath.Rel(root, path)
		require.NoError(t, err)
		folder = filepath.ToSlash(folder)
		if strings.HasPrefix(entry.Name(), ".") || slices.Contains(places, folder) && folder != "webhook" && folder != "ledger" {
			return fs.SkipDir
		}
		sources, err := filepath.Glob(filepath.Join(path, "*.go"))
		require.NoError(t, err)
		require.True(t, len(sources) == 0 || slices.Contains(places, folder), "the map has no row for %s", folder)
		return nil
	}))
}
