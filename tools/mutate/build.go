package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/go/packages"
)

// program is a test program with all changes in it.
type program struct {
	folder, path string
	// tests are in the order of their time, the quickest first.
	tests []test
	// leftOut are tests that take too long.
	leftOut []string
}

// test is one test function, run by itself to see what it reaches.
type test struct {
	name    string
	took    time.Duration
	reached map[int]bool
}

// built are the changes and the programs that try them.
type built struct {
	config   config
	folder   string
	mutants  []mutant
	programs []*program
}

// build compiles the tests with all changes, leaving out those that do not compile.
func build(ctx context.Context, c config, folder string, patterns []string) (*built, error) {
	loaded, err := packages.Load(&packages.Config{Context: ctx, Dir: c.folder, Mode: packages.LoadSyntax}, patterns...)
	if err != nil {
		return nil, err
	}
	if len(c.tests) == 0 {
		for _, pkg := range loaded {
			c.tests = append(c.tests, pkg.PkgPath)
		}
	}
	files, err := regexp.Compile(c.files)
	if err != nil {
		return nil, err
	}
	skip := map[string]bool{}
	for range 20 {
		mutants, overlay, err := overlayOf(folder, loaded, files, skip)
		if err != nil {
			return nil, err
		}
		programs, refused, err := compile(ctx, c, folder, overlay)
		if err == nil {
			return &built{c, folder, mutants, programs}, nil
		}
		before := len(skip)
		for _, line := range refused {
			skip[line] = true
		}
		if len(skip) == before {
			return nil, err
		}
	}
	return nil, errors.New("changes that do not compile do not end")
}

