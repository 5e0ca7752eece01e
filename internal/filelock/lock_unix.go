//go:build unix && !solaris && !aix

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Works says that the system has such locks.
const Works = true

// Lock locks a file until it is unlocked or the process ends, however that ends. It
// does not wait: the error is ErrHeld.
func Lock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrHeld
	}
	return err
}

// Unlock opens a file to other processes. Closing it is not enough: a process that is
// just being started holds a copy of it for a moment.
func Unlock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }
