package ledger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/salebot-go/salebot/internal/filelock"
)

// File is a Ledger in a file of lines that a person can read. It serves one process at
// a time. It survives the death of that process and a failure of the machine: a record
// is flushed to the disk before its request is sent. Calls at the same time share a
// flush. In memory it keeps about 400 bytes for each record. Make it with OpenFile.
type File struct {
	path   string
	config config

	mutex sync.Mutex
	// flushed wakes those who wait for a flush.
	flushed *sync.Cond
	file    *os.File
	table   *table
	binding Binding
	project string
	bound   bool
	failed  error

	log fileLog
	// text and wires are the memory of the line at hand.
	text  []byte
	wires []wireRecord
	// written and synced count the lines; flushing says that a call flushes.
	written, synced int64
	flushing        bool
	// owed are changes that a full disk kept from being written. What they say is
	// known in memory.
	owed []line
	// seen is when the file was last found in its place.
	seen time.Time
}

// OpenFile opens the ledger in a file, and creates it if there is none. A change that
// a crash left unfinished at the end is taken off; any other damage is ErrDamaged,
// with the number of the line. A file that another process has open is ErrInUse, on
// systems that have locks.
func OpenFile(path string, opts ...Option) (*File, error) {
	c, err := configured(opts)
	if err != nil {
		return nil, err
	}
	f, err := openFile(path, c)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return f, nil
}

func openFile(path string, c config) (*File, error) {
	file, err := lockedFile(path)
	if err != nil {
		return nil, err
	}
	name := make([]byte, 8)
	_, _ = rand.Read(name) // it never fails
	f := &File{
		path: path, config: c, file: file,
		table: newTable(c.retention, hex.EncodeToString(name)), seen: time.Now(),
	}
	f.flushed = sync.NewCond(&f.mutex)
	f.binding.Retention = c.retention
	// A link stays a link when the file is compacted.
	f.path, err = filepath.EvalSymlinks(path)
	if err == nil {
		err = f.load()
	}
	if err != nil {
		return nil, errors.Join(err, filelock.Unlock(file), file.Close())
	}
	return f, nil
}

// openTries bounds the tries to lock a file that is replaced again and again.
const openTries = 100

// lockedFile opens a regular file and locks it.
func lockedFile(path string) (*os.File, error) {
	for range openTries {
		// Opening a pipe could hang, and a device could do anything.
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return nil, errors.New("ledger: not a regular file")
		}
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller names the file
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		switch err := filelock.Lock(file); {
		case errors.Is(err, filelock.ErrHeld):
			return nil, errors.Join(ErrInUse, file.Close())
		case err != nil:
			return nil, errors.Join(fmt.Errorf("ledger: %w", err), file.Close())
		}
		if inPlace(file, path) {
			return file, nil
		}
		// The process before replaced it by a shorter one in the meantime.
		if err := errors.Join(filelock.Unlock(file), file.Close()); err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
	}
	return nil, ErrInUse
}

// inPlace reports whether the path still leads to the file.
func inPlace(file *os.File, path string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(opened, named)
}

// load reads the file.
func (f *File) load() error {
	whole, err := f.log.read(f.file, f.apply)
	if err != nil {
		return err
	}
	if err := f.file.Truncate(whole); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if _, err := f.file.Seek(whole, io.SeekStart); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if f.log.lines > 0 {
		if f.log.wasteful(f.table) {
			return f.compact()
		}
		return nil
	}
	f.binding.Secret = newSecret()
	if err := f.write(line{Head: &head{Format: fileFormat, Secret: hex.EncodeToString(f.binding.Secret)}}); err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return syncFolder(f.path)
}

// apply takes a line that was read.
func (f *File) apply(l *line) error {
	switch {
	case l.Head != nil:
		secret, err := hex.DecodeString(l.Head.Secret)
		if err != nil || len(secret) < 16 || l.Head.Format != fileFormat {
			return errors.New("not the head of a ledger of this version")
		}
		f.binding.Secret = secret
	case l.Project != nil:
		f.project, f.bound = *l.Project, true
	}
	for _, r := range l.Begun {
		f.table.store(r.record())
	}
	for _, r := range l.Ended {
		record := r.record()
		present := f.table.lookup(record.Key, record.Number)
		if present == nil {
			return errors.New("the end of a record without its beginning")
		}
		whole := *present
		whole.State, whole.Version, whole.Answer, whole.EndedAt = record.State, record.Version, record.Answer, record.EndedAt
		f.table.store(whole)
	}
	for _, key := range l.Forgotten {
		f.table.forget(key)
	}
	return nil
}

