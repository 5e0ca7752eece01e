package commands

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// nameArguments lets a command, and all below it, say which argument is missing, and not
// only how many there have to be.
func nameArguments(command *cobra.Command) {
	for _, child := range command.Commands() {
		nameArguments(child)
	}
	check := command.Args
	if check == nil {
		return
	}
	command.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			return nil
		}
		if missing := missingArgument(cmd.Use, len(args)); missing != "" {
			return usage("%s is missing: %s", missing, cmd.UseLine())
		}
		return UsageError(err)
	}
}

// omissible is an argument that may be left out.
var omissible = regexp.MustCompile(`\[[^]]*]\S*`)

// missingArgument is the first argument that has to be there and is not; "" if it is not
// known.
func missingArgument(use string, given int) string {
	words := strings.Fields(omissible.ReplaceAllString(use, "[]"))
	for _, word := range words[min(given+1, len(words)):] {
		if word != "[]" {
			return strings.TrimRight(word, ".")
		}
	}
	return ""
}
