// Package statefile keeps a state in a file that is added to: records that
// describe the whole state, and after them one for each change. A change that was
// added is there after a kill at any moment. Now and then the file is replaced by a
// shorter one, in one step.
//
// Each line is a record with a checksum before it. The first line says what the
// file is, and a mark stands where the whole state ends and the changes begin. A
// line that a kill cut short is left out; any other damage is noticed.
package statefile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
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
	head   = marker + "2\"}\n"
	// whole is the record that ends the records of the whole state.
	whole = `["whole"]`
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

// File is a state file to which changes are added. Make it with a Draft or with
// Load. It is not safe for concurrent use, except that Sync may run beside Add.
type File struct {
	path string
	file *os.File
	// state is the length of the records of the whole state, and changes that of
	// the changes.
	state, changes int64
	line           []byte
}

// Add adds a change. When it returns without an error the change is with the
// operating system: it is there after a kill, though not after a power cut.
func (f *File) Add(record []byte) error {
	f.line = appendLine(f.line[:0], record)
	n, err := f.file.Write(f.line)
	if err != nil {
		// Half of a line must not get another one behind it.
		_ = f.file.Truncate(f.state + f.changes)
		_, _ = f.file.Seek(f.state+f.changes, io.SeekStart)
		return fmt.Errorf("save a change: %w", err)
	}
	f.changes += int64(n)
	return nil
}

// Sync brings what was added to the disk, where it is after a power cut too.
func (f *File) Sync() error {
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	return nil
}

// InPlace reports whether the path still leads to this file.
func (f *File) InPlace() bool {
	there, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	here, err := f.file.Stat()
	return err == nil && os.SameFile(there, here)
}

// Sizes returns the length of the whole state and that of the changes, in bytes.
func (f *File) Sizes() (state, changes int64) { return f.state, f.changes }

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

func appendLine(line, record []byte) []byte {
	line = fmt.Appendf(line, "%08x ", crc32.Checksum(record, castagnoli))
	return append(append(line, record...), '\n')
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Draft is a file that is to take the place of a state file, or to be the first
// one.
type Draft struct {
	path string
	file *os.File
	out  *bufio.Writer
	line []byte
	// size is how much was written.
	size int64
}

// NewDraft begins a file beside the one that it is to replace.
func NewDraft(path string) (*Draft, error) {
	if err := CheckPath(path); err != nil {
		return nil, fmt.Errorf("save the state: %w", err)
	}
	path = followed(path)
	file, err := os.CreateTemp(filepath.Dir(path), leftOver(path)+"*")
	if err != nil {
		return nil, fmt.Errorf("save the state: %w", err)
	}
	d := &Draft{path: path, file: file, out: bufio.NewWriterSize(file, 1<<16)}
	if _, err := d.out.WriteString(head); err != nil {
		d.Abandon()
		return nil, fmt.Errorf("save the state: %w", err)
	}
	d.size = int64(len(head))
	return d, nil
}

// Add adds a record of the state.
func (d *Draft) Add(record []byte) error {
	d.line = appendLine(d.line[:0], record)
	d.size += int64(len(d.line))
	if _, err := d.out.Write(d.line); err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	return nil
}

// End says that the state is whole, and brings it to the disk.
func (d *Draft) End() error {
	if err := d.Add([]byte(whole)); err != nil {
		return err
	}
	err := d.out.Flush()
	if err == nil {
		err = d.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	return nil
}

// Replace puts the file in the place of the former one, with the changes that came
// after its state, and on the disk. Until then the former one stays. It must not be
// open: not every system replaces a file that is.
func (d *Draft) Replace(changes [][]byte) (*File, error) {
	f := &File{path: d.path, file: d.file, state: d.size}
	for _, record := range changes {
		if err := f.Add(record); err != nil {
			return nil, err
		}
	}
	err := d.file.Sync()
	if err == nil {
		err = d.file.Close()
	}
	if err == nil {
		err = os.Rename(d.file.Name(), d.path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(d.path))
	}
	if err == nil {
		f.file, err = os.OpenFile(d.path, os.O_RDWR, 0)
	}
	if err == nil {
		_, err = f.file.Seek(f.state+f.changes, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("save the state: %w", err)
	}
	return f, nil
}

// Abandon gives the draft up.
func (d *Draft) Abandon() {
	_ = d.file.Close()
	_ = os.Remove(d.file.Name())
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

// Load shows the records of a file, the oldest first, and opens it for more. A
// record is only valid during the call. The error is fs.ErrNotExist if there is no
// file or an empty one, ErrForeign if the file holds something else, ErrDamaged if
// it does not hold a whole state, and that of take.
func Load(path string, take func(record []byte) error) (*File, error) {
	if err := CheckPath(path); err != nil {
		return nil, fmt.Errorf("load the state: %w", err)
	}
	path = followed(path)
	file, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the path is the user's own
	if err != nil {
		return nil, fmt.Errorf("load the state: %w", err)
	}
	f := &File{path: path, file: file}
	if err := f.load(take); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("load the state: %w", err)
	}
	return f, nil
}

func (f *File) load(take func(record []byte) error) error {
	in := bufio.NewReaderSize(f.file, 1<<20)
	if err := f.begin(in); err != nil {
		return err
	}
	at, ended := int64(len(head)), false
	var line []byte
	for number := 2; ; number++ {
		var err error
		if line, err = readLine(in, line[:0]); errors.Is(err, io.EOF) {
			break // a line without an end was never answered for
		} else if err != nil {
			return err
		}
		record, ok := recordOf(line)
		at += int64(len(line))
		switch {
		case !ok:
			return fmt.Errorf("%w: the checksum of line %d does not match", ErrDamaged, number)
		case string(record) == whole:
			ended = true
			f.state = at
			continue
		}
		if err := take(record); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrDamaged, number, err)
		}
	}
	if !ended {
		return fmt.Errorf("%w: it breaks off", ErrDamaged)
	}
	f.changes = at - f.state
	if err := f.file.Truncate(at); err != nil {
		return err
	}
	_, err := f.file.Seek(at, io.SeekStart)
	return err
}

// begin reads the first line and says what the file is.
func (f *File) begin(in *bufio.Reader) error {
	text, err := in.Peek(len(head))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case string(text) == head:
		_, err = in.Discard(len(head))
		return err
	case len(bytes.TrimSpace(text)) == 0 && err != nil:
		return fmt.Errorf("%s is empty: %w", f.path, fs.ErrNotExist)
	case strings.HasPrefix(head, string(text)):
		return fmt.Errorf("%w: it breaks off", ErrDamaged)
	case bytes.HasPrefix(text, []byte(marker)):
		return fmt.Errorf("%s: %w: it is of another version of the emulator", f.path, ErrForeign)
	case utf8.Valid(bytes.TrimRightFunc(text, func(r rune) bool { return r == utf8.RuneError })) && !bytes.Contains(text, []byte{0}):
		return fmt.Errorf("%s: %w: this looks like a seed or snapshot: use --seed", f.path, ErrForeign)
	}
	return fmt.Errorf("%s: %w", f.path, ErrForeign)
}

// readLine reads a line with its end.
func readLine(in *bufio.Reader, line []byte) ([]byte, error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// recordOf takes the checksum off a line; ok is false if it does not match.
func recordOf(line []byte) (record []byte, ok bool) {
	const before = len("01234567 ")
	if len(line) <= before {
		return nil, false
	}
	record = line[before : len(line)-1]
	checksum := fmt.Appendf(make([]byte, 0, before), "%08x ", crc32.Checksum(record, castagnoli))
	return record, bytes.Equal(checksum, line[:before])
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
