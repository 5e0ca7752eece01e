package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// ErrInUse says that another process, or another Inbox of this one, has the file
// open. It is a ledger.ErrInUse.
var ErrInUse error = inUseError{}

type inUseError struct{}

func (inUseError) Error() string { return "sqlite: the file is in use by another inbox" }

func (inUseError) Is(target error) bool { return target == ledger.ErrInUse }

// lockSuffix is added to the name of the database file.
const lockSuffix = ".lock"

// fileLock keeps a second inbox away from a file. It is the lock that SQLite itself
// takes on a file, on one beside the database: it works wherever SQLite does, ends
// with the process however that ends, and leaves the database open to people who want
// to read it.
type fileLock struct {
	holder *connection
	// kind tells a lock beside an inbox from one beside a ledger.
	kind int64
	// marked says that there was an inbox, or a ledger, beside this lock before. The
	// lock file stays when that is closed, so that a damaged one can be told from a
	// file that was named by mistake.
	marked bool
}

// The kinds of locks.
const (
	inboxLock  = 1
	ledgerLock = 2
)

// lockPoll is how often a lock is tried that another process has.
const lockPoll = 50 * time.Millisecond

// waitForLock waits for a lock at most that long.
func waitForLock(path string, kind int64, patience time.Duration) (*fileLock, error) {
	for start := time.Now(); ; {
		lock, err := lockFile(path, kind)
		left := patience - time.Since(start)
		if !errors.Is(err, ErrInUse) || left <= 0 {
			return lock, err
		}
		<-time.After(min(lockPoll, left))
	}
}

func lockFile(path string, kind int64) (*fileLock, error) {
	if err := createPrivate(path + lockSuffix); err != nil {
		return nil, fmt.Errorf("sqlite: locking: %w", err)
	}
	holder, err := connect(path + lockSuffix)
	if err != nil {
		return nil, fmt.Errorf("sqlite: locking: %w", err)
	}
	l := &fileLock{holder: holder, kind: kind}
	if err = holder.script("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"); err == nil {
		var version int64
		version, err = holder.number("PRAGMA user_version")
		l.marked = version == kind
	}
	switch {
	case err == nil:
		return l, nil
	case code(err) == codeBusy:
		err = ErrInUse
	default:
		err = fmt.Errorf("sqlite: locking: %w", err)
	}
	return nil, errors.Join(err, holder.close())
}

// mark notes what is beside the lock. The lock is held on: in its
// locking mode the end of a transaction does not end it.
func (l *fileLock) mark() error {
	if l.marked {
		return nil
	}
	return l.holder.script(fmt.Sprintf("PRAGMA user_version = %d; COMMIT", l.kind))
}

func (l *fileLock) release() error { return l.holder.close() }

// createPrivate makes an empty file that only its owner can read, unless there is a
// file: messages of people are going to be in it. A file that exists is not opened,
// because closing it again would end the locks that this process has on it.
func createPrivate(path string) error {
	file, err := disk.open(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}
