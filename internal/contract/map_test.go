package contract_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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

var (
	longReason = regexp.MustCompile(`(?m)^// .*\blonger than 400 lines\b`)
	generated  = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
)

// A source of more than 400 lines says at its top why it is not two.
func TestLongFilesSayWhy(t *testing.T) {
	t.Parallel()
	const root, longest = "../..", 400
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		top, _, _ := bytes.Cut(append([]byte("\n"), text...), []byte("\npackage "))
		if bytes.Count(text, []byte("\n")) > longest && !longReason.Match(top) && !generated.Match(top) {
			t.Errorf("%s has more than %d lines: split it, or say at its top why it is longer than 400 lines", path, longest)
		}
		return nil
	}))
}
