//go:build unix

package pairs

import (
	"syscall"
	"time"
)

// ProcessorTime is what this process has used so far, in all its threads.
func ProcessorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
