//go:build !unix

package ledgertest

import (
	"errors"
	"os"
)

// stop suspends a process if the system can.
func stop(*os.Process) error { return errors.ErrUnsupported }

func resume(*os.Process) error { return errors.ErrUnsupported }
