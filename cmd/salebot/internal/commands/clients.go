package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
)

func (a *app) clients() *cobra.Command {
	command := family("clients", "List, export, import and delete clients",
		"  salebot clients list\n  salebot clients export clients.csv\n  salebot clients import people.csv\n  salebot clients delete 25554")
	command.AddCommand(a.clientsList(), a.clientsExport(), a.clientsImport(), a.clientsDelete())
	return command
}

// clientColumns are the columns of a client, in lists and in exports.
var clientColumns = []string{
	"id", "client_type", "platform_id", "group_id", "name", "tag", "created_at", "updated_at", "block_id", "avatar", "project_id",
}

// clientValues are the values of clientColumns.
func clientValues(c *salebot.ClientRecord) []any {
	return []any{
		c.ID, messengerOf(c), c.PlatformID, c.GroupID, c.Name, c.Tag, stamp(c.CreatedAt), stamp(c.UpdatedAt),
		number(c.BlockID), c.Avatar, number(c.ProjectID),
	}
}

func messengerOf(c *salebot.ClientRecord) any {
	if c.ClientType == salebot.ClientTypeUnrecognized {
		return nil
	}
	return messengerName(c.ClientType)
}

// messengerName is the name of a messenger as --messenger takes it; its number if it
// has no name.
func messengerName(kind salebot.ClientType) string {
	if !kind.Known() {
		return strconv.Itoa(int(kind))
	}
	return strings.NewReplacer(" ", "_", "-", "").Replace(strings.ToLower(kind.String()))
}

// messengerNamed is the messenger with a name or a number.
func messengerNamed(name string) (salebot.ClientType, error) {
	var kind salebot.ClientType
	encoded, err := json.Marshal(name)
	if err == nil {
		err = kind.UnmarshalJSON(encoded)
	}
	if err != nil || kind == salebot.ClientTypeUnrecognized {
		return kind, fmt.Errorf("there is no messenger %.40q", name)
	}
	return kind, nil
}

// stamp is a time; nil for none.
func stamp(t salebot.Timestamp) any {
	if t.IsZero() {
		return nil
	}
	if at, ok := t.Moment(); ok {
		return moment(at)
	}
	return t.String()
}

// number is a number that may be missing; nil for zero.
func number[T ~int64](n T) any {
	if n == 0 {
		return nil
	}
	return n
}

func (a *app) clientsList() *cobra.Command {
	var out output
	var limit int
	var request salebot.ClientsRequest
	var list int64
	command := &cobra.Command{
		Use:     "list",
		Short:   "List clients, the newest first",
		Long:    "Lists clients, the newest first. To get all of them, use salebot clients export.",
		Example: "  salebot clients list\n  salebot clients list --limit 500 --list 17 -o csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return usage("--limit is at least 1")
			}
			results, err := out.results(cmd, clientColumns...)
			if err != nil {
				return err
			}
			client, _, err := a.connect(cmd)
			if err != nil {
				return err
			}
			request.List = salebot.ListID(list)
			request.NewestFirst = list == 0 && !request.NewestFirst
			request.PageSize = min(limit, salebot.MaxClientsPage)
			written := 0
			for record, err := range client.Clients(cmd.Context(), request) {
				if err != nil {
					return errors.Join(results.Flush(), err)
				}
				if err := results.Write(clientValues(&record)...); err != nil {
					return err
				}
				if written++; written == limit {
					break
				}
			}
			return results.Close()
		},
	}
	command.Flags().IntVar(&limit, "limit", 50, "`number` of clients")
	command.Flags().IntVar(&request.Offset, "offset", 0, "`number` of clients to leave out")
	command.Flags().Int64Var(&list, "list", 0, "`number` of a client list")
	command.Flags().BoolVar(&request.NewestFirst, "oldest-first", false, "the oldest first")
	out.addTo(command)
	return command
}

func (a *app) clientsDelete() *cobra.Command {
	var whom audience
	run := bulk{app: a}
	command := &cobra.Command{
		Use:   "delete [CLIENT...]",
		Short: "Delete clients for good",
		Long: `Deletes clients for good, with their conversations. It shows how many there are and asks,
or takes --yes --expect NUMBER. The key needs a permission of its own.`,
		Example: `  salebot clients delete 25554
  salebot clients delete --list 17
  salebot clients delete --from gone.csv \
    --yes --expect 120`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := run.check(cmd); err != nil {
				return err
			}
			profile, client, err := a.start(cmd)
			if err != nil {
				return err
			}
			ids, err := whom.collect(cmd.Context(), cmd.InOrStdin(), client, args)
			if err != nil {
				return err
			}
			p := plan{
				command: "delete", title: fmt.Sprintf("Delete %d clients of %s for good", len(ids), &whom), size: len(ids), unit: "clients",
				sample: idsOf(ids), parts: []any{whom.String(), args}, always: true,
			}
			return run.do(cmd, profile, p, func(ctx context.Context, client *salebot.Client, options salebot.BulkOptions) (*salebot.BulkReport, error) {
				return client.BulkDeleteClients(ctx, salebot.Items(ids), options)
			})
		},
	}
	whom.addTo(command)
	run.addTo(command)
	return command
}
