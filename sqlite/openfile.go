package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
)

// openFile is a database that this process writes to: what an inbox and a ledger have
// in common.
type openFile struct {
	path string
	// name is what the logger calls it.
	name      string
	logger    *slog.Logger
	condition *condition
	// committer writes what has to be flushed and what comes with it; aside writes what
	// must not wait for a flush.
	committer, aside *committer
	writer           *writer
	// log is the write-ahead log, to be flushed; nil until that is done first.
	log     *os.File
	janitor *janitor
	reserve *reserve
}

// start begins to take changes, and to look after the file. forget is called each hour.
func (f *openFile) start(forget func(context.Context) error) {
	f.committer = newCommitter(f.writer.write, f.panicked)
	f.committer.flush = f.flushGroup
	f.aside = newCommitter(f.writer.write, f.panicked)
	f.aside.turn = f.committer.turn
	f.janitor.start(f, forget)
}

// change has an operation written, unless the file is known to be of no use.
func (f *openFile) change(ctx context.Context, o *operation) error {
	if err := f.condition.usable(); err != nil {
		o.end(err)
		return err
	}
	if o.aside {
		return f.aside.do(ctx, o)
	}
	return f.committer.do(ctx, o)
}

// finish writes what was begun and takes no more changes.
func (f *openFile) finish() {
	f.aside.close()
	f.committer.close()
	if f.log != nil {
		_ = f.log.Close() // nothing was written by it
	}
}

// flushGroup flushes what a group has written. SQLite itself does not flush what it
// commits, only what it copies out of the log. The log is one file that only grows until
// then, so that a flush covers everything before it.
func (f *openFile) flushGroup(group []*operation) {
	if !slices.ContainsFunc(group, func(o *operation) bool { return o.flush && o.err == nil }) {
		f.janitor.note() // of the others
		return
	}
	f.writer.unflushed.Store(false)
	err := f.flushLog()
	if err == nil {
		// Nothing is acknowledged that is in a file which nobody will find again.
		err = f.writer.files.check()
	}
	if err == nil {
		return
	}
	err = f.condition.breakDown(err)
	for _, o := range group {
		if o.err == nil {
			o.err = err
		}
	}
}

// flushLog flushes the log. It does not matter by which descriptor: the locks of the
// database are on other files.
func (f *openFile) flushLog() error {
	if f.log == nil {
		log, err := os.OpenFile(f.path+"-wal", os.O_RDWR, 0)
		if err != nil {
			return err
		}
		f.log = log
	}
	return flushData(f.log)
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

// flush flushes the log at other times than after a group. A log that cannot be flushed,
// or is not there, ends the use of the file.
func (f *openFile) flush() error {
	if err := f.condition.usable(); err != nil {
		return err
	}
	f.writer.unflushed.Store(false)
	err := flushFile(f.path + "-wal")
	if failed := (flushError{}); errors.As(err, &failed) || errors.Is(err, fs.ErrNotExist) {
		return f.condition.breakDown(err)
	}
	if err != nil {
		f.writer.unflushed.Store(true)
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
