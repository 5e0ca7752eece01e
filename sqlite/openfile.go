package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"sync"
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
	// log is the write-ahead log, to be flushed. It does not matter by which descriptor:
	// the locks of the database are on other files.
	log *os.File
	// flushing keeps others from flushing after a flush that failed: the operating system
	// tells it once.
	flushing sync.Mutex
	janitor  *janitor
	reserve  *reserve
}

// openLog opens the log of a database that has one, and flushes it: of what a process
// wrote that has died, the last may be with the operating system alone. It must not be
// called a duplicate before it is on the disk.
func (f *openFile) openLog() (err error) {
	f.log, err = disk.open(f.path+"-wal", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return disk.flush(f.log)
}

// start begins to take changes, and to look after the file. forget is called each hour.
func (f *openFile) start(forget func(context.Context) error) {
	f.committer = newCommitter(f.writer.write, f.panicked)
	f.committer.flush = f.flushGroup
	f.aside = newCommitter(f.writer.write, f.panicked)
	f.aside.flush = func([]*operation) { f.janitor.note() }
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
	f.janitor.stop()
	f.aside.close()
	f.committer.close()
}

// closeConnections closes those that were opened, and those for reading first, because the
// last one that is closed empties the log.
func (f *openFile) closeConnections(readers ...*reader) (err error) {
	if f.log != nil {
		_ = f.log.Close() // nothing was written by it
	}
	for _, r := range readers {
		if r != nil {
			err = errors.Join(err, r.close())
		}
	}
	if f.writer.connection != nil {
		err = errors.Join(err, f.writer.close())
	}
	return err
}

// flushGroup flushes what a group has written. SQLite itself does not flush what it
// commits, only what it copies out of the log.
func (f *openFile) flushGroup(group []*operation) {
	if !slices.ContainsFunc(group, func(o *operation) bool { return o.flush && o.err == nil }) {
		f.janitor.note() // of the others
		return
	}
	if err := f.flush(); err != nil {
		for _, o := range group {
			if o.err == nil {
				o.err = err
			}
		}
	}
}

// flush flushes the log. That is one file, which only grows until SQLite has copied it, so
// that a flush covers everything before it. If it fails, that ends the use of the file.
func (f *openFile) flush() error {
	f.flushing.Lock()
	defer f.flushing.Unlock()
	if err := f.condition.failure(); err != nil {
		return err
	}
	f.writer.unflushed.Store(false)
	err := disk.flush(f.log)
	if err == nil {
		// Nothing is acknowledged that is in a file which nobody will find again.
		err = f.writer.files.check()
	}
	if err != nil {
		return f.condition.breakDown(err)
	}
	return nil
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
