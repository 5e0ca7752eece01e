package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const code = `package shop

import "sync"

type stock struct {
	mu    sync.Mutex
	count int
	log   []string
}

func (s *stock) take(n int) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n <= 0 || n > s.count {
		return false, nil
	}
	s.count -= n
	s.log = append(s.log, "taken")
	return true, nil
}

func unused(n int) int { return n + 1 }

func lines(texts []string) (n int) {
	for range texts {
		switch {
		case n < 3:
			n++
		default:
			panic("too many")
		}
	}
	return n
}
`

const weakTest = `package shop

import "testing"

func TestTake(t *testing.T) {
	s := stock{count: 5}
	if ok, _ := s.take(2); !ok || s.count != 3 {
		t.Fatal(ok, s.count)
	}
	if ok, _ := s.take(9); ok {
		t.Fatal("more than there is")
	}
	if lines([]string{"a", "b"}) != 2 {
		t.Fatal("lines")
	}
}
`

// module writes a module of one package.
func module(t *testing.T, test string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":       "module shop\n\ngo 1.26\n",
		"shop.go":      code,
		"shop_test.go": test,
	} {
		if text == "" {
			continue
		}
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	return folder
}

func TestReport(t *testing.T) {
	t.Setenv("GOWORK", "off")
	var printed strings.Builder
	c := config{folder: module(t, weakTest), skip: "Nothing"}
	require.NoError(t, report(t.Context(), &printed, c, []string{"."}))
	text := printed.String()
	for _, survivor := range []string{
		// What the test does not look at.
		`without the statement [survived]: s.log = append(s.log, "taken")`,
		"without the operand n <= 0 of || [survived]",
		"without the lock s.mu [survived]",
		"the bound of n <= 0 is moved [survived]",
		"the bound of n > s.count is moved [survived]",
		"3 is one more [survived]",
		// What it does not call.
		"returns zero values [not reached]: func unused",
		"1 is one more [not reached]: func unused",
	} {
		require.Contains(t, text, survivor)
	}
	for _, caught := range []string{"s.count -= n", "n > s.count of ||", "return true, nil", "n++"} {
		require.NotContains(t, text, caught)
	}
	require.Equal(t, 1, strings.Count(text, "lock"), "a lock is dropped with its unlocking:\n%s", text)
	require.Contains(t, text, "shop: ")
}

// What is returned already, a capacity and a value beside an error are no changes.
func TestWhatMakesNoDifferenceIsLeftOut(t *testing.T) {
	t.Setenv("GOWORK", "off")
	folder := module(t, weakTest)
	const more = `package shop

import (
	"errors"
	"strings"
)

const nothing = ""

func name() string { return nothing }

func list() { _ = make([]int, 0, 5) }

func grown(b *strings.Builder) { b.Grow(7) }

var errBroken = errors.New("broken")

func fails() (int, error) {
	return 0, errBroken
}
`
	require.NoError(t, os.WriteFile(filepath.Join(folder, "more.go"), []byte(more), 0o600))
	var printed strings.Builder
	require.NoError(t, report(t.Context(), &printed, config{folder: folder, files: "^more"}, []string{"."}))
	require.Contains(t, printed.String(), "2 changes")
	require.Contains(t, printed.String(), "0 is one more [not reached]: func list()")
	require.Contains(t, printed.String(), "return 0, errBroken")
}

func TestLongTestsAreLeftOut(t *testing.T) {
	t.Setenv("GOWORK", "off")
	var printed strings.Builder
	c := config{folder: module(t, weakTest), longest: 1}
	require.NoError(t, report(t.Context(), &printed, c, []string{"."}))
	require.Contains(t, printed.String(), "left out, as it takes long: TestTake")
	require.Contains(t, printed.String(), "shop: 0 of 16")
}

func TestChangesOfOnePlace(t *testing.T) {
	t.Setenv("GOWORK", "off")
	var printed strings.Builder
	c := config{folder: module(t, weakTest), at: `shop\.go:1[78]$`}
	require.NoError(t, report(t.Context(), &printed, c, []string{"."}))
	require.Contains(t, printed.String(), "shop.go:18: without the statement [survived]")
	require.Contains(t, printed.String(), "shop: 1 of 2")
}

func TestSample(t *testing.T) {
	t.Setenv("GOWORK", "off")
	var all, some strings.Builder
	c := config{folder: module(t, weakTest)}
	require.NoError(t, report(t.Context(), &all, c, []string{"."}))
	c.sample = 4
	require.NoError(t, report(t.Context(), &some, c, []string{"."}))
	require.Contains(t, some.String(), "a sample: every 4. of them, 4 in all")
	require.Contains(t, some.String(), "of 4 changes noticed")
	for line := range strings.Lines(some.String()) {
		if strings.Contains(line, ".go:") {
			require.Contains(t, all.String(), line)
		}
	}
}

func TestProblemsAreReported(t *testing.T) {
	t.Setenv("GOWORK", "off")
	for name, test := range map[string]struct {
		folder   string
		patterns []string
		want     string
	}{
		"no package":             {".", nil, "no packages"},
		"tests that fail anyway": {module(t, strings.Replace(weakTest, "!= 3", "!= 4", 1)), []string{"."}, "TestTake fails without a change"},
		"no tests":               {module(t, ""), []string{"."}, "has no tests"},
		"code that is broken":    {module(t, "package shop\n\nfunc TestX() { x }\n"), []string{"."}, "x"},
	} {
		err := report(t.Context(), &strings.Builder{}, config{folder: test.folder}, test.patterns)
		require.ErrorContains(t, err, test.want, name)
	}
}
