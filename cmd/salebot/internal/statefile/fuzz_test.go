package statefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A file is either a state, or damaged, empty or something else.
func FuzzLoad(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state.json")
	mustSave(f, path, `["a",1]`, `["b"]`)
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add(append(text, "0000"...))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "state.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		records, err := load(path)
		if errors.Is(err, ErrDamaged) || errors.Is(err, ErrForeign) || errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		// Then it holds these records, and at most the beginning of another one.
		again := filepath.Join(t.TempDir(), "again.json")
		mustSave(t, again, records...)
		back, err := load(again)
		if err != nil || !slices.Equal(back, records) {
			t.Fatalf("%q is taken for %q: %v", text, back, err)
		}
	})
}
