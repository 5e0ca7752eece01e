package statefile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A file is either what Save wrote, or damaged, empty or something else.
func FuzzLoad(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state.json")
	if err := Save(path, write(`{"a":1}`)); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "state.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		state, err := Load(path)
		if errors.Is(err, ErrDamaged) || errors.Is(err, ErrForeign) || errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		// Then writing the state gives the same file.
		var again bytes.Buffer
		if err := writeState(&again, write(string(state))); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), text) {
			t.Fatalf("%q is taken for %q", text, again.Bytes())
		}
	})
}