// syncFolder makes the name of a file safe, if the system has a way to.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil //nolint:nilerr // a folder that may be written but not read
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Bind implements Ledger. The first project that is named is the ledger's.
func (f *File) Bind(_ context.Context, project string) (Binding, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	switch {
	case f.failed != nil:
		return Binding{}, f.failed
	case f.bound && project != f.project:
		return Binding{}, fmt.Errorf("%w: %.100q", ErrOtherProject, f.project)
	case f.bound:
		return f.binding, nil
	}
	if err := f.write(line{Project: &project}); err != nil {
		return Binding{}, err
	}
	if err := f.flush(); err != nil {
		return Binding{}, err
	}
	f.project, f.bound = project, true
	return f.binding, nil
}

// Find implements Ledger.
func (f *File) Find(_ context.Context, key Digest) ([]Record, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.failed != nil {
		return nil, f.failed
	}
	return f.table.find(key), nil
}

// FindEqual implements Ledger.
func (f *File) FindEqual(_ context.Context, content Digest) ([]Record, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.failed != nil {
		return nil, f.failed
	}
	return f.table.findEqual(content), nil
}

// Begin implements Ledger. Records of calls are flushed to the disk before it returns.
// A disk without room is an error that does not last.
func (f *File) Begin(_ context.Context, records ...Record) ([]Record, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if err := f.usable(); err != nil {
		return nil, err
	}
	if old := f.table.outdated(records); len(old) > 0 {
		if err := f.forget(old); err != nil {
			return nil, err
		}
	}
	begun, err := f.table.begun(records)
	if err != nil {
		return nil, err
	}
	f.wires = f.wires[:0]
	calls := false
	for i := range begun {
		f.wires = append(f.wires, wireOf(&begun[i]))
		calls = calls || !begun[i].IsWork()
	}
	if err := f.write(line{Begun: f.wires}); err != nil {
		return nil, err
	}
	f.table.store(begun...)
	if !calls {
		return begun, nil
	}
	if err := f.flush(); err != nil {
		return nil, err
	}
	return begun, nil
}

// End implements Ledger. The file is not flushed: if the machine fails, the records
// are as Begin left them. If the disk is full, what the records say is kept in memory
// and written as soon as there is room.
func (f *File) End(_ context.Context, records ...Record) ([]Record, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.failed != nil {
		return nil, f.failed
	}
	ended, err := f.table.ended(records)
	if err != nil {
		return nil, err
	}
	f.wires = f.wires[:0]
	for i := range ended {
		f.wires = append(f.wires, endOf(&ended[i]))
	}
	f.table.store(ended...)
	if err := f.write(line{Ended: f.wires}); err != nil {
		if f.failed != nil {
			return nil, err
		}
		f.owed = append(f.owed, line{Ended: slices.Clone(f.wires)})
	}
	return ended, nil
}

// Forget implements Ledger.
func (f *File) Forget(_ context.Context, keys ...Digest) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.failed != nil {
		return f.failed
	}
	return f.forget(keys)
}

func (f *File) forget(keys []Digest) error {
	if err := f.write(line{Forgotten: keys}); err != nil {
		return err
	}
	for _, key := range keys {
		f.table.forget(key)
	}
	return nil
}

// Alive implements Ledger. A holder from before the file was opened is dead, since
// the lock was free.
func (f *File) Alive(_ context.Context, holder string) (bool, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return holder == f.table.holder, f.failed
}

// Close flushes and closes the file.
func (f *File) Close() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if errors.Is(f.failed, ErrClosed) {
		return nil
	}
	for f.flushing {
		f.flushed.Wait()
	}
	if errors.Is(f.failed, ErrClosed) {
		return nil // by another call, in the meantime
	}
	var owed error
	if f.failed == nil {
		owed = f.settle()
	}
	flushed := f.file.Sync()
	if flushed == nil {
		f.synced = f.written
	}
	err := errors.Join(owed, flushed, filelock.Unlock(f.file), f.file.Close())
	f.failed = ErrClosed
	f.flushed.Broadcast()
	return err
}

// placeCheck is how often the file is looked for in its place.
const placeCheck = time.Second
