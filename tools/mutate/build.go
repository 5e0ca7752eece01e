package main

import (
	"bytes"
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
	// reached are the changes that its tests reach.
	reached map[int]bool
	// took is how long all of its tests take.
	took time.Duration
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
	skip := map[string]bool{}
	for range 20 {
		mutants, overlay, err := overlayOf(folder, loaded, skip)
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
func overlayOf(folder string, loaded []*packages.Package, skip map[string]bool) ([]mutant, string, error) {
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
		p := &program{folder: strings.TrimSpace(string(dir)), path: filepath.Join(folder, strconv.Itoa(i)+".test"), reached: map[int]bool{}}
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

// measure runs all tests without a change: how long they take, what they reach.
func (b *built) measure(ctx context.Context) error {
	for _, p := range b.programs {
		cover := p.path + ".reached"
		start := time.Now()
		output, err := b.command(ctx, p, 10*time.Minute, "SALEBOT_MUTANT_COVER="+cover).CombinedOutput()
		if err != nil {
			return fmt.Errorf("the tests fail without a change: %w\n%s", err, output)
		}
		p.took = time.Since(start)
		text, err := os.ReadFile(cover)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for line := range bytes.Lines(text) {
			id, err := strconv.Atoi(strings.TrimSpace(string(line)))
			if err != nil {
				return err
			}
			p.reached[id] = true
		}
	}
	return nil
}

// try runs the tests that reach a change with the change, the quickest first.
func (b *built) try(ctx context.Context, id int) (result, error) {
	programs := slices.DeleteFunc(slices.Clone(b.programs), func(p *program) bool { return !p.reached[id] })
	if len(programs) == 0 {
		return unreached, nil
	}
	slices.SortFunc(programs, func(a, b *program) int { return int(a.took - b.took) })
	for _, p := range programs {
		limit := b.config.timeout
		if limit == 0 {
			limit = 5*time.Second + 10*p.took
		}
		err := b.command(ctx, p, limit, "SALEBOT_MUTANT="+strconv.Itoa(id)).Run()
		var failed *exec.ExitError
		switch {
		case errors.As(err, &failed):
			return noticed, nil
		case err != nil:
			return "", err
		}
	}
	return survived, nil
}

// command runs a test program, with little memory: a change may take it all.
func (b *built) command(ctx context.Context, p *program, limit time.Duration, environment string) *exec.Cmd {
	memory := "ulimit -v 8388608; "
	if b.config.race {
		memory = "" // the race detector reserves more than there is
	}
	command := exec.CommandContext(ctx, "sh", "-c", memory+`exec "$0" "$@"`, p.path, "-test.failfast",
		"-test.timeout", limit.String(), "-test.run", b.config.run, "-test.skip", b.config.skip)
	command.Dir = p.folder
	command.Env = append(os.Environ(), environment)
	return command
}
