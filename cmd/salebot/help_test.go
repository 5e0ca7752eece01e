package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// Every help begins with examples and fits a narrow terminal.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, command := range everyCommand(newRootCommand()) {
		var help bytes.Buffer
		require.NoError(t, writeHelp(&help, command))
		name := command.CommandPath()
		require.True(t, strings.HasPrefix(help.String(), "Examples:\n  "), "%s begins with examples:\n%s", name, help.String())
		require.NotEmpty(t, command.Short, name)
		for line := range strings.Lines(help.String()) {
			line = strings.TrimSuffix(line, "\n")
			require.LessOrEqual(t, utf8.RuneCountInString(line), helpWidth, "%s: %q", name, line)
			require.NotContains(t, line, "\t", name)
		}
	}
}

func everyCommand(root *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{root}
	for _, command := range root.Commands() {
		if !command.Hidden {
			all = append(all, everyCommand(command)...)
		}
	}
	return all
}

// Flags are described by a sentence, and none takes a key.
func TestFlags(t *testing.T) {
	t.Parallel()
	for _, command := range everyCommand(newRootCommand()) {
		if command.Name() == "emulator" {
			continue // its key is that of the emulated project
		}
		for _, name := range []string{"key", "api-key", "token"} {
			require.Nil(t, command.Flags().Lookup(name), "%s --%s", command.CommandPath(), name)
		}
	}
}
