package commands

import (
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/salebot-go/salebot/cmd/salebot/internal/records"
)

// output is how a command writes its results.
type output struct {
	format, separator string
	bom, crlf         bool
}

// addTo adds the flags.
func (o *output) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.format, "output", "o", "", "`form`: table, json, jsonl or csv (default table on a terminal, jsonl elsewhere)")
	flags.StringVar(&o.separator, "separator", ",", "of csv: , or ;")
	flags.BoolVar(&o.bom, "bom", false, "begin csv with the mark that Excel wants")
	flags.BoolVar(&o.crlf, "crlf", false, "end lines of csv as Windows does")
	fixed(cmd, "output", "table", "json", "jsonl", "csv")
	fixed(cmd, "separator", ",", ";")
}

// fixed completes a flag by its values.
func fixed(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func (o *output) options(to any) (records.Options, error) {
	_, terminal := terminalOf(to)
	options := records.Options{Format: records.Format(o.format), BOM: o.bom, CRLF: o.crlf, Width: widthOf(to), Color: colored(to)}
	if o.format == "" {
		options.Format = records.Lines
		if terminal {
			options.Format = records.Table
		}
	}
	switch options.Format {
	case records.Table, records.JSON, records.Lines, records.CSV:
	default:
		return options, usage("there is no form %q: --output is table, json, jsonl or csv", o.format)
	}
	switch o.separator {
	case ",":
	case ";":
		options.Semicolon = true
	default:
		return options, usage("--separator is , or ;")
	}
	return options, nil
}

// widthOf is the width of a terminal; 0 for what is none.
func widthOf(stream any) int {
	file, terminal := terminalOf(stream)
	if !terminal {
		return 0
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// results returns a writer to the standard output.
func (o *output) results(cmd *cobra.Command, columns ...string) (records.Writer, error) {
	options, err := o.options(cmd.OutOrStdout())
	if err != nil {
		return nil, err
	}
	return records.NewWriter(cmd.OutOrStdout(), columns, options)
}

// one writes a single record.
func (o *output) one(cmd *cobra.Command, columns []string, values ...any) error {
	results, err := o.results(cmd, columns...)
	if err != nil {
		return err
	}
	if err := results.Write(values...); err != nil {
		return err
	}
	return results.Close()
}