// overlayOf writes the changed sources and the file that names them.
func overlayOf(folder string, loaded []*packages.Package, files *regexp.Regexp, skip map[string]bool) ([]mutant, string, error) {
	replace := map[string]string{}
	var mutants []mutant
	next := 0
	write := func(name string, text []byte) error {
		path := filepath.Join(folder, strconv.Itoa(len(replace))+".go")
		replace[name] = path
		return os.WriteFile(path, text, 0o600)
	}
	for _, pkg := range loaded {
		if len(pkg.Errors) > 0 {
			return nil, "", pkg.Errors[0]
		}
		m := &mutator{pkg: pkg, next: &next, skip: skip}
		for i, file := range pkg.Syntax {
			name := pkg.CompiledGoFiles[i]
			if !files.MatchString(filepath.Base(name)) {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, "", err
			}
			src := &source{name: name, text: text, file: file}
			m.mutate(src)
			// Without the line, the compiler names the changed file.
			if err := write(name, append([]byte("//line "+name+":1\n"), src.apply()...)); err != nil {
				return nil, "", err
			}
		}
		mutants = append(mutants, m.mutants...)
		extra := filepath.Join(filepath.Dir(pkg.CompiledGoFiles[0]), "mutants_switchboard.go")
		if err := write(extra, fmt.Appendf(nil, switchboard, pkg.Name)); err != nil {
			return nil, "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, "", err
	}
	overlay := filepath.Join(folder, "overlay.json")
	return mutants, overlay, os.WriteFile(overlay, text, 0o600)
}

var errorLine = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):\d+: `)

// compile builds the test programs. If that fails, refused are the lines that the
// compiler complains about.
func compile(ctx context.Context, c config, folder, overlay string) (programs []*program, refused []string, err error) {
	for i, pkg := range c.tests {
		list := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", pkg)
		list.Dir, list.Stderr = c.folder, os.Stderr
		dir, err := list.Output()
		if err != nil {
			return nil, nil, err
		}
		p := &program{folder: strings.TrimSpace(string(dir)), path: filepath.Join(folder, strconv.Itoa(i)+".test")}
		args := []string{"test", "-c", "-vet=off", "-gcflags=-e", "-overlay", overlay, "-o", p.path}
		if c.race {
			args = append(args, "-race")
		}
		command := exec.CommandContext(ctx, "go", append(args, pkg)...)
		command.Dir = c.folder
		output, err := command.CombinedOutput()
		if err != nil {
			for _, match := range errorLine.FindAllSubmatch(output, -1) {
				name := string(match[1])
				if !filepath.IsAbs(name) {
					name = filepath.Join(c.folder, name)
				}
				absolute, problem := filepath.Abs(name)
				if problem != nil {
					return nil, nil, problem
				}
				refused = append(refused, absolute+":"+string(match[2]))
			}
			return nil, refused, fmt.Errorf("%s: %w\n%s", pkg, err, output)
		}
		if _, err := os.Stat(p.path); err != nil {
			return nil, nil, fmt.Errorf("%s has no tests", pkg)
		}
		programs = append(programs, p)
	}
	return programs, nil, nil
}

// measure runs each test without a change: how long it takes, what it reaches.
func (b *built) measure(ctx context.Context) error {
	for _, p := range b.programs {
		names, err := b.list(ctx, p)
		if err != nil {
			return err
		}
		for i, name := range names {
			cover := p.path + ".reached" + strconv.Itoa(i)
			start := time.Now()
			output, err := b.command(ctx, p, only(name), 10*time.Minute, "SALEBOT_MUTANT_COVER="+cover).CombinedOutput()
			if err != nil {
				return fmt.Errorf("%s fails without a change: %w\n%s", name, err, output)
			}
			reached, err := readNumbers(cover)
			if err != nil {
				return err
			}
			took := time.Since(start)
			if b.config.longest != 0 && took > b.config.longest {
				p.leftOut = append(p.leftOut, name)
				continue
			}
			p.tests = append(p.tests, test{name, took, reached})
		}
		slices.SortFunc(p.tests, func(a, b test) int { return cmp.Compare(a.took, b.took) })
	}
	return nil
}

// list returns the names of the tests that are to be run.
func (b *built) list(ctx context.Context, p *program) ([]string, error) {
	pattern := b.config.run
	if pattern == "" {
		pattern = "."
	}
	skip, err := regexp.Compile(b.config.skip)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, p.path, "-test.list", pattern)
	command.Dir, command.Stderr = p.folder, os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.Lines(string(output)) {
		name = strings.TrimSpace(name)
		if !testName.MatchString(name) || b.config.skip != "" && skip.MatchString(name) {
			continue
		}
		names = append(names, name)
	}
	return names, nil
}

// testName leaves out benchmarks and what the program prints besides.
var testName = regexp.MustCompile(`^(Test|Example|Fuzz)\w*$`)

func readNumbers(name string) (map[int]bool, error) {
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	numbers := map[int]bool{}
	for line := range bytes.Lines(text) {
		number, err := strconv.Atoi(strings.TrimSpace(string(line)))
		if err != nil {
			return nil, err
		}
		numbers[number] = true
	}
	return numbers, nil
}

// only is the pattern of the tests with these names.
func only(names ...string) string {
	return "^(" + strings.Join(names, "|") + ")$"
}

// firstTests is how many tests are tried before the slower ones.
const firstTests = 20

// try runs the tests that reach a change with the change, the quickest first.
func (b *built) try(ctx context.Context, id int) (result, error) {
	became := unreached
	for _, p := range b.programs {
		reaching := slices.DeleteFunc(slices.Clone(p.tests), func(t test) bool { return !t.reached[id] })
		for batch := range slices.Chunk(reaching, firstTests) {
			became = survived
			var names []string
			limit := 5 * time.Second
			for _, t := range batch {
				names = append(names, t.name)
				limit += 10 * t.took
			}
			if b.config.timeout != 0 {
				limit = b.config.timeout
			}
			err := b.command(ctx, p, only(names...), limit, "SALEBOT_MUTANT="+strconv.Itoa(id)).Run()
			var failed *exec.ExitError
			switch {
			case errors.As(err, &failed):
				return noticed, nil
			case err != nil:
				return "", err
			}
		}
	}
	return became, nil
}

// command runs tests of a program, with little memory: a change may take it all.
func (b *built) command(ctx context.Context, p *program, tests string, limit time.Duration, environment string) *exec.Cmd {
	memory := "ulimit -v 8388608; "
	if b.config.race {
		memory = "" // the race detector reserves more than there is
	}
	command := exec.CommandContext(ctx, "sh", "-c", memory+`exec "$0" "$@"`, p.path, "-test.failfast",
		"-test.timeout", limit.String(), "-test.run", tests)
	command.Dir = p.folder
	command.Env = append(os.Environ(), environment)
	return command
}
