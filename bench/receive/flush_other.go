//go:build !linux

package receive

import "os"

func flush(file *os.File) error { return file.Sync() }
