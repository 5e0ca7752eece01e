package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// flushData flushes what was written to a file, and what is needed to find it there.
func flushData(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = raw.Control(func(descriptor uintptr) {
		for failure = syscall.EINTR; errors.Is(failure, syscall.EINTR); {
			failure = syscall.Fdatasync(int(descriptor))
		}
	})
	return errors.Join(err, failure)
}
