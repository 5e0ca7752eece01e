package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/salebot-go/salebot/internal/filelock"
)

// usable reports why nothing can be begun: what is written to a file that was removed
// or replaced would be gone after a restart.
func (f *File) usable() error {
	if f.failed != nil {
		return f.failed
	}
	if now := time.Now(); now.Sub(f.seen) >= placeCheck || now.Before(f.seen) {
		if !inPlace(f.file, f.path) {
			f.failed = fmt.Errorf("%w: the file was removed or replaced", ErrBroken)
			return f.failed
		}
		f.seen = now
	}
	f.table.sweep()
	if f.log.wasteful(f.table) {
		return f.compact()
	}
	return nil
}

// settle writes what is owed.
func (f *File) settle() error {
	for len(f.owed) > 0 {
		l := f.owed[0]
		if err := f.append(l); err != nil {
			return err
		}
		f.owed = f.owed[1:]
	}
	f.owed = nil
	return nil
}

// keptText is the largest buffer that is kept for the next line.
const keptText = 64 << 10

func (f *File) write(l line) error {
	if err := f.settle(); err != nil {
		return err
	}
	return f.append(l)
}

// append writes a line at the end. After a failure the file is as it was, or nothing
// more is written.
func (f *File) append(l line) error {
	text, next, err := f.log.encode(f.text, l)
	if err != nil {
		return err
	}
	if cap(text) <= keptText {
		f.text = text
	}
	if _, err := f.file.Write(text); err != nil {
		err = fmt.Errorf("ledger: %w", err)
		back := f.file.Truncate(f.log.size)
		if back == nil {
			_, back = f.file.Seek(f.log.size, io.SeekStart)
		}
		if back != nil {
			f.failed = errors.Join(ErrBroken, err, back)
			return f.failed
		}
		return err
	}
	f.log = next
	f.written++
	return nil
}

// flush waits until all that is written is on the disk. One caller flushes for all who
// wait; it is called with the mutex held, and releases it.
func (f *File) flush() error {
	mine := f.written
	for f.failed == nil && f.synced < mine {
		if f.flushing {
			f.flushed.Wait()
			continue
		}
		f.flushing = true
		// Who is about to write may join: a flush costs more than their turn.
		f.mutex.Unlock()
		runtime.Gosched()
		f.mutex.Lock()
		target, file := f.written, f.file
		f.mutex.Unlock()
		err := file.Sync()
		f.mutex.Lock()
		f.flushing = false
		if err != nil {
			// What a failed flush left of the file is not known.
			f.failed = errors.Join(ErrBroken, fmt.Errorf("ledger: %w", err))
		} else {
			f.synced = max(f.synced, target)
		}
		f.flushed.Broadcast()
	}
	if f.synced >= mine {
		return nil
	}
	return f.failed
}

// compact replaces the file by one that holds what is still known.
func (f *File) compact() error {
	for f.flushing {
		f.flushed.Wait()
	}
	if f.failed != nil {
		return f.failed
	}
	path := f.path + ".new"
	file, log, err := f.writeCompacted(path)
	if err != nil {
		// The file as it is goes on; it is only longer than it has to be.
		_ = os.Remove(path)
		f.log.postpone()
		return nil //nolint:nilerr // see above
	}
	old := f.file
	f.file, f.log = file, log
	f.written++
	f.synced = f.written
	f.owed, f.seen = nil, time.Now()
	if err := syncFolder(f.path); err != nil {
		f.failed = errors.Join(ErrBroken, err)
		return f.failed
	}
	_ = filelock.Unlock(old)
	_ = old.Close()
	f.flushed.Broadcast()
	return nil
}

// writeCompacted writes the new file, flushed and locked, and gives it the name.
func (f *File) writeCompacted(path string) (*os.File, fileLog, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // beside the caller's file
	if err != nil {
		return nil, fileLog{}, err
	}
	log, err := f.table.writeTo(file, f.binding.Secret, f.project, f.bound)
	for _, step := range []func() error{
		file.Sync,
		func() error { return filelock.Lock(file) },
		func() error { return os.Rename(path, f.path) },
	} {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		return nil, fileLog{}, errors.Join(err, file.Close())
	}
	return file, log, nil
}
