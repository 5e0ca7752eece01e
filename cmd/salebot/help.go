package main

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpWidth is the width that every help fits.
const helpWidth = 60

// writeHelp writes the help of a command: what to type comes first.
func writeHelp(to io.Writer, cmd *cobra.Command) error {
	var text strings.Builder
	section := func(title, body string) {
		if body = strings.Trim(body, "\n"); body != "" {
			text.WriteString(title + "\n" + body + "\n\n")
		}
	}
	section("Examples:", cmd.Example)
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	text.WriteString(wrapText(about, "") + "\n\n")
	section("Usage:", wrapText(usageLine(cmd), "  "))
	section("Commands:", commandList(cmd))
	section("Flags:", cmd.LocalNonPersistentFlags().FlagUsagesWrapped(helpWidth))
	if cmd.Annotations[offline] == "" && cmd.HasAvailableInheritedFlags() {
		section("Flags of all commands:", cmd.InheritedFlags().FlagUsagesWrapped(helpWidth))
	}
	if cmd.HasAvailableSubCommands() {
		section("More:", wrapText("Help for a command: "+cmd.CommandPath()+" COMMAND --help", "  "))
	}
	_, err := io.WriteString(to, strings.TrimRight(text.String(), "\n")+"\n")
	return err
}

// offline marks commands that call nothing, to which the common flags mean nothing.
const offline = "offline"

func usageLine(cmd *cobra.Command) string {
	if !cmd.Runnable() || cmd.HasAvailableSubCommands() {
		return cmd.CommandPath() + " COMMAND [flags]"
	}
	return cmd.UseLine()
}

func commandList(cmd *cobra.Command) string {
	var list strings.Builder
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() || child.Name() == "help" {
			name := "  " + child.Name() + strings.Repeat(" ", max(0, cmd.NamePadding()-len(child.Name()))) + "  "
			lines := wrapText(child.Short, strings.Repeat(" ", len(name)))
			list.WriteString(name + strings.TrimLeft(lines, " ") + "\n")
		}
	}
	return list.String()
}

// wrapText breaks paragraphs at the width of a help. Lines that begin with a space stay as they
// are.
func wrapText(text, indent string) string {
	var lines []string
	var paragraph []string
	flush := func() {
		line := ""
		for _, word := range paragraph {
			if line != "" && utf8.RuneCountInString(indent+line+" "+word) > helpWidth {
				lines = append(lines, indent+line)
				line = ""
			}
			line = strings.TrimPrefix(line+" "+word, " ")
		}
		if line != "" {
			lines = append(lines, indent+line)
		}
		paragraph = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "":
			flush()
			lines = append(lines, "")
		case strings.HasPrefix(line, " "):
			flush()
			lines = append(lines, line)
		default:
			paragraph = append(paragraph, strings.Fields(line)...)
		}
	}
	flush()
	return strings.Join(lines, "\n")
}
