package commands

import (
	"strings"

	"github.com/spf13/cobra"
)

// family returns a command that only has commands of its own.
func family(name, short, example string) *cobra.Command {
	command := &cobra.Command{Use: name, Short: short, Example: example}
	command.SuggestionsMinimumDistance = 2
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		meant := ""
		if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
			meant = ": did you mean " + strings.Join(like, " or ") + "?"
		}
		return usage("%s has no command %q%s", cmd.CommandPath(), args[0], meant)
	}
	return command
}
