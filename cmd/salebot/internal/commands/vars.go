package commands

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
)

func (a *app) vars() *cobra.Command {
	command := family("vars", "Read and write variables",
		"  salebot vars get 25554\n  salebot vars set 25554 city=Riga\n  salebot vars unset 25554 city")
	command.AddCommand(a.varsGet(), a.varsSet(), a.varsUnset())
	return command
}

// deal says that variables are those of a deal and not of the client.
type deal struct {
	current bool
	order   int64
}

func (d *deal) addTo(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&d.current, "deal", false, "those of the client's current deal")
	cmd.Flags().Int64Var(&d.order, "order", 0, "those of the deal with this `number`")
}

func (d *deal) is() bool { return d.current || d.order != 0 }

func (a *app) varsGet() *cobra.Command {
	var of deal
	var out output
	command := &cobra.Command{
		Use:     "get CLIENT [NAME...]",
		Short:   "Read variables of a client",
		Long:    "Reads the variables of a client, or of a deal: all, or those that are named.",
		Example: "  salebot vars get 25554\n  salebot vars get 25554 city phone -o json\n  salebot vars get 25554 --deal",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := clientOf(args[0])
			if err != nil {
				return UsageError(err)
			}
			results, err := out.results(cmd, "name", "value")
			if err != nil {
				return err
			}
			client, _, err := a.connect(cmd)
			if err != nil {
				return err
			}
			variables, err := of.read(cmd.Context(), client, id, args[1:])
			if err != nil {
				return err
			}
			missing := slices.Clone(args[1:])
			for name, value := range variables.All() {
				if len(args) > 1 && !slices.Contains(args[1:], name) {
					continue
				}
				missing = slices.DeleteFunc(missing, func(wanted string) bool { return wanted == name })
				if err := results.Write(name, value.Raw()); err != nil {
					return err
				}
			}
			if err := results.Close(); err != nil {
				return err
			}
			if len(missing) > 0 {
				return &codedError{code: exitNotFound, text: fmt.Sprintf("client %d has no variable %s", id, strings.Join(missing, ", "))}
			}
			return nil
		},
	}
	of.addTo(command)
	out.addTo(command)
	return command
}

func (d *deal) read(ctx context.Context, client *salebot.Client, id salebot.ClientID, names []string) (salebot.Variables, error) {
	if d.is() {
		return client.GetOrderVariables(ctx, salebot.GetOrderVariablesRequest{ClientID: id, OrderID: salebot.OrderID(d.order), Names: names})
	}
	return client.GetVariables(ctx, id)
}

func (a *app) varsSet() *cobra.Command {
	return a.writeVars(varsWriting{
		name: "set", arguments: "NAME=TEXT...", short: "Write variables",
		long: `Writes variables of a client, of a deal, or of many clients. For many it asks, or takes
--yes --expect NUMBER.`,
		example: `  salebot vars set 25554 city=Riga "name=Anna B."
  salebot vars set 25554 --deal sum=100
  salebot vars set --list 17 season=spring`,
		values: assignments,
	})
}

func (a *app) varsUnset() *cobra.Command {
	return a.writeVars(varsWriting{
		name: "unset", arguments: "NAME...", short: "Blank variables",
		long:    "Blanks variables of a client, of a deal, or of many clients. For many it asks.",
		example: "  salebot vars unset 25554 city\n  salebot vars unset --list 17 season",
		values: func(names []string) (map[string]any, error) {
			values := map[string]any{}
			for _, name := range names {
				values[name] = nil
			}
			return values, nil
		},
	})
}

// varsWriting is a command that writes variables.
type varsWriting struct {
	name, arguments, short, long, example string
	values                                func([]string) (map[string]any, error)
}

func (a *app) writeVars(w varsWriting) *cobra.Command {
	var of deal
	var whom audience
	run := bulk{app: a}
	command := &cobra.Command{
		Use: w.name + " [CLIENT] " + w.arguments, Short: w.short, Long: w.long, Example: w.example, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var named []string
			if !whom.isMany() {
				named, args = args[:1], args[1:]
			}
			values, err := w.values(args)
			if err != nil {
				return UsageError(err)
			}
			if len(values) == 0 {
				return usage("no variable: name one")
			}
			if of.is() && whom.isMany() {
				return usage("variables of deals are written for one client at a time")
			}
			profile, client, err := a.start(cmd)
			if err != nil {
				return err
			}
			ids, err := whom.collect(cmd.Context(), cmd.InOrStdin(), client, named)
			if err != nil {
				return err
			}
			if run.direct(&whom) || of.is() {
				return a.said(cmd, of.write(a.rehearsal(cmd, run.dryRun), client, ids[0], values), run.dryRun)
			}
			values = profileNames(values)
			names := slices.Sorted(maps.Keys(values))
			p := plan{
				command: "vars-" + w.name, title: fmt.Sprintf("Write variables of %d clients of %s", len(ids), &whom), size: len(ids), unit: "clients",
				sample: append([]string{strings.Join(names, ", ")}, idsOf(ids)...), parts: []any{names, values, whom.String()},
			}
			return run.do(cmd, profile, p, func(ctx context.Context, client *salebot.Client, options salebot.BulkOptions) (*salebot.BulkReport, error) {
				return client.BulkSaveVariables(ctx, values, salebot.Items(ids), options)
			})
		},
	}
	of.addTo(command)
	whom.addTo(command)
	run.addTo(command)
	return command
}

func (d *deal) write(ctx context.Context, client *salebot.Client, id salebot.ClientID, values map[string]any) error {
	if d.is() {
		_, err := client.SetOrderVariables(ctx, salebot.SetOrderVariablesRequest{ClientID: id, OrderID: salebot.OrderID(d.order), Variables: values})
		return err
	}
	_, err := client.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: id, Variables: profileNames(values)})
	return err
}

// profileNames gives names the prefix of the client's own variables, which vars get
// reads, unless they have it.
func profileNames(values map[string]any) map[string]any {
	named := make(map[string]any, len(values))
	for name, value := range values {
		named[salebot.ClientVariable(strings.TrimPrefix(name, salebot.ClientPrefix))] = value
	}
	return named
}
