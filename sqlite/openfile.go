package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
)

// openFile is a database that this process writes to: what an inbox and a ledger have
// in common.
type openFile struct {
	path string
	// name is what the logger calls it.
	name      string
	logger    *slog.Logger
	condition *condition
	committer *committer
	writer    *writer
	janitor   *janitor
	reserve   *reserve
}

// start begins to take changes, and to look after the file. forget is called each hour.
func (f *openFile) start(forget func(context.Context) error) {
	f.committer = newCommitter(f.writer.write, f.panicked)
	f.janitor.start(f, forget)
}

// change has an operation written, unless the file is known to be of no use.
func (f *openFile) change(ctx context.Context, o *operation) error {
	if err := f.condition.usable(); err != nil {
		o.end(err)
		return err
	}
	return f.committer.do(ctx, o)
}

// keep keeps some of the disk for what has to be written when it is full.
func (f *openFile) keep(kept *reserve) error {
	f.reserve, f.writer.reserve = kept, kept
	if !kept.spent.Load() && kept.fill() == nil {
		return nil
	}
	f.logger.Warn(f.name + " takes nothing new, since the disk has no room")
	kept.spent.Store(true)
	return f.writer.script(fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", earlyCheckpoint))
}

// panicked ends the use of the file after a panic: nobody can tell what state it left
// behind.
func (f *openFile) panicked(reason any) error {
	f.logger.Error(f.name+" panicked", slog.Any("panic", reason), slog.String("stack", string(debug.Stack())))
	return f.condition.breakDown(fmt.Errorf("panic: %v", reason))
}

// look ends the use of files that are not there any more.
func (f *openFile) look() {
	if err := f.writer.files.checkAll(); err != nil && f.condition.usable() == nil {
		_ = f.condition.breakDown(err)
	}
}

// flush flushes the log. It does not matter by which descriptor: the locks of the
// database are on other files. A log that cannot be flushed, or is not there, ends the
// use of the file.
func (f *openFile) flush() error {
	if err := f.condition.usable(); err != nil {
		return err
	}
	err := flushFile(f.path + "-wal")
	if failed := (flushError{}); errors.As(err, &failed) || errors.Is(err, fs.ErrNotExist) {
		return f.condition.breakDown(err)
	}
	return err
}

// flushError says that what was written to a file may not be on the disk.
type flushError struct{ error }

func (f flushError) Unwrap() error { return f.error }

func flushFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // it belongs to the file that the caller names
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return flushError{err}
	}
	return nil
}
