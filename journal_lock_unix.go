//go:build unix && !solaris && !aix

package salebot

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
		return ErrJournalInUse
	}
	return err
}
