//go:build unix && !solaris && !aix

package statefile

import (
	"errors"
	"os"
	"syscall"
)

// lockFile keeps other processes out of a file until it is closed, also by the
// end of the process.
func lockFile(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}

// unlockFile opens a file to other processes. Closing it is not enough: a process
// that is just being started holds a copy of it for a moment.
func unlockFile(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }
