package sqliteinbox

import (
	"errors"
	"fmt"
)

// ErrInUse says that another process, or another Inbox of this one, has the file
// open.
var ErrInUse = errors.New("sqliteinbox: the file is in use by another inbox")

// lockSuffix is added to the name of the database file.
const lockSuffix = ".lock"

// fileLock keeps a second inbox away from a file. It is the lock that SQLite itself
// takes on a file, on one beside the database that nothing is written to: it works
// wherever SQLite does, ends with the process however that ends, and leaves the
// database open to people who want to read it.
type fileLock struct{ holder *connection }

func lockFile(path string) (*fileLock, error) {
	holder, err := connect(path + lockSuffix)
	if err != nil {
		return nil, fmt.Errorf("sqliteinbox: locking: %w", err)
	}
	if err := holder.script("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE"); err != nil {
		_ = holder.close()
		if code(err) == codeBusy {
			return nil, ErrInUse
		}
		return nil, fmt.Errorf("sqliteinbox: locking: %w", err)
	}
	return &fileLock{holder}, nil
}

func (l *fileLock) release() error {
	_, err := l.holder.exec("ROLLBACK")
	return errors.Join(err, l.holder.close())
}
