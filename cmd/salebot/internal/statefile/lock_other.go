//go:build !unix || solaris || aix

package statefile

import "os"

// lockFile does nothing where the system has no such lock.
func lockFile(*os.File) error { return nil }

func unlockFile(*os.File) error { return nil }
