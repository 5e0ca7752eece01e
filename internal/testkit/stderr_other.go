//go:build !linux

package testkit

import "os"

// divertErrors does not see what the runtime prints; on Linux it does.
func divertErrors() (*diversion, error) { return divert(&os.Stderr) }
