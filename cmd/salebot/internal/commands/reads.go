package commands

// The commands that only read: history, orders, check.

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/records"
)

func (a *app) history() *cobra.Command {
	var out output
	var limit int
	var from, to string
	command := &cobra.Command{
		Use:   "history CLIENT",
		Short: "Show what was said",
		Long: `Shows the messages of a client, the newest first: the latest, or those of a period of
days in the project's time zone.`,
		Example: `  salebot history 25554
  salebot history 25554 --limit 10
  salebot history 25554 --from 2026-01-01 -o csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := clientOf(args[0])
			if err != nil {
				return UsageError(err)
			}
			if limit < 1 || limit > salebot.MaxHistory {
				return usage("--limit is 1 to %d", salebot.MaxHistory)
			}
			results, err := out.results(cmd, "id", "created_at", "from", "text", "attachments", "delivered", "error")
			if err != nil {
				return err
			}
			client, _, err := a.connect(cmd)
			if err != nil {
				return err
			}
			if from != "" || to != "" {
				return writePeriod(cmd.Context(), client, results, id, from, to)
			}
			items, err := client.GetHistory(cmd.Context(), salebot.GetHistoryRequest{ClientID: id, Limit: limit})
			if err != nil {
				return err
			}
			for i := range items {
				if err = writeItem(results, &items[i]); err != nil {
					return err
				}
			}
			return results.Close()
		},
	}
	command.Flags().IntVar(&limit, "limit", 50, "`number` of messages")
	command.Flags().StringVar(&from, "from", "", "first `day`, such as 2026-01-31, in place of --limit")
	command.Flags().StringVar(&to, "to", "", "last `day` (default today)")
	out.addTo(command)
	return command
}

// writePeriod writes the messages of a period.
func writePeriod(ctx context.Context, client *salebot.Client, results records.Writer, id salebot.ClientID, from, to string) error {
	request, err := period(id, from, to)
	if err != nil {
		return err
	}
	for item, failed := range client.History(ctx, request) {
		if failed != nil {
			return errors.Join(results.Flush(), failed)
		}
		if err = writeItem(results, &item); err != nil {
			return err
		}
	}
	return results.Close()
}

func writeItem(results records.Writer, h *salebot.HistoryItem) error {
	return results.Write(h.ID, stamp(h.CreatedAt), writtenBy(h), h.Text, attached(h), h.Delivered, h.ErrorMessage)
}

// writtenBy says who wrote a message.
func writtenBy(h *salebot.HistoryItem) string {
	switch {
	case h.Origin != salebot.HistoryOriginOrdinary:
		return h.Origin.String()
	case h.ClientReplica:
		return "client"
	case h.EmployeeEmail != "":
		return h.EmployeeEmail
	case h.EmployeeID != 0:
		return "employee " + h.EmployeeID.String()
	}
	return "bot"
}

// attached are the addresses of the files, nil if there is none.
func attached(h *salebot.HistoryItem) any {
	if urls := h.Attachments.URLs(); len(urls) > 0 {
		return urls
	}
	return nil
}

func period(id salebot.ClientID, from, to string) (salebot.HistoryRequest, error) {
	request := salebot.HistoryRequest{ClientID: id, PagesInFlight: pagesInFlight}
	if from == "" {
		return request, usage("--to goes with --from")
	}
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return request, usage("--from is a day, such as 2026-01-31")
	}
	last := time.Now()
	if to != "" {
		if last, err = time.Parse(time.DateOnly, to); err != nil {
			return request, usage("--to is a day, such as 2026-01-31")
		}
	}
	request.StartDate, request.StopDate = salebot.DateOf(first), salebot.DateOf(last)
	return request, nil
}

func (a *app) orders() *cobra.Command {
	var out output
	var status string
	var details bool
	statuses := map[string]salebot.OrderStatus{
		"active": salebot.OrderStatusActive, "successful": salebot.OrderStatusSuccessful, "failed": salebot.OrderStatusFailed,
	}
	command := &cobra.Command{
		Use:     "orders CLIENT",
		Short:   "List the deals of a client",
		Long:    "Lists the deals of a client. Their state and variables cost two requests for each.",
		Example: "  salebot orders 25554\n  salebot orders 25554 --status active --details",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := clientOf(args[0])
			if err != nil {
				return UsageError(err)
			}
			request := salebot.GetOrdersRequest{ClientID: id}
			if status != "" {
				wanted, ok := statuses[status]
				if !ok {
					return usage("--status is active, successful or failed")
				}
				request.Status = &wanted
			}
			columns := []string{"order_id"}
			if details {
				columns = append(columns, "state_id", "variables")
			}
			results, err := out.results(cmd, columns...)
			if err != nil {
				return err
			}
			client, _, err := a.connect(cmd)
			if err != nil {
				return err
			}
			found, err := client.GetOrders(cmd.Context(), request)
			if err != nil {
				return err
			}
			for _, order := range found {
				values := []any{order}
				if details {
					if values, err = detailsOf(cmd.Context(), client, id, order); err != nil {
						return err
					}
				}
				if err := results.Write(values...); err != nil {
					return err
				}
			}
			return results.Close()
		},
	}
	command.Flags().StringVar(&status, "status", "", "only those that are active, successful or failed")
	command.Flags().BoolVar(&details, "details", false, "with state and variables")
	fixed(command, "status", "active", "successful", "failed")
	out.addTo(command)
	return command
}

func detailsOf(ctx context.Context, client *salebot.Client, id salebot.ClientID, order salebot.OrderID) ([]any, error) {
	state, err := client.GetOrderState(ctx, salebot.GetOrderStateRequest{ClientID: id, OrderID: order})
	if err != nil {
		return nil, err
	}
	variables, err := client.GetOrderVariables(ctx, salebot.GetOrderVariablesRequest{ClientID: id, OrderID: order})
	return []any{order, state, variables}, err
}

func (a *app) check() *cobra.Command {
	command := family("check", "Check phone numbers", "  salebot check whatsapp 79990000000")
	command.AddCommand(a.checkWhatsApp())
	return command
}

func (a *app) checkWhatsApp() *cobra.Command {
	var out output
	command := &cobra.Command{
		Use:     "whatsapp PHONE...",
		Short:   "Check whether phones have WhatsApp",
		Long:    "Checks whether phone numbers have WhatsApp. The project needs a connected WhatsApp.",
		Example: "  salebot check whatsapp 79990000000 \"+371 20000000\"",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			results, err := out.results(cmd, "phone", "whatsapp")
			if err != nil {
				return err
			}
			phones := make([]string, len(args))
			for i, arg := range args {
				if phones[i], err = salebot.NormalizePhone(arg); err != nil {
					return usage("%.40q is not a phone number", arg)
				}
			}
			client, _, err := a.connect(cmd)
			if err != nil {
				return err
			}
			for _, phone := range phones {
				has, err := client.CheckWhatsApp(cmd.Context(), phone)
				if err != nil {
					return errors.Join(results.Flush(), err)
				}
				if err := results.Write(phone, has); err != nil {
					return err
				}
			}
			return results.Close()
		},
	}
	out.addTo(command)
	return command
}
