package testkit

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// update is the one flag of all tests that compare files with what the code makes.
var update = updateFlag()

// updateCommand is what a failing test tells to run, in the root of the repository.
const updateCommand = `go test ./internal/contract ./cmd/salebot ./cmd/salebot/emulator -run "GoldenRequests|Tables|AnswerSettings|Evidence" -update`

func updateFlag() *bool {
	if !testing.Testing() {
		// The program that looks for the key shares this package.
		return new(bool)
	}
	return flag.Bool("update", false, "write the files again that are made from the code")
}

// Updating reports whether the files that are made from the code are written again.
func Updating() bool { return *update }

// RequireMade fails the test unless a file holds what the code makes. With the flag
// -update it writes the file.
func RequireMade(t testing.TB, file string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err == nil && bytes.Equal(got, want) {
		return
	}
	if !Updating() {
		t.Fatalf("%s is not what the code makes; run in the root of the repository: %s\n%s", file, updateCommand, firstDifference(got, want))
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, want, 0o644); err != nil {
		t.Fatal(err)
	}
}

// firstDifference shows the first line that differs.
func firstDifference(got, want []byte) string {
	has, made := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(has), len(made)) {
		if i >= len(has) {
			return "missing: " + made[i]
		}
		if i >= len(made) {
			return "too much: " + has[i]
		}
		if has[i] != made[i] {
			return "the file has: " + has[i] + "\nthe code makes: " + made[i]
		}
	}
	return ""
}

// ReplaceTable puts a table between the two marks of its name in a page of the
// documentation.
func ReplaceTable(t testing.TB, page, name, table string) string {
	t.Helper()
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, found := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("the page has no marks of %q", name)
	}
	return before + begin + table + end + after
}
