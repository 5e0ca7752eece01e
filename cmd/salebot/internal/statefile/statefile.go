// Package statefile keeps a state in a file so that the file holds a whole state
// at any moment, and so that a damaged one is noticed.
//
// The file is one JSON object: the state, and a checksum of its bytes as the last
// member. A file that was cut short has no checksum at its end.
package statefile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	marker = `{"format":"salebot emulator state `
	head   = marker + `1","state":`
	tail   = `,"sha256":"`
	end    = "\"}\n"
	// trailer is the length of what follows the state.
	trailer = len(tail) + 2*sha256.Size + len(end)
)

// ErrDamaged says that a file is there and does not hold a whole state.
var ErrDamaged = errors.New("the state file is damaged")

// ErrForeign says that a file is there and is something else than a state file, so
// that it has to be left alone.
var ErrForeign = errors.New("this is not a state file, and it is left as it is")

// CheckPath refuses what is not a regular file, also behind symbolic links: a
// device would be replaced by a file or read without end, and a pipe would be
// waited for. A file that does not exist yet is fine.
func CheckPath(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory; name a file in it", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file; name one, or a file that does not exist yet", path)
	}
	return nil
}

// Save replaces the file by what write writes, which has to be JSON. Until that
// is whole and on the disk the former file stays in place.
func Save(path string, write func(io.Writer) error) (err error) {
	if err = CheckPath(path); err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	path = followed(path)
	folder := filepath.Dir(path)
	temporary, err := os.CreateTemp(folder, leftOver(path)+"*")
	if err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	defer func() {
		if err != nil {
			_ = temporary.Close()
			_ = os.Remove(temporary.Name())
			err = fmt.Errorf("save the state: %w", err)
		}
	}()
	if err = fill(temporary, write); err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err == nil {
		err = syncFolder(folder)
	}
	return err
}

// fill writes a file and brings it to the disk.
func fill(file *os.File, write func(io.Writer) error) error {
	if err := writeState(file, write); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}

func writeState(file io.Writer, write func(io.Writer) error) error {
	buffered := bufio.NewWriterSize(file, 1<<16)
	if _, err := buffered.WriteString(head); err != nil {
		return err
	}
	sum := sha256.New()
	if err := write(io.MultiWriter(buffered, sum)); err != nil {
		return err
	}
	if _, err := buffered.WriteString(tail + hex.EncodeToString(sum.Sum(nil)) + end); err != nil {
		return err
	}
	return buffered.Flush()
}

// syncFolder makes the new name last. Windows and some file systems cannot do
// that, and the file itself is whole all the same.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path) //nolint:gosec // the path is the user's own
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	err = folder.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}

// Load returns the state in a file. The error is fs.ErrNotExist where there is no
// file or an empty one, ErrForeign where the file holds something else, and
// ErrDamaged where it does not hold a whole state.
func Load(path string) ([]byte, error) {
	if err := CheckPath(path); err != nil {
		return nil, fmt.Errorf("load the state: %w", err)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the path is the user's own
	if err != nil {
		return nil, fmt.Errorf("load the state: %w", err)
	}
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return nil, fmt.Errorf("load the state: %s is empty: %w", path, fs.ErrNotExist)
	case bytes.HasPrefix(text, []byte(head)), strings.HasPrefix(head, string(text)):
	case bytes.HasPrefix(text, []byte(marker)):
		return nil, fmt.Errorf("load the state: %s: %w: it is of another version of the emulator", path, ErrForeign)
	case utf8.Valid(text) && !bytes.Contains(text, []byte{0}):
		return nil, fmt.Errorf("load the state: %s: %w: this looks like a seed or snapshot: use --seed", path, ErrForeign)
	default:
		return nil, fmt.Errorf("load the state: %s: %w", path, ErrForeign)
	}
	if len(text) < len(head)+trailer || !bytes.HasPrefix(text, []byte(head)) || !bytes.HasSuffix(text, []byte(end)) {
		return nil, fmt.Errorf("load the state: %w: it does not have its beginning and its end", ErrDamaged)
	}
	state, rest := text[len(head):len(text)-trailer], text[len(text)-trailer:]
	sum := sha256.Sum256(state)
	if string(rest) != tail+hex.EncodeToString(sum[:])+end {
		return nil, fmt.Errorf("load the state: %w: its checksum does not match", ErrDamaged)
	}
	return state, nil
}

// SetAside renames a file that cannot be used, so that it is not overwritten, and
// returns its new name.
func SetAside(path string, now time.Time) (string, error) {
	aside := path + ".damaged-" + now.UTC().Format("20060102T150405.000")
	if err := os.Rename(path, aside); err != nil {
		return "", fmt.Errorf("set the state file aside: %w", err)
	}
	return aside, nil
}
