package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// prove uses each module as a stranger does, with an empty module cache.
func (r *release) prove(ctx context.Context) error {
	environment := append(r.proxy.environment(), "GOMODCACHE="+filepath.Join(r.scratch, "cache"), "GOBIN="+filepath.Join(r.scratch, "bin"))
	for i, m := range r.modules {
		folder := filepath.Join(r.scratch, fmt.Sprintf("user%d", i))
		if err := os.Mkdir(folder, 0o750); err != nil {
			return err
		}
		var err error
		if m.program() {
			err = r.install(ctx, m, folder, environment)
		} else {
			err = r.require(ctx, m, folder, environment)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// require builds a program that imports the library.
func (r *release) require(ctx context.Context, m moduleFolder, folder string, environment []string) error {
	source := fmt.Sprintf("package main\n\nimport _ %q\n\nfunc main() {}\n", m.path)
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(source), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{{"mod", "init", "example.com/user"}, {"get", m.path + "@" + r.version}, {"build", "./..."}, {"mod", "verify"}} {
		if _, err := r.run(ctx, folder, environment, "go", args...); err != nil {
			return err
		}
	}
	return nil
}

// install installs the program and asks for its version.
func (r *release) install(ctx context.Context, m moduleFolder, folder string, environment []string) error {
	if _, err := r.run(ctx, folder, environment, "go", "install", m.path+"@"+r.version); err != nil {
		return err
	}
	program := filepath.Join(r.scratch, "bin", filepath.Base(m.path))
	printed, err := r.run(ctx, folder, nil, program, "version")
	if err != nil {
		return err
	}
	if want := strings.TrimPrefix(r.version, "v"); !strings.Contains(printed, want) {
		return fmt.Errorf("%s version printed %q, without %s", m.path, printed, want)
	}
	return nil
}
