package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/internal/commands"
)

var documentedPages = []string{"../../docs/cli.md", "../../docs/ru/cli.md"}

// What the pages and the help tell a person to type exists, flags included.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, page := range documentedPages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		found := commandLines(string(text))
		require.Greater(t, len(found), 30, page)
		lines = append(lines, found...)
	}
	for _, command := range everyCommand(newRootCommand()) {
		lines = append(lines, commandLines(strings.ReplaceAll(command.Example, "  salebot", "salebot"))...)
	}
	for _, line := range lines {
		root := newRootCommand()
		command, rest, err := root.Find(words(line))
		require.NoError(t, err, line)
		require.True(t, command.Runnable() && !command.HasAvailableSubCommands() || command == root, "%q is a command of its own", line)
		require.NoError(t, command.ParseFlags(rest), line)
		if command.Args != nil {
			require.NoError(t, command.Args(command, command.Flags().Args()), line)
		}
	}
}

// commandLines are the lines with the command, with those that go on put together.
func commandLines(text string) (lines []string) {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "salebot "); ok {
			lines = append(lines, rest)
		}
	}
	return lines
}

// words splits a line as a shell does, up to what the shell itself would act on.
func words(line string) (split []string) {
	var word strings.Builder
	quote, inWord := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case r == '>' || r == '|':
			return split
		case r == ' ':
			if inWord {
				split = append(split, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		split = append(split, word.String())
	}
	return split
}

// Each code with which the program may end is explained.
func TestDocumentedCodes(t *testing.T) {
	t.Parallel()
	for _, page := range documentedPages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for line := range strings.Lines(commands.ExitCodes) {
			require.Contains(t, string(text), "\n| "+strings.Fields(line)[0]+" | ", page)
		}
	}
}
