package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// commands runs programs and shows which.
type commands struct {
	output io.Writer
}

// run runs a program in a folder, with additions to the environment, and returns
// what it printed.
func (c commands) run(ctx context.Context, folder string, environment []string, name string, args ...string) (string, error) {
	_, _ = fmt.Fprintln(c.output, "$", name, strings.Join(args, " "))
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), environment...)
	printed, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, printed)
	}
	return strings.TrimSpace(string(printed)), nil
}
