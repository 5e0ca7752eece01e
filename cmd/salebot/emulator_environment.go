package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// What surrounds the command emulator: the environment that sets its flags, the
// terminal and the browser of a person, and the check of its health.

// emulatorVariable is the environment variable of a flag of the command emulator.
func emulatorVariable(flag string) string {
	return "SALEBOT_EMULATOR_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags that the command line leaves out and the environment
// has.
func fromEnvironment(flags *pflag.FlagSet) error {
	var problems []error
	flags.VisitAll(func(flag *pflag.Flag) {
		name := emulatorVariable(flag.Name)
		value, there := os.LookupEnv(name)
		if !there || value == "" || flag.Changed || flag.Name == "help" {
			return
		}
		if err := flags.Set(flag.Name, value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	})
	return errors.Join(problems...)
}

// isTerminal reports whether a person sees what is written.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// browse opens an address in the browser of the person.
func browse(ctx context.Context, address string) error {
	program, arguments := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		program = "open"
	case "windows":
		program, arguments = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	command := exec.CommandContext(ctx, program, arguments...) //nolint:gosec // the address is the emulator's own
	if err := command.Start(); err != nil {
		return fmt.Errorf("the browser was not opened: %w", err)
	}
	go func() { _ = command.Wait() }()
	return nil
}

// healthTime bounds the check of the health.
const healthTime = 5 * time.Second

// checkHealth asks the emulator at an address whether it answers: so a container finds
// out about the one in it.
func checkHealth(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if at := net.ParseIP(host); host == "" || at != nil && at.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/_emulator/health", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("no emulator answers: %w", err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the emulator answers with status %d", response.StatusCode)
	}
	return nil
}
