package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// proxy is a folder that the go command reads like a module proxy.
type proxy string

// publish adds a version of a module, as it is tagged.
func (p proxy) publish(repository string, m moduleFolder, version string) error {
	escaped, err := module.EscapePath(m.path)
	if err != nil {
		return err
	}
	folder := filepath.Join(string(p), escaped, "@v")
	if err = os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	information, err := json.Marshal(map[string]any{"Version": version, "Time": time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	description, err := os.ReadFile(filepath.Join(repository, m.folder, "go.mod"))
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"list": []byte(version + "\n"), version + ".info": information, version + ".mod": description} {
		if err = os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return err
		}
	}
	archive, err := os.Create(filepath.Join(folder, version+".zip"))
	if err != nil {
		return err
	}
	subfolder := m.folder
	if subfolder == "." {
		subfolder = ""
	}
	return errors.Join(
		zip.CreateFromVCS(archive, module.Version{Path: m.path, Version: version}, repository, m.tag(version), subfolder),
		archive.Close(),
	)
}

// environment makes the go command take our modules from the proxy, and all else
// from the cache of this machine or from wherever it usually does.
func (p proxy) environment() []string {
	usual := goSetting("GOPROXY")
	cache := filepath.Join(goSetting("GOMODCACHE"), "cache", "download")
	return []string{
		"GOWORK=off",
		"GOFLAGS=-mod=mod -modcacherw -buildvcs=false",
		"GOPROXY=" + strings.Join([]string{"file://" + string(p), "file://" + cache, usual}, ","),
		"GONOSUMDB=github.com/salebot-go/salebot,github.com/salebot-go/salebot/*",
	}
}

func goSetting(name string) string {
	value, err := exec.Command("go", "env", name).Output() //nolint:noctx // it reads a setting
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(value))
}
