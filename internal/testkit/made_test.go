package testkit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
)

// failures is a test that remembers how it failed.
type failures struct {
	testing.TB
	text string
}

func (f *failures) Helper() {}

func (f *failures) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func failureOf(t *testing.T, test func(testing.TB)) string {
	t.Helper()
	f := &failures{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(f)
	}()
	<-done
	return f.text
}

func TestRequireMade(t *testing.T) {
	t.Parallel()
	if testkit.Updating() {
		t.Skip("with -update files are written")
	}
	file := filepath.Join(t.TempDir(), "page")
	made := func(want string) string {
		return failureOf(t, func(t testing.TB) { testkit.RequireMade(t, file, []byte(want)) })
	}
	require.Contains(t, made("one\ntwo\n"), "-update", "the file is missing")
	require.NoError(t, os.WriteFile(file, []byte("one\ntwo\n"), 0o600))
	require.Empty(t, made("one\ntwo\n"))
	require.Contains(t, made("one\n2\n"), "the file has: two\nthe code makes: 2")
	require.Contains(t, made("one\ntwo\n\nthree"), "missing: three")
	require.Contains(t, made("one"), "too much: two")
}

func TestReplaceTable(t *testing.T) {
	t.Parallel()
	const page = "a\n<!-- sizes -->\nold\n<!-- end of sizes -->\nb\n"
	require.Equal(t, "a\n<!-- sizes -->\nnew\n<!-- end of sizes -->\nb\n", testkit.ReplaceTable(t, page, "sizes", "new\n"))
	require.Contains(t, failureOf(t, func(t testing.TB) { testkit.ReplaceTable(t, page, "colors", "") }), `"colors"`)
}
