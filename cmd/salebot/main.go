// Salebot is a tool for working with Salebot: it sends, reads, exports and imports from
// the shell, and runs an emulator on this machine.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // projects have time zones, also where the system knows none

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot/cmd/salebot/internal/commands"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	// A second signal ends the program at once. Without a signal nobody calls stop: a
	// context that ends is what commands take for one.
	context.AfterFunc(ctx, stop)
	err := execute(ctx, newRootCommand())
	if err != nil {
		fmt.Fprintln(os.Stderr, commands.Message(err))
	}
	return commands.ExitCode(err)
}

// execute runs the command that the arguments name. What fails before the command is
// reached is a mistake of the command line.
func execute(ctx context.Context, root *cobra.Command) error {
	reached := false
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		// cobra would check these later.
		if err := cmd.ValidateFlagGroups(); err != nil {
			return err
		}
		reached = true
		return nil
	}
	err := root.ExecuteContext(ctx)
	if err != nil && !reached {
		return commands.UsageError(err)
	}
	return err
}

// endings are the signals that end the program in good order. That of a terminal
// which is closed is one of them, unless nohup has it ignored.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
