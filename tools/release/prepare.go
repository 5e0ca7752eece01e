package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// release is a release under way.
type release struct {
	commands
	version, date string
	// folder is the copy of the repository, scratch is for all else.
	folder, scratch string
	proxy           proxy
	modules         []moduleFolder
}

// prepare makes the commits and tags.
func (r *release) prepare(ctx context.Context) error {
	if _, err := r.run(ctx, ".", nil, "git", "clone", "-q", ".", r.folder); err != nil {
		return err
	}
	var err error
	if r.modules, err = readModules(r.folder); err != nil {
		return err
	}
	for _, m := range r.modules {
		if err = closeChangelog(filepath.Join(r.folder, m.folder, "CHANGELOG.md"), r.version, r.date); err != nil {
			return err
		}
	}
	if err = setVersion(r.folder, r.version); err != nil {
		return err
	}
	if err = r.commit(ctx, "Release "+r.version); err != nil {
		return err
	}
	development, err := r.git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	for _, m := range r.modules {
		if err := r.releaseModule(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
	}
	// The repository goes on with the folders.
	for _, m := range r.modules {
		if len(m.needs) == 0 {
			continue
		}
		if _, err := r.git(ctx, "checkout", "-q", development, "--", filepath.Join(m.folder, "go.mod"), filepath.Join(m.folder, "go.sum")); err != nil {
			return err
		}
	}
	return r.commit(ctx, "Go on after "+r.version)
}

// releaseModule makes a module require what is released and tags it.
func (r *release) releaseModule(ctx context.Context, m moduleFolder) error {
	tag := m.tag(r.version)
	if len(m.needs) > 0 {
		if err := requireVersion(m, r.folder, r.version); err != nil {
			return err
		}
		folder := filepath.Join(r.folder, m.folder)
		for _, args := range [][]string{{"mod", "tidy"}, {"build", "./..."}} {
			if _, err := r.run(ctx, folder, r.proxy.environment(), "go", args...); err != nil {
				return err
			}
		}
		if err := r.commit(ctx, "Release "+tag); err != nil {
			return err
		}
	}
	if _, err := r.git(ctx, "tag", "-a", "-m", tag, tag); err != nil {
		return err
	}
	return r.proxy.publish(r.folder, m, r.version)
}

func (r *release) git(ctx context.Context, args ...string) (string, error) {
	// A machine may have no author of its own.
	identity := []string{"-c", "user.name=release", "-c", "user.email=release@localhost"}
	return r.run(ctx, r.folder, nil, "git", append(identity, args...)...)
}

func (r *release) commit(ctx context.Context, message string) error {
	if _, err := r.git(ctx, "add", "--update"); err != nil {
		return err
	}
	_, err := r.git(ctx, "commit", "-q", "--allow-empty", "-m", message)
	return err
}

const openSection = "## Unreleased\n"

// closeChangelog gives the changes that were not released the version.
func closeChangelog(name, version, date string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if bytes.Count(text, []byte(openSection)) != 1 {
		return fmt.Errorf("%s has no section %q, or more than one", name, strings.TrimSpace(openSection))
	}
	closed := openSection + "\n## " + version + " (" + date + ")\n"
	text = bytes.Replace(text, []byte(openSection), []byte(closed), 1)
	return os.WriteFile(name, text, 0o644) //nolint:gosec // a file of a repository is for everyone
}

var versionConstant = regexp.MustCompile(`(?m)^const Version = ".*"$`)

// setVersion sets the constant that clients send with each request.
func setVersion(repository, version string) error {
	sources, err := filepath.Glob(filepath.Join(repository, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if versionConstant.Match(text) {
			line := fmt.Appendf(nil, "const Version = %q", strings.TrimPrefix(version, "v"))
			return os.WriteFile(name, versionConstant.ReplaceAll(text, line), 0o644) //nolint:gosec // a file of a repository is for everyone
		}
	}
	return fmt.Errorf("no source of %s has the constant Version", repository)
}
