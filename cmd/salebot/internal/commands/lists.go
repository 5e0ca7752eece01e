package commands

import (
	"context"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
)

func (a *app) lists() *cobra.Command {
	command := family("list", "Add clients to a list, remove them",
		"  salebot list add 17 25554\n  salebot list remove 17 --from people.csv")
	command.AddCommand(
		a.changeList(addition()), a.changeList(removal()),
	)
	return command
}

// listChange is what is done with a list: at once, or for many clients.
type listChange struct {
	name, short, verb string
	few               func(context.Context, *salebot.Client, salebot.ListID, []salebot.ClientID) error
	many              func(*salebot.Client, context.Context, salebot.ListID, iter.Seq2[salebot.ClientID, error], salebot.BulkOptions, ...salebot.CallOption) (*salebot.BulkReport, error)
}

func addition() listChange {
	return listChange{
		name: "add", short: "Add clients to a list", verb: "Add",
		few: func(ctx context.Context, client *salebot.Client, list salebot.ListID, ids []salebot.ClientID) error {
			_, err := client.AddToList(ctx, salebot.AddToListRequest{ListID: list, Clients: ids})
			return err
		},
		many: (*salebot.Client).BulkAddToList,
	}
}

func removal() listChange {
	return listChange{
		name: "remove", short: "Remove clients from a list", verb: "Remove",
		few: func(ctx context.Context, client *salebot.Client, list salebot.ListID, ids []salebot.ClientID) error {
			_, err := client.RemoveFromList(ctx, salebot.RemoveFromListRequest{ListID: list, Clients: ids})
			return err
		},
		many: (*salebot.Client).BulkRemoveFromList,
	}
}

func (a *app) changeList(change listChange) *cobra.Command {
	var whom audience
	run := bulk{app: a}
	command := &cobra.Command{
		Use:   change.name + " LIST [CLIENT...]",
		Short: change.short,
		Long: change.short + `, which may start flows. For many it shows how many there are and asks, or takes
--yes --expect NUMBER; a run that was ended goes on if it is run again.`,
		Example: "  salebot list " + change.name + " 17 25554 25555\n  salebot list " + change.name + " 17 --from people.csv",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := positive(args[0])
			if err != nil {
				return usage("%.40q is not the number of a list", args[0])
			}
			profile, client, err := a.start(cmd)
			if err != nil {
				return err
			}
			ids, err := whom.collect(cmd.Context(), cmd.InOrStdin(), client, args[1:])
			if err != nil {
				return err
			}
			if run.direct(&whom) {
				return a.said(cmd, change.few(a.rehearsal(cmd, run.dryRun), client, salebot.ListID(list), ids), run.dryRun)
			}
			p := plan{
				command: "list-" + change.name, title: fmt.Sprintf("%s %d clients of %s, list %d", change.verb, len(ids), &whom, list),
				size: len(ids), unit: "clients", sample: idsOf(ids), parts: []any{list, whom.String()},
			}
			return run.do(cmd, profile, p, func(ctx context.Context, client *salebot.Client, options salebot.BulkOptions) (*salebot.BulkReport, error) {
				return change.many(client, ctx, salebot.ListID(list), salebot.Items(ids), options)
			})
		},
	}
	whom.addTo(command)
	run.addTo(command)
	return command
}
