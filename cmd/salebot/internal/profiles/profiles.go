// Package profiles finds the API key and the settings of a project: in a file that
// only its owner may read, in the environment, or by asking.
package profiles

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/salebot-go/salebot"
)

// The environment variables, besides those of the package salebot.
const (
	// EnvConfig is the path of the file, if it is not the usual one.
	EnvConfig = "SALEBOT_CONFIG"
	// EnvProfile is the name of a profile.
	EnvProfile = "SALEBOT_PROFILE"
)

// Profile is a project.
type Profile struct {
	// Name is the name in the file; "default" if there is none.
	Name string `yaml:"-"`
	// Source says where the key comes from.
	Source string `yaml:"-"`
	// Key is the API key.
	Key string `yaml:"key"`
	// BaseURL is the address of the API; "" means the usual one.
	BaseURL string `yaml:"base_url"`
	// TimeZone is the project's, such as Europe/Moscow.
	TimeZone string `yaml:"time_zone"`
}

// File is a file with profiles.
type File struct {
	// Path is where it is, or would be.
	Path string `yaml:"-"`
	// Default is the name of the profile that is used if none is named.
	Default string `yaml:"default"`
	// Profiles are the projects by name.
	Profiles map[string]Profile `yaml:"profiles"`
}

// Names returns the names of the profiles in their order.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.Profiles)) }

// DefaultName is the name of a profile without a name.
const DefaultName = "default"

// ErrNoKey says that there is no key and nobody to ask for one.
var ErrNoKey = errors.New("no API key: set " + salebot.EnvAPIKey + ", or write a profile; salebot profiles says how")

// maxFile bounds the file.
const maxFile = 1 << 20

// Path is the path of the file.
func Path() (string, error) {
	if path := os.Getenv(EnvConfig); path != "" {
		return path, nil
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, "salebot", "config.yaml"), nil
}

// Load reads the file. If there is none it is empty.
func Load() (*File, error) {
	path, err := Path()
	if err != nil {
		// Without a home there is no file.
		return &File{}, nil // the environment can have the key
	}
	loaded := &File{Path: path}
	file, err := os.Open(path) //nolint:gosec // the user names the file
	switch {
	case errors.Is(err, fs.ErrNotExist) && os.Getenv(EnvConfig) == "":
		return loaded, nil
	case err != nil:
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o): run chmod 600 %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return nil, err
	}
	if err := loaded.decode(text); err != nil {
		return nil, err
	}
	return loaded, nil
}

var lineOfYAML = regexp.MustCompile(`line \d+`)

// decode does not hand the texts of the decoder on, which quote what may be a key.
func (f *File) decode(text []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	err := decoder.Decode(f)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	where := lineOfYAML.FindString(err.Error())
	if where == "" {
		where = "it"
	}
	return fmt.Errorf("%s: %s is not understood; a profile has key, base_url and time_zone", f.Path, where)
}

// Choose returns the profile with a name. Without a name it is that of the environment:
// the key itself, or a profile that is named there, or else the default of the file. ask
// asks for a key that is missing; nil if there is nobody to ask.
func Choose(file *File, name string, ask func(name string) (string, error)) (Profile, error) {
	if name == "" {
		name = os.Getenv(EnvProfile)
	}
	key := os.Getenv(salebot.EnvAPIKey)
	var chosen Profile
	switch {
	case name != "":
		found, ok := file.Profiles[name]
		if !ok {
			return Profile{}, fmt.Errorf("there is no profile %q in %s", name, file.Path)
		}
		chosen, chosen.Name, chosen.Source = found, name, file.Path
	case key != "":
		chosen = Profile{Name: DefaultName, Key: key, Source: salebot.EnvAPIKey}
	case file.Default != "":
		found, ok := file.Profiles[file.Default]
		if !ok {
			return Profile{}, fmt.Errorf("the default profile %q is not in %s", file.Default, file.Path)
		}
		chosen, chosen.Name, chosen.Source = found, file.Default, file.Path
	default:
		chosen.Name = DefaultName
	}
	if chosen.BaseURL == "" {
		chosen.BaseURL = os.Getenv(salebot.EnvBaseURL)
	}
	if chosen.Key != "" {
		return chosen, nil
	}
	if ask == nil {
		return Profile{}, ErrNoKey
	}
	var err error
	chosen.Source = "the prompt"
	chosen.Key, err = ask(chosen.Name)
	if err == nil && chosen.Key == "" {
		err = ErrNoKey
	}
	return chosen, err
}
