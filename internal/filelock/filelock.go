// Package filelock keeps other processes out of a file, if the system can.
package filelock

import "errors"

// ErrHeld says that another process has the lock, or another open file of this one.
var ErrHeld = errors.New("the file is locked by another process")
