package commands

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// errAtPrompt is Ctrl-C where a person was asked.
var errAtPrompt = &codedError{exitInterrupted, "ended by Ctrl-C; nothing was done", context.Canceled}

// waitForPerson returns the answer that read reads. Nothing ends the read itself but the
// end of the program; so Ctrl-C only leaves it behind.
func waitForPerson(ctx context.Context, read func() (string, error)) (answer string, err error) {
	done := make(chan struct{})
	var text string
	var failed error
	go func() {
		defer close(done)
		text, failed = read()
	}()
	select {
	case <-done:
		return strings.TrimSpace(text), failed
	case <-ctx.Done():
		return "", errAtPrompt
	}
}

// readSecret reads a line at a terminal, which does not show it.
func readSecret(ctx context.Context, in *os.File) (string, error) {
	terminal := int(in.Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	text, err := waitForPerson(ctx, func() (string, error) {
		line, failed := term.ReadPassword(terminal)
		return string(line), failed
	})
	if errors.Is(err, errAtPrompt) {
		_ = term.Restore(terminal, before)
	}
	return text, err
}

// readLine reads a line; one that the end of the input ends counts too.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	return waitForPerson(ctx, func() (string, error) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return line, err
	})
}
