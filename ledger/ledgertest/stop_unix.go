//go:build unix

package ledgertest

import (
	"os"
	"syscall"
)

// stop suspends a process, and resume lets it go on.
func stop(process *os.Process) error { return process.Signal(syscall.SIGSTOP) }

func resume(process *os.Process) error { return process.Signal(syscall.SIGCONT) }
