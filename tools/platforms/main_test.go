package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	write := func(name, text string) string {
		folder := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
		return filepath.Join(folder, name)
	}
	good := write("good.go", "package good\n\nvar Size int = 1 << 30\n")
	count, err := check("linux/386", []string{good})
	require.NoError(t, err)
	require.Equal(t, 1, count)

	large := write("large.go", "package large\n\nvar Size int = 1 << 40\n")
	_, err = check("linux/amd64", []string{large})
	require.NoError(t, err)
	_, err = check("linux/386", []string{large})
	require.ErrorContains(t, err, "overflows")

	_, err = check("linux", []string{good})
	require.ErrorContains(t, err, "SYSTEM/PROCESSOR")
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--"}, {"linux/386"}, {"linux/386", "--"}, {"--", "."}} {
		require.ErrorContains(t, run(args), "usage")
	}
}
