package statefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/salebot-go/salebot/internal/filelock"
)

// ErrInUse says that another program keeps its state in the file.
var ErrInUse = errors.New("another emulator keeps its state there")

// lockSuffix is added to the name of the state file. The lock is on a file of its
// own, because each save puts a new file in the place of the former one.
const lockSuffix = ".lock"

// Lock keeps a second program away from a state file. It ends with the process,
// however that ends; its file stays behind and means nothing.
type Lock struct{ file *os.File }

// Take locks the state file at a path, which need not exist yet. The error is
// ErrInUse where another program has it. What saves that were cut off left behind
// is removed.
func Take(path string) (*Lock, error) {
	path = followed(path)
	file, err := os.OpenFile(path+lockSuffix, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the path is the user's own
	if err != nil {
		return nil, fmt.Errorf("lock the state file: %w", err)
	}
	if err := filelock.Lock(file); err != nil {
		_ = file.Close()
		if errors.Is(err, filelock.ErrHeld) {
			err = ErrInUse
		}
		return nil, fmt.Errorf("the state file %s cannot be used: %w", path, err)
	}
	removeLeftOvers(path)
	return &Lock{file: file}, nil
}

// Release lets another program have the state file.
func (l *Lock) Release() error { return errors.Join(filelock.Unlock(l.file), l.file.Close()) }

// followed returns the file that a link points to, so that a link stays a link and
// a file has one lock under all its names.
func followed(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// leftOver is how the names of the files begin that hold a state until it is
// whole.
func leftOver(path string) string { return "." + filepath.Base(path) + ".new-" }

// removeLeftOvers removes what a process that was killed in the middle of a save
// could not remove itself. Whoever has the lock is the only one who saves.
func removeLeftOvers(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	for _, entry := range entries {
		number, found := strings.CutPrefix(entry.Name(), leftOver(path))
		if found && number != "" && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
}
