package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// unreleased are the modules that are only for the repository, besides examples.
var unreleased = []string{"bench", "tools"}

// moduleFolder is a module of the repository.
type moduleFolder struct {
	// folder is relative to the repository's, "." for the root.
	folder string
	path   string
	// needs are the paths of the other modules that it requires.
	needs []string
	file  *modfile.File
}

// tag returns the name of the tag of a version.
func (m moduleFolder) tag(version string) string {
	return path.Join(m.folder, version)
}

// program reports whether the module is installed and not imported.
func (m moduleFolder) program() bool {
	return strings.HasPrefix(m.folder, "cmd/")
}

// readModules returns the modules that are released, each after those it needs.
func readModules(repository string) ([]moduleFolder, error) {
	text, err := os.ReadFile(filepath.Join(repository, "go.work"))
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork("go.work", text, nil)
	if err != nil {
		return nil, err
	}
	var all []moduleFolder
	for _, use := range work.Use {
		folder := path.Clean(use.Path)
		if slices.Contains(unreleased, folder) || strings.HasPrefix(folder, "examples/") {
			continue
		}
		file, err := readModuleFile(filepath.Join(repository, folder))
		if err != nil {
			return nil, err
		}
		all = append(all, moduleFolder{folder: folder, path: file.Module.Mod.Path, file: file})
	}
	for i := range all {
		for _, required := range all[i].file.Require {
			if slices.ContainsFunc(all, func(m moduleFolder) bool { return m.path == required.Mod.Path }) {
				all[i].needs = append(all[i].needs, required.Mod.Path)
			}
		}
	}
	return inOrder(all)
}

func readModuleFile(folder string) (*modfile.File, error) {
	text, err := os.ReadFile(filepath.Join(folder, "go.mod")) //nolint:gosec // a folder of the repository
	if err != nil {
		return nil, err
	}
	return modfile.Parse(filepath.Join(folder, "go.mod"), text, nil)
}

// inOrder sorts modules so that each comes after those it needs.
func inOrder(modules []moduleFolder) ([]moduleFolder, error) {
	var sorted []moduleFolder
	done := map[string]bool{}
	for len(sorted) < len(modules) {
		before := len(sorted)
		for _, m := range modules {
			ready := !slices.ContainsFunc(m.needs, func(path string) bool { return !done[path] })
			if ready && !done[m.path] {
				sorted = append(sorted, m)
				done[m.path] = true
			}
		}
		if len(sorted) == before {
			return nil, errors.New("the modules require each other in a circle")
		}
	}
	return sorted, nil
}

// requireVersion makes a module require a version of those it needs, and none of
// their folders.
func requireVersion(m moduleFolder, repository, version string) error {
	file := m.file
	for _, needed := range m.needs {
		if err := file.AddRequire(needed, version); err != nil {
			return err
		}
		if err := file.DropReplace(needed, ""); err != nil {
			return err
		}
	}
	file.Cleanup()
	if len(file.Replace) > 0 {
		return fmt.Errorf("%s replaces %s, with which it could not be installed", m.path, file.Replace[0].Old.Path)
	}
	text, err := file.Format()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(repository, m.folder, "go.mod"), text, 0o644) //nolint:gosec // a file of a repository is for everyone
}
