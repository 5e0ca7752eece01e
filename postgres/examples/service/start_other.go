//go:build !unix

package main

import (
	"context"
	"errors"
)

// start needs what systems of the Unix family have.
func start(context.Context, settings) error {
	return errors.New("this system cannot start it all: run the parts by themselves, or compose.yaml")
}
