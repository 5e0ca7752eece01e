package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/commands"
)

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "salebot",
		Short: "Work with the bot constructor Salebot",
		Long: `Works with a project of the bot constructor Salebot from the shell, and runs an
emulator of it on this machine.

The key is read from SALEBOT_API_KEY or from a file of your own (salebot profiles
--help), or asked for. Results go to the standard output, all else to the standard
error.

It ends with

` + commands.ExitCodes,
		Example: `  export SALEBOT_API_KEY=...
  salebot doctor
  salebot send 25554 "Hello"
  salebot clients export clients.csv
  salebot clients import people.csv
  salebot emulator`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _ = writeHelp(cmd.OutOrStdout(), cmd) })
	root.SetHelpCommand(helpCommand())
	root.InitDefaultVersionFlag()
	cobra.EnableCommandSorting = false
	commands.Add(root)
	emulator := newEmulatorCommand()
	emulator.Annotations = map[string]string{offline: "yes"}
	root.AddCommand(emulator, newVersionCommand())
	root.InitDefaultCompletionCmd()
	shortenCompletions(root)
	return root
}

func version() string {
	return fmt.Sprintln("salebot", salebot.Version, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:         "version",
		Short:       "Print the version",
		Example:     "  salebot version",
		Annotations: map[string]string{offline: "yes"},
		Args:        cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), version())
			return err
		},
	}
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:         "help [COMMAND]",
		Short:       "Help for a command",
		Example:     "  salebot help clients export",
		Annotations: map[string]string{offline: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, _, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			return asked.Help()
		},
	}
}

// shortenCompletions gives the command completion, which cobra makes, a help in the
// form of all others.
func shortenCompletions(root *cobra.Command) {
	for _, command := range root.Commands() {
		if command.Name() != "completion" {
			continue
		}
		command.Short = "Print completions for a shell"
		command.Long = "Prints a script that completes commands, flags, actions and parameters in a shell."
		command.Example = "  source <(salebot completion bash)\n  salebot completion fish | source"
		command.Annotations = map[string]string{offline: "yes"}
		for _, shell := range command.Commands() {
			shell.Short = "Print completions for " + shell.Name()
			shell.Long = ""
			shell.Example = "  salebot completion " + shell.Name()
			shell.Annotations = map[string]string{offline: "yes"}
		}
	}
}
